"""The command line as a whole: help, exit codes, colours, completion, the manual page, warnings and dry runs."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import click
import numpy as np
import pytest
from conftest import ROOT
from samples import write

import era5fast as e5
from era5fast import cli, cli_manual, cli_options, errors
from era5fast.exit_codes import EXIT_CODES

pytestmark = pytest.mark.native

COMMANDS = sorted(cli.cli.commands)
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def daily(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two years of daily maxima with a hot week."""
    days = np.arange("2001-01-01", "2003-01-01", dtype="M8[D]").astype("M8[s]").astype("int64")
    values = np.full((len(days), 3, 4), 290.0, "f4") + np.arange(12, dtype="f4").reshape(3, 4)
    values[200:207] += 20
    folder = tmp_path_factory.mktemp("daily")
    return write(folder / "tx.nc", values, days, latitude=[50, 49, 48], longitude=[0, 1, 2, 3], name="tx")


# --- help ---


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_fits_a_screen(run: Run, command: str) -> None:
    code, text, _ = run(*filter(None, [command, "--help"]))
    assert code == 0
    assert len(text.splitlines()) <= 24
    assert max(map(len, text.splitlines())) <= 79


@pytest.mark.parametrize("command", ["events", "track"])
def test_more_shows_what_the_short_help_leaves_out(run: Run, command: str) -> None:
    code, text, _ = run(command, "--more")
    assert code == 0
    assert all(f"--{name} " in text for name in ("core", "where", "areas", "window", "connectivity", "climatology"))
    assert "--core" not in run(command, "--help")[1]


def test_every_failure_has_an_exit_code() -> None:
    codes = {cls: cli.exit_code(cls("x")) for cls in errors.BY_CODE.values() if issubclass(cls, errors.Era5FastError)}
    assert {cls.__name__ for cls, code in codes.items() if code == 1} == {"InternalError", "ForkedProcessError"}
    assert codes[errors.StorageError] == 5
    assert codes[errors.LicenceError] == 3
    assert cli.exit_code(errors.BatchError({"x": errors.JobFailedError("no")}, [])) == 3
    assert cli.exit_code(ZeroDivisionError()) == 1


def test_the_manual_page_has_every_command_and_option() -> None:
    page = cli_manual.page()
    for name, command in cli.cli.commands.items():
        assert f"\n.SS era5fast {name} " in page
        part = page.partition(f"\n.SS era5fast {name} ")[2].partition("\n.SS ")[0].replace("\\-", "-")
        options = [option for option in command.params if isinstance(option, click.Option)]
        assert all(option.opts[0] in part for option in options)
    for row in EXIT_CODES:
        assert f"\n.B {row.code}\n{row.text}\n" in page.replace("\\-", "-")
    assert not any(option.hidden for option in cli.cli.commands["fetch"].params if isinstance(option, click.Option))
    assert any(option.hidden for option in cli.cli.commands["events"].params if isinstance(option, click.Option))


def test_the_manual_page_that_is_shipped_knows_the_same_words() -> None:
    shipped = (ROOT / "man/era5fast.1").read_text(encoding="utf-8")
    words = re.compile(r"^\.(?:SS|TP|SH|B).*", re.M)
    made = [line.split("[")[0] for line in words.findall(cli_manual.page())]
    assert [line.split("[")[0] for line in words.findall(shipped)] == made, "run 'make man'"


# --- completion ---


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(run: Run, shell: str) -> None:
    code, text, _ = run("completion", shell)
    assert code == 0
    assert "_ERA5FAST_COMPLETE" in text
    assert run("completion", "tcsh")[0] == 2


@pytest.mark.parametrize(("words", "wanted"), [("era5fast ev", "events"), ("era5fast fetch --dry", "--dry-run")])
def test_words_are_completed(words: str, wanted: str) -> None:
    program = "from era5fast.cli import cli; cli(prog_name='era5fast')"
    asked = {"_ERA5FAST_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    done = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, **asked}, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.split(",")[-1].strip() == wanted


# --- names of files ---


@pytest.mark.parametrize(
    "words",
    [
        ["plan", "FILE"],
        ["fetch", "FILE"],
        ["indices", "FILE", "-o", "x.nc"],
        ["events", "FILE", "-o", "x.gpkg"],
        ["track", "FILE", "-o", "x.gpkg"],
        ["show", "FILE"],
        ["demo", "--data", "FILE"],
    ],
    ids=lambda words: words[0],
)
def test_a_mistyped_file_is_an_error_of_usage(run: Run, daily: Path, words: list[str]) -> None:
    def told(name: Path) -> str:
        code, _, text = run(*(str(name) if word == "FILE" else word for word in words))
        assert code == 2
        assert "Usage: " in text
        return " ".join(text.split())

    assert f"there is no file {daily.parent / 'txx.nc'}: did you mean 'tx.nc'?" in told(daily.parent / "txx.nc")
    assert f"nor a folder {daily.parent / 'none'}" in told(daily.parent / "none" / "tx.nc")
    assert f"{daily.parent} is a folder: name a file in it" in told(daily.parent)


def test_the_mask_of_a_search_must_be_there(run: Run, daily: Path, tmp_path: Path) -> None:
    code, _, told = run("events", daily, "-o", tmp_path / "x.gpkg", "--where", tmp_path / "mask.nc")
    assert (code, "'--where': there is no file" in told) == (2, True)


def test_a_pattern_without_files_is_told_by_the_command(run: Run, tmp_path: Path) -> None:
    code, _, told = run("indices", tmp_path / "t*.nc", "-o", tmp_path / "x.nc")
    assert (code, "no file matches" in told) == (2, True)


# --- colours and warnings ---


class Terminal:
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("environment", "on_terminal", "in_file"),
    [
        ({}, True, False),
        ({"NO_COLOR": "1"}, False, False),
        ({"FORCE_COLOR": "1"}, True, True),
        ({"FORCE_COLOR": "0"}, True, False),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, False, False),
        ({"TERM": "dumb"}, False, False),
    ],
)
def test_colours_are_for_terminals(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, environment: dict[str, str], on_terminal: bool, in_file: bool
) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert cli_options.colour(Terminal()) is on_terminal  # type: ignore[arg-type]
    with open(tmp_path / "log", "w") as file:
        assert cli_options.colour(file) is in_file
    assert cli_options.colour(file) is in_file  # closed


def test_no_colours_reach_a_pipe(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "empty.yaml").touch()
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    code, _, told = run("plan", tmp_path / "empty.yaml")
    assert (code, told.count("\n")) == (2, 1)
    assert "\x1b" not in told
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b" in run("plan", tmp_path / "empty.yaml")[2]


def test_warnings_are_lines_without_a_place(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    @click.command()
    def warn() -> None:
        warnings.warn("look here", UserWarning, stacklevel=1)
        warnings.warn("what one package says to another", DeprecationWarning, stacklevel=1)

    monkeypatch.setitem(cli.cli.commands, "warn", warn)
    assert run("warn") == (0, "", "era5fast: warning: look here\n")


def test_a_package_that_is_missing_is_named(run: Run, daily: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    @click.command()
    def lack() -> None:
        raise ModuleNotFoundError("No module named 'pandas'")

    monkeypatch.setitem(cli.cli.commands, "lack", lack)
    code, _, told = run("lack")
    assert (code, told.count("\n")) == (1, 1)
    assert "'pandas'" in told
    assert "pip install" in told


def test_an_import_that_is_interrupted_is_no_package_that_is_missing(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    @click.command()
    def load() -> None:
        with contextlib.suppress(KeyboardInterrupt):  # as C code does that only knows that something failed
            signal.raise_signal(signal.SIGINT)
        raise ImportError("numpy._core.multiarray failed to import")

    monkeypatch.setattr(signal, "getsignal", lambda number: signal.default_int_handler)
    monkeypatch.setitem(cli.cli.commands, "load", load)
    assert run("load") == (130, "", "era5fast: stopped; run it again to go on\n")


def test_a_reader_that_has_gone_is_no_failure() -> None:
    program = "import sys; sys.argv[1:] = ['doctor', '--offline', '--json']; from era5fast.cli import main; main()"
    shell = f'{sys.executable} -c "{program}" | head -n 1; exit ${{PIPESTATUS[0]}}'
    done = subprocess.run(["bash", "-c", shell], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "{\n", "")


# --- nothing is changed ---


def test_a_dry_run_of_a_search_writes_nothing(run: Run, daily: Path, tmp_path: Path) -> None:
    database = tmp_path / "e.gpkg"
    code, text, _ = run("events", daily, "-o", database, "--above", "305", "--dry-run")
    assert code == 0
    assert "1 heatwave event:" in text
    assert text.splitlines()[-1] == f"Nothing was added to {database}: this was a dry run."
    answer = json.loads(run("events", daily, "-o", database, "--above", "305", "--dry-run", "--json")[1])
    assert (answer["events"], answer["dry_run"]) == (1, True)
    assert "added" not in answer
    assert list(tmp_path.iterdir()) == []


def test_a_dry_run_of_indices_writes_nothing(run: Run, daily: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.nc"
    code, text, _ = run("indices", daily, "-o", target, "--dry-run", "--json")
    assert code == 0
    foreseen = json.loads(text)
    assert foreseen["dry_run"] is True
    assert not target.exists()
    assert {"su", "txx"} <= set(foreseen["indices"])
    code, text, told = run("indices", daily, "-o", target, "--indices", "su,txx", "--json")
    assert (code, told) == (0, "")
    assert json.loads(text) == {"file": str(target), "indices": ["su", "txx"]}
    assert set(e5.open_dataset(target).data_vars) == {"su", "txx"}
    assert run("indices", daily, "-o", target, "--indices", "su", "-q") == (0, "", "")


def test_indices_keep_the_old_file_when_they_fail(run: Run, daily: Path, tmp_path: Path) -> None:
    (tmp_path / "out.nc").write_text("old")
    code, _, told = run("indices", daily, "-o", tmp_path / "out.nc", "--indices", "sux")
    assert (code, told.count("\n")) == (2, 1)
    assert "no index is called sux" in told
    assert (tmp_path / "out.nc").read_text() == "old"


# --- options of a search ---


def test_options_of_a_search_reach_it(run: Run, daily: Path, tmp_path: Path) -> None:
    options = ["--max-gap", 1, "--closing", 50, "--opening", 20, "--min-daily-area", 10, "--min-duration", 2]
    options += ["--core", "308", "--areas", "wgs84", "--climatology", "--base-period", "2001-2002", "--cells"]
    code, _, told = run("events", daily, "-o", tmp_path / "e.gpkg", "--above", "305", *options, "-q")
    assert (code, told) == (0, "")
    normal = e5.climatology(daily, base_period=("2001", "2002"), progress=False)
    wanted = e5.find_events(
        daily, 305.0, core=308.0, climatology=normal, max_gap=1, closing_km=50, opening_km=20, min_daily_area_km2=10,
        min_duration=2, areas="wgs84", progress=False,
    )  # fmt: skip
    database = e5.EventDatabase(tmp_path / "e.gpkg")
    (stored,) = database.sql("SELECT definition FROM diagnostic")["definition"]
    assert json.loads(stored) == wanted.definition
    assert database.sql("SELECT severity_max FROM event")["severity_max"].notna().all()
    assert len(database.sql("SELECT * FROM event_cells")) > 0


def test_areas_are_followed_from_day_to_day(run: Run, daily: Path, tmp_path: Path) -> None:
    options = ["--overlap", "0.5", "--of", "union", "--max-missing", 1, "--connectivity", 4, "--kind", "hot air"]
    code, text, _ = run("track", daily, "-o", tmp_path / "t.gpkg", "--above", "305", *options, "--json")
    assert code == 0
    wanted = e5.track(daily, 305.0, overlap=0.5, of="union", max_missing=1, connectivity=4, progress=False)
    assert json.loads(text)["events"] == len(wanted) > 0
    (stored,) = e5.EventDatabase(tmp_path / "t.gpkg").sql("SELECT definition FROM diagnostic")["definition"]
    assert json.loads(stored) == wanted.definition
    assert run("track", daily, "-o", tmp_path / "t.gpkg", "--above", "305", "--of", "all")[0] == 2

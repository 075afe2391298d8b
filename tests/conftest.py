"""What all tests share: the folder of real files, C programs built by make, and a look at which core is tested."""

import faulthandler
import os
import re
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib import import_module
from pathlib import Path

import pytest
from look_alike import ANSWER, Client

from era5fast import cli
from era5fast.testing import Service

ROOT = Path(__file__).resolve().parent.parent
REAL_DATA = ROOT.parent / "shared" / "data" / "real"
SKIPPED_FOR_DATA = "real data are not there"

# Not tests, and imported by name from the tests that need them.
collect_ignore = ["reference", "benchmarks"]

# Before whatever loads ecCodes, as xarray does when it looks for its engines: geopandas fails after that.
with suppress(ImportError):
    import_module("pyproj")

# For `from tests.reference import ...`; last, so that an installed or instrumented era5fast is still found first.
sys.path.append(str(ROOT))
os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("SOURCE_DATE_EPOCH", "1000000000")  # the time in the history of results: the same all day


def pytest_configure():
    """Refuse to run when the core that is imported is not the one that was meant (see `make asan`)."""
    if expected := os.environ.get("E5_CORE"):
        from era5fast import _core

        if not Path(_core.__file__).is_relative_to(ROOT / expected):
            raise pytest.UsageError(f"era5fast._core is {_core.__file__}, not the one in {expected}")


def pytest_terminal_summary(terminalreporter):
    """Say plainly when the tests on real files did not run."""
    skipped = terminalreporter.stats.get("skipped", [])
    if count := sum(SKIPPED_FOR_DATA in str(report.longrepr) for report in skipped):
        terminalreporter.write_sep("!", f"{count} tests on real ERA5 files did not run: no folder {REAL_DATA}")


@pytest.fixture(autouse=True)
def no_settings_of_the_user(tmp_path_factory, monkeypatch):
    """Neither the journal nor the configuration, the token or the netrc of whoever runs the tests is touched."""
    home = tmp_path_factory.mktemp("home")
    for name in [name for name in os.environ if re.match("ERA5FAST_|CDSAPI_|ECMWF_DATASTORES_", name)]:
        if name not in ("ERA5FAST_NUM_THREADS",):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("NETRC", str(home / "netrc"))
    monkeypatch.setenv("ERA5FAST_JOURNAL", str(home / "journal.db"))
    (home / "config.toml").touch()
    monkeypatch.setenv("ERA5FAST_CONFIG", str(home / "config.toml"))
    return home


@pytest.fixture
def nothing_hangs() -> Iterator[None]:
    """A test has its time; then the stacks of all threads are shown and all is over."""
    faulthandler.dump_traceback_later(60, exit=True)
    yield
    faulthandler.cancel_dump_traceback_later()


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Run a command line; exit code, output and errors."""

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["era5fast", *map(str, arguments)])
        code = 0
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("default")
                cli.main()
        except SystemExit as end:
            code = int(end.code or 0)
        return (code, *capsys.readouterr())

    return run


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of real ERA5 files beside the checkout; a test that asks for it is skipped where there is none."""
    if not REAL_DATA.is_dir():
        pytest.skip(SKIPPED_FOR_DATA)
    return REAL_DATA


def run_make(*targets: str) -> None:
    """Run make in the checkout, cut off from a make that may be running us; fail the test with its output."""
    env = {name: value for name, value in os.environ.items() if name not in {"MAKEFLAGS", "MAKELEVEL", "LD_PRELOAD"}}
    command = ["make", "-s", f"-j{os.cpu_count()}", *targets]
    result = subprocess.run(command, cwd=ROOT, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert result.returncode == 0, result.stdout


@pytest.fixture(scope="session")
def c_build() -> Path:
    """Build the core and its C tests, no more than what has changed; return the folder."""
    run_make("c-build", "VARIANT=plain")
    return ROOT / "build" / "c" / "plain"


@pytest.fixture
def cds():
    """A look-alike of the service; a secret that reaches its store fails the test."""
    with Service() as service:
        yield service
        assert service.leaks == []


@pytest.fixture
def client(cds) -> Client:
    """A plain client of its protocol."""
    return Client(cds)


@pytest.fixture
def quick(cds, client) -> Client:
    """A client of a service whose answers are given, not computed."""
    cds.script(answer=ANSWER)
    return client

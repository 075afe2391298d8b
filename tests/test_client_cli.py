"""The command line of the client: plan, fetch, jobs, their exit codes and their JSON."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from era5fast.exit_codes import EXIT_CODES
from tests.client_kit import DATASET, QUICK, REQUEST, environment, grib, quick, running_service, wait_for
from tests.look_alike import slowness

pytestmark = pytest.mark.native

REQUEST_FILE = f"""
dataset: {DATASET}
variable: 2t
start: 2013-06-01
end: 2013-06-03
area: [47, -1, 46, 1]
hours: [0, 12]
"""


@pytest.fixture
def cds(monkeypatch):
    with running_service() as service:
        monkeypatch.setenv("CDSAPI_URL", service.url)
        monkeypatch.setenv("CDSAPI_KEY", service.key)
        for name, value in QUICK.items():
            monkeypatch.setenv(f"ERA5FAST_{name.upper()}", str(value))
        yield service


@pytest.fixture
def request_file(tmp_path):
    path = tmp_path / "request.yaml"
    path.write_text(REQUEST_FILE)
    return path


def test_exit_codes_are_documented(run) -> None:
    page = (Path(__file__).parent.parent / "docs" / "reference" / "command-line.md").read_text()
    assert "```{exit-codes}\n" in page  # which makes a table of them
    _, text, _ = run("--help")
    for row in EXIT_CODES:
        assert f"{row.code} {row.text}" in " ".join(text.partition("Exit codes:")[2].split())


def test_a_plan_says_what_would_be_asked(cds, run, request_file) -> None:
    code, text, _ = run("plan", request_file)
    assert code == 0
    assert "1 job, 6 fields" in text
    assert cds.count("costing") == 1
    assert cds.jobs == []
    code, text, _ = run("plan", "--json", "--offline", request_file)
    (job,) = json.loads(text)
    assert (code, job["dataset"], job["fields"]) == (0, DATASET, 6)
    assert job["inputs"]["variable"] == ["2m_temperature"]
    assert cds.count("costing") == 1


def test_a_plan_needs_no_token(run, request_file) -> None:
    code, text, told = run("plan", request_file)
    assert code == 0
    assert "6 fields" in text
    assert "built-in table" in told


def test_fetch_downloads_and_goes_on(cds, run, request_file, tmp_path) -> None:
    folder = tmp_path / "data"
    assert run("fetch", "--quiet", request_file, folder) == (0, "", "")
    (path,) = map(str, folder.glob("*.nc"))
    calls = len(cds.requests)
    code, text, _ = run("fetch", "--json", request_file, folder)
    assert (code, json.loads(text)) == (0, {"files": [path], "failures": {}})
    assert run("fetch", request_file, folder)[1] == f"{path}\n"
    assert len(cds.requests) == calls


def test_a_log_file_tells_what_goes_on(cds, run, request_file, tmp_path) -> None:
    code, text, told = run("fetch", request_file, tmp_path / "data")
    stamp = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d "
    assert code == 0
    assert len(text.split()) == 1
    assert all(re.match(stamp, line) for line in told.splitlines())
    assert re.search(stamp + r"done, \d+ kB of \d+ kB\n$", told)


@pytest.mark.parametrize(("option", "words"), [("-v", ["submitted", "updated to successful"]), ("-vv", ["POST /"])])
def test_verbose(cds, request_file, tmp_path, option, words) -> None:
    command = [sys.executable, "-P", "-m", "era5fast", "fetch", option, str(request_file), str(tmp_path / "data")]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=30)
    assert done.returncode == 0
    assert all(word in done.stderr for word in words), done.stderr
    assert cds.key not in done.stderr


def test_quiet_and_verbose_exclude_each_other(run, request_file) -> None:
    code, _, told = run("fetch", "-q", "-v", request_file)
    assert code == 2
    assert "exclude" in told


def test_fetch_lists_what_failed(cds, run, request_file, tmp_path) -> None:
    cds.script(outcome="failed", traceback="no data\n\nThe job failed with: MarsNoDataError")
    code, text, told = run("fetch", request_file, tmp_path)
    assert (code, text) == (3, "")
    assert "no data" in told
    assert "1 of 1 files failed" in told
    code, text, _ = run("fetch", "--json", request_file, tmp_path)
    assert code == 3
    assert "no data" in next(iter(json.loads(text)["failures"].values()))


def test_exit_codes(cds, run, request_file, tmp_path, monkeypatch) -> None:
    assert run("fetch", tmp_path / "none.yaml")[0] == 2
    (tmp_path / "bad.yaml").write_text("variable: 2t\n")
    code, _, told = run("plan", tmp_path / "bad.yaml")
    assert code == 2
    assert "no dataset" in told
    assert run("fetch")[0] == 2
    cds.fault("internal_error", route="jobs")
    cds.fault("internal_error", route="job")
    monkeypatch.setenv("ERA5FAST_PATIENCE", "0.1")
    assert run("fetch", request_file, tmp_path / "x")[0] == 4
    monkeypatch.setenv("CDSAPI_KEY", "wrong-" + cds.key)
    assert run("jobs")[0] == 3
    monkeypatch.delenv("CDSAPI_KEY")
    assert run("jobs")[0] == 2


def test_a_dry_run_of_a_download_asks_for_nothing(cds, run, request_file, tmp_path, monkeypatch) -> None:
    folder = tmp_path / "data"
    code, text, told = run("fetch", "--dry-run", request_file, folder)
    assert (code, told) == (0, "")
    assert "6 fields" in text
    assert text.splitlines()[-1].startswith("0 of the files there, 1 job to run; nothing was asked for")
    assert cds.jobs == []
    assert not folder.exists()
    _, path, _ = run("fetch", request_file, folder)
    answer = json.loads(run("fetch", "--dry-run", "--json", request_file, folder)[1])
    assert answer == {"there": [path.strip()], "asked": []}
    monkeypatch.delenv("CDSAPI_KEY")
    code, text, told = run("fetch", "--dry-run", request_file, folder)
    assert (code, text.splitlines()[0]) == (0, f"{path.strip()} is there")
    assert "built-in table" in told


def test_a_dry_run_of_cancelling_leaves_the_jobs(cds, run) -> None:
    cds.script(accepted=60, answer=grib(1000))
    job = quick(cds).submit(DATASET, REQUEST)
    assert run("jobs", "--dry-run", "--cancel", job.id) == (0, f"{job.id} would be cancelled\n", "")
    assert job.status == "accepted"
    assert json.loads(run("jobs", "--json", "--dry-run", "--cancel", job.id)[1])["cancelled"] == [job.id]
    assert run("jobs", "--dry-run", "--cancel", "0" * 8)[0] == 3


def test_jobs_are_listed_and_cancelled(cds, run) -> None:
    assert run("jobs") == (0, "no jobs\n", "")
    cds.script(accepted=60, answer=grib(1000))
    client = quick(cds)
    first, second = client.submit(DATASET, REQUEST), client.submit(DATASET, {**REQUEST, "day": "07"})
    code, text, _ = run("jobs")
    assert code == 0
    assert [line.split()[:2] for line in text.splitlines()] == [[second.id, "accepted"], [first.id, "accepted"]]
    assert DATASET in text
    code, text, _ = run("jobs", "--json", "--limit", 1, "--status", "accepted", "--dataset", DATASET)
    assert [row["id"] for row in json.loads(text)] == [second.id]
    assert run("jobs", "--cancel", first.id) == (0, f"{first.id} cancelled\n", "")
    code, _, told = run("jobs", "--cancel", first.id)
    assert code == 3
    assert "does not know" in told
    assert json.loads(run("jobs", "--json", "--cancel", second.id)[1]) == {"cancelled": [second.id]}


@pytest.mark.parametrize(("options", "left"), [([], 1), (["--dismiss-on-interrupt"], 0)])
def test_ctrl_c(cds, request_file, tmp_path, options, left) -> None:
    cds.script(accepted=60, answer=grib(1000))
    command = [sys.executable, "-P", "-m", "era5fast", "fetch", str(request_file), str(tmp_path / "data"), *options]
    process = subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        wait_for(lambda: cds.count("jobs"))
        process.send_signal(2)
        _, told = process.communicate(timeout=5 * slowness())
    finally:
        process.kill()
    assert process.returncode == 130
    assert "run it again to go on" in told
    assert ("1 job was dismissed at the service" in told) == (left == 0)
    assert sum(job.dismissed is None for job in cds.jobs) == left

"""The doctor: one row a check, each with advice; and what is installed."""

from __future__ import annotations

import io
import json
import logging
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import era5fast as e5
from era5fast import doctor, installation
from era5fast.doctor import CHECKS, Finding, Patient, examine
from era5fast.testing import Service
from tests.client_kit import running_service

pytestmark = pytest.mark.native


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user without settings."""
    for name in list(os.environ):
        if name.startswith(("CDSAPI", "ECMWF_DATASTORES", "ERA5FAST")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    e5.set_num_threads(0)
    return tmp_path


@pytest.fixture
def cds(home: Path, monkeypatch: pytest.MonkeyPatch):
    with running_service() as service:
        monkeypatch.setenv("CDSAPI_URL", service.url)
        monkeypatch.setenv("CDSAPI_KEY", service.key)
        yield service


def of(check: str, **options: Any) -> list[Finding]:
    """What one check finds."""
    return list(CHECKS[check](Patient(Path("."), **options)))


def service_of(directory: Path) -> dict[str, list[Finding]]:
    found: dict[str, list[Finding]] = {}
    for finding in examine(directory):
        found.setdefault(finding.check, []).append(finding)
    return found


def test_every_check_is_a_row(home: Path) -> None:
    found = list(examine(home, offline=True))
    assert {finding.check for finding in found} == set(CHECKS)
    assert all(finding.state in ("ok", "note", "warning", "fault") for finding in found)
    assert all("\n" not in finding.text + finding.advice for finding in found)
    assert all(finding.advice for finding in found if finding.state in ("warning", "fault"))
    assert {path.name for path in home.iterdir()} == set()  # nothing is left


def test_the_token_is_never_shown(cds: Service, tmp_path: Path) -> None:
    found = service_of(tmp_path)
    assert "CDSAPI_KEY" in found["token"][0].text
    assert all(cds.key not in str(finding) for rows in found.values() for finding in rows)
    assert found["service"][0].state == "ok"


def test_licences(cds: Service, tmp_path: Path) -> None:
    found = service_of(tmp_path)["licences"]
    assert {finding.state for finding in found} == {"ok"}
    assert all("is accepted" in finding.text for finding in found)


def test_a_licence_that_is_missing(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with running_service(licences_accepted=False) as service:
        monkeypatch.setenv("CDSAPI_URL", service.url)
        monkeypatch.setenv("CDSAPI_KEY", service.key)
        first, *_ = service_of(home)["licences"]
        assert first.state == "warning"
        (call,) = re.findall(r"Client\(\)\.(accept_licence\(.*\))", first.advice)
        eval(f"client.{call}", {"client": e5.Client(progress=False)})
        assert service_of(home)["licences"][0].state == "ok"


def test_a_token_that_is_refused(cds: Service, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CDSAPI_KEY", "00000000-0000-4000-8000-000000000000")
    found = service_of(home)
    assert found["service"][0].state == "fault"
    assert "refuses the token" in found["service"][0].text
    assert "profile" in found["service"][0].advice
    assert found["licences"][0].text == "not asked"


def test_out_of_reach_is_told_and_no_fault(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CDSAPI_URL", "http://127.0.0.1:9/api")
    monkeypatch.setenv("CDSAPI_KEY", "00000000-0000-4000-8000-000000000000")
    found = service_of(home)
    assert [finding.state for finding in found["service"]] == ["note"]
    assert "not reached" in found["service"][0].text


def test_no_token(home: Path) -> None:
    found = service_of(home)
    assert found["token"][0].state == "warning"
    assert ".cdsapirc" in found["token"][0].advice
    assert found["service"][0].text == "not asked without a token"


def test_locks_that_do_not_hold(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_OTHER_PROCESS", "print('flock')")  # it was given the POSIX lock
    downloads, *_ = of("locks")
    assert downloads.state == "fault"
    assert downloads.text.endswith("no POSIX locks")
    assert "disk of this computer" in downloads.advice


def test_locks_that_do_not_answer(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_OTHER_PROCESS", "import time; time.sleep(60)")
    monkeypatch.setattr(doctor, "_LOCK_SECONDS", 0.2)
    downloads, *_ = of("locks")
    assert downloads.state == "fault"
    assert downloads.text.endswith("does not answer in 0.2 s")
    assert "disk of this computer" in downloads.advice
    assert not list(home.rglob(".e5doctor-*"))


def test_a_place_where_no_file_can_be_made(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor.os, "access", lambda path, mode: True)
    downloads, *_ = CHECKS["locks"](Patient(Path("/proc/self")))
    assert downloads.state == "fault"
    assert "no file can be made there: No such file" in downloads.text


@pytest.mark.parametrize(("most", "advice"), [(1024, "ulimit -n 1024"), (100, "can allow more")])
def test_few_open_files(monkeypatch: pytest.MonkeyPatch, most: int, advice: str) -> None:
    import resource

    monkeypatch.setattr(resource, "getrlimit", lambda kind: (100, most))
    (finding,) = of("open files")
    assert (finding.state, advice in finding.advice) == ("warning", True)


def test_network_file_systems_are_told(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(e5._core, "is_shared_disk", lambda path: True)
    assert {finding.state for finding in of("locks")} == {"note"}


def test_disks(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = doctor.shutil._ntuple_diskusage(100, 99, 5 * 10**8)  # type: ignore[attr-defined]
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda path: usage)
    assert {finding.state for finding in of("disk")} == {"warning"}
    monkeypatch.setattr(doctor.os, "access", lambda path, mode: False)
    assert {finding.state for finding in of("disk")} == {"fault"}
    assert of("locks") == []


@pytest.mark.parametrize(
    ("name", "value", "state", "text"),
    [
        ("HDF5_USE_FILE_LOCKING", "FALSE", "note", "HDF5"),
        ("LD_PRELOAD", "/usr/lib/libmine.so", "note", "libmine"),
        ("PROJ_DATA", "/nowhere", "warning", "proj.db"),
        ("PYTHONPATH", "/elsewhere", "note", "/elsewhere"),
    ],
)
def test_bad_company(monkeypatch: pytest.MonkeyPatch, name: str, value: str, state: str, text: str) -> None:
    monkeypatch.setenv(name, value)
    found = [finding for finding in of("company") if text in finding.text]
    assert [finding.state for finding in found] == [state]


def test_old_packages_and_global_symbols(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installation, "version_of", lambda name: "1.5.8" if name == "netCDF4" else None)
    monkeypatch.setattr(sys, "getdlopenflags", lambda: os.RTLD_NOW | os.RTLD_GLOBAL)
    texts = [finding.text for finding in of("company")]
    assert any("netCDF4 1.5.8" in text for text in texts)
    assert any("RTLD_GLOBAL" in text for text in texts)
    assert "pictures" in of("helpers")[0].text


def test_libraries_of_ecCodes(monkeypatch: pytest.MonkeyPatch) -> None:
    row = {"name": "libcurl", "built": "7.1", "loaded": "8.1", "path": "/x/site-packages/eccodeslib/lib64/libcurl.so"}
    monkeypatch.setattr(e5._core, "libraries", lambda: [row])
    assert of("library")[0].state == "warning"
    assert of("company")[0].state == "fault"


def test_instructions_and_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ERA5FAST_ISA", "sse9")
    (finding,) = of("instructions")
    assert (finding.state, finding.advice) == ("warning", "it may be baseline, avx2 or avx512")
    monkeypatch.setenv("ERA5FAST_ISA", "avx2")
    assert of("instructions")[0].state == "note"
    monkeypatch.setattr(e5._core, "get_num_threads", lambda: 10_000)
    assert of("threads")[0].state == "warning"


def test_a_check_that_fails_is_a_finding(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(patient: Patient) -> Any:
        raise OSError("the disk is gone")

    monkeypatch.setitem(CHECKS, "disk", fails)
    (found,) = [finding for finding in examine(home, offline=True) if finding.check == "disk"]
    assert (found.state, found.text) == ("fault", "the disk is gone")
    assert logging.getLogger("era5fast").filters == []


def test_the_command(home: Path, monkeypatch: pytest.MonkeyPatch, run: Callable[..., tuple[int, str, str]]) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    code, text, told = run("doctor", home, "--offline")
    assert (code, told) == (0, "")
    assert max(map(len, text.splitlines())) <= 80
    assert re.search(r"^warning  token  ", text, re.M)
    assert re.fullmatch(r"\d+ findings; faults: 0, warnings: \d+", text.splitlines()[-1])
    document = json.loads(run("doctor", home, "--offline", "--json")[1])
    assert {"check", "state", "text", "advice"} == set(document["findings"][0])
    assert run("doctor", home, "--offline", "--quiet")[1].startswith("warning  token")
    monkeypatch.setitem(CHECKS, "disk", lambda patient: iter([Finding("disk", "fault", "full", "make room")]))
    code, text, _ = run("doctor", home, "--offline", "-q")
    assert (code, "fault    disk" in text, "→ make room" in text) == (6, True, True)


def test_show_versions(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert e5.show_versions() is None
    text = capsys.readouterr().out
    assert text.startswith("INSTALLED VERSIONS\n------------------\nera5fast: ")
    assert all(f"\n{name}: " in text for name in ("python", "libcurl", "hdf5", "sqlite3", "instructions", "numpy"))
    e5.show_versions(as_json=True)
    found = json.loads(capsys.readouterr().out)
    assert list(found) == ["system", "core", "packages"]
    assert found["packages"]["numpy"] == sys.modules["numpy"].__version__
    e5.show_versions(as_json=tmp_path / "versions.json")
    assert capsys.readouterr().out == ""
    assert json.loads((tmp_path / "versions.json").read_text())["core"] == found["core"]
    out = io.StringIO()
    e5.show_versions(file=out)
    assert out.getvalue() == text


def test_libraries_say_where_they_are() -> None:
    rows = {one["name"]: one for one in e5._core.libraries()}
    assert set(rows) == {"libcurl", "jansson", "netcdf", "hdf5", "libdeflate", "zlib", "sqlite3", "libcrypto"}
    assert all(re.match(r"\d+\.\d+", one["loaded"]) and re.match(r"\d+\.\d+", one["built"]) for one in rows.values())
    assert all(Path(one["path"]).exists() for one in rows.values())
    assert e5._core.isa() in e5._core.isa_names() == ["baseline", "avx2", "avx512"]
    assert e5._core.tls()
    assert e5._core.is_shared_disk(os.devnull) is False

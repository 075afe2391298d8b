"""Certificates: whom the client trusts, and what it says of whom it does not."""

from __future__ import annotations

import datetime
import logging
import re
import socketserver
import subprocess
import time
from pathlib import Path

import pytest
from network_kit import KEY, REPLY, Authority, ask, https_server, running

import era5fast as e5
import era5fast._core as core
from era5fast import config
from era5fast.errors import ConfigError, NetworkError, TLSError
from tests.look_alike import slowness

pytestmark = pytest.mark.native

DAY = datetime.timedelta(days=1)
VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")


@pytest.fixture(autouse=True)
def clean(monkeypatch) -> None:
    for name in (*VARIABLES, "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def authority(tmp_path_factory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def good(authority):
    with https_server(authority.context()) as (port, heard):
        yield f"https://127.0.0.1:{port}/api", heard


def refused(url: str, **options) -> TLSError:
    """The error of a call that must fail at once, and without advice that nobody should follow."""
    begun = time.monotonic()
    with pytest.raises(TLSError) as caught:
        ask(url, waits={"patience": 60, "pace": 1}, **options)
    assert time.monotonic() - begun < 1 * slowness()
    error = caught.value
    assert not error.retryable
    assert "127.0.0.1" in str(error)
    assert not re.search(r"False|insecure|switch|disable|verify ?[:=] ?0", error.hint)
    return error


def test_a_private_authority_by_argument(good, authority) -> None:
    url, heard = good
    assert ask(url, verify=authority.file) == REPLY.decode()
    assert heard[-1]["private-token"] == KEY


@pytest.mark.parametrize("variable", VARIABLES[:3])
def test_a_private_authority_by_environment(good, authority, monkeypatch, variable) -> None:
    monkeypatch.setenv(variable, str(authority.file))
    assert ask(good[0]) == REPLY.decode()


def hashed(folder: Path, certificate: Path) -> Path:
    """A folder of certificates as OpenSSL looks into it: each under the hash of its subject."""
    command = ["openssl", "x509", "-noout", "-subject_hash", "-in", str(certificate)]
    name = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    (folder / f"{name}.0").write_bytes(certificate.read_bytes())
    return folder


def test_a_folder_of_certificates(good, authority, monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    refused(good[0])
    hashed(tmp_path, authority.file)
    assert ask(good[0]) == REPLY.decode()
    monkeypatch.delenv("SSL_CERT_DIR")
    assert ask(good[0], verify=tmp_path) == REPLY.decode()


def test_a_private_authority_among_those_of_the_system(good, authority, monkeypatch) -> None:
    monkeypatch.setattr(config, "_CERTIFICATES", ["/nowhere/ca.pem", str(authority.file)])
    assert ask(good[0]) == REPLY.decode()


def test_data_are_fetched_with_the_same_trust(good, authority) -> None:
    url, heard = good
    http = config.load(url, KEY, verify=authority.file).http("tester/1")
    assert core.head(http, {}, url.replace("/api", "/data.nc?signature=1"), None)["size"] == len(REPLY)
    assert "private-token" not in heard[-1]
    with pytest.raises(TLSError):
        core.head(config.load(url, KEY).http("tester/1"), {}, url, None)


def test_an_unknown_authority_is_refused_before_anything_is_sent(good) -> None:
    url, heard = good
    before = len(heard)
    assert "SSL_CERT_FILE" in refused(url).hint
    assert len(heard) == before


def test_a_folder_replaces_the_system(good, tmp_path, authority, monkeypatch) -> None:
    monkeypatch.setattr(config, "_CERTIFICATES", [str(authority.file)])
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    assert config.load(good[0], KEY).ca_file == str(tmp_path)


def test_another_authority_is_not_enough(good, tmp_path) -> None:
    refused(good[0], verify=Authority(tmp_path, "other.pem").file)


def test_files_that_are_none(good, tmp_path) -> None:
    with pytest.raises(ConfigError, match="no certificates at"):
        ask(good[0], verify=tmp_path / "missing.pem")
    (tmp_path / "empty.pem").write_text("-----BEGIN nothing\n")
    refused(good[0], verify=tmp_path / "empty.pem")


@pytest.mark.parametrize(("first", "last"), [(-2, -1), (1, 2)])
def test_certificates_out_of_date_point_to_the_clock(authority, first, last) -> None:
    now = datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
    context = authority.context("127.0.0.1", not_before=now + first * DAY, not_after=now + last * DAY)
    with https_server(context) as (port, heard):
        error = refused(f"https://127.0.0.1:{port}/api", verify=authority.file)
    assert f"clock says {now.year}" in error.hint.replace("This computer's ", "")
    assert heard == []


def test_the_certificate_of_another_host(authority) -> None:
    with https_server(authority.context("cds.example")) as (port, heard):
        assert "another host" in refused(f"https://127.0.0.1:{port}/api", verify=authority.file).hint
    assert heard == []


def test_a_handshake_that_is_cut_off_may_succeed_next_time(authority) -> None:
    class CutOff(socketserver.BaseRequestHandler):
        times = 0

        def handle(self) -> None:
            CutOff.times += 1

    with (
        running(socketserver.ThreadingTCPServer(("127.0.0.1", 0), CutOff)) as port,
        pytest.raises(NetworkError) as caught,
    ):
        ask(f"https://127.0.0.1:{port}/api", verify=authority.file)
    assert not isinstance(caught.value, TLSError)
    assert CutOff.times > 1


def test_checks_are_left_out_only_with_a_warning_each_time(good, caplog) -> None:
    for _ in range(2):
        caplog.clear()
        with caplog.at_level(logging.WARNING, "era5fast"):
            assert ask(good[0], verify=False) == REPLY.decode()
        assert "not checked" in caplog.text


def test_the_rc_file_may_ask_for_it_too(good, tmp_path, monkeypatch, caplog) -> None:
    path = tmp_path / "cdsapirc"
    path.write_text(f"url: {good[0]}\nkey: {KEY}\nverify: 0\n")
    path.chmod(0o600)
    monkeypatch.setenv("CDSAPI_RC", str(path))
    for name in ("CDSAPI_URL", "CDSAPI_KEY", "ECMWF_DATASTORES_URL", "ECMWF_DATASTORES_KEY"):
        monkeypatch.delenv(name, raising=False)
    for _ in range(2):
        caplog.clear()
        with caplog.at_level(logging.WARNING, "era5fast"):
            assert config.load().insecure
        assert "verify: 0" in caplog.text
        assert str(path) in caplog.text
    assert not config.load(verify=True).insecure  # an argument has the last word


def test_downloads_are_as_careful(good, tmp_path) -> None:
    client = e5.Client(good[0], KEY, pace=0.01, patience=60, journal=False, progress=False)
    begun = time.monotonic()
    with pytest.raises(TLSError):
        client.retrieve("reanalysis-era5-single-levels", {"variable": ["2m_temperature"]}, tmp_path / "x.nc")
    assert time.monotonic() - begun < 1 * slowness()

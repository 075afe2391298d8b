"""A machine that has IPv6 only: the service, its files and its refusals at ::1."""

from __future__ import annotations

import socket

import pytest

import era5fast as e5
from era5fast.errors import NetworkError
from tests.client_kit import DATASET, REQUEST, grib, quick, running_service


def has_ipv6() -> bool:
    """Whether this machine can listen at ::1; containers without IPv6 cannot."""
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


pytestmark = [pytest.mark.native, pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6 at all")]


@pytest.fixture
def cds():
    with running_service(host="::1") as service:
        service.script(answer=grib(50_000))
        yield service


@pytest.mark.parametrize("version", [0, 6])
def test_a_file_by_ipv6(cds, tmp_path, monkeypatch, version) -> None:
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:1")  # this machine is reached without it
    assert cds.url.startswith("http://[::1]:")
    path = quick(cds, ip_version=version).retrieve(DATASET, REQUEST, tmp_path / "x.grib")
    assert (tmp_path / "x.grib").read_bytes() == grib(50_000)
    assert path == str(tmp_path / "x.grib")


def test_a_name_that_has_both_addresses_is_reached_at_the_one_that_answers(cds, tmp_path) -> None:
    client = e5.Client(cds.url.replace("[::1]", "localhost"), cds.key, pace=0.01)
    assert client.jobs() == []


def test_ipv4_alone_does_not_get_there(cds) -> None:
    with pytest.raises(NetworkError, match=r"\[?::1"):
        quick(cds, ip_version=4, patience=0.1).jobs()

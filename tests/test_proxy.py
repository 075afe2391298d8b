"""Proxies: chosen as everybody does, named in errors, and told nothing that is not for them."""

from __future__ import annotations

import base64
import logging
import pickle
import threading

import pytest
from network_kit import KEY, REPLY, Authority, Proxy, ask, https_server, running

from era5fast import config
from era5fast.errors import AuthError, ConfigError, NetworkError, TransferTimeoutError
from era5fast.testing import Service
from tests.client_kit import grib, quick
from tests.look_alike import DATASET, REQUEST

pytestmark = pytest.mark.native

PASSWORD = "very-secret-word"
NAMES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
FAR = "https://cds.invalid/api"  # a host that only the proxy knows


@pytest.fixture(autouse=True)
def clean(monkeypatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def proxy():
    with running(server := Proxy()):
        yield server
        assert KEY not in "".join(server.heard)
        assert "private-token" not in "".join(server.heard).lower()


@pytest.fixture
def locked():
    with running(server := Proxy(PASSWORD)):
        yield server
        assert KEY not in "".join(server.heard)


@pytest.fixture
def far(tmp_path, proxy):
    """A service behind the proxy; gives the arguments that trust it."""
    authority = Authority(tmp_path)
    with https_server(authority.context("cds.invalid")) as (port, _):
        proxy.elsewhere = port
        yield {"verify": authority.file}


@pytest.fixture
def service():
    with Service() as cds:
        cds.script(answer=grib(20_000))
        yield cds
        assert cds.leaks == []


def closed_port() -> str:
    server = Proxy()
    server.server_close()
    return server.address


def test_everything_goes_through_the_proxy_that_was_asked_for(service, proxy, tmp_path) -> None:
    client = quick(service, proxy=f"http://{proxy.address}", journal=False, progress=False)
    client.retrieve(DATASET, REQUEST, tmp_path / "x.grib")
    assert (tmp_path / "x.grib").read_bytes() == grib(20_000)
    methods = {head.split(" ")[0] for head in proxy.heard}
    targets = {head.split(" ")[1] for head in proxy.heard}
    assert methods == {"CONNECT"}
    assert len(targets) >= 2  # the service and its store


@pytest.mark.parametrize("name", ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"])
@pytest.mark.parametrize("form", ["http://{}", "{}"])
def test_the_environment_names_a_proxy(proxy, far, monkeypatch, name, form) -> None:
    monkeypatch.setenv(name, form.format(proxy.address))
    assert ask(FAR, **far) == REPLY.decode()
    assert proxy.heard[0].startswith("CONNECT cds.invalid:443 ")


@pytest.mark.parametrize("name", ["no_proxy", "NO_PROXY"])
@pytest.mark.parametrize("value", ["cds.invalid", ".invalid", "example.org,cds.invalid:443", "*"])
def test_exceptions_go_the_direct_way(proxy, far, monkeypatch, name, value) -> None:
    monkeypatch.setenv("https_proxy", f"http://{proxy.address}")
    monkeypatch.setenv(name, value)
    with pytest.raises(NetworkError, match=r"cds\.invalid") as caught:
        ask(FAR, **far)
    assert "proxy" not in caught.value.what
    assert proxy.heard == []


def test_an_empty_proxy_is_none(proxy, far, monkeypatch) -> None:
    monkeypatch.setenv("https_proxy", f"http://{proxy.address}")
    with pytest.raises(NetworkError):
        ask(FAR, proxy="", **far)
    assert proxy.heard == []


def test_variables_for_plain_http_have_no_say(service, monkeypatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy"):  # this machine is never asked through a proxy by itself
        monkeypatch.setenv(name, f"http://{closed_port()}")
    assert '"links"' in ask(service.url, "/retrieve/v1/jobs", key=service.key)


def test_a_password_opens_the_way_and_is_never_shown(service, locked, caplog, monkeypatch) -> None:
    monkeypatch.setenv("CDSAPI_URL", service.url)
    monkeypatch.setenv("CDSAPI_KEY", KEY)
    with caplog.at_level(logging.DEBUG, "era5fast"):
        client = quick(service, proxy=f"http://me:{PASSWORD}@{locked.address}", journal=False)
        list(client.jobs())
        found = config.load(service.url, KEY, proxy=f"http://me:{PASSWORD}@{locked.address}")
    assert base64.b64encode(f"me:{PASSWORD}".encode()).decode() in locked.heard[0]
    stored = pickle.dumps(found)
    assert PASSWORD not in caplog.text + repr(client) + repr(found)
    assert PASSWORD.encode() not in stored
    assert KEY.encode() not in stored
    assert pickle.loads(stored).proxy == f"http://{locked.address}"


@pytest.mark.parametrize("login", ["", "me:wrong-word@"])
def test_a_proxy_that_refuses_is_told_at_once(service, locked, login) -> None:
    with pytest.raises(AuthError, match="proxy") as caught:
        ask(service.url, proxy=f"http://{login}{locked.address}", waits={"patience": 60, "pace": 1})
    assert caught.value.status == 407
    assert "127.0.0.1" in str(caught.value)
    assert "wrong-word" not in str(caught.value) + caught.value.hint
    assert service.requests == []


def test_downloads_meet_the_refusal_too(service, locked, tmp_path) -> None:
    client = quick(service, proxy=f"http://{locked.address}", patience=60, journal=False, progress=False)
    with pytest.raises(AuthError, match="proxy"):
        client.retrieve(DATASET, REQUEST, tmp_path / "x.grib")


def test_a_dead_proxy_is_named(service) -> None:
    with pytest.raises(NetworkError, match=r"via proxy 127\.0\.0\.1") as caught:
        ask(service.url, proxy=f"http://me:{PASSWORD}@{closed_port()}")
    assert caught.value.attempts > 1
    assert PASSWORD not in str(caught.value)


def test_a_proxy_that_is_down_for_a_while_is_waited_for(service) -> None:
    with running(server := Proxy(status=503)), pytest.raises(NetworkError, match="via proxy") as caught:
        ask(service.url, proxy=server.address)
    assert caught.value.attempts > 1
    with running(server := Proxy(status=403)), pytest.raises(NetworkError, match="via proxy") as caught:
        ask(service.url, proxy=server.address, waits={"patience": 60, "pace": 1})
    assert caught.value.attempts == 1


def test_an_unknown_proxy_is_named(service) -> None:
    with pytest.raises(NetworkError, match=r"proxy.*nowhere\.invalid"):
        ask(service.url, proxy="http://nowhere.invalid:3128")


@pytest.mark.parametrize("bad", ["http://", "http://me:very-secret-word@", "http://x:99999", "http://x y:1"])
def test_an_unreadable_address_is_refused_without_being_shown(bad, monkeypatch) -> None:
    with pytest.raises(ConfigError, match="proxy") as caught:
        config.load(FAR, KEY, proxy=bad)
    assert PASSWORD not in str(caught.value)
    monkeypatch.setenv("https_proxy", bad)
    with pytest.raises(ConfigError, match="proxy") as caught:
        ask(FAR)
    assert PASSWORD not in str(caught.value)


def test_a_silent_proxy_is_left(service, monkeypatch) -> None:
    over = threading.Event()
    monkeypatch.setattr(Proxy, "finish_request", lambda *_: over.wait(5))
    with running(server := Proxy()):
        with pytest.raises(TransferTimeoutError, match="via proxy"):
            ask(service.url, proxy=server.address, waits={"connect_timeout": 0.1, "patience": 0})
        over.set()

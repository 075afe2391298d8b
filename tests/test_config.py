"""Token and address: where they are looked for, and what is refused."""

from __future__ import annotations

import logging

import pytest

from era5fast import config
from era5fast.errors import ConfigError

KEY = "01234567-89ab-cdef-0123-456789abcdef"


@pytest.fixture(autouse=True)
def nowhere(monkeypatch, tmp_path):
    for name in ("CDSAPI_URL", "CDSAPI_KEY", "ECMWF_DATASTORES_URL", "ECMWF_DATASTORES_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CDSAPI_RC", str(tmp_path / "cdsapirc"))
    monkeypatch.setenv("ECMWF_DATASTORES_RC_FILE", str(tmp_path / "datastoresrc"))
    return tmp_path


def write(path, text, mode=0o600) -> None:
    path.write_text(text)
    path.chmod(mode)


def test_argument_beats_environment_beats_file(nowhere, monkeypatch) -> None:
    write(nowhere / "datastoresrc", f"url: https://second.example/api/\nkey: {KEY}")
    assert config.load().url == "https://second.example/api"
    write(nowhere / "cdsapirc", f"url: https://first.example/api\nkey: {KEY}\n")
    assert config.load().url == "https://first.example/api"
    monkeypatch.setenv("CDSAPI_URL", "https://environment.example/api")
    assert config.load().url == "https://environment.example/api"
    assert config.load("https://argument.example/api").url == "https://argument.example/api"


def test_without_a_token_the_places_are_named_in_order(nowhere) -> None:
    with pytest.raises(ConfigError, match=r"CDSAPI_KEY.*cdsapirc"):
        config.load()


@pytest.mark.parametrize("key", ["12345:abcdef", "with blank", "new\nline", "schlüssel"])
def test_malformed_tokens_are_refused_and_never_shown(key) -> None:
    with pytest.raises(ConfigError) as caught:
        config.load(key=key)
    assert key not in str(caught.value)


@pytest.mark.parametrize("url", ["http://cds.example/api", "ftp://x/", "nonsense", "https://user:secret@x.example/"])
def test_addresses_that_would_show_the_token_are_refused(url) -> None:
    with pytest.raises(ConfigError):
        config.load(url, KEY)


def test_loopback_may_be_plain_http() -> None:
    assert config.load("http://127.0.0.1:1234/api/", KEY).url == "http://127.0.0.1:1234/api"


def test_a_file_that_others_can_read_is_told(nowhere, caplog) -> None:
    write(nowhere / "cdsapirc", f"key: {KEY}\nverify: 0", 0o644)
    with caplog.at_level(logging.WARNING, "era5fast"):
        found = config.load()
    assert "chmod 600" in caplog.text
    assert "not done" in caplog.text
    assert KEY not in caplog.text + repr(found)

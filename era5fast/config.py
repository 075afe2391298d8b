"""Settings of the service: address, token, certificates, and where they were found."""

from __future__ import annotations

import logging
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from .errors import ConfigError

__all__ = ["Config", "load"]

log = logging.getLogger("era5fast")

DEFAULT_URL = "https://cds.climate.copernicus.eu/api"
PROFILE_PAGE = "https://cds.climate.copernicus.eu/profile"

#: Environment variables and rc files, in the order in which they are asked: url, key, file's variable, file.
_PLACES = [
    ("CDSAPI_URL", "CDSAPI_KEY", "CDSAPI_RC", "~/.cdsapirc"),
    ("ECMWF_DATASTORES_URL", "ECMWF_DATASTORES_KEY", "ECMWF_DATASTORES_RC_FILE", "~/.ecmwfdatastoresrc"),
]
_CERTIFICATES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Config:
    """Where the service is and how to sign in.

    Attributes
    ----------
    url : str
        Address of the API without a trailing slash.
    key : str
        Personal access token; never shown.
    ca_file : str or None
        Certificates to trust; None for those of the system.
    origin : str
        Where the token was found.
    """

    url: str
    key: str = field(repr=False)
    ca_file: str | None = None
    origin: str = "argument"

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickled without the token: it is looked for again where the pickle is read."""
        return load, (self.url,)

    def __deepcopy__(self, memo: dict[int, Any]) -> Config:
        return self  # nothing in it can change


def load(url: str | None = None, key: str | None = None) -> Config:
    """Find address and token: argument, then environment, then rc files.

    Raises
    ------
    ConfigError
        If there is no token, or the token or the address has no valid form. The message names the places that were
        looked at, in order, and never the token.
    """
    found = _from_places()
    url = (url or found.get("url") or DEFAULT_URL).rstrip("/")
    origin = "argument" if key else found.get("origin", "")
    key = key or found.get("key")
    _check_url(url)
    if not key:
        raise ConfigError(
            "no token for the Climate Data Store: looked at " + ", ".join(_looked_at()),
            hint=f"copy yours from {PROFILE_PAGE} into ~/.cdsapirc",
        )
    _check_key(key, origin)
    return Config(url, key, _ca_file(), origin)


def _looked_at() -> list[str]:
    places = ["the key argument"]
    places += [row[1] for row in _PLACES]
    return [*places, *(os.environ.get(variable) or default for _, _, variable, default in _PLACES)]


def _rc_path(variable: str, default: str) -> Path:
    return Path(os.environ.get(variable) or default).expanduser()


def _from_places() -> dict[str, str]:
    """Address and token of the first place that has each; environment before files."""
    found: dict[str, str] = {}
    for url_variable, key_variable, _, _ in _PLACES:
        _take(found, os.environ.get(url_variable), os.environ.get(key_variable), key_variable)
    for _, _, file_variable, default in _PLACES:
        if "key" in found and "url" in found:
            break
        path = _rc_path(file_variable, default)
        settings = _read_rc(path)
        _take(found, settings.get("url"), settings.get("key"), str(path))
    return found


def _take(found: dict[str, str], url: str | None, key: str | None, origin: str) -> None:
    if url:
        found.setdefault("url", url)
    if key and "key" not in found:
        found["key"], found["origin"] = key, origin


def _read_rc(path: Path) -> dict[str, str]:
    """``name: value`` lines; an absent file is empty."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
        mode = path.stat().st_mode
    except OSError:
        return {}
    if mode & (stat.S_IRGRP | stat.S_IROTH):
        log.warning("%s can be read by others (mode %o); chmod 600 %s", path, stat.S_IMODE(mode), path)
    pairs = (line.strip().split(":", 1) for line in text.splitlines() if ":" in line)
    settings = {name.strip(): value.strip() for name, value in pairs}
    if settings.get("verify") == "0":
        log.warning("%s asks to skip certificate checks (verify: 0); that is not done", path)
    return settings


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError(f"'{url[:100]}' is no address of a service", hint=f"the usual one is {DEFAULT_URL}")
    if parts.username or parts.password:
        raise ConfigError("the address of the service must not hold a user name or password")
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise ConfigError(f"plain http to {parts.hostname} would show the token", hint="use https")


def _check_key(key: str, origin: str) -> None:
    if ":" in key:
        raise ConfigError(
            f"the token from {origin} has the form uid:secret of the service that closed in 2024",
            hint=f"copy the new one from {PROFILE_PAGE}",
        )
    if not key.isascii() or not key.isprintable() or " " in key:
        raise ConfigError(f"the token from {origin} holds blanks or characters that no token has")


def _ca_file() -> str | None:
    """Certificates named by the environment, else None where libcurl finds the system's, else certifi's."""
    for name in _CERTIFICATES:
        path = os.environ.get(name)
        if path and os.path.isfile(path):
            return path
    if any(os.path.exists(p) for p in ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt")):
        return None
    try:
        import certifi
    except ImportError:
        return None
    return str(certifi.where())

"""How to reach the service: address, token, certificates, proxy, and where they were found."""

from __future__ import annotations

import logging
import os
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from .errors import ConfigError
from .wording import warn_once

__all__ = ["Config", "address", "load"]

log = logging.getLogger("era5fast")

DEFAULT_URL = "https://cds.climate.copernicus.eu/api"

#: Environment variables and rc files, in the order in which they are asked: url, key, file's variable, file.
_PLACES = [
    ("CDSAPI_URL", "CDSAPI_KEY", "CDSAPI_RC", "~/.cdsapirc"),
    ("ECMWF_DATASTORES_URL", "ECMWF_DATASTORES_KEY", "ECMWF_DATASTORES_RC_FILE", "~/.ecmwfdatastoresrc"),
]
_PROXIES = ("http", "https", "socks4", "socks4a", "socks5", "socks5h")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_NO, _YES = ("0", "false", "no", "off"), ("", "1", "true", "yes", "on")

#: Where certificates to trust are named, and where systems keep theirs; the first that is there is used.
_CERTIFICATE_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")
_CERTIFICATES = [
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Ubuntu, Alpine, Arch
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",  # Fedora, Red Hat
    "/etc/pki/tls/certs/ca-bundle.crt",  # their older releases
    "/var/lib/ca-certificates/ca-bundle.pem",  # openSUSE
    "/etc/ssl/ca-bundle.pem",  # its older releases
    "$CONDA_PREFIX/ssl/cacert.pem",
    f"{sys.prefix}/ssl/cacert.pem",  # conda, not activated
    "/etc/ssl/cert.pem",  # macOS, older Alpine
    "/opt/homebrew/etc/ca-certificates/cert.pem",  # Homebrew
    "/usr/local/etc/ca-certificates/cert.pem",
]
_SHOWN = 30  # letters of a path in a message with many


@dataclass(frozen=True)
class Config:
    """Where the service is, how to get there, and how to sign in.

    It can be pickled: the token stays behind and is looked for again where the pickle is read, as is the password of
    a proxy. It is taken only from where it was found before, or from where it is kept for the same address.

    Attributes
    ----------
    url : str
        Address of the API without a trailing slash; it decides which portal is spoken to.
    key : str
        Personal access token; never shown.
    ca_file : str or None
        Certificates to trust, a file or a folder; None where none were found and libcurl's own have to do.
    origin : str
        Where the token was found.
    proxy : str or None
        Address of the proxy for everything; "" for none, None for what the environment says.
    insecure : bool
        Certificates are not checked, because that was asked for.
    ip_version : {0, 4, 6}
        The family of addresses to use; 0 for both.
    """

    url: str
    key: str = field(repr=False)
    ca_file: str | None = None
    origin: str = "argument"
    proxy: str | None = field(default=None, repr=False)
    insecure: bool = False
    ip_version: int = 0
    verify: bool | str | None = field(default=None, repr=False, compare=False)  # as it was asked for

    def http(self, user_agent: str) -> dict[str, Any]:
        """Give the core what it needs to make calls."""
        proxy, no_proxy = (self.proxy, None) if self.proxy is not None else _environment_proxy()
        return {
            "url": self.url,
            "key": self.key,
            "user_agent": user_agent,
            "ca_file": self.ca_file,
            "proxy": proxy,
            "no_proxy": no_proxy,
            "insecure": self.insecure,
            "ip_version": self.ip_version,
        }

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickled without secrets: they are looked for again where the pickle is read."""
        return _load_again, (self.url, self.verify, _without_password(self.proxy), self.ip_version, self.origin)

    def __copy__(self) -> Config:
        return self  # nothing in it can change

    def __deepcopy__(self, memo: dict[int, Any]) -> Config:
        return self


def load(
    url: str | None = None,
    key: str | None = None,
    *,
    verify: bool | str | os.PathLike[str] | None = None,
    proxy: str | None = None,
    ip_version: int = 0,
) -> Config:
    """Find address and token: argument, then environment, then rc files; and the certificates to trust.

    An address that is not given is taken from where the token is: the variables and the file of one official client.
    With an address that is given, a token which is kept for it comes first; one that is kept for another portal is
    refused.

    Parameters
    ----------
    url, key : str, optional
        Address and token.
    verify : bool or path, optional
        A file or folder with the certificates to trust. True or None: those that the environment names
        (``REQUESTS_CA_BUNDLE``, ``CURL_CA_BUNDLE``, ``SSL_CERT_FILE``, ``SSL_CERT_DIR``), else the system's, else
        those of ``certifi``; None also heeds ``verify: 0`` in the rc file. False: whoever answers is trusted; a
        warning says so each time.
    proxy : str, optional
        Address of a proxy for everything; "" for none. By default the environment decides: ``https_proxy``,
        ``all_proxy`` and ``no_proxy``, in lower or upper case. ``HTTP_PROXY`` plays no part, since nothing but this
        machine is spoken to without encryption.
    ip_version : {0, 4, 6}
        The family of addresses to use; 0 for both.

    Raises
    ------
    ConfigError
        If there is no token, or it is kept for another portal, or one of the values has no valid form. The message
        names the places that were looked at, in order, and never the token.
    """
    _check_types(url, key, verify, proxy, ip_version)
    found = _from_places(url, key)
    address_origin = "the argument url" if url else found.get("url_origin", "")
    url = _address(url, found)
    origin = "argument" if key else found.get("origin", "")
    key = key or found.get("key")
    _check_url(url, address_origin)
    if not key:
        raise ConfigError(
            "no token: looked at " + ", ".join(_looked_at()),
            hint=f"write 'url: {url}' and 'key: …' into ~/.cdsapirc; yours is on {_profile_page(url)}",
        )
    _check_key(key, origin, url)
    if origin != "argument":
        _check_portal(found, url, address_origin)
    ca_file, insecure = _trust(verify, found)
    given = verify if verify is None or isinstance(verify, bool) else os.path.abspath(verify)
    return Config(url, key, ca_file, origin, _checked_proxy(proxy), insecure, ip_version, given)


def address() -> str:
    """The address of the service as the settings name it, also where there is no token."""
    return _address(None, _from_places(None, None))


def _address(url: str | None, found: dict[str, str]) -> str:
    return (url or found.get("url") or DEFAULT_URL).rstrip("/")


def _load_again(url: str, verify: bool | str | None, proxy: str | None, ip_version: int, origin: str) -> Config:
    """What a pickle becomes: nobody here has said that a token without an address of its own is for this one."""
    again = load(url, verify=verify, proxy=proxy, ip_version=ip_version)
    if again.origin != origin and not _is_same_portal(_from_places(url, None), url):
        raise ConfigError(
            f"the token in {_named(again.origin)} is not known to be for {url:.80}, which a pickle brings",
            hint="where it is read, name address and token together, such as in CDSAPI_URL and CDSAPI_KEY",
        )
    return again


def _check_types(url: Any, key: Any, verify: Any, proxy: Any, ip_version: Any) -> None:
    """Refuse at once what would come up in the middle of a download; a wrong token is never shown."""
    for name, value in (("url", url), ("proxy", proxy)):
        if not isinstance(value, str | None):
            raise ConfigError(f"{name} must be a text or None, not {value!r:.60}")
    if not isinstance(key, str | None):
        raise ConfigError(f"key must be a text or None, not {type(key).__name__}")
    if not isinstance(verify, bool | str | os.PathLike | None):
        raise ConfigError(
            f"verify must be True, False, or the path of a file or folder of certificates, not {verify!r:.60}"
        )
    if not isinstance(ip_version, int) or isinstance(ip_version, bool) or ip_version not in (0, 4, 6):
        raise ConfigError(f"ip_version must be 0 (both), 4 or 6, not {ip_version!r:.60}")


# --- address and token


def _looked_at() -> list[str]:
    """The places where a token may be, in order; files with the reason why there is none in them."""
    files = [
        f"{_short(path)} ({_why_not(path)})"
        for _, _, variable, default in _PLACES
        for path in [_rc_path(variable, default)]
    ]
    return ["the argument key", *(row[1] for row in _PLACES), *files]


def _short(path: Path) -> str:
    """The end of a path, which tells most."""
    text = f"~/{path.relative_to(Path.home())}" if path.is_relative_to(Path.home()) else str(path)
    return text if len(text) <= _SHOWN else f"…{text[-_SHOWN + 1 :]}"


def _why_not(path: Path) -> str:
    """Why a file gives no token."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return "not there"
    except OSError as error:
        return str(error.strerror)
    if text.lstrip().startswith("{"):
        return "in braces; a line for each 'name: value' is wanted"
    return _faults_of_lines(text) or "no line 'key: …'"


def _faults_of_lines(text: str) -> str:
    """What is wrong with the first line that is no ``name: value``; "" if there is none."""
    for number, line in enumerate(text.splitlines(), 1):
        name, colon, value = line.strip().partition(":")
        if name and not name.startswith("#") and not (colon and value.strip()):
            return f"line {number} has no {'value' if colon else 'colon'}"
    return ""


def _rc_path(variable: str, default: str) -> Path:
    return Path(os.environ.get(variable) or default).expanduser()


def _from_places(url: str | None, key: str | None) -> dict[str, str]:
    """What the places say of what is not given.

    All of it is of one client's variables and file: the token of one portal never goes to the address of another that
    happens to be named elsewhere. ``kept_for`` is the address that stands where the token stands.
    """
    if url and key:
        return {}
    clients = [_of_client(place) for place in _PLACES]
    holders = [found for found in clients if key is None and "key" in found]
    variables = [row[1] for row in _PLACES]  # one in the environment wins over one in a file, of whichever client
    holders.sort(key=lambda found: (*_strangeness(found, url), found["origin"] not in variables))
    named = [found for found in clients if "url" in found]
    return [*holders, *named, *clients][0]


def _strangeness(found: dict[str, str], url: str | None) -> tuple[bool, bool]:
    """Sorts tokens: those kept for an address that is given, those kept for none, all others."""
    if url is None:
        return False, False
    same = _is_same_portal(found, url)
    return not same, not same and "kept_for" in found


def _is_same_portal(found: dict[str, str], url: str) -> bool:
    """Whether a token goes where it is kept for; one without an address is for the usual portal."""
    return _portal(found.get("kept_for", DEFAULT_URL)) == _portal(url)


def _portal(url: str) -> tuple[str, str | None, int | None]:
    """What of an address decides who gets the token."""
    try:
        parts = urlsplit(url)
        return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return url, None, None


def _check_portal(found: dict[str, str], url: str, address_origin: str) -> None:
    """Refuse to send a token to another portal than the one that stands beside it."""
    if "kept_for" in found and not _is_same_portal(found, url):
        raise ConfigError(
            f"the token in {_named(found['origin'])} is for {found['kept_for']:.80}, but {_named(address_origin)} "
            f"names {url:.80}",
            hint="give the token for that portal beside its address",
        )


def _named(origin: str) -> str:
    """A place in a message: the name of a variable, or the end of a path."""
    return _short(Path(origin)) if "/" in origin else origin


def _of_client(place: tuple[str, str, str, str]) -> dict[str, str]:
    """Address and token for one of the official clients: its variables, then its file if something is left."""
    url_variable, key_variable, file_variable, default = place
    found: dict[str, str] = {}
    _take(found, os.environ.get(url_variable), url_variable, os.environ.get(key_variable), key_variable)
    if "key" in found and "url" in found:
        return found
    path = _rc_path(file_variable, default)
    settings = _read_rc(path)
    _take(found, settings.get("url"), str(path), settings.get("key"), str(path))
    if "verify" in settings:
        found["verify"], found["verify_origin"] = settings["verify"], str(path)
    return found


def _take(found: dict[str, str], url: str | None, url_origin: str, key: str | None, origin: str) -> None:
    if url:
        found.setdefault("url", url)
        found.setdefault("url_origin", url_origin)
    if key and "key" not in found:
        found["key"], found["origin"] = key, origin
        if url:
            found["kept_for"] = url


def _read_rc(path: Path) -> dict[str, str]:
    """``name: value`` lines; quotes belong to the value, as for the official client; an absent file is empty."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
        mode = path.stat().st_mode
    except OSError:
        return {}
    if mode & (stat.S_IRGRP | stat.S_IROTH):
        warn_once(f"{path} can be read by others (mode {stat.S_IMODE(mode):o}); chmod 600 {path}")
    if fault := _faults_of_lines(text):
        warn_once(f"{path}: {fault}; lines are written 'name: value'")
    pairs = (line.strip().split(":", 1) for line in text.splitlines() if ":" in line)
    return {name.strip(): value.strip() for name, value in pairs}


def _profile_page(url: str) -> str:
    """Where the portal that an address belongs to shows the token."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}/profile"


def _check_url(url: str, origin: str) -> None:
    try:
        parts = urlsplit(url)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
        valid = valid and url.isprintable() and not set(url) & set(' "<>\\^`{|}?#')
    except ValueError:
        valid, parts = False, urlsplit("")
    if parts.username or parts.password:
        raise ConfigError("the address of the service must not hold a user name or password")
    if not valid:
        where = f" ({origin})" if origin else ""
        raise ConfigError(f"{url[:100]!r} is no address of a service{where}", hint=f"the usual one is {DEFAULT_URL}")
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise ConfigError(f"plain http to {parts.hostname} would show the token", hint="use https")


def _check_key(key: str, origin: str, url: str) -> None:
    if ":" in key:
        raise ConfigError(
            f"the token from {origin} has the form uid:secret of the service that closed in 2024",
            hint=f"copy the new one from {_profile_page(url)}",
        )
    if not key.isascii() or not key.isprintable() or " " in key:
        raise ConfigError(f"the token from {origin} holds blanks or characters that no token has")
    if any(mark in key for mark in "<>\"'"):
        raise ConfigError(
            f"the token from {origin} stands in quotation marks, or is a placeholder such as <PERSONAL-ACCESS-TOKEN>",
            hint=f"copy it from {_profile_page(url)}, and nothing around it",
        )


# --- certificates


def _trust(verify: bool | str | os.PathLike[str] | None, found: dict[str, str]) -> tuple[str | None, bool]:
    """The certificates to trust, and whether nothing is checked at all."""
    if verify is None and "verify" in found:
        verify = _verify_of_rc(found["verify"], found["verify_origin"])
    elif verify is False:
        log.warning("certificates are not checked, as verify=False asks for: the token may go to a stranger")
    if verify is False:
        return None, True
    if verify is None or verify is True:
        return next(_certificates(), None), False
    path = os.path.abspath(os.path.expanduser(verify))
    if not os.path.exists(path):
        raise ConfigError(f"there are no certificates at {path}", hint="verify names a file or folder of them")
    _check_certificates(path)
    return path, False


def _check_certificates(path: str) -> None:
    """Refuse a file that cannot be meant; the core would say so only when it makes a connection."""
    try:
        found = os.path.isdir(path) or b"-----BEGIN " in Path(path).read_bytes()
    except OSError as error:
        raise ConfigError(f"cannot read the certificates at {path}: {error.strerror}") from error
    if not found:
        raise ConfigError(
            f"there are no certificates in {path}", hint="they begin with '-----BEGIN CERTIFICATE-----'"
        )


def _verify_of_rc(value: str, origin: str) -> bool | str:
    if value.lower() in _NO:
        log.warning("certificates are not checked, as verify: %s in %s asks for; better name the file of your "
                    "certificates there", value, origin)  # fmt: skip
        return False
    return True if value.lower() in _YES else value


def _certificates() -> Iterator[str]:
    """What there is to trust, best first."""
    for name in _CERTIFICATE_VARIABLES:
        if named := os.environ.get(name):
            # Only folders come as lists, and of those one is used.
            paths = named.split(os.pathsep) if name == "SSL_CERT_DIR" else [named]
            there = [os.path.abspath(path) for path in paths if path and os.path.exists(path)]
            yield from there
            if not there:
                warn_once(f"{name} names {named}, which is not there")
    for place in _CERTIFICATES:
        path = os.path.expandvars(place)
        if os.path.isfile(path):
            yield path
    try:
        import certifi
    except ImportError:
        return
    yield str(certifi.where())


# --- proxy


def _environment_proxy() -> tuple[str, str]:
    """The proxy that the environment names, and the list of hosts that are reached without it; "" for none.

    ``http_proxy`` has no say: nothing but this machine is spoken to in plain http. (Its upper-case form is dangerous
    besides: a web server's CGI programs get it from a header that anybody can send.) The core does not read the
    environment itself: another thread may be changing it.
    """
    first = [os.environ.get(name) for name in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")]
    excepted = [os.environ.get(name) for name in ("no_proxy", "NO_PROXY")]
    return next(filter(None, first), ""), next(filter(None, excepted), "")


def _checked_proxy(proxy: str | None) -> str | None:
    """The address of a proxy; what is wrong is told without showing it, since it may hold a password."""
    if not proxy:
        return proxy
    try:
        parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
        valid = bool(parts.hostname) and (parts.port or 1) > 0 and " " not in proxy and proxy.isprintable()
        valid = valid and parts.scheme.lower() in _PROXIES
    except ValueError:
        valid = False
    if not valid:
        hint = f"it has the form http://host:port, or begins with one of {', '.join(_PROXIES[1:])}"
        raise ConfigError("the address of the proxy cannot be read", hint=hint)
    return proxy


def _without_password(proxy: str | None) -> str | None:
    if not proxy or "@" not in proxy:
        return proxy
    scheme, mark, rest = proxy.rpartition("://")
    return f"{scheme}{mark}{rest.rpartition('@')[2]}"

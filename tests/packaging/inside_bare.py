"""What a new user meets, looked at in a system that has Python and the wheel; ``bare.py`` runs it there.

Each check is a function and runs in a process of its own, because libraries are loaded once.
"""

from __future__ import annotations

import contextlib
import http.server
import os
import re
import shutil
import sqlite3
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

CERTIFICATES = Path("/certificates")
SYSTEMS_STORE = Path("/etc/ssl/certs/ca-certificates.crt")
VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")
KEY = "01234567-89ab-cdef-0123-456789abcdef"
REPLY = b'{"hello": "world"}'


def loaded(pattern: str) -> list[str]:
    """Files that this process has loaded, by a pattern of their names."""
    names = {line.split()[-1] for line in Path("/proc/self/maps").read_text().splitlines() if "/" in line}
    return sorted(name for name in names if re.search(pattern, Path(name).name))


def check_that_the_system_is_bare() -> None:
    """There is no library of ours, no compiler, no certificate."""
    brought = "netcdf|hdf5|curl|jansson|deflate|xml2"
    found = [path for path in Path("/usr/lib").rglob("lib*.so*") if re.search(brought, path.name)]
    assert not found, found
    assert not shutil.which("cc")
    assert not SYSTEMS_STORE.exists()


def check_that_libraries_are_those_of_the_wheel() -> None:
    """Every library of the core comes from the wheel, but for SQLite, which is Python's."""
    import era5fast

    assert era5fast._core
    for name in ("netcdf", "hdf5_serial", "curl", "jansson", "deflate", "crypto"):
        (path,) = loaded(rf"^lib{name}-[0-9a-f]{{8}}\.")
        assert "era5fast.libs" in path, path
    (sqlite,) = loaded("^libsqlite3")
    assert "era5fast.libs" not in sqlite, sqlite


def check_that_both_sides_share_one_sqlite() -> None:
    """The core opens and closes a file that Python has locked, and Python's lock stays.

    Of two copies of SQLite each would take the locks of the other away: POSIX drops all locks of a process on a file
    when any of its descriptors is closed.
    """
    import numpy as np

    import era5fast as e5

    days = np.arange("2003-06-01", "2003-07-01", dtype="datetime64[D]")
    tx = np.full((30, 4, 5), 25.0, dtype="float32")
    tx[10:15, 1:3, 1:4] = 35
    places = {"latitude": [50, 49, 48, 47], "longitude": [0, 1, 2, 3, 4]}
    events = e5.find_events(tx, 30.0, min_days=3, time=days, **places)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "events.gpkg"
        e5.EventDatabase(path).add(events, kind="heatwave")
        assert len(e5.EventDatabase(path).query()) == 1
        with contextlib.closing(sqlite3.connect(path)) as connection:
            connection.execute("BEGIN EXCLUSIVE")
            try:
                e5.EventDatabase(path, busy_seconds=0.1).add(events, kind="cold spell")
                raise AssertionError("the lock of Python's SQLite was not heeded")
            except e5.errors.DatabaseBusyError:
                pass
            stranger = f"import sqlite3; sqlite3.connect({str(path)!r}, timeout=0.1).execute('BEGIN IMMEDIATE')"
            result = subprocess.run([sys.executable, "-c", stranger], text=True, capture_output=True)
            assert "database is locked" in result.stderr, "the lock of Python's SQLite is gone"


def check_that_the_wheels_sqlite_serves_where_python_has_none() -> None:
    """The core works in a Python without its module, on a system without the library."""
    moved = [(path, path.with_name("away-" + path.name)) for path in Path("/usr/lib").rglob("libsqlite3.so.0*")]
    assert moved
    program = "import era5fast; era5fast._core; print(open('/proc/self/maps').read())"
    for path, away in moved:
        path.rename(away)
    try:
        maps = subprocess.run([sys.executable, "-c", program], text=True, capture_output=True, check=True).stdout
    finally:
        for path, away in moved:
            away.rename(path)
    assert "era5fast.libs/libsqlite3.so.0" in maps


def check_that_xml_can_still_be_read() -> None:
    """The empty table of encodings takes nothing from libxml2 that matters."""
    import ctypes

    import era5fast

    assert era5fast._core
    (path,) = loaded("^libxml2")
    xml = ctypes.CDLL(path)
    xml.xmlReadMemory.restype = ctypes.c_void_p
    text = '<?xml version="1.0" encoding="UTF-8"?><a b="Wärme">°C</a>'.encode()
    assert xml.xmlReadMemory(text, len(text), b"x.xml", None, 0)


@contextlib.contextmanager
def https_server() -> Iterator[str]:
    """A server with a certificate of an authority that nobody knows; gives its address."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(REPLY)))
            self.end_headers()
            self.wfile.write(REPLY)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATES / "server.pem")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"https://127.0.0.1:{server.server_address[1]}/api"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def ask(url: str, **options: object) -> str:
    """One call, as a client would make it."""
    import era5fast
    from era5fast import config, settings

    found = config.load(url, KEY, **options)
    numbers = settings.resolve(pace=0.01, patience=0.3)
    return era5fast._core.ask(found.http("tester/1"), numbers, "GET", "/x", None, None)


def is_refused(url: str, **options: object) -> bool:
    """Whether the certificate is not believed."""
    from era5fast.errors import TLSError

    try:
        ask(url, **options)
    except TLSError:
        return True
    return False


def check_that_certificates_are_verified() -> None:
    """A stranger is refused; each way of naming whom to trust works, in a system that has no certificates itself."""
    import certifi

    authority = CERTIFICATES / "ca.pem"
    with https_server() as url:
        assert is_refused(url)
        assert ask(url, verify=authority) == REPLY.decode()
        for name in VARIABLES[:3]:
            os.environ[name] = str(authority)
            assert ask(url) == REPLY.decode(), name
            del os.environ[name]
        SYSTEMS_STORE.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(authority, SYSTEMS_STORE)
        assert ask(url) == REPLY.decode()
        SYSTEMS_STORE.unlink()
        assert is_refused(url)
        with open(certifi.where(), "a") as store:
            store.write(authority.read_text())
        assert ask(url) == REPLY.decode()


def check_that_the_demo_runs() -> None:
    """The whole road, from a request to a map."""
    with tempfile.TemporaryDirectory() as folder:
        command = Path(sys.executable).with_name("era5fast")
        subprocess.run([command, "demo"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        for name in ("events.gpkg", "map.png", "events.html"):
            assert (Path(folder) / "demo" / name).stat().st_size > 10_000, name


def check_that_the_installation_describes_itself() -> None:
    """Versions and libraries are told."""
    command = [sys.executable, "-c", "import era5fast; era5fast.show_versions()"]
    said = subprocess.run(command, text=True, capture_output=True, check=True).stdout
    assert "era5fast.libs" in said, said


CHECKS = {name: check for name, check in list(globals().items()) if name.startswith("check_")}


def main() -> int:
    """Run all checks, or the one named."""
    if len(sys.argv) > 1:
        CHECKS[sys.argv[1]]()
        return 0
    failed = 0
    for name in CHECKS:
        begun = time.monotonic()
        result = subprocess.run([sys.executable, __file__, name])
        failed += result.returncode != 0
        words = name.removeprefix("check_").replace("_", " ")
        print(f"  {'no' if result.returncode else 'ok':4}{time.monotonic() - begun:6.1f} s  {words}", flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main())

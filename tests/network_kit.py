"""Servers on loopback for the tests of TLS and proxies: one that speaks https, and a proxy that opens tunnels."""

from __future__ import annotations

import base64
import contextlib
import functools
import http.server
import select
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import trustme

import era5fast._core as core
from era5fast import config, settings

KEY = "01234567-89ab-cdef-0123-456789abcdef"
REPLY = b'{"hello": "world"}'


class Authority:
    """A certificate authority of our own, and certificates of it."""

    def __init__(self, folder: Path, name: str = "ca.pem") -> None:
        self.authority = trustme.CA()
        self.file = folder / name
        self.authority.cert_pem.write_to_path(self.file)

    def context(self, *hosts: str, **dates: Any) -> ssl.SSLContext:
        """What a server needs to prove that it is one of these hosts."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.authority.issue_cert(*(hosts or ("127.0.0.1", "localhost")), **dates).configure_cert(context)
        return context


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, heard: list[dict[str, str]], *arguments: Any) -> None:
        self.heard = heard
        super().__init__(*arguments)

    def do_GET(self) -> None:
        self.heard.append({"line": self.requestline, **{name.lower(): value for name, value in self.headers.items()}})
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(REPLY)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(REPLY)

    do_HEAD = do_GET

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


class _Server(http.server.ThreadingHTTPServer):
    """Handshakes are made in the threads of the connections; those that fail are nobody's business here."""

    context: ssl.SSLContext

    def finish_request(self, request: Any, address: Any) -> None:
        with contextlib.suppress(OSError), self.context.wrap_socket(request, server_side=True) as secured:
            self.RequestHandlerClass(secured, address, self)

    def handle_error(self, *_: Any) -> None:
        """Say nothing."""


@contextlib.contextmanager
def running(server: socketserver.BaseServer) -> Iterator[int]:
    """Serve in a thread; gives the port."""
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextlib.contextmanager
def https_server(context: ssl.SSLContext) -> Iterator[tuple[int, list[dict[str, str]]]]:
    """A server that answers everything with `REPLY`; gives its port and what it heard."""
    heard: list[dict[str, str]] = []
    server = _Server(("127.0.0.1", 0), functools.partial(_Handler, heard))
    server.daemon_threads = True
    server.context = context
    with running(server) as port:
        yield port, heard


class Proxy(socketserver.ThreadingTCPServer):
    """A proxy that opens tunnels, for everybody or for those with a password.

    Attributes
    ----------
    heard : list of str
        The heads of all requests.
    elsewhere : int
        Where all tunnels lead; 0 for where they were asked to.
    """

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, password: str = "", status: int = 200) -> None:
        super().__init__(("127.0.0.1", 0), _Tunnel)
        self.password, self.status, self.elsewhere = password, status, 0
        self.heard: list[str] = []

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"


class _Tunnel(socketserver.StreamRequestHandler):
    server: Proxy

    def handle(self) -> None:
        head = self._head()
        self.server.heard.append(head)
        wanted = "Basic " + base64.b64encode(f"me:{self.server.password}".encode()).decode()
        method, target = head.split(" ")[:2]
        if self.server.password and wanted not in head:
            return self._refuse(407, "Proxy-Authenticate: Basic realm=x\r\n")
        if method != "CONNECT" or self.server.status != 200:
            return self._refuse(self.server.status if method == "CONNECT" else 405)
        host, _, port = target.rpartition(":")
        to = ("127.0.0.1", self.server.elsewhere) if self.server.elsewhere else (host, int(port))
        with socket.create_connection(to, timeout=5) as other:
            self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
            self._pump(other)

    def _head(self) -> str:
        lines = []
        while (line := self.rfile.readline().decode("latin-1")).strip():
            lines.append(line)
        return "".join(lines)

    def _refuse(self, status: int, headers: str = "") -> None:
        self.wfile.write(f"HTTP/1.1 {status} no\r\n{headers}Content-Length: 0\r\nConnection: close\r\n\r\n".encode())

    def _pump(self, other: socket.socket) -> None:
        pairs = {self.connection: other, other: self.connection}
        with contextlib.suppress(OSError):
            while True:
                for ready in select.select(list(pairs), [], [])[0]:
                    data = ready.recv(65536)
                    if not data:
                        return
                    pairs[ready].sendall(data)


def ask(url: str, path: str = "/x", *, key: str = KEY, waits: dict[str, Any] | None = None, **options: Any) -> str:
    """One call of a service with the configuration that a client would have."""
    found = config.load(url, key, **options)
    numbers = settings.resolve(**{"pace": 0.01, "patience": 0.3, **(waits or {})})
    return core.ask(found.http("tester/1"), numbers, "GET", path, None, None)

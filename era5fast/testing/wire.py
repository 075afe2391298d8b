"""HTTP/1.1 on the loopback interface: calls in, replies out, and the ways in which a reply can go wrong.

A `Reply` carries, besides status, headers and body, what the transport shall do to it. Faults only fill in these
fields; this file is the only one that touches a socket.
"""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from time import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

MAX_BODY = 10 << 20  # bytes of a request
_BLOCK = 256 << 10
_DROP = 0.02  # seconds between the drops of a slow body


@dataclass
class Call:
    """One request to the service, as it came and as it was answered.

    Parameters
    ----------
    server : str
        ``"api"`` or ``"store"``.
    method, path : str
        Path as sent, without query.
    query : dict of str to list of str
        Decoded.
    headers : dict of str to str
        Names in lower case. The value of a token is not kept, see `token`.
    body : bytes
        As sent.
    origin : str
        ``http://host:port`` of the server.
    at : float
        Seconds since 1970.
    route : str
        Name of the route, see the table of routes in `api`.
    deliveries : int
        How often the call reaches the service, which answers the last one.
    status : int, optional
        Status of the reply; absent while being answered, or when the connection was reset before it.
    faults : list of str
        Names of the faults that struck.
    """

    server: str
    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes
    origin: str
    at: float
    token: str = field(default="", repr=False)
    route: str = ""
    arguments: dict[str, str] = field(default_factory=dict)
    deliveries: int = 1
    status: int | None = None
    faults: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Address of the call without its query."""
        return self.origin + self.path

    @property
    def json(self) -> Any:
        """The body as JSON; raises `ValueError` when it is none."""
        return json.loads(self.body or b"null")


@dataclass(frozen=True)
class FileSlice:
    """Part of a file as the body of a reply."""

    path: Path
    start: int
    length: int


@dataclass
class Reply:
    """An answer, and what shall happen to it on its way.

    Parameters
    ----------
    status : int
        HTTP status.
    headers : dict of str to str
        Without ``Content-Length``, which follows from the body.
    body : bytes or FileSlice
        What to send.
    declared : int, optional
        ``Content-Length`` to send instead of the true one.
    chunked : bool
        Send the body in chunks, without a length.
    cut_after : int, optional
        Close the connection in an orderly way after so many bytes of the body.
    reset_after : int, optional
        Reset the connection after so many bytes of the body; -1: before the headers.
    stall : tuple of (int, float), optional
        After so many bytes of the body (-1: before the headers) send nothing for so many seconds.
    drip : float, optional
        Send the body in drops, so many bytes per second.
    """

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | FileSlice = b""
    declared: int | None = None
    chunked: bool = False
    cut_after: int | None = None
    reset_after: int | None = None
    stall: tuple[int, float] | None = None
    drip: float | None = None

    @property
    def length(self) -> int:
        """Bytes of the body."""
        return self.body.length if isinstance(self.body, FileSlice) else len(self.body)

    def content(self) -> bytes:
        """The whole body in memory."""
        return b"".join(self.blocks())

    def blocks(self) -> Iterator[bytes]:
        """The body piece by piece."""
        if isinstance(self.body, bytes):
            yield self.body
            return
        with self.body.path.open("rb") as file:
            file.seek(self.body.start)
            left = self.body.length
            while left > 0 and (block := file.read(min(left, _BLOCK))):
                left -= len(block)
                yield block


def json_reply(document: Any, status: int = 200, **headers: str) -> Reply:
    """A reply with a JSON body."""
    body = json.dumps(document).encode()
    return Reply(status, {"Content-Type": "application/json", **headers}, body)


class _Handler(BaseHTTPRequestHandler):
    """Reads a request, has it answered, sends the reply."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server

    def _serve(self) -> None:
        call = self._read()
        if call is None:
            self._send(Reply(411, body=b""), head=False)
            self.close_connection = True
            return
        reply = self.server.answer(call)
        call.status = None if reply.reset_after == -1 else reply.status
        self._send(reply, head=self.command == "HEAD")

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _serve

    def _read(self) -> Call | None:
        """The request, or None if its body has no acceptable length."""
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not length.isdigit() or int(length) > MAX_BODY:
            return None
        body = self.rfile.read(int(length))
        parts = urlsplit("//loopback" + self.path) if self.path.startswith("/") else urlsplit(self.path)
        headers = {k.lower(): v for k, v in self.headers.items()}
        token = headers.pop("private-token", "")
        query = parse_qs(parts.query, keep_blank_values=True)
        return Call(
            self.server.name, self.command, parts.path, query, headers, body, self.server.origin, time(), token
        )

    def _send(self, reply: Reply, head: bool) -> None:
        """Send a reply the way it wants to be sent."""
        if reply.reset_after == -1:
            self.server.reset(self.connection)
            self.close_connection = True
            return
        if reply.stall is not None and reply.stall[0] < 0:
            self.server.pause(reply.stall[1])
        headers = dict(reply.headers)
        if reply.chunked:
            headers["Transfer-Encoding"] = "chunked"
        else:
            headers["Content-Length"] = str(reply.length if reply.declared is None else reply.declared)
        broken = reply.cut_after is not None or reply.reset_after is not None or reply.declared is not None
        if broken:
            headers["Connection"] = "close"
            self.close_connection = True
        pending = self._head(reply.status, headers)
        if head:
            self.connection.sendall(pending)
            return
        for piece in self._pieces(reply):
            pending += b"%x\r\n%b\r\n" % (len(piece), piece) if reply.chunked and piece else piece
            self.connection.sendall(pending)
            pending = b""
        whole = b"0\r\n\r\n" if reply.chunked and not broken else b""
        self.connection.sendall(pending + whole)
        if reply.reset_after is not None:
            self.server.reset(self.connection)

    def _head(self, status: int, headers: dict[str, str]) -> bytes:
        phrase = HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else "Status"
        lines = [f"HTTP/1.1 {status} {phrase}", f"Date: {self.date_time_string()}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        return "\r\n".join([*lines, "", ""]).encode("latin-1")

    def _pieces(self, reply: Reply) -> Iterator[bytes]:
        """The body in pieces, ended early or held up as the reply says."""
        limit = min(x for x in (reply.length, reply.cut_after, reply.reset_after) if x is not None)
        hold = reply.stall[0] if reply.stall is not None and reply.stall[0] >= 0 else None
        sent = 0
        for block in reply.blocks():
            block = block[: limit - sent]
            if reply.drip is not None:
                yield from self._drops(block, reply.drip)
                block, sent = b"", sent + len(block)
            elif hold is not None and reply.stall is not None and sent + len(block) >= hold:
                yield block[: hold - sent]
                self.server.pause(reply.stall[1])
                block, sent, hold = block[hold - sent :], hold, None
            yield block
            sent += len(block)
            if sent >= limit:
                return

    def _drops(self, block: bytes, speed: float) -> Iterator[bytes]:
        """A block in drops, so many bytes per second."""
        size = max(1, int(speed * _DROP))
        for start in range(0, len(block), size):
            yield block[start : start + size]
            self.server.pause(_DROP)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the service keeps its own log."""


class Server(ThreadingHTTPServer):
    """An HTTP server on this machine that can be stopped at once.

    Parameters
    ----------
    name : str
        Goes into `Call.server`.
    answer : callable
        From a call to its reply; called in the thread of the connection.
    port : int, default 0
        0 lets the system choose.
    host : {"127.0.0.1", "::1"}
        Where it listens, and nowhere else.
    """

    daemon_threads = True
    request_queue_size = 256
    timeout = 0.5  # seconds after which the accepting thread looks up even if nobody wakes it

    def __init__(self, name: str, answer: Callable[[Call], Reply], port: int = 0, host: str = "127.0.0.1") -> None:
        self.name, self.answer = name, answer
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._closing = threading.Event()
        self._changed = threading.Condition()
        self._connections: set[socket.socket] = set()
        super().__init__((host, port), _Handler)
        self.origin = f"http://{f'[{host}]' if ':' in host else host}:{self.server_address[1]}"
        self._thread = threading.Thread(target=self._run, name=f"era5fast-testing-{name}", daemon=True)
        self._thread.start()

    def server_bind(self) -> None:
        """Bind without asking the resolver for the name of this machine."""
        # Connections of a service that has just ended must not keep its port from the next one.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        socket.socket.bind(self.socket, self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def _run(self) -> None:
        while not self._closing.is_set():
            self.handle_request()

    def verify_request(self, request: Any, client_address: Any) -> bool:
        """Take no more calls once closing."""
        return not self._closing.is_set()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Remember the connection, then serve it in a thread of its own."""
        with self._changed:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Close a connection and forget it."""
        super().shutdown_request(request)
        with self._changed:
            self._connections.discard(request)
            self._changed.notify_all()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is normal; anything else is a fault of ours and must be seen."""
        if not isinstance(sys.exc_info()[1], ConnectionError) and not self._closing.is_set():
            super().handle_error(request, client_address)

    def pause(self, seconds: float) -> None:
        """Wait, but not longer than the server lives."""
        self._closing.wait(seconds)

    def reset(self, connection: socket.socket) -> None:
        """Close a connection so that the other side sees a reset."""
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()

    def close(self) -> None:
        """Stop, close every connection and wait for their threads."""
        if self._closing.is_set():
            return
        self._closing.set()
        with contextlib.suppress(OSError):
            socket.create_connection((self.server_name, self.server_port), 1.0).close()  # wakes the accepting thread
        self._thread.join(2.0)
        self.server_close()
        with self._changed:
            for connection in self._connections:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            self._changed.wait_for(lambda: not self._connections, timeout=2.0)

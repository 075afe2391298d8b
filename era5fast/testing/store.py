"""The object store: result files under another origin, readable by all, with ranges and entity tags."""

from __future__ import annotations

import hashlib
import random
import re
import secrets
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from pathlib import Path
from time import monotonic
from typing import Any

from .wire import Call, FileSlice, Reply, Server

ONE_PUT_LIMIT = 100 << 20  # bytes from which an object is stored in parts
PART_SIZE = 50 << 20
BUCKET = "prod-cache-1"
MEDIA_TYPES = {
    ".nc": "application/netcdf",
    ".grib": "application/x-grib",
    ".zip": "application/zip",
    ".csv": "text/csv",
    ".json": "application/json",
}


@dataclass
class StoredObject:
    """A result in the store, or one on its way there.

    Parameters
    ----------
    stem : str
        Path in the store without the ending of the file.
    key : str
        Full path in the store; empty until the object is ready.
    file : pathlib.Path, optional
        Where it lies on disk.
    size : int
        Bytes.
    etag : str
        Entity tag without quotes.
    checksum : str
        What the service calls ``file:checksum``.
    ready_at : float, optional
        Monotonic time at which it became ready, or failed to.
    error : str
        Why it could not be made.
    evicted : bool
        Whether the cleaner has removed it.
    """

    stem: str
    key: str = ""
    file: Path | None = None
    size: int = 0
    etag: str = ""
    checksum: str = ""
    media_type: str = ""
    modified: datetime | None = None
    ready_at: float | None = None
    error: str = ""
    evicted: bool = False

    @property
    def ready(self) -> bool:
        """Whether it can be downloaded."""
        return self.ready_at is not None and not self.error and not self.evicted


def digest(path: Path, one_put_limit: int = ONE_PUT_LIMIT, part_size: int = PART_SIZE) -> str:
    """Entity tag of a file: MD5 of its content, or for large files MD5 of the MD5s of its parts and their number.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    one_put_limit, part_size : int
        Bytes.

    Returns
    -------
    str
        32 hexadecimal digits, followed by ``-<parts>`` for a file in parts.
    """
    whole = path.stat().st_size < one_put_limit
    parts = []
    with path.open("rb") as file:
        if whole:
            return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
        while block := file.read(part_size):
            parts.append(hashlib.md5(block, usedforsecurity=False).digest())
    return f"{hashlib.md5(b''.join(parts), usedforsecurity=False).hexdigest()}-{len(parts)}"


def checksum_of(etag: str) -> str:
    """The ``file:checksum`` of an entity tag: its number in hexadecimal, so without leading zeros."""
    return format(int(etag.partition("-")[0], 16), "x")


class Store:
    """Objects, and the servers that hand them out.

    Parameters
    ----------
    folder : pathlib.Path
        Where the files lie.
    servers : int
        How many origins serve the same objects.
    one_put_limit, part_size : int
        When and how objects are stored in parts.
    plain_checksum : bool
        False: ``file:checksum`` is a token which says nothing about the content, as on test stacks.
    chance : random.Random
        Picks the origin of each address.
    host : str
        Where the servers listen.
    """

    def __init__(
        self,
        folder: Path,
        servers: int,
        answer: Any,
        one_put_limit: int,
        part_size: int,
        plain_checksum: bool,
        chance: random.Random,
        host: str,
    ) -> None:
        self.folder = folder
        self._limits = (one_put_limit, part_size)
        self._plain, self._chance = plain_checksum, chance
        self._lock = threading.Lock()
        self._objects: dict[str, StoredObject] = {}
        self.servers = [Server("store", answer, host=host) for _ in range(servers)]

    @property
    def origins(self) -> list[str]:
        """``http://host:port`` of each server."""
        return [s.origin for s in self.servers]

    def reserve(self) -> StoredObject:
        """Room for an object that is still to be made."""
        today = datetime.now(UTC).date().isoformat()
        name = format(int(secrets.token_hex(16), 16), "x")
        return StoredObject(f"/{BUCKET}/{today}/{name}")

    def path_for(self, wanted: StoredObject, suffix: str) -> Path:
        """Where the file of a reserved object may be written."""
        return self.folder / (wanted.stem.rsplit("/", 1)[1] + suffix)

    def fill(self, wanted: StoredObject, file: Path) -> None:
        """Put a finished file in the place reserved for it."""
        etag = digest(file, *self._limits)
        with self._lock:
            wanted.file, wanted.size, wanted.etag = file, file.stat().st_size, etag
            wanted.checksum = checksum_of(etag) if self._plain else checksum_of(secrets.token_hex(16))
            wanted.media_type = MEDIA_TYPES.get(file.suffix, "application/octet-stream")
            wanted.modified = datetime.now(UTC).replace(microsecond=0)
            wanted.key = wanted.stem + file.suffix
            self._objects[wanted.key] = wanted
            wanted.ready_at = monotonic()

    def fail(self, wanted: StoredObject, error: str) -> None:
        """Note that a reserved object cannot be made."""
        wanted.error = error
        wanted.ready_at = monotonic()

    def evict(self, stored: StoredObject) -> None:
        """Remove an object, as the cleaner of the cache does."""
        with self._lock:
            stored.evicted = True
            self._objects.pop(stored.key, None)

    def publish(self, name: str, content: bytes) -> str:
        """Put a document in the store; the answer is its address."""
        stored = StoredObject(f"/{BUCKET}/resources/{name.rpartition('.')[0]}")
        path = self.folder / f"{secrets.token_hex(8)}.json"
        path.write_bytes(content)
        self.fill(stored, path)
        return self._chance.choice(self.origins) + stored.key

    def asset(self, stored: StoredObject) -> dict[str, Any]:
        """Description of an object; another host each time, if there are several."""
        return {
            "type": stored.media_type,
            "href": self._chance.choice(self.origins) + stored.key,
            "file:checksum": stored.checksum,
            "file:size": stored.size,
            "file:local_path": f"s3:/{stored.key}",
        }

    def serve(self, call: Call) -> Reply:
        """Answer a call of one of the servers."""
        if call.method not in ("GET", "HEAD"):
            return _error(405, "MethodNotAllowed", {"Allow": "GET, HEAD"})
        with self._lock:
            stored = self._objects.get(call.path)
        if stored is None or stored.file is None or stored.modified is None:
            return _error(404, "NoSuchKey")
        headers = {
            "Content-Type": stored.media_type,
            "Accept-Ranges": "bytes",
            "ETag": f'"{stored.etag}"',
            "Last-Modified": format_datetime(stored.modified, usegmt=True),
        }
        span = _range(call.headers, stored)
        if span is None:
            return Reply(200, headers, FileSlice(stored.file, 0, stored.size))
        start, end = span
        if start >= end:
            return _error(416, "InvalidRange", {"Content-Range": f"bytes */{stored.size}"})
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{stored.size}"
        return Reply(206, headers, FileSlice(stored.file, start, end - start))

    def close(self) -> None:
        """Stop the servers."""
        for server in self.servers:
            server.close()


def _range(headers: dict[str, str], stored: StoredObject) -> tuple[int, int] | None:
    """Half-open span of bytes to send; None for the whole object, an empty span if there is nothing there."""
    found = re.fullmatch(r"bytes=(\d*)-(\d*)", headers.get("range", ""))
    if found is None or found.group(0) == "bytes=-" or not _unchanged(headers.get("if-range"), stored):
        return None
    first, last = found.groups()
    if not first:
        return max(0, stored.size - int(last)), stored.size
    end = min(int(last) + 1, stored.size) if last else stored.size
    if last and int(last) < int(first):
        return None
    return int(first), end


def _unchanged(validator: str | None, stored: StoredObject) -> bool:
    """Whether ``If-Range`` still holds; a weak entity tag never does."""
    if validator is None:
        return True
    if validator.startswith('"'):
        return validator == f'"{stored.etag}"'
    try:
        return parsedate_to_datetime(validator) == stored.modified
    except ValueError:
        return False


def _error(status: int, code: str, headers: dict[str, str] | None = None) -> Reply:
    body = f'<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code></Error>'
    return Reply(status, {"Content-Type": "application/xml", **(headers or {})}, body.encode())

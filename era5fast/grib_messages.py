"""The messages of a GRIB file, one behind the other: where each begins and ends. What they say is not decoded."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import BinaryIO

from .errors import CorruptDataError

__all__ = ["heads"]

#: Bytes of a message that are looked at; all that section 1 of edition 1 says of ERA5 is in them.
HEAD = 64
_LARGE = 1 << 23  # of edition 1: from here on the length has a unit of its own


def heads(path: str) -> Iterator[bytes]:
    """First bytes of every message.

    Raises
    ------
    CorruptDataError
        If there is something else between them, or one is cut off.
    OSError
        If the file cannot be read.
    """
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        at = 0
        while at < size:  # one look per message
            head = _bytes(file, at, HEAD)
            padding = len(head) - len(head.lstrip(b"\0"))
            if padding:  # between messages, up to the next block
                at += padding
                continue
            if head[:4] != b"GRIB" or len(head) < 16:
                raise CorruptDataError(f"{path}: no message at byte {at}", hint="download it again", target=path)
            length = _length(file, at, head)
            if length < 16 or at + length > size or _bytes(file, at + length - 4, 4) != b"7777":
                text = f"{path}: the message at byte {at} is cut off or damaged"
                raise CorruptDataError(text, hint="download it again", target=path)
            yield head
            at += length


def _length(file: BinaryIO, at: int, head: bytes) -> int:
    if head[7] != 1:
        return int.from_bytes(head[8:16], "big")
    length = int.from_bytes(head[4:7], "big")
    if length < _LARGE:
        return length
    at += 8
    for present in (True, head[15] & 0x80, head[15] & 0x40):  # product, grid, bitmap
        at += _section(file, at) if present else 0
    data = _section(file, at)
    return (length - _LARGE) * 120 - data + 4 if data < 120 else length


def _section(file: BinaryIO, at: int) -> int:
    return int.from_bytes(_bytes(file, at, 3), "big")


def _bytes(file: BinaryIO, at: int, count: int) -> bytes:
    file.seek(at)
    return file.read(count)

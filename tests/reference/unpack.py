"""Slow, readable twin of the reader: stored bytes to values, one step at a time."""

from __future__ import annotations

import zlib

import numpy as np


def unpack(
    stored: np.ndarray,
    *,
    scale: float = 1.0,
    offset: float = 0.0,
    fill: float | None = None,
    missing: float | None = None,
    valid_min: float | None = None,
    valid_max: float | None = None,
    dtype: np.typing.DTypeLike = np.float32,
) -> np.ndarray:
    """Unpack stored numbers: missing values first, then scale and offset in double, then one rounding.

    Parameters
    ----------
    stored : numpy.ndarray
        Numbers as they stand in the file, of any shape, number type and byte order.
    scale, offset : float
        ``value = stored * scale + offset``.
    fill, missing : float, optional
        Stored values that mean "missing".
    valid_min, valid_max : float, optional
        Stored values below or above mean "missing".
    dtype : data type, default float32
        ``float32`` or ``float64``.

    Returns
    -------
    numpy.ndarray
        Values of the same shape; missing ones are NaN.
    """
    is_missing = np.zeros(stored.shape, dtype=bool)
    for mark in (fill, missing):
        if mark is not None:
            is_missing |= stored == np.asarray(mark).astype(stored.dtype)
    if valid_min is not None:
        is_missing |= stored < valid_min
    if valid_max is not None:
        is_missing |= stored > valid_max
    if scale == 1.0 and offset == 0.0:
        values = stored.astype(dtype)
    else:
        values = (stored.astype(np.float64) * scale + offset).astype(dtype)
    values[is_missing] = np.nan
    return values


def unshuffle(data: bytes, itemsize: int) -> bytes:
    """Undo HDF5's shuffle filter: byte k of item i lies at ``data[k * n + i]``; what fills no item stays in place."""
    n = len(data) // itemsize
    items = bytearray()
    for i in range(n):
        for k in range(itemsize):
            items.append(data[k * n + i])
    return bytes(items) + data[n * itemsize :]


def fletcher32(data: bytes) -> int:
    """Return Fletcher's checksum over 16-bit words, high byte first, as HDF5 computes it."""
    low = high = 0
    padded = data + b"\0" * (len(data) % 2)
    for i in range(0, len(padded), 2):
        low = (low + padded[i] * 256 + padded[i + 1]) % 65535
        high = (high + low) % 65535
    return high * 65536 + low


def undo_filters(data: bytes, filters: list[str], itemsize: int) -> bytes:
    """Decode one stored chunk.

    Parameters
    ----------
    data : bytes
        The chunk as it stands in the file.
    filters : list of {"shuffle", "deflate", "fletcher32"}
        In the order in which they were applied.
    itemsize : int
        Bytes of one number.

    Returns
    -------
    bytes
        The numbers of the chunk, C order, in the byte order of the file.

    Raises
    ------
    ValueError
        When a checksum is wrong.
    """
    for name in reversed(filters):
        if name == "deflate":
            data = zlib.decompress(data)
        elif name == "shuffle":
            data = unshuffle(data, itemsize)
        elif name == "fletcher32":
            data, stored = data[:-4], int.from_bytes(data[-4:], "little")
            # HDF5 leaves 0 or 65535 where the sums are multiples of 65535: both mean the same.
            if any((fletcher32(data) >> s) % 65536 % 65535 != (stored >> s) % 65536 % 65535 for s in (0, 16)):
                raise ValueError("wrong checksum")
        else:
            raise ValueError(f"unknown filter {name}")
    return data


def merge_versions(values: np.ndarray, axis: int) -> np.ndarray:
    """Take, along the ``expver`` axis, the first version that is not missing."""
    versions = np.moveaxis(values, axis, 0)
    merged = versions[0].copy()
    for version in versions[1:]:
        gaps = np.isnan(merged)
        merged[gaps] = version[gaps]
    return merged

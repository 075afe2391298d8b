"""Zip archives, which the service also delivers under names ending in ``.nc``: unpacked once, gone with the process.

What an archive may hold is the core's rule (``csrc/io/archive.h``), the same as for downloads.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import tempfile
import time
from multiprocessing.util import Finalize

from . import _core
from .errors import CorruptDataError, StorageError, UnsafeInputError

__all__ = ["is_archive", "unpack"]

_MAGIC = (b"PK\x03\x04", b"PK\x05\x06")  # the second one: an archive without members

_scratch: dict[int, str] = {}  # one directory per process: a forked child must not remove its parent's
_members: dict[tuple[str | int, ...], list[str]] = {}
_PREFIX = "era5fast-unpacked-"
_NAME = re.compile(re.escape(_PREFIX) + r"\w{8}")  # as mkdtemp() makes it
_YOUNG = 3600.0  # seconds: its process may not have locked it yet


def is_archive(magic: bytes) -> bool:
    """True when the first four bytes of a file are those of a zip archive."""
    return magic in _MAGIC


def _scratch_directory() -> str:
    """New directory that vanishes with this process."""
    process = os.getpid()
    if process not in _scratch:
        _remove_orphans()
        _scratch[process] = tempfile.mkdtemp(prefix=_PREFIX)
        _lock(_scratch[process])
        # Workers of multiprocessing end without atexit, but not without this; a forked child leaves it alone.
        Finalize(None, shutil.rmtree, (_scratch[process], True), exitpriority=-100)
    return tempfile.mkdtemp(dir=_scratch[process])


def _lock(directory: str) -> int | None:
    """Lock a directory for as long as this process lives; the descriptor, or None where that cannot be."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def _remove_orphans() -> None:
    """Remove what killed processes left: directories of ours that nobody holds the lock of."""
    with os.scandir(tempfile.gettempdir()) as entries:
        names = [entry.path for entry in entries if _NAME.fullmatch(entry.name)]
    for name in names:
        with contextlib.suppress(OSError):  # gone meanwhile, or not ours
            info = os.stat(name, follow_symlinks=False)
            if info.st_uid != os.getuid() or time.time() - info.st_mtime < _YOUNG:
                continue
            descriptor = _lock(name)
            if descriptor is not None:
                shutil.rmtree(name, ignore_errors=True)
                os.close(descriptor)


def unpack(path: str) -> list[str]:
    """Members of a zip archive as files, unpacked once per process into a directory that goes with it.

    Parameters
    ----------
    path : str
        The archive.

    Returns
    -------
    list of str
        One file per member, in the order of the archive.

    Raises
    ------
    UnsafeInputError
        If a member would lie outside a directory, is a link, encrypted or another archive, or if the archive claims
        sizes or numbers that no honest one has.
    CorruptDataError
        If it is damaged.
    StorageError
        If it cannot be read, or there is no room to unpack it.
    """
    try:
        info = os.stat(path)
        key = (os.path.abspath(path), info.st_ino, info.st_size, info.st_mtime_ns, info.st_ctime_ns, os.getpid())
        if key not in _members:
            _members[key] = _unpack_into(path, _scratch_directory())
    except StorageError:
        raise
    except OSError as error:
        raise StorageError(f"cannot read {path}: {error.strerror}", target=path).at(error.errno or 0, path) from error
    return _members[key]


def _by_its_name(directory: str, unpacked: str) -> str:
    """Member under the name that it has in the archive: messages show it. The core puts a number before it."""
    number, name = unpacked.split("-", 1)
    os.mkdir(os.path.join(directory, number))
    member = os.path.join(directory, number, name)
    os.rename(os.path.join(directory, unpacked), member)
    return member


def _unpack_into(path: str, directory: str) -> list[str]:
    try:
        members = [_by_its_name(directory, name) for name in _core.unpack(path, directory, None)]
        if not members:
            raise CorruptDataError("empty archive", hint="download it again", target=path)
        return members
    except BaseException as error:
        shutil.rmtree(directory, ignore_errors=True)
        if isinstance(error, CorruptDataError | UnsafeInputError):  # the core says which member, not which archive
            error.what = f"{path}: {error.what}"
        raise

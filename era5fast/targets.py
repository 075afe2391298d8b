"""Whether a file can be written, asked before hours are spent on what goes into it."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from .errors import StorageError

__all__ = ["check_target"]


def check_target(path: Path) -> None:
    """Refuse the name of a file that cannot be made or replaced; nothing is written.

    Parameters
    ----------
    path : Path
        The file that is to be written.

    Raises
    ------
    StorageError
        If its folder is missing, is no folder or may not be written to, or the name is that of a folder;
        MissingFileError in the first case.
    """
    folder = path.absolute().parent
    if not folder.is_dir():
        missing = _first_missing(folder)
        number, what = (errno.ENOENT, "there is no folder") if missing else (errno.ENOTDIR, "this is no folder:")
        hint = "make it first, or choose another place" if missing else "choose another place"
        raise _refusal(path, number, f"cannot write {path}: {what} {missing or folder}", hint)
    if path.is_dir():
        raise _refusal(path, errno.EISDIR, f"cannot write {path}: it is a folder", "name a file in it")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise _refusal(path, errno.EACCES, f"cannot write {path}: the folder {folder} may not be written to")


def _first_missing(folder: Path) -> Path | None:
    """The first folder on the way that is not there; None where something else stands in its place."""
    for place in (*reversed(folder.parents), folder):
        if not place.is_dir():
            return None if os.path.lexists(place) else place
    return None


def _refusal(path: Path, number: int, what: str, hint: str = "") -> StorageError:
    return StorageError(what, hint=hint, target=str(path)).at(number, str(path))

"""What was asked of the service and what was finished, kept for the next call; and what unfinished downloads left.

The journal is one SQLite file shared by all processes of a user, by default ``era5fast/journal.sqlite`` in the user's
folder for state. ``ERA5FAST_JOURNAL`` names another file, or ``none`` for no journal: then equal requests are
recognised only by what lies beside their targets. No token is in it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import hashlib
import json
import logging
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from . import _core
from .errors import ConfigError, Era5FastError

__all__ = ["Leftover", "Place", "everyone", "leftovers", "location", "owner", "path_in_journal", "remove_leftovers"]

log = logging.getLogger("era5fast")

#: Journals that could not be used, of which that was said.
_told: set[str] = set()


# --- the journal ---


def path_in_journal(path: str | os.PathLike[str]) -> str:
    """The name under which the journal has a file: absolute, its folder without links."""
    folder, name = os.path.split(os.fspath(path))
    return os.path.join(os.path.realpath(folder), name)


def location() -> Path | None:
    """Where the journal lies, whether there is one or not.

    Returns
    -------
    Path or None
        ``$ERA5FAST_JOURNAL``, else ``journal.sqlite`` in the user's folder for state; None for no journal.
    """
    if path := os.environ.get("ERA5FAST_JOURNAL"):
        return None if path.lower() == "none" else Path(path).expanduser()
    from platformdirs import user_state_path

    return user_state_path("era5fast") / "journal.sqlite"


def owner(url: str, key: str | None) -> str:
    """Tell accounts apart without telling who they are.

    Parameters
    ----------
    url : str
        Address of the service.
    key : str or None
        Token.

    Returns
    -------
    str
        32 hex digits, from which neither can be found.
    """
    return hashlib.sha256(f"{url}\0{key or ''}".encode()).hexdigest()[:32]


def _open(path: Path | None, service: str, account: str) -> _core.Journal | None:
    """The journal in a file. One that cannot be used stops no download: that is said once, and the call goes on."""
    if path is None:
        return None
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return _core.Journal(path, service, account)
    except (Era5FastError, OSError, ValueError) as error:
        if str(path) not in _told:
            _told.add(str(path))
            log.warning("going on without the journal, unfinished jobs may be asked for again: %s", error)
        return None


class Place:
    """A journal that is opened when it is first needed, and anew in a forked child.

    Parameters
    ----------
    url, key : str
        Address of the service, and token; only a digest of the token is kept.
    where : path or bool, optional
        The file; None or True for that of :func:`location`, False for no journal.
    """

    def __init__(self, url: str, key: str | None, where: str | os.PathLike[str] | bool | None = None) -> None:
        self.service = url
        self._owner = owner(url, key)
        if isinstance(where, bool) or where is None:
            self._path = None if where is False else location()
        elif isinstance(where, str | os.PathLike):
            self._path = Path(where)
        else:
            raise ConfigError(f"journal must be True, False, or the path of a file, not {where!r:.40}")
        self._opened: _core.Journal | None = None
        self._process = 0

    def __repr__(self) -> str:
        return f"Place({str(self._path)!r})"

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_opened": None, "_process": 0}

    def open(self) -> _core.Journal | None:
        """The journal, open; None where there is none or it cannot be used."""
        if self._process != os.getpid():  # a forked child must not use its parent's
            self._opened, self._process = None, os.getpid()
        if self._opened is None:
            self._opened = _open(self._path, self.service, self._owner)
        return self._opened

    def unfinished(self) -> list[dict[str, Any]]:
        """Rows of the jobs that had not ended when they were last looked at, oldest first."""
        return self._jobs(unfinished=True)

    def jobs(self) -> list[dict[str, Any]]:
        """Rows of all jobs that are known, oldest first."""
        return self._jobs(unfinished=False)

    def requests(self) -> dict[str, dict[str, Any]]:
        """What was asked with each job that is known, by the id of the job."""
        rows = self._jobs(unfinished=False)
        return {str(row["job_id"]): json.loads(row["request"]) for row in rows if row["job_id"] and row["request"]}

    def _jobs(self, unfinished: bool) -> list[dict[str, Any]]:
        journal = self.open()
        try:
            return journal.jobs(unfinished) if journal is not None else []
        except Era5FastError as error:
            log.warning("cannot read the journal: %s", error)
            return []

    def files(self, directory: str | os.PathLike[str] | None = None) -> list[dict[str, Any]]:
        """Rows of the finished files, all or those below a directory, in order of their paths.

        They are as they were when they were finished: compare ``size``, ``mtime_ns`` and ``inode`` before you rely on
        one.
        """
        journal = self.open()
        below = None if directory is None else os.path.realpath(directory)
        try:
            return journal.files(below) if journal is not None else []
        except Era5FastError as error:
            log.warning("cannot read the journal: %s", error)
            return []

    def counted(self, file: Mapping[str, Any], missing: str, asked: float = 0.0) -> None:
        """Note what a finished file lacks of its request (JSON), and when that was last asked for in vain."""
        journal = self.open()
        try:
            if journal is not None:
                journal.counted(file["path"], file["finished"], missing, asked)
        except Era5FastError as error:
            log.warning("cannot write to the journal: %s", error)

    def forget(self, job_id: str) -> None:
        """Remove a job: an equal request makes a new one."""
        journal = self.open()
        try:
            if journal is not None:
                journal.forget(job_id)
        except Era5FastError as error:
            log.warning("cannot write to the journal: %s", error)


def everyone() -> Place | None:
    """The journal as far as it is nobody's: the files of all services; None where there is no journal."""
    path = location()
    return Place("", None) if path is not None and path.exists() else None


# --- what lies beside targets ---

#: ``.<target>.e5part`` and so on; the state file also under the name that it has while it is written.
_NAME = re.compile(r"\.(.+)\.e5(?:part|lock|state~?|members)", re.DOTALL)
#: Where files cannot be locked each process uses names with its number.
_OWN_NAME = re.compile(r".+\.(\d+)-\d+", re.DOTALL)


@dataclasses.dataclass(frozen=True)
class Leftover:
    """What an unfinished download left in a directory.

    Attributes
    ----------
    target : Path
        The file that was to be made.
    files : tuple of Path
        What there is: part, state and lock.
    job_id : str
        Job of the service, or "".
    received : int
        Bytes that the next call need not fetch again; up to half a MiB more may have been written since they were
        noted.
    size : int
        Bytes of the whole file; -1 where that is not known.
    busy : bool
        Whether somebody is working on it just now.
    """

    target: Path
    files: tuple[Path, ...]
    job_id: str
    received: int
    size: int
    busy: bool


def leftovers(directory: str | os.PathLike[str]) -> list[Leftover]:
    """List what unfinished downloads have left in a directory, in order of their targets.

    Asking for the same again goes on with them; :func:`remove_leftovers` removes them.

    Parameters
    ----------
    directory : path
        Where the targets were to be made; directories in it are not looked into.

    Returns
    -------
    list of Leftover

    Raises
    ------
    OSError
        If the directory cannot be read.
    """
    folder = Path(directory)
    return [_describe(folder, name, files) for name, files in sorted(_groups(folder).items())]


def remove_leftovers(
    directory: str | os.PathLike[str], names: Iterable[str | os.PathLike[str]] | None = None
) -> list[Leftover]:
    """Remove what unfinished downloads have left, but for those that somebody is working on.

    The targets themselves and all other files are left alone. Jobs at the service go on.

    Parameters
    ----------
    directory : path
        Where the targets were to be made.
    names : iterable of path, optional
        Targets whose remains are to go; all if not given.

    Returns
    -------
    list of Leftover
        What was removed.

    Raises
    ------
    OSError
        If the directory cannot be read or a file in it not be removed.
    """
    folder = Path(directory)
    wanted = None if names is None else {os.path.basename(os.fsdecode(name)) for name in names}
    found = {name: files for name, files in _groups(folder).items() if wanted is None or name in wanted}
    removed = [_remove(folder, name, files) for name, files in sorted(found.items())]
    return [leftover for leftover in removed if leftover is not None]


def _remove(folder: Path, name: str, files: list[Path]) -> Leftover | None:
    """Remove the files of one target; None if they are not ours to remove, or somebody finished meanwhile."""
    with _held(folder, name, make=True) as free:
        files = [path for path in files if os.path.lexists(path)]
        if not free or not files or _state(folder, name) is None:
            return None
        leftover = _describe(folder, name, files, busy=False)
        for path in sorted(files, key=lambda path: path.name.endswith(".e5lock")):  # the lock last
            if path.name.endswith(".e5members"):
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        return leftover


def _groups(folder: Path) -> dict[str, list[Path]]:
    """Our files in a directory by the name of their target: those of this user only."""
    found: dict[str, list[Path]] = {}
    with os.scandir(folder) as entries:
        for entry in entries:
            match = _NAME.fullmatch(entry.name)
            if match is None or not _is_of_its_kind(entry):
                continue
            with contextlib.suppress(FileNotFoundError):
                if entry.stat(follow_symlinks=False).st_uid == os.geteuid():
                    found.setdefault(match[1], []).append(folder / entry.name)
    return {name: sorted(files) for name, files in found.items()}


def _is_of_its_kind(entry: os.DirEntry[str]) -> bool:
    """Members of an archive are unpacked into a folder; all else are regular files."""
    if entry.name.endswith(".e5members"):
        return entry.is_dir(follow_symlinks=False)
    return entry.is_file(follow_symlinks=False)


def _describe(folder: Path, name: str, files: list[Path], busy: bool | None = None) -> Leftover:
    state = _state(folder, name) or {"job_id": "", "size": -1, "received": 0}
    if busy is None:
        with _held(folder, name, make=False) as free:
            busy = not free
    there = (folder / f".{name}.e5part") in files
    received = state["received"] if there else 0
    return Leftover(folder / name, tuple(files), state["job_id"], received, state["size"], busy)


def _state(folder: Path, name: str) -> dict[str, Any] | None:
    """What the state file says; {} for none, None for one that cannot be used: it may be somebody else's."""
    if not os.path.lexists(folder / f".{name}.e5state"):
        return {}
    return _core.read_state(folder / name)


@contextlib.contextmanager
def _held(folder: Path, name: str, make: bool) -> Iterator[bool]:
    """Hold the lock of a target as a download would; False when somebody else has it.

    With `make` the lock is made where there is none, so that no download begins meanwhile, and removed at the end.
    """
    path = folder / f".{name}.e5lock"
    flags = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    owned = not os.path.lexists(path) and _has_live_owner(name)
    try:
        file = -1 if owned else os.open(path, flags | (os.O_CREAT if make else 0), 0o600)
    except FileNotFoundError:
        file = -1
    if file < 0:
        yield not owned
        return
    free = _lock(file, path)
    try:
        yield free
    finally:
        if make and free and _is_same(file, path):
            path.unlink(missing_ok=True)
        os.close(file)


def _lock(file: int, path: Path) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # no locks here; what is there then carries the number of its process
        return True
    return _is_same(file, path)


def _is_same(file: int, path: Path) -> bool:
    """Whether the file that is open still has its name: a holder removes it at the end."""
    try:
        return os.path.samestat(os.fstat(file), os.stat(path, follow_symlinks=False))
    except FileNotFoundError:
        return False


def _has_live_owner(name: str) -> bool:
    match = _OWN_NAME.fullmatch(name)
    if match is None:
        return False
    try:
        os.kill(int(match[1]), 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True

"""Exceptions: one class for each outcome that a caller can act on.

Every class has the ``code`` of a row of the core's status table; :func:`from_core` is the only way in which a failure
of the core becomes an exception. ``str()`` is one line: what failed, then what to do about it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import sys
import warnings
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any, Self

MAX_LENGTH = 300
_MAX_PART = 1000  # letters of what failed, or of what to do: texts of other programs may be of any length
_MAX_NAME = 80  # letters of a target, of which the end tells most

#: Controls, marks that change the direction of writing, separators of lines, halves of characters.
_UNSEEN = re.compile("[\0-\x1f\x7f]|([\x80-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff])")
_BLANKS = re.compile("  +")


def clean(text: object, most: int = 200) -> str:
    """Text from outside as it may be shown: one line without hidden characters, of at most so many letters."""
    shown = _UNSEEN.sub(lambda found: "?" if found[1] else " ", str(text))
    shown = _BLANKS.sub(" ", shown)
    return shown if len(shown) <= most else shown[: most - 1] + "…"


class Era5FastError(Exception):
    """Base of all errors of this package.

    Cause: one of the classes below says which.

    Cure: ``hint`` says what to do; where ``retryable`` is true, calling again may do.

    Parameters
    ----------
    what : str
        What failed, on what; one line.
    hint : str, optional
        What to do next.
    target : str, optional
        File concerned.
    job_id : str, optional
        Job of the service concerned.
    status : int, optional
        HTTP status, 0 when there was none.
    attempts : int, optional
        Tries made.
    elapsed : float, optional
        Seconds spent.
    retry_after : float, optional
        Seconds that the service asked to wait.
    """

    code = "internal"
    retryable = False

    def __init__(
        self,
        what: str,
        *,
        hint: str = "",
        target: str = "",
        job_id: str = "",
        status: int = 0,
        attempts: int = 0,
        elapsed: float = 0.0,
        retry_after: float = 0.0,
    ) -> None:
        what = clean(what, _MAX_PART)
        super().__init__(what)
        self.what = what
        self.hint = clean(hint, _MAX_PART)
        self.target = target
        self.job_id = job_id
        self.status = status
        self.attempts = attempts
        self.elapsed = elapsed
        self.retry_after = retry_after

    def __str__(self) -> str:
        rest = f" (after {self.attempts} tries)" if self.attempts > 1 else ""
        what = self.what
        if self.hint:
            what = what.rstrip(". ")  # texts of the service end with a stop or not
            rest += f"{'' if what.endswith('?') and not rest else '.'} {_sentence(self.hint)}"
        concerned = self._concerned()
        if len(concerned) + min(len(what), MAX_LENGTH // 2) + len(rest) <= MAX_LENGTH:  # it cuts nothing of the hint
            what = concerned + what
        room = max(MAX_LENGTH - len(rest), MAX_LENGTH // 2)  # what to do next is worth more than the end of a text
        text = (what if len(what) <= room else what[: room - 1] + "…") + rest
        return text if len(text) <= MAX_LENGTH else text[: MAX_LENGTH - 1] + "…"

    def _concerned(self) -> str:
        """Target and job in front of what failed, where it does not name them."""
        told = f"{self.what} {self.hint}"
        target, job = clean(self.target, _MAX_PART), clean(self.job_id, _MAX_NAME)
        if not target or target.rpartition("/")[2] in told:
            return f"job {job}: " if job and job not in told and not target else ""
        name = target if len(target) <= _MAX_NAME else f"…{target[1 - _MAX_NAME :]}"
        return f"{name} (job {job}): " if job and job not in told else f"{name}: "

    def at(self, number: int, path: str | None) -> Self:
        """Note the failed system call: ``errno`` and ``filename``, for those classes that are an :class:`OSError`."""
        _note_call(self, number, path)
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.args, self.__dict__, *_call_of(self))


def _sentence(hint: str) -> str:
    """A hint that begins with a capital letter, unless it begins with something to type."""
    first = hint.split(maxsplit=1)[0]
    is_code = first == "pip" or any(sign in first.rstrip(".,:;") for sign in "=(._'")
    return hint if is_code else f"{hint[0].upper()}{hint[1:]}"


def _note_call(error: BaseException, number: int, path: str | None) -> None:
    if isinstance(error, OSError) and number:
        error.errno, error.strerror, error.filename = number, os.strerror(number), path


def _call_of(error: BaseException) -> tuple[int | None, str | None]:
    return (error.errno, error.filename) if isinstance(error, OSError) else (0, None)


def _rebuild(
    cls: type[Era5FastError], args: tuple[Any, ...], state: dict[str, Any], number: int | None, path: str | None
) -> Era5FastError:
    error = cls.__new__(cls, *args)
    error.args = args
    error.__dict__.update(state)
    return error.at(number or 0, path)


class InputError(Era5FastError, ValueError):
    """An argument, or the data behind it, does not fit the call.

    Cause: A name, date, number, unit, shape or calendar that the call cannot take, times or grids of two series that
    differ, or a file that does not hold what was asked for. It is found before the work begins.

    Cure: Change what the text names: it says which argument, and what that may be; a name that is nearly right comes
    with a suggestion.
    """

    code = "input"


class MissingPackageError(InputError, ImportError):
    """A package that only some calls need is not installed; ``name`` says which.

    Cause: The package is optional, and neither it nor the extra of era5fast that brings it was installed; or it is
    there and cannot be imported, which the text then says.

    Cure: Type what the hint says: ``pip install 'era5fast[xarray]'``, with the extra that it names.
    """

    name: str | None = None  # ImportError's own is lost in a pickle


class MissingItemError(InputError, KeyError, IndexError):
    """There is no event or track of that number.

    Cause: A catalogue counts its events from 0, a database gives each an id that stays with it.

    Cure: ``len()`` of a catalogue tells how many there are; ``list(db)``, ``query()`` and ``query_tracks()`` tell the
    ids of a database.
    """


class ConfigError(Era5FastError, ValueError):
    """Settings, the file with the token, or the form of the token.

    Cause: There is no token, it has the form of the service that closed in 2024, its file is not written 'name:
    value', address and token belong to different portals, the address is not https, or a setting is no number in its
    range.

    Cure: Write the two lines 'url: …' and 'key: …' that the hint shows into ``~/.cdsapirc``, or mend the setting that
    is named. ``era5fast doctor`` shows what is found where.
    """

    code = "config"


class AuthError(Era5FastError):
    """The service refuses the token.

    Cause: The token is wrong, was renewed on the page of your profile, or belongs to another portal (HTTP 401, 403);
    or a proxy wants a password.

    Cure: Copy it anew from the page in the hint to the place that the hint names. Jobs and unfinished files are kept
    for the next call.
    """

    code = "auth"


class LicenceError(AuthError):
    """A licence has not been accepted; the hint has the page.

    Cause: Each dataset has a licence, which its user accepts once.

    Cure: Read it on the page of the dataset and accept it there, or call the :meth:`~era5fast.Client.accept_licence`
    that the hint shows.
    """

    code = "licence"


class RequestError(Era5FastError, ValueError):
    """The service refuses the request itself.

    Cause: A key or a value that the dataset does not have, no such dataset, or more than one job may cost (HTTP 400,
    403, 404, 422).

    Cure: Change what the text names; it has the words of the service. :class:`era5fast.Request` checks names before,
    its ``split`` keeps to the limit of costs, and :meth:`era5fast.Client.constraints` says what goes together.
    """

    code = "request"


class ThrottledError(Era5FastError):
    """Rate limit or queue quota, beyond patience; see ``retry_after``.

    Cause: The service has asked to wait, again and again, for longer than the setting ``patience`` (a day by
    default).

    Cure: Try again later: ``retry_after`` has the seconds that the service named; finished files stay. Fewer requests
    at once, ``Client(max_jobs=2)``, or larger ones help.
    """

    code = "throttled"
    retryable = True


class ServerError(Era5FastError):
    """The service fails, beyond patience.

    Cause: It has answered with faults of its own (HTTP 500 to 504), or with what nobody can read, for longer than the
    setting ``patience``.

    Cure: Try again later: jobs are kept. The page of the service tells of interruptions, as does
    ``Client.messages()``.
    """

    code = "server"
    retryable = True


class NetworkError(Era5FastError, ConnectionError):
    """Name lookup, connection or transfer failed, beyond patience.

    Cause: The name of the host was not found, no connection came about, or it broke again and again, for longer than
    ``patience``: no network, a proxy or firewall in between, or the service is down.

    Cure: Check the network, ``https_proxy`` and the address; ``era5fast doctor`` tries the way. Then call again:
    transfers go on at the same byte.
    """

    code = "network"
    retryable = True


class TransferTimeoutError(NetworkError, TimeoutError):
    """Too slow, silent or past the deadline.

    Cause: Fewer bytes per second than ``low_speed_limit``, no answer within ``timeout``, or the setting ``deadline``
    has passed.

    Cure: Call again: the transfer goes on where it stopped. On slow lines lower ``low_speed_limit``.
    """

    code = "transfer_timeout"


class TLSError(NetworkError):
    """Certificate or handshake refused.

    Cause: Somebody else answers (a login page, a proxy that opens https), the certificates to trust are missing or
    old, or the clock of this computer is wrong.

    Cure: Name the file with the certificates of your institute with ``verify`` or ``REQUESTS_CA_BUNDLE``; install
    ca-certificates or certifi where there are none; set the clock.
    """

    code = "tls"
    retryable = False


class JobFailedError(Era5FastError):
    """The job failed or was rejected; the text is the service's own.

    Cause: Most often there are no data for what was asked (dates to come, a variable on the wrong level), or a fault
    of the service.

    Cure: Read the text. 'No data' means a day or a field that is not there (yet); a request that is too large is cut
    by ``split``. Faults that pass were tried again already; where the text speaks of the service itself, call again
    later.
    """

    code = "job_failed"


class JobLostError(Era5FastError):
    """The job is unknown, dismissed or deleted.

    Cause: Somebody has deleted it, its id is wrong, or it belongs to another account; the service forgets old jobs
    too.

    Cure: Call the same again for a new job. ``era5fast jobs`` lists those that there are.
    """

    code = "job_lost"


class JobTimeoutError(Era5FastError, TimeoutError):
    """The user's deadline passed; the job is still alive.

    Cause: The service has not finished the job within the time that was given.

    Cure: Call again: the job goes on meanwhile, and is found again, also by its id with :meth:`era5fast.Client.job`.
    Allow more time with ``timeout`` or ``deadline``.
    """

    code = "job_timeout"
    retryable = True


class ResultsExpiredError(Era5FastError):
    """The result was removed from the service.

    Cause: The service keeps results for some days only.

    Cure: Call the same again with ``fresh=True`` for a new job.
    """

    code = "results_expired"
    retryable = True


class CorruptDataError(Era5FastError):
    """Wrong size, checksum, format or content.

    Cause: A transfer that was damaged twice, a page of a portal or proxy in place of data, or a file that is damaged
    on the disk.

    Cure: Call again; log in where the text quotes a page of a portal. A damaged file of yours is deleted and fetched
    anew. The text says what was found in place of what.
    """

    code = "corrupt"
    retryable = True


class UnsafeInputError(Era5FastError, ValueError):
    """Hostile or oversized name, archive, header or link.

    Cause: A file or an answer claims what no honest one does: a name that leads out of the directory, an archive that
    grows beyond all measure, a link to another scheme.

    Cure: Do not use the file; fetch it again from a place that you trust. If it is yours, rename or unpack it by
    hand.
    """

    code = "unsafe_input"


class StorageError(Era5FastError, OSError):
    """Disk, directory or permission; keeps ``errno`` and ``filename``.

    Cause: The disk is full or a quota is reached, the folder cannot be written to, the name is no file, or the disk
    fails.

    Cure: Do what the hint says (room, permissions, another name), then call again: what was finished is kept.
    """

    code = "storage"

    def at(self, number: int, path: str | None) -> Self:
        """Note the failed system call; the usual failures bring their own hint, a missing file its own class."""
        self.hint = self.hint or _WHAT_TO_DO.get(number, "")
        if number == errno.ENOENT and type(self) is StorageError:
            self.__class__ = MissingFileError  # type: ignore[assignment]
        return super().at(number, path)


class MissingFileError(StorageError, FileNotFoundError):
    """A file or directory that is not there.

    Cause: The name is misspelt, relative to another folder, or the file was moved.

    Cure: Check the name, and the folder that it is relative to.
    """


class ExistingFileError(StorageError, FileExistsError):
    """The file to be written is there already, and nobody has said that it may be replaced.

    Cause: An earlier call or another program has written a file of that name, or does so at the same time.

    Cure: Choose another name, or pass ``overwrite=True``; the file is as it was.
    """

    code = "exists"

    def at(self, number: int, path: str | None) -> Self:
        """Note the failed system call: that a file is there is one whoever has seen it."""
        self.hint = self.hint or "choose another name, or pass overwrite=True"
        return super().at(number or errno.EEXIST, path)


#: Hint for each failure of the system that a user can do something about.
_WHAT_TO_DO = {
    errno.ENOENT: "check the name",
    errno.ENOTDIR: "check the name",
    errno.EISDIR: "name a file in it; for reading, a pattern like 'folder/*.nc' does as well",
    errno.EACCES: "check the permissions of the file and its folder",
    errno.EPERM: "check the permissions of the file and its folder",
    errno.EROFS: "choose a place that can be written to",
    errno.ENOSPC: "make room on the disk, then call again",
    errno.EDQUOT: "make room within the quota, then call again",
    errno.EFBIG: "the file system or a limit of this process allows no larger file",
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.EMFILE: "close files, or raise the limit with 'ulimit -n'",
    errno.EIO: "check the disk",
}


class TargetBusyError(Era5FastError):
    """Another process is writing this target.

    Cause: Two programs download to one file, or an earlier one has not ended yet.

    Cure: Wait for the other one, or choose another name; a process that died holds nothing.
    """

    code = "target_busy"
    retryable = True


class EventDatabaseError(Era5FastError):
    """Event database damaged, foreign or of another version.

    Cause: The file is no event database, was made by a newer era5fast, has triggers that are not ours, or is damaged.

    Cure: Check the name; ``EventDatabase(path).verify()`` tells what is wrong. Newer files need a newer era5fast;
    older ones are brought up to date when events are added.
    """

    code = "database"


class DatabaseBusyError(EventDatabaseError):
    """Event database locked longer than the time limit.

    Cause: Another program (QGIS, a second run) is writing to the file.

    Cure: Wait for it, close it, or allow a longer wait with ``busy_seconds``; a writer that died holds nothing. Many
    writers: each writes a file of its own, and ``merge`` joins them.
    """

    code = "database_busy"
    retryable = True


class ResultTooLargeError(Era5FastError, MemoryError):
    """More memory would be needed than one call may take; refused before any was taken.

    Cause: The result is larger than a quarter of the memory of the machine or the container.

    Cure: Take a part with ``time=`` or ``area=``, open the files lazily with :func:`era5fast.open_dataset`, give an
    array with ``out=``, or hand file names to the diagnostic, which then streams.
    """

    code = "memory"
    retryable = True


class ForkedProcessError(Era5FastError, RuntimeError):
    """An object was used in a forked child.

    Cause: Threads do not survive a fork, so a client or pool of the parent is of no use in the child.

    Cure: Make a new one in the child, or use threads, ``era5fast.pool.Pool``, or processes that are started with
    ``spawn``.
    """

    code = "forked"


class InternalError(Era5FastError, RuntimeError):
    """A promise inside the core was broken; please report it.

    Cause: A fault of era5fast.

    Cure: Report it with the text and with what ``era5fast.show_versions()`` prints.
    """

    code = "internal"


class PerformanceHint(UserWarning):
    """A call does what was asked for, but another way to ask for it, which the text names, costs less."""


def warn(text: str, category: type[Warning] = UserWarning) -> None:
    """Warn of something at the line of the user's own that led to it, however deep in this package it is noticed."""
    frame, level = sys._getframe(1), 2
    package = __name__.partition(".")[0]
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] == package:
        frame, level = frame.f_back, level + 1
    warnings.warn(text, category, stacklevel=level)


_heard: ContextVar[bool] = ContextVar("heard", default=False)


@contextlib.contextmanager
def heard_before() -> Iterator[None]:
    """Context of a part of a call, such as one of many blocks, of which the user has been told all with the whole."""
    token = _heard.set(True)
    try:
        yield
    finally:
        _heard.reset(token)


def tell(text: str) -> None:
    """Warn as :func:`warn` does, but not in a part of a call that was told of before."""
    if not _heard.get():
        warn(text)


def _all_subclasses(cls: type[Era5FastError]) -> list[type[Era5FastError]]:
    return [cls, *(grandchild for child in cls.__subclasses__() for grandchild in _all_subclasses(child))]


#: Exception class of each code. Two outcomes are raised as Python's own.
BY_CODE: dict[str, type[BaseException]] = {cls.code: cls for cls in reversed(_all_subclasses(Era5FastError))}
BY_CODE |= {
    "internal": InternalError,
    "cancelled": KeyboardInterrupt,
    "memory": MemoryError,
}


class BatchError(Era5FastError):
    """Some items of a batch failed; the others are there.

    Cause: each failed item has its own, in ``failures``.

    Cure: that of each item; call the same again for those that failed, finished files are kept.

    Attributes
    ----------
    failures : dict of str to Exception
        Target → error of every failed item.
    paths : list of str
        Targets that were completed.
    """

    code = "batch"

    def __init__(self, failures: dict[str, BaseException], paths: list[str]) -> None:
        first = next(iter(failures.values()))
        total = len(failures) + len(paths)
        super().__init__(f"{len(failures)} of {total} files failed; the first: {first}")
        self.failures = failures
        self.paths = paths
        self.retryable = all(getattr(error, "retryable", False) for error in failures.values())
        self.__cause__ = first


def from_core(
    code: str,
    what: str,
    hint: str,
    target: str,
    job_id: str,
    sys_errno: int,
    http_status: int,
    attempts: int,
    elapsed: float,
    retry_after: float,
) -> BaseException:
    """Exception for a failure that the core reports; called by the extension only."""
    cls = BY_CODE[code]
    if not issubclass(cls, Era5FastError):
        return cls(f"{what}. {hint}" if hint else what)
    error = cls(
        what,
        hint=hint,
        target=target,
        job_id=job_id,
        status=http_status,
        attempts=attempts,
        elapsed=elapsed,
        retry_after=retry_after,
    )
    return error.at(sys_errno, target or None)

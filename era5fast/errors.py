"""Exceptions: one class for each outcome that a caller can act on.

Every class has the ``code`` of a row of the core's status table; :func:`from_core` is the only way in which a failure
of the core becomes an exception. ``str()`` is one line: what failed, then what to do about it.
"""

from __future__ import annotations

import errno
import os
import re
from typing import Any, Self

MAX_LENGTH = 300
_MAX_PART = 1000  # letters of what failed, or of what to do: texts of other programs may be of any length
_MAX_NAME = 80  # letters of a target, of which the end tells most

#: Controls, marks that change the direction of writing, separators of lines, halves of characters.
_UNSEEN = re.compile("[\0-\x1f\x7f]|([\x80-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff])")


def clean(text: object, most: int = 200) -> str:
    """Text from outside as it may be shown: one line without hidden characters, of at most so many letters."""
    shown = _UNSEEN.sub(lambda found: "?" if found[1] else " ", str(text))
    return shown if len(shown) <= most else shown[: most - 1] + "…"


class Era5FastError(Exception):
    """Base of all errors of this package.

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
    """An argument, or the data behind it, does not fit the call."""

    code = "input"


class ConfigError(Era5FastError, ValueError):
    """Settings, rc file or token format."""

    code = "config"


class AuthError(Era5FastError):
    """The service refuses the token."""

    code = "auth"


class LicenceError(AuthError):
    """A licence has not been accepted; the hint has the page."""

    code = "licence"


class RequestError(Era5FastError, ValueError):
    """The service refuses the request itself."""

    code = "request"


class ThrottledError(Era5FastError):
    """Rate limit or queue quota, beyond patience; see ``retry_after``."""

    code = "throttled"
    retryable = True


class ServerError(Era5FastError):
    """The service fails, beyond patience."""

    code = "server"
    retryable = True


class NetworkError(Era5FastError, ConnectionError):
    """Name lookup, connection or transfer failed, beyond patience."""

    code = "network"
    retryable = True


class TransferTimeoutError(NetworkError, TimeoutError):
    """Too slow, silent or past the deadline."""

    code = "transfer_timeout"


class TLSError(NetworkError):
    """Certificate or handshake refused."""

    code = "tls"
    retryable = False


class JobFailedError(Era5FastError):
    """The job failed or was rejected; the text is the service's own."""

    code = "job_failed"


class JobLostError(Era5FastError):
    """The job is unknown, dismissed or deleted."""

    code = "job_lost"


class JobTimeoutError(Era5FastError, TimeoutError):
    """The user's deadline passed; the job is still alive."""

    code = "job_timeout"
    retryable = True


class ResultsExpiredError(Era5FastError):
    """The result was removed from the service."""

    code = "results_expired"
    retryable = True


class CorruptDataError(Era5FastError):
    """Wrong size, checksum, format or content."""

    code = "corrupt"
    retryable = True


class UnsafeInputError(Era5FastError, ValueError):
    """Hostile or oversized name, archive, header or link."""

    code = "unsafe_input"


class StorageError(Era5FastError, OSError):
    """Disk, directory or permission; keeps ``errno`` and ``filename``."""

    code = "storage"

    def at(self, number: int, path: str | None) -> Self:
        """Note the failed system call; the usual failures bring their own hint, a missing file its own class."""
        self.hint = self.hint or _WHAT_TO_DO.get(number, "")
        if number == errno.ENOENT and type(self) is StorageError:
            self.__class__ = MissingFileError  # type: ignore[assignment]
        return super().at(number, path)


class MissingFileError(StorageError, FileNotFoundError):
    """A file or directory that is not there."""


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
    """Another process is writing this target."""

    code = "target_busy"
    retryable = True


class EventDatabaseError(Era5FastError):
    """Event database damaged, foreign or of another version."""

    code = "database"


class DatabaseBusyError(EventDatabaseError):
    """Event database locked longer than the time limit."""

    code = "database_busy"
    retryable = True


class ResultTooLargeError(Era5FastError, MemoryError):
    """More memory would be needed than one call may take; refused before any was taken."""

    code = "memory"
    retryable = True


class ForkedProcessError(Era5FastError, RuntimeError):
    """An object was used in a forked child."""

    code = "forked"


class InternalError(Era5FastError, RuntimeError):
    """A promise inside the core was broken; please report it."""

    code = "internal"


def _all_subclasses(cls: type[Era5FastError]) -> list[type[Era5FastError]]:
    return [cls, *(grandchild for child in cls.__subclasses__() for grandchild in _all_subclasses(child))]


#: Exception class of each code. Three outcomes are raised as Python's own.
BY_CODE: dict[str, type[BaseException]] = {cls.code: cls for cls in reversed(_all_subclasses(Era5FastError))}
BY_CODE |= {
    "internal": InternalError,
    "cancelled": KeyboardInterrupt,
    "memory": MemoryError,
    "exists": FileExistsError,
}


class BatchError(Era5FastError):
    """Some items of a batch failed; the others are there.

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

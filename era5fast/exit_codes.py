"""Exit codes of the command line: what each means, and which errors lead to it."""

from __future__ import annotations

from typing import NamedTuple

from . import errors

__all__ = ["EXIT_CODES", "ExitCode", "as_sentence", "code_of"]


class ExitCode(NamedTuple):
    """One exit code.

    Attributes
    ----------
    code : int
        The number.
    text : str
        What it means.
    kinds : tuple of type
        Errors that lead to it, with those derived from them that no other row names.
    """

    code: int
    text: str
    kinds: tuple[type[BaseException], ...] = ()


_REFUSED = (errors.AuthError, errors.RequestError, errors.JobFailedError, errors.JobLostError)
_DAMAGED = (errors.UnsafeInputError, errors.CorruptDataError, errors.StorageError, errors.EventDatabaseError)

EXIT_CODES = (
    ExitCode(0, "success"),
    ExitCode(1, "an error of the program", (errors.InternalError, errors.ForkedProcessError)),
    ExitCode(
        2,
        "wrong arguments, settings or request file",
        (errors.InputError, errors.ConfigError, errors.ExistingFileError),
    ),
    ExitCode(3, "refused by the service: token, licence, request, failed or unknown job", _REFUSED),
    ExitCode(4, "temporary fault: try again", (errors.Era5FastError,)),
    ExitCode(5, "damaged data, or the disk", _DAMAGED),
    ExitCode(6, "doctor found a fault"),
    ExitCode(130, "stopped by ctrl-C"),
)


def code_of(kind: type[BaseException]) -> int:
    """Exit code for errors of a class: that of the nearest of its bases that stands in the table, else 1."""
    codes = {named: row.code for row in EXIT_CODES for named in row.kinds}
    return next((codes[base] for base in kind.__mro__ if base in codes), 1)


def as_sentence() -> str:
    """All of them, for the end of a help text."""
    return f"Exit codes: {'; '.join(f'{row.code} {row.text}' for row in EXIT_CODES)}."

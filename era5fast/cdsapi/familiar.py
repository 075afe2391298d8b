"""Errors and log lines in the form that notebooks written for the official clients expect."""

from __future__ import annotations

import contextlib
import functools
import json
import logging
import sys
from collections.abc import Iterator
from typing import Any

from .. import errors

__all__ = ["Lines", "as_usual"]

#: Our class → the class of ``requests.exceptions`` that it is in the official clients; the first that fits is taken.
_FAMILIES: list[tuple[type[errors.Era5FastError], str]] = [
    (errors.TransferTimeoutError, "Timeout"),
    (errors.TLSError, "SSLError"),
    (errors.NetworkError, "ConnectionError"),
    (errors.AuthError, "HTTPError"),
    (errors.RequestError, "HTTPError"),
    (errors.JobFailedError, "HTTPError"),
    (errors.JobLostError, "HTTPError"),
    (errors.ResultsExpiredError, "HTTPError"),
    (errors.ThrottledError, "HTTPError"),
    (errors.ServerError, "HTTPError"),
]
_STATUS: dict[type[errors.Era5FastError], int] = {
    errors.JobFailedError: 400,
    errors.JobLostError: 404,
    errors.ResultsExpiredError: 404,
}


@contextlib.contextmanager
def as_usual() -> Iterator[None]:
    """Raise errors so that an ``except requests.HTTPError`` of an old notebook takes them as well."""
    try:
        yield
    except errors.Era5FastError as error:
        familiar = _familiar(error)
        if familiar is error:
            raise
        raise familiar.with_traceback(error.__traceback__) from error.__cause__


def _familiar(error: errors.Era5FastError) -> Any:
    """The error as one of ours and of ``requests``; unchanged where that has not been imported by anybody."""
    requests = sys.modules.get("requests")
    family = next((name for kind, name in _FAMILIES if isinstance(error, kind)), None)
    if requests is None or family is None or isinstance(error, requests.RequestException):
        return error
    ours: Any = type(error)
    cls = _class_of(ours, getattr(requests.exceptions, family))
    familiar = OSError.__new__(cls, *error.args)  # what all errors of requests are
    familiar.args = error.args
    familiar.__dict__.update(error.__dict__)
    familiar.request = None
    familiar.response = _response(requests, error) if family == "HTTPError" else None
    return familiar


@functools.cache
def _class_of(ours: Any, theirs: Any) -> Any:
    """A class that is both; pickled as ours, since nobody else could read it."""

    def reduce(self: Any) -> Any:
        plain = ours.__new__(ours, *self.args)
        plain.args = self.args
        plain.__dict__.update({k: v for k, v in self.__dict__.items() if k not in ("request", "response")})
        return plain.__reduce__()

    return type(ours.__name__, (ours, theirs), {"__reduce__": reduce, "__module__": ours.__module__})


def _response(requests: Any, error: errors.Era5FastError) -> Any:
    """What ``error.response`` is in the official clients, as far as it is known."""
    response = requests.Response()
    usual = next((status for kind, status in _STATUS.items() if isinstance(error, kind)), 500)
    response.status_code = error.status or usual
    response._content = json.dumps({"title": error.what, "status": response.status_code}).encode()
    response.encoding = "utf-8"
    return response


class Lines:
    """Log lines as people have set them up: by arguments of the client, callbacks, or the loggers by their names.

    Parameters
    ----------
    quiet, debug : bool
        Warnings only; everything.
    callbacks : dict of int to callable
        Level → what is called instead of logging.
    """

    logger = logging.getLogger("cdsapi")
    #: Where the newer of the official clients logs: its level and its own handlers count as well.
    other = logging.getLogger("ecmwf.datastores.legacy_client")

    def __init__(self, quiet: bool, debug: bool, callbacks: dict[int, Any]) -> None:
        self._level = logging.WARNING if quiet else logging.DEBUG if debug else logging.INFO
        self._callbacks = callbacks
        if not quiet and not self.logger.hasHandlers() and not self.other.handlers:
            handler = logging.StreamHandler()
            handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
            self.logger.addHandler(handler)

    def __getstate__(self) -> dict[str, Any]:
        return {"_level": self._level, "_callbacks": self._callbacks}

    def log(self, level: int, *args: Any, **kwargs: Any) -> None:
        """Pass a line on; arguments are those of the methods of a logger, for a callback as well."""
        lowest = max(self._level, self.logger.level, self.other.level, logging.root.manager.disable + 1)
        callback = self._callbacks.get(level)
        if callback is not None:
            callback(*args, **kwargs)
        elif args and level >= lowest:
            message, *values = args
            record = self.logger.makeRecord(
                self.logger.name, level, "era5fast.cdsapi", 0, message, tuple(values), None, **kwargs
            )
            self.logger.handle(record)
            for handler in self.other.handlers:
                if level >= handler.level:
                    handler.handle(record)

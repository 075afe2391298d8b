"""What the service does not say when it refuses a request: the limit that it has, the licence that is missing."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from .errors import AuthError, Era5FastError, JobFailedError, LicenceError, RequestError, clean
from .routes import collection, costing
from .slips import slips
from .wording import did_you_mean

__all__ = ["complete", "name_token"]

#: Seconds for the whole of it, however many datasets: the refusals themselves are told in any case.
_WHOLE = 1.0
_SHORTEST = 0.02  # seconds below which nothing is asked any more
_LICENCE_NAME = 100  # letters
_MOST = 1e15  # a cost beyond is none
_FORBIDDEN, _NOT_FOUND = 403, 404
_OF_TOKEN = "check that your token"  # in what the core advises where the token is at fault
_ORIGIN = 60  # letters of the place of a token, of which the end tells most


class Asks(Protocol):
    """Whoever can ask the service; a connection can."""

    def ask_object(
        self, method: str, path: str, body: Any = None, settings: dict[str, float] | None = None
    ) -> dict[str, Any]:
        """One call whose reply is an object."""


def complete(service: Asks, refused: Iterable[tuple[str, str, BaseException | None]]) -> None:
    """Add to the hints of errors what a user needs to go on; at most one call for each dataset and kind.

    Parameters
    ----------
    service : Connection
        Who is asked.
    refused : iterable of (str, str, Exception or None)
        Dataset, request as JSON, and error; where there is none, or one of another kind, nothing is done.
    """
    known: dict[tuple[str, str], str] = {}
    end = time.monotonic() + _WHOLE
    for dataset, request, error in refused:
        if isinstance(error, RequestError) and error.status == _NOT_FOUND and dataset:
            error.hint = _near(dataset) or error.hint
        if isinstance(error, RequestError | JobFailedError) and error.status != _FORBIDDEN and request:
            error.hint = "; ".join(filter(None, [error.hint, *slips(dataset, _inputs(request))]))
        question = _question(error) if dataset and request else None
        if question is None or not isinstance(error, Era5FastError):
            continue
        key = question.__name__, dataset
        if key not in known:
            known[key] = _asked(question, service, dataset, json.loads(request), end - time.monotonic())
        error.hint += known[key]


def name_token(error: BaseException | None, origin: str) -> None:
    """Say of a token that is refused where it was found; it need not be the one that its owner thinks of."""
    if isinstance(error, AuthError) and _OF_TOKEN in error.hint and "it came from" not in error.hint:
        where = "the argument key" if origin == "argument" else origin
        error.hint += f"; it came from {where if len(where) <= _ORIGIN else '…' + where[1 - _ORIGIN :]}"


def _inputs(request: str) -> dict[str, Any]:
    """Keys and values of a request; none where it is something else."""
    found = json.loads(request)
    return found if isinstance(found, dict) else {}


def _near(dataset: str) -> str:
    """Names of ERA5 datasets that are like one which the service does not know."""
    from .dataset_table import DATASETS

    return "" if dataset in DATASETS else did_you_mean(clean(dataset), DATASETS)


def _question(error: BaseException | None) -> Callable[..., str] | None:
    """What may be asked about an error."""
    if isinstance(error, LicenceError):
        return _licences
    return _limit if isinstance(error, RequestError) and error.status == _FORBIDDEN else None


def _asked(question: Callable[..., str], service: Asks, dataset: str, inputs: dict[str, Any], seconds: float) -> str:
    if seconds < _SHORTEST:
        return ""
    half = seconds / 2  # a whole reply may take twice the timeout
    try:
        return question(service, dataset, inputs, {"patience": 0.0, "timeout": half, "connect_timeout": half})
    except Era5FastError:
        return ""


def _limit(service: Asks, dataset: str, inputs: dict[str, Any], settings: dict[str, float]) -> str:
    told = service.ask_object("POST", costing(dataset), {"inputs": inputs}, settings)
    cost, limit = told.get("cost"), told.get("limit")
    if not all(isinstance(number, int | float) and 0 <= number <= _MOST for number in (cost, limit)):
        return ""
    return f"; it costs {cost:,.8g} of at most {limit:,.8g}. era5fast.Request(...).split() keeps to that"


def _licences(service: Asks, dataset: str, inputs: dict[str, Any], settings: dict[str, float]) -> str:
    told = service.ask_object("GET", collection(dataset), None, settings)
    links = told.get("links")
    found = [call for link in (links if isinstance(links, list) else []) if (call := _acceptance(link))]
    return f", or read it and call {' and '.join(found)} of the client" if found else ""


def _acceptance(link: Any) -> str:
    """The call that accepts the licence of a link; "" for other links, and for what no licence is called."""
    if not isinstance(link, dict) or link.get("rel") != "license":
        return ""
    name, revision = link.get("id"), link.get("rev")
    if not isinstance(name, str) or not name or name != clean(name, _LICENCE_NAME):
        return ""
    return f"accept_licence({name!r}, {revision})" if type(revision) is int else ""

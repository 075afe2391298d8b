"""What a client and the jobs and results it hands out have in common: the service, the settings, the journal.

Python never speaks to the service itself: calls and downloads go through the native core.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlencode, urlsplit

from . import _core, config, debugging, journal, refusals, settings
from .canonical import canonical
from .config import Config
from .errors import AuthError, InputError, RequestError, ResultsExpiredError, ServerError
from .progress import Downloads, Progress
from .routes import costing
from .slips import slips
from .wording import named, warn_once

__all__ = ["Connection", "Item", "connect"]

#: Seconds of patience with questions that a user waits for.
_SHORT_PATIENCE = 60.0

GOAL_JOB, GOAL_RESULT, GOAL_FILE = 0, 1, 2
_OVERWRITE = {False: 0, "verify": 1, True: 2}
_NETCDF = (".nc", ".nc4", ".cdf", ".netcdf")


class Item(NamedTuple):
    """One piece of work for the core; see ``csrc/drive/fetch.h``."""

    dataset: str | None = None
    request: str | None = None
    job_id: str | None = None
    asset: dict[str, Any] | None = None
    target: str | None = None
    goal: int = GOAL_FILE
    fresh: bool = False
    unpack: bool = False


@dataclasses.dataclass
class Connection:
    """A service, and how to deal with it.

    Attributes
    ----------
    config : Config
        Address, token, certificates, proxy.
    settings : dict of str to float
        Waits and limits, by the names of the core's table.
    journal : journal.Place
        Where it is remembered what was asked and finished.
    dismiss : bool
        Whether ctrl-C also dismisses the jobs at the service.
    progress : bool or "lines"
        Whether to show a display unless a call says otherwise, and lines where there can be none.
    debug : bool
        Whether the logger tells every call of the service.
    listener : callable, optional
        Is told of every call of the service instead.
    """

    config: Config
    settings: dict[str, float]
    journal: Any
    dismiss: bool = False
    progress: bool | str = True
    debug: bool = False
    listener: Callable[[str], None] | None = None

    def fetch(
        self,
        items: Sequence[Item],
        overwrite: bool | str = "verify",
        progress: Any = None,
        settings: dict[str, float] | None = None,
    ) -> list[dict[str, Any]]:
        """Run items as one batch; one dictionary for each, with its ``error``.

        `progress` is a boolean, None for the client's own habit, or a callable as the core takes it.
        """
        if overwrite not in _OVERWRITE:
            raise InputError('overwrite is True, False or "verify"')
        if callable(progress):
            return self._fetch(items, overwrite, progress, settings)
        with self.display(progress) as callback:
            return self._fetch(items, overwrite, callback, settings)

    def display(self, progress: bool | None = None) -> Downloads:
        """What shows the state of a batch; None for the client's own habit."""
        return Downloads(self.progress if progress is None else progress)

    def _fetch(
        self, items: Sequence[Item], overwrite: bool | str, callback: Any, settings: dict[str, float] | None
    ) -> list[dict[str, Any]]:
        with self._shown():
            results = _core.fetch(
                self._http(),
                {**self.settings, **(settings or {})},
                tuple(items),
                _OVERWRITE[overwrite],
                self.dismiss,
                self.journal.open(),
                callback,
            )
        pairs = list(zip(items, (result["error"] for result in results), strict=True))
        for _, error in pairs:
            refusals.name_token(error, self.config.origin)
        refusals.complete(self, [(item.dataset or "", item.request or "", error) for item, error in pairs])
        return results

    def _shown(self) -> contextlib.AbstractContextManager[None]:
        return debugging.shown(self.debug, self.listener)

    def fetch_one(
        self,
        item: Item,
        overwrite: bool | str = "verify",
        progress: Any = None,
        settings: dict[str, float] | None = None,
    ) -> dict[str, Any]:
        """Run one item; its error is raised."""
        (result,) = self.fetch([item], overwrite, progress, settings)
        if result["error"] is not None:
            raise result["error"]
        return result

    def ask(self, method: str, path: str, body: Any = None, settings: dict[str, float] | None = None) -> Any:
        """One call of the service that may be repeated, and its reply as Python values.

        Raises
        ------
        Era5FastError
            The subclass for what the service answered.
        """
        text = None if body is None else canonical(body)
        with Progress("asking the service", bool(self.progress)) as callback, self._shown():
            try:
                reply = _core.ask(self._http(), {**self.settings, **(settings or {})}, method, path, text, callback)
            except AuthError as error:
                refusals.name_token(error, self.config.origin)
                raise
        try:
            return json.loads(reply) if reply else None
        except ValueError as error:
            raise ServerError(f"unreadable reply to {method} {path.partition('?')[0]}") from error

    def ask_object(
        self, method: str, path: str, body: Any = None, settings: dict[str, float] | None = None
    ) -> dict[str, Any]:
        """One call whose reply must be an object; :class:`ServerError` for any other."""
        reply = self.ask(method, path, body, settings)
        if not isinstance(reply, dict):
            raise _unreadable(method, path, "it is no object")
        return reply

    def ask_rows(self, method: str, path: str, key: str, body: Any = None) -> list[dict[str, Any]]:
        """One call whose reply must hold a list of objects; :class:`ServerError` for any other."""
        return _rows(self.ask_object(method, path, body), key, method, path)

    def ask_list(self, method: str, path: str, body: Any = None, kind: type = dict) -> list[Any]:
        """One call whose reply must be a list of one kind of thing; :class:`ServerError` for any other."""
        reply = self.ask(method, path, body)
        if not isinstance(reply, list) or not all(isinstance(one, kind) for one in reply):
            raise _unreadable(method, path, "it is no list, or one of other things")
        return reply

    def estimate(self, dataset: str, inputs: dict[str, Any]) -> dict[str, Any]:
        """What a request costs; see :meth:`era5fast.Client.estimate`. Plans can do without: a minute of patience."""
        brief = {"patience": min(self.settings["patience"], _SHORT_PATIENCE)}
        reply = self.ask_object("POST", costing(dataset), {"inputs": inputs}, brief)
        return {"id": "size", "cost": 0.0, "limit": None, **reply}

    def head(self, url: str) -> dict[str, Any]:
        """What a store says of a file: ``status``, ``size`` (-1 if unknown), ``type``, ``etag``.

        Raises
        ------
        RequestError
            If there is no file at the address.
        """
        with Progress("asking the store", bool(self.progress)) as callback, self._shown():
            try:
                return _core.head(self._http(), self.settings, url, callback)
            except ResultsExpiredError as error:
                what = f"there is no file at {url.partition('?')[0]}"
                raise RequestError(what, status=error.status) from error

    def pages(self, path: str, query: dict[str, Any], key: str, limit: int | None) -> Iterator[dict[str, Any]]:
        """Rows of a list of the service, page by page, at most `limit` of them."""
        given, seen = 0, [query]
        while limit is None or given < limit:
            page = self.ask_object("GET", f"{path}?{urlencode(query, doseq=True)}")
            rows = _rows(page, key, "GET", path)
            yield from rows[: None if limit is None else limit - given]
            given += len(rows)
            following = _next_page(page)
            query = {**query, **following}
            if len(rows) < int(query["limit"]) or not following or query in seen:
                return
            seen.append(query)

    def _http(self) -> dict[str, Any]:
        return self.config.http(_user_agent())


def connect(
    url: str | None = None,
    key: str | None = None,
    verify: bool | str | os.PathLike[str] | None = None,
    proxy: str | None = None,
    ip_version: int = 0,
    place: bool | str | os.PathLike[str] | None = None,
    debug: bool | None = None,
    given: dict[str, Any] | None = None,
) -> Connection:
    """A connection from what was given, else from the environment and the configuration files."""
    numbers = settings.resolve(**(given or {}))
    where = config.load(url, key, verify=verify, proxy=proxy, ip_version=ip_version)
    remembered = journal.Place(where.url, where.key, place)
    return Connection(where, numbers, remembered, debug=debugging.is_wanted(debug))


def _rows(reply: dict[str, Any], key: str, method: str, path: str) -> list[dict[str, Any]]:
    """The list of objects in a reply."""
    rows = reply.get(key)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise _unreadable(method, path, f"it has no list of {key}")
    return rows


def _unreadable(method: str, path: str, why: str) -> ServerError:
    return ServerError(f"unreadable reply to {method} {path.partition('?')[0]}: {why}")


def _next_page(page: dict[str, Any]) -> dict[str, str]:
    """What the link to the next page says, never its address: that would decide where the token goes."""
    links = page.get("links")
    for link in links if isinstance(links, list) else []:
        if isinstance(link, dict) and link.get("rel") == "next":
            query = parse_qs(urlsplit(str(link.get("href"))).query)
            return {name: query[name][-1] for name in ("cursor", "back", "page") if name in query}
    return {}


def item_of(
    dataset: str, request: dict[str, Any], target: str | os.PathLike[str] | None = None, **options: Any
) -> Item:
    """A request as work for the core; without a target up to its result. What is probably a slip is warned of.

    Raises
    ------
    InputError
        If dataset, request or target are something else.
    """
    check_call(dataset, request)
    for text in slips(dataset, request):
        warn_once(text)
    path = None if target is None else path_of(target)
    goal = GOAL_RESULT if path is None else GOAL_FILE
    unpack = options.pop("unpack", None)
    unpack = path is not None and (wants_netcdf(path) if unpack is None else bool(unpack))
    return Item(dataset, canonical(request), target=path, **{"goal": goal, "unpack": unpack, **options})


def check_call(dataset: Any, request: Any) -> None:
    """Refuse what is no dataset and request, with what was probably meant; :class:`InputError`."""
    if isinstance(dataset, Mapping) and isinstance(request, str):
        raise InputError(
            "dataset and request are swapped", hint=f"call it with {request!r:.60} first, then the request"
        )
    if not isinstance(dataset, str):
        hint = "a Request has its dataset in it: Client.fetch(request, directory) or Client.plan(request) take it"
        what = f"a dataset is the text of its name, not {named(dataset)}"
        raise InputError(what, hint=hint if type(dataset).__name__ in ("Request", "Plan", "Job") else "")
    if not isinstance(request, Mapping):
        what = f"a request is a dictionary of keys and values, not {named(request)}"
        many = "many at once are Client.retrieve([(dataset, request, target), …])"
        raise InputError(what, hint=many if isinstance(request, list | tuple) else "")


def path_of(target: Any) -> str:
    """The name of a file as text; :class:`InputError` for one that the core cannot take."""
    if not isinstance(target, str | bytes | os.PathLike):
        many = "many at once are Client.retrieve([(dataset, request, target), …])"
        what = f"a target is the name of one file, not {named(target)}"
        raise InputError(what, hint=many if isinstance(target, list | tuple) else "")
    path = os.fsdecode(target)
    if "\0" in path or path.encode("utf-8", "replace").decode() != path:
        raise InputError(f"the target {path!r} is no name of a file, or not in UTF-8")
    return path


def wants_netcdf(path: str) -> bool:
    """Whether the name says that netCDF is to be in the file."""
    return path.lower().endswith(_NETCDF)


def _user_agent() -> str:
    from . import __version__

    return f"era5fast/{__version__}"

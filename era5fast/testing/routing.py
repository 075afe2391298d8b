"""The table of routes, and what every handler needs to read a call or to refuse it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlencode

from . import documents
from .wire import Call, Reply, json_reply

Handler = Callable[[Any, Call], Reply]


@dataclass(frozen=True)
class Route:
    """One row of the table of routes.

    Parameters
    ----------
    name : str
        What faults and the log call it.
    method : str
        HTTP method.
    path : re.Pattern
        Of the whole path; its groups become `Call.arguments`.
    needs_token : bool
        Whether a valid token is checked before anything else.
    handler : callable
        From the `Api` and the call to the reply.
    """

    name: str
    method: str
    path: re.Pattern[str]
    needs_token: bool
    handler: Handler = field(repr=False)


class Refused(Exception):
    """A call ends here, with this reply."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


#: All routes of the service, in the order in which they are tried.
ROUTES: list[Route] = []


def route(name: str, method: str, path: str, token: bool = True) -> Callable[[Handler], Handler]:
    """Enter a handler into the table; ``{word}`` stands for one segment of the path."""
    pattern = re.compile("/api" + re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path))

    def enter(handler: Handler) -> Handler:
        ROUTES.append(Route(name, method, pattern, token, handler))
        return handler

    return enter


def find(call: Call) -> Route | Reply:
    """The route of a call, or why there is none."""
    allowed = []
    for row in ROUTES:
        found = row.path.fullmatch(call.path)
        if found is not None and row.method == call.method:
            call.arguments = {key: unquote(value) for key, value in found.groupdict().items()}
            return row
        if found is not None:
            allowed.append(row.method)
    if allowed:
        return json_reply({"detail": "Method Not Allowed"}, 405, Allow=", ".join(allowed))
    if call.path.endswith("/") and any(r.path.fullmatch(call.path.rstrip("/")) for r in ROUTES):
        return Reply(307, {"Location": call.url.rstrip("/")})
    return json_reply({"detail": "Not Found"}, 404)


def root(call: Call) -> str:
    """Address of the processing service, as seen by the caller."""
    return f"{call.origin}/api/retrieve/v1"


def refuse(status: int, kind: str, call: Call, text: str | None = None, *, detail: str) -> Refused:
    """A refusal in the form of the processing service, to be raised."""
    return Refused(json_reply(documents.error(status, kind, text, detail=detail, instance=call.url), status))


def malformed(where: list[str], message: str, value: Any = None) -> Refused:
    """A refusal in the form of the framework: 422, with a list as detail."""
    entry = {"type": "value_error", "loc": where, "msg": message, "input": value}
    return Refused(json_reply({"detail": [entry]}, 422))


def word(call: Call, name: str, usual: str, allowed: tuple[str, ...]) -> str:
    """A word in the query of a call; one that is not allowed is refused."""
    value = call.query.get(name, [usual])[-1]
    if value not in allowed:
        raise malformed(["query", name], f"Input should be one of {', '.join(allowed)}", value)
    return value


def number(call: Call, name: str, usual: int, lowest: int, most: int) -> int:
    """A number in the query of a call; one out of range is refused."""
    text = call.query.get(name, [str(usual)])[-1]
    if not text.isdigit() or not lowest <= int(text) <= most:
        raise malformed(["query", name], f"Input should be between {lowest} and {most}", text)
    return int(text)


@dataclass(frozen=True)
class Page:
    """A part of a list of names.

    Parameters
    ----------
    names : list of str
        Those on this page.
    first, limit, total : int
        Where it begins, how many fit on a page, how many names there are.
    """

    names: list[str]
    first: int
    limit: int
    total: int

    @classmethod
    def of(cls, names: list[str], call: Call, most: int, usual: int) -> Page:
        """The page that a call asks for with ``limit`` and ``page``."""
        limit = number(call, "limit", usual, 1, most)
        first = limit * number(call, "page", 0, 0, 1_000_000)
        return cls(names[first : first + limit], first, limit, len(names))

    def links(self, call: Call) -> list[dict[str, str]]:
        """Addresses of this page and its neighbours."""
        query = {key: values for key, values in call.query.items() if key != "page"}
        here = self.first // self.limit
        pages = {"self": here, "prev": here - 1, "next": here + 1}
        return [
            {"rel": rel, "href": f"{call.url}?{urlencode({**query, 'page': page}, doseq=True)}"}
            for rel, page in pages.items()
            if page >= 0 and (rel == "self" or page * self.limit < self.total)
        ]


def body(call: Call) -> dict[str, Any]:
    """The JSON object in the body of a call."""
    try:
        document = call.json
    except ValueError:
        raise malformed(["body"], "JSON decode error") from None
    if not isinstance(document, dict):
        raise malformed(["body"], "Input should be a valid dictionary", document)
    return document


def inputs_of(call: Call) -> dict[str, Any]:
    """The request in the body of a call; none is an empty one."""
    inputs = body(call).get("inputs") or {}
    if not isinstance(inputs, dict):
        raise malformed(["body", "inputs"], "Input should be a valid dictionary", inputs)
    return inputs

"""Questions to an event database as SQL: conditions with bound values, and the index that answers them soonest."""

from __future__ import annotations

import json
import operator
import os
import re
import sqlite3
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypedDict, cast

import numpy as np

from .canonical import canonical
from .database_file import quoted
from .database_region import Box, box_of, meeting, region_of
from .errors import InputError
from .wording import did_you_mean

__all__ = ["CATEGORIES", "Filters", "Question", "ask", "chosen", "count", "order"]

#: Names of the categories of Hobday et al. (2018), from 1.
CATEGORIES = ("moderate", "strong", "severe", "extreme")


class Filters(TypedDict, total=False):
    """Which events: the keywords that all questions share; :meth:`.EventDatabase.query` explains them."""

    kind: str | Iterable[str] | None
    start: Any
    end: Any
    bbox: Sequence[float] | None
    polygon: Any
    variable: str | Iterable[str] | None
    diagnostic: int | Iterable[int] | None
    where: Mapping[str, Any] | None
    text: str | None
    months: int | str | Iterable[int] | None
    category: int | str | None


@dataclass
class Question:
    """Events as a part of SQL.

    Attributes
    ----------
    terms : list of str
        Conditions, all of which hold.
    values : dict
        Values of the conditions.
    source : str
        What FROM takes.
    """

    terms: list[str] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)
    source: str = "event"

    def bind(self, value: Any) -> str:
        """Keep a value; gives its name in SQL."""
        name = f"value{len(self.values)}"
        self.values[name] = value
        return f":{name}"

    def add(self, condition: str, *values: Any) -> None:
        """Add a condition, in which ``{}`` stands for each value."""
        self.terms.append(condition.format(*(self.bind(value) for value in values)))

    def within(self, box: Box, *, indexed: bool = True) -> None:
        """Meet a box. The columns decide: the spatial index knows nothing of boxes across the antimeridian."""
        self.add("south <= {} AND north >= {}", box.north, box.south)
        edges = [(self.bind(west), self.bind(east)) for west, east in box.arcs]
        self.terms.append(f"({' OR '.join(_MEETS.format(west=west, east=east) for west, east in edges)})")
        if indexed:
            candidates = " OR ".join(f"minx <= {east} AND maxx >= {west}" for west, east in edges)
            self.add(_CANDIDATES.format(candidates, "{}", "{}"), box.north, box.south)

    def select(self, what: str, rest: str = "") -> str:
        """A SELECT of these events."""
        conditions = f" WHERE {' AND '.join(self.terms)}" if self.terms else ""
        return f"SELECT {what} FROM {self.source}{conditions} {rest}"


def ask(connection: sqlite3.Connection, columns: Mapping[str, str], filters: Filters) -> Question:
    """The question for events that pass all filters.

    Parameters
    ----------
    connection : sqlite3.Connection
        Looks up what the choice of the index depends on, and the outlines where there is a polygon.
    columns : mapping
        Names and types of the columns of the table ``event``.
    filters : Filters
        Conditions; None means that everything passes.
    """
    for name in filters:
        if name not in Filters.__annotations__:
            names = list(Filters.__annotations__)
            raise InputError(f"no filter '{name}'", hint=did_you_mean(name, names) or f"there are {', '.join(names)}")
    given: dict[str, Any] = {name: value for name, value in filters.items() if value is not None}
    question = Question()
    for name, condition in _CONDITIONS.items():
        if name in given:
            condition(question, columns, given[name])
    region = region_of(given["polygon"]) if "polygon" in given else None
    boxes = [box_of(given["bbox"])] if "bbox" in given else []
    _place_and_time(connection, question, given, [*boxes, *(region.boxes if region else ())])
    if region is None:
        return question
    found = connection.execute(question.select("id, geom"), question.values).fetchall()
    inside = Question()
    inside.add(_ONE_OF.format("id", "{}"), json.dumps(meeting(region, found)))
    return inside


_ONE_OF = "{} IN (SELECT value FROM json_each({}))"

# --- place and time ---

#: What looking at a candidate of the spatial index costs, as a multiple of one of the index by time: the latter holds
#: the boxes as well, the former leads to the row of the table.
_DEARER = 12.0


def _place_and_time(
    connection: sqlite3.Connection, question: Question, given: Mapping[str, Any], boxes: Sequence[Box]
) -> None:
    """Conditions of kind, time and boxes, by the index that leaves the fewest rows to look at."""
    first = day(given["start"]) if "start" in given else None
    last = day(given["end"]) + "~" if "end" in given else None  # sorts behind every day that begins so
    if first is not None:
        question.add("end_day >= {}", first)
    if last is not None:
        question.add("start_day <= {}", last)
    if "kind" in given:
        question.add(_ONE_OF.format("kind", "{}"), json.dumps(_several(str, given["kind"], "kind")))
    by_place = _DEARER * min((box.share for box in boxes), default=1.0)
    spans = _spans(connection, first, last) if first is not None else []
    by_time = max((span.share for span in spans), default=1.0)
    for box in boxes:
        question.within(box, indexed=by_place < by_time)
    if spans and by_time <= by_place:
        known = question.bind(json.dumps([(span.kind, span.since) for span in spans]))
        question.source = _BY_TIME.format(known)


_MEETS = """CASE WHEN west <= east THEN west <= {east} AND east >= {west}
                 ELSE west <= {east} OR east >= {west} END"""
_CANDIDATES = "id IN (SELECT id FROM rtree_event_geom WHERE ({}) AND miny <= {} AND maxy >= {})"
_BY_TIME = """(SELECT json_extract(value, '$[0]') AS of_kind, json_extract(value, '$[1]') AS since FROM json_each({}))
              CROSS JOIN event INDEXED BY event_by_kind ON event.kind = of_kind AND event.start_day >= since"""


@dataclass(frozen=True)
class _Span:
    """The first day on which an event of a kind may begin and still be under way; and the share of all days since."""

    kind: str
    since: str
    share: float


def _spans(connection: sqlite3.Connection, first: str, last: str | None) -> list[_Span]:
    """How far back events may begin that last until `first`: no longer than the longest one of their kind.

    Files of the first version lack the index that knows the longest; there all events are looked at.
    """
    indexes = {row[1] for row in connection.execute("PRAGMA index_list(event)")}
    if not {"event_by_kind", "event_by_length"} <= indexes:
        return []
    values = {"first": _whole(first), "last": None if last is None else _whole(last)}
    rows = connection.execute(_SPANS, values).fetchall()
    # Where a date is not one of SQLite's, nothing is known.
    return [] if any(None in row for row in rows) else [_Span(*row) for row in rows]


def _whole(text: str) -> str:
    """A day out of a year, a month or a day."""
    return (text.rstrip("~") + "-01-01")[:10]


# Days of other calendars are shorter in number than those of SQLite by two in a hundred at most.
_SPANS = """
    WITH RECURSIVE kinds (kind) AS (
        SELECT min(kind) FROM event UNION ALL
        SELECT (SELECT min(kind) FROM event WHERE event.kind > kinds.kind) FROM kinds WHERE kinds.kind IS NOT NULL),
    known AS (
        SELECT kind,
               (SELECT max(julianday(end_day) - julianday(start_day)) FROM event
                WHERE event.kind = kinds.kind) AS days,
               (SELECT julianday(min(start_day)) FROM event WHERE event.kind = kinds.kind) AS low,
               (SELECT julianday(max(start_day)) FROM event WHERE event.kind = kinds.kind) AS high
        FROM kinds WHERE kind IS NOT NULL),
    spans AS (
        SELECT kind, date(:first, (-3 - CAST(1.02 * days AS INTEGER)) || ' days') AS since, low, high FROM known)
    SELECT kind, since,
           max(0.0, min(high, coalesce(julianday(:last, '+1 month'), high)) - max(low, julianday(since)))
           / max(1.0, high - low)
    FROM spans"""

_DAY = re.compile(r"(\d{4}(?:-\d\d(?:-\d\d)?)?)(?:[T ].*)?")


def day(date: Any) -> str:
    """Year, month or day as the beginning of an ISO date."""
    match = _DAY.fullmatch(str(date))
    if match is None:
        raise InputError(f"not a date: {date!r}", hint='write "2003-06-15", "2003-06" or "2003"')
    return match[1]


# --- the other conditions ---


def _variable(question: Question, _: Mapping[str, str], variable: Any) -> None:
    question.add(_ONE_OF.format("variable", "{}"), json.dumps(_several(str, variable, "variable")))


def _diagnostic(question: Question, _: Mapping[str, str], diagnostic: Any) -> None:
    question.add(
        _ONE_OF.format("diagnostic_id", "{}"), json.dumps(_several(operator.index, diagnostic, "diagnostic"))
    )


def _several(make: Callable[[Any], Any], given: Any, what: str) -> list[Any]:
    """One value or several, as a list."""
    try:
        values = [given] if isinstance(given, str) or not isinstance(given, Iterable) else list(given)
        if make is str and not all(isinstance(value, str) for value in values):
            raise TypeError
        return [make(value) for value in values]
    except TypeError as error:
        raise InputError(f"{what} is {given!r}, which is neither a value nor a list of them") from error


def _text(question: Question, _: Mapping[str, str], text: Any) -> None:
    """Letters anywhere in the kind, the variable or the definition, in either case."""
    if not isinstance(text, str):
        raise InputError(f"text is {text!r}, must be a text")
    pattern = question.bind("%" + re.sub(r"([%_\\])", r"\\\1", text) + "%")
    inside = " OR ".join(f"{{}}{name} LIKE {pattern} ESCAPE '\\'" for name in ("kind", "variable"))
    definitions = f"SELECT id FROM diagnostic WHERE definition LIKE {pattern} ESCAPE '\\'"
    question.terms.append(f"({inside.replace('{}', '')} OR diagnostic_id IN ({definitions}))")


def _months(question: Question, _: Mapping[str, str], months: Any) -> None:
    """A day in one of these months: months are counted on from that of the first day."""
    wanted = _season(months) if isinstance(months, str) else _several(operator.index, months, "months")
    if not wanted or not all(1 <= month <= 12 for month in wanted):
        raise InputError(f"months is {months!r}", hint='months are numbers from 1 to 12, or initials such as "JJA"')
    question.add(
        f"EXISTS (SELECT 1 FROM json_each({{}}) WHERE (value - {_MONTH} + 12) % 12"
        f" <= 12 * ({_YEAR.replace('#', 'end_day')} - {_YEAR.replace('#', 'start_day')})"
        f" + {_MONTH.replace('start_day', 'end_day')} - {_MONTH})",
        json.dumps(wanted),
    )


# A year may have more than four digits.
_YEAR = "CAST(substr(#, 1, length(#) - 6) AS INTEGER)"
_MONTH = "CAST(substr(start_day, -5, 2) AS INTEGER)"


def _season(initials: str) -> list[int]:
    """Months of a run of initials such as JJA; of a single one only if no other month shares it."""
    year = "JFMAMJJASOND"
    at = [n for n in range(12) if (year + year).startswith(initials.upper(), n)]
    if not 2 <= len(initials) <= 12 or len(at) != 1:
        raise InputError(
            f"no season is called {initials!r}", hint='write initials such as "DJF", or numbers of months'
        )
    return [(at[0] + n) % 12 + 1 for n in range(len(initials))]


def _category(question: Question, columns: Mapping[str, str], category: Any) -> None:
    """A category, or a higher one."""
    known = category in CATEGORIES if isinstance(category, str) else category in range(1, len(CATEGORIES) + 1)
    if not known:
        raise InputError(f"no category is called {category!r}", hint=f"they are 1 to 4, or {', '.join(CATEGORIES)}")
    number = CATEGORIES.index(category) + 1 if isinstance(category, str) else operator.index(category)
    _where(question, columns, {"category": (number, None)})


def _where(question: Question, columns: Mapping[str, str], where: Any) -> None:
    """Columns: a pair is a range with both ends, a list some values, None what is missing."""
    if not isinstance(where, Mapping):
        raise InputError(f"where is {where!r}", hint='write where={"duration_days": (5, None)}')
    for name, wanted in where.items():
        _known(name, columns)
        column = quoted([name])
        if wanted is None:
            question.terms.append(f"{column} IS NULL")
        elif isinstance(wanted, tuple):
            _range(question, name, column, wanted)
        elif isinstance(wanted, list | set | frozenset | np.ndarray):
            question.add(_ONE_OF.format(column, "{}"), json.dumps([_value(name, value) for value in wanted]))
        else:
            question.add(f"{column} = {{}}", _value(name, wanted))


def _range(question: Question, name: str, column: str, ends: tuple[Any, ...]) -> None:
    if len(ends) != 2 or ends == (None, None):
        raise InputError(f"{name} is {ends!r}", hint="a range is a pair; None leaves one end open")
    for comparison, end in zip((">=", "<="), ends, strict=True):
        if end is not None:
            question.add(f"{column} {comparison} {{}}", _value(name, end))


def _value(name: str, value: Any) -> Any:
    """A value as SQLite compares it."""
    value = value.item() if isinstance(value, np.generic) and not isinstance(value, np.datetime64) else value
    if isinstance(value, bool | int | str) or (isinstance(value, float) and value == value):
        return value
    if isinstance(value, np.datetime64) or hasattr(value, "isoformat"):
        return str(np.datetime64(value, "ms")) + "Z"
    raise InputError(f"{name} is compared with {value!r}", hint="values are numbers, texts and dates")


def _known(name: Any, columns: Container[str]) -> str:
    if not isinstance(name, str) or name not in columns:
        names = cast("Iterable[str]", columns)
        hint = did_you_mean(str(name), names) or f"there are {', '.join(names)}"
        raise InputError(f"no column '{name}'", hint=hint)
    return name


_CONDITIONS: dict[str, Callable[[Question, Mapping[str, str], Any], None]] = {
    "variable": _variable,
    "diagnostic": _diagnostic,
    "where": _where,
    "text": _text,
    "months": _months,
    "category": _category,
}

# --- sources ---

Source = str | os.PathLike[str] | Mapping[str, Any]


def source_row(source: Source) -> tuple[str, int, str, str]:
    """(path, size or −1, checksum, request) as the core takes them."""
    known: dict[str, Any] = dict(source) if isinstance(source, Mapping) else {"path": source}
    if "path" not in known or set(known) - {"path", "size", "checksum", "request"}:
        raise InputError(f"a source has a path and may have size, checksum and request, not {sorted(known)}")
    path = os.fsdecode(known["path"])
    size = known.get("size")
    if size is None:
        size = os.path.getsize(path) if os.path.isfile(path) else -1
    request = known.get("request") or ""
    text = request if isinstance(request, str) else canonical(request)
    return path.encode("utf-8", "replace").decode(), int(size), str(known.get("checksum") or ""), text


# --- what comes back ---


def count(limit: Any, what: str = "limit") -> int:
    """A number of rows."""
    try:
        number = operator.index(limit)
    except TypeError as error:
        raise InputError(f"{what} is {limit!r}, must be a whole number") from error
    if not 0 <= number < 2**63:
        raise InputError(f"{what} is {number}, must not be negative or beyond all numbers of rows")
    return number


def chosen(names: str | Iterable[str] | None, columns: Mapping[str, str]) -> dict[str, str]:
    """The columns that are wanted, in the order in which they are named; by default all."""
    if names is None:
        return dict(columns)
    return {_known(name, columns): columns[name] for name in ([names] if isinstance(names, str) else names)}


def order(order_by: str | Iterable[str], columns: Mapping[str, str]) -> str:
    """ORDER BY for names of columns, ``-`` in front of those that go down; the id makes it definite."""
    terms = []
    for term in [order_by] if isinstance(order_by, str) else list(order_by):
        name = _known(str(term).removeprefix("-"), columns)
        column = quoted([name])
        # What is missing is the smallest of all for SQLite; old versions know no NULLS LAST.
        last = "" if name == "id" else f"{column} IS NULL, "
        terms.append(f"{column} DESC" if term.startswith("-") else f"{last}{column}")
    return ", ".join([*terms, "id"])

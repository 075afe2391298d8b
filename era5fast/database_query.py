"""Questions to an event database as SQL: conditions with bound values, and the index that answers them soonest."""

from __future__ import annotations

import json
import math
import operator
import os
import re
import sqlite3
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypedDict, cast

from .arcs import MEETS, closed
from .canonical import canonical
from .conditions import CATEGORIES, LATEST, category_of, check_order, condition, day, plain_where, storable
from .database_file import quoted
from .database_region import Box, box_of, meeting, region_of
from .errors import InputError, MissingItemError
from .wording import did_you_mean

__all__ = ["CATEGORIES", "Filters", "Question", "ask", "chosen", "count", "names", "order", "plain"]


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
    table : str
        ``event``, or ``track``.
    source : str
        What FROM takes; by default the table.
    """

    terms: list[str] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)
    table: str = "event"
    source: str = ""

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
        edges = [(self.bind(west), self.bind(east)) for west, east in closed(box.arcs)]
        self.terms.append(f"({' OR '.join(MEETS.format(west=west, east=east) for west, east in edges)})")
        if indexed:
            candidates = " OR ".join(f"minx <= {east} AND maxx >= {west}" for west, east in edges)
            self.add(_CANDIDATES.format(self.table, candidates, "{}", "{}"), box.north, box.south)

    def select(self, what: str, rest: str = "") -> str:
        """A SELECT of these events."""
        conditions = f" WHERE {' AND '.join(self.terms)}" if self.terms else ""
        return f"SELECT {what} FROM {self.source or self.table}{conditions} {rest}"


def plain(filters: Filters) -> Filters:
    """The same filters as plain values: whatever code of its own a filter runs has run when this returns.

    The file is read while other threads wait for their turn; code that asked the database meanwhile would wait for
    itself.
    """
    for name in filters:
        if name not in Filters.__annotations__:
            known = list(Filters.__annotations__)
            raise InputError(f"no filter '{name}'", hint=did_you_mean(name, known) or f"there are {', '.join(known)}")
    given: dict[str, Any] = {name: value for name, value in filters.items() if value is not None}
    made = {name: make(given[name]) for name, make in _PLAIN.items() if name in given}
    check_order(made.get("start"), made.get("end"))
    return cast("Filters", {**given, **made})


def ask(
    connection: sqlite3.Connection,
    columns: Mapping[str, str],
    filters: Filters,
    table: str = "event",
    *,
    known: bool = True,
) -> Question:
    """The question for events, or tracks, that pass all filters.

    Parameters
    ----------
    connection : sqlite3.Connection
        Looks up what the choice of the index depends on, and the outlines where there is a polygon.
    columns : mapping
        Names and types of the columns of the table.
    filters : Filters
        What :func:`plain` gave; None means that everything passes.
    table : {"event", "track"}
        The table.
    known : bool
        Refuse kinds, variables and definitions that the file knows nothing of.
    """
    given: dict[str, Any] = {name: value for name, value in filters.items() if value is not None}
    if known:
        for name in _NAMED.keys() & given.keys():
            _check_known(connection, table, name, given[name])
    question = Question(table=table)
    for name, add in _CONDITIONS.items():
        if name in given:
            add(question, columns, given[name])
    region = given.get("polygon")
    boxes = [given["bbox"]] if "bbox" in given else []
    _place_and_time(connection, question, given, [*boxes, *(region.boxes if region else ())])
    if region is None:
        return question
    found = connection.execute(question.select("id, geom"), question.values).fetchall()
    inside = Question(table=table)
    inside.add(_ONE_OF.format("id", "{}"), json.dumps(meeting(region, found)))
    return inside


_ONE_OF = "{} IN (SELECT value FROM json_each({}))"

# --- names that the file knows ---

#: Filter → its column in the table of definitions, and in those of events and tracks.
_NAMED = {"kind": ("kind", "kind"), "variable": ("variable", "variable"), "diagnostic": ("id", "diagnostic_id")}
#: Names that a message lists.
_LISTED = 12


def _check_known(connection: sqlite3.Connection, table: str, name: str, wanted: list[Any]) -> None:
    """Refuse names that no search had and no event has: most are slips, and an empty answer would hide them.

    A file without any searches has no events either: there every question has an empty answer.
    """
    in_definitions, in_events = _NAMED[name]
    known = [row[0] for row in connection.execute(f"SELECT DISTINCT {in_definitions} FROM diagnostic ORDER BY 1")]
    for strange in [value for value in wanted if known and value not in known]:
        # Other programs write into the table as well.
        there = f"SELECT 1 FROM {table} WHERE {_ONE_OF.format(in_events, '?')} LIMIT 1"
        if connection.execute(there, (_array([strange]),)).fetchone() is None:
            raise InputError(f"the file knows no {name} {strange!r}", hint=_near_or_all(str(strange), known))


def _near_or_all(name: str, known: list[Any]) -> str:
    """Hint at names that look like one, or at some of all."""
    names = [str(value) for value in known]
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    all_of_them = f"{'it has' if len(names) > 1 else 'its only one is'} {', '.join(names[:_LISTED])}{more}"
    return did_you_mean(name, names, all_of_them)


# --- place and time ---

#: What looking at a candidate of the spatial index costs, as a multiple of one of the index by time: the latter holds
#: the boxes as well, the former leads to the row of the table.
_DEARER = 12.0


def _place_and_time(
    connection: sqlite3.Connection, question: Question, given: Mapping[str, Any], boxes: Sequence[Box]
) -> None:
    """Conditions of kind, time and boxes, by the index that leaves the fewest rows to look at."""
    first = given.get("start")
    last = given["end"] + LATEST if "end" in given else None  # sorts behind every day that begins so
    if first is not None:
        question.add("end_day >= {}", first)
    if last is not None:
        question.add("start_day <= {}", last)
    if "kind" in given:
        question.add(_ONE_OF.format("kind", "{}"), json.dumps(given["kind"]))
    by_place = _DEARER * min((box.share for box in boxes), default=1.0)
    spans = _spans(connection, first, last) if first is not None and question.table == "event" else []
    by_time = max((span.share for span in spans), default=1.0)
    for box in boxes:
        question.within(box, indexed=by_place < by_time)
    if spans and by_time <= by_place:
        known = question.bind(json.dumps([(span.kind, span.since) for span in spans]))
        question.source = _BY_TIME.format(known)


_CANDIDATES = "id IN (SELECT id FROM rtree_{}_geom WHERE ({}) AND miny <= {} AND maxy >= {})"
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
    return (text.rstrip(LATEST) + "-01-01")[:10]


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


# --- the other conditions ---


def _variable(question: Question, _: Mapping[str, str], variable: list[str]) -> None:
    question.add(_ONE_OF.format("variable", "{}"), json.dumps(variable))


def _diagnostic(question: Question, _: Mapping[str, str], diagnostic: list[int]) -> None:
    question.add(_ONE_OF.format("diagnostic_id", "{}"), _array(diagnostic))


def _array(values: Sequence[Any]) -> str:
    """Values as JSON, which has no infinity but in numbers beyond all others."""
    beyond = {math.inf: "9e999", -math.inf: "-9e999"}
    texts = (beyond.get(value) if isinstance(value, float) else None for value in values)
    return f"[{', '.join(text or json.dumps(value) for text, value in zip(texts, values, strict=True))}]"


def _several(make: Callable[[Any], Any], given: Any, what: str) -> list[Any]:
    """One value or several, as a list."""
    try:
        values = [given] if isinstance(given, str) or not isinstance(given, Iterable) else list(given)
        if make is str:
            if not all(isinstance(value, str) for value in values):
                raise TypeError
            return [storable(value, what) for value in values]
        return [make(value) for value in values]
    except TypeError as error:
        raise InputError(f"{what} is {given!r}, which is neither a value nor a list of them") from error


def _text(question: Question, _: Mapping[str, str], text: str) -> None:
    """Letters anywhere in the kind, the variable or the definition, in either case."""
    pattern = question.bind("%" + re.sub(r"([%_\\])", r"\\\1", text) + "%")
    inside = " OR ".join(f"{{}}{name} LIKE {pattern} ESCAPE '\\'" for name in ("kind", "variable"))
    definitions = f"SELECT id FROM diagnostic WHERE definition LIKE {pattern} ESCAPE '\\'"
    question.terms.append(f"({inside.replace('{}', '')} OR diagnostic_id IN ({definitions}))")


def _months(question: Question, _: Mapping[str, str], months: list[int]) -> None:
    """A day in one of these months: months are counted on from that of the first day."""
    question.add(
        f"EXISTS (SELECT 1 FROM json_each({{}}) WHERE (value - {_MONTH} + 12) % 12"
        f" <= 12 * ({_YEAR.replace('#', 'end_day')} - {_YEAR.replace('#', 'start_day')})"
        f" + {_MONTH.replace('start_day', 'end_day')} - {_MONTH})",
        json.dumps(months),
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


def _category(question: Question, columns: Mapping[str, str], category: int) -> None:
    """A category, or a higher one."""
    _where(question, columns, {"category": (category, None)})


def _where(question: Question, columns: Mapping[str, str], where: Mapping[str, Any]) -> None:
    """Columns: a pair is a range with both ends, a list some values, None what is missing."""
    for name, wanted in where.items():
        asked = condition(name, columns[_known(name, columns)], wanted)
        column = quoted([name])
        if asked.ends is not None:
            for comparison, end in zip((">=", "<="), asked.ends, strict=True):
                if end is not None:
                    question.add(f"{column} {comparison} {{}}", end)
        elif asked.values is None:
            question.terms.append(f"{column} IS NULL")
        elif asked.begins:
            question.add(_BEGINS.format(column, "{}"), json.dumps(asked.values))
        elif isinstance(wanted, list):
            question.add(_ONE_OF.format(column, "{}"), _array(asked.values))
        else:
            question.add(f"{column} = {{}}", asked.values[0])


_BEGINS = f"EXISTS (SELECT 1 FROM json_each({{1}}) WHERE {{0}} BETWEEN value AND value || '{LATEST}')"


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

# --- filters as plain values ---


def _plain_months(months: Any) -> list[int]:
    wanted = _season(months) if isinstance(months, str) else _several(operator.index, months, "months")
    if not wanted or not all(1 <= month <= 12 for month in wanted):
        raise InputError(f"months is {months!r}", hint='months are numbers from 1 to 12, or initials such as "JJA"')
    return wanted


def _plain_text(text: Any) -> str:
    if not isinstance(text, str):
        raise InputError(f"text is {text!r}, must be a text")
    return storable(text, "text")


_PLAIN: dict[str, Callable[[Any], Any]] = {
    "kind": lambda given: _several(str, given, "kind"),
    "start": day,
    "end": day,
    "bbox": box_of,
    "polygon": region_of,
    "variable": lambda given: _several(str, given, "variable"),
    "diagnostic": lambda given: _several(operator.index, given, "diagnostic"),
    "where": plain_where,
    "text": _plain_text,
    "months": _plain_months,
    "category": category_of,
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


def row_id(number: Any, table: str = "event") -> int:
    """The id of an event or a track."""
    try:
        row = operator.index(number)
    except TypeError as error:
        hint = f'{"query" if table == "event" else "query_tracks"}(where={{"id": (1, 3)}}) gives several {table}s'
        raise InputError(
            f"the id of {'an' if table == 'event' else 'a'} {table} is a whole number, not {number!r}", hint=hint
        ) from error
    if not is_row_id(row):
        raise MissingItemError(f"there is no {table} {row}")
    return row


def is_row_id(row: int) -> bool:
    """Whether SQLite can hold such a whole number."""
    return -(2**63) <= row < 2**63


def count(limit: Any, what: str = "limit") -> int:
    """A number of rows."""
    try:
        number = operator.index(limit)
    except TypeError as error:
        raise InputError(f"{what} is {limit!r}, must be a whole number") from error
    if not 0 <= number < 2**63:
        raise InputError(f"{what} is {number}, must not be negative or beyond all numbers of rows")
    return number


def names(given: str | Iterable[str] | None) -> list[str] | None:
    """One name or several, as a list; None stays as it is."""
    if given is None or isinstance(given, str):
        return None if given is None else [given]
    try:
        return list(given)
    except TypeError as error:
        raise InputError(f"{given!r} is no name of a column, nor a list of them") from error


def chosen(wanted: Sequence[str] | None, columns: Mapping[str, str]) -> dict[str, str]:
    """The columns that are wanted, in the order in which they are named; by default all."""
    if wanted is None:
        return dict(columns)
    if not wanted:
        raise InputError("no column is asked for", hint="columns=None gives all")
    return {_known(name, columns): columns[name] for name in wanted}


def order(order_by: Sequence[str], columns: Mapping[str, str]) -> str:
    """ORDER BY for names of columns, ``-`` in front of those that go down; the id makes it definite."""
    terms = []
    for term in order_by:
        name = _known(str(term).removeprefix("-"), columns)
        column = quoted([name])
        # What is missing is the smallest of all for SQLite; old versions know no NULLS LAST.
        last = "" if name == "id" else f"{column} IS NULL, "
        terms.append(f"{column} DESC" if term.startswith("-") else f"{last}{column}")
    return ", ".join([*terms, "id"])

"""Rankings and counts of the events of a database, by groups of years, seasons or columns."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import TYPE_CHECKING, Any

from .database_file import columns_of, frame, quoted
from .database_query import Filters, ask
from .errors import InputError
from .wording import did_you_mean

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["count_by", "ranking"]

_YEAR = "CAST(substr(start_day, 1, length(start_day) - 6) AS INTEGER)"
_MONTH = "CAST(substr(start_day, -5, 2) AS INTEGER)"
_SEASONS = ("DJF", "MAM", "JJA", "SON")

#: Group → (SQL, type). Years before the first count downwards, so that decades are found by rounding down.
_GROUPS = {
    "year": (_YEAR, "INTEGER"),
    "decade": (f"{_YEAR} - (({_YEAR} % 10) + 10) % 10", "INTEGER"),
    "month": (_MONTH, "INTEGER"),
    "season": (f"substr('DJFMAMJJASON', 1 + 3 * ({_MONTH} % 12 / 3), 3)", "TEXT"),
}


def _group(name: Any, columns: Mapping[str, str]) -> tuple[str, str]:
    """SQL and type of a group."""
    if name in _GROUPS:
        return _GROUPS[name]
    if not isinstance(name, str) or name not in columns:
        hint = did_you_mean(str(name), [*_GROUPS, *columns]) or f"there are {', '.join([*_GROUPS, *columns])}"
        raise InputError(f"events cannot be grouped by '{name}'", hint=hint)
    return quoted([name]), columns[name]


def ranking(connection: sqlite3.Connection, by: str, n: int, per: str | None, filters: Filters) -> pd.DataFrame:
    """The first `n` events of each group."""
    columns = columns_of(connection, "event")
    if not isinstance(by, str):
        raise InputError(f"by is {by!r}, must be the name of a column", hint='such as "duration_days"')
    column, upwards = by.removeprefix("-"), by.startswith("-")
    if column not in columns:
        raise InputError(f"no column '{column}'", hint=did_you_mean(column, columns))
    group, kind = _group(per, columns) if per is not None else ("NULL", "TEXT")
    question = ask(connection, columns, filters)
    question.terms.append(f"{quoted([column])} IS NOT NULL")
    order = f"{quoted([column])} {'ASC' if upwards else 'DESC'}, id"
    if per is None:  # an index ends this after n rows
        inner = question.select("id AS number", f"ORDER BY {order} LIMIT {question.bind(n)}")
        inner = f"SELECT NULL AS group_of, row_number() OVER () AS place, number FROM ({inner})"
    else:
        place = f"row_number() OVER (PARTITION BY {group} ORDER BY {order})"
        inner = question.select(f"{group} AS group_of, {place} AS place, id AS number")
    text = f"""SELECT group_of, place, {quoted(columns, "event")} FROM ({inner}) CROSS JOIN event ON id = number
               WHERE place <= {question.bind(n)} ORDER BY group_of, place"""
    rows = connection.execute(text, question.values).fetchall()
    table = frame(rows, {"\0group": kind, "\0rank": "INTEGER", **columns})
    names = {"\0group": per, "\0rank": "rank"}
    if per is None or per in columns:
        table = table.drop(columns="\0group")
    return table.rename(columns=names)


def count_by(connection: sqlite3.Connection, by: tuple[str, ...], filters: Filters) -> pd.DataFrame:
    """Number of events of each group, those without any among them where the groups are known beforehand."""
    if not by or len(set(by)) < len(by):
        raise InputError(f"events are counted by {by or 'nothing'}", hint='write count_by("year"), each name once')
    columns = columns_of(connection, "event")
    groups = [_group(name, columns) for name in by]
    question = ask(connection, columns, filters)
    what = ", ".join(f"{sql} AS group{n}" for n, (sql, _) in enumerate(groups))
    places = ", ".join(str(n + 1) for n in range(len(groups)))
    rows = connection.execute(
        question.select(f"{what}, count(*)", f"GROUP BY {places} ORDER BY {places}"), question.values
    ).fetchall()
    found = {row[:-1]: row[-1] for row in rows}
    members = [_members(name, {key[n] for key in found}) for n, name in enumerate(by)]
    complete = set(by) & set(_GROUPS) and math.prod(map(len, members)) <= _MOST
    everything = list(product(*members)) if complete else list(found)
    types = {name: kind for name, (_, kind) in zip(by, groups, strict=True)}
    return frame([(*key, found.get(key, 0)) for key in everything], {**types, "events": "INTEGER"})


#: Rows of a table of counts that are filled up with zeros; beyond that, only what is there is counted.
_MOST = 1_000_000


def _members(name: str, found: set[Any]) -> Sequence[Any]:
    """All groups of a name, in order; None comes last."""
    known: dict[str, Callable[[], Sequence[Any]]] = {
        "year": lambda: range(min(found), max(found) + 1),
        "decade": lambda: range(min(found), max(found) + 1, 10),
        "month": lambda: range(1, 13),
        "season": lambda: _SEASONS,
    }
    if name in known and found:
        return known[name]()
    return sorted(found, key=lambda value: (value is None, type(value).__name__, value))

"""An event database at a glance: how many events of which kind, in words and for notebooks."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from html import escape
from pathlib import Path
from typing import NamedTuple

from .database_file import columns_of
from .wording import counted, human_bytes

__all__ = ["Kind", "html", "kinds", "mixture", "words"]


class Kind(NamedTuple):
    """Events or tracks of one kind."""

    name: str
    events: int
    first_day: str
    last_day: str
    what: str = "event"


def kinds(connection: sqlite3.Connection) -> list[Kind]:
    """Kinds of a database, first those of events, then those of tracks, the most frequent first."""
    text = """SELECT CAST(kind AS TEXT), count(*), CAST(min(start_day) AS TEXT), CAST(max(end_day) AS TEXT), '{0}'
              FROM {0} GROUP BY kind ORDER BY count(*) DESC, kind"""
    tables = [table for table in ("event", "track") if columns_of(connection, table)]
    return [Kind(*row) for table in tables for row in connection.execute(text.format(table))]


def mixture(kind: str, number: int, done: str, choice: str) -> str:
    """What to say where events of several definitions of one kind are put together: most are there more than once."""
    return f"the {kind} events of {number} definitions are {done} together: {choice}"


def words(found: Sequence[Kind]) -> str:
    """``"214 events of 2 kinds, 1950-06-01 to 2023-09-30"``, and the same of tracks where there are any."""
    parts = [[kind for kind in found if kind.what == what] for what in ("event", "track")]
    return "; ".join(_part(part) for part in parts if part) or "0 events"


def _part(found: Sequence[Kind]) -> str:
    number = sum(kind.events for kind in found)
    of = found[0].name if len(found) == 1 else f"{len(found)} kinds"
    count = counted(number, found[0].what)
    return f"{count} of {of}, {min(kind.first_day for kind in found)} to {max(kind.last_day for kind in found)}"


#: Rows of the table; the rest is told in one line.
_MOST = 20


def html(path: Path, text: str, found: Sequence[Kind]) -> str:
    """The same as a table; whatever comes out of the file is shown as it is."""
    size = ""
    with suppress(OSError):
        size = f", {human_bytes(os.path.getsize(path))}"
    rows = [
        f"<tr><td style='text-align:left'>{escape(kind.name)}</td><td>{kind.events:,}</td>"
        f"<td style='text-align:left'>{kind.what}{'' if kind.events == 1 else 's'}</td>"
        f"<td>{escape(kind.first_day)}</td><td>{escape(kind.last_day)}</td></tr>"
        for kind in found[:_MOST]
    ]
    more = f"<p>… and {len(found) - _MOST} kinds more</p>" if len(found) > _MOST else ""
    head = "<thead><tr><th>kind</th><th>number</th><th>of</th><th>first day</th><th>last day</th></tr></thead>"
    table = f"<table>{head}<tbody>{''.join(rows)}</tbody></table>{more}" if rows else ""
    return f"<div><b>EventDatabase</b> <code>{escape(str(path))}</code>: {escape(text)}{escape(size)}{table}</div>"

"""An event database at a glance: how many events of which kind, in words and for notebooks."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from html import escape
from pathlib import Path
from typing import NamedTuple

from .wording import human_bytes

__all__ = ["Kind", "html", "kinds", "words"]


class Kind(NamedTuple):
    """Events of one kind."""

    name: str
    events: int
    first_day: str
    last_day: str


def kinds(connection: sqlite3.Connection) -> list[Kind]:
    """Kinds of a database, the most frequent first."""
    text = """SELECT CAST(kind AS TEXT), count(*), CAST(min(start_day) AS TEXT), CAST(max(end_day) AS TEXT)
              FROM event GROUP BY kind ORDER BY count(*) DESC, kind"""
    return [Kind(*row) for row in connection.execute(text)]


def words(found: Sequence[Kind]) -> str:
    """``"214 events of 2 kinds, 1950-06-01 to 2023-09-30"``."""
    events = sum(kind.events for kind in found)
    count = f"{events:,} event{'' if events == 1 else 's'}"
    if not found:
        return count
    of = found[0].name if len(found) == 1 else f"{len(found)} kinds"
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
        f"<td>{escape(kind.first_day)}</td><td>{escape(kind.last_day)}</td></tr>"
        for kind in found[:_MOST]
    ]
    more = f"<p>… and {len(found) - _MOST} kinds more</p>" if len(found) > _MOST else ""
    head = "<thead><tr><th>kind</th><th>events</th><th>first day</th><th>last day</th></tr></thead>"
    table = f"<table>{head}<tbody>{''.join(rows)}</tbody></table>{more}" if rows else ""
    return f"<div><b>EventDatabase</b> <code>{escape(str(path))}</code>: {escape(text)}{escape(size)}{table}</div>"

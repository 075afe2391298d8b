"""Small tables for notebooks: a title, rows, notes; without colours, so that light and dark pages suit them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

__all__ = ["table"]

_ROOM = "padding:0.2em 0.8em"  # of its own: pages that are made of notebooks give tables none
_LEFT, _RIGHT = f' style="text-align:left;{_ROOM}"', f' style="text-align:right;{_ROOM}"'
_AMOUNT = re.compile(r"[\d.,]+ [kMGT]?B")


def table(
    kind: str, about: str, rows: Iterable[Sequence[Any]], columns: Sequence[str] = (), notes: Iterable[str] = ()
) -> str:
    """A table in HTML; every text in it is escaped, numbers stand to the right.

    Parameters
    ----------
    kind : str
        What is shown, such as the name of a class.
    about : str
        What stands behind it in the title.
    rows : iterable of sequence
        Texts and numbers; the first of each is a name where there are no `columns`.
    columns : sequence of str
        Heads of the columns.
    notes : iterable of str
        Lines below the table.
    """
    head = "".join(f"<th{_LEFT}>{escape(one)}</th>" for one in columns)
    body = "".join(f"<tr>{_cells(row, not columns)}</tr>" for row in rows)
    title = f"<b>{escape(kind)}</b>" + (f": {escape(about)}" if about else "")
    parts = [f"<thead><tr>{head}</tr></thead>" if columns else "", f"<tbody>{body}</tbody>"]
    foot = "".join(f"<div><small>{escape(note)}</small></div>" for note in notes)
    return f'<div style="overflow-x:auto">{title}<table>{"".join(parts)}</table>{foot}</div>'


def _cells(row: Sequence[Any], is_named: bool) -> str:
    return "".join(
        f"<th{_LEFT}>{escape(str(cell))}</th>"
        if is_named and i == 0
        else f"<td{_side(cell)}>{escape(_text(cell))}</td>"
        for i, cell in enumerate(row)
    )


def _side(cell: Any) -> str:
    return _LEFT if isinstance(cell, str) and not _AMOUNT.fullmatch(cell) else _RIGHT


def _text(cell: Any) -> str:
    """A number with commas between the thousands, or anything else as it prints itself."""
    if isinstance(cell, int) and not isinstance(cell, bool):
        return f"{cell:,}"
    return f"{cell:,.6g}" if isinstance(cell, float) else str(cell)

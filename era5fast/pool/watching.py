"""A bar for those who wait for many calls."""

from __future__ import annotations

from typing import Any

__all__ = ["chunks_to_show", "get_with_progress", "name_of"]

_LOOK = 0.1  # seconds from one look to the next


def get_with_progress(result: Any, label: str) -> list[Any]:
    """Wait for the results of a map, and show meanwhile how many there are."""
    from ..progress import Progress  # whoever wants no bar needs nothing of the package but its pools

    with Progress(label) as bar:
        while not result.ready():
            result.wait(_LOOK)
            done, total = result.counts()
            if bar is not None:
                bar(done, total, None)
    values: list[Any] = result.get()
    return values


def chunks_to_show(items: int, workers: int) -> int:
    """Calls in a row, so that a bar moves and a call costs little more than itself."""
    return max(1, items // max(100, 4 * workers))


def name_of(function: Any) -> str:
    """What a bar says of a function."""
    return str(getattr(function, "__name__", type(function).__name__))

"""Pictures of events: maps, series, rankings, calendars, and a page to explore a whole database.

Matplotlib draws them, and is loaded when the first one is drawn; nothing is fetched from anywhere. Every function
returns the matplotlib figure or axes it drew on, and writes a file when it is given a path.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ..optional import need

if TYPE_CHECKING:
    from ..explorer import explorer
    from .event_days import event_states
    from .hovmoeller_diagram import hovmoeller
    from .maps import event_map
    from .ranks import ranking
    from .series import event_line
    from .year_counts import yearly_counts
    from .year_days import calendar

__all__ = [
    "event_map",
    "event_line",
    "event_states",
    "ranking",
    "calendar",
    "hovmoeller",
    "yearly_counts",
    "explorer",
]

#: Where each function lives: one row per name.
_HOME = {
    "event_map": ".maps",
    "event_line": ".series",
    "event_states": ".event_days",
    "ranking": ".ranks",
    "calendar": ".year_days",
    "hovmoeller": ".hovmoeller_diagram",
    "yearly_counts": ".year_counts",
    "explorer": "..explorer",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name != "explorer":  # a page that the browser draws
        need("matplotlib", "pictures")
    function = getattr(import_module(_HOME[name], __name__), name)
    globals()[name] = function
    return function


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})

"""Events and their database: each room's rows against what people use today."""

from __future__ import annotations

import importlib
from pathlib import Path

from comparison import arguments, measure, show

ROOMS = sorted(path.stem for path in Path(__file__).parent.glob("event_*.py"))


def main() -> None:
    options = arguments(__doc__, rooms=[room.removeprefix("event_") for room in ROOMS])
    for room in options.rooms:
        module = importlib.import_module(f"event_{room}")
        show((module.__doc__ or "").splitlines()[0], measure(module.rows(options.quick), options.rounds))


if __name__ == "__main__":
    main()

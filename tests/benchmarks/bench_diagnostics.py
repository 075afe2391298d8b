"""The diagnostics: each room's rows against what people use today."""

from __future__ import annotations

import importlib
from pathlib import Path

from comparison import arguments, measure, show
from world_indices import show_world

ROOMS = sorted(path.stem for path in Path(__file__).parent.glob("diag_*.py"))


def main() -> None:
    world = {
        "type": int,
        "metavar": "DEGREES",
        "help": "27 indices of a global grid from files only; 1: 8.5 GB decoded",
    }
    options = arguments(__doc__, rooms=[room.removeprefix("diag_") for room in ROOMS], world=world)
    if options.world:
        show_world(options.world, max(options.world, 10 if options.quick else 4))
        return
    for room in options.rooms:
        module = importlib.import_module(f"diag_{room}")
        show((module.__doc__ or "").splitlines()[0], measure(module.rows(options.quick), options.rounds))


if __name__ == "__main__":
    main()

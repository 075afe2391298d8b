"""Areas and grids of requests: checked, moved to the grid, in one form."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from .errors import InputError

_ORDER = "the order is north, west, south, east, in degrees"


def steps(grid: Any, native: float) -> tuple[float, float] | None:
    """Spacing in longitude and latitude; None for the native grid.

    Raises
    ------
    InputError
        If it is finer than the native grid, or no spacing.
    """
    if grid is None:
        return None
    try:
        numbers = (
            [float(x) for x in grid] if isinstance(grid, Sequence) and not isinstance(grid, str) else [float(grid)]
        )
    except (TypeError, ValueError) as error:
        raise InputError(f"a grid is a spacing in degrees, not {grid!r}") from error
    if len(numbers) not in (1, 2) or not all(native - 1e-9 <= x <= 10 for x in numbers):
        raise InputError(
            f"a grid of {grid}°", hint=f"from {native:g} to 10 degrees; one number, or two: longitude, latitude"
        )
    pair = (numbers[0], numbers[-1])
    return None if pair == (native, native) else pair


def box(area: Any, grid: tuple[float, float]) -> list[float] | None:
    """Corners (north, west, south, east) moved outwards to the grid; longitudes increase from west to east.

    The service would interpolate the whole field to a corner that is not on the grid. Across 180° or Greenwich the
    box is one request: west and east are written so that east is the larger number, 170 to 190 or -10 to 10. Two
    numbers (latitude, longitude) are the nearest point of the grid.

    Parameters
    ----------
    area : sequence of float, or None
        Four numbers, or two.
    grid : (float, float)
        Spacing in longitude and latitude, degrees.

    Raises
    ------
    InputError
        If it is no area.
    """
    if area is None:
        return None
    try:
        numbers = [float(x) for x in area]
    except (TypeError, ValueError) as error:
        raise InputError(f"an area is four numbers, not {area!r}", hint=_ORDER) from error
    if len(numbers) not in (2, 4) or not all(map(math.isfinite, numbers)):
        raise InputError(f"an area is four numbers, or two for a point, not {area!r}", hint=_ORDER)
    north, west, south, east = numbers if len(numbers) == 4 else (*numbers, *numbers)
    if not -90 <= south <= north <= 90:
        raise InputError(f"area {list(area)}: north must be above south, both within ±90", hint=_ORDER)
    if not (abs(west) <= 360 and abs(east) <= 360 and east - west <= 360):
        raise InputError(f"area {list(area)}: west and east must be within ±360", hint=_ORDER)
    outwards = (math.ceil, math.floor) if len(numbers) == 4 else (round, round)
    return _eastward(
        [
            min(_on_grid(north, grid[1], outwards[0]), 90.0),
            _on_grid(west, grid[0], outwards[1]),
            max(_on_grid(south, grid[1], outwards[1]), -90.0),
            _on_grid(east, grid[0], outwards[0]),
        ]
    )


def _eastward(corners: list[float]) -> list[float]:
    north, west, south, east = corners
    if east < west:
        west, east = (west, east + 360) if east + 360 <= 360 else (west - 360, east)
    return [north, west, south, east]


def _on_grid(degrees: float, grid: float, rounded: Callable[[float], int]) -> float:
    # A corner that lies on the grid but for the rounding of its numbers stays where it is.
    return round(rounded(round(degrees / grid, 6)) * grid, 6) + 0.0


def cells(area: Sequence[float] | None, grid: tuple[float, float]) -> int:
    """Number of grid points."""
    north, west, south, east = area or (90.0, 0.0, -90.0, 360.0)
    columns = min(math.floor((east - west) / grid[0] + 1e-6) + 1, round(360 / grid[0]))
    return columns * (math.floor((north - south) / grid[1] + 1e-6) + 1)


def label(area: Sequence[float] | None) -> str:
    """As a file name says it: ``50N-10E-35N-5W``; empty for the globe."""
    if area is None:
        return ""
    sides = ("NS", "EW", "NS", "EW")
    return "-".join(f"{_plain(abs(x))}{side[x < 0]}" for x, side in zip(area, sides, strict=True))


def _plain(number: float) -> str:
    return f"{number:.6f}".rstrip("0").rstrip(".")

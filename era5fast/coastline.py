"""Coastlines of the world, for maps without internet."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from itertools import pairwise

import numpy as np


@cache
def coastline() -> list[np.ndarray]:
    """Coastlines of the world as (n, 2) arrays of longitude and latitude (Natural Earth 1:50m, public domain)."""
    with (files(__package__) / "data" / "coastline.npz").open("rb") as file, np.load(file) as data:
        point, start = data["point"] / 100.0, data["start"]
    return [point[a:b] for a, b in pairwise(start)]

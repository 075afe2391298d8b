"""Trends: ours and the ways people have today."""

from __future__ import annotations

import numpy as np
import pymannkendall
from comparison import Row

import era5fast as e5

YEARS = 60


def rows(quick: bool) -> list[Row]:
    """Mann–Kendall with Sen's slope, sixty years."""
    cells, few = (4_000, 60) if quick else (60_000, 600)
    rng = np.random.default_rng(1)
    values = rng.normal(0, 1, (YEARS, cells)) + 0.02 * np.arange(YEARS)[:, None]
    time = np.arange(1961, 1961 + YEARS).astype(str).astype("datetime64[Y]").astype("datetime64[D]")

    def ours() -> np.ndarray:
        found = e5.mann_kendall(values, time=time, progress=False)
        return np.stack([found.slope, found.z])

    def packaged() -> np.ndarray:
        found = [pymannkendall.original_test(values[:, cell]) for cell in range(few)]
        return np.array([[one.slope, one.z] for one in found]).T

    def by_hand() -> np.ndarray:
        return np.concatenate([_by_hand(values[:, first : first + 500]) for first in range(0, cells, 500)], axis=1)

    def check(mine: np.ndarray, theirs: np.ndarray) -> str:
        np.testing.assert_allclose(mine[:, : theirs.shape[1]], theirs, rtol=1e-9)
        return "slope and z equal to 1e-9"

    return [
        Row(f"Mann–Kendall and Sen, per {cells // few} × cells", "pymannkendall", ours, packaged, check),
        Row("Mann–Kendall and Sen", "NumPy by hand", ours, by_hand, check),
    ]


def _by_hand(values: np.ndarray) -> np.ndarray:
    """All pairs of a block of cells at once; without ties."""
    n = len(values)
    early, late = np.triu_indices(n, 1)
    rise = values[late] - values[early]
    slope = np.median(rise / (late - early)[:, None], axis=0)
    s = np.sign(rise).sum(axis=0)
    return np.stack([slope, (s - np.sign(s)) / np.sqrt(n * (n - 1) * (2 * n + 5) / 18)])

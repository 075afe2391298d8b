"""Labelling a mask: ours, cc3d and scipy, on weather-like masks and on noise.

The peers give dense labels; ours are measured both ways: components alone, which is all that events need, and dense
labels as well. Where longitude closes a circle, the peers label a mask without a seam and their users unite what
touches across it by hand, as is done here.

marEx and ocetrac label maps one by one and link them by overlap, heatwave3 labels what it found itself: their rates
(2, 1.3 and 5 million cells a second) are compared in the benchmarks of whole events.
"""

from __future__ import annotations

from typing import Any

import cc3d
import numpy as np
from comparison import Row
from scipy import ndimage

import era5fast as e5


def rows(quick: bool) -> list[Row]:
    """Every mask with 6 and 26 neighbours against both peers, dense labels, and the seam."""
    shape = (20, 91, 180) if quick else (100, 361, 720)
    rng = np.random.default_rng(0)
    masks = {
        "weather-like, 10 %": _weather(rng, shape),
        "noise, 10 %": rng.random(shape, dtype="float32") < 0.1,
        "noise, 50 %": rng.random(shape, dtype="float32") < 0.5,
    }
    found = []
    for name, mask in masks.items():
        for neighbours in (6, 26):
            found += _both_peers(name, mask, neighbours)
    weather = masks["weather-like, 10 %"]
    return [*found, _dense(weather, 6), _dense(weather, 26), _seam(weather, 6), _seam(weather, 26)]


def _weather(rng: np.random.Generator, shape: tuple[int, int, int]) -> np.ndarray:
    """Smooth blobs that last some steps and cross the seam."""
    field = ndimage.gaussian_filter(
        rng.standard_normal(shape, dtype="float32"), (2, 6, 6), mode=("nearest", "nearest", "wrap")
    )
    return field > np.quantile(field[::10], 0.9)


def _cc3d(mask: np.ndarray, neighbours: int) -> tuple[np.ndarray, int]:
    return cc3d.connected_components(mask, connectivity=neighbours, binary_image=True, return_N=True)


def _scipy(mask: np.ndarray, neighbours: int) -> tuple[np.ndarray, int]:
    return ndimage.label(mask, ndimage.generate_binary_structure(3, {6: 1, 26: 3}[neighbours]))


def _same_number(mine: Any, theirs: Any) -> str:
    assert len(mine) == theirs[1]
    return f"{len(mine)} components"


def _both_peers(name: str, mask: np.ndarray, neighbours: int) -> list[Row]:
    def ours() -> Any:
        return e5.label(mask, neighbours)

    return [
        Row(f"{name}, {neighbours}", "cc3d", ours, lambda: _cc3d(mask, neighbours), _same_number),
        Row(f"{name}, {neighbours}", "scipy", ours, lambda: _scipy(mask, neighbours), _same_number),
    ]


def _dense(mask: np.ndarray, neighbours: int) -> Row:
    def same(mine: Any, theirs: Any) -> str:
        pairs = np.unique(np.stack([mine.ravel(), theirs[0].ravel()]), axis=1)
        assert pairs.shape[1] == theirs[1] + 1
        return f"the same {theirs[1]} components cell by cell"

    return Row(
        f"dense labels, {neighbours}",
        "cc3d",
        lambda: e5.label(mask, neighbours).dense(),
        lambda: _cc3d(mask, neighbours),
        same,
    )


def _seam(mask: np.ndarray, neighbours: int) -> Row:
    def theirs() -> tuple[np.ndarray, int]:
        labels, n = _cc3d(mask, neighbours)
        return labels, n - _united_over_seam(labels, n, neighbours)

    return Row(
        f"with the seam, {neighbours}",
        "cc3d, seam by hand",
        lambda: e5.label(mask, neighbours, periodic=True),
        theirs,
        _same_number,
    )


def _united_over_seam(labels: np.ndarray, n: int, neighbours: int) -> int:
    """How many components fewer there are when the last column touches the first."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    last, first = labels[..., -1], np.pad(labels[..., 0], 1)
    steps, rows_ = last.shape
    reach = [(1, 1)] if neighbours == 6 else [(t, r) for t in range(3) for r in range(3)]
    pairs = [np.stack([last, first[t : t + steps, r : r + rows_]]).reshape(2, -1) for t, r in reach]
    ends = np.concatenate(pairs, axis=1).astype("int64")
    ends = ends[:, (ends > 0).all(axis=0)]
    graph = coo_array((np.ones(ends.shape[1], bool), (ends[0], ends[1])), shape=(n + 1, n + 1))
    return n + 1 - connected_components(graph, directed=False)[0]

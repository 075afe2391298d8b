"""Smooth random fields that anyone can compute anywhere: noise on a lattice, joined by splines.

Every number here follows from integers (seed, field, time step, row, column) through additions, products and square
roots alone, element by element and in a fixed order. IEEE 754 fixes the result of each of these operations, so the
same point at the same hour has the same value, to the last bit, however a request is cut and on whatever machine.
That is why there is no matrix product and no transcendental function of an array in this file.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Degrees = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

_MIX = (0xBF58476D1CE4E5B9, 0x94D049BB133111EB)  # multipliers of the splitmix64 finaliser
_STRIDE = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x27D4EB2F165667C5)  # odd: one per counter
_NEGLIGIBLE = 1e-3  # weight at which the memory of a field is cut off


@dataclass(frozen=True)
class Layer:
    """One random field: how far and how long it hangs together, and how strong it is.

    Parameters
    ----------
    stream : int
        Tells this field from the others of the same seed.
    spacing : float
        Distance of the lattice nodes in degrees; divides 360. Half the correlation is lost after about one spacing.
    step : int
        Hours between the nodes in time; divides 24.
    memory : float
        e-folding time of the underlying autoregressive noise in hours; 0 for none.
    deviation : float
        Standard deviation of the field, in the unit of whatever it is added to.
    """

    stream: int
    spacing: float
    step: int
    memory: float
    deviation: float


def spline_weights(fraction: float) -> tuple[float, float, float, float]:
    """Weights of the four nodes around a point: a uniform cubic B-spline.

    Parameters
    ----------
    fraction : float
        Position between the second and the third node, in [0, 1).

    Returns
    -------
    tuple of float
        Four non-negative weights with sum 1, so that a field never leaves the range of its nodes.
    """
    f, g = fraction, 1.0 - fraction
    return (
        g * g * g / 6.0,
        (4.0 - 6.0 * f * f + 3.0 * f * f * f) / 6.0,
        (4.0 - 6.0 * g * g + 3.0 * g * g * g) / 6.0,
        f * f * f / 6.0,
    )


def gaussian(seed: int, stream: int, steps: Integers, rows: Integers, columns: Integers) -> Floats:
    """Independent, nearly Gaussian numbers of variance 1, one per (step, row, column).

    Parameters
    ----------
    seed, stream : int
        Which field.
    steps, rows, columns : ndarray of int64
        The counters, one-dimensional.

    Returns
    -------
    ndarray of float32, shape (len(steps), len(rows), len(columns))
        Sums of four uniform numbers: bounded by 3.47, which keeps surprises out of tests.
    """
    origin = (seed * _STRIDE[3] ^ stream * _STRIDE[0]) & 0xFFFFFFFFFFFFFFFF
    t, r, c = (x.astype(np.uint64) * np.uint64(s) for x, s in zip((steps, rows, columns), _STRIDE[:3], strict=True))
    x = t[:, None, None] + (r[:, None] + c[None, :])[None]
    x ^= np.uint64(origin)
    for multiplier, shift in zip(_MIX, (30, 27), strict=True):
        x ^= x >> np.uint64(shift)
        x *= np.uint64(multiplier)
    x ^= x >> np.uint64(31)
    low = np.uint64(0xFFFF)
    total = (x & low) + (x >> np.uint64(16) & low) + (x >> np.uint64(32) & low) + (x >> np.uint64(48))
    centred: Floats = total.astype(np.float32)
    centred -= np.float32(2 * 65535)
    centred *= np.float32(math.sqrt(3.0) / 65536.0)
    return centred


def _axis(position: Degrees, spacing: float, period: int | None) -> tuple[Integers, Integers, Floats]:
    """Nodes an axis needs, for each point the places of its four nodes among them, and their weights."""
    base = np.floor(position / spacing)
    fraction = position / spacing - base
    index = base.astype(np.int64)[:, None] + np.arange(-1, 3)
    if period is not None:
        index %= period
    nodes, place = np.unique(index, return_inverse=True)
    weights = np.array([spline_weights(float(f)) for f in fraction], dtype=np.float32)
    return nodes, place.reshape(index.shape), weights


def _remember(noise: Floats, weights: list[float]) -> Floats:
    """Moving average along time: the last ``len(weights)`` numbers of each node, newest first."""
    length = len(noise) - len(weights) + 1
    out = np.zeros((length, *noise.shape[1:]), dtype=np.float32)
    for lag, weight in enumerate(weights):
        start = len(weights) - 1 - lag
        out += noise[start : start + length] * np.float32(weight)
    return out


def _fading(layer: Layer) -> list[float]:
    """Weights of the past that make noise autoregressive, with unit variance."""
    if layer.memory <= 0:
        return [1.0]
    ratio = math.exp(-layer.step / layer.memory)
    terms = max(1, math.ceil(math.log(_NEGLIGIBLE) / math.log(ratio)))
    scale = math.sqrt(1.0 - ratio * ratio)
    return [scale * ratio**n for n in range(terms)]


def _smoothing(layer: Layer) -> float:
    """Standard deviation that unit noise keeps after the splines in two axes of space and one of time."""
    middle = [spline_weights((k + 0.5) / 16) for k in range(16)]
    space = sum(sum(w * w for w in ws) for ws in middle) / len(middle)
    ratio = math.exp(-layer.step / layer.memory) if layer.memory > 0 else 0.0
    time = sum(ws[a] * ws[b] * ratio ** abs(a - b) for ws in middle for a in range(4) for b in range(4)) / len(middle)
    return math.sqrt(space * space * time)


class Field:
    """A layer brought to the points of one grid.

    Parameters
    ----------
    seed : int
        Seed of the weather.
    layer : Layer
        What to compute.
    latitude, longitude : ndarray of float64
        Grid axes in degrees, any order, any convention of longitude.
    """

    def __init__(self, seed: int, layer: Layer, latitude: Degrees, longitude: Degrees) -> None:
        self.seed, self.layer = seed, layer
        period = round(360 / layer.spacing)
        self._rows, self._row_place, self._row_weight = _axis(latitude, layer.spacing, None)
        self._columns, self._column_place, self._column_weight = _axis(
            np.round(longitude % 360.0, 6), layer.spacing, period
        )
        self._past = _fading(layer)
        self._scale = np.float32(layer.deviation / _smoothing(layer))

    def nodes(self, first: int, count: int) -> Floats:
        """Values at consecutive nodes in time.

        Parameters
        ----------
        first : int
            Number of the first node, counted in steps of the layer since 1970-01-01 00 UTC.
        count : int
            How many.

        Returns
        -------
        ndarray of float32, shape (count, latitude, longitude)
        """
        steps = np.arange(first - len(self._past) + 1, first + count, dtype=np.int64)
        noise = gaussian(self.seed, self.layer.stream, steps, self._rows, self._columns)
        coarse = _remember(noise, self._past) * self._scale
        wide = _blend(coarse, self._column_place, self._column_weight, 2)
        return _blend(wide, self._row_place, self._row_weight, 1)

    def pattern(self) -> Floats:
        """One map that never changes: the field at node 0 in time, with about the deviation of the layer.

        Returns
        -------
        ndarray of float32, shape (latitude, longitude)
        """
        pattern: Floats = self.nodes(0, 1)[0]
        return pattern


def _blend(values: Floats, place: Integers, weight: Floats, axis: int) -> Floats:
    """Spline along one axis, from nodes to points."""
    shape = [1, 1, 1]
    shape[axis] = len(place)
    out: Floats = np.take(values, place[:, 0], axis=axis) * weight[:, 0].reshape(shape)
    for k in range(1, 4):
        out += np.take(values, place[:, k], axis=axis) * weight[:, k].reshape(shape)
    return out


def add_hour(out: Floats, nodes: Floats, step: int, hour: int, scratch: Floats) -> None:
    """Add a field at one hour of several consecutive days to ``out``.

    Parameters
    ----------
    out, scratch : ndarray of float32, shape (days, latitude, longitude)
        Sum to add to, and room to work in.
    nodes : ndarray of float32, shape (at least days * 24 / step + 3, latitude, longitude)
        Values of the field, the first one a step before 00 UTC of the first day.
    step : int
        Hours between nodes.
    hour : int
        Hour of the day, 0 to 23.
    """
    days, per_day = len(out), 24 // step
    for k, weight in enumerate(spline_weights(hour % step / step)):
        if weight > 0.0:
            start = hour // step + k
            part = nodes[start : start + per_day * (days - 1) + 1 : per_day]
            np.multiply(part, np.float32(weight), out=scratch)
            out += scratch

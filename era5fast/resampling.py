"""Resampling: bootstrap intervals and permutation tests, for every cell of a field at once."""

from __future__ import annotations

import functools
import math
import os
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from . import _core, attributes, units
from .axis_names import TIME_NAMES, find_axis
from .chunked.arrays import is_lazy
from .dataarrays import opened
from .errors import InputError
from .field import plain
from .memory import check_room
from .progress import Progress

__all__ = ["Bootstrap", "PermutationTest", "bootstrap", "permutation_test"]

_STATISTICS = ("mean", "std", "var", "median")  # as the core counts them
_INTERVALS = ("percentile", "basic", "BCa")
_MOST = 65535  # values of a sample


class Bootstrap(NamedTuple):
    """What :func:`bootstrap` gives; arrays have the shape of the cells.

    Attributes
    ----------
    value : float, ndarray or DataArray
        The statistic of the sample itself.
    low, high : float, ndarray or DataArray
        Ends of the confidence interval.
    standard_error : float, ndarray or DataArray
        Standard deviation of the statistic over the resamples.
    n_resamples : int
        How many were drawn.
    seed : int
        With which they can be drawn again.
    """

    value: Any
    low: Any
    high: Any
    standard_error: Any
    n_resamples: int
    seed: int


class PermutationTest(NamedTuple):
    """What :func:`permutation_test` gives; arrays have the shape of the cells.

    Attributes
    ----------
    difference : float, ndarray or DataArray
        Mean of `x` less that of `y`.
    pvalue : float, ndarray or DataArray
        Probability of such a difference, or one more extreme, if all values came from one distribution.
    exact : bool
        True when all permutations were looked at.
    n_resamples : int
        How many were looked at.
    seed : int
        With which they can be drawn again.
    """

    difference: Any
    pvalue: Any
    exact: bool
    n_resamples: int
    seed: int


def bootstrap(
    x: Any,
    statistic: str = "mean",
    n_resamples: int = 9999,
    *,
    method: str = "BCa",
    confidence: float = 0.95,
    ddof: int = 0,
    seed: int | None = None,
    axis: int = 0,
    dim: str | None = None,
    progress: bool = True,
) -> Bootstrap:
    """Confidence interval of a statistic, by drawing other samples out of the one there is.

    Parameters
    ----------
    x : array, DataArray, Dataset or paths
        Values; one sample along `axis` or `dim` for each cell of the rest.
    statistic : {"mean", "std", "var", "median"}
        What is computed of each sample.
    n_resamples : int
        How many samples are drawn.
    method : {"BCa", "percentile", "basic"}
        How the interval comes from them: corrected for bias and acceleration, by their quantiles (type 7), or by
        their quantiles mirrored at the value.
    confidence : float
        Share of the resamples within, 0 to 1.
    ddof : int
        Subtracted from the number of values in the divisor of ``std`` and ``var``.
    seed : int, optional
        For the same answer again; the one that was used is in the result.
    axis : int
        Axis of an array along which a sample lies.
    dim : str, optional
        The same for a DataArray; its time when left out.
    progress : bool
        Show a progress bar on terminals and in notebooks.

    Returns
    -------
    Bootstrap
        Value, interval and standard error of each cell, float64. Cells with a missing value are NaN; so is a BCa
        interval where all resamples lie on one side of the value.

    Raises
    ------
    InputError
        If a sample has fewer than three or more than 65,535 values, or a parameter is out of range.

    Notes
    -----
    Efron & Tibshirani 1993, *An Introduction to the Bootstrap*, chapters 13 and 14. All cells share the same
    resamples, as in ``scipy.stats.bootstrap``, so neighbours stay alike. The draws depend on `seed` alone, not on the
    number of threads or cells. Values one after another in time are often not independent: the interval is then too
    narrow, and means of years or seasons are the better sample.

    Examples
    --------
    >>> result = bootstrap([3.1, 2.7, 3.6, 2.9, 3.3, 3.0], "mean", seed=1)
    >>> round(result.value, 2), 2.8 < result.low < 3.0 < result.high < 3.5
    (3.1, True)
    """
    for name, value, choices in (("statistic", statistic, _STATISTICS), ("method", method, _INTERVALS)):
        if str(value) not in choices:
            raise InputError(f"{name} must be one of {', '.join(choices)}, not {value!r}")
    _check_numbers(confidence, ddof)
    x = opened(x)
    if is_lazy(x):
        rules = {"statistic": statistic, "n_resamples": n_resamples, "method": method, "confidence": confidence}
        return _in_chunks(bootstrap, {"x": x}, {**rules, "ddof": ddof, "seed": seed, "dim": dim})
    values, rest = _samples(x, axis, dim, least=3)
    count, (key, seed) = _count(n_resamples), _key(seed)
    check_room("the resamples", (count + len(values), len(values)), np.dtype("uint16"), "draw fewer resamples")
    spec = (_STATISTICS.index(statistic), _INTERVALS.index(method), confidence, ddof)
    with Progress("bootstrap", progress) as callback:
        results = _core.bootstrap(_flat(values), *spec, count, key, callback)
    rule = {"statistic": statistic, "method": method, "confidence": float(confidence), "ddof": int(ddof)}
    call = {"diagnostic": "bootstrap", **rule, "n_resamples": count, "seed": seed}
    about = _about_bootstrap(rest, statistic, call)
    value, low, high, error = (rest.wrap(*each) for each in zip(results, about, strict=True))
    return Bootstrap(value, low, high, error, count, seed)


def permutation_test(
    x: Any,
    y: Any,
    n_resamples: int = 9999,
    *,
    alternative: str = "two-sided",
    paired: bool = False,
    seed: int | None = None,
    axis: int = 0,
    dim: str | None = None,
    progress: bool = True,
) -> PermutationTest:
    """Test whether two samples have different means, by exchanging values between them.

    Parameters
    ----------
    x, y : array or DataArray
        Values; a sample along `axis` or `dim` for each cell of the rest. The cells are the same in both.
    n_resamples : int
        How many exchanges are drawn at random; all there are, once each, when they are not more.
    alternative : {"two-sided", "less", "greater"}
        What is held against no difference: any, or that the mean of `x` is less or greater.
    paired : bool
        Values of both belong together in pairs, and are exchanged within these.
    seed : int, optional
        For the same answer again; the one that was used is in the result.
    axis : int
        Axis of an array along which a sample lies.
    dim : str, optional
        The same for a DataArray; its time when left out.
    progress : bool
        Show a progress bar on terminals and in notebooks.

    Returns
    -------
    PermutationTest
        Difference of means and p-value of each cell, float64; NaN for cells with a missing value.

    Raises
    ------
    InputError
        If cells or pairs do not fit each other, a sample is too short or too long, or a parameter is out of range.

    Notes
    -----
    Good 2005, *Permutation, Parametric and Bootstrap Tests of Hypotheses*. A share k of n exchanges that are drawn at
    random counts as (k + 1) / (n + 1), as in ``scipy.stats.permutation_test``; two-sided is twice the smaller of the
    two shares. All cells share the same exchanges, so the test of a whole field can count how many cells are
    significant together. The draws depend on `seed` alone.

    Examples
    --------
    >>> result = permutation_test([1.0, 2.0, 3.0], [4.0, 5.0, 6.0])
    >>> result.difference, result.pvalue, result.exact
    (-3.0, 0.1, True)
    """
    if str(alternative) not in ("two-sided", "less", "greater"):
        raise InputError(f"alternative must be two-sided, less or greater, not {alternative!r}")
    x, y = opened(x), opened(y)
    if is_lazy(x) or is_lazy(y):
        rules = {"n_resamples": n_resamples, "alternative": alternative, "paired": paired, "seed": seed, "dim": dim}
        return _in_chunks(permutation_test, {"x": x, "y": y}, rules)
    first, rest = _samples(x, axis, dim, least=1)
    second, others = _samples(y, axis, dim, least=1)
    _check_same_cells((rest.dims, rest.shape), (others.dims, others.shape))
    if paired and len(first) != len(second):
        raise InputError(f"{len(first)} values of x and {len(second)} of y are no pairs")
    values = _flat(first) - _flat(second) if paired else np.concatenate([_flat(first), _flat(second)])
    part = len(values) if paired else len(first)
    if not 2 <= len(values) <= _MOST:
        raise InputError(f"{len(values)} values, must be 2 to {_MOST}")
    count, (key, seed) = _count(n_resamples), _key(seed)
    possible = 2 ** len(values) if paired else math.comb(len(values), part)
    exact = possible <= count
    count = possible if exact else count
    check_room("the resamples", (count, part), np.dtype("uint16"), "draw fewer resamples")
    with Progress("permutation_test", progress) as callback:
        difference, less, greater = _core.permutation(values, part, paired, count, exact, key, callback)
    more = 0 if exact else 1
    share = {"less": less, "greater": greater, "two-sided": 2 * np.minimum(less, greater) + more}[alternative]
    pvalue = np.minimum((share + more) / (count + more), 1)
    call = {"diagnostic": "permutation_test", "alternative": alternative, "paired": paired, "exact": exact}
    call |= {"n_resamples": count, "seed": seed, "x": rest.made_by(), "y": others.made_by()}
    given = [cells.attrs for cells in (rest, others) if cells.coords is not None]
    unit = units.of(rest.attrs)
    about = [
        attributes.of_result("Difference of means", unit and f"delta {unit}", inputs=given, definition=call),
        attributes.of_result("Probability of such a difference", "1", inputs=given, definition=call),
    ]
    return PermutationTest(rest.wrap(difference, about[0]), rest.wrap(pvalue, about[1]), exact, count, seed)


# --- samples and cells ---


def _in_chunks(function: Callable[..., Any], operands: dict[str, Any], rules: dict[str, Any]) -> Any:
    """The same of lazy samples: every block draws the same resamples, by the same seed."""
    from .chunked.blocks import map_cells

    if plain_ones := [name for name, x in operands.items() if not hasattr(x, "dims")]:
        raise InputError(f"{plain_ones[0]} is a plain array, and the other sample is lazy", hint="pass DataArrays")
    dims = {_sample_dim(x, rules["dim"]) for x in operands.values()}
    if len(dims) > 1:
        raise InputError(f"the samples lie along {' and '.join(map(str, dims))}", hint="name them alike, for dim=")
    dim = dims.pop()
    sizes = [{d: x.sizes[d] for d in x.dims if d != dim} for x in operands.values()]
    first, *others = [(tuple(each), tuple(each.values())) for each in sizes]
    for other in others:
        _check_same_cells(first, other)
    own = {**rules, "seed": _key(rules["seed"])[1], "dim": dim, "progress": False}
    call = functools.partial(_of_block, function, own)
    return map_cells(call, operands, name=function.__name__, whole_dims=(dim,))


def _check_same_cells(x: tuple[Any, tuple[int, ...]], y: tuple[Any, tuple[int, ...]]) -> None:
    """Refuse samples whose cells have other dimensions, another order of them, or other sizes."""
    if x == y:
        return
    (dims, shape), (others, other) = x, y
    words = (f" {dims}", f" {others}") if dims != others else ("", "")
    raise InputError(f"x has cells of shape {shape}{words[0]}, y of shape {other}{words[1]}")


def _of_block(function: Callable[..., Any], rules: dict[str, Any], operands: dict[str, Any]) -> Any:
    return function(**operands, **rules)


def _sample_dim(x: Any, dim: str | None) -> Any:
    """Name of the dimension along which a sample lies."""
    name = dim or find_axis(x, TIME_NAMES) or (x.dims[0] if x.ndim == 1 else None)
    if name not in x.dims:
        raise InputError(f"no dimension {name or 'time'} among {tuple(x.dims)}", hint="name it with dim=")
    return name


class _Cells(NamedTuple):
    """What is left of an operand when the samples are gone."""

    shape: tuple[int, ...]
    dims: tuple[Any, ...]
    coords: dict[Any, Any] | None  # None for a plain array
    attrs: dict[Any, Any]
    name: Any
    along: str

    def wrap(self, values: np.ndarray, attrs: dict[str, Any]) -> Any:
        values = values.reshape(self.shape)
        if self.coords is not None:
            import xarray as xr

            result = xr.DataArray(values, dims=self.dims, coords=self.coords, attrs=attrs, name=self.name)
            return attributes.tidy_coordinates(result)
        return values if self.shape else float(values)

    def made_by(self) -> Any:
        """What made the samples."""
        return attributes.made_by(self.attrs, self.name)


def _about_bootstrap(cells: _Cells, statistic: str, call: dict[str, Any]) -> list[dict[str, Any]]:
    """Attributes of value, limits and standard error."""
    unit = units.of(cells.attrs)
    spread = None if unit is None else f"delta {unit}"
    square = None if unit is None else attributes.squared(unit)
    plain = spread if attributes.is_difference(cells.attrs) else unit
    own = {"std": spread, "var": square}.get(statistic, plain)
    method, name = attributes.method(statistic), str(cells.attrs.get("long_name", cells.name or "")) or "the values"
    steps = attributes.compose(cells.attrs.get("cell_methods"), f"{cells.along}: {method}")
    titles = [
        f"{method}",
        f"Lower limit of the {method}",
        f"Upper limit of the {method}",
        f"Standard error of the {method}",
    ]
    rows = [(own, "x", steps), (own, "x", ""), (own, "x", ""), (square if statistic == "var" else spread, None, "")]
    return [
        attributes.of_result(
            attributes.filled(f"{title}: {name}".replace("_", " "), {}),
            unit,
            inputs=[cells.attrs],
            standard_name=standard_name if statistic != "var" else None,
            cell_methods=methods,
            definition={**call, "x": cells.made_by()},
        )
        for title, (unit, standard_name, methods) in zip(titles, rows, strict=True)
    ]


def _samples(x: Any, axis: Any, dim: str | None, least: int) -> tuple[np.ndarray, _Cells]:
    """Values with the samples along the first axis, and what the other axes are."""
    x = opened(x)
    if hasattr(x, "dims") and hasattr(x, "coords"):
        name = _sample_dim(x, dim)
        x = x.transpose(name, ...)
        coords = {key: c for key, c in x.coords.items() if name not in c.dims}
        values, cells = x.values, _Cells(x.shape[1:], x.dims[1:], coords, dict(x.attrs), x.name, str(name))
    else:
        values = plain(x)
        if not isinstance(axis, int | np.integer) or not -values.ndim <= axis < values.ndim:
            raise InputError(f"no axis {axis} in an array of shape {values.shape}")
        values = np.moveaxis(values, axis, 0)
        cells = _Cells(values.shape[1:], (), None, {}, None, "")
    if values.dtype.kind not in "fiub":
        raise InputError(f"cannot compute with an array of type {values.dtype}")
    if not least <= len(values) <= _MOST:
        raise InputError(f"a sample of {len(values)} values, must be {least} to {_MOST}")
    return values, cells


def _flat(values: np.ndarray) -> np.ndarray:
    return values.reshape(len(values), math.prod(values.shape[1:])).astype("float64", copy=False)


def _check_numbers(confidence: Any, ddof: Any) -> None:
    if not isinstance(confidence, float | int | np.number) or not 0 < confidence < 1:
        raise InputError(f"confidence must be between 0 and 1, not {confidence!r}", hint="0.95 for 95 %")
    if not isinstance(ddof, int | np.integer) or ddof not in (0, 1):
        raise InputError(f"ddof must be 0 or 1, not {ddof!r}")


def _count(n_resamples: Any) -> int:
    if isinstance(n_resamples, int | np.integer) and 1 <= n_resamples < 2**31:
        return int(n_resamples)
    raise InputError(f"n_resamples must be a whole number from 1 to {2**31 - 1}, not {n_resamples!r}")


def _key(seed: Any) -> tuple[int, int]:
    """Key of the core's random numbers, and the seed from which it comes."""
    if seed is not None and (not isinstance(seed, int | np.integer) or seed < 0):
        raise InputError(f"seed must be a whole number from 0 on, not {seed!r}")
    seed = int.from_bytes(os.urandom(8), "little") if seed is None else int(seed)
    return int(np.random.SeedSequence(seed).generate_state(1, np.uint64)[0]), seed

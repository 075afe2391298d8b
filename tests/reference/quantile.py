"""Slow twin of ``diag/quantile``: sample quantiles of Hyndman and Fan's types 1 to 9, one value at a time."""

import math
from collections.abc import Iterable

# type → α and β of the position p = α + q (n + 1 − α − β) in the sorted values, counted from 1.
CONSTANTS = {
    1: (0, 1),
    2: (0, 1),
    3: (-1 / 2, 3 / 2),
    4: (0, 1),
    5: (1 / 2, 1 / 2),
    6: (0, 0),
    7: (1, 1),
    8: (1 / 3, 1 / 3),
    9: (3 / 8, 3 / 8),
}
FUZZ = 4 * 2.0**-52  # positions that close to a whole number are meant to be that number


def quantile(values: Iterable[float], probability: float, kind: int = 8) -> float:
    """Quantile of a sample.

    Parameters
    ----------
    values
        The sample in any order; NaN are left out.
    probability
        0 to 1.
    kind
        Type 1 to 9 in the numbering of Hyndman and Fan.

    Returns
    -------
    float
        In the units of the values; NaN when there are none.

    Raises
    ------
    KeyError
        If there is no such type.
    ValueError
        If the probability lies outside 0 to 1.

    References
    ----------
    Hyndman & Fan 1996, Am. Stat. 50, 361.
    """
    if not 0 <= probability <= 1:
        raise ValueError(f"probability is {probability}, must be 0 to 1")
    alpha, beta = CONSTANTS[kind]
    ordered = sorted(value for value in values if not math.isnan(value))
    n = len(ordered)
    if n == 0:
        return math.nan
    # From 0, and with the roundings of NumPy.
    position = (
        (n - 1) * probability if kind == 7 else n * probability + (alpha + probability * (1 - alpha - beta)) - 1
    )
    whole = math.floor(position + FUZZ)
    fraction = position - whole
    if whole < 0:
        return ordered[0]
    if whole + 1 >= n:
        return ordered[-1]
    lower, upper = ordered[whole], ordered[whole + 1]
    if kind <= 3:  # they step; at a value type 3 takes the one whose number, counted from 1, is even
        at_a_value = {1: 0.0, 2: 0.5, 3: float(whole % 2 == 0)}
        fraction = at_a_value[kind] if fraction < FUZZ else 1.0
    if fraction < FUZZ:
        return lower
    return lower + (upper - lower) * fraction if fraction < 0.5 else upper - (upper - lower) * (1 - fraction)

"""Slow twin of the kernel ``resample``: one value per cell and period, sample by sample."""

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")


def period_of(year: int, month: int, freq: str) -> int:
    """Number of the period that a month lies in; numbers of neighbours differ by one.

    Parameters
    ----------
    year, month
        Of a date.
    freq
        'MS', 'YS', 'YS-JUL' and its like, 'QS-DEC' and its like, or 'all'.
    """
    name, _, anchor = freq.partition("-")
    length = {"MS": 1, "QS": 3, "YS": 12, "all": None}[name]
    if length is None:
        return 0
    first = MONTHS.index(anchor) if anchor else 0
    return (12 * year + month - 1 - first) // length


def resample(
    values: NDArray, dates: NDArray, statistic: str, freq: str, min_samples: int, months: Iterable[int] = range(1, 13)
) -> NDArray:
    """Combine the samples of each period; periods between the first and the last that have none are NaN.

    Parameters
    ----------
    values
        (time, …), NaN where missing.
    dates
        (time, 2) years and months, in order of time.
    statistic
        'max', 'min', 'mean' or 'sum'.
    freq
        As :func:`period_of`.
    min_samples
        Valid samples that a period must have, at least 1.
    months
        Months whose samples count.
    """
    counts = np.isin(dates[:, 1], list(months))
    period = np.array([period_of(year, month, freq) for year, month in dates])
    period -= period[0]
    out = np.full((period[-1] + 1, *values.shape[1:]), np.nan)
    for index in np.ndindex(out.shape):
        out[index] = combine(values[(counts & (period == index[0]), *index[1:])], statistic, min_samples)
    return out


def combine(samples: Iterable[float], statistic: str, min_samples: int) -> float:
    """One number from the samples that are not missing, added in their order."""
    valid = [float(x) for x in samples if not math.isnan(x)]
    if len(valid) < min_samples:
        return math.nan
    total = 0.0
    for x in valid:
        total += x
    return {"max": max(valid), "min": min(valid), "mean": total / len(valid), "sum": total}[statistic]

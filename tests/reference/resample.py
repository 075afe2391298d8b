"""Slow twin of the kernel ``resample``: one value per cell and month, year or series, sample by sample."""

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray


def resample(values: NDArray, time: NDArray, statistic: str, freq: str, min_samples: int) -> NDArray:
    """Combine the samples of each period; periods between the first and the last that have none are NaN.

    Parameters
    ----------
    values
        (time, …), NaN where missing.
    time
        datetime64 of the civil calendar, increasing.
    statistic
        'max', 'min', 'mean' or 'sum'.
    freq
        'MS', 'YS' or 'all'.
    min_samples
        Valid samples that a period must have, at least 1.
    """
    unit = {"MS": "datetime64[M]", "YS": "datetime64[Y]", "all": None}[freq]
    period = np.zeros(len(time), "int64") if unit is None else time.astype(unit).astype("int64")
    period -= period[0]
    out = np.full((period[-1] + 1, *values.shape[1:]), np.nan)
    for index in np.ndindex(out.shape):
        out[index] = combine(values[(period == index[0], *index[1:])], statistic, min_samples)
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

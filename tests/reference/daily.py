"""Slow twin of the kernel ``daily``: one value per cell and day, hour by hour."""

import math
from collections import Counter
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

_DAY = 86400


def day_of_sample(second: int, hours: str, offset: int) -> int:
    """Day that a stamp lies in, in days since 1970 of the zone.

    Parameters
    ----------
    second
        Stamp in seconds since 1970-01-01, UTC.
    hours
        'instant', 'hour_ending' or 'since_midnight'.
    offset
        Seconds that the zone lies east of Greenwich.
    """
    local = second + offset
    return (local if hours == "instant" else local - 1) // _DAY  # what ends at midnight belongs to the day before


def is_used(second: int, hours: str, offset: int) -> bool:
    """Whether a stamp counts at all: since midnight only that of the whole day does."""
    return hours != "since_midnight" or (second + offset) % _DAY == 0


def samples_of_complete_day(seconds: list[int], hours: str) -> int:
    """Samples that a day should have: one since midnight, else a day over the most frequent step."""
    if hours == "since_midnight":
        return 1
    steps = Counter(later - earlier for earlier, later in pairwise(seconds))
    usual = min(steps, key=lambda step: (-steps[step], step), default=_DAY)
    return max(_DAY // usual, 1)


def statistic_of(samples: list[float], statistic: str) -> float:
    """Statistic of the samples of one day that are there, added in order of time."""
    if statistic == "max":
        return max(samples)
    if statistic == "min":
        return min(samples)
    total = 0.0
    for sample in samples:
        total += sample
    return total / len(samples) if statistic == "mean" else total


def daily(
    values: ArrayLike,
    seconds: ArrayLike,
    statistic: str,
    hours: str = "instant",
    utc_offset: float = 0,
    min_samples: int = 0,
) -> NDArray[np.float64]:
    """Daily maximum, minimum, mean or sum.

    Parameters
    ----------
    values
        Shape (time, ...); NaN is missing.
    seconds
        Shape (time,), increasing: seconds since 1970-01-01, UTC.
    statistic
        'max', 'min', 'mean' or 'sum'.
    hours
        Which stamps make a day: 'instant', 'hour_ending' or 'since_midnight'.
    utc_offset
        Hours that the zone lies east of Greenwich.
    min_samples
        Samples a day must have; 0: all of them.

    Returns
    -------
    numpy.ndarray
        Shape (day, ...), float64, in the units of the values: all days from that of the first stamp to that of the
        last, NaN where too many samples are missing.
    """
    field = np.asarray(values, np.float64)
    stamps = [int(second) for second in np.asarray(seconds)]
    offset = round(utc_offset * 3600)
    wanted = max(min_samples or samples_of_complete_day(stamps, hours), 1)
    days = [day_of_sample(stamp, hours, offset) for stamp in stamps]
    used = [i for i, stamp in enumerate(stamps) if is_used(stamp, hours, offset)]
    out = np.full((days[-1] - days[0] + 1, *field.shape[1:]), np.nan)
    for cell in np.ndindex(field.shape[1:]):
        for row, day in enumerate(range(days[0], days[-1] + 1)):
            of_day = [float(field[(i, *cell)]) for i in used if days[i] == day]
            present = [sample for sample in of_day if not math.isnan(sample)]
            if len(present) >= wanted:
                out[(row, *cell)] = statistic_of(present, statistic)
    return out

"""Slow twins of the kernels `mann_kendall`, `detrend`, `climatology` and `anomaly`: one cell each."""

import math
import statistics
from collections import Counter, defaultdict


def mann_kendall(years, values, quantile):
    """Slope, lower, upper, intercept, tau, z and p of a series."""
    pairs = [(t, x) for t, x in zip(years, values, strict=True) if math.isfinite(x)]
    n = len(pairs)
    if n < 3:
        return (math.nan,) * 7
    slopes, s = [], 0
    for i, (earlier, before) in enumerate(pairs):
        for later, after in pairs[i + 1 :]:
            slopes.append((after - before) / (later - earlier))
            s += (after > before) - (after < before)
    slopes.sort()
    ties = sum(t * (t - 1) * (2 * t + 5) for t in Counter(x for _, x in pairs).values())
    spread = math.sqrt((n * (n - 1) * (2 * n + 5) - ties) / 18)
    z = 0.0 if s == 0 else (s - math.copysign(1, s)) / spread
    slope, half, count = statistics.median(slopes), quantile * spread, len(slopes)
    return (
        slope,
        _at(slopes, (count - half) / 2),
        _at(slopes, (count + half) / 2 + 1),
        statistics.median(x for _, x in pairs) - slope * statistics.median(t for t, _ in pairs),
        s / count,
        z,
        math.erfc(abs(z) / math.sqrt(2)),
    )


def _at(ordered, position):
    """Value at a fractional position, counted from 1."""
    position = min(max(position, 1), len(ordered))
    whole = math.floor(position)
    lower = ordered[whole - 1]
    return lower if position == whole else lower + (position - whole) * (ordered[whole] - lower)


def detrend(times, values):
    """Residuals of the least-squares line through the valid values."""
    valid = [(t, x) for t, x in zip(times, values, strict=True) if not math.isnan(x)]
    if len(valid) < 2:
        return [math.nan] * len(values)
    line = statistics.linear_regression([t for t, _ in valid], [x for _, x in valid])
    return [x - (line.intercept + line.slope * t) for t, x in zip(times, values, strict=True)]


def climatology(slots, values, count, statistic="mean"):
    """Mean or standard deviation of the valid values of each slot; a slot of −1 is left out."""
    pools = defaultdict(list)
    for slot, value in zip(slots, values, strict=True):
        if slot >= 0 and not math.isnan(value):
            pools[slot].append(value)
    least = 1 if statistic == "mean" else 2
    how = statistics.fmean if statistic == "mean" else statistics.stdev
    return [how(pools[slot]) if len(pools[slot]) >= least else math.nan for slot in range(count)]


def anomaly(slots, values, normal):
    """Value less what is normal for its slot."""
    return [value - normal[slot] for slot, value in zip(slots, values, strict=True)]

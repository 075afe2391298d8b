"""Slow twin of the table of ``spells``: properties of one event, as Hobday et al. 2016 and 2018 define them."""

import math
from collections.abc import Sequence

import numpy as np


def describe(
    x: Sequence[float],
    climatology: Sequence[float],
    threshold: Sequence[float],
    first: int,
    last: int,
    *,
    cold: bool = False,
    sample: bool = False,
    own_maximum: bool = False,
    one_sided: bool = True,
) -> dict[str, float]:
    """Properties of the event from step `first` to `last` of a series without absent days.

    Parameters
    ----------
    x, climatology, threshold
        Per step; of cold spells the signs are turned and, at the end, turned back.
    first, last
        Steps of the event.
    cold, sample, own_maximum, one_sided
        Switches of the definition.
    """
    sign = -1.0 if cold else 1.0
    t, s, q = (sign * np.asarray(values, dtype="float64") for values in (x, climatology, threshold))
    event = slice(first, last + 1)
    anomaly = t - s
    peak = first + int(np.argmax(anomaly[event]))
    result: dict[str, float] = {"start": first, "end": last, "peak": peak, "duration": last - first + 1}
    for suffix, values in (("", anomaly), ("_threshold", t - q), ("_abs", t)):
        inside = values[event]
        top = inside.max() if own_maximum or not suffix else values[peak]
        result[f"intensity_max{suffix}"] = sign * top
        result[f"intensity_mean{suffix}"] = sign * inside.mean()
        with np.errstate(invalid="ignore", divide="ignore"):
            result[f"intensity_var{suffix}"] = inside.std(ddof=1 if sample and len(inside) > 1 else 0)
        if sample and len(inside) == 1:
            result[f"intensity_var{suffix}"] = math.nan
        result[f"intensity_cumulative{suffix}"] = sign * inside.sum()
    for name, end, outside in (("onset", first, first - 1), ("decline", last, last + 1)):
        days = abs(peak - end)
        if 0 <= outside < len(t) and not math.isnan(t[outside]):
            rate = (anomaly[peak] - (anomaly[end] + anomaly[outside]) / 2) / (days + 0.5)
        else:
            rate = (anomaly[peak] - anomaly[end]) / max(days, 1) if one_sided else math.nan
        result[f"rate_{name}"] = sign * rate
    categories = [
        min(math.floor(1 + (t[i] - q[i]) / (q[i] - s[i])), 4) if q[i] > s[i] else -99 for i in range(first, last + 1)
    ]
    result["category"] = max(categories) if max(categories) > -99 else math.nan
    for k, name in enumerate(("moderate", "strong", "severe", "extreme"), 1):
        result[f"days_{name}"] = categories.count(k)
    return result

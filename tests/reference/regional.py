"""Slow twin of `era5fast.regional`: one map, one region."""

import math


def regional(values, cells, weights, statistic, threshold=None, min_share=0.5, beyond=0.0):
    """Number of one region; `values` of a map as a list, NaN is missing; `beyond` of its area lies off the map."""
    found = [
        (values[cell], weight) for cell, weight in zip(cells, weights, strict=True) if not math.isnan(values[cell])
    ]
    valid = sum(weight for _, weight in found)
    if not found or valid < min_share * (sum(weights) + beyond):
        return math.nan
    if statistic == "max":
        return max(value for value, _ in found)
    if statistic == "min":
        return min(value for value, _ in found)
    if statistic == "sum":
        return sum(value * weight for value, weight in found)
    if statistic == "mean":
        return sum(value * weight for value, weight in found) / valid
    above = statistic == "share_above"
    return sum(w for value, w in found if (value > threshold if above else value < threshold)) / valid

"""Slow twins of the kernels `gev` and `gpd`: one cell, by the definitions, with scipy as the optimiser."""

import math

import numpy as np
from scipy import optimize, stats


def l_moments(values):
    """λ1, λ2 and τ3 from unbiased probability-weighted moments."""
    x, n = np.sort(values), len(values)
    b0 = np.mean(x)
    b1 = sum(math.comb(i, 1) / math.comb(n - 1, 1) * x[i] for i in range(n)) / n
    b2 = sum(math.comb(i, 2) / math.comb(n - 1, 2) * x[i] for i in range(n)) / n
    second = 2 * b1 - b0
    return b0, second, (6 * b2 - 6 * b1 + b0) / second


def gev_by_l_moments(values):
    """Location, scale, shape."""
    first, second, skewness = l_moments(values)
    k = optimize.brentq(lambda k: 2 * (1 - 3.0**-k) / (1 - 2.0**-k) - 3 - skewness, -0.999, 20, xtol=1e-14)
    scale = second * k / ((1 - 2.0**-k) * math.gamma(1 + k))
    return first - scale * (1 - math.gamma(1 + k)) / k, scale, -k


def gpd_by_l_moments(peaks, threshold):
    """Scale, shape."""
    first, second, _ = l_moments(peaks)
    k = (first - threshold) / second - 2
    return (1 + k) * (first - threshold), -k


def gev_likelihood(values, location, scale, shape):
    """Logarithm of the likelihood."""
    return stats.genextreme.logpdf(values, -shape, location, scale).sum()


def gev_level(location, scale, shape, period):
    """Level of which a share 1 − 1/period of the values stays below."""
    return stats.genextreme.ppf(1 - 1 / period, -shape, location, scale)


def peaks(values, threshold, separation):
    """Largest values of the events above a threshold; one value a day."""
    found, last = [], None
    for day, value in enumerate(values):
        if math.isnan(value) or value <= threshold:
            continue
        if last is not None and day - last <= separation:
            found[-1] = max(found[-1], value)
        else:
            found.append(value)
        last = day
    return found

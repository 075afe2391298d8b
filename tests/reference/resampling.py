"""Bootstrap and permutation tests of one cell, resample by resample, in plain NumPy.

The random numbers are those of the core: number i of a key is a hash of both.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from statistics import NormalDist

import numpy as np

MASK = (1 << 64) - 1


def random(key: int, i: int) -> int:
    x = (key + (i + 1) * 0x9E3779B97F4A7C15) & MASK
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & MASK
    return x ^ (x >> 31)


def random_below(key: int, i: int, n: int) -> int:
    return (random(key, i) >> 32) * n >> 32


def key_of(seed: int) -> int:
    return int(np.random.SeedSequence(seed).generate_state(1, np.uint64)[0])


def bootstrap(
    x: np.ndarray, statistic: Callable[[np.ndarray], float], count: int, method: str, confidence: float, seed: int
) -> tuple[float, float, float, float]:
    """Value, low, high and standard error."""
    n, key = len(x), key_of(seed)
    value = statistic(x)
    drawn = np.array([[random_below(key, r * n + i, n) for i in range(n)] for r in range(count)])
    resampled = np.array([statistic(x[steps]) for steps in drawn])
    tail = (1 - confidence) / 2
    probability = [tail, 1 - tail]
    if method == "BCa":
        normal = NormalDist()
        bias = normal.inv_cdf(np.mean((resampled < value) / 2 + (resampled <= value) / 2))
        left_out = np.array([statistic(np.delete(x, i)) for i in range(n)])
        gap = left_out.mean() - left_out
        acceleration = np.sum(gap**3) / (6 * np.sum(gap**2) ** 1.5)
        z = [bias + normal.inv_cdf(p) for p in probability]
        probability = [normal.cdf(bias + one / (1 - acceleration * one)) for one in z]
    low, high = np.quantile(resampled, probability)
    if method == "basic":
        low, high = 2 * value - high, 2 * value - low
    return value, low, high, resampled.std(ddof=1)


def permutation_test(x: np.ndarray, y: np.ndarray) -> tuple[float, dict[str, float]]:
    """Difference of means, and the p-values, from all ways to split the values."""
    both = np.concatenate([x, y])
    observed = x.mean() - y.mean()
    tolerance = 1e-12 * np.mean(np.abs(both - both.mean()))
    differences = []
    for chosen in itertools.combinations(range(len(both)), len(x)):
        first = np.isin(np.arange(len(both)), chosen)
        differences.append(both[first].mean() - both[~first].mean())
    less = np.mean(np.array(differences) <= observed + tolerance)
    greater = np.mean(np.array(differences) >= observed - tolerance)
    return observed, {"less": less, "greater": greater, "two-sided": min(1, 2 * min(less, greater))}

"""Correlation of two series of one cell, by definition."""

from __future__ import annotations

import math

import numpy as np


def pearson(x: np.ndarray, y: np.ndarray) -> float:
    a, b = x - math.fsum(x) / len(x), y - math.fsum(y) / len(y)
    return math.fsum(a * b) / math.sqrt(math.fsum(a * a) * math.fsum(b * b))


def ranks(x: np.ndarray) -> np.ndarray:
    """From 1 on; equal values share the mean of theirs."""
    return np.array([np.sum(x < value) + (np.sum(x == value) + 1) / 2 for value in x])


def spearman(x: np.ndarray, y: np.ndarray) -> float:
    return pearson(ranks(x), ranks(y))

"""Slow twins of the kernels `spi` and `spei`: one cell, months from January on, by the definitions."""

import math

import numpy as np
from scipy import special, stats


def sums(values, scale):
    """Sum of the last `scale` months; NaN where they are not all there."""
    windows = [values[max(i + 1 - scale, 0) : i + 1] for i in range(len(values))]
    return [math.fsum(w) if len(w) == scale and not any(map(math.isnan, w)) else math.nan for w in windows]


def spi(values, scale, base=slice(None), method="thom", zeros="top", slots=None):
    """Gamma distribution with a probability of zeros; `slots` are parts of the year, months where none are given."""
    added = np.array(sums(values, scale))
    chosen = np.zeros(len(values), bool)
    chosen[base] = True
    out = np.full(len(values), np.nan)
    slots = np.arange(len(values)) % 12 if slots is None else slots
    for slot in np.unique(slots):
        here = slots == slot
        pool = added[here & chosen]
        pool = pool[~np.isnan(pool)]
        positive = pool[pool > 0]
        if len(positive) < 4:
            continue
        q = 1 - len(positive) / len(pool)
        a = np.log(positive.mean()) - np.log(positive).mean()
        shape = (1 + np.sqrt(1 + 4 * a / 3)) / (4 * a)
        if method == "ml":
            shape = stats.gamma.fit(positive, floc=0)[0]
        share = q + (1 - q) * stats.gamma.cdf(added[here], shape, scale=positive.mean() / shape)
        share = np.where(added[here] == 0, q / 2 if zeros == "centre" else q, share)
        out[here] = stats.norm.ppf(share)
    return out


def spei(values, scale):
    """Log-logistic distribution by unbiased probability-weighted moments (Vicente-Serrano et al. 2010)."""
    added = np.array(sums(values, scale))
    out = np.full(len(values), np.nan)
    for month in range(12):
        here = np.arange(len(values)) % 12 == month
        x = np.sort(added[here][~np.isnan(added[here])])
        n = len(x)
        w = [sum(math.comb(n - 1 - i, s) / math.comb(n - 1, s) * x[i] for i in range(n)) / n for s in range(3)]
        beta = (2 * w[1] - w[0]) / (6 * w[1] - w[0] - 6 * w[2])
        gammas = special.gamma(1 + 1 / beta) * special.gamma(1 - 1 / beta)
        alpha = (w[0] - 2 * w[1]) * beta / gammas
        origin = w[0] - alpha * gammas
        with np.errstate(invalid="ignore"):
            share = 1 / (1 + (alpha / (added[here] - origin)) ** beta)
        out[here] = stats.norm.ppf(share)
    return out

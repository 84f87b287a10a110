"""Whether what a model weighs now still looks like what it was trained on."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.fusion import INPUTS
from pipeline.tuning.breaks import Breaks, quantile

BINS = 10
HALF = 0.5
"""Added to every count: an empty bin of few breaks says little."""


def drift(trained_on: Breaks, now: Breaks) -> list[dict[str, Any]]:
    """Return how far each input has moved: a row for each, with its population stability index (PSI).

    `psi` is the sum over bins of (share now - share then) * ln(share now / share then); `by_chance` is what it
    stays below in 95 % of draws from an unchanged population, if breaks were independent: those of one clip are not,
    so a little above it means little. `moved` says that it is above that and above 0.1, the usual rule of thumb.

    Parameters
    ----------
    trained_on, now : Breaks
        Whether they are real plays no part.

    References
    ----------
    N. Siddiqi, "Credit Risk Scorecards" (2006), 136; B. Yurdakul, J. Naranjo, "Statistical properties of the population
    stability index", Journal of Risk Model Validation 14 (2020), 89-100.
    """
    from scipy.stats import chi2

    rows = []
    for n, name in enumerate(INPUTS):
        then, there = trained_on.inputs[:, n], now.inputs[:, n]
        if not len(then) or not len(there):
            continue
        shares = _shares(then, there)
        index = float(((shares[1] - shares[0]) * np.log(shares[1] / shares[0])).sum())
        chance = float(chi2.ppf(0.95, max(len(shares[0]) - 1, 1)) * (1 / len(then) + 1 / len(there)))
        rows.append(
            {"input": name, "median then": quantile(then, 0.5), "median now": quantile(there, 0.5)}
            | {"psi": index, "by_chance": chance, "moved": index > max(chance, 0.1)}
        )
    return rows


def _shares(then: NDArray[np.float64], now: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the share of either in bins that hold about as many of `then`: shape (2, bins)."""
    edges = np.unique(np.quantile(then, np.linspace(0, 1, BINS + 1)[1:-1]))
    counts = [np.bincount(np.searchsorted(edges, one, side="left"), minlength=len(edges) + 1) for one in (then, now)]
    shares = [(count + HALF) / (count + HALF).sum() for count in counts]
    return np.array(shares, np.float64)

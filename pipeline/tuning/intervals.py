"""How sure counted shares and rates are: 95 % intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from pipeline.statistics import wilson

__all__ = ["bootstrap_f1", "bootstrap_ratio", "f1", "garwood", "most_an_hour", "wilson"]


def garwood(events: int, hours: float) -> tuple[float, float]:
    """Return the exact 95 % interval of a Poisson rate an hour; (0, inf) where nothing was watched.

    References
    ----------
    F. Garwood, "Fiducial limits for the Poisson distribution", Biometrika 28 (1936), 437-442.
    """
    from scipy.stats import chi2

    if hours <= 0:
        return 0.0, math.inf
    low = float(chi2.ppf(0.025, 2 * events)) / 2 / hours if events else 0.0
    return low, float(chi2.ppf(0.975, 2 * (events + 1))) / 2 / hours


def most_an_hour(events: int, hours: float) -> float:
    """Return the rate that `events` in `hours` do not exceed with 95 % confidence (one-sided; Garwood, as above)."""
    from scipy.stats import chi2

    return float(chi2.ppf(0.95, 2 * (events + 1))) / 2 / hours


def f1(found: int, of: int, right: int, told: int) -> float | None:
    """Return the harmonic mean of recall `found / of` and precision `right / told`, 0 to 1.

    None where there is no precision to speak of: nothing was told, and nothing was missed for that.
    """
    if not told:
        return None if found or not of else 0.0
    recall = found / of if of else 0.0
    precision = right / told
    return 2 * recall * precision / (recall + precision) if recall + precision else 0.0


def bootstrap_f1(
    groups: Sequence[tuple[int, int, int, int]], *, seed: int = 0, rounds: int = 2000
) -> tuple[float | None, float | None]:
    """Return the 95 % percentile interval of F1, by drawing groups of clips with replacement.

    Clips of one source are not independent, so that whole groups are drawn, never clips.

    Parameters
    ----------
    groups : sequence of (found, of, right, told)
        What was counted of each group.
    seed : int
        The same seed draws the same.
    rounds : int
        How often all groups are drawn.

    Returns
    -------
    low, high : float or None
        None where there are fewer than two groups, or none in which anything was to be found or was told.

    References
    ----------
    B. Efron, "Bootstrap methods: another look at the jackknife", Annals of Statistics 7 (1979), 1-26.
    """
    values = [value for row in _drawn(groups, seed, rounds) if (value := f1(*row)) is not None]
    return _percentiles(values)


def bootstrap_ratio(
    groups: Sequence[tuple[int, int]], *, seed: int = 0, rounds: int = 2000
) -> tuple[float | None, float | None]:
    """Return the 95 % percentile interval of the sum of the first over the sum of the second, by drawing whole groups.

    Parameters
    ----------
    groups : sequence of (part, of)
        What was counted of each group, as wrong characters and characters of each voice.
    seed, rounds : int
        As for `bootstrap_f1`.

    Returns
    -------
    low, high : float or None
        None where there are fewer than two groups, or nothing to be counted in any.
    """
    return _percentiles([part / of for part, of in _drawn(groups, seed, rounds) if of])


def _drawn(groups: Sequence[tuple[int, ...]], seed: int, rounds: int) -> list[list[int]]:
    """Return sums of as many groups as there are, drawn with replacement; nothing where there are fewer than two."""
    if len(groups) < 2:
        return []
    drawn = np.random.default_rng(seed).integers(0, len(groups), (rounds, len(groups)))
    sums: list[list[int]] = np.array(groups, np.int64)[drawn].sum(axis=1).tolist()
    return sums


def _percentiles(values: Sequence[float]) -> tuple[float | None, float | None]:
    if not values:
        return None, None
    low, high = np.percentile(values, (2.5, 97.5))
    return float(low), float(high)

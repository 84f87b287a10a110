"""Long measurements in few buckets, so that no single sample that stands out is ever lost."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def thin(times: Floats, values: Floats, start_s: float, stop_s: float, points: int) -> dict[str, Any]:
    """Return the samples of a stretch of time; more than `points` of them as the extremes of equal buckets.

    Parameters
    ----------
    times : float64, shape (n,)
        In seconds, ascending, finite.
    values : float64, shape (n,)
        NaN: unknown.
    start_s, stop_s : float
        The stretch, in seconds, both ends included; `start_s` < `stop_s`.
    points : int
        How many buckets at most; 1 or more.

    Returns
    -------
    dict
        As values for JSON, NaN as None. `exact` true: `times_s` and `values` of every sample, with one more on either
        side of the stretch, so that a line leaves it as it should. `exact` false: `width_s` of a bucket, and of each
        bucket that holds a sample its middle (`times_s`), how many samples it holds (`counts`), their extremes (`low`,
        `high`; None where all are unknown) and when the first of each stands (`low_at_s`, `high_at_s`).
    """
    first, stop = int(np.searchsorted(times, start_s, "left")), int(np.searchsorted(times, stop_s, "right"))
    if stop - first <= points:
        first, stop = max(0, first - 1), min(len(times), stop + 1)
        return {"exact": True, "times_s": times[first:stop].tolist(), "values": listed(values[first:stop])}
    times, values = times[first:stop], values[first:stop]
    index = buckets(times, start_s, stop_s, points)
    starts = np.flatnonzero(np.r_[True, np.diff(index) > 0])
    counts = np.diff(np.r_[starts, len(times)])
    low, high = np.fmin.reduceat(values, starts), np.fmax.reduceat(values, starts)
    owner = np.repeat(np.arange(len(starts)), counts)
    width_s = (stop_s - start_s) / points
    return {
        "exact": False,
        "width_s": width_s,
        "times_s": (start_s + (index[starts] + 0.5) * width_s).tolist(),
        "counts": counts.tolist(),
        "low": listed(low),
        "high": listed(high),
        "low_at_s": listed(_first(times, values == low[owner], owner, len(starts))),
        "high_at_s": listed(_first(times, values == high[owner], owner, len(starts))),
    }


def buckets(times: Floats, start_s: float, stop_s: float, points: int) -> NDArray[np.int64]:
    """Return in which of `points` equal buckets from `start_s` to `stop_s` each time lies: int64, shape (n,)."""
    share = (times - start_s) / (stop_s - start_s)
    return np.clip((share * points).astype(np.int64), 0, points - 1)


def listed(values: Floats) -> list[float | None]:
    """Return numbers for JSON; those that are not finite become None."""
    return [value if math.isfinite(value) else None for value in values.tolist()]


def _first(times: Floats, hit: NDArray[np.bool_], owner: NDArray[np.int64], count: int) -> Floats:
    """Return the time of the first hit in each bucket; NaN where there is none."""
    found = np.full(count, np.nan)
    rows = np.flatnonzero(hit)
    which, place = np.unique(owner[rows], return_index=True)
    found[which] = times[rows[place]]
    return found

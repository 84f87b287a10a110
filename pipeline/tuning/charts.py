"""Control charts: whether a share stays what it was, period for period."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.tuning.intervals import wilson
from pipeline.tuning.labels import html_table

SIGMAS = 3.0
RUN = 8
"""So many periods in a row on one side of the usual share are no chance, either."""
USUAL_RANGE = 1.128
"""Mean of the range of two draws from a normal distribution of deviation 1 (d2)."""


@dataclass(frozen=True, slots=True)
class ControlPoint:
    """One period."""

    period: str
    hits: int
    of: int
    low: float | None
    """Shares between these are usual, 0 to 1; None where nothing was counted."""
    high: float | None
    baseline: bool
    """It is one of those that say what is usual."""
    run: int
    """Periods in a row, up to this one, that lie on its side of the usual share; fewer than half is negative."""

    @property
    def share(self) -> float | None:
        """Share of hits, 0 to 1."""
        return self.hits / self.of if self.of else None

    @property
    def beyond(self) -> bool:
        """Whether the share lies beyond the limits."""
        return self.share is not None and not (self.low or 0.0) <= self.share <= (
            1.0 if self.high is None else self.high
        )

    @property
    def signal(self) -> str:
        """What speaks against chance: "above", "below", "run above", "run below" or nothing."""
        if self.beyond:
            return "above" if (self.share or 0.0) > (self.high or 0.0) else "below"
        return "" if abs(self.run) < RUN else "run above" if self.run > 0 else "run below"


@dataclass(frozen=True, slots=True)
class ControlChart:
    """A share over periods, and what is usual."""

    points: tuple[ControlPoint, ...]
    usual: float
    """Share of hits in the baseline, 0 to 1; half a hit of one more is added, so that it is never nothing."""
    spread: float
    """How much wider than by chance alone periods of the baseline scatter; 1: no wider."""

    @property
    def signals(self) -> tuple[ControlPoint, ...]:
        """The periods in which something speaks against chance."""
        return tuple(point for point in self.points if point.signal)

    def table(self) -> list[dict[str, Any]]:
        """Return a row for each period, with the Wilson interval of its share."""
        rows = []
        for point in self.points:
            low, high = wilson(point.hits, point.of)
            rows.append(
                {"period": point.period, "hits": point.hits, "of": point.of, "share": point.share}
                | {"share_low": low, "share_high": high, "usual_from": point.low, "usual_to": point.high}
                | {"baseline": point.baseline, "signal": point.signal}
            )
        return rows

    def _repr_html_(self) -> str:
        return html_table(self.table())


def control_chart(counts: Sequence[tuple[str, int, int]], baseline: int) -> ControlChart:
    """Hold the share of each period against that of the first ones.

    Limits are exact: a share is beyond them where a binomial draw with the usual share would be as rare as a normal one
    beyond three standard deviations (0.27 % to both sides together). Where the periods of the baseline scatter wider
    than by chance, as clips of one job do, limits are as much wider (Laney); runs are of eight.

    Parameters
    ----------
    counts : sequence of (period, hits, of)
        In the order of time.
    baseline : int
        How many of the first periods say what is usual. With fewer than about twenty the limits are themselves unsure.

    Raises
    ------
    ValueError
        If the baseline is no number of periods that there are, nothing was counted in it, or counts cannot be.

    References
    ----------
    C. P. Quesenberry, "SPC Q charts for a binomial parameter p", Journal of Quality Technology 23 (1991), 239-246.
    D. B. Laney, "Improved control charts for attributes", Quality Engineering 14 (2002), 531-537.
    L. S. Nelson, "The Shewhart control chart: tests for special causes", Journal of Quality Technology 16 (1984),
    237-239.
    """
    if not 1 <= baseline <= len(counts):
        raise ValueError(f"baseline {baseline}: there are {len(counts)} periods")
    if wrong := [period for period, hits, of in counts if not 0 <= hits <= of]:
        raise ValueError(f"{wrong[0]}: more hits than there are, or fewer than none")
    hits, of = (np.array([count[n] for count in counts], np.int64) for n in (1, 2))
    if not (watched := int(of[:baseline].sum())):
        raise ValueError("nothing was counted in the baseline")
    usual = (float(hits[:baseline].sum()) + 0.5) / (watched + 1)
    spread = _spread(hits[:baseline], of[:baseline], usual)
    limits = {count: _limits(count, usual, spread) for count in {int(count) for count in of if count}}
    points, run = [], 0
    for n, (period, hit, count) in enumerate(counts):
        low, high = limits.get(count, (None, None))
        side = 0 if not count else int(np.sign(hit / count - usual))
        run = run + side if run * side > 0 else side if count else run
        points.append(ControlPoint(period, hit, count, low, high, n < baseline, run))
    return ControlChart(tuple(points), usual, spread)


def _limits(count: int, usual: float, spread: float) -> tuple[float, float]:
    """Return the lowest and the highest share that are usual of so many."""
    from scipy.stats import binom, norm

    tail = float(norm.sf(SIGMAS * spread))
    low, high = float(binom.ppf(tail, count, usual)), float(binom.isf(tail, count, usual))
    return max(low, 0.0) / count, high / count


def _spread(hits: NDArray[np.int64], of: NDArray[np.int64], usual: float) -> float:
    """Return the deviation of the baseline's scores, from the mean range of neighbours; never below 1."""
    from scipy.stats import binom, norm

    there = of > 0
    if there.sum() < 2:
        return 1.0
    # The middle of what the steps of a binomial leave open, so that scores of few clips have no bias.
    below = binom.cdf(hits[there] - 1, of[there], usual)
    score = norm.ppf(np.clip(below + binom.pmf(hits[there], of[there], usual) / 2, 1e-12, 1 - 1e-12))
    deviation = float(np.abs(np.diff(score)).mean()) / USUAL_RANGE
    return max(1.0, deviation) if math.isfinite(deviation) else 1.0

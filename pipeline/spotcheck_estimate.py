"""What a spot check says of all clips that it was drawn from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pipeline.statistics import wilson_of_share


@dataclass(frozen=True, slots=True)
class Checked:
    """A clip that was drawn."""

    stratum: str
    clips: int
    """In its stratum."""
    outcome: str | None
    """`in order` or `not in order`; None: nobody looked yet, or it could not be told."""
    passed: bool
    """The program passed it."""


@dataclass(frozen=True, slots=True)
class Share:
    """A share of clips that are not in order, as estimated."""

    share: float
    low: float
    high: float
    """95 % interval."""
    checked: int
    """Clips that it rests on."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a spot check comes to."""

    all: Share | None
    """Of all clips."""
    passed: Share | None
    """Of those that the program passed."""
    missing: tuple[str, ...]
    """Strata of which no clip was checked; while there are some there is no estimate."""


def estimate(sample: Iterable[Checked]) -> Estimate:
    """Estimate how many clips are not in order.

    A clip that was checked stands for the clips of its stratum over the clips that were checked there. The interval is
    Wilson's with the effective number of clips after Kish, (sum of weights)² / sum of squared weights, in place of
    their number: with equal weights it is the plain one. That the population ends somewhere, and what strata save, it
    leaves out, so it is rather too wide.

    References
    ----------
    L. Kish, Survey Sampling, Wiley 1965, 11.7.
    E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927), 209-212.
    """
    clips = list(sample)
    told = [clip for clip in clips if clip.outcome is not None]
    counts: dict[str, int] = {}
    for clip in told:
        counts[clip.stratum] = counts.get(clip.stratum, 0) + 1
    missing = tuple(sorted({clip.stratum for clip in clips} - counts.keys()))
    if missing or not told:
        return Estimate(None, None, missing)
    weighed = [(clip, clip.clips / counts[clip.stratum]) for clip in told]
    return Estimate(
        _share([(weight, clip.outcome == "not in order") for clip, weight in weighed]),
        _share([(weight, clip.outcome == "not in order") for clip, weight in weighed if clip.passed]),
        (),
    )


def _share(weighed: list[tuple[float, bool]]) -> Share | None:
    if not weighed:
        return None
    whole = sum(weight for weight, _ in weighed)
    share = sum(weight for weight, hit in weighed if hit) / whole
    count = whole**2 / sum(weight**2 for weight, _ in weighed)
    low, high = wilson_of_share(share, count)
    return Share(share, min(low, share), max(high, share), len(weighed))

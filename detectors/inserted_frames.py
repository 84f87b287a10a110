"""Foreign pictures between two halves of one take: the picture leaves and comes back."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from detectors._looks import COLUMNS, distance, looks
from detectors._timeline import span_of
from pipeline.detector import detector
from pipeline.model import Curve, Features, Finding, Level, Message

_FEWEST_FRAMES = 8
_REACH = 6


@detector(
    "inserted-frames",
    version=2,
    needs=("frames.time_s", "frames.luma_std", "frames.flow_residual", "frames.damaged", *COLUMNS),
    emits=("inserted-frames",),
)
def inserted_frames(
    features: Features,
    *,
    max_inserted_s: float = 2.0,
    min_step: float = 10.0,
    min_ratio: float = 4.0,
    min_ratio_unrelated: float = 2.0,
    max_return: float = 0.4,
    max_return_unrelated: float = 0.6,
    min_left: float = 16.0,
    unrelated_left: float = 21.0,
    violation_step: float = 25.0,
    violation_return: float = 0.15,
) -> Iterator[Finding]:
    """Yield one finding per stretch that the picture leaves at once and from which it comes back at once.

    Both steps are much larger than the steps of the pictures around them, and the picture after the stretch resembles
    the one before it far more than either resembles what stands between. A flash or a lamp does this too, but leaves
    the outlines where they are: so with light evened out and motion undone, as much must be left as of two pictures
    that have nothing in common. A black or blank stretch is left to `blank-picture`.

    Parameters
    ----------
    max_inserted_s : float
        Longest stretch that is told (seconds).
    min_step : float
        Root mean square difference of the 8 x 8 means of two pictures, at either end, to be suspect (0 to 255).
    min_ratio : float
        How many times larger than the largest of the steps around both must be.
    min_ratio_unrelated : float
        The same where at both ends as much is left as of pictures that have nothing in common.
    max_return : float
        The picture after from the one before, as a share of the smaller of the two steps, at most (0 to 1).
    max_return_unrelated : float
        The same where at both ends as much is left as of pictures that have nothing in common (0 to 1).
    min_left : float
        What must be left at either step with light evened out and motion undone; 40 is one standard deviation, and of
        pictures that have nothing in common 21 to 32 are left (0 to 255).
    unrelated_left : float
        From what is left on pictures have nothing in common (0 to 255).
    violation_step : float
        Step to be a violation (0 to 255).
    violation_return : float
        Share of the return to be a violation (0 to 1).

    References
    ----------
    Q. Wang et al., "Identifying video forgery process using optical flow", IWDW (2013), 244-257.
    """
    frames = features["frames"]
    time_s = frames["time_s"]
    if frames.rows < _FEWEST_FRAMES or not np.isfinite(time_s).all():
        return
    seen = looks(frames)
    step = np.concatenate(([0.0], distance(seen[1:], seen[:-1]))).astype(np.float64)
    left = frames["flow_residual"].astype(np.float64)
    blank = frames["luma_std"] <= 4.0
    damaged = frames["damaged"].astype(bool)
    edges = np.flatnonzero(step >= min_step)
    done = -1
    for n, first in enumerate(edges.tolist()):
        if first <= done:
            continue
        for stop in edges[n + 1 :].tolist():
            if time_s[stop] - time_s[first] > max_inserted_s:
                break
            smaller = min(step[first], step[stop])
            back = float(distance(seen[stop], seen[first - 1]))
            around = _around(step, first, stop)
            unlike = min(left[first], left[stop])
            unrelated = unlike >= unrelated_left
            ratio, most = (min_ratio_unrelated, max_return_unrelated) if unrelated else (min_ratio, max_return)
            if not len(around) or smaller < ratio * max(around.max(), 0.5) or back > most * smaller:
                continue
            if not unlike >= min_left:
                continue
            if blank[first:stop].any() or damaged[first - 1 : stop + 1].any():
                continue
            done = stop
            clear = smaller >= violation_step and back <= violation_return * smaller
            yield Finding(
                kind="inserted-frames",
                level=Level.VIOLATION if clear else Level.SUSPECT,
                span=span_of(features, float(time_s[first]), float(time_s[stop])),
                message=Message(
                    "The picture leaves what it showed at once and comes back to it {pictures} pictures later: foreign "
                    "pictures may have been put in.",
                    {"pictures": stop - first},
                ),
                evidence={
                    "pictures": stop - first,
                    "step_in": float(step[first]),
                    "step_out": float(step[stop]),
                    "largest_step_around": float(around.max()),
                    "return": back,
                },
                curves=(Curve("frames.luma_diff"), Curve("frames.skip_diff")),
            )
            break


def _around(step: np.ndarray, first: int, stop: int) -> np.ndarray:
    """Return the steps before and after the stretch, and inside it."""
    return np.concatenate(
        (step[max(1, first - _REACH) : first], step[first + 1 : stop], step[stop + 1 : stop + 1 + _REACH])
    )

"""Hard cuts inside what should be one take."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from detectors._timeline import neighbours, span_of
from pipeline.detector import detector
from pipeline.model import Curve, Features, Finding, Level, Message

_REACH = 6
_FEWEST_FRAMES = 6


@detector(
    "picture-cut",
    version=1,
    needs=(
        "frames.time_s",
        "frames.residual",
        "frames.hist_distance",
        "frames.shift_response",
        "frames.skip_diff",
        "frames.luma_diff",
    ),
    emits=("picture-cut",),
)
def picture_cut(
    features: Features,
    *,
    min_ratio: float = 2.0,
    min_residual: float = 8.0,
    max_response: float = 0.25,
    min_hist_distance: float = 0.12,
    violation_ratio: float = 4.0,
    violation_residual: float = 20.0,
    violation_response: float = 0.12,
    violation_hist_distance: float = 0.3,
) -> Iterator[Finding]:
    """Yield one finding per pair of neighbouring pictures that no camera movement leads from one to the other.

    Between two takes three things happen at once, for one picture only: the difference that is left after undoing the
    global motion rises above that of the six pictures before and after; the phase correlation finds nothing in common;
    the brightness histogram changes. A whip pan loses the correlation for several pictures running, an exposure step
    keeps it, a key frame's pulse changes no histogram. A single odd picture (flash, damage) is followed by one that
    resembles the picture before it; it counts only if it, too, has nothing in common with its neighbours.

    Parameters
    ----------
    min_ratio : float
        Residual over the largest one among the neighbours, to be suspect.
    min_residual : float
        Residual to be suspect (0 to 255).
    max_response : float
        Phase correlation peak to be suspect, at most (0 to 1).
    min_hist_distance : float
        Histogram distance to be suspect (0 to 1).
    violation_ratio : float
        Residual over the largest one among the neighbours, to be a violation.
    violation_residual : float
        Residual to be a violation (0 to 255).
    violation_response : float
        Phase correlation peak to be a violation, at most (0 to 1).
    violation_hist_distance : float
        Histogram distance to be a violation (0 to 1).

    References
    ----------
    C. D. Kuglin, D. C. Hines, "The phase correlation image alignment method", IEEE Int. Conf. on Cybernetics and
    Society (1975), 163-165; R. Lienhart, "Comparison of automatic shot boundary detection algorithms", SPIE 3656
    (1999), 290-301.
    """
    frames = features["frames"]
    if frames.rows < _FEWEST_FRAMES:
        return
    residual = frames["residual"].astype(np.float64)
    response, hist = frames["shift_response"], frames["hist_distance"]
    odd = _odd_pictures(frames["skip_diff"], frames["luma_diff"])
    ratio = _standing_out(residual, odd)
    suspect = (ratio >= min_ratio) & (residual >= min_residual)
    suspect &= (response <= max_response) & (hist >= min_hist_distance)
    clear = (ratio >= violation_ratio) & (residual >= violation_residual) & ~odd
    clear &= (response <= violation_response) & (hist >= violation_hist_distance)
    time_s = frames["time_s"]
    for i in np.flatnonzero(suspect):
        if i == 0 or not time_s[i - 1] <= time_s[i]:
            continue
        yield Finding(
            kind="picture-cut",
            level=Level.VIOLATION if clear[i] else Level.SUSPECT,
            span=span_of(features, float(time_s[i - 1]), float(time_s[i])),
            message=Message(
                "The picture changes from one moment to the next as no moving camera makes it: "
                "{ratio:.1f} times the change of the pictures around it.",
                {"ratio": float(ratio[i])},
            ),
            evidence={
                "residual": float(residual[i]),
                "ratio_to_neighbours": float(ratio[i]),
                "shift_response": float(response[i]),
                "hist_distance": float(hist[i]),
                "single_odd_picture": bool(odd[i]),
            },
            curves=(
                Curve("frames.residual", min_residual),
                Curve("frames.shift_response", max_response),
                Curve("frames.hist_distance", min_hist_distance),
            ),
        )


def _odd_pictures(skip_diff: NDArray[np.float64], luma_diff: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Mark both steps, into and out of, a single picture whose neighbours on either side resemble each other."""
    odd = np.zeros(len(luma_diff), dtype=bool)
    returns = np.flatnonzero(skip_diff[1:] < 0.5 * np.minimum(luma_diff[:-1], luma_diff[1:])) + 1
    odd[returns] = True
    odd[returns - 1] = True
    return odd


def _standing_out(residual: NDArray[np.float64], odd: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return each residual over the largest of its neighbours; the other step of a single odd picture is left out."""
    around = neighbours(residual, _REACH)
    before, after = _REACH - 1, _REACH
    paired_before = odd & np.concatenate(([False], odd[:-1]))
    paired_after = odd & np.concatenate((odd[1:], [False]))
    around[paired_before, before] = np.nan
    around[paired_after, after] = np.nan
    known = np.isfinite(around).any(axis=1)
    largest = np.full(len(residual), np.nan)
    largest[known] = np.nanmax(around[known], axis=1)
    ratio: NDArray[np.float64] = residual / np.maximum(largest, 1.0)
    return ratio

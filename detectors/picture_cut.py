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
_FEWEST_BESIDE = 2
_FLAT_STD = 4.0


@detector(
    "picture-cut",
    version=2,
    needs=(
        "frames.time_s",
        "frames.flow_residual",
        "frames.residual",
        "frames.hist_distance",
        "frames.shift_response",
        "frames.skip_diff",
        "frames.luma_diff",
        "frames.luma_std",
        "frames.damaged",
    ),
    emits=("picture-cut",),
)
def picture_cut(
    features: Features,
    *,
    min_ratio: float = 1.6,
    ratio_per_response: float = 0.8,
    max_response_kept: float = 0.9,
    min_residual: float = 6.0,
    min_left: float = 16.0,
    odd_response: float = 0.25,
    odd_hist_distance: float = 0.12,
    violation_ratio: float = 3.0,
    violation_residual: float = 25.0,
    violation_response: float = 0.15,
    violation_hist_distance: float = 0.25,
) -> Iterator[Finding]:
    """Yield one finding per pair of neighbouring pictures that no camera movement leads from one to the other.

    Where takes are joined, or a longer piece was taken out, two things happen at once, for one picture only: the
    difference that is left after undoing the global motion rises above that of each of the six pictures before and
    after, and the phase correlation loses what the pictures have in common. The more is left in common, the more the
    difference must stand out. A whip pan raises the difference for several pictures running, an exposure step and the
    pulse of a key frame keep the correlation; a lamp, or the sun behind a leaf, changes the light and not the outlines.
    A single odd picture (flash, damage) is followed by one that resembles the picture before it; it counts only if it
    shows something else altogether.

    Parameters
    ----------
    min_ratio : float
        Residual over the largest one among the neighbours, to be suspect, where nothing is in common.
    ratio_per_response : float
        By how much more the residual must stand out where the phase correlation peak is 1; in proportion below.
    max_response_kept : float
        The phase correlation peak must fall to this share of its median around, at most (0 to 1).
    min_residual : float
        Residual to be suspect (0 to 255).
    min_left : float
        What must be left with light evened out and every point's motion undone (`flow_residual`), to be suspect: of
        two pictures that have nothing in common 21 to 32 are left, where only the light changes hardly ever more than
        14 (0 to 255).
    odd_response : float
        Phase correlation peak for a single odd picture to be suspect, at most (0 to 1).
    odd_hist_distance : float
        Histogram distance for a single odd picture to be suspect (0 to 1).
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
    lost = response <= max_response_kept * _median_around(response)
    needed = min_ratio + ratio_per_response * response
    suspect = lost & (ratio >= needed) & (residual >= min_residual) & (frames["flow_residual"] >= min_left)
    suspect &= ~odd | ((response <= odd_response) & (hist >= odd_hist_distance))
    clear = suspect & ~odd & (ratio >= violation_ratio) & (residual >= violation_residual)
    clear &= (response <= violation_response) & (hist >= violation_hist_distance)
    # Light that goes out, or a hand before the lens, also leaves nothing in common: no proof of a second take.
    flat = frames["luma_std"] <= _FLAT_STD
    # What the decoder made up, or shows right after it, is no evidence of anything.
    damaged = frames["damaged"].astype(bool)
    suspect &= ~(damaged | np.concatenate(([False], damaged[:-1])))
    clear &= ~(flat | np.concatenate(([False], flat[:-1])))
    time_s = frames["time_s"]
    for i in np.flatnonzero(suspect):
        if not time_s[i - 1] <= time_s[i]:
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
                "ratio_needed": float(needed[i]),
                "shift_response": float(response[i]),
                "hist_distance": float(hist[i]),
                "left_after_motion": float(frames["flow_residual"][i]),
                "single_odd_picture": bool(odd[i]),
            },
            curves=(
                Curve("frames.residual", float(residual[i] / ratio[i] * needed[i])),
                Curve("frames.shift_response"),
                Curve("frames.hist_distance"),
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
    # A joint has a take on both sides of it: at the very ends of a clip there is too little to compare with.
    known = (np.isfinite(around[:, :_REACH]).sum(axis=1) >= _FEWEST_BESIDE) & (
        np.isfinite(around[:, _REACH:]).sum(axis=1) >= _FEWEST_BESIDE
    )
    ratio = np.full(len(residual), np.nan)
    ratio[known] = residual[known] / np.maximum(np.nanmax(around[known], axis=1), 1.0)
    return ratio


def _median_around(response: NDArray[np.float64]) -> NDArray[np.float64]:
    around = neighbours(response, _REACH)
    known = np.isfinite(around).any(axis=1)
    median = np.full(len(response), np.nan)
    median[known] = np.nanmedian(around[known], axis=1)
    return median

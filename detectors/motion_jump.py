"""Pictures removed from a moving take: the camera is somewhere else from one picture to the next."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from detectors._timeline import neighbours, span_of
from pipeline.detector import detector
from pipeline.model import Curve, Features, Finding, Level, Message

_REACH = 6
_FEWEST_FRAMES = 8


@detector(
    "motion-jump",
    version=1,
    needs=("frames.time_s", "frames.shift_x", "frames.shift_y", "frames.shift_response", "frames.damaged"),
    emits=("missing-frames",),
)
def motion_jump(
    features: Features,
    *,
    min_jump: float = 0.015,
    min_ratio: float = 5.0,
    min_response: float = 0.15,
    max_step: float = 1.5,
) -> Iterator[Finding]:
    """Yield one finding per picture to which the scene jumps much further than it moves before and after.

    The scene stays the same, so the phase correlation still tells where it went; only its motion does not fit. A pan
    moves far for several pictures running, and so raises its own neighbours; a stuttering recorder repeats a picture
    and catches up by two steps, which stays below `min_ratio`. A picture that jumps there and back is no gap in the
    take but a fault or an insertion: it is left to other detectors.

    Parameters
    ----------
    min_jump : float
        Motion from one picture to the next, in picture widths and heights, to be suspect.
    min_ratio : float
        That motion over the largest one among the six pictures before and after, to be suspect.
    min_response : float
        Phase correlation peak below which the motion is not known (0 to 1).
    max_step : float
        Time between the two pictures, over the usual one; where more passes, motion may be as large as it likes, and
        the hole itself is told by `timestamp-gap`.

    References
    ----------
    C. D. Kuglin, D. C. Hines, "The phase correlation image alignment method", IEEE Int. Conf. on Cybernetics and
    Society (1975), 163-165. Deletion as a break in otherwise smooth global motion: Y. Wu et al., "Exposing video
    inter-frame forgery based on velocity field consistency", IEEE ICASSP (2014), 2674-2678.
    """
    frames = features["frames"]
    if frames.rows < _FEWEST_FRAMES:
        return
    known = (frames["shift_response"] >= min_response) & ~frames["damaged"].astype(bool)
    moved = np.where(known, np.hypot(frames["shift_x"], frames["shift_y"]), np.nan)
    around = neighbours(moved, _REACH)
    enough = np.isfinite(around).sum(axis=1) >= _REACH
    largest = np.full(frames.rows, np.inf)
    largest[enough] = np.nanmax(around[enough], axis=1)
    ratio = moved / np.maximum(largest, 0.25 * min_jump)
    time_s = frames["time_s"]
    step_s = np.diff(time_s, prepend=np.nan)
    usual_s = np.median(step_s[np.isfinite(step_s)]) if np.isfinite(step_s).any() else np.nan
    in_step = (step_s >= 0) & (step_s <= max_step * usual_s)
    for i in np.flatnonzero((moved >= min_jump) & (ratio >= min_ratio) & in_step):
        yield Finding(
            kind="missing-frames",
            level=Level.SUSPECT,
            span=span_of(features, float(time_s[i - 1]), float(time_s[i])),
            message=Message(
                "The scene jumps by {percent:.0f} % of the picture between two pictures, {ratio:.0f} times as far as "
                "it moves before and after: pictures may be missing here.",
                {"percent": 100 * float(moved[i]), "ratio": float(ratio[i])},
            ),
            evidence={
                "jump": float(moved[i]),
                "largest_around": float(largest[i]),
                "ratio_to_neighbours": float(ratio[i]),
                "shift_response": float(frames["shift_response"][i]),
            },
            curves=(Curve("frames.shift_x"), Curve("frames.shift_y"), Curve("frames.shift_response", min_response)),
        )

"""Pictures removed from a take: from one picture to the next, more happens than one picture's time holds."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from detectors._motion_model import probabilities
from detectors._motion_windows import COLUMNS, REACH
from detectors._timeline import neighbours, span_of
from pipeline.detector import detector
from pipeline.model import Curve, Features, Finding, Level, Message

_FEWEST_FRAMES = 12
_EDGE = 4
"""Pictures at either end of a clip that have too little beside them to be judged."""


@detector(
    "motion-jump",
    version=2,
    needs=("frames.time_s", "frames.damaged", *(f"frames.{column}" for column in COLUMNS)),
    emits=("missing-frames",),
)
def motion_jump(
    features: Features,
    *,
    suspect_probability: float = 0.92,
    note_probability: float = 0.3,
    max_step: float = 1.5,
    min_apart_s: float = 0.25,
) -> Iterator[Finding]:
    """Yield one finding per picture before which a trained model holds it likely that pictures are missing.

    The model sees how far each picture's change stands out from those of the eight pictures before and after: the
    difference, what is left of it after undoing the motion, the optical flow, how far that departs from the flows
    before and after, and what the phase correlation finds in common. A pan moves far for several pictures running, a
    stuttering recorder repeats a picture and catches up, an exposure step keeps the motion: the model was trained on
    such takes, cut and whole, after re-encoding. Where nothing moves, nothing can be told.

    Parameters
    ----------
    suspect_probability : float
        The model's probability to be suspect (0 to 1).
    note_probability : float
        The model's probability to be a note (0 to 1), which is told only where something else bears it out: the clock,
        or a break of the sound at the same instant.
    max_step : float
        Time between the two pictures, over the usual one; where more passes, motion may be as large as it likes, and
        the hole itself is told by `timestamp-gap`.
    min_apart_s : float
        Of jumps nearer to each other than this only the likeliest is told (seconds).

    References
    ----------
    Optical flow: J. Chao, X. Jiang, T. Sun, "A novel video inter-frame forgery model detection scheme based on optical
    flow consistency", IWDW 2012, 267-281. Model: P. Geurts, D. Ernst, L. Wehenkel, "Extremely
    randomized trees", Machine Learning 63 (2006), 3-42.
    """
    frames = features["frames"]
    time_s = frames["time_s"]
    if frames.rows < _FEWEST_FRAMES or not np.isfinite(time_s).all():
        return
    found = probabilities(frames)
    step_s = np.diff(time_s, prepend=np.nan)
    usual_s = float(np.nanmedian(step_s))
    damaged = frames["damaged"].astype(bool)
    found[~((step_s >= 0) & (step_s <= max_step * usual_s))] = 0.0
    found[damaged | np.concatenate(([False], damaged[:-1]))] = 0.0
    found[:_EDGE] = found[-_EDGE:] = 0.0
    taken = np.full(len(found), False)
    for i in np.argsort(-found, kind="stable"):
        if found[i] < note_probability:
            break
        near = np.abs(time_s - time_s[i]) <= min_apart_s
        if taken[near].any():
            continue
        taken[i] = True
    diff, flow = frames["luma_diff"].astype(np.float64), frames["flow_speed"].astype(np.float64)
    for i in np.flatnonzero(taken).tolist():
        usual_diff, usual_flow = (float(np.nanmedian(neighbours(values, REACH)[i])) for values in (diff, flow))
        yield Finding(
            kind="missing-frames",
            level=Level.SUSPECT if found[i] >= suspect_probability else Level.NOTE,
            span=span_of(features, float(time_s[i - 1]), float(time_s[i])),
            message=Message(
                "More changes between two pictures than in the time of one: {difference:.1f} times the difference and "
                "{motion:.1f} times the motion of the pictures around. Pictures may be missing here.",
                {
                    "difference": float(diff[i] / max(usual_diff, 0.1)),
                    "motion": float(flow[i] / max(usual_flow, 0.1)),
                },
            ),
            evidence={
                "model_probability": float(found[i]),
                "difference": float(diff[i]),
                "usual_difference": usual_diff,
                "motion_px": float(flow[i]),
                "usual_motion_px": usual_flow,
                "left_after_motion": float(frames["flow_residual"][i]),
                "shift_response": float(frames["shift_response"][i]),
            },
            curves=(Curve("frames.luma_diff"), Curve("frames.flow_speed"), Curve("frames.flow_residual")),
        )

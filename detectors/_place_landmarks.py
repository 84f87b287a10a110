"""Landmarks of the case record, and the spoken name that the regulation wants beside them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detectors._place_signs import picture_span
from pipeline.model import Curve, Evidence, Features, Finding, Level, Message, Scalar
from transcripts.place_spoken import SpokenName

RECOGNISED = "The landmark of the reference photo {photo} is seen at {time_s:.1f} s ({inliers} points agree)."
TOGETHER = (
    "The landmark of the reference photo {photo} is seen at {time_s:.1f} s, and the name of the place was spoken at "
    "{spoken_s:.1f} s: “{heard}”."
)
NOT_SPOKEN = (
    "The landmark of the reference photo {photo} is seen at {time_s:.1f} s, but the name of the place was not heard in "
    "the part of the sound that was examined, and no sign names it."
)
NOT_EXAMINED = (
    "The landmark of the reference photo {photo} is seen at {time_s:.1f} s, but the sound was not examined for the "
    "name of the place, and no sign names it."
)
NO_PHOTO = (
    "The name of the place was spoken at {spoken_s:.1f} s: “{heard}”, but no sign names it, and the case record has no "
    "reference photo by which a landmark could be recognised."
)
NO_LANDMARK = (
    "The name of the place was spoken at {spoken_s:.1f} s: “{heard}”, but no sign names it, and the landmark of no "
    "reference photo was recognised."
)


@dataclass(frozen=True, slots=True)
class Landmark:
    """A landmark where it is recognised best, and how often it is recognised."""

    photo: str
    frame: int
    time_s: float
    evidence: Evidence


def photos_compared(features: Features) -> bool:
    """Tell whether any picture was held against any reference photo."""
    return "landmarks" in features and features["landmarks"].rows > 0


def best_landmark(features: Features, min_inliers: int, min_spread: float) -> Landmark | None:
    """Return the landmark on which most points agree, None if none is recognised."""
    if "landmarks" not in features:
        return None
    rows = features["landmarks"]
    sure = (rows["inliers"] >= min_inliers) & (rows["spread"] >= min_spread) & np.isfinite(rows["time_s"])
    if not sure.any():
        return None
    seen = rows.where(sure)
    best = int(seen["inliers"].argmax())
    evidence: dict[str, Scalar | list[Scalar]] = {
        "photo": str(seen["photo"][best]),
        "time_s": float(seen["time_s"][best]),
        **{side: round(float(seen[side][best]), 4) for side in ("left", "top", "right", "bottom")},
        "inliers": int(seen["inliers"][best]),
        "matches": int(seen["matches"][best]),
        "spread": round(float(seen["spread"][best]), 3),
        "pictures": len(np.unique(seen["frame"])),
        "all_photos": [str(photo) for photo in seen["photo"]],
        "all_times_s": [float(time_s) for time_s in seen["time_s"]],
        "all_inliers": [int(inliers) for inliers in seen["inliers"]],
    }
    return Landmark(str(seen["photo"][best]), int(seen["frame"][best]), float(seen["time_s"][best]), evidence)


def landmark_shown(features: Features, landmark: Landmark) -> Finding:
    """Return the note that a landmark was recognised."""
    values = {"photo": landmark.photo, "time_s": landmark.time_s, "inliers": landmark.evidence["inliers"]}
    return Finding(
        "landmark-shown",
        Level.NOTE,
        picture_span(features, landmark.time_s, landmark.frame),
        Message(RECOGNISED, values),  # type: ignore[arg-type]
        evidence=landmark.evidence,
        curves=(Curve("landmarks.inliers"),),
    )


def together(features: Features, landmark: Landmark, spoken: SpokenName) -> Finding:
    """Return that the place is shown by its landmark and its spoken name."""
    values: dict[str, Scalar] = {
        "photo": landmark.photo,
        "time_s": landmark.time_s,
        "spoken_s": spoken.span.start_s,
        "heard": spoken.heard,
    }
    evidence: Evidence = {
        "basis": "landmark and speech",
        "name": spoken.name,
        "heard": spoken.heard,
        "agreement": round(spoken.score, 1),
        "spoken_start_s": spoken.span.start_s,
        "spoken_stop_s": spoken.span.stop_s,
        **landmark.evidence,
    }
    span = picture_span(features, landmark.time_s, landmark.frame)
    return Finding("place-shown", Level.NOTE, span, Message(TOGETHER, values), evidence=evidence)


def half(features: Features, landmark: Landmark | None, spoken: SpokenName | None) -> Message | None:
    """Return which half is missing where only the other holds, None if neither does."""
    if landmark is not None:
        lacking = NOT_SPOKEN if features.has("words.text") else NOT_EXAMINED
        return Message(lacking, {"photo": landmark.photo, "time_s": landmark.time_s})
    if spoken is not None:
        lacking = NO_LANDMARK if photos_compared(features) else NO_PHOTO
        return Message(lacking, {"spoken_s": spoken.span.start_s, "heard": spoken.heard})
    return None

"""What several detectors read from the table of sound in the same way."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.model import Features

_USUAL_QUANTILE = 0.98
_USUAL_SHARE = 0.8
_FEWEST_BLOCKS = 100


def excess(score: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return by how much each block's `break_score` stands out of the clip: float64, shape (blocks,).

    Footsteps, keys and a crackling line click all through a clip; so four fifths of the score that one block in fifty
    reaches are taken off, if it is above 0 and there are two seconds of sound to tell it from.
    """
    known = score[np.isfinite(score)]
    usual = float(np.quantile(known, _USUAL_QUANTILE)) if len(known) >= _FEWEST_BLOCKS else 0.0
    return score - _USUAL_SHARE * max(0.0, usual)


def break_evidence(features: Features, at_s: float, *, reach_s: float = 0.1) -> float | None:
    """Return how much the sound speaks for a cut at an instant: the highest `excess` within `reach_s` of it.

    For a finding that rests on something else, as on a jump of the picture. The logarithm of the odds, up to a
    constant: of honest instants one in a hundred passes 1, one in a thousand 2 to 6 (`docs/accuracy.md`). None where
    the sound was not judged.
    """
    if not (features.has("sound.break_score") and features.has("sound.time_s")):
        return None
    sound = features["sound"]
    middle_s = sound["time_s"] + np.nan_to_num(sound["duration_s"]) / 2
    near = (np.abs(middle_s - at_s) <= reach_s) & np.isfinite(sound["break_score"])
    return float(excess(sound["break_score"])[near].max()) if near.any() else None


def tracks(features: Features) -> tuple[tuple[float, float], tuple[float, float]] | None:
    """Return from when to when there are pictures, and sound (seconds); None if either is not there."""
    ends = []
    for name in ("frames", "sound"):
        if not (features.has(f"{name}.time_s") and features.has(f"{name}.duration_s")):
            return None
        time_s = features[name]["time_s"]
        stop_s = time_s + np.nan_to_num(features[name]["duration_s"])
        known = np.isfinite(time_s)
        if not known.any():
            return None
        ends.append((float(time_s[known].min()), float(stop_s[known].max())))
    return ends[0], ends[1]


def broken_off(features: Features) -> bool:
    """Tell whether the file ends before its own lengths do: then its tracks end apart lawfully."""
    if not (features.has("container.bytes") and features.has("container.bytes_expected")):
        return False
    container = features["container"]
    return bool(np.any(container["bytes_expected"] > container["bytes"]))


def lacking_s(features: Features) -> float:
    """Return how many seconds the sound ends before the pictures; 0 where it does not, or cannot be told."""
    found = tracks(features)
    if found is None or broken_off(features):
        return 0.0
    (_, pictures_to_s), (_, sound_to_s) = found
    return max(0.0, pictures_to_s - sound_to_s)

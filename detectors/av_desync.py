"""Sound and pictures that do not last equally long, or whose times drift apart."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from detectors._sound import broken_off, excess, tracks
from detectors._timeline import span_of
from pipeline.detector import detector
from pipeline.model import Curve, Features, Finding, Level, Message, Table

_PLACES = 3
_HOLE_S = 0.1
"""Longer holes in the times of the sound are told by `timestamp-gap`."""


@detector(
    "av-desync",
    version=1,
    needs=("frames.time_s", "frames.duration_s", "sound.time_s", "sound.duration_s", "sound.break_score"),
    emits=("av-desync",),
)
def av_desync(
    features: Features,
    *,
    min_note_s: float = 0.32,
    min_lacking_s: float = 0.5,
    min_longer_s: float = 1.2,
    min_drift_s: float = 0.3,
    min_drift_share: float = 0.002,
) -> Iterator[Finding]:
    """Yield a finding if sound and pictures end apart, and one if the sound's times run away from its samples.

    A recorder starts and stops both together. When sound is taken out and the pictures stay, what follows comes
    earlier and the sound ends too soon by as much as was taken; when pictures are taken out, the sound outlasts them.
    Of 52 files with sound that nobody cut in this way, 48 ended within 0.1 s of each other, three at 0.3 s, and the
    sound of a WMV file outlasted its pictures by 1.0 s. A file that is broken off is not judged: there both end where
    the store did. Holes in the times of the sound are told as `timestamp-gap`.

    Parameters
    ----------
    min_note_s : float
        Ends that lie further apart than this are noted (seconds).
    min_lacking_s : float
        Sound that ends this long before the pictures is suspected (seconds).
    min_longer_s : float
        Sound that outlasts the pictures by this much is suspected (seconds).
    min_drift_s : float
        Times and samples of the sound may drift apart by less than this (seconds).
    min_drift_share : float
        They may also drift apart by less than this share of the clip: clocks of recorders are not exact (0 to 1).

    References
    ----------
    ISO/IEC 14496-12:2022, 8.6.1.2 (decoding times) and 8.6.6 (edit list box); ITU-R BT.1359-1 (1998), relative timing
    of sound and vision for broadcasting.
    """
    sound = features["sound"].where(np.isfinite(features["sound"]["time_s"]))
    found = tracks(features)
    if found is None:
        return
    (_, pictures_to_s), (sound_from_s, sound_to_s) = found
    lacking = pictures_to_s - sound_to_s
    evidence = {"sound_to_s": sound_to_s, "pictures_to_s": pictures_to_s}
    if not broken_off(features) and lacking >= min_note_s:
        places = _places(sound)
        yield Finding(
            kind="av-desync",
            level=Level.SUSPECT if lacking >= min_lacking_s else Level.NOTE,
            span=span_of(features, sound_from_s, pictures_to_s),
            message=Message(
                "The sound ends {seconds:.2f} s before the pictures: somewhere as much of it is missing.",
                {"seconds": lacking},
            ),
            evidence={**evidence, "lacking_s": lacking, "likeliest_at_s": [at for at, _ in places],
                      "break_scores": [score for _, score in places]},
            curves=(Curve("sound.break_score"),),
        )  # fmt: skip
    elif not broken_off(features) and -lacking >= min_note_s:
        yield Finding(
            kind="av-desync",
            level=Level.SUSPECT if -lacking >= min_longer_s else Level.NOTE,
            span=span_of(features, min(sound_from_s, pictures_to_s), sound_to_s),
            message=Message(
                "The sound outlasts the pictures by {seconds:.2f} s: somewhere as many pictures may be missing.",
                {"seconds": -lacking},
            ),
            evidence={**evidence, "longer_s": -lacking},
        )
    drift = _drift_s(sound)
    if abs(drift) >= max(min_drift_s, min_drift_share * (sound_to_s - sound_from_s)):
        yield Finding(
            kind="av-desync",
            level=Level.SUSPECT,
            span=span_of(features, sound_from_s, sound_to_s),
            message=Message(
                "The times of the sound and its samples drift apart by {seconds:.2f} s over the clip.",
                {"seconds": abs(drift)},
            ),
            evidence={"drift_s": drift, "samples_s": float(np.nansum(sound["duration_s"]))},
        )


def _places(sound: Table) -> list[tuple[float, float]]:
    """Return the instants at which the sound joins worst, and their scores above the clip's habit, best first."""
    above = excess(sound["break_score"])
    rows = np.flatnonzero(np.isfinite(above))
    best = rows[np.argsort(-above[rows], kind="stable")[:_PLACES]]
    return [(float(sound["time_s"][row]), float(above[row])) for row in best]


def _drift_s(sound: Table) -> float:
    """Return by how much the times of the sound advance more than its samples, holes left out; in seconds."""
    order = np.argsort(sound["time_s"], kind="stable")
    time_s, duration_s = sound["time_s"][order], np.nan_to_num(sound["duration_s"][order])
    slips = np.diff(time_s) - duration_s[:-1]
    return float(slips[np.abs(slips) < _HOLE_S].sum())

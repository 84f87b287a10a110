"""Instants at which the sound joins badly: two waveforms that do not belong together meet there."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from detectors._sound import excess, lacking_s
from detectors._timeline import span_of
from pipeline.detector import detector
from pipeline.model import Curve, Features, Finding, Level, Message

_SILENCE_REACH_S = 0.1
"""Digital silence begins and ends with a step of its own, which `audio-dropout` tells."""
_SILENT = 0.98


@detector(
    "audio-break",
    version=1,
    needs=("sound.time_s", "sound.duration_s", "sound.zero_fraction", "sound.break_after_s", "sound.break_score"),
    emits=("audio-break",),
)
def audio_break(
    features: Features,
    *,
    suspect_score: float = 6.5,
    note_score: float = 4.5,
    suspect_score_lacking: float = 3.0,
    min_lacking_s: float = 0.3,
    min_apart_s: float = 0.25,
    max_per_minute: float = 30.0,
    max_count: int = 10,
) -> Iterator[Finding]:
    """Yield one finding per instant whose `break_score` stands far out of the clip.

    A cut leaves a click of less than a millisecond in all frequencies, after which the background goes on at once. A
    footfall or a door comes near it; so scores are held against the clip's own habit, and what is found is a reason to
    look at the picture there, never proof. The column itself is the better witness: beside a jump of the picture or of
    the clock a score below these thresholds counts as well. A cut made in silence, at a zero crossing or with a
    crossfade leaves nothing here.

    Parameters
    ----------
    suspect_score : float
        From this much above the clip's habit on, a joint is suspected (logarithm of odds).
    note_score : float
        From this much on, it is noted (logarithm of odds).
    suspect_score_lacking : float
        The same as `suspect_score` where the sound ends too early, so that some of it is missing (logarithm of odds).
    min_lacking_s : float
        The sound ends too early if it ends this long before the pictures (seconds).
    min_apart_s : float
        Of joints nearer to each other only the strongest is told (seconds).
    max_per_minute : float
        If more joints than this are suspected in a minute, and more than `max_count`, the clip clicks all the time, and
        that is told as one note (per minute).
    max_count : int
        See `max_per_minute`.

    References
    ----------
    A. J. Cooper, "Detecting butt-spliced edits in forensic digital audio recordings", AES 39th International
    Conference: Audio Forensics (2010).
    """
    sound = features["sound"].where(np.isfinite(features["sound"]["time_s"]))
    if not sound.rows:
        return
    order = np.argsort(sound["time_s"], kind="stable")
    time_s = sound["time_s"][order]
    at_s = time_s + np.nan_to_num(sound["break_after_s"][order])
    above = excess(sound["break_score"][order])
    above[_by_silence(time_s, sound["zero_fraction"][order])] = np.nan
    lacking = lacking_s(features)
    suspect = min(suspect_score, suspect_score_lacking) if lacking >= min_lacking_s else suspect_score
    chosen = _peaks(at_s, above, min(note_score, suspect), min_apart_s)
    suspected = [row for row in chosen if above[row] >= suspect]
    heard_s = float(np.nansum(sound["duration_s"]))
    if len(suspected) > max(float(max_count), max_per_minute * heard_s / 60):
        yield Finding(
            kind="audio-break",
            level=Level.NOTE,
            span=span_of(features, float(at_s[suspected[0]]), float(at_s[suspected[-1]])),
            message=Message("The sound clicks all the time ({count} times): a joint in it could not be told.",
                            {"count": len(suspected)}),
            evidence={"clicks": len(suspected)},
            curves=(Curve("sound.break_score"),),
        )  # fmt: skip
        return
    for row in chosen:
        yield Finding(
            kind="audio-break",
            level=Level.SUSPECT if above[row] >= suspect else Level.NOTE,
            span=span_of(features, float(at_s[row]), float(at_s[row])),
            message=Message(
                "The sound joins badly here: a click shorter than a millisecond, and all goes on at once. The sound "
                "ends {seconds:.2f} s too early besides."
                if lacking >= min_lacking_s
                else "The sound joins badly here: a click shorter than a millisecond, and all goes on at once.",
                {"seconds": lacking} if lacking >= min_lacking_s else {},
            ),
            evidence={
                "break_score": float(sound["break_score"][order][row]),
                "above_habit": float(above[row]),
                **({"sound_lacks_s": lacking} if lacking >= min_lacking_s else {}),
            },
            curves=(Curve("sound.break_score"),),
        )


def _by_silence(time_s: NDArray[np.float64], zero_fraction: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell which blocks lie within a tenth of a second of digital silence."""
    silent_s = time_s[zero_fraction >= _SILENT]
    if not len(silent_s):
        return np.zeros(len(time_s), dtype=np.bool_)
    after = np.clip(np.searchsorted(silent_s, time_s), 0, len(silent_s) - 1)
    before = np.maximum(after - 1, 0)
    nearest = np.minimum(np.abs(silent_s[after] - time_s), np.abs(silent_s[before] - time_s))
    return np.asarray(nearest <= _SILENCE_REACH_S)


def _peaks(at_s: NDArray[np.float64], above: NDArray[np.float64], least: float, apart_s: float) -> list[int]:
    """Return the rows of at least `least`, in order of time; of rows too near to each other the strongest."""
    chosen: list[int] = []
    rows = np.flatnonzero(above >= least)
    for row in rows[np.argsort(-above[rows], kind="stable")].tolist():
        if all(abs(at_s[row] - at_s[other]) >= apart_s for other in chosen):
            chosen.append(row)
    return sorted(chosen)

"""Sound that is digitally silent: no microphone hears nothing at all."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from detectors._timeline import runs, span_of
from pipeline.detector import detector
from pipeline.model import Curve, Features, Finding, Level, Message

_FEWEST_BLOCKS = 5
_ROUNDING_S = 1e-6


@detector(
    "audio-dropout",
    version=2,
    needs=("sound.time_s", "sound.duration_s", "sound.rms_dbfs", "sound.zero_fraction"),
    emits=("audio-dropout",),
)
def audio_dropout(
    features: Features,
    *,
    min_zero_fraction: float = 0.98,
    max_silence_dbfs: float = -88.0,
    min_below_usual_db: float = 40.0,
    min_silence_s: float = 0.2,
    edge_s: float = 1.0,
    max_habit_share: float = 0.2,
    max_habit_s: float = 0.6,
) -> Iterator[Finding]:
    """Yield one finding per stretch in which every sample is zero, or one finding if the whole clip is so.

    A microphone in the quietest room leaves noise of some steps of 16 bits; exact zeros are written by a muted input,
    by a cut, or by a decoder without data. Lossy encoders keep them: AAC decodes silence to zeros but for one block
    on either side. Zeros with dither, and what an encoder makes of them, lie at -97 to -90 dBFS: that counts as well
    where the rest of the clip is far louder. The first and last moments are left out (priming, fades), and so are short
    silences that recur all through a clip: that is a noise gate.

    Parameters
    ----------
    min_zero_fraction : float
        Share of samples within one step of zero from which a block is silent (0 to 1).
    max_silence_dbfs : float
        A block that is not louder than this is silent too (dBFS) …
    min_below_usual_db : float
        … if it is quieter by this much than the median of the clip (dB).
    min_silence_s : float
        Shortest stretch that is told (seconds).
    edge_s : float
        Silence at the very start or end that is shorter than this is not told (seconds).
    max_habit_share : float
        If stretches shorter than `max_habit_s` make up more than this share of the clip, they come from a noise gate
        and are told as one note (0 to 1).
    max_habit_s : float
        Longest stretch a noise gate accounts for (seconds).

    References
    ----------
    AES27-1996 (r2012), forensic purposes: managing recorded audio materials; ISO/IEC 14496-3:2019, subpart 4 (AAC).
    """
    sound = features["sound"].where(np.isfinite(features["sound"]["time_s"]))
    if sound.rows < _FEWEST_BLOCKS:
        return
    time_s = sound["time_s"]
    stop_s = time_s + np.nan_to_num(sound["duration_s"])
    digital = sound["zero_fraction"] >= min_zero_fraction
    usual_dbfs = float(np.nanmedian(sound["rms_dbfs"])) if np.isfinite(sound["rms_dbfs"]).any() else -np.inf
    silent = digital | (sound["rms_dbfs"] <= min(max_silence_dbfs, usual_dbfs - min_below_usual_db))
    curves = (Curve("sound.zero_fraction", min_zero_fraction), Curve("sound.rms_dbfs"))
    if silent.all():
        yield Finding(
            kind="audio-dropout",
            level=Level.SUSPECT,
            span=span_of(features, float(time_s.min()), float(stop_s.max())),
            message=Message("There is a sound stream, but it is digitally silent throughout."),
            evidence={"silent_s": float(stop_s.max() - time_s.min())},
            curves=curves,
        )
        return
    stretches = [
        (first, stop)
        for first, stop in runs(silent)
        if stop_s[stop - 1] - time_s[first] >= min_silence_s - _ROUNDING_S
        and not ((first == 0 or stop == sound.rows) and stop_s[stop - 1] - time_s[first] < edge_s)
    ]
    lengths = np.array([stop_s[stop - 1] - time_s[first] for first, stop in stretches])
    short = lengths < max_habit_s
    heard_s = float(stop_s.max() - time_s.min())
    gated = bool(lengths[short].sum() > max_habit_share * heard_s) if len(lengths) else False
    if gated:
        yield Finding(
            kind="audio-dropout",
            level=Level.NOTE,
            span=span_of(features, float(time_s.min()), float(stop_s.max())),
            message=Message(
                "The sound falls digitally silent {count} times for moments: a noise gate works in the recorder.",
                {"count": int(short.sum())},
            ),
            evidence={"stretches": int(short.sum()), "silent_s": float(lengths[short].sum())},
            curves=curves,
        )
    median_dbfs = (
        float(np.nanmedian(sound["rms_dbfs"][~silent])) if np.isfinite(sound["rms_dbfs"][~silent]).any() else None
    )
    for (first, stop), length_s in zip(stretches, lengths, strict=True):
        if gated and length_s < max_habit_s:
            continue
        yield Finding(
            kind="audio-dropout",
            level=Level.SUSPECT,
            span=span_of(features, float(time_s[first]), float(stop_s[stop - 1])),
            message=_silence(length_s, sound["rms_dbfs"][first:stop], bool(digital[first:stop].mean() >= 0.5)),
            evidence={"silent_s": float(length_s), "usual_rms_dbfs": median_dbfs},
            curves=curves,
        )


def _silence(seconds: float, rms_dbfs: NDArray[np.float64], digital: bool) -> Message:
    if digital:
        return Message(
            "The sound is digitally silent for {seconds:.2f} s; no open microphone is.", {"seconds": float(seconds)}
        )
    return Message(
        "The sound all but stops for {seconds:.2f} s, at {level:.0f} dBFS or less; no open microphone does.",
        {"seconds": float(seconds), "level": float(np.nanmax(rms_dbfs))},
    )

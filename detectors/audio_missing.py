"""Footage without sound, or with sound for a part of it only."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from detectors._timeline import examined_stream, extent, span_of
from pipeline.detector import detector
from pipeline.model import Features, Finding, Level, Message


@detector(
    "audio-missing",
    version=1,
    needs=(
        "streams.kind",
        "streams.default",
        "frames.time_s",
        "frames.duration_s",
        "sound.time_s",
        "sound.duration_s",
    ),
    emits=("audio-missing",),
)
def audio_missing(features: Features, *, min_missing_s: float = 1.0) -> Iterator[Finding]:
    """Yield a finding if there are pictures without any sound stream, or beyond either end of the sound.

    Parameters
    ----------
    min_missing_s : float
        Sound may begin after, or end before, the pictures by less than this (seconds).

    References
    ----------
    GA/T 947.2-2015, single police law enforcement audio and video recorder system, part 2: recorders (sound and
    pictures are recorded together).
    """
    if examined_stream(features, "video") is None:
        return
    begin_s, end_s = extent(features)
    if examined_stream(features, "audio") is None:
        yield Finding(
            kind="audio-missing",
            level=Level.SUSPECT,
            span=span_of(features, begin_s, end_s),
            message=Message("The file has no sound."),
            evidence={"audio_streams": 0},
        )
        return
    sound, frames = features["sound"], features["frames"]
    heard = np.isfinite(sound["time_s"])
    shown = np.isfinite(frames["time_s"])
    if not heard.any():
        yield Finding(
            kind="audio-missing",
            level=Level.SUSPECT,
            span=span_of(features, begin_s, end_s),
            message=Message("The file has a sound stream, but no sound could be read from it."),
            evidence={"audio_streams": 1, "sound_s": 0.0},
        )
        return
    if not shown.any():
        return
    first_s, last_s = (
        float(frames["time_s"][shown].min()),
        float((frames["time_s"] + np.nan_to_num(frames["duration_s"]))[shown].max()),
    )
    from_s = float(sound["time_s"][heard].min())
    to_s = float((sound["time_s"] + np.nan_to_num(sound["duration_s"]))[heard].max())
    evidence = {"sound_from_s": from_s, "sound_to_s": to_s, "pictures_from_s": first_s, "pictures_to_s": last_s}
    if from_s - first_s >= min_missing_s:
        yield Finding(
            kind="audio-missing",
            level=Level.SUSPECT,
            span=span_of(features, first_s, from_s),
            message=Message("The first {seconds:.2f} s have no sound.", {"seconds": from_s - first_s}),
            evidence=evidence,
        )
    if last_s - to_s >= min_missing_s:
        yield Finding(
            kind="audio-missing",
            level=Level.SUSPECT,
            span=span_of(features, to_s, last_s),
            message=Message("The last {seconds:.2f} s have no sound.", {"seconds": last_s - to_s}),
            evidence=evidence,
        )

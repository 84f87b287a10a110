"""The sound of findings about speech: a small file for each passage, cut from the sound, and its waveform."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from pipeline.model import Examination, Finding, Message, Span
from pipeline.report.envelope import envelope
from pipeline.report.passages import passage, rests_on_speech
from pipeline.report.wording import N_

MARGIN_S = 1.0
"""Sound before and after a passage."""
BINS = 500
"""Stretches of a waveform that keep their extremes: about one for every two pixels."""
FULL_SCALE = 32768.0
GONE = N_("The sound of this passage is not at hand.")
TOO_MANY = N_("The sound of this passage was not taken into the report: others are graver.")


@dataclass(frozen=True, slots=True)
class Snippet:
    """A passage of the sound as a file of its own."""

    file: str
    """Name in the folder that it was written to."""
    start_s: float
    """Time of its first sample on the presentation timeline."""
    length_s: float
    times_s: NDArray[np.float64]
    """Middles of the stretches of the waveform, on the presentation timeline."""
    lowest: NDArray[np.float64]
    """Smallest sample of each stretch, -1..1."""
    highest: NDArray[np.float64]
    """Largest sample of each stretch, -1..1."""

    @property
    def peak(self) -> float:
        """Largest magnitude of a sample, 0..1."""
        return float(max(-self.lowest.min(), self.highest.max(), 0.0))


@dataclass(frozen=True, slots=True)
class Passage:
    """What is to be heard of a finding."""

    span: Span
    snippet: Snippet | None
    reason: str = ""
    """Why there is no sound: a msgid."""


def take_snippets(
    examination: Examination, described: Sequence[Finding], folder: Path, max_snippets: int
) -> dict[str, Passage]:
    """Cut the passages that the described findings rest on from the sound.

    Parameters
    ----------
    examination : Examination
        The examined clip; only the samples of the passages are read from its sound.
    described : sequence of Finding
        The findings that the report describes, the gravest first.
    folder : Path
        Where the FLAC files go.
    max_snippets : int
        How many files are made at most: first for the notice, then for the gravest findings.

    Returns
    -------
    dict
        Id of a finding that rests on speech → its passage, with its sound or the reason why there is none.
    """
    wanted = [finding for finding in described if rests_on_speech(finding)]
    made: dict[Span, Snippet | None] = {}
    passages = {}
    for finding in sorted(wanted, key=lambda finding: not finding.kind.startswith("notice-")):
        span = passage(finding, examination.features)
        if span not in made and sum(snippet is not None for snippet in made.values()) >= max_snippets:
            passages[finding.id] = Passage(span, None, TOO_MANY)
            continue
        if span not in made:
            made[span] = cut(examination.sound, span, folder / f"passage-{len(made)}.flac")
        passages[finding.id] = Passage(span, made[span], "" if made[span] else GONE)
    return passages


def cut(source: Path | None, span: Span, file: Path) -> Snippet | None:
    """Write a span of the sound, with `MARGIN_S` before and after it, into a file; None where it cannot be read."""
    if source is None:
        return None
    try:
        with soundfile.SoundFile(source) as sound:
            rate_hz = sound.samplerate
            first = max(0, math.floor((span.start_s - MARGIN_S) * rate_hz))
            stop = min(sound.frames, math.ceil((span.stop_s + MARGIN_S) * rate_hz))
            if first >= stop:
                return None
            sound.seek(first)
            samples = sound.read(stop - first, dtype="int16", always_2d=True)[:, 0]
    except (OSError, soundfile.LibsndfileError):
        return None
    if not len(samples):
        return None
    file.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(os.fsencode(file), samples, rate_hz, format="FLAC", subtype="PCM_16")
    times_s, lowest, highest = envelope((first + np.arange(len(samples))) / rate_hz, samples / FULL_SCALE, BINS)
    return Snippet(file.name, first / rate_hz, len(samples) / rate_hz, times_s, lowest, highest)


def limits_of(passages: Mapping[str, Passage]) -> Message | None:
    """Return what the cap on snippets left out, None if nothing."""
    left_out = sum(passage.reason == TOO_MANY for passage in passages.values())
    if not left_out:
        return None
    return Message("The sound of {count} less grave findings is not in this report.", {"count": left_out})

"""Reading the tables `words`, `voice` and `sound`: what was said where, and whether it could be understood."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.model import Features, Span, Table
from transcripts.alignment import Match
from transcripts.normalise import han, syllables


@dataclass(frozen=True, slots=True)
class Transcript:
    """The words of a clip as one row of syllables."""

    words: Table
    syllables: tuple[str, ...]
    """Without tone, in order of time."""
    word: tuple[int, ...]
    """Row of `words` for each syllable."""

    def place(self, match: Match) -> tuple[Span, str]:
        """Return the time and the written words of a match; an empty span at 0 s where nothing matched."""
        rows = self.word[match.start : match.stop]
        if not rows:
            return Span(0.0, 0.0), ""
        first, last = rows[0], rows[-1]
        start, stop = float(self.words["start_s"][first]), float(self.words["stop_s"][last])
        return Span(start, max(start, stop)), "".join(text or "" for text in self.words["text"][first : last + 1])

    def understood(
        self, voice: Table, min_snr_db: float, min_word_probability: float, min_syllables_per_s: float
    ) -> NDArray[np.bool_]:
        """Tell for each row of `voice` whether what is said there can be relied upon to have been understood.

        A stretch without any sound beside it has no signal-to-noise ratio, which is no reason to doubt its words.
        """
        words = self.words
        middle = (words["start_s"] + words["stop_s"]) / 2
        count = np.bincount(np.array(self.word, int), minlength=words.rows)
        told = np.zeros(voice.rows, np.bool_)
        for row, (start, stop) in enumerate(zip(voice["start_s"], voice["stop_s"], strict=True)):
            inside = (middle >= start) & (middle < stop)
            told[row] = (
                not voice["snr_db"][row] < min_snr_db
                and inside.any()
                and float(words["probability"][inside].mean()) >= min_word_probability
                and count[inside].sum() >= min_syllables_per_s * (stop - start)
            )
        return told


def transcript(words: Table) -> Transcript:
    """Return the syllables of a `words` table."""
    characters = [(character, row) for row, text in enumerate(words["text"]) for character in han(text or "")]
    # Read in one go: how a character is read depends on its neighbours, which may belong to the next word.
    read = syllables("".join(character for character, _ in characters))
    return Transcript(words, read, tuple(row for _, row in characters))


def speech_before_s(voice: Table, time_s: float) -> float:
    """Return how many seconds of speech lie before a time."""
    return float(np.clip(np.minimum(voice["stop_s"], time_s) - voice["start_s"], 0.0, None).sum())


def examined_s(features: Features) -> float:
    """Return how many seconds of sound, from the start, were searched for speech."""
    if "examined" in features:
        table = features["examined"]
        counted = table["value"][(table["stage"] == "speech") & (table["measure"] == "speech_s")]
        if len(counted):
            return float(counted.sum())
    return float(max([0.0, features.duration_s(), *features["voice"]["stop_s"]]))


def median_level_dbfs(features: Features, until_s: float) -> float:
    """Return the median level of the sound before a time; -inf where none was measured."""
    if not features.has("sound.rms_dbfs"):
        return -math.inf
    sound = features["sound"]
    levels = sound["rms_dbfs"][sound["time_s"] < until_s]
    return float(np.median(levels)) if len(levels) else -math.inf

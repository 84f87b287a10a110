"""Turning speech into words: what a recogniser is, and the one engine."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from transcripts.normalise import simplified
from transcripts.weights import Weights, load

MAX_COMPRESSION_RATIO = 2.4
"""Text that zlib shrinks further repeats itself: openai-whisper's own sign of a decoder running in circles."""


@dataclass(frozen=True, slots=True)
class Word:
    """One word, for Chinese mostly one character with the punctuation that follows it."""

    start_s: float
    stop_s: float
    text: str
    """Simplified characters."""
    probability: float


@dataclass(frozen=True, slots=True)
class Heard:
    """What a recogniser made of one piece of sound."""

    words: tuple[Word, ...]
    lost: tuple[tuple[float, float], ...] = ()
    """Stretches (start, stop in seconds) where it gave no usable text: it ran in circles."""


class Recogniser(Protocol):
    """Anything that writes down Mandarin."""

    def recognise(self, samples: NDArray[np.float32]) -> Heard:
        """Return the words in `samples` (float32, shape (n,), -1 to 1, 16 kHz), times from its first sample."""


class WhisperRecogniser:
    """openai-whisper, decoded so that the same sound always gives the same text in bounded time.

    Temperature 0 without fallback (re-decoding noise takes minutes and ends in invented words), no text carried over
    from before and no prompt: a model that was shown the notice writes it on pure noise.

    Parameters
    ----------
    weights : Weights
        Which weights to load.
    beam_size : int
        Hypotheses kept while decoding; 1 decodes greedily.
    """

    def __init__(self, weights: Weights, beam_size: int) -> None:
        self._model = load(weights)
        self._beam_size = beam_size

    def recognise(self, samples: NDArray[np.float32]) -> Heard:
        """Return the words; see `Recogniser`."""
        result: dict[str, Any] = self._model.transcribe(
            samples,
            language="zh",
            task="transcribe",
            temperature=0.0,
            beam_size=self._beam_size if self._beam_size > 1 else None,
            condition_on_previous_text=False,
            word_timestamps=True,
            fp16=self._model.device.type == "cuda",
            verbose=None,
        )
        words, lost = [], []
        for segment in result["segments"]:
            if segment["compression_ratio"] > MAX_COMPRESSION_RATIO:
                lost.append((float(segment["start"]), float(segment["end"])))
                continue
            words += [
                Word(
                    float(word["start"]),
                    float(word["end"]),
                    simplified(word["word"]).strip(),
                    float(word["probability"]),
                )
                for word in segment["words"]
            ]
        return Heard(tuple(word for word in words if word.text), tuple(lost))


@cache
def whisper_recogniser(weights: Weights, beam_size: int) -> Recogniser:
    """Return the recogniser, loaded once per process."""
    return WhisperRecogniser(weights, beam_size)

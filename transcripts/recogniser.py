"""Turning speech into words: what a recogniser is, what it must not be trusted with, and which engine is taken."""

from __future__ import annotations

import re
import shutil
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import ModelError
from pipeline.model import Message
from transcripts.normalise import han, simplified
from transcripts.weights import FASTER, OPENAI, Engine, Weights, packaged

Choice = Literal["auto", "openai-whisper", "faster-whisper"]

MAX_COMPRESSION_RATIO = 2.4
"""Text that zlib shrinks further repeats itself: openai-whisper's own sign of a decoder running in circles."""
LOOP = re.compile(r"(.{1,8}?)\1{5,}")
"""Characters said six times running; from `SHORTEST_LOOP` characters on nobody does so."""
SHORTEST_LOOP = 12
TOKENS, TOKENS_PER_S, MOST_TOKENS = 24, 16.0, 224
"""A decoder may write so many tokens, and so many more for each second of sound, but no more than Whisper ever may."""

NOT_INSTALLED = (
    "The recogniser {engine} is not installed. Install it with: pip install -c constraints.txt '.[fast]' - or choose "
    'another one: recogniser = "auto" in the settings, section [speech].'
)


@dataclass(frozen=True, slots=True)
class Word:
    """One word, for Chinese mostly one character with the punctuation that follows it."""

    start_s: float
    stop_s: float
    text: str
    """Simplified characters."""
    probability: float


@dataclass(frozen=True, slots=True)
class Segment:
    """What an engine wrote in one go."""

    start_s: float
    stop_s: float
    text: str
    words: tuple[Word, ...]
    """As the engine writes them, not yet simplified."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What a recogniser made of one piece of sound."""

    words: tuple[Word, ...]
    lost: tuple[tuple[float, float], ...] = ()
    """Stretches (start, stop in seconds) where it gave no usable text: it ran in circles."""


class Recogniser(Protocol):
    """Anything that writes down Mandarin, and tells how well a given sentence fits a sound."""

    def recognise(self, samples: NDArray[np.float32]) -> Heard:
        """Return the words in `samples` (float32, shape (n,), -1 to 1, 16 kHz), times from its first sample.

        At most 30 s of sound.
        """

    def likelihoods(self, samples: NDArray[np.float32], clauses: Sequence[str]) -> tuple[float, ...]:
        """Return how likely the clauses of a sentence are, said one after the other, given the sound.

        The mean log-probability of each clause's tokens when the decoder is made to write the sentence (teacher
        forcing): nothing is generated, so nothing can be made up. 0 would be certainty; what was not said lies below
        about -2.5. `samples` as in `recognise`.
        """


def token_limit(samples: NDArray[np.float32], rate_hz: int = 16_000) -> int:
    """Return how many tokens a decoder may write for a sound; one that runs in circles is stopped there."""
    return min(MOST_TOKENS, round(TOKENS + TOKENS_PER_S * len(samples) / rate_hz))


def usable(segments: Iterable[Segment]) -> Heard:
    """Return the words of an engine's segments in simplified characters, without segments that repeat themselves."""
    told = list(segments)
    looping = _looping([han(segment.text) for segment in told])
    words: list[Word] = []
    lost = []
    for segment, loops in zip(told, looping, strict=True):
        if loops or in_circles(segment.text):
            lost.append((segment.start_s, segment.stop_s))
            continue
        for word in segment.words:
            text = simplified(word.text).strip()
            if text:
                words.append(Word(word.start_s, word.stop_s, text, word.probability))
    return Heard(tuple(words), tuple(lost))


def _looping(texts: Sequence[str]) -> list[bool]:
    """Tell which of the texts that follow each other take part in a loop: a decoder may close segments inside one."""
    ends = np.cumsum([0, *(len(text) for text in texts)])
    loops = [loop.span() for loop in LOOP.finditer("".join(texts)) if len(loop[0]) >= SHORTEST_LOOP]
    return [
        any(start < last and stop > first for start, stop in loops)
        for first, last in zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True)
    ]


def in_circles(text: str) -> bool:
    """Tell whether a text repeats itself as no speaker does.

    References
    ----------
    Compression ratio: A. Radford et al., "Robust speech recognition via large-scale weak supervision", ICML 2023, 4.5.
    """
    encoded = text.encode()
    return len(encoded) > MAX_COMPRESSION_RATIO * len(zlib.compress(encoded)) or any(_looping([han(text)]))


def engine_for(choice: Choice, weights: str = "") -> Engine:
    """Tell which engine recognises; none is imported.

    Parameters
    ----------
    choice : str
        `auto`: faster-whisper where it is installed with weights that it can read and there is no NVIDIA GPU (on a CPU
        it takes a sixth of the time), else openai-whisper.
    weights : str
        Path of weights from the settings: a folder is for faster-whisper, a file for openai-whisper.

    Raises
    ------
    ModelError
        If faster-whisper is chosen and not installed.
    """
    installed = _installed(FASTER)
    if choice == FASTER and not installed:
        raise ModelError(Message(NOT_INSTALLED, {"engine": FASTER}))
    if choice != "auto":
        return choice
    readable = Path(weights).expanduser().is_dir() if weights else packaged()
    return FASTER if installed and readable and not shutil.which("nvidia-smi") else OPENAI


def _installed(package: str) -> bool:
    try:
        version(package)
    except PackageNotFoundError:
        return False
    return True


@cache
def recogniser(weights: Weights, engine: Engine, beam_size: int, threads: int) -> Recogniser:
    """Return the recogniser, loaded once per process.

    Parameters
    ----------
    weights : Weights
        Which weights to load.
    engine : str
        As from `engine_for`.
    beam_size : int
        Hypotheses kept while decoding; 1 decodes greedily.
    threads : int
        CPU threads; 0: as many as the engine takes by itself.
    """
    if engine == FASTER:
        from transcripts.whisper_faster import FasterWhisper

        return FasterWhisper(weights, beam_size, threads)
    from transcripts.whisper_openai import OpenAIWhisper

    return OpenAIWhisper(weights, beam_size, threads)

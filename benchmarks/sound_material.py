"""Real sound, cut at known instants and encoded again: what the marks of `pipeline.features.breaks` are judged on."""

from __future__ import annotations

import csv
import hashlib
import io
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import soundfile
from numpy.typing import NDArray
from scipy.signal import resample_poly

from benchmarks.footage import FOOTAGE
from pipeline.features.breaks import BLOCK_MS, CONTEXT_MS, judge
from pipeline.media.audio import samples_of

MATERIAL_VERSION = 1
SPEECH = FOOTAGE.parent / "speech"
REMOVED = (3, 10, 25, 30)
"""Pictures of 1/25 s whose sound is taken out."""
_SHORTEST_S = 3.4
_PASSES = 4

Sound = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Coding:
    """How a recorder coded the sound, and how it was encoded again after the cuts."""

    rate_hz: int
    channels: int
    recorder_kbps: int
    again_kbps: int

    def __str__(self) -> str:
        form = "stereo" if self.channels == 2 else "mono"
        return f"{self.rate_hz / 1000:g} kHz {form}, {self.recorder_kbps} then {self.again_kbps} kb/s"


CODINGS = (
    Coding(48000, 1, 128, 128),
    Coding(48000, 1, 64, 64),
    Coding(48000, 2, 96, 64),
    Coding(44100, 2, 128, 128),
    Coding(32000, 1, 64, 96),
    Coding(16000, 1, 32, 64),
    Coding(16000, 1, 48, 48),
    Coding(16000, 1, 64, 32),
)


@dataclass(frozen=True, slots=True)
class Judged:
    """The marks of one piece of sound."""

    name: str
    half: str
    at_s: NDArray[np.float64]
    """Instants, one a block of 20 ms."""
    marks: NDArray[np.float32]
    """Shape (blocks, marks)."""
    cuts: tuple[tuple[float, int], ...] = ()
    """Where sound was taken out (seconds), and how many pictures of it; none: untouched, only encoded again."""


def half(name: str) -> str:
    """Return `tune` or `test`, by a hash of a recording's name."""
    return "test" if hashlib.sha256(name.encode()).digest()[0] & 1 else "tune"


def decode(source: Path | io.BytesIO) -> tuple[Sound, int]:
    """Return the sound of a file, shape (channels, samples), and its rate in Hz."""
    with av.open(str(source) if isinstance(source, Path) else source) as container:
        frames = list(container.decode(container.streams.audio[0]))
    return np.concatenate([samples_of(frame) for frame in frames], axis=1), frames[0].sample_rate


def encode(sound: Sound, rate_hz: int, kbps: int) -> io.BytesIO:
    """Return an MP4 file with FFmpeg's AAC."""
    layout = "mono" if len(sound) == 1 else "stereo"
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=rate_hz)
        stream.bit_rate, stream.layout = kbps * 1000, layout
        for start in range(0, sound.shape[1], 1024):
            piece = np.ascontiguousarray(sound[:, start : start + 1024], np.float32)
            frame = av.AudioFrame.from_ndarray(piece, format="fltp", layout=layout)
            frame.sample_rate, frame.pts, frame.time_base = rate_hz, start, Fraction(1, rate_hz)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    file.seek(0)
    return file


def sources(footage: Path = FOOTAGE, speech: Path = SPEECH) -> list[tuple[str, Sound, int]]:
    """Return name, sound and rate of every real recording of at least 3.4 s that is not silent."""
    with (footage / "INDEX.tsv").open(encoding="utf-8") as stream:
        rows = [row for row in csv.DictReader(stream, delimiter="\t") if row["audio"] != "-"]
    takes = [row["path"] for row in rows if row["single_take"].startswith(("yes", "one take"))]
    found = [(path, *decode(footage / path)) for path in takes if "Megamind" not in path]
    for folder in ("noise", "real"):
        for path in sorted((speech / folder).glob("*.flac")):
            sound, rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
            found.append((f"{folder}/{path.name}", sound.T, rate_hz))
    return [
        (name, sound, rate_hz)
        for name, sound, rate_hz in found
        if sound.shape[1] >= _SHORTEST_S * rate_hz and np.sqrt(np.mean(sound**2)) > 1e-4
    ]


def recorded(coding: Coding, found: list[tuple[str, Sound, int]]) -> Iterator[tuple[str, Sound, np.random.Generator]]:
    """Yield name and sound of every source as a recorder of this coding leaves it, and its own random numbers.

    Seven in ten recordings of speech get the noise of a street under them, 0 to 20 dB below, of the same half.
    """
    noises = {
        side: [
            _as(coding, sound, rate) for name, sound, rate in found if name.startswith("noise/") and half(name) == side
        ]
        for side in ("tune", "test")
    }
    for name, sound, rate_hz in found:
        random = np.random.default_rng(list(hashlib.sha256(f"{coding}{name}".encode()).digest()))
        heard = _as(coding, sound, rate_hz)
        if name.startswith("real/") and random.random() < 0.7:
            noise = noises[half(name)][random.integers(len(noises[half(name)]))][:1]
            noise = np.resize(noise, (1, heard.shape[1]))
            loudness = math.sqrt(np.mean(heard**2) / max(float(np.mean(noise**2)), 1e-12))
            heard = heard + noise * np.float32(loudness * 10 ** (-random.uniform(0, 20) / 20))
        heard = heard / max(1.0, float(np.abs(heard).max()))
        late = int(random.integers(2048))
        taken, _ = decode(encode(heard[:, late:], coding.rate_hz, coding.recorder_kbps))
        yield name, taken, random


def _as(coding: Coding, sound: Sound, rate_hz: int) -> Sound:
    common = math.gcd(rate_hz, coding.rate_hz)
    if rate_hz != coding.rate_hz:
        sound = resample_poly(sound, coding.rate_hz // common, rate_hz // common, axis=1).astype(np.float32)
    if coding.channels == 1:
        return sound.mean(axis=0, keepdims=True)
    return sound[:2] if len(sound) >= 2 else np.repeat(sound, 2, axis=0)


def cut(sound: Sound, rate_hz: int, random: np.random.Generator) -> tuple[Sound, tuple[tuple[float, int], ...]]:
    """Take sound out every two to three and a half seconds; return what is left, and where it was joined."""
    pieces, cuts, start, joined = [], [], 0, 0
    length = int((1.2 + 0.8 * random.random()) * rate_hz)
    while True:
        pictures = int(random.choice(REMOVED))
        out = round(pictures / 25 * rate_hz)
        if start + length + out + rate_hz > sound.shape[1]:
            break
        pieces.append(sound[:, start : start + length])
        joined, start = joined + length, start + length + out
        cuts.append((joined / rate_hz, pictures))
        length = int((2.0 + 1.5 * random.random()) * rate_hz)
    return np.concatenate([*pieces, sound[:, start:]], axis=1), tuple(cuts)


def judged(coding: Coding, found: list[tuple[str, Sound, int]], tell: Callable[[str], None]) -> Iterator[Judged]:
    """Yield the marks of every source, untouched and with cuts, after it was encoded again."""
    for name, taken, random in recorded(coding, found):
        tell(f"{coding}: {name}")
        todo: list[tuple[Sound, tuple[tuple[float, int], ...]]] = [(taken, ())]
        todo += [cut(taken, coding.rate_hz, random) for _ in range(_PASSES)]
        for number, (sound, cuts) in enumerate(todo):
            if number and not cuts:
                continue
            heard, rate_hz = decode(encode(sound, coding.rate_hz, coding.again_kbps))
            at_s, values = _marks(heard, rate_hz)
            yield Judged(name, half(name), at_s, values, cuts)


def _marks(heard: Sound, rate_hz: int) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    length_ms = heard.shape[1] * 1000 // rate_hz
    starts = np.arange(CONTEXT_MS, length_ms - CONTEXT_MS - BLOCK_MS + 1, BLOCK_MS)
    at, values = judge(heard.mean(axis=0), rate_hz, starts)
    return at / 1000, np.stack(list(values.values()), axis=1)

"""Forgeries of known place and kind, made from honest takes with PyAV: re-encoded edits, and dropped packets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

FORGER_VERSION = 1
"""Raised whenever the same edit gives another file; part of every cache key."""

_LONGEST_S = 6.0
_LONGEST_COPY_S = 12.0
_WIDEST_PX = 480
_RATE_HZ = 48000
_GOP = 60


@dataclass(frozen=True, slots=True)
class Take:
    """The first seconds of a clip in memory."""

    pictures: NDArray[np.uint8]
    """RGB, shape (pictures, height, width, 3)."""
    rate: Fraction
    sound: NDArray[np.float32]
    """Mono at 48 kHz; no samples if the clip has no sound."""


@dataclass(frozen=True, slots=True)
class Edit:
    """One way to forge, and the kinds of finding that would tell it."""

    name: str
    kinds: frozenset[str]
    apply: Callable[[Take, Take], tuple[Take, float, float]]
    """(take, another take) -> forged take, and where it was forged: from, to (seconds of the forged timeline)."""
    needs_sound: bool = False


def load(path: Path) -> Take:
    """Decode up to six seconds of `path`, at most 480 px wide."""
    pictures: list[NDArray[np.uint8]] = []
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        rate = Fraction(stream.average_rate or 25).limit_denominator(1001)
        scale = min(1.0, _WIDEST_PX / stream.codec_context.width)
        width = int(stream.codec_context.width * scale) // 2 * 2
        height = int(stream.codec_context.height * scale) // 2 * 2
        for frame in container.decode(stream):
            pictures.append(frame.to_ndarray(format="rgb24", width=width, height=height))
            if len(pictures) >= _LONGEST_S * rate:
                break
    return Take(np.stack(pictures), rate, sound_of(path, len(pictures) / float(rate)))


def sound_of(path: Path, seconds: float) -> NDArray[np.float32]:
    """Return up to `seconds` of sound, mono at 48 kHz; no samples if there is none."""
    blocks: list[NDArray[np.float32]] = []
    with av.open(str(path)) as container:
        if container.streams.audio:
            resampler = av.AudioResampler(format="fltp", layout="mono", rate=_RATE_HZ)
            for frame in container.decode(container.streams.audio[0]):
                blocks.extend(out.to_ndarray()[0] for out in resampler.resample(frame))
                if sum(map(len, blocks)) >= seconds * _RATE_HZ:
                    break
    return np.concatenate(blocks)[: int(seconds * _RATE_HZ)] if blocks else np.empty(0, np.float32)


def save(take: Take, path: Path) -> Path:
    """Encode with x264 (CRF 23, a key frame every 60 pictures) and AAC into MP4."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=take.rate)
        video.height, video.width = take.pictures.shape[1:3]
        video.pix_fmt = "yuv420p"
        video.options = {"crf": "23", "preset": "veryfast", "g": str(_GOP), "threads": "1"}
        audio = container.add_stream("aac", rate=_RATE_HZ, layout="mono") if len(take.sound) else None
        for picture in take.pictures:
            container.mux(video.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(video.encode(None))
        if audio is not None:
            for at in range(0, len(take.sound), 1024):
                frame = av.AudioFrame.from_ndarray(take.sound[None, at : at + 1024], format="fltp", layout="mono")
                frame.sample_rate, frame.pts = _RATE_HZ, at
                container.mux(audio.encode(frame))
            container.mux(audio.encode(None))
    return path


def drop_packets(source: Path, path: Path, seconds: float) -> tuple[float, float] | None:
    """Copy the start of `source` to the MP4 `path` without the packets of its middle `seconds`; None: too short."""
    with av.open(str(source)) as taken, av.open(str(path), "w", format="mp4") as made:
        stream = taken.streams.video[0]
        packets = []
        for packet in taken.demux(stream):
            if packet.dts is None or packet.pts is None or packet.pts * stream.time_base > _LONGEST_COPY_S:
                break
            packets.append(packet)
        times = np.array([float(packet.pts * stream.time_base) for packet in packets])
        if np.ptp(times) < 3 * seconds:
            return None
        middle_s = float(np.median(times))
        copy = made.add_stream_from_template(stream)
        kept = [p for p, t in zip(packets, times, strict=True) if not middle_s <= t < middle_s + seconds]
        for packet in kept:
            packet.stream = copy
            made.mux(packet)
    return middle_s - float(times.min()), middle_s - float(times.min()) + seconds


def _at(take: Take, share: float = 0.5) -> int:
    return int(len(take.pictures) * share)


def _cut_sound(take: Take, first: int, stop: int) -> NDArray[np.float32]:
    per_picture = _RATE_HZ / float(take.rate)
    return np.concatenate((take.sound[: int(first * per_picture)], take.sound[int(stop * per_picture) :]))


def untouched(take: Take, _other: Take) -> tuple[Take, float, float]:
    """Re-encode only: what is found here is a false alarm."""
    return take, 0.0, 0.0


def splice(take: Take, other: Take) -> tuple[Take, float, float]:
    """Put half of another take behind half of this one; the sound runs on."""
    first = _at(take)
    height, width = take.pictures.shape[1:3]
    frames = (
        av.VideoFrame.from_ndarray(picture, format="rgb24") for picture in other.pictures[: len(take.pictures) - first]
    )
    fitted = [frame.to_ndarray(format="rgb24", width=width, height=height) for frame in frames]
    joint_s = first / float(take.rate)
    return Take(np.concatenate((take.pictures[:first], np.stack(fitted))), take.rate, take.sound), joint_s, joint_s


def remove(count: int) -> Callable[[Take, Take], tuple[Take, float, float]]:
    """Take out `count` pictures of the middle, and their sound."""

    def apply(take: Take, _other: Take) -> tuple[Take, float, float]:
        first = _at(take, 0.4)
        pictures = np.delete(take.pictures, slice(first, first + count), axis=0)
        joint_s = first / float(take.rate)
        return Take(pictures, take.rate, _cut_sound(take, first, first + count)), joint_s, joint_s

    return apply


def freeze(seconds: float) -> Callable[[Take, Take], tuple[Take, float, float]]:
    """Hold one picture of the middle while the sound runs on."""

    def apply(take: Take, _other: Take) -> tuple[Take, float, float]:
        first, count = _at(take, 0.4), round(seconds * float(take.rate))
        pictures = take.pictures.copy()
        pictures[first : first + count] = pictures[first]
        return Take(pictures, take.rate, take.sound), first / float(take.rate), (first + count) / float(take.rate)

    return apply


def blacken(take: Take, _other: Take) -> tuple[Take, float, float]:
    """Paint one second black."""
    first, count = _at(take, 0.4), round(float(take.rate))
    pictures = take.pictures.copy()
    pictures[first : first + count] = 0
    return Take(pictures, take.rate, take.sound), first / float(take.rate), (first + count) / float(take.rate)


def mute(take: Take, _other: Take) -> tuple[Take, float, float]:
    """Set one second of sound to zero."""
    sound = take.sound.copy()
    start_s = len(sound) / _RATE_HZ * 0.4
    sound[int(start_s * _RATE_HZ) : int((start_s + 1) * _RATE_HZ)] = 0.0
    return Take(take.pictures, take.rate, sound), start_s, start_s + 1


EDITS = (
    Edit("untouched", frozenset(), untouched),
    Edit("splice of two takes", frozenset({"picture-cut"}), splice),
    Edit("30 pictures removed", frozenset({"picture-cut", "missing-frames"}), remove(30)),
    Edit("10 pictures removed", frozenset({"picture-cut", "missing-frames"}), remove(10)),
    Edit("frozen for 0.5 s", frozenset({"frozen-picture"}), freeze(0.5)),
    Edit("frozen for 2 s", frozenset({"frozen-picture"}), freeze(2.0)),
    Edit("black for 1 s", frozenset({"blank-picture"}), blacken),
    Edit("sound zeroed for 1 s", frozenset({"audio-dropout"}), mute, needs_sound=True),
)
DROPPED = "1 s of packets dropped, not re-encoded"

"""Clips made at test time: textured pictures seen by a moving camera, and sound that is never digitally silent.

Every picture and sample follows from its number and the take's seed, so a test can state what a clip holds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import cache
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

Rgb = NDArray[np.uint8]

ENCODERS = {"h264": "libx264", "hevc": "libx265", "vp9": "libvpx-vp9", "mp3": "libmp3lame", "amr": "libopencore_amrnb"}
QUIET = {
    "libx264": {"preset": "ultrafast"},
    "libx265": {"preset": "ultrafast", "x265-params": "log-level=none"},
    "libvpx-vp9": {"cpu-used": "8", "deadline": "realtime"},
}


@cache
def canvas(seed: int, size: tuple[int, int]) -> Rgb:
    """Return a textured scene, three times as wide and high as the picture: uint8, shape (3 h, 3 w, 3)."""
    width, height = size
    random = np.random.default_rng(seed)
    scene = np.zeros((3 * height, 3 * width, 3), np.float32)
    for scale, weight in ((64, 90), (24, 60), (8, 40), (3, 25)):
        small = random.random((3 * height // scale + 2, 3 * width // scale + 2, 3), np.float32) - 0.5
        scene += weight * cv2.resize(small, (3 * width, 3 * height), interpolation=cv2.INTER_CUBIC)
    scene += 120
    for _ in range(40):
        x, y = random.integers(0, 3 * width), random.integers(0, 3 * height)
        corner = (int(x + random.integers(10, width // 3)), int(y + random.integers(10, height // 3)))
        cv2.rectangle(scene, (int(x), int(y)), corner, random.integers(0, 255, 3).tolist(), -1)
    return np.clip(scene, 0, 255).astype(np.uint8)


def view(number: int, *, seed: int = 0, size: tuple[int, int] = (320, 240)) -> Rgb:
    """Return picture `number` of a take: a camera that wanders smoothly over `canvas(seed, size)`."""
    width, height = size
    x = width * (1 + 0.8 * np.sin(number / 61 + seed) + 0.05 * np.sin(number / 7))
    y = height * (1 + 0.8 * np.sin(number / 83 + 2 * seed) + 0.05 * np.cos(number / 9))
    shift = np.array([[1, 0, -x], [0, 1, -y]], np.float32)
    return np.asarray(cv2.warpAffine(canvas(seed, size), shift, size, flags=cv2.INTER_LINEAR), np.uint8)


def murmur(start: int, samples: int, *, rate_hz: int, seed: int = 0) -> NDArray[np.float32]:
    """Return mono sound, float32 in -1..1: a wandering tone under noise. `start` is the number of the first sample."""
    time = (start + np.arange(samples)) / rate_hz
    tone = 0.25 * np.sin(2 * np.pi * 220 * time + 3 * np.sin(2 * np.pi * 0.7 * time + seed))
    noise = 0.05 * np.random.default_rng([seed, start]).standard_normal(samples)
    return (tone * (0.6 + 0.4 * np.sin(2 * np.pi * 1.3 * time)) + noise).astype(np.float32)


def make_clip(
    path: Path,
    *,
    frames: int = 50,
    size: tuple[int, int] = (320, 240),
    fps: int = 25,
    codec: str | None = "h264",
    container: str | None = None,
    audio: str | None = "aac",
    gop: int = 12,
    bframes: int = 0,
    timestamps: Sequence[float] | None = None,
    rotate: int = 0,
    interlaced: bool = False,
    seed: int = 0,
    picture: Callable[[int], Rgb] | None = None,
    sound: Callable[[int, int], NDArray[np.float32]] | None = None,
    sound_s: float | None = None,
    rate_hz: int = 48000,
    pixel_format: str = "yuv420p",
    options: Mapping[str, str] | None = None,
    container_options: Mapping[str, str] | None = None,
    metadata: Mapping[str, str] | None = None,
) -> Path:
    """Write a clip with PyAV and return its path.

    `codec` or `audio` None leaves that stream out; `container` None goes by the file name; `timestamps` are seconds,
    one a picture (None: regular); `rotate` is the clockwise turn a player must apply; `picture(number)` gives RGB
    pictures and `sound(start, samples)` mono samples in place of the built-in take; `sound_s` is the length of the
    sound (None: as long as the pictures).
    """
    codec = ENCODERS.get(codec, codec) if codec else None
    audio = ENCODERS.get(audio, audio) if audio else None
    picture = picture or (lambda number: view(number, seed=seed, size=size))
    if audio == "libopencore_amrnb":
        rate_hz = 8000
    sound = sound or (lambda start, samples: murmur(start, samples, rate_hz=rate_hz, seed=seed))
    with av.open(
        str(path), "w", format=container, options={**(container_options or {})}, container_options=None
    ) as out:
        out.metadata.update(metadata or {})
        video = heard = None
        if codec:
            used = {**QUIET.get(codec, {}), **(options or {})}
            if interlaced and codec == "libx264":
                used["x264-params"] = "interlaced=1:tff=1"
            elif interlaced:
                used["flags"] = "+ildct+ilme"
            video = out.add_stream(codec, rate=fps, options=used)
            video.width, video.height = size
            video.pix_fmt = pixel_format
            video.codec_context.gop_size = gop
            video.codec_context.max_b_frames = bframes
            if timestamps is not None:
                video.codec_context.time_base = Fraction(1, 12800)
            if rotate:
                video.set_display_rotation(-rotate)
        if audio:
            heard = out.add_stream(audio, rate=rate_hz)
            heard.codec_context.layout = "mono"
        length_s = frames / fps if timestamps is None else max(timestamps) + 1 / fps
        written, total = 0, round((length_s if sound_s is None else sound_s) * rate_hz)
        for number in range(frames if video else 0):
            frame = av.VideoFrame.from_ndarray(picture(number), "rgb24").reformat(format=pixel_format)
            if timestamps is not None:
                frame.time_base = Fraction(1, 12800)
                frame.pts = round(timestamps[number] * 12800)
            else:
                frame.time_base = Fraction(1, fps)
                frame.pts = number
            out.mux(video.encode(frame))
            due = min(total, round((number + 1) / fps * rate_hz))
            written = _hear(out, heard, sound, written, due, rate_hz)
        written = _hear(out, heard, sound, written, total, rate_hz)
        for stream in (video, heard):
            if stream is not None:
                out.mux(stream.encode(None))
    return path


def _hear(out, stream, sound, start: int, stop: int, rate_hz: int) -> int:  # type: ignore[no-untyped-def]
    """Encode the samples `start` to `stop`, at most a second at a time; return how far it came."""
    while stream is not None and start < stop:
        count = min(rate_hz, stop - start)
        frame = av.AudioFrame.from_ndarray(sound(start, count)[None, :].astype(np.float32), "fltp", "mono")
        frame.sample_rate, frame.pts, frame.time_base = rate_hz, start, Fraction(1, rate_hz)
        out.mux(stream.encode(frame))
        start += count
    return start

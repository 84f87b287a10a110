"""Takes whose every picture bears its number as black and white blocks, and whose sound says its time by its pitch."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import av
import cv2
import numpy as np

from pipeline.forge.forgery import Wish, plan, render
from tests.footage import make_clip, view

SIZE = (160, 128)
BLOCK = 16
BITS = 9
PITCH_HZ = (500.0, 3000.0)
RISE_HZ_S = 200.0
RATE_HZ = 16000
WINDOW_S = 0.04


def numbered(number: int, take: int, size: tuple[int, int] = SIZE) -> np.ndarray:
    """Picture `number` of take 0 or 1: a wandering view, and on top its number in dual blocks, the take in the last."""
    picture = view(number, seed=take + 1, size=size).copy()
    for bit in range(BITS + 1):
        lit = take if bit == BITS else number >> bit & 1
        cv2.rectangle(picture, (bit * BLOCK, 0), (bit * BLOCK + BLOCK - 1, BLOCK - 1), (235 * lit,) * 3, -1)
    return picture


def chirp(start: int, samples: int, take: int) -> np.ndarray:
    time = (start + np.arange(samples)) / RATE_HZ
    phase = PITCH_HZ[take] * time + RISE_HZ_S * time**2 / 2
    return (0.4 * np.sin(2 * np.pi * phase)).astype(np.float32)


def numbered_clip(path: Path, take: int, *, frames: int = 200, **options) -> Path:
    return make_clip(
        path,
        frames=frames,
        size=options.pop("size", SIZE),
        picture=lambda number: numbered(number, take, SIZE),
        sound=lambda start, samples: chirp(start, samples, take),
        rate_hz=RATE_HZ,
        **({"gop": 30, "options": {"preset": "ultrafast", "crf": "18"}} | options),
    )


def seen(path: Path) -> list[tuple[int, int] | str]:
    """Return (take, number) of every picture of a clip; "black" or "dark" where there are no blocks to be read."""
    found: list[tuple[int, int] | str] = []
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            found.append(_read(frame.to_ndarray(format="gray8")))
    return found


def _read(luma: np.ndarray) -> tuple[int, int] | str:
    inner = luma[4 : BLOCK - 4, : (BITS + 1) * BLOCK].reshape(BLOCK - 8, BITS + 1, BLOCK)[:, :, 4:-4]
    levels = inner.mean(axis=(0, 2))
    if luma.max() < 60:
        return "black" if luma.std() < 1 else "dark"
    bits = levels > 128
    return int(bits[BITS]), int(sum(1 << bit for bit in range(BITS) if bits[bit]))


@cache
def sound_of(path: Path) -> np.ndarray:
    """Return the sound from the first picture on."""
    with av.open(str(path)) as container:
        first_s = float(next(container.decode(video=0)).time)
    with av.open(str(path)) as container:
        resampler = av.AudioResampler(format="fltp", layout="mono", rate=RATE_HZ)
        frames = list(container.decode(audio=0))
        blocks = [made.to_ndarray()[0] for frame in frames for made in resampler.resample(frame)]
    early = round((first_s - float(frames[0].time)) * RATE_HZ)
    assert early >= 0
    return np.concatenate(blocks)[early:]


def heard(path: Path, at_s: float) -> tuple[int, float] | None:
    """Return which take is heard `at_s` seconds into a clip and what time of it, to some hundredths; None: silence."""
    first = round((at_s - WINDOW_S / 2) * RATE_HZ)
    window = sound_of(path)[first : first + round(WINDOW_S * RATE_HZ)]
    if not len(window) or np.sqrt(np.mean(window**2)) < 0.01:
        return None
    spectrum = np.abs(np.fft.rfft(window * np.hanning(len(window)), 1 << 15))
    pitch = float(np.argmax(spectrum)) * RATE_HZ / (1 << 15)
    take = int(pitch > PITCH_HZ[1] - 100)
    return take, (pitch - PITCH_HZ[take]) / RISE_HZ_S


def forged(case, takes, path, *, seed=1, **wish):
    """Render a forgery and return its truth."""
    return render(plan(case, takes, seed, Wish(**wish)), path)

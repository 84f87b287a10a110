"""A take to forge from: what one decoding pass says of its pictures and its sound."""

from __future__ import annotations

import hashlib
import math
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from pipeline.errors import FootageError
from pipeline.forge.origin import NOWHERE, Origin, origin_of
from pipeline.forge.reading import pictures_of, sound_of
from pipeline.media.evidence import demuxer, evidence
from pipeline.media.sniff import Container, sniff
from pipeline.model import Message

USUAL_RATES = tuple(Fraction(rate) for rate in (10, 12, 15, 20, 24, 25, 30, 48, 50, 60, 100, 120)) + tuple(
    Fraction(rate * 1000, 1001) for rate in (15, 24, 30, 60, 120)
)
_UNEVEN = 0.3
"""A take whose pictures all stand this near (in picture periods) to a regular beat has a constant rate."""


@dataclass(frozen=True, slots=True, eq=False)
class Take:
    """One clip, as far as it was asked for. It can be pickled; nothing of the clip is held but times."""

    path: Path
    container: Container
    sha256: str
    width: int
    height: int
    rotation_deg: float
    rate: Fraction
    """Pictures a second: the usual rate that is meant, or the average."""
    regular: bool
    """The rate is constant: picture n stands at n / rate."""
    times_s: NDArray[np.float64]
    """Presentation time of every picture, the first at 0, and of the end: shape (pictures + 1,)."""
    pts: NDArray[np.int64]
    """Presentation time of every picture as the file has it; empty where pictures cannot be sought by it."""
    keys: NDArray[np.int64]
    """Numbers of the key pictures."""
    start_s: float
    """Presentation time of the first picture as the file has it."""
    whole: bool
    """It reaches to the end of the clip."""
    rate_hz: int
    """Of the sound; 0: there is none."""
    channels: int
    samples: int
    """Samples of sound (a channel) that stand beside the pictures, from the first picture on."""
    origin: Origin = NOWHERE

    @property
    def pictures(self) -> int:
        """How many pictures it has."""
        return len(self.times_s) - 1

    def time(self, number: int) -> Fraction:
        """Return when picture `number` is shown, in seconds; the end for `pictures` and above."""
        number = min(number, self.pictures)
        return number / self.rate if self.regular else Fraction(float(self.times_s[number])).limit_denominator(90000)

    def sample(self, number: int) -> int:
        """Return the number of the sample that sounds when picture `number` begins, at most `samples`."""
        return min(self.samples, round(self.time(number) * self.rate_hz))


def read_take(path: Path, *, seconds: float | None = None) -> Take:
    """Decode a clip once, up to `seconds` (None: all of it), and return what there is.

    Memory grows by a few bytes a picture; no picture is kept.

    Raises
    ------
    FootageError
        If the clip cannot be read, or holds fewer than two pictures, or a truth file beside it cannot be used.
    """
    origin = origin_of(path)
    container = sniff(path)
    digest = hashlib.sha256()
    with evidence(path) as file:
        while block := file.read(1 << 20):
            digest.update(block)
    longest_s = math.inf if seconds is None else seconds
    times: list[float] = []
    whole = True
    marks: list[int | None] = []
    keys: list[int] = []
    try:
        with closing(pictures_of(path, container)) as shown:
            for picture in shown:
                if times and picture.time_s - times[0] >= longest_s - 1e-9:
                    whole = False
                    break
                if not times:
                    width, height, turned = picture.frame.width, picture.frame.height, picture.rotation_deg
                if picture.key:
                    keys.append(len(times))
                times.append(picture.time_s)
                marks.append(picture.pts)
                last_s = picture.duration_s
            stated = _stated_rate(path, container)
        if len(times) < 2:
            raise FootageError(Message("{path}: it holds fewer than two pictures.", {"path": str(path)}))
        start_s = times[0] if math.isfinite(times[0]) else 0.0
        rate, regular, even = _beat(np.array(times), last_s, stated)
        rate_hz, channels, samples = _measure_sound(path, container, start_s, float(even[-1]))
    except av.FFmpegError as error:
        raise FootageError(
            Message("{path}: it cannot be decoded ({reason}).", {"path": str(path), "reason": str(error.strerror)})
        ) from error
    known = np.array([mark for mark in marks if mark is not None], np.int64)
    sought = len(known) == len(marks) and bool(np.all(np.diff(known) > 0)) and container.name not in {"h264", "hevc"}
    return Take(
        path=path,
        container=container,
        sha256=digest.hexdigest(),
        width=width,
        height=height,
        rotation_deg=turned,
        rate=rate,
        regular=regular,
        times_s=even,
        pts=known if sought else np.empty(0, np.int64),
        keys=np.array(keys, np.int64),
        start_s=start_s,
        whole=whole,
        rate_hz=rate_hz,
        channels=channels,
        samples=samples,
        origin=origin,
    )


def _stated_rate(path: Path, container: Container) -> Fraction | None:
    with demuxer(path, container.demuxer) as opened:
        return opened.streams.video[0].average_rate


def _measure_sound(path: Path, container: Container, start_s: float, stop_s: float) -> tuple[int, int, int]:
    """Return rate, channels (1 or 2) and how many samples stand beside the pictures."""
    rate_hz = channels = end = 0
    for first, samples, rate in sound_of(path, container, start_s):
        if not rate_hz:
            rate_hz, channels = rate, min(2, len(samples))
        if first >= stop_s * rate_hz:
            break
        if rate == rate_hz:
            end = max(end, first + samples.shape[1])
    return rate_hz, channels, min(end, round(stop_s * rate_hz))


def _beat(
    times: NDArray[np.float64], last_s: float, stated: Fraction | None
) -> tuple[Fraction, bool, NDArray[np.float64]]:
    """Return the rate, whether it is constant, and the times of all pictures and of the end, the first at 0."""
    steps = np.diff(times)
    if not np.all(np.isfinite(times)) or np.any(steps <= 0):  # no times, or times in disorder: an even beat
        rate = Fraction(stated or 25).limit_denominator(1001)
        return rate, True, np.arange(len(times) + 1) / float(rate)
    mean = (len(times) - 1) / float(times[-1] - times[0])
    near = [rate for rate in (stated, *USUAL_RATES) if rate and abs(float(rate) / mean - 1) < 0.002]
    rate = near[0] if near else Fraction(mean).limit_denominator(1001)
    beat = np.arange(len(times)) / float(rate)
    if np.max(np.abs(times - times[0] - beat)) < _UNEVEN / float(rate):
        return rate, True, np.arange(len(times) + 1) / float(rate)
    end = float(times[-1] - times[0]) + (last_s if 0 < last_s < 10 else float(np.median(steps)))
    return rate, False, np.append(times - times[0], end)

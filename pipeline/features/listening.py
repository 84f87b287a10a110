"""The sound as the recogniser wants it: 16 kHz, one channel, sample 0 at 0 s of the presentation timeline."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType

import av
import numpy as np
from numpy.typing import NDArray

from pipeline.media.audio import Sound

RATE_HZ = 16000
_BLOCK = 1 << 20
"""Samples that are brought from one file to the other at once."""


class Listening:
    """Writes the sound as raw 16-bit samples (`write_flac` makes a FLAC of them later).

    Silence stands where the sound starts late or has gaps; what lies before 0 s or overlaps is left out.

    Parameters
    ----------
    path : Path
        File to write.
    length_s : float
        How much of the timeline is kept, from 0 s on.
    """

    def __init__(self, path: Path, length_s: float) -> None:
        self._file = path.open("wb")
        self._end = round(length_s * RATE_HZ)
        self._written = 0
        self._skip = 0
        self._resampler: av.AudioResampler | None = None

    def add(self, sound: Sound) -> None:
        """Take the next piece of sound."""
        if self._written >= self._end:
            return
        if self._resampler is None or not sound.joined:
            self._drain()
            self._resampler = av.AudioResampler("s16", "mono", RATE_HZ)
            start = min(self._end, round(sound.time_s * RATE_HZ))
            if start > self._written:
                self._file.seek(2 * start)  # a hole: however late the sound starts, it costs no memory and no disk
                self._file.truncate()
                self._written = start
            self._skip = self._written - start
        mono = sound.samples.mean(axis=0, dtype=np.float32, keepdims=True)
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(mono), "fltp", "mono")
        frame.sample_rate = sound.rate_hz
        for out in self._resampler.resample(frame):
            self._write(out.to_ndarray()[0])

    def _drain(self) -> None:
        if self._resampler is not None:
            for out in self._resampler.resample(None):
                self._write(out.to_ndarray()[0])
        self._resampler = None

    def _write(self, samples: NDArray[np.int16]) -> None:
        skipped = min(self._skip, len(samples))
        self._skip -= skipped
        samples = samples[skipped : skipped + self._end - self._written]
        self._file.write(samples.tobytes())
        self._written += len(samples)

    def __enter__(self) -> Listening:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        self._drain()
        self._file.close()


def write_flac(raw: Path, flac: Path) -> Path | None:
    """Turn the raw samples into a FLAC file; None if there are none."""
    if not raw.is_file() or raw.stat().st_size < 2:
        return None
    import soundfile

    with (
        raw.open("rb") as samples,
        soundfile.SoundFile(flac, "w", RATE_HZ, 1, format="FLAC", subtype="PCM_16") as written,
    ):
        while len(block := np.fromfile(samples, np.int16, _BLOCK)):
            written.write(block)
    raw.unlink()
    return flac

"""Levels of the sound in blocks of 20 ms."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.media.audio import Samples, Sound

BLOCK_S = 0.020
FLOOR_DBFS = -120.0
STEP = 1 / 32768
"""One step of 16-bit sound."""


def levels(blocks: Samples) -> dict[str, NDArray[np.float64]]:
    """Return level, peak and share of silence of blocks of sound.

    `rms_dbfs` = 20 log10 √(mean x²) over all samples of all channels: a sine at full scale has -3.01 dBFS, as
    AES17-2020 measures before its 3 dB correction. `peak_dbfs` = 20 log10 max |x|. Both end at -120 dBFS below.
    `zero_fraction` is the share of sample times at which |x| ≤ 1/32768 in every channel.

    Parameters
    ----------
    blocks : float32, shape (blocks, channels, n), -1..1

    Returns
    -------
    dict of float64 arrays, shape (blocks,)
    """
    size = np.abs(blocks)
    floor = 10 ** (FLOOR_DBFS / 20)
    rms = np.sqrt(np.mean(np.square(blocks, dtype=np.float64), axis=(1, 2)))
    return {
        "rms_dbfs": 20 * np.log10(np.maximum(rms, floor)),
        "peak_dbfs": 20 * np.log10(np.maximum(size.max(axis=(1, 2)).astype(np.float64), floor)),
        "zero_fraction": (size.max(axis=1) <= STEP).mean(axis=1),
    }


class Blocks:
    """Cuts pieces of sound into blocks of 20 ms; a gap in the timeline begins a new block at its own time."""

    def __init__(self) -> None:
        self._rest: Samples | None = None
        self._rest_s = 0.0
        self._rate_hz = 0

    def add(self, sound: Sound) -> list[dict[str, float]]:
        """Return the rows of table `sound` that a piece completes."""
        rows = []
        if self._rest is None or not sound.joined:
            rows = self.finish()
            self._rest, self._rest_s, self._rate_hz = sound.samples, sound.time_s, sound.rate_hz
        else:
            self._rest = np.concatenate([self._rest, sound.samples], axis=1)
        return rows + self._cut(max(1, round(BLOCK_S * self._rate_hz)))

    def finish(self) -> list[dict[str, float]]:
        """Return the row of the last block, which may be shorter."""
        rows = self._cut(self._rest.shape[1]) if self._rest is not None and self._rest.shape[1] else []
        self._rest = None
        return rows

    def _cut(self, length: int) -> list[dict[str, float]]:
        assert self._rest is not None
        count = self._rest.shape[1] // length
        if not count:
            return []
        whole = self._rest[:, : count * length].reshape(len(self._rest), count, length).transpose(1, 0, 2)
        measured = levels(whole)
        rows = [
            {
                "time_s": self._rest_s + number * length / self._rate_hz,
                "duration_s": length / self._rate_hz,
                **{name: float(values[number]) for name, values in measured.items()},
            }
            for number in range(count)
        ]
        self._rest = self._rest[:, count * length :]
        self._rest_s += count * length / self._rate_hz
        return rows

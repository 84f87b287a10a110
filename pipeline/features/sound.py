"""Levels of the sound in blocks of 20 ms, and what tells of cuts in it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.features.breaks import breaks
from pipeline.media.audio import Samples, Sound

BLOCK_S = 0.020
FLOOR_DBFS = -120.0
STEP = 1 / 32768
"""One step of 16-bit sound."""
_BATCH_BLOCKS = 200
_CONTEXT_S = 0.3
"""Sound on either side of a block with which `pipeline.features.breaks` judges it."""


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
    floor = 10 ** (FLOOR_DBFS / 20)
    loudest = np.abs(blocks).max(axis=1)
    rms = np.sqrt(np.einsum("bcn,bcn->b", blocks, blocks).astype(np.float64) / (blocks.shape[1] * blocks.shape[2]))
    return {
        "rms_dbfs": 20 * np.log10(np.maximum(rms, floor)),
        "peak_dbfs": 20 * np.log10(np.maximum(loudest.max(axis=1).astype(np.float64), floor)),
        "zero_fraction": (loudest <= STEP).mean(axis=1),
    }


class Blocks:
    """Cuts pieces of sound into blocks of 20 ms; a gap in the timeline begins a new block at its own time.

    Blocks are measured by a few seconds, some sound before and after them included, so rows come late.
    """

    def __init__(self) -> None:
        self._rest: list[Samples] = []
        """Sound that is not measured yet, and before it what the next blocks need to have before them."""
        self._held = 0
        self._before = 0
        self._rest_s = 0.0
        """When what is not measured yet begins."""
        self._rate_hz = 0

    def add(self, sound: Sound) -> list[dict[str, float]]:
        """Return the rows of table `sound` that a piece completes."""
        rows = []
        if not self._rest or not sound.joined:
            rows = self.finish()
            self._rest_s, self._rate_hz = sound.time_s, sound.rate_hz
        self._rest.append(sound.samples)
        self._held += sound.samples.shape[1]
        length, behind = self._lengths()
        batch = _BATCH_BLOCKS * length
        while self._held - self._before >= batch + behind:
            rows += self._measure(length, _BATCH_BLOCKS, behind)
        return rows

    def finish(self) -> list[dict[str, float]]:
        """Return the rows that are still open; the last block may be shorter."""
        rows: list[dict[str, float]] = []
        length, _ = self._lengths()
        whole, left = divmod(self._held - self._before, length)
        if whole:
            rows += self._measure(length, whole, left)
        if left:
            rows += self._measure(left, 1, 0)
        self._rest, self._held, self._before = [], 0, 0
        return rows

    def _lengths(self) -> tuple[int, int]:
        """Return how many samples a block has, and how many are to follow the last block that is measured."""
        return max(1, round(BLOCK_S * self._rate_hz)), round(_CONTEXT_S * self._rate_hz)

    def _measure(self, length: int, count: int, behind: int) -> list[dict[str, float]]:
        """Measure `count` blocks of `length` samples, with `behind` samples of what follows them."""
        held = np.concatenate(self._rest, axis=1)
        stop = self._before + count * length
        whole = held[:, self._before : stop].reshape(len(held), count, length).transpose(1, 0, 2)
        starts_s = (self._before + length * np.arange(count)) / self._rate_hz
        measured = {**levels(whole), **breaks(held[:, : stop + behind], self._rate_hz, starts_s)}
        rows = [
            {
                "time_s": self._rest_s + number * length / self._rate_hz,
                "duration_s": length / self._rate_hz,
                **{name: float(values[number]) for name, values in measured.items()},
            }
            for number in range(count)
        ]
        kept = max(0, stop - round(_CONTEXT_S * self._rate_hz))
        self._rest, self._held, self._before = [held[:, kept:]], held.shape[1] - kept, stop - kept
        self._rest_s += count * length / self._rate_hz
        return rows

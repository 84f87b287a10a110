"""The strip below every picture of a viewing copy, which says that it is a copy; never over the picture.

The words are kept as pictures, so that no font need be installed where the copy is made.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import cv2
import numpy as np
from numpy.typing import NDArray

TEXT = "浏览副本 · 非原始证据 / viewing copy, not the evidence"
"""What the strip says; metadata of the copy say it too."""
LEAST_PX, MOST_PX = 14, 32
"""Height of a line."""
MARGIN_PX = 4
INK, GROUND = 235, 16
"""Luma of the letters and of the strip, limited range."""

Luma = NDArray[np.uint8]


@cache
def copy_strip(width: int) -> Luma:
    """Return the strip for a picture `width` px wide: luma in limited range, uint8, shape (height, width), both even.

    Both languages stand on one line where that fits, else on two; in a narrow picture they are smaller.
    """
    chinese, english = (_mask(name) for name in ("zh", "en"))
    room = max(8, width - 2 * MARGIN_PX)
    height = min(MOST_PX, max(LEAST_PX, width // 40))
    gap = np.zeros((chinese.shape[0], chinese.shape[0] // 2), np.uint8)
    together = np.hstack([chinese, gap, english])
    fits = _line(together, height).shape[1] <= room
    lines = [_line(part, height, room) for part in ([together] if fits else [chinese, english])]
    strip = np.zeros((sum(len(line) for line in lines) + 2 * (MARGIN_PX // 2), width), np.uint8)
    top = MARGIN_PX // 2
    for line in lines:
        left = min(MARGIN_PX, max(0, width - line.shape[1]))
        line = line[:, : width - left]
        strip[top : top + len(line), left : left + line.shape[1]] = line
        top += len(line)
    strip = np.pad(strip, ((0, len(strip) % 2), (0, 0)))
    inked: Luma = (GROUND + strip.astype(np.float32) * ((INK - GROUND) / 255)).round().astype(np.uint8)
    return inked


def _line(mask: Luma, height: int, room: int | None = None) -> Luma:
    """Return a line of words, `height` px high or lower, so that it is no wider than `room`."""
    scale = height / mask.shape[0]
    if room is not None:
        scale = min(scale, room / mask.shape[1])
    size = (max(1, int(mask.shape[1] * scale)), max(1, int(mask.shape[0] * scale)))
    return np.asarray(cv2.resize(mask, size, interpolation=cv2.INTER_AREA), np.uint8)


@cache
def _mask(language: str) -> Luma:
    """Return the words in one language: uint8, shape (height, width), 255 where a letter is."""
    coded = (files("pipeline.media") / f"copy-mark-{language}.png").read_bytes()
    return np.asarray(cv2.imdecode(np.frombuffer(coded, np.uint8), cv2.IMREAD_GRAYSCALE), np.uint8)

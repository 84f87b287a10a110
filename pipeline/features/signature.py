"""A very small copy of every picture, by which pictures far apart in a clip can be compared. Pure functions."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

SIDE = 8
NAMES = tuple(f"look_{row}" for row in range(1, SIDE + 1))
"""Columns of table `frames`, a row of the copy in each."""


def signature(thumbnail: NDArray[np.float32]) -> dict[str, int]:
    """Return the picture's mean brightness in 8 x 8 equal parts, eight bytes a column, the leftmost first in memory.

    Parameters
    ----------
    thumbnail : float32, shape (height, width), 0..255
    """
    parts = cv2.convertScaleAbs(cv2.resize(thumbnail, (SIDE, SIDE), interpolation=cv2.INTER_AREA))
    return dict(zip(NAMES, parts.view("<i8").ravel().tolist(), strict=True))

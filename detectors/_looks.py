"""The small copies of all pictures, and how far apart two of them are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.model import Table

Floats = NDArray[np.float32]

SIDE = 8
COLUMNS = tuple(f"frames.look_{row}" for row in range(1, SIDE + 1))
"""What a detector that compares looks needs."""


def looks(frames: Table) -> Floats:
    """Return the brightness of the 8 x 8 parts of every picture: float32, shape (pictures, 64), 0..255."""
    if not frames.rows:
        return np.empty((0, SIDE * SIDE), np.float32)
    rows = [np.ascontiguousarray(frames[f"look_{row}"], "<i8").view(np.uint8) for row in range(1, SIDE + 1)]
    return np.concatenate([row.reshape(frames.rows, SIDE) for row in rows], axis=1).astype(np.float32)


def distance(one: Floats, other: Floats) -> Floats:
    """Return the root mean square difference of looks, 0..255, along the last axis."""
    return np.asarray(np.sqrt(np.mean((one - other) ** 2, axis=-1)), np.float32)


def distances(one: Floats, other: Floats) -> Floats:
    """Return `distance` of each of `one` from each of `other`: float32, shape (len(one), len(other))."""
    squares = (one * one).sum(axis=1)[:, None] + (other * other).sum(axis=1)[None, :] - 2 * one @ other.T
    return np.asarray(np.sqrt(np.maximum(squares, 0) / one.shape[1]), np.float32)

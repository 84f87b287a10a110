"""How a picture moved against the one before it, point by point: dense optical flow of thumbnails. Pure functions."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

TILES_X, TILES_Y = 16, 9
LARGEST = 14
"""Tiles, a tenth of all, whose mean stands for "where it is largest"."""
AROUND, FAINT, STEPS = (17, 17), 6.0, 40.0
"""Window in which light is evened out, levels of spread that count as none, and steps of the result for one spread."""
PLAIN = 0.5
"""Tiles with less texture than this share of the median are followed nowhere: flow on plain walls is invented."""

Floats = NDArray[np.float32]
_NO_SECOND_MAP: Any = None
"""Both coordinates stand in one map; OpenCV's type hints do not know of it."""

UNKNOWN_FLOW = dict.fromkeys(
    (
        "flow_speed",
        "flow_energy",
        "flow_lag1",
        "flow_lag2",
        "flow_change",
        "flow_change_max",
        "flow_residual",
        "flow_residual_max",
        "flow_cover",
    ),
    math.nan,
)
"""`flow` of a first picture."""


@dataclass(frozen=True, slots=True)
class Moved:
    """Where the tiles of a picture came from, and of the picture before it, for the next one to be compared with."""

    tiles: Floats | None
    """float32, shape (9, 16, 2), thumbnail px; None on a first picture."""
    tiles_before: Floats | None


NOT_MOVED = Moved(None, None)
"""Of a first picture."""


def evened(thumbnail: Floats) -> NDArray[np.uint8]:
    """Return a thumbnail in which light makes no difference: uint8, shape (height, width), 128 where it is even.

    Every point less the mean around it, over the spread around it: a lamp that goes on, the sun behind a leaf and a
    camera that adapts change neither.

    Parameters
    ----------
    thumbnail : float32, shape (height, width), 0..255
    """
    centred = thumbnail - cv2.blur(thumbnail, AROUND)
    spread = cv2.sqrt(cv2.blur(centred * centred, AROUND))
    return np.asarray(cv2.convertScaleAbs(centred / (spread + FAINT), alpha=STEPS, beta=128), np.uint8)


def flow(before: NDArray[np.uint8], now: NDArray[np.uint8], last: Moved) -> tuple[Moved, dict[str, float]]:
    """Return where a picture's tiles came from, and the columns `flow_…` of table `frames`.

    `flow_speed`
        Median speed of the tiles that have texture.
    `flow_energy`, `flow_lag1`, `flow_lag2`
        Mean over those tiles of the flow's square, and of its product with the flow of the picture before and of the
        one before that: how far the motion of one picture foretells the next.
    `flow_change`, `flow_change_max`
        Median over those tiles, and mean of the tenth of tiles where it is largest, of the length of the difference
        from the flow of the picture before: acceleration.
    `flow_residual`, `flow_residual_max`
        Mean absolute difference that is left after every point was moved, and its mean where it is largest.
    `flow_cover`
        Share of the picture whose origin lies inside the picture before.

    Parameters
    ----------
    before, now : uint8, shape (height, width)
        Thumbnails as from `evened`.
    last : Moved
        As returned for the picture before.

    References
    ----------
    T. Kroeger et al., "Fast optical flow using dense inverse search", ECCV 2016. Broken consistency of optical flow as
    a trace of removed pictures: J. Chao, X. Jiang, T. Sun, "A novel video inter-frame forgery model detection scheme
    based on optical flow consistency", IWDW 2012; Y. Wu et al., "Exposing video inter-frame forgery based on velocity
    field consistency", ICASSP 2014.
    """
    height, width = now.shape
    field = _dis().calc(now, before, None)
    origin = cv2.add(_grid(height, width), field)
    inside = cv2.inRange(origin, (0, 0, 0, 0), (width - 1, height - 1, 0, 0))
    moved = cv2.remap(before, origin, _NO_SECOND_MAP, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    left = cv2.absdiff(moved, now).astype(np.float32)
    share = cv2.countNonZero(inside) / inside.size
    tiles = _tiles(field)
    texture = _tiles(np.abs(now.astype(np.float32) - 128))
    kept = texture > PLAIN * _median(texture.ravel())
    if not kept.any():
        kept = np.ones_like(kept)
    found = UNKNOWN_FLOW | {
        "flow_speed": _median(np.hypot(tiles[..., 0], tiles[..., 1])[kept]),
        "flow_energy": _product(tiles, tiles, kept),
        "flow_residual": float(cv2.mean(left, inside if share else None)[0]),
        "flow_residual_max": _largest(_tiles(left)),
        "flow_cover": share,
    }
    if last.tiles is not None:
        apart = tiles - last.tiles
        change = np.hypot(apart[..., 0], apart[..., 1])
        found["flow_lag1"] = _product(tiles, last.tiles, kept)
        found["flow_change"] = _median(change[kept])
        found["flow_change_max"] = _largest(change * kept)
    if last.tiles_before is not None:
        found["flow_lag2"] = _product(tiles, last.tiles_before, kept)
    return Moved(tiles, last.tiles), found


def _product(one: Floats, other: Floats, kept: NDArray[np.bool_]) -> float:
    return float(np.einsum("ijk,ijk->ij", one, other)[kept].mean())


def _median(values: Floats) -> float:
    """Return what `numpy.median` does of a few values, in a sixth of the time."""
    ordered = np.sort(values)
    middle = len(ordered) // 2
    return float(ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2)


def _largest(values: Floats) -> float:
    return float(np.partition(values.ravel(), -LARGEST)[-LARGEST:].mean())


def _tiles(values: NDArray[Any]) -> Floats:
    return np.asarray(cv2.resize(values, (TILES_X, TILES_Y), interpolation=cv2.INTER_AREA), np.float32)


@cache
def _grid(height: int, width: int) -> Floats:
    """Return the x and y of every point: float32, shape (height, width, 2)."""
    return np.dstack(np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)))


@cache
def _dis() -> Any:
    return cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)

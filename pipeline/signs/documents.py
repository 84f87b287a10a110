"""Printed matter that is held up to the camera: pages and screens, told from signs by how their lines stand. Pure.

A page is many lines of letters of about one size, close below each other and aligned; a sign is few lines, mostly of
several sizes. A business licence names the enterprise as well as its sign does, but shows nothing of the place.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.signs.lines import TALL, Found

MIN_ROWS = 5
"""Rows that make a page: signs with an address and telephone numbers have four."""
MIN_LETTERS = 30.0
"""Characters that all its rows hold together."""
ONE_SIZE = 1.5
"""Largest ratio of the heights of two lines of a page; a larger line is none of it."""
ROW_STEP = 2.6
"""Largest distance of two rows, in heights of their boxes."""
ALIGNED = 1.5
"""Distance of two aligned margins or centres, in heights of the lines' boxes."""
MOST_HEIGHT = 0.06
"""Height of a line's box, in picture heights, above which letters are no print."""


def documents(lines: Sequence[Found], picture_height_px: int) -> NDArray[np.bool_]:
    """Tell which lines of a picture belong to a page or screen.

    Parameters
    ----------
    lines : sequence of Found
        Of one picture, all in the same pixels.
    picture_height_px : int
        Of the picture in which they lie.

    Returns
    -------
    document : bool, shape (len(lines),)
    """
    document = np.zeros(len(lines), np.bool_)
    flat = [number for number, line in enumerate(lines) if not _tall(line)]
    if len(flat) < MIN_ROWS:
        return document
    boxes = _levelled([lines[number] for number in flat])
    heights = np.array([lines[number].sides[1] for number in flat])
    letters = np.array([lines[number].letters for number in flat])
    for block in _blocks(boxes, heights):
        height = float(np.median(heights[block]))
        small = height <= MOST_HEIGHT * picture_height_px
        if small and letters[block].sum() >= MIN_LETTERS and _rows_aligned(boxes[block], height):
            document[[flat[number] for number in block]] = True
    return document


def _tall(line: Found) -> bool:
    corners = line.corners
    return bool(np.linalg.norm(corners[3] - corners[0]) >= TALL * np.linalg.norm(corners[1] - corners[0]))


def _levelled(lines: Sequence[Found]) -> NDArray[np.float64]:
    """Return left, top, right and bottom of lines after the page is turned level: shape (lines, 4)."""
    along = np.array([line.corners[1] - line.corners[0] for line in lines])
    long = np.linalg.norm(along, axis=1) >= np.median(np.linalg.norm(along, axis=1))
    angle = -float(np.median(np.arctan2(along[long, 1], along[long, 0])))
    turn = np.array([(np.cos(angle), -np.sin(angle)), (np.sin(angle), np.cos(angle))])
    corners = np.array([line.corners @ turn.T for line in lines])
    return np.concatenate((corners.min(axis=1), corners.max(axis=1)), axis=1)


def _blocks(boxes: NDArray[np.float64], heights: NDArray[np.float64]) -> list[NDArray[np.int64]]:
    """Return the lines that hang together, directly or through others, as lists of their numbers."""
    left, top, right, bottom = boxes.T
    centre = (top + bottom) / 2
    low, high = np.minimum.outer(heights, heights), np.maximum.outer(heights, heights)
    apart = np.maximum.outer(left, left) - np.minimum.outer(right, right)  # negative where they overlap
    linked = (high <= ONE_SIZE * low) & (apart <= ALIGNED * low)
    linked &= np.abs(np.subtract.outer(centre, centre)) <= ROW_STEP * low
    block = np.arange(len(boxes))
    for _ in range(len(boxes)):
        lowest = np.where(linked, block, len(boxes)).min(axis=1)
        if (lowest == block).all():
            break
        block = lowest
    return [np.flatnonzero(block == number) for number in np.unique(block)]


def _rows_aligned(boxes: NDArray[np.float64], height: float) -> bool:
    """Tell whether lines form enough rows, and whether most of these share a margin or their middle."""
    order = np.argsort((boxes[:, 1] + boxes[:, 3]) / 2)
    centres = ((boxes[:, 1] + boxes[:, 3]) / 2)[order]
    row = np.concatenate(([0], np.cumsum(np.diff(centres) > height / 2)))
    if row[-1] + 1 < MIN_ROWS:
        return False
    lefts = np.array([boxes[order[row == number], 0].min() for number in range(row[-1] + 1)])
    rights = np.array([boxes[order[row == number], 2].max() for number in range(row[-1] + 1)])

    def shared(places: NDArray[np.float64]) -> float:
        return float(np.max([(np.abs(places - place) <= ALIGNED * height).mean() for place in places]))

    return max(shared(lefts), shared((lefts + rights) / 2)) >= 0.6

"""Lines of text in a picture: found by the detector, cut out, and read one by one.

The detector looks at the whole picture, which costs by its size; the recogniser at single lines, which costs by their
number. Both are handed to these functions as the `rapidocr.RapidOCR` that holds them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Corners = NDArray[np.float64]
"""Corners of a line, clockwise from the upper left, shape (4, 2), in pixels."""

STEP_PX = 32
"""The detector takes sides that are multiples of this."""
READ_HEIGHT_PX = 48
"""Height to which the recogniser brings a line."""
SHORTEST_PX = 160
"""Width to which shorter lines are filled up. Half of what the model was trained with: on the tuning photos it reads as
well, and a line of four characters costs half."""
TALL = 1.5
"""Lines higher than this many widths are written downwards; the recogniser was trained to read them turned left."""
LINE_PER_LETTER = 1.38
"""Height of the box that the model draws around a line, in heights of its Chinese characters.

The median over characters of 12 to 76 px drawn on a blurred photo (1.17 to 1.48); figures alone are lower than
characters, so they come out up to a quarter too large.
"""


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """A line that was found, and not yet read."""

    corners: Corners
    score: float
    """How sure the detector is that this is text, 0 to 1."""

    @property
    def sides(self) -> tuple[float, float]:
        """Its longer and its shorter side in pixels."""
        lengths = np.linalg.norm(self.corners - np.roll(self.corners, -1, axis=0), axis=1)
        across, down = float(lengths[0] + lengths[2]) / 2, float(lengths[1] + lengths[3]) / 2
        return max(across, down), min(across, down)

    @property
    def letters_px(self) -> float:
        """Height of its letters; their width if they are written downwards."""
        return self.sides[1] / LINE_PER_LETTER

    @property
    def letters(self) -> float:
        """How many Chinese characters have room in it, roughly."""
        longer, shorter = self.sides
        return longer / max(shorter, 1.0) * LINE_PER_LETTER


def find(engine: Any, pixels: Pixels, side_px: int, *, faint: bool = False) -> list[Found]:
    """Find the lines of a picture.

    Parameters
    ----------
    engine : rapidocr.RapidOCR
    pixels : uint8, shape (height, width, 3), BGR
    side_px : int
        Longer side that the picture is made to fit, if it is larger.
    faint : bool
        Also return what is hardly text, such as letters too small to be seen for sure.

    Returns
    -------
    found : list of Found
        In pixels of `pixels`.
    """
    import cv2

    height, width = pixels.shape[:2]
    scale = min(1.0, side_px / max(height, width))
    size = [max(STEP_PX, round(side * scale / STEP_PX) * STEP_PX) for side in (width, height)]
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    detector = engine._load_det_model()
    prepared = np.ascontiguousarray((small.astype(np.float32) * np.float32(2 / 255) - 1).transpose(2, 0, 1)[None])
    boxes, scores = _outlines(faint)(detector.session(prepared), (height, width))
    return [Found(np.asarray(box, np.float64), float(score)) for box, score in zip(boxes, scores, strict=True)]


@cache
def _outlines(faint: bool) -> Any:
    """Return what makes boxes of the detector's map of probabilities (DBNet: Liao et al., AAAI 2020).

    Faint: the bounds at which, on the tuning photos, letters 24 px high are found as often as in a picture a sixth
    larger.
    """
    from rapidocr.ch_ppocr_det.utils import DBPostProcess

    bounds = (0.1, 0.15) if faint else (0.3, 0.5)
    return DBPostProcess(
        thresh=bounds[0], box_thresh=bounds[1], unclip_ratio=1.6, max_candidates=1000, use_dilation=True
    )


def read(engine: Any, pixels: Pixels, line: Found) -> tuple[str, float]:
    """Return the text of a line and the reader's confidence, 0 to 1.

    Parameters
    ----------
    engine : rapidocr.RapidOCR
    pixels : uint8, shape (height, width, 3), BGR
        The picture in which the line was found.
    """
    crop = cut(pixels, line.corners)
    if crop.shape[0] < TALL * crop.shape[1]:
        return _recognised(engine, crop)
    return _recognised(engine, np.ascontiguousarray(np.rot90(crop)))


def cut(pixels: Pixels, corners: Corners) -> Pixels:
    """Return what lies between the corners, made upright."""
    import cv2

    top, right, bottom, left = np.linalg.norm(corners - np.roll(corners, -1, axis=0), axis=1)
    width, height = max(1, round(max(top, bottom))), max(1, round(max(left, right)))
    flat = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    turn = cv2.getPerspectiveTransform(corners.astype(np.float32), flat)
    crop = cv2.warpPerspective(pixels, turn, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(crop, np.uint8)


def _recognised(engine: Any, crop: Pixels) -> tuple[str, float]:
    import cv2

    height, width = crop.shape[:2]
    across = max(1, math.ceil(READ_HEIGHT_PX * width / height))
    filled = np.zeros((1, 3, READ_HEIGHT_PX, max(across, SHORTEST_PX)), np.float32)
    small = cv2.resize(crop, (across, READ_HEIGHT_PX)).astype(np.float32)
    filled[0, :, :, :across] = small.transpose(2, 0, 1) * np.float32(2 / 255) - 1
    recogniser = engine._load_rec_model()
    (text, confidence), *_ = recogniser.postprocess_op(recogniser.session(filled))[0]
    return str(text).strip(), float(confidence)

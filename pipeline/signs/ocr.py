"""Finding lines and reading single ones, with where along the line every character stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class LineRead:
    """One line as it was read."""

    text: str
    """Without white space."""
    confidence: float
    at: tuple[float, ...]
    """Of every character, where along the line it stands, 0 (left end of the crop) to 1."""


def find_lines(engine: Any, pixels: Pixels) -> NDArray[np.float64]:
    """Return the boxes of lines: float64, shape (lines, 4): left, top, right, bottom in pixels of `pixels`.

    Parameters
    ----------
    engine : rapidocr.RapidOCR
    pixels : uint8, shape (height, width, 3), BGR
    """
    found = engine._load_det_model()(pixels).boxes
    if found is None or not len(found):
        return np.empty((0, 4))
    corners = np.asarray(found, np.float64)
    return np.concatenate((corners.min(axis=1), corners.max(axis=1)), axis=1)


def read_lines(engine: Any, crops: Sequence[Pixels]) -> list[LineRead]:
    """Read crops of single lines, one by one, so that what one gives does not depend on the others beside it.

    Parameters
    ----------
    engine : rapidocr.RapidOCR
    crops : sequence of uint8 arrays, shape (height, width, 3), BGR
    """
    from rapidocr.ch_ppocr_rec.typings import TextRecInput

    return [_line(engine._load_rec_model()(TextRecInput(img=[crop], return_word_box=True))) for crop in crops]


def smoothed(crop: Pixels) -> Pixels:
    """Return a crop whose coarse dots run together: clocks drawn in dots are read better so, all others worse."""
    import cv2

    return np.asarray(cv2.medianBlur(crop, 3), np.uint8)


def _line(read: Any) -> LineRead:
    words = read.word_results[0] if read.word_results else None
    if not read.txts or words is None or not getattr(words, "words", None):
        return LineRead("", 0.0, ())
    text = "".join(character for word in words.words for character in word)
    columns = [column for word in words.word_cols for column in word]
    return LineRead(text, float(read.scores[0]), tuple((column + 0.5) / words.line_txt_len for column in columns))

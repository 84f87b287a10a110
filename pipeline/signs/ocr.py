"""Finding lines and reading single ones, with where along the line every character stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.signs.fields import read_clock

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


def read_clock_line(engine: Any, crop: Pixels, sure: float) -> LineRead:
    """Read a line that may be a clock; where it does not read as one for sure, once more with its dots run together.

    Clocks drawn by a chip in coarse dots are read better after a median filter, all others better without.

    Parameters
    ----------
    engine : rapidocr.RapidOCR
    crop : uint8, shape (height, width, 3), BGR
    sure : float
        Confidence, 0 to 1, from which a first reading that is a clock is taken.
    """
    import cv2

    first = read_lines(engine, [crop])[0]
    if first.confidence >= sure and read_clock(first.text) is not None:
        return first
    second = read_lines(engine, [np.asarray(cv2.medianBlur(crop, 3), np.uint8)])[0]
    return max(second, first, key=lambda read: (read_clock(read.text) is not None, read.confidence))


def _line(read: Any) -> LineRead:
    words = read.word_results[0] if read.word_results else None
    if not read.txts or words is None or not getattr(words, "words", None):
        return LineRead("", 0.0, ())
    text = "".join(character for word in words.words for character in word)
    columns = [column for word in words.word_cols for column in word]
    return LineRead(text, float(read.scores[0]), tuple((column + 0.5) / words.line_txt_len for column in columns))

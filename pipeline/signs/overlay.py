"""Which texts the recorder burned into the picture, and which the scene shows: pure.

A box is the recorder's if it lies near the upper or lower edge of the picture and

1. its text is a clock (a date, a time of day, or both) or looks like what recorders print beside one (serial number,
   position, speed, REC) — a single picture is enough for that; or
2. it is aligned, left or right, with such a box of the same picture and written in letters of about the same size; or
3. it stays at its place while the camera moves: boxes that overlap lie there in most of the pictures read. A fixed
   camera's signs stay at their place, too, so this is asked only where the pictures show that the camera moved.

Nothing in the middle of the picture is ever taken for the recorder's.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

_DATE = (
    r"(?:(?:19|20)\d\d[-/.:年]?(?:0?[1-9]|1[0-2])[-/.:月]?(?:0[1-9]|[12]\d|3[01]|[1-9])日?"
    r"|(?:0?[1-9]|[12]\d|3[01])[-/.](?:0?[1-9]|1[0-2])[-/.](?:19|20)\d\d"
    r"|(?:0?[1-9]|1[0-2])[-/.](?:0?[1-9]|[12]\d|3[01])[-/.](?:19|20)\d\d)"
)
_DAY = r"(?:星期[一二三四五六日天]|周[一二三四五六日]|MON|TUE|WED|THU|FRI|SAT|SUN)[A-Z]*"
_TIME = r"(?:[01]?\d|2[0-3])[:.;时][0-5]\d(?:[:.;分][0-5]\d秒?)?(?:\.\d{1,3})?(?:[AP]M)?"
_COMPACT_TIME = r"(?:[01]\d|2[0-3])[0-5]\d[0-5]\d"
_CLOCK = re.compile(
    rf"(?<!\d){_DATE}T?(?:{_DAY})?(?:{_TIME}|{_COMPACT_TIME})?(?!\d)"
    r"|(?<!\d)(?:[01]?\d|2[0-3])[:;][0-5]\d[:;.][0-5]\d(?!\d)"
)
_DEVICE = re.compile(
    r"(?:[A-Z]{2,}[A-Z0-9]*[-_][A-Z0-9_-]*\d{3,}[A-Z0-9_-]*"
    r"|[NS]\d{1,2}[.:°]\d+.*[EW]\d{1,3}[.:°]\d+.*"
    r"|.*\d+(?:KM/H|MPH)|●?REC\d*|ID[:_-]?[A-Z0-9]{4,})"
)

EDGE_MIN_PICTURES = 4
"""Pictures that must have been read before staying at one place means anything."""
SAME_PLACE_IOU = 0.5
ALIGNED = 0.012
"""Distance of two aligned margins in picture widths."""


@dataclass(frozen=True, slots=True)
class Box:
    """A text and its place in the upright picture, in widths and heights of it (0 to 1)."""

    frame: int
    text: str
    left: float
    top: float
    right: float
    bottom: float


def is_clock(text: str) -> bool:
    """Tell whether a text holds a date, with or without a time of day, or a time of day to the second.

    Separators may be missing, as readers lose them; Chinese dates and weekdays count.
    """
    return _CLOCK.search(_squeezed(text)) is not None


def is_device(text: str) -> bool:
    """Tell whether a whole text looks like a serial number, position, speed or recording mark."""
    return _DEVICE.fullmatch(_squeezed(text)) is not None


def overlay_of(
    boxes: Sequence[Box],
    pictures: int,
    moving: bool,
    edge: float,
    share: float,
    seen: Sequence[Box] | None = None,
) -> NDArray[np.bool_]:
    """Tell of every box whether the recorder burned it in; see the module for the rule.

    Parameters
    ----------
    boxes : sequence of Box
        Of all the pictures; the text is empty where a box was not read.
    pictures : int
        How many pictures were looked at, also those without text.
    moving : bool
        The camera moved between the pictures.
    edge : float
        Height of the strip at the upper and at the lower edge that a recorder writes in, in picture heights.
    share : float
        Share of the pictures, 0 to 1, in which a box must lie at the same place.
    seen : sequence of Box, optional
        Those that tell what stays at its place, where more pictures were looked at than read; `boxes` if not given.

    Returns
    -------
    overlay : bool, shape (len(boxes),)
    """
    at_edge = [not edge <= (box.top + box.bottom) / 2 <= 1 - edge for box in boxes]
    sure = [there and (is_clock(box.text) or is_device(box.text)) for box, there in zip(boxes, at_edge, strict=True)]
    anchors = [box for box, recorder in zip(boxes, sure, strict=True) if recorder]
    steady = moving and pictures >= EDGE_MIN_PICTURES
    votes = boxes if seen is None else seen
    corners = np.array([(box.left, box.top, box.right, box.bottom) for box in votes]).reshape(-1, 4)
    frames = np.array([box.frame for box in votes])
    overlay = []
    for box, there, recorder in zip(boxes, at_edge, sure, strict=True):
        if there and not recorder:
            recorder = any(_aligned(box, anchor) for anchor in anchors)
            if steady and not recorder:
                same = ious(corners, box) >= SAME_PLACE_IOU
                recorder = len(np.unique(frames[same])) >= share * pictures
        overlay.append(recorder)
    return np.array(overlay, np.bool_)


def camera_moved(thumbnails: Sequence[NDArray[np.uint8]], still_diff: float) -> bool:
    """Tell whether a camera moved between pictures.

    Parameters
    ----------
    thumbnails : sequence of uint8 arrays of one shape
        The pictures, made small, in order of time.
    still_diff : float
        Grey levels by which the typical point of a fixed camera's picture differs from the picture before.

    Returns
    -------
    moved : bool
        Whether the median difference of neighbouring pictures exceeds `still_diff` in at least half of the pairs.
        The median over the points leaves out people who walk through a fixed picture. False for fewer than two.
    """
    diffs = [
        float(np.median(np.abs(before.astype(np.int16) - now.astype(np.int16)))) for before, now in pairwise(thumbnails)
    ]
    return bool(diffs) and float(np.median(diffs)) > still_diff


def _squeezed(text: str) -> str:
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", text)).upper()


def _aligned(box: Box, anchor: Box) -> bool:
    if box.frame != anchor.frame:
        return False
    ratio = (box.bottom - box.top) / max(anchor.bottom - anchor.top, 1e-6)
    margin = min(abs(box.left - anchor.left), abs(box.right - anchor.right))
    return 0.6 <= ratio <= 1.7 and margin <= ALIGNED


def ious(corners: NDArray[np.float64], box: Box) -> NDArray[np.float64]:
    """Return the intersection over union of each of many boxes with one box.

    For all at once: an hour of footage has tens of thousands.

    Parameters
    ----------
    corners : float64, shape (boxes, 4)
        Left, top, right and bottom of the many.
    box : Box
        The one.
    """
    width = np.minimum(corners[:, 2], box.right) - np.maximum(corners[:, 0], box.left)
    height = np.minimum(corners[:, 3], box.bottom) - np.maximum(corners[:, 1], box.top)
    shared = np.clip(width, 0.0, None) * np.clip(height, 0.0, None)
    areas = (corners[:, 2] - corners[:, 0]) * (corners[:, 3] - corners[:, 1])
    united = areas + (box.right - box.left) * (box.bottom - box.top) - shared
    found: NDArray[np.float64] = np.divide(shared, united, out=np.zeros(len(corners)), where=united > 0)
    return found

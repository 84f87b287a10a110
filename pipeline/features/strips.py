"""The burned-in clock of every picture, kept in the decoding pass: small strips of its figures, and some lines.

What the strips say is read afterwards, when the whole clip is known (`pipeline.signs.clock`).
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.features.kept import LINES, SIZE, STRIPS, ClockPlace
from pipeline.media.frames import Picture

STRIP_HEIGHT = 24
STRIP_WIDTH_MOST = 320
DENSE_S, DENSE_EVERY_S, EVERY_S = 12.0, 0.87, 5.3
"""A line is kept every 0.87 s of the first 12 s, so that every last figure is among them, and every 5.3 s from there
on: no
whole seconds, so that the lines tell ever more closely at which moment the clock goes on."""


class Strips:
    """Keeps the clock of every picture.

    Parameters
    ----------
    folder : Path
        Where `strips.raw` (uint8, a strip of `strip_size` a picture), the lines as PNG and their list are written.
    place : ClockPlace
    """

    def __init__(self, folder: Path, place: ClockPlace) -> None:
        self._folder, self._place = folder, place
        self._raw = (folder / STRIPS).open("wb")
        self._list = (folder / LINES).open("w", encoding="utf-8")
        self._size: tuple[int, int] | None = None
        self._moments = _Moments()

    def add(self, picture: Picture, frame: int) -> None:
        """Take the next picture; `frame` is its row in table `frames`."""
        crop = _crop(picture, self._place.digits)
        if self._size is None:
            width = round(STRIP_HEIGHT * crop.shape[1] / max(1, crop.shape[0]))
            self._size = (min(STRIP_WIDTH_MOST, max(STRIP_HEIGHT, width)), STRIP_HEIGHT)
            (self._folder / SIZE).write_text(json.dumps(self._size), "utf-8")
        self._raw.write(cv2.resize(crop, self._size, interpolation=cv2.INTER_AREA).tobytes())
        if self._moments.due(picture.time_s):
            self._keep(picture, frame)

    def pass_over(self, times_s: Iterable[float]) -> None:
        """Take note of the times of pictures that come before the first one that is added; nothing of them is kept."""
        for time_s in times_s:
            self._moments.due(time_s)

    def _keep(self, picture: Picture, frame: int) -> None:
        written, data = cv2.imencode(".png", _crop(picture, self._place.line), [cv2.IMWRITE_PNG_COMPRESSION, 1])
        if written:
            name = f"line-{frame:07d}.png"
            (self._folder / name).write_bytes(data.tobytes())
            row: dict[str, Any] = {"name": name, "frame": frame, "time_s": picture.time_s}
            self._list.write(json.dumps(row) + "\n")

    def finish(self) -> None:
        """Close the files."""
        self._raw.close()
        self._list.close()


class _Moments:
    """Tells of which pictures the line is kept."""

    def __init__(self) -> None:
        self._next_s = -math.inf
        self._first_s = math.nan

    def due(self, time_s: float) -> bool:
        """Take the next picture's time, and tell whether its line is kept."""
        if math.isnan(self._first_s):
            self._first_s = time_s
        if not (time_s >= self._next_s or time_s < self._next_s - 2 * EVERY_S):
            return False
        self._next_s = time_s + (DENSE_EVERY_S if time_s - self._first_s < DENSE_S else EVERY_S)
        return True


def _crop(picture: Picture, box: tuple[float, float, float, float]) -> NDArray[np.uint8]:
    """Return a part of the brightness as a person sees it: turned as the header asks."""
    left, top, right, bottom = box
    turns = round(picture.rotation_deg / 90) % 4
    if turns == 1:
        left, top, right, bottom = top, 1 - right, bottom, 1 - left
    elif turns == 2:
        left, top, right, bottom = 1 - right, 1 - bottom, 1 - left, 1 - top
    elif turns == 3:
        left, top, right, bottom = 1 - bottom, left, 1 - top, right
    height, width = picture.luma.shape
    rows = slice(max(0, int(top * height)), max(int(top * height) + 1, round(bottom * height)))
    columns = slice(max(0, int(left * width)), max(int(left * width) + 1, round(right * width)))
    return np.ascontiguousarray(np.rot90(picture.luma[rows, columns], -turns))

"""The sharpest picture of every few seconds, kept in full resolution for reading signs and overlays."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.features.kept import Windows
from pipeline.media.frames import Picture

JPEG_QUALITY = 95
_TURN = {90.0: cv2.ROTATE_90_CLOCKWISE, 180.0: cv2.ROTATE_180, 270.0: cv2.ROTATE_90_COUNTERCLOCKWISE}


@dataclass(frozen=True, slots=True)
class _Held:
    picture: Picture
    frame: int
    sharpness: float

    @property
    def rank(self) -> tuple[bool, float]:
        return (not self.picture.damaged, self.sharpness)


class Sharpest:
    """Keeps the sharpest picture of each window of time as a JPEG, whole pictures before damaged ones.

    Parameters
    ----------
    folder : Path
        Where the JPEGs and the list `pictures.jsonl` are written.
    every_s : float
        Length of a window.
    dense_every_s : float, optional
        Length of a window before `dense_until_s`; as `every_s` if not given.
    dense_until_s : float
        Where on the presentation timeline the windows of `every_s` begin; before, those of `dense_every_s` lie side by
        side from 0 s on.
    """

    def __init__(
        self, folder: Path, every_s: float, dense_every_s: float | None = None, dense_until_s: float = 0.0
    ) -> None:
        self._folder = folder
        self._windows = Windows(every_s, every_s if dense_every_s is None else dense_every_s, dense_until_s)
        self._window = 0
        self._held: _Held | None = None
        self._list = (folder / "pictures.jsonl").open("w", encoding="utf-8")

    def add(self, picture: Picture, frame: int, sharpness: float) -> None:
        """Take the next picture; `frame` is its row in table `frames`."""
        window = self._window if math.isnan(picture.time_s) else self._windows.at(picture.time_s)
        if window != self._window:
            self._write()
            self._window = window
        held = _Held(picture, frame, sharpness)
        if self._held is None or held.rank > self._held.rank:
            self._held = held

    def finish(self) -> None:
        """Write the picture of the last window."""
        self._write()
        self._list.close()

    def _write(self) -> None:
        held, self._held = self._held, None
        if held is None:
            return
        name = f"picture-{held.frame:07d}.jpg"
        written, data = cv2.imencode(".jpg", upright(held.picture), [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
        if not written:
            return
        (self._folder / name).write_bytes(data.tobytes())
        row: dict[str, Any] = {
            "name": name,
            "frame": held.frame,
            "time_s": held.picture.time_s,
            "sharpness": held.sharpness,
        }
        self._list.write(json.dumps(row) + "\n")
        self._list.flush()


def upright(picture: Picture) -> NDArray[np.uint8]:
    """Return a picture as a person sees it: uint8, shape (height, width, 3), BGR.

    Where it is marked as interlaced, the second field is replaced by interpolation between the lines of the first: two
    fields of a moving camera are two pictures. Then it is turned as the header asks.
    """
    bgr: NDArray[Any] = picture.frame.to_ndarray(format="bgr24")
    if picture.interlaced:
        height, width = bgr.shape[:2]
        bgr = cv2.resize(bgr[::2], (width, height), interpolation=cv2.INTER_LINEAR)
    turn = _TURN.get(picture.rotation_deg)
    return np.asarray(bgr if turn is None else cv2.rotate(bgr, turn), np.uint8)

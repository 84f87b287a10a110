"""Clips with a burned-in clock, made at test time: what the clock shows in every picture is known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from functools import cache
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from tests.footage import view

SIZE = (640, 360)
RATE = 25
STARTED = datetime(2026, 3, 1, 9, 58, 51, 600_000)
DEVICE = "DSJ-A7 0317255"
EPOCH = datetime(1970, 1, 1)


@dataclass(frozen=True)
class Burned:
    """A clip and what its clock shows."""

    path: Path
    clock_s: NDArray[np.float64]
    """As `frames.clock_s`; NaN in pictures without overlay."""


@cache
def _ink(text: str, size: int) -> NDArray[np.float32]:
    font = ImageFont.load_default(size=size)
    left, top, right, bottom = font.getbbox(text, stroke_width=2)
    image = Image.new("LA", (int(right - left) + 2, int(bottom - top) + 2), (0, 0))
    pen = ImageDraw.Draw(image)
    pen.text((1 - left, 1 - top), text, fill=(245, 255), font=font, stroke_width=2, stroke_fill=(10, 255))
    return np.asarray(image, np.float32)


def write(picture: NDArray[np.uint8], text: str, left: int, top: int, size: int = 24) -> None:
    """Draw a line, white with a dark edge, into an RGB picture, in place."""
    ink = _ink(text, size)
    area = picture[top : top + ink.shape[0], left : left + ink.shape[1]]
    share = ink[: area.shape[0], : area.shape[1], 1:] / 255
    area[:] = (area * (1 - share) + ink[: area.shape[0], : area.shape[1], :1] * share).astype(np.uint8)


def burned(
    path: Path,
    numbers: Sequence[int],
    *,
    plain: Sequence[int] = (),
    form: str = "%Y-%m-%d %H:%M:%S",
    shift: Callable[[int], float] = lambda number: 0.0,
    rotation: int = 0,
) -> Burned:
    """Write a clip of 25 pictures a second without sound.

    Parameters
    ----------
    path : Path
    numbers : sequence of int
        Pictures of the take, in the order in which the clip shows them: what lacks was cut out.
    plain : sequence of int
        Pictures of the clip (not of the take) that bear no overlay.
    form : str
        How the clock is written, as `datetime.strftime` has it.
    shift : callable
        Seconds that the recorder's clock is ahead of the take, for each picture of the take.
    rotation : int
        Clockwise turn that a player must apply, 0, 90, 180 or 270; the pictures are stored turned the other way.
    """
    shown = []
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(RATE), options={"preset": "ultrafast", "g": "25"})
        stream.width, stream.height = SIZE[::-1] if rotation % 180 else SIZE
        stream.pix_fmt = "yuv420p"
        if rotation:
            stream.set_display_rotation(-rotation)
        for place, number in enumerate(numbers):
            moment = STARTED + timedelta(seconds=number / RATE + shift(number))
            picture = view(number, size=SIZE).copy()
            if place in plain:
                shown.append(np.nan)
            else:
                shown.append(float(np.floor((moment - EPOCH).total_seconds())))
                write(picture, f"{moment:{form}}", 20, 14)
                write(picture, DEVICE, 20, SIZE[1] - 40)
            picture = np.ascontiguousarray(np.rot90(picture, rotation // 90))
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    return Burned(path, np.array(shown))

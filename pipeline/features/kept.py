"""What the decoding pass keeps for reading: of which stretches a picture, and of every picture the burned-in clock.

No decoder is needed to read it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

STRIPS, SIZE, LINES, TURN = "strips.raw", "strips.json", "lines.jsonl", "turn.json"


@dataclass(frozen=True, slots=True)
class ClockPlace:
    """Where the clock stands in the upright picture; boxes are left, top, right, bottom in widths and heights of it."""

    digits: tuple[float, float, float, float]
    """Around the figures of the time of day."""
    line: tuple[float, float, float, float]
    """Around the whole line."""


@dataclass(frozen=True, slots=True)
class Windows:
    """The stretches of time of each of which the sharpest picture is kept."""

    every_s: float
    """Length of a window."""
    dense_every_s: float
    """The same before `dense_until_s`; those windows lie side by side from 0 s on."""
    dense_until_s: float
    """Where on the presentation timeline the windows of `every_s` begin."""

    def at(self, time_s: float) -> int:
        """Return the number of the window in which a picture is shown."""
        if time_s < self.dense_until_s:
            return math.floor(time_s / self.dense_every_s)
        dense = math.ceil(self.dense_until_s / self.dense_every_s)
        return dense + math.floor((time_s - self.dense_until_s) / self.every_s)


@dataclass(frozen=True, slots=True)
class KeptLine:
    """The clock's line in one picture."""

    path: Path
    frame: int
    time_s: float


def read_strips(folder: Path) -> NDArray[np.uint8]:
    """Return the strips of a clip, uint8, shape (pictures, height, width), mapped; no pictures if none were kept."""
    try:
        width, height = json.loads((folder / SIZE).read_text("utf-8"))
        data = np.memmap(folder / STRIPS, np.uint8, "r")
    except (OSError, ValueError):
        return np.empty((0, 1, 1), np.uint8)
    count = len(data) // (width * height)
    return data[: count * width * height].reshape(count, height, width)


def kept_lines(folder: Path) -> Iterator[KeptLine]:
    """Yield the lines that were kept, in order of time."""
    listing = folder / LINES
    for line in listing.read_text("utf-8").splitlines() if listing.is_file() else []:
        try:
            row = json.loads(line)
        except json.JSONDecodeError:  # cut off by a crash
            continue
        yield KeptLine(folder / row["name"], row["frame"], row["time_s"])


def write_turn(folder: Path, rotation_deg: float) -> None:
    """Keep by how much the decoder says that pictures must be turned clockwise, 0 to 270."""
    (folder / TURN).write_text(json.dumps(rotation_deg), "utf-8")


def read_turn(folder: Path) -> float:
    """Return what `write_turn` kept."""
    return float(json.loads((folder / TURN).read_text("utf-8")))

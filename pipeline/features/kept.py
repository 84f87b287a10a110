"""What the decoding pass keeps of the burned-in clock, and where that clock stands. No decoder is needed to read it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

STRIPS, SIZE, LINES = "strips.raw", "strips.json", "lines.jsonl"


@dataclass(frozen=True, slots=True)
class ClockPlace:
    """Where the clock stands in the upright picture; boxes are left, top, right, bottom in widths and heights of it."""

    digits: tuple[float, float, float, float]
    """Around the figures of the time of day."""
    line: tuple[float, float, float, float]
    """Around the whole line."""


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

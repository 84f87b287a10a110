"""What tests of the review page share: clips with their tables, and pictures that show their number."""

from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np

from pipeline.features.schema import to_table
from pipeline.measuring import identify
from pipeline.model import Features, Footage
from tests.pipeline.measuring import measured

BITS = 8


def numbered(number: int, size: tuple[int, int] = (320, 240)):
    """Return a picture that shows its number as eight black or white bars, from the left the lowest first."""
    width, height = size
    bars = (np.arange(width) * BITS // width).astype(int)
    row = np.array([255 * (number >> place & 1) for place in range(BITS)], np.uint8)[bars]
    return np.broadcast_to(row[None, :, None], (height, width, 3)).copy()


def number_in(pixels) -> int:
    """Return the number that a picture shows; pixels: uint8, shape (height, width) or (height, width, 3)."""
    grey = pixels if pixels.ndim == 2 else cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY)
    bars = np.array_split(grey, BITS, axis=1)
    return sum(1 << place for place, bar in enumerate(bars) if np.median(bar) > 128)


def number_of(path: Path) -> int:
    return number_in(cv2.imread(str(path)))


@dataclass(frozen=True)
class Examined:
    footage: Footage
    features: Features


def examined(clip: Path, work: Path) -> Examined:
    """Measure a clip, as a scan does."""
    work.mkdir(parents=True, exist_ok=True)
    footage = identify(clip)
    tables = measured(clip, work).tables
    return Examined(footage, Features({name: to_table(name, arrow) for name, arrow in tables.items()}))


def trimmed(folder: Path, *, hidden_s: float = 2.0, frames: int = 120, fps: int = 25) -> Path:
    """Return a clip whose first `hidden_s` seconds its edit list hides."""
    from tests.footage import make_clip

    whole = make_clip(folder / "whole.mp4", frames=frames, fps=fps, gop=25, picture=numbered, audio=None)
    path = folder / "trimmed.mp4"
    with av.open(str(whole)) as taken, av.open(str(path), "w", options={"avoid_negative_ts": "disabled"}) as made:
        stream = taken.streams.video[0]
        copy = made.add_stream_from_template(stream)
        for packet in taken.demux(stream):
            if packet.size:
                packet.pts -= round(hidden_s / packet.time_base)
                packet.dts -= round(hidden_s / packet.time_base)
                packet.stream = copy
                made.mux(packet)
    return path

"""Pictures of a stream in the order in which they lie in the file, and what tells that two recordings meet in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from detectors._timeline import examined_stream
from pipeline.model import Features, Scalar, Table

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Ground:
    """One sign of a join, between two pictures that follow each other in the file."""

    name: str
    """Which sign, in a word or two."""
    start_s: float
    """Presentation time of the picture before."""
    stop_s: float
    """Presentation time of the first picture of what follows."""
    facts: Mapping[str, Scalar] = field(default_factory=dict)


def coded_pictures(features: Features) -> Table | None:
    """Return the packets of the examined pictures in file order, those that an edit list hides included.

    None if there is no such stream, or an edit list of several parts shuffles what a demuxer hands out.
    """
    row = examined_stream(features, "video")
    if row is None:
        return None
    stream = features["streams"]["stream"][row]
    if features.has("edits.stream"):
        edits = features["edits"]
        if (np.isfinite(edits["media_start_s"]) & (edits["stream"] == stream)).sum() > 1:
            return None
    packets = features["packets"]
    return packets.where((packets["stream"] == stream) & np.isfinite(packets["time_s"]))


def at(name: str, pictures: Table, row: int, **facts: Scalar) -> Ground:
    """Return a ground between the picture in this row and what was shown before it."""
    stop_s = float(pictures["time_s"][row])
    before = pictures["time_s"][:row]
    before = before[before < stop_s]
    return Ground(name, float(before.max()) if len(before) else stop_s, stop_s, facts)


def usual(values: Numbers) -> float:
    """Return the most frequent value; NaN if there is none."""
    known = values[np.isfinite(values)]
    if not len(known):
        return float("nan")
    found, count = np.unique(known, return_counts=True)
    return float(found[count.argmax()])

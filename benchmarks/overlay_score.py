"""What was read of an overlay against what is true of it: pure functions of tables, findings and truth."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from benchmarks.overlay_truth import Truth
from pipeline.forge.drawing import Box
from pipeline.model import Features, Finding, Level

NEAR_S = 1.0
"""How far a finding may lie from the edit that it is about."""
LONGEST_S = 4.0
"""Longer findings point at no edit: they are not counted as having found one."""
JUMPS = frozenset({"clock-jump", "clock-rate"})
MISSING = frozenset({"clock-missing"})
_LABEL = re.compile(r"^(设备号|设备编号|ID)[:：]?")


@dataclass(frozen=True, slots=True)
class Count:
    """So many of so many."""

    hits: int = 0
    of: int = 0

    def __add__(self, other: Count) -> Count:
        return Count(self.hits + other.hits, self.of + other.of)


def total(counts: Iterable[Count]) -> Count:
    """Return the sum of counts."""
    return sum(counts, Count())


def located(features: Features, truth: Truth, size: tuple[int, int]) -> bool:
    """Tell whether the clock was found where it stands in a picture of `size` (width, height).

    Half of the smaller of the two boxes must lie in the other: a line may have been taken together with its neighbour,
    a date on its own line may be left out.
    """
    if "overlay" not in features:
        return False
    table = features["overlay"]
    boxes = zip(*(table[side][table["field"] == "clock"] for side in ("left", "top", "right", "bottom")), strict=True)
    scale = (size[0], size[1], size[0], size[1])
    return any(
        _common(truth.boxes["clock"], tuple(side * by for side, by in zip(box, scale, strict=True))) >= 0.5
        for box in boxes
    )


def _common(one: Box, other: Sequence[float]) -> float:
    """Return the share of the smaller box that lies in the other one."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return max(0.0, width) * max(0.0, height) / max(min(areas), 1e-9)


def read_seconds(features: Features, truth: Truth) -> NDArray[np.float64]:
    """Return what was read in each picture of the truth; NaN where nothing was, or where it was not decoded."""
    read = np.full(len(truth.second), np.nan)
    if features.has("frames.clock_s"):
        found = features["frames"]["clock_s"][: len(read)]
        read[: len(found)] = found
    return read


def seconds_right(features: Features, truth: Truth) -> Count:
    """Count the seconds that the clock shows whose reading is right: the most frequent one of the second's pictures."""
    read = read_seconds(features, truth)
    shown = ~np.isnan(truth.second)
    edges = np.flatnonzero(np.diff(truth.second[shown], prepend=np.nan, append=np.nan) != 0)
    rows = np.flatnonzero(shown)
    right = 0
    for first, stop in pairwise(edges):
        said = read[rows[first:stop]]
        values, times = np.unique(said[~np.isnan(said)], return_counts=True)
        right += bool(len(values)) and values[times.argmax()] == truth.second[rows[first]]
    return Count(int(right), max(0, len(edges) - 1))


def pictures_right(features: Features, truth: Truth) -> Count:
    """Count the pictures that show a clock whose reading is right."""
    shown = ~np.isnan(truth.second)
    return Count(int((read_seconds(features, truth)[shown] == truth.second[shown]).sum()), int(shown.sum()))


def turns_right(features: Features, truth: Truth) -> Count:
    """Count the turnovers of the clock that were read in the very picture in which they happen."""
    read = read_seconds(features, truth)
    known = np.flatnonzero(~np.isnan(read))
    turns = set(known[1:][np.diff(read[known]) != 0].tolist())
    return Count(len(turns & set(truth.ticks)), len(truth.ticks))


def field_right(features: Features, truth: Truth, field: str) -> Count:
    """Tell whether a field was read as it is written, with or without its label; of 0 where the layout lacks it."""
    if field not in truth.fields:
        return Count()
    if "overlay" not in features:
        return Count(0, 1)
    table = features["overlay"]
    wanted = _plain(truth.fields[field])
    forms = {wanted, _LABEL.sub("", wanted)}
    said = {_plain(text) for name, text in zip(table["field"], table["text"], strict=True) if name == field and text}
    return Count(int(bool(said & forms)), 1)


def _plain(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).split())


# ---- findings --------------------------------------------------------------------------------------------------------


def told(findings: Iterable[Finding], kinds: frozenset[str] | None = None) -> list[Finding]:
    """Return the findings about the clock, suspect or stronger, of some kinds or of all."""
    return [
        found
        for found in findings
        if found.level != Level.NOTE and (found.kind in kinds if kinds is not None else found.kind.startswith("clock-"))
    ]


def points_at(found: Finding, start_s: float, stop_s: float) -> bool:
    """Tell whether a finding is short and lies within a second of a stretch."""
    span = found.span
    return (
        span.stop_s - span.start_s <= LONGEST_S + (stop_s - start_s)
        and span.start_s - NEAR_S <= stop_s
        and span.stop_s + NEAR_S >= start_s
    )


def edits_of(truth: Truth) -> list[tuple[float, float]]:
    """Return where something was done to a clip: (start, stop) in seconds."""
    rate = float(truth.rate)
    cuts = [((row - 1) / rate, row / rate) for row in (*(row for row, _ in truth.removals), *truth.moved)]
    runs = [(row / rate, (row + count) / rate) for row, count in (*truth.insertions, *truth.vanished)]
    return cuts + runs


def found_edits(findings: Sequence[Finding], edits: Iterable[tuple[float, float]], kinds: frozenset[str]) -> list[bool]:
    """Tell of each edit whether a finding of the right kind points at it."""
    right = told(findings, kinds)
    return [any(points_at(found, start_s, stop_s) for found in right) for start_s, stop_s in edits]


def removals_found(findings: Sequence[Finding], truth: Truth) -> list[tuple[int, bool]]:
    """Return of each removal how many pictures it took, and whether it was found by the clock's jump or rate."""
    rate = float(truth.rate)
    edits = [((row - 1) / rate, row / rate) for row, _ in truth.removals]
    hits = found_edits(findings, edits, JUMPS)
    return [(count, hit) for (_, count), hit in zip(truth.removals, hits, strict=True)]


def elsewhere(findings: Sequence[Finding], truth: Truth) -> list[Finding]:
    """Return the findings about the clock that point at nothing that was done: false alarms."""
    edits = edits_of(truth)
    return [found for found in told(findings) if not any(points_at(found, *edit) for edit in edits)]

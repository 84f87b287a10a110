"""What the reader of texts read of the burned-in clock here and there, held against what was followed in every picture.

The two rest on different models: a step that the one sees and the other does not is a wrong reading.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detectors._clock import DAY_S, Floats
from detectors._clock_steps import Course, sides_of
from pipeline.model import Features
from pipeline.signs.fields import read_clock

_SLACK_UNITS = 1.6
"""A line that was read shows whole seconds, and may have been read at the end of one."""
_REACH_S = 120.0


@dataclass(frozen=True, slots=True)
class Lines:
    """Clocks among the recorder's lines that were read: a row each."""

    time_s: Floats
    shown_s: Floats
    cycle_s: Floats
    """After how many seconds a value repeats; infinite where a date was read."""

    def within(self, start_s: float, stop_s: float) -> Lines:
        """Return those read between two times."""
        inside = (self.time_s >= start_s) & (self.time_s <= stop_s)
        return Lines(self.time_s[inside], self.shown_s[inside], self.cycle_s[inside])

    def apart(self, shown_s: Floats) -> Floats:
        """Return by how much each differs from what should be shown, whole cycles left out (seconds)."""
        off_s = self.shown_s - shown_s
        cycle_s = np.where(np.isfinite(self.cycle_s), self.cycle_s, 1e12)
        return np.abs((off_s + cycle_s / 2) % cycle_s - cycle_s / 2)


def clock_lines(features: Features) -> Lines:
    """Return the clocks that the reader of texts found; none if it did not look."""
    found: list[tuple[float, float, float]] = []
    if features.has("texts.overlay"):
        texts = features["texts"].where(features["texts"]["overlay"].astype(bool))
        for time_s, text in zip(texts["time_s"], texts["text"], strict=True):
            reading = read_clock(str(text)) if text else None
            if reading is not None and np.isfinite(time_s):
                dated = reading.day is not None and reading.cycle_s == DAY_S
                found.append((float(time_s), reading.clock_s, np.inf if dated else float(reading.cycle_s)))
    columns = np.array(found, np.float64).reshape(-1, 3).T
    return Lines(columns[0], columns[1], columns[2])


def contradicted(lines: Lines, course: Course, cuts: tuple[int, ...], cut: int, size_s: float) -> bool:
    """Tell whether the lines read on one side of a step fit the clock of the other side rather than of their own."""
    clock = course.clock
    slack_s = _SLACK_UNITS * clock.face.unit_s
    if abs(size_s) <= 2 * slack_s:
        return False
    before, _, after = next(sides for sides in sides_of(course, cuts) if sides[1] == cut)
    time_s = course.time_s
    old = lines.within(max(float(time_s[before]), float(time_s[cut]) - _REACH_S), float(time_s[cut - 1]))
    new = lines.within(float(time_s[cut]), min(float(time_s[after - 1]), float(time_s[cut]) + _REACH_S))
    for some, first, stop, change_s in ((old, before, cut, size_s), (new, cut, after, -size_s)):
        tick = np.clip(np.searchsorted(time_s, some.time_s, "right") - 1, first, stop - 1)
        due_s = clock.first.shown_s - clock.first.start_s + clock.ahead_s[course.row[tick]] + some.time_s
        own, other = some.apart(due_s) <= slack_s, some.apart(due_s + change_s) <= slack_s
        against = int(np.count_nonzero(other & ~own))
        if against > 0 and against >= np.count_nonzero(own & ~other):
            return True
    return False

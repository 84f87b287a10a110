"""How well removals are found by the burned-in clock alone, and how often an honest clock is accused: simulated.

    python -m benchmarks.clock_simulation [--hours 100] [--trials 200]

Clocks are simulated picture by picture; nothing is drawn or decoded. Honest recorders turn the clock over when the
second is over (ideal), at any of several pictures around (jitter), late for a few seconds now and then (bursts), wander
and come back, drift, count pictures in place of seconds, or ask for the time a little less often than once a second.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

import detectors  # noqa: F401  (registers every detector)
from pipeline.detector import REGISTRY
from pipeline.features.schema import table
from pipeline.model import Features, Finding, Level, Table

Floats = NDArray[np.float64]
START_S = 1_793_599_980.0
"""What a clock with a date shows at first."""


@dataclass(frozen=True, slots=True)
class Recorder:
    """How a recorder takes pictures and turns its clock over."""

    rate_hz: float = 25.0
    variable: bool = False
    """The rate halves in some stretches, single pictures lack, and distances vary by a fifth."""
    jitter_frames: float = 0.0
    jitter: str = "each"
    """each: every tick by itself; some: one in ten by itself; bursts: a few off together, now and then; wander:
    neighbours alike."""
    gain: float = 0.0
    """How much faster than the stream the clock runs (seconds a second)."""
    ask_every_s: float | None = None
    """The clock is drawn anew only so often: it falls behind, and leaves a second out when it has lost one."""
    unit_s: float = 1.0
    dated: bool = True


@dataclass(frozen=True, slots=True)
class Take:
    """What a clip's pictures measure: arrays with a row a picture."""

    time_s: Floats
    clock_s: Floats
    score: Floats
    luma_diff: Floats

    def without(self, first: int, count: int) -> Take:
        """Remove pictures; the stream closes up behind them."""
        gone_s = self.time_s[first + count] - self.time_s[first]
        kept = np.delete(np.arange(len(self.time_s)), np.s_[first : first + count])
        time_s = self.time_s[kept].copy()
        time_s[first:] -= gone_s
        luma_diff = self.luma_diff[kept].copy()
        luma_diff[first] *= 4.0
        return Take(time_s, self.clock_s[kept], self.score[kept], luma_diff)

    def with_foreign(self, first: int, count: int) -> Take:
        """Put in pictures without an overlay."""
        frame_s = float(np.median(np.diff(self.time_s)))
        time_s = np.concatenate((self.time_s[:first], self.time_s[first] + frame_s * np.arange(count)))
        time_s = np.concatenate((time_s, self.time_s[first:] + frame_s * count))
        return Take(
            time_s,
            np.insert(self.clock_s, first, np.full(count, np.nan)),
            np.insert(self.score, first, np.full(count, 0.05)),
            np.insert(self.luma_diff, first, np.full(count, 30.0)),
        )

    def repeated(self, first: int, count: int) -> Take:
        """Show `count` pictures before `first` once more."""
        frame_s = float(np.median(np.diff(self.time_s)))
        row = np.insert(np.arange(len(self.time_s)), first, np.arange(first - count, first))
        time_s = self.time_s[row].copy()
        time_s[first : first + count] += frame_s * count
        time_s[first + count :] += frame_s * count
        return Take(time_s, self.clock_s[row], self.score[row], self.luma_diff[row])

    def features(self, form: str | None = "0000-00-00 00:00:00", **columns: object) -> Features:
        """Return the tables; `columns` replaces columns of `frames`."""
        count = len(self.time_s)
        frames = {
            "time_s": self.time_s,
            "duration_s": np.append(np.diff(self.time_s), 0.04),
            "damaged": np.zeros(count, bool),
            "luma_diff": self.luma_diff,
            "clock_s": self.clock_s,
            "clock_score": self.score,
            **columns,
        }
        clock = {"field": "clock", "text": (form or "").replace("0", "1"), "form": form, "agreement": 1.0}
        rows = [{**clock, "readings": 12, "pictures": 12}]
        return Features({"frames": Table(frames), "overlay": table("overlay", rows)})


def take(recorder: Recorder, seconds: float, seed: int, start_s: float = START_S) -> Take:
    """Return an honest take."""
    chance = np.random.default_rng(seed)
    time_s = _times(recorder, seconds, chance)
    asked_s = time_s if recorder.ask_every_s is None else time_s // recorder.ask_every_s * recorder.ask_every_s
    count = int(seconds / recorder.unit_s * (1 + abs(recorder.gain))) + 3
    phase = chance.random()
    turns_s = (np.arange(1, count + 1) - phase) * recorder.unit_s / (1 + recorder.gain)
    turns_s = turns_s + _jitter(recorder, count, chance) / recorder.rate_hz
    clock_s = start_s + recorder.unit_s * np.searchsorted(np.maximum.accumulate(turns_s), asked_s + 1e-9, "right")
    if not recorder.dated:
        clock_s = clock_s % 86400
    score = np.clip(chance.normal(0.9, 0.04, len(time_s)), 0, 1)
    luma_diff = np.abs(chance.normal(5.0, 1.0, len(time_s)))
    luma_diff[0] = np.nan
    return Take(np.round(time_s * 90000) / 90000, clock_s, score, luma_diff)


def _times(recorder: Recorder, seconds: float, chance: np.random.Generator) -> Floats:
    step_s = 1 / recorder.rate_hz
    if not recorder.variable:
        return np.arange(0.0, seconds, step_s)
    count = int(seconds / step_s)
    slow = np.repeat(chance.random(count // 200 + 1) < 0.3, 200)[:count]
    steps_s = step_s * np.where(slow, 2.0, 1.0) * chance.uniform(0.8, 1.2, count)
    steps_s[chance.random(count) < 0.01] += 2 * step_s
    time_s = np.concatenate(([0.0], np.cumsum(steps_s)))
    return np.asarray(time_s[time_s < seconds], np.float64)


def _jitter(recorder: Recorder, count: int, chance: np.random.Generator) -> Floats:
    """Return by how many pictures every tick comes late."""
    most = recorder.jitter_frames
    if recorder.jitter == "each":
        return chance.uniform(-most, most, count) if most else np.zeros(count)
    late = np.zeros(count)
    if recorder.jitter == "some":
        return np.where(chance.random(count) < 0.1, chance.uniform(-most, most, count), 0.0)
    if recorder.jitter == "bursts":
        for at in np.flatnonzero(chance.random(count) < 0.02):
            late[at : at + chance.integers(1, 5)] = chance.uniform(-most, most)
        return late
    for at in range(1, count):
        late[at] = 0.8 * late[at - 1] + chance.normal(0, 0.25 * most)
    return np.clip(late, -most, most)


HONEST = {
    "25/s, ideal": Recorder(),
    "30/s, ideal": Recorder(rate_hz=30.0),
    "29.97/s, ideal": Recorder(rate_hz=30000 / 1001),
    "variable rate, ideal": Recorder(rate_hz=30.0, variable=True),
    "25/s, ±1 picture": Recorder(jitter_frames=1.0),
    "25/s, ±3 pictures": Recorder(jitter_frames=3.0),
    "29.97/s, ±3 pictures": Recorder(rate_hz=30000 / 1001, jitter_frames=3.0),
    "variable rate, ±3 pictures": Recorder(rate_hz=30.0, variable=True, jitter_frames=3.0),
    "25/s, one in ten by ±3 pictures": Recorder(jitter_frames=3.0, jitter="some"),
    "25/s, bursts of ±3 pictures": Recorder(jitter_frames=3.0, jitter="bursts"),
    "29.97/s, bursts of ±3 pictures": Recorder(rate_hz=30000 / 1001, jitter_frames=3.0, jitter="bursts"),
    "25/s, wanders by ±3 pictures": Recorder(jitter_frames=3.0, jitter="wander"),
    "25/s, drift of 3 s a day": Recorder(gain=3 / 86400),
    "29.97/s counted as 30": Recorder(rate_hz=30000 / 1001, gain=-0.001, ask_every_s=None),
    "asks every 1.02 s": Recorder(ask_every_s=1.02),
    "asks every 1.001 s": Recorder(ask_every_s=1.001),
    "no seconds": Recorder(unit_s=60.0),
}
FOUND_BY = ("clock-jump", "clock-rate", "clock-missing")


def accused(features: Features) -> list[Finding]:
    """Return what the clock's detectors say beyond notes."""
    found = [finding for name in FOUND_BY if name in REGISTRY for finding in REGISTRY[name](features)]
    return [finding for finding in found if finding.level is not Level.NOTE]


def false_alarms(recorder: Recorder, hours: float, clip_s: float, seed: int) -> int:
    """Return how many findings honest clips of one recorder give."""
    form = "0000-00-00 00:00" if recorder.unit_s > 1 else "0000-00-00 00:00:00"
    clips = round(hours * 3600 / clip_s)
    return sum(len(accused(take(recorder, clip_s, seed + n).features(form))) for n in range(clips))


def hits(recorder: Recorder, pictures: int, clip_s: float, trials: int, seed: int) -> tuple[int, int]:
    """Return how many removals are found within a second of their place, and how many findings lie elsewhere."""
    found = elsewhere = 0
    for trial in range(trials):
        whole = take(recorder, clip_s + pictures / recorder.rate_hz, seed + trial)
        chance = np.random.default_rng(seed + trial)
        low, high = np.searchsorted(whole.time_s, (5.0, clip_s - 5.0))
        first = int(chance.integers(low, high))
        cut = whole.without(first, pictures)
        at_s = cut.time_s[first]
        near = [f.span.start_s - 1.1 <= at_s <= f.span.stop_s + 1.1 for f in accused(cut.features())]
        found += any(near)
        elsewhere += len(near) - sum(near)
    return found, elsewhere


REMOVALS = (1, 2, 3, 5, 10, 25, 30, 50)
LENGTHS_S = (60.0, 600.0)


def rows(trials: int) -> Iterator[tuple[str, list[str]]]:
    """Yield the table of detection: recorder, and the share found in clips of 1 and 10 min for each number removed."""
    for name, recorder in HONEST.items():
        if recorder.unit_s == 1.0:
            cells = []
            for count in REMOVALS:
                found = [hits(recorder, count, clip_s, trials, 1000 * count)[0] for clip_s in LENGTHS_S]
                cells.append(" / ".join(f"{100 * number / trials:.0f}" for number in found))
            yield name, cells


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--hours", type=float, default=100.0, help="honest footage of every recorder")
    parser.add_argument("--trials", type=int, default=200, help="removals of every kind")
    options = parser.parse_args()
    print("| recorder | " + " | ".join(map(str, REMOVALS)) + " |\n|" + " --- |" * (len(REMOVALS) + 1))
    for name, shares in rows(options.trials):
        print(f"| {name} | " + " | ".join(shares) + " |", flush=True)
    print(f"\n| recorder | findings in {options.hours:.0f} h of clips of 1 min | of 10 min |\n| --- | --- | --- |")
    for name, recorder in HONEST.items():
        counts = [false_alarms(recorder, options.hours, clip_s, 1_000_000) for clip_s in LENGTHS_S]
        print(f"| {name} | {counts[0]} | {counts[1]} |", flush=True)


if __name__ == "__main__":
    main()

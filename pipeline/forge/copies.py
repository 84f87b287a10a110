"""Forgeries that touch no picture: packets of finished recordings are copied, left out, shifted, joined."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.forge.copying import Segment
from pipeline.forge.plan import Event
from pipeline.media.evidence import demuxer
from pipeline.media.probe import default_streams
from pipeline.media.sniff import sniff
from pipeline.model import Span

_JUMP = frozenset({"missing-frames", "picture-cut", "clock-jump", "clock-rate"})
_GAP = _JUMP | {"timestamp-gap"}
_LEAD_SHARE = 0.2


@dataclass(frozen=True, slots=True)
class _Table:
    """The picture packets of a recording in the order of the file."""

    times_s: NDArray[np.float64]
    keys: NDArray[np.bool_]
    exact: tuple[Fraction, ...]
    period_s: float

    @property
    def shown_s(self) -> NDArray[np.float64]:
        return np.sort(self.times_s)

    def clean(self) -> NDArray[np.int64]:
        """Return the packets before which the file can be cut: all that stand before are shown before, too."""
        before = np.maximum.accumulate(self.times_s)[:-1]
        behind = np.minimum.accumulate(self.times_s[::-1])[::-1][1:]
        return np.flatnonzero(before < behind) + 1


def _table(path: Path) -> _Table:
    container = sniff(path)
    with demuxer(path, container.demuxer) as opened:
        index = next(index for index, kind in default_streams(opened).items() if kind == "video")
        stream = opened.streams[index]
        stamps = ((p.dts if p.pts is None else p.pts, p) for p in opened.demux(stream) if p.size)
        found = [(time * Fraction(p.time_base), p.is_keyframe) for time, p in stamps if time is not None]
    times = np.array([float(time) for time, _ in found])
    period = float(np.median(np.diff(np.sort(times)))) if len(times) > 1 else 0.04
    return _Table(times, np.array([key for _, key in found]), tuple(time for time, _ in found), period)


@dataclass(frozen=True, slots=True)
class Copied:
    """What a copy came to: segments to write, and where it is told."""

    segments: tuple[Segment, ...]
    events: tuple[Event, ...]
    shown_s: NDArray[np.float64]
    """Presentation times of the pictures that a player shows, from 0."""


def _event(
    what: str, pictures: int, seconds: float, table: NDArray[np.float64], at: int, kinds: frozenset[str]
) -> Event:
    """Return an event at the seam before picture `at` of the forged clip."""
    beside = frozenset({"stream-change", "header-mismatch", "audio-break", "av-desync", "timestamp-disorder"})
    return Event(
        what, pictures, seconds, Span(float(table[at - 1]), float(table[at]), at - 1, at), kinds, beside - kinds
    )


def gap(paths: Sequence[Path], amount: float, chance: random.Random, *, closed: bool) -> Copied | None:
    """Leave out at least `amount` seconds that end at a key picture."""
    table = _table(paths[0])
    first_s = float(table.shown_s[0])
    clean = table.clean()
    earliest, latest = _LEAD_SHARE * len(table.times_s), (1 - _LEAD_SHARE / 2) * len(table.times_s)
    choices = []
    for key in np.flatnonzero(table.keys):
        stops = clean[clean <= key]
        cuts = stops[table.times_s[key] - _first_after(table, stops) >= amount - 1e-6]
        if len(cuts) and cuts[-1] >= earliest and key <= latest:
            choices.append((int(cuts[-1]), int(key)))
    if not choices:
        return None
    cut, resumed = chance.choice(choices)
    cut_exact, key_exact = min(table.exact[cut:]), table.exact[resumed]
    cut_s, key_s, half = float(cut_exact), float(key_exact), table.period_s / 2
    shift = cut_exact - key_exact if closed else Fraction(0)
    segments = (
        Segment(paths[0], lambda pictures, time_s: time_s < cut_s - half),
        Segment(paths[0], lambda pictures, time_s: time_s >= key_s - half, shift),
    )
    kept = table.shown_s[(table.shown_s < cut_s - half) | (table.shown_s >= key_s - half)] - first_s
    kept = np.where(kept >= key_s - first_s - half, kept + float(shift), kept)
    at = int(np.sum(table.shown_s < cut_s - half))
    kinds = _JUMP | {"stream-change", "audio-break"} if closed else _GAP
    count = len(table.times_s) - len(kept)
    return Copied(segments, (_event("left out", count, key_s - cut_s, kept, at, kinds),), kept)


def _first_after(table: _Table, stops: NDArray[np.int64]) -> NDArray[np.float64]:
    behind = np.minimum.accumulate(table.times_s[::-1])[::-1]
    return behind[np.minimum(stops, len(behind) - 1)]


def drop(paths: Sequence[Path], amount: float, chance: random.Random, *, any_packet: bool) -> Copied | None:
    """Drop packets of pictures and keep all times: `amount` in a row that hold no key picture, or `amount` seconds."""
    table = _table(paths[0])
    count = round(amount / table.period_s) if any_packet else round(amount)
    low, high = int(_LEAD_SHARE * len(table.times_s)), int((1 - _LEAD_SHARE) * len(table.times_s)) - count
    order = np.argsort(table.times_s)
    keys = table.keys[order]
    starts = [at for at in range(max(1, low), high) if any_packet or not keys[at : at + count].any()]
    if not starts:
        return None
    at = chance.choice(starts)
    shown = table.shown_s
    low_s, high_s, half = float(shown[at]), float(shown[at + count]), table.period_s / 2
    keep = Segment(paths[0], lambda pictures, time_s: not (pictures and low_s - half <= time_s < high_s - half))
    kept = np.delete(shown, slice(at, at + count)) - shown[0]
    return Copied((keep,), (_event("dropped", count, high_s - low_s, kept, at, _GAP),), kept)


def join(paths: Sequence[Path], amount: float, chance: random.Random) -> Copied | None:
    """Put a second recording behind the first part of the first one."""
    first, second = _table(paths[0]), _table(paths[1])
    clean = first.clean()
    usable = clean[(clean > _LEAD_SHARE * len(first.times_s)) & (clean < (1 - _LEAD_SHARE) * len(first.times_s))]
    if not len(usable):
        return None
    cut = int(chance.choice(usable))
    cut_exact, start = min(first.exact[cut:]), min(second.exact)
    cut_s, half = float(cut_exact), first.period_s / 2
    segments = (
        Segment(paths[0], lambda pictures, time_s: time_s < cut_s - half),
        Segment(paths[1], lambda pictures, time_s: time_s >= float(start) - half, cut_exact - start),
    )
    before = first.shown_s[first.shown_s < cut_s - half]
    shown = np.concatenate((before, second.shown_s - float(start) + cut_s)) - first.shown_s[0]
    kinds = _JUMP | {"stream-change", "clock-missing", "audio-break"}
    event = _event("joined", len(second.times_s), float(np.ptp(second.times_s)), shown, len(before), kinds)
    return Copied(segments, (event,), shown)


def trim(paths: Sequence[Path], amount: float, chance: random.Random) -> Copied | None:
    """Hide the first `amount` seconds by an edit list."""
    table = _table(paths[0])
    shown = table.shown_s
    hidden = int(np.searchsorted(shown, shown[0] + amount - table.period_s / 2))
    if hidden >= len(shown) - 1:
        return None
    shift = -sorted(table.exact)[hidden]
    kept = shown[hidden:] - shown[hidden]
    segment = Segment(paths[0], lambda pictures, time_s: True, shift)
    span = Span(0.0, float(kept[1]), 0, 1)
    beside = frozenset({"header-mismatch", "clock-offset"})
    return Copied((segment,), (Event("hidden", hidden, amount, span, frozenset({"edit-list"}), beside),), kept)


def whole(paths: Sequence[Path], amount: float, chance: random.Random) -> Copied | None:
    """Copy everything, or whole groups of reordered pictures up to `amount` seconds of the file's own time."""
    table = _table(paths[0])
    stop_s = math.inf
    if amount:
        latest = np.maximum.accumulate(table.times_s)
        cuts = [cut for cut in table.clean() if latest[cut - 1] < amount]
        if cuts and latest[-1] >= amount:
            stop_s = float(min(table.exact[cuts[-1] :])) - table.period_s / 2
    kept = table.shown_s[table.shown_s < stop_s]
    return Copied((Segment(paths[0], lambda pictures, time_s: time_s < stop_s),), (), kept - kept[0])


Way = Callable[[Sequence[Path], float, random.Random], Copied | None]
WAYS: dict[str, Way] = {
    "remux": whole,
    "join": join,
    "gap-closed": partial(gap, closed=True),
    "gap-kept": partial(gap, closed=False),
    "drop": partial(drop, any_packet=False),
    "drop-any": partial(drop, any_packet=True),
    "trim": trim,
}
"""Name → how packets are copied; None: there is no place for the cut."""

"""Pictures shown earlier that appear again: loops, repeated stretches, and play backwards."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors._looks import COLUMNS, Floats, distance, distances, looks
from detectors._timeline import span_of
from pipeline.detector import detector
from pipeline.model import Curve, Features, Finding, Level, Message

_FEWEST_FRAMES = 12
_BLOCK = 128
"""Pictures that are held against all earlier ones at once."""
_PROBES = 3
"""A repeat of the shortest length holds so many of the pictures that are looked for."""
_NEAREST = 12
"""Earlier pictures that each of them is followed up with at most."""


@dataclass(frozen=True, slots=True)
class _Repeat:
    """Pictures `first` to `stop` show again what pictures from `source` on showed, forwards (1) or backwards (-1)."""

    first: int
    stop: int
    source: int
    way: int
    apart: float
    beside: float


@detector(
    "repeated-frames",
    version=2,
    needs=("frames.time_s", "frames.damaged", *COLUMNS),
    emits=("repeated-frames",),
)
def repeated_frames(
    features: Features,
    *,
    min_repeat_s: float = 0.4,
    max_apart: float = 1.2,
    min_motion: float = 1.0,
    min_ratio: float = 2.0,
    violation_s: float = 0.8,
    violation_ratio: float = 4.0,
) -> Iterator[Finding]:
    """Yield one finding per stretch whose pictures were all shown before, in the same or in the opposite order.

    A camera that comes back to a view shows it with another motion, other light and other noise; a copy shows every
    picture again in its turn. So the pictures must agree one by one much better than they agree with the pictures next
    to their counterparts, and something must move in them: a still camera on a still scene is no loop, nor are lamps
    that flicker.

    Parameters
    ----------
    min_repeat_s : float
        Shortest repeat that is told (seconds).
    max_apart : float
        Root mean square difference of the 8 x 8 means of a picture and its counterpart up to which they may be copies
        that went through an encoder (0 to 255).
    min_motion : float
        By how much pictures half of `min_repeat_s` apart differ at least, in the middle of a repeat (0 to 255).
    min_ratio : float
        How many times further than their counterparts the pictures next to these must be, to be suspect.
    violation_s : float
        Shortest repeat that may be a violation (seconds).
    violation_ratio : float
        The same ratio, to be a violation.

    References
    ----------
    W. Wang, H. Farid, "Exposing digital forgeries in video by detecting duplication", ACM MM&Sec (2007), 35-42.
    """
    frames = features["frames"]
    time_s = frames["time_s"]
    if frames.rows < _FEWEST_FRAMES or not np.isfinite(time_s).all():
        return
    frame_s = float(np.median(np.diff(time_s)))
    if frame_s <= 0:
        return
    seen = looks(frames)
    seen = seen - seen.mean(axis=1, keepdims=True)  # lamps that flicker repeat themselves, and are no motion
    length = max(4, round(min_repeat_s / frame_s))
    told = np.zeros(frames.rows, bool)
    damaged = frames["damaged"].astype(bool)
    for repeat in _repeats(seen, length, max_apart, min_motion, min_ratio):
        if (told | damaged)[repeat.first : repeat.stop].any():
            continue  # a decoder that makes pictures up repeats what it has
        told[repeat.first : repeat.stop] = True
        yield _finding(features, repeat, frame_s, violation_s, violation_ratio)


def _repeats(seen: Floats, length: int, max_apart: float, min_motion: float, min_ratio: float) -> Iterator[_Repeat]:
    """Yield repeats, the longest first."""
    step = max(1, length // _PROBES)
    probes = np.arange(step, len(seen), step)
    half = max(2, length // 2)
    ends = np.clip(probes - half, 0, None), np.clip(probes + half, None, len(seen) - 1)
    probes = probes[distance(seen[ends[0]], seen[ends[1]]) >= min_motion]  # where nothing moves all is alike
    found: dict[tuple[int, int, int], _Repeat] = {}
    for at in range(0, len(probes), _BLOCK):
        block = probes[at : at + _BLOCK]
        apart = distances(seen[block], seen[: block[-1]])
        for row in np.flatnonzero((apart <= max_apart).any(axis=1)).tolist():
            probe = int(block[row])
            for near in _counterparts(apart[row, : max(0, probe - 1)], max_apart):
                for way in (1, -1):
                    repeat = _followed(seen, probe, near, way, max_apart)
                    if repeat is None or repeat.stop - repeat.first < length:
                        continue
                    if _moves(seen, repeat, length, min_motion) and repeat.beside >= min_ratio * repeat.apart:
                        found[repeat.first, repeat.source, way] = repeat
    yield from sorted(found.values(), key=lambda repeat: (repeat.first - repeat.stop, repeat.apart))


def _counterparts(apart: Floats, max_apart: float) -> list[int]:
    """Return the pictures that a picture is nearest to, of each run of near ones the nearest."""
    lowest = np.ones(len(apart), bool)
    lowest[1:] &= apart[1:] <= apart[:-1]
    lowest[:-1] &= apart[:-1] <= apart[1:]
    near = np.flatnonzero(lowest & (apart <= max_apart))
    return [int(k) for k in near[np.argsort(apart[near])][:_NEAREST]]


def _followed(seen: Floats, probe: int, near: int, way: int, max_apart: float) -> _Repeat | None:
    """Return how far the pictures around `probe` and those around `near` go on agreeing."""
    after = _agreeing(seen, probe, near, 1, way, max_apart)
    before = _agreeing(seen, probe, near, -1, way, max_apart)
    if way < 0:  # play backwards mirrors what comes right before it: a repeat begins behind the mirror
        before = min(before, (probe - near - 1) // 2)
    first, stop = probe - before, probe + after + 1
    source = near - way * before
    here = np.arange(first, stop)
    there = source + way * np.arange(len(here))
    if there.max() >= first:  # what overlaps itself is stillness, or a turn of the camera
        return None
    apart = float(np.median(distance(seen[here], seen[there])))
    beside = [
        float(np.median(distance(seen[here], seen[np.clip(there + shift, 0, len(seen) - 1)]))) for shift in (-2, 2)
    ]
    return _Repeat(first, stop, source, way, max(apart, 0.1), min(beside))


def _agreeing(seen: Floats, probe: int, near: int, ahead: int, way: int, max_apart: float) -> int:
    """Return for how many pictures on from `probe` (`ahead` 1) or back (-1) they agree with their counterparts."""
    there = way * ahead
    room = min(
        len(seen) - 1 - probe if ahead > 0 else probe,
        len(seen) - 1 - near if there > 0 else near,
    )
    here, other = probe + ahead * np.arange(1, room + 1), near + there * np.arange(1, room + 1)
    count = 0
    while count < room:  # in pieces: most runs end at once
        piece = slice(count, count + 64)
        far = np.flatnonzero(distance(seen[here[piece]], seen[other[piece]]) > max_apart)
        if len(far):
            return count + int(far[0])
        count += len(here[piece])
    return room


def _moves(seen: Floats, repeat: _Repeat, length: int, min_motion: float) -> bool:
    half = max(2, length // 2)
    here: NDArray[np.intp] = np.arange(repeat.first, repeat.stop - half)
    return len(here) > 0 and float(np.median(distance(seen[here], seen[here + half]))) >= min_motion


def _finding(
    features: Features, repeat: _Repeat, frame_s: float, violation_s: float, violation_ratio: float
) -> Finding:
    time_s = features["frames"]["time_s"]
    start_s = float(time_s[repeat.first])
    stop_s = float(time_s[repeat.stop]) if repeat.stop < len(time_s) else float(time_s[-1]) + frame_s
    seconds, ratio = stop_s - start_s, repeat.beside / repeat.apart
    earlier_s = float(time_s[min(repeat.source, repeat.source + repeat.way * (repeat.stop - repeat.first - 1))])
    said = (
        "For {seconds:.2f} s the pictures show again, one by one, what was shown from {earlier:.2f} s on."
        if repeat.way > 0
        else "For {seconds:.2f} s the pictures show again, backwards, what was shown from {earlier:.2f} s on."
    )
    return Finding(
        kind="repeated-frames",
        level=Level.VIOLATION if seconds >= violation_s and ratio >= violation_ratio else Level.SUSPECT,
        span=span_of(features, start_s, stop_s),
        message=Message(said, {"seconds": seconds, "earlier": earlier_s}),
        evidence={
            "seconds": seconds,
            "pictures": repeat.stop - repeat.first,
            "shown_before_at_s": earlier_s,
            "backwards": repeat.way < 0,
            "difference": repeat.apart,
            "difference_beside": repeat.beside,
        },
        curves=(Curve("frames.luma_diff"),),
    )

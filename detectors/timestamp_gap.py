"""Holes in the presentation times of pictures and sound."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors._timeline import examined_stream, neighbours, span_of
from pipeline.detector import detector
from pipeline.model import Curve, Features, Finding, Level, Message

_FEWEST_INTERVALS = 8
"""Below this there is no cadence to judge by."""
_REACH = 15
"""Intervals on either side that make the local cadence."""
_HABIT_SHARE = 0.01
"""Long intervals at least this frequent in irregular footage are its habit."""


@dataclass(frozen=True, slots=True)
class _Hole:
    start_s: float
    stop_s: float
    usual_s: float
    """The interval that the cadence lets expect here."""
    regular: bool
    """The stream keeps an even cadence elsewhere."""
    stated: bool
    """The file states that the last packet before lasts until the next: nothing lacks on paper."""

    @property
    def missing_s(self) -> float:
        return self.stop_s - self.start_s - self.usual_s

    @property
    def single(self) -> bool:
        """No more than one picture lacks."""
        return self.missing_s < 1.5 * self.usual_s


@detector(
    "timestamp-gap",
    version=2,
    needs=(
        "streams.stream",
        "streams.kind",
        "streams.default",
        "packets.stream",
        "packets.time_s",
        "packets.duration_s",
        "packets.discard",
    ),
    emits=("timestamp-gap",),
)
def timestamp_gap(
    features: Features,
    *,
    min_ratio: float = 1.6,
    min_ratio_irregular: float = 4.0,
    min_missing_irregular_s: float = 0.3,
    min_missing_sound_s: float = 0.1,
    min_violation_s: float = 0.5,
    max_short_holes: int = 5,
) -> Iterator[Finding]:
    """Yield one finding per stretch of the timeline in which the stream's own cadence lets expect more packets.

    Each interval between consecutive presentation times is compared with the median of the intervals around it and
    of the whole stream. The duration that the file states for a packet does not excuse an interval: when packets are
    taken out of an MP4 file without re-encoding, the sample before the removal is simply written as a long one.
    Footage of variable rate is judged by its own habit: an interval counts only if it is far longer than the longest
    one in a hundred, and never as a violation. A single picture that lacks is a note: phones and cameras under load
    skip one now and then.

    Parameters
    ----------
    min_ratio : float
        Where the cadence is even: an interval this many times the usual one is a hole.
    min_ratio_irregular : float
        Where the rate varies: an interval this many times the longest habitual one is a hole.
    min_missing_irregular_s : float
        Where the rate varies: shorter holes are ignored (seconds).
    min_missing_sound_s : float
        Shorter holes in the sound are ignored: packets of sound are rounded more coarsely (seconds).
    min_violation_s : float
        A hole in the pictures of an even cadence that is this long is a violation (seconds).
    max_short_holes : int
        More holes than this that are shorter than `min_violation_s` are told as one finding: they may be the recorder's
        habit, or a series of short removals.

    References
    ----------
    ISO/IEC 14496-12:2022, 8.6.1.2 (decoding time to sample box) and 8.6.1.3 (composition time to sample box).
    """
    pictures = _holes_of(features, "video", min_ratio, min_ratio_irregular, min_missing_irregular_s)
    sound = _holes_of(features, "audio", min_ratio, min_ratio_irregular, min_missing_irregular_s)
    short = [hole for hole in pictures if hole.missing_s < min_violation_s]
    habit = len(short) > max_short_holes
    if habit:
        yield _of_habit(features, short, pictures=True)
    for hole in pictures:
        if not (habit and hole in short):
            yield _in_pictures(features, hole, _together(hole, sound), min_violation_s)
    alone = [hole for hole in sound if hole.missing_s >= min_missing_sound_s and not _together(hole, pictures)]
    if len(alone) > max_short_holes:
        yield _of_habit(features, alone, pictures=False)
    else:
        for hole in alone:
            yield _in_sound(features, hole)


def _holes_of(features: Features, kind: str, ratio: float, ratio_irregular: float, missing_s: float) -> list[_Hole]:
    row = examined_stream(features, kind)
    if row is None:
        return []
    packets = features["packets"]
    shown = (packets["stream"] == features["streams"]["stream"][row]) & ~packets["discard"].astype(bool)
    shown &= np.isfinite(packets["time_s"])
    order = np.argsort(packets["time_s"][shown], kind="stable")
    time_s, duration_s = packets["time_s"][shown][order], packets["duration_s"][shown][order]
    interval_s = np.diff(time_s)
    if len(interval_s) < _FEWEST_INTERVALS:
        return []
    usual_s, regular = _cadence(interval_s)
    local_s = np.maximum(usual_s, _local_median(interval_s))
    if regular:
        holes = interval_s > ratio * local_s
    else:
        habitual_s = np.sort(interval_s)[-1 - max(2, int(len(interval_s) * _HABIT_SHARE))]
        holes = interval_s > ratio_irregular * np.maximum(local_s, habitual_s)
        holes &= interval_s - local_s >= missing_s
    return [
        _Hole(
            start_s=float(time_s[i]),
            stop_s=float(time_s[i + 1]),
            usual_s=float(local_s[i]),
            regular=regular,
            stated=bool(duration_s[i] >= interval_s[i] - 0.5 * local_s[i]),
        )
        for i in np.flatnonzero(holes)
    ]


def _cadence(interval_s: NDArray[np.float64]) -> tuple[float, bool]:
    """Return the median interval, and whether nine intervals of ten keep to it.

    Two milliseconds are granted to containers that round times to one (Matroska, AVI by index).
    """
    usual_s = float(np.median(interval_s))
    even = np.abs(interval_s - usual_s) <= max(0.1 * usual_s, 0.002)
    return usual_s, bool(even.mean() >= 0.9)


def _local_median(interval_s: NDArray[np.float64]) -> NDArray[np.float64]:
    median: NDArray[np.float64] = np.nanmedian(neighbours(interval_s, _REACH), axis=1)
    return median


def _together(hole: _Hole, others: list[_Hole]) -> bool:
    return any(
        other.start_s < hole.stop_s + hole.usual_s and hole.start_s < other.stop_s + other.usual_s for other in others
    )


def _evidence(hole: _Hole) -> dict[str, float | bool]:
    return {
        "interval_s": hole.stop_s - hole.start_s,
        "usual_interval_s": hole.usual_s,
        "even_cadence": hole.regular,
        "stated_as_duration": hole.stated,
    }


def _in_pictures(features: Features, hole: _Hole, sound_too: bool, min_violation_s: float) -> Finding:
    clear = hole.regular and hole.missing_s >= min_violation_s
    skipped = hole.single and not sound_too
    template = (
        "No picture for {seconds:.2f} s, and no sound either; a picture every {usual:.3f} s is usual here."
        if sound_too
        else "No picture for {seconds:.2f} s; a picture every {usual:.3f} s is usual here."
    )
    return Finding(
        kind="timestamp-gap",
        level=Level.VIOLATION if clear else Level.NOTE if skipped else Level.SUSPECT,
        span=span_of(features, hole.start_s, hole.stop_s),
        message=Message(template, {"seconds": hole.stop_s - hole.start_s, "usual": hole.usual_s}),
        evidence={**_evidence(hole), "sound_too": sound_too},
        curves=(Curve("packets.time_s"),),
    )


def _in_sound(features: Features, hole: _Hole) -> Finding:
    return Finding(
        kind="timestamp-gap",
        level=Level.SUSPECT,
        span=span_of(features, hole.start_s, hole.stop_s),
        message=Message(
            "The sound has a hole of {seconds:.2f} s while the pictures run on.", {"seconds": hole.missing_s}
        ),
        evidence=_evidence(hole),
        curves=(Curve("packets.time_s"),),
    )


def _of_habit(features: Features, holes: list[_Hole], *, pictures: bool) -> Finding:
    return Finding(
        kind="timestamp-gap",
        level=Level.NOTE if pictures and all(hole.single for hole in holes) else Level.SUSPECT,
        span=span_of(features, holes[0].start_s, holes[-1].stop_s),
        message=Message(
            "{count} short holes in the times, the longest of {seconds:.2f} s: a recorder that skips now and then "
            "leaves them, and so does a series of short removals.",
            {"count": len(holes), "seconds": max(hole.stop_s - hole.start_s for hole in holes)},
        ),
        evidence={
            "holes": len(holes),
            "at_s": [hole.start_s for hole in holes[:100]],
            "longest_s": max(hole.stop_s - hole.start_s for hole in holes),
        },
        curves=(Curve("packets.time_s"),),
    )

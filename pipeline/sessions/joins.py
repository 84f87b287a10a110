"""What lies between two clips of one recorder that follow each other."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import pairwise

from detectors._looks import distance
from pipeline.sessions.clips import Clip, Edge
from pipeline.sessions.naming import Name
from pipeline.sessions.recording import parsed

LEAST_DIFFERENCE = 0.5
"""Grey levels: pictures that differ less are alike, however still the camera stands."""
MIXED_S = 5.0
"""How far off times of different sources may be beyond each by itself: a recorder's clock drifts up to 3 s a day."""
PAUSE_SLACK_S = 60.0
"""Times in a case record are written down to the minute."""


@dataclass(frozen=True, slots=True, eq=False)
class Join:
    """What lies between two clips that follow each other; see table `joins` for the fields."""

    before: Clip
    after: Clip
    gap_s: float = math.nan
    within_s: float = math.nan
    time_from: str | None = None
    conflict_s: float = math.nan
    numbers: int | None = None
    same_place: bool | None = None
    picture_ratio: float = math.nan
    sound_step_db: float = math.nan
    unread: tuple[str, ...] = ()
    stated: str | None = None


def joins_of(run: Sequence[Clip]) -> list[Join]:
    """Return the joins of clips in their order; what could not be examined stands between them."""
    readable = [number for number, clip in enumerate(run) if clip.readable]
    joins = []
    for one, other in pairwise(readable):
        unread = tuple(clip.label for clip in run[one + 1 : other])
        joins.append(replace(join(run[one], run[other]), unread=unread))
    return joins


def join(before: Clip, after: Clip) -> Join:
    """Measure what lies between two clips of one recorder."""
    gap_s, within_s, source = _gap(before, after)
    return Join(
        before=before,
        after=after,
        gap_s=gap_s,
        within_s=within_s,
        time_from=source,
        conflict_s=_conflict_s(before, after, gap_s, source),
        numbers=_step(before.name, after.name),
        same_place=same(before, after, "place.names"),
        picture_ratio=_picture_ratio(before.last, after.first),
        sound_step_db=after.first.level_dbfs - before.last.level_dbfs,
        stated=_stated(before, after),
    )


def _gap(before: Clip, after: Clip) -> tuple[float, float, str | None]:
    """Return the gap by the best source that both have, else by the best of each."""
    sources = {times.source: times for times in after.times}
    for one in before.times:
        other = sources.get(one.source)
        if other is not None:
            return (other.started_at - one.ended_at).total_seconds(), max(one.within_s, other.within_s), one.source
    if before.times and after.times:
        one, other = before.times[0], after.times[0]
        within_s = max(one.within_s, other.within_s) + MIXED_S
        return (other.started_at - one.ended_at).total_seconds(), within_s, "mixed"
    return math.nan, math.nan, None


def _conflict_s(before: Clip, after: Clip, gap_s: float, source: str | None) -> float:
    """Return by how much another common source gives another gap; creation times say too little of what they mean."""
    others = {times.source: times for times in after.times if times.source not in (source, "metadata")}
    gaps = [
        (others[one.source].started_at - one.ended_at).total_seconds() for one in before.times if one.source in others
    ]
    return max((abs(other - gap_s) for other in gaps), default=math.nan)


def _step(before: Name | None, after: Name | None) -> int | None:
    """Return by how much the number of the file rises, 1 if none is missing; None where there are no numbers.

    After the largest number that its figures can hold, a sequence begins again at 0 or 1; some begin anew each day.
    """
    if before is None or after is None or before.number is None or after.number is None:
        return None
    if before.scheme != after.scheme:
        return None
    if before.number == after.number and before.chapter is not None and after.chapter is not None:
        return after.chapter - before.chapter
    if after.number < before.number:
        another_day = before.started_at and after.started_at and before.started_at.date() != after.started_at.date()
        size = int(10**before.digits)
        round_again = after.number + size - before.number
        if round_again <= size // 10:
            return max(1, round_again - (after.number > 0))  # some begin again at 0, some at 1
        return None if another_day else after.number - before.number
    return after.number - before.number


def _picture_ratio(last: Edge, first: Edge) -> float:
    if last.look is None or first.look is None:
        return math.nan
    usual = max((value for value in (last.usual, first.usual) if math.isfinite(value)), default=0.0)
    return float(distance(first.look, last.look)) / max(usual, LEAST_DIFFERENCE)


def _stated(before: Clip, after: Clip) -> str | None:
    """Return the reason that either case record gives for an interruption here."""
    if before.recording.ended_at is None or after.recording.started_at is None:
        return None
    slack = timedelta(seconds=PAUSE_SLACK_S)
    for entry in (*before.stated("pauses"), *after.stated("pauses")):
        period, _, reason = entry.partition(" ")
        start, _, stop = period.partition("/")
        begun, ended = parsed(start), parsed(stop)
        if (
            begun
            and ended
            and begun - slack <= before.recording.ended_at
            and after.recording.started_at <= ended + slack
        ):
            return reason.strip() or None
    return None


def same(one: Clip, other: Clip, name: str) -> bool | None:
    """Tell whether two case records agree in a field, of a list in its first entry; None where either is silent."""
    first, second = one.stated(name), other.stated(name)
    return first[0] == second[0] if first and second else None

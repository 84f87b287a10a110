"""Whether the clips of one recorder at one place follow each other without a hole."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from annotated_types import Ge

from detectors._timeline import extent, span_of
from pipeline.detector import detector
from pipeline.model import Features, Finding, Level, Message, Scalar, Table

SPLIT = (
    "{after} goes on where {before} ends ({gap_s:.1f} s later, to {within_s:.1f} s): the recorder split the recording "
    "by itself."
)
PRE_RECORD = (
    "{after} begins {overlap_s:.1f} s before {before} ends: the recorder keeps the moments before it is switched on."
)
BY_PICTURE = "{after} follows {before} by its number, and the picture goes on without a jump. No time says so."
MOVED = "Between {before} and {after} nothing was recorded for {gap_s:.1f} s: they are of different places."
STATED = (
    "Between {before} and {after} nothing was recorded for {gap_s:.1f} s. The case record gives the reason: {stated}"
)
GAP = "Between {before} and {after}, at one place, nothing was recorded for {gap_s:.1f} s (to {within_s:.1f} s)."
GAP_SOMEWHERE = (
    "Between {before} and {after} nothing was recorded for {gap_s:.1f} s (to {within_s:.1f} s). The case records do "
    "not say that both are of one place."
)
GAP_UNSURE = (
    "Between {before} and {after} nothing was recorded for about {gap_s:.1f} s, if the times are right; they are known "
    "to {within_s:.1f} s only."
)
GAP_DISPUTED = (
    "Between {before} and {after} nothing was recorded for {gap_s:.1f} s by the times of one source; those of another "
    "differ by {conflict_s:.1f} s."
)
GAP_SEAMLESS = (
    "Between {before} and {after} the burned-in clock goes on by {gap_s:.1f} s, but the picture goes on without a "
    "jump: the clock may have been misread or set."
)
GAP_UNREAD = "Between {before} and {after} lie {gap_s:.1f} s. What could not be examined belongs in between: {unread}."
UNKNOWN = "Whether anything lies between {before} and {after} cannot be told: nothing says when both were recorded."
OVERLAPS = (
    "{after} begins {overlap_s:.1f} s before {before} ends. One recorder cannot make two recordings at once: a clock "
    "was set, or one of them is of another recorder."
)
MISSING = "Between {before} and {after} {count} of the recorder's numbers are missing, and nothing was recorded there."
MISSING_ELSEWHERE = (
    "Between {before} and {after}, which are of different places or parted by a stated interruption, {count} of the "
    "recorder's numbers are missing."
)
MISSING_GOES_ON = (
    "Between {before} and {after} {count} of the recorder's numbers are missing, though the recording goes on: photos "
    "take numbers too."
)
OUT_OF_ORDER = (
    "{after} bears a lower number than {before} and claims to have been recorded after it: a clock was set, or the "
    "clip was recorded at another time than it claims."
)
WHOLE = "The {count} clips of this recording follow each other without a hole."
ALONE = "This clip is the only one of the case, and so nothing can be missing between clips."
APART = (
    "Every clip that the case record names was examined, and no other is of this recording: nothing can be missing "
    "between clips of it."
)
NOTICE = (
    "The notice was spoken in {clip}, the first clip of this recording, at {at_s:.1f} s; this clip goes on from there."
)
PLACE = "The place is shown in {clip}, which is of the same recording without a break, at {at_s:.1f} s."


@dataclass(frozen=True, slots=True)
class _Limits:
    """See the parameters of `session`."""

    max_gap_s: float
    slack_s: float
    pre_record_s: float
    max_picture_ratio: float
    max_conflict_s: float


@dataclass(frozen=True, slots=True)
class _Told:
    """What a join tells."""

    kind: str
    level: Level
    template: str


@detector(
    "session",
    version=1,
    needs=("joins.gap_s", "findings.kind"),
    emits=(
        "recording-gap",
        "sequence-missing",
        "late-recording",
        "overlap",
        "gap-explained",
        "session-whole",
        "notice-in-session",
        "place-in-session",
    ),
)
def session(
    features: Features,
    *,
    max_gap_s: Annotated[float, Ge(0)] = 1.0,
    slack_s: Annotated[float, Ge(0)] = 0.1,
    pre_record_s: Annotated[float, Ge(0)] = 30.0,
    max_picture_ratio: Annotated[float, Ge(0)] = 6.0,
    max_conflict_s: Annotated[float, Ge(0)] = 3.0,
) -> Iterator[Finding]:
    """Yield what lies between this clip and its neighbours in the recording session, and what holds for all of it.

    Recorders split long recordings by themselves: the next file begins at once. When they are switched on again they
    put the moments before that in front. So a gap from `-pre_record_s` to `max_gap_s` is none, unless one of the clips
    lies inside the other. A gap that is longer for certain, as exactly as the times are known, is a violation where
    both clips are known to be of one place; it is explained where they are of different places or the case record
    states the interruption and its reason. Everything else is for a person: times of different sources, clips in
    between that could not be read, places that nobody stated, sources that contradict each other, and a clock that
    jumps where the picture does not.

    Parameters
    ----------
    max_gap_s : float
        Longest gap between files of one recording (seconds).
    slack_s : float
        By how much more two times of whole seconds may miss that where the pictures go on (seconds).
    pre_record_s : float
        Longest stretch before it was switched on that a recorder keeps (seconds).
    max_picture_ratio : float
        Difference of the pictures on either side of a gap, in differences between neighbouring pictures, up to which
        the pictures go on.
    max_conflict_s : float
        By how much two sources of times may differ on a gap before it is disputed (seconds).

    References
    ----------
    行政执法全过程记录制度（石家庄市安全生产监督管理局）第十二条（五）: 在同一执法地点不得断续记录.
    GA/T 947.2-2015: recorders split files by time and keep a pre-record buffer.
    """
    limits = _Limits(max_gap_s, slack_s, pre_record_s, max_picture_ratio, max_conflict_s)
    low_s, high_s = extent(features)
    rows = _rows(features["joins"])
    for row in rows:
        if row["here"] not in ("before", "after"):
            continue
        at_s = high_s if row["here"] == "before" else low_s
        for told in _told(row, limits):
            yield _finding(features, told, row, (at_s, at_s))
    good = [_holds(row, limits) for row in rows]
    whole = (low_s, high_s)
    if not rows:
        said = APART if features.has("siblings.clip") else ALONE
        yield Finding("session-whole", Level.NOTE, span_of(features, *whole), Message(said))
    elif all(good):
        count = len({name for row in rows for name in (row["before"], row["after"])})
        values: dict[str, Scalar] = {"count": count}
        yield Finding("session-whole", Level.NOTE, span_of(features, *whole), Message(WHOLE, values), evidence=values)
    if features.has("siblings.clip"):
        yield from _from_others(features, rows, good, whole)


def _rows(joins: Table) -> list[dict[str, Any]]:
    return [{name: joins[name][number] for name in joins} for number in range(joins.rows)]


def _told(row: dict[str, Any], limits: _Limits) -> Iterator[_Told]:
    """Yield what a join tells: one finding of its time, and one of its numbers where some are missing."""
    between = _of_time(row, limits)
    yield between
    step = row["numbers"]
    if not math.isfinite(step):
        return
    if step < 0:
        yield _Told("late-recording", Level.SUSPECT, OUT_OF_ORDER)
    elif step > 1:
        if between.kind == "recording-gap":
            yield _Told("sequence-missing", between.level, MISSING)
        elif between.template in (MOVED, STATED):
            yield _Told("sequence-missing", Level.SUSPECT, MISSING_ELSEWHERE)
        else:
            yield _Told("sequence-missing", Level.NOTE, MISSING_GOES_ON)


def _of_time(row: dict[str, Any], limits: _Limits) -> _Told:
    gap_s, within_s = float(row["gap_s"]), float(row["within_s"])
    goes_on = row["picture_ratio"] <= limits.max_picture_ratio
    mixed = row["time_from"] == "mixed"
    if not math.isfinite(gap_s):
        if row["numbers"] == 1 and goes_on:
            return _Told("gap-explained", Level.NOTE, BY_PICTURE)
        return _Told("recording-gap", Level.SUSPECT, UNKNOWN)
    inside = gap_s < -limits.max_gap_s and not -gap_s < min(row["before_s"], row["after_s"])
    if inside or gap_s < -limits.pre_record_s - (within_s if mixed else 0.0):
        return _Told("overlap", Level.SUSPECT, OVERLAPS)
    near = gap_s <= limits.max_gap_s or (
        goes_on and within_s >= 0.5 and gap_s <= limits.max_gap_s + (within_s if mixed else limits.slack_s)
    )
    if near and (goes_on or not mixed):
        return _Told("gap-explained", Level.NOTE, PRE_RECORD if gap_s < -limits.max_gap_s else SPLIT)
    if row["stated"]:
        return _Told("gap-explained", Level.NOTE, STATED)
    if row["same_place"] == "no":
        return _Told("gap-explained", Level.NOTE, MOVED)
    if row["unread"]:
        return _Told("recording-gap", Level.SUSPECT, GAP_UNREAD)
    if mixed or row["time_from"] == "case" or round(gap_s - within_s, 2) < limits.max_gap_s:
        return _Told("recording-gap", Level.SUSPECT, GAP_UNSURE)
    if row["conflict_s"] > limits.max_conflict_s + within_s:
        return _Told("recording-gap", Level.SUSPECT, GAP_DISPUTED)
    if row["time_from"] == "overlay" and goes_on and not row["numbers"] > 1:
        return _Told("recording-gap", Level.SUSPECT, GAP_SEAMLESS)
    if row["same_place"] != "yes":
        return _Told("recording-gap", Level.SUSPECT, GAP_SOMEWHERE)
    return _Told("recording-gap", Level.VIOLATION, GAP)


def _holds(row: dict[str, Any], limits: _Limits) -> bool:
    """Tell whether nothing is missing at a join, whatever the reason given."""
    return all(told.level is Level.NOTE and told.template not in (MOVED, STATED) for told in _told(row, limits))


def _finding(features: Features, told: _Told, row: dict[str, Any], span: tuple[float, float]) -> Finding:
    gap_s = float(row["gap_s"])
    values: dict[str, Scalar] = {"before": row["before"], "after": row["after"]}
    fields = {
        "gap_s": round(gap_s, 2) + 0.0 if abs(gap_s) >= 0.05 else 0.0,
        "within_s": float(row["within_s"]),
        "overlap_s": -gap_s,
        "conflict_s": float(row["conflict_s"]),
        "stated": row["stated"],
        "unread": row["unread"],
        "count": int(row["numbers"]) - 1 if math.isfinite(row["numbers"]) else 0,
    }
    values |= {name: value for name, value in fields.items() if f"{{{name}" in told.template}
    evidence: dict[str, Scalar] = {
        name: value
        for name, value in row.items()
        if name != "here" and value is not None and not (isinstance(value, float) and not math.isfinite(value))
    }
    return Finding(told.kind, told.level, span_of(features, *span), Message(told.template, values), evidence=evidence)


def _from_others(
    features: Features, rows: list[dict[str, Any]], good: list[bool], whole: tuple[float, float]
) -> Iterator[Finding]:
    """Yield what another clip of the session shows for this one too: the notice in the first, the place in any.

    Both reach as far as nothing is missing between the clips.
    """
    connected = _connected(rows, good)
    siblings = features["siblings"]
    span = span_of(features, *whole)
    own = siblings.where(siblings["session"].astype(bool) & np.isin(siblings["clip"].astype(str), sorted(connected)))
    order = sorted(range(own.rows), key=lambda n: own["position"][n] if math.isfinite(own["position"][n]) else 0.0)
    first = order[0] if order and own["position"][order[0]] < 0 else None
    if first is not None and own["notice"][first] == "notice-heard" and math.isfinite(own["notice_s"][first]):
        values: dict[str, Scalar] = {"clip": own["clip"][first], "at_s": float(own["notice_s"][first])}
        yield Finding("notice-in-session", Level.NOTE, span, Message(NOTICE, values), evidence=dict(values))
    for n in order:
        if own["place"][n] == "place-shown" and math.isfinite(own["place_s"][n]):
            values = {"clip": own["clip"][n], "at_s": float(own["place_s"][n])}
            yield Finding("place-in-session", Level.NOTE, span, Message(PLACE, values), evidence=dict(values))
            return


def _connected(rows: list[dict[str, Any]], good: list[bool]) -> set[str]:
    """Return the clips that no hole parts from this one; empty where no join touches it."""
    here = next((row[row["here"]] for row in rows if row["here"] in ("before", "after")), None)
    if here is None:
        return set()
    reached = {here}
    for _ in rows:
        for row, holds in zip(rows, good, strict=True):
            if holds and {row["before"], row["after"]} & reached:
                reached |= {row["before"], row["after"]}
    return reached

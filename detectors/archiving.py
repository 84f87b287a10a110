"""Whether the case was archived in time after it was closed, or after the act or its execution ended."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from annotated_types import Ge, Le

from detectors._periods import Calendar, Limit, day_of, days_after, examined_at
from detectors._record import day, finding, first
from pipeline.detector import detector
from pipeline.model import Features, Finding, Level, Scalar

_IN_TIME = (
    "The case was archived on {archived_on}. The time allowed began on {begin_on} ({begin}), and its last day was not "
    "before {last_day}."
)
_LATE = (
    "The case was archived on {archived_on}. The time allowed began on {begin_on} ({begin}); its last day was "
    "{last_day}."
)
_NOT_DUE = (
    "The time for archiving the case, which began on {begin_on} ({begin}), was not over on {examined_on}; its last day "
    "is not before {last_day}."
)
_NOT_ARCHIVED = (
    "The case record states no archiving, though the last day of the time allowed, which began on {begin_on} "
    "({begin}), was {last_day}."
)
_MOVED = (
    "The last day for archiving, {last_day}, is no working day. Whether the time, which began on {begin_on} ({begin}), "
    "then runs to the next one, {next_day}, the regulation does not say; the case was archived on "
    "{archived_on}."
)
_MOVED_NOT_ARCHIVED = (
    "The last day for archiving, {last_day}, is no working day. Whether the time, which began on {begin_on} ({begin}), "
    "then runs to the next one, {next_day}, the regulation does not say; on {examined_on} no archiving was on record."
)
_LAST_DAY_UNKNOWN = (
    "Whether the case was archived in time cannot be told: the last day of the time allowed, which began on {begin_on} "
    "({begin}), was {last_day}, and it is not known when the next working day was."
)
_BEFORE_BEGIN = (
    "The case record states the archiving on {archived_on}, before {begin_on} ({begin}), from which the time for it "
    "runs: one of them must be wrong."
)
_TO_COME = "The case record states the archiving on {archived_on}, which was still to come on {examined_on}."
_DAYS_UNKNOWN = (
    "Whether the case was archived in time cannot be told: the {limit_working_days} working days from {begin_on} "
    "({begin}) run into days of which it is not known whether they work."
)


@detector(
    "archiving",
    version=1,
    needs=("case.value", "file.examined_at", "calendar.date"),
    emits=("archived-in-time", "archived-late", "archive-unknown", "archive-not-due"),
)
def archiving(
    features: Features,
    *,
    begins_on: Literal["closed_on", "ended_on", "executed_on"] = "closed_on",
    limit_days: Annotated[int, Ge(0), Le(3660)] = 0,
    limit_working_days: Annotated[int, Ge(0), Le(366)] = 0,
) -> Iterator[Finding]:
    """Yield whether the case was archived within the time that a regulation allows: at most one finding.

    Article 18 of Shijiazhuang and the county allows 30 working days from the closing of the case; Article 14 of the
    housing pilot and 32 of Fushun 30 days from the end of the act; Article 28 of Laixi 30 days from the end of its
    execution. Where the last of so many days is no working day, Article 203 of the Civil Code would move it to the
    next; whether that holds for an agency's own rules they do not say, so the days in between are for a person. That no
    archiving is on record is no proof that there was none.

    Parameters
    ----------
    begins_on : str
        Field of the case record that states the day from which the time runs: closed_on, ended_on or executed_on.
    limit_days : int
        Days allowed, in place of working days; 0: none.
    limit_working_days : int
        Working days allowed; 0: none.
    """
    begin = day(first(features, begins_on))
    archived = day(first(features, "archived_on"))
    moment = examined_at(features)
    examined = None if moment is None else day_of(moment)
    at = archived or examined
    if begin is None or at is None or not (limit_days or limit_working_days):
        return
    calendar = Calendar.of(features)
    last = days_after(begin, limit_days)
    limit = Limit(last, last) if limit_days else calendar.working_days_after(begin, limit_working_days)
    said: dict[str, Scalar] = {
        "begin_on": str(begin),
        "begin": begins_on,
        "limit_days": limit_days,
        "limit_working_days": 0 if limit_days else limit_working_days,
        "last_day": str(limit.at_least),
    }
    next_day = calendar.working_day_from(last)
    said |= {"next_day": str(next_day or "")}
    if archived is not None:
        said |= {"archived_on": str(archived)}
    if examined is not None:
        said |= {"examined_on": str(examined)}
    special = calendar.special_days(begin, limit.at_least) if not limit_days else []

    def found(kind: str, level: Level, template: str) -> Finding:
        return finding(features, kind, level, template, said, special_days=special, **said)

    if archived is not None and archived < begin:
        yield found("archive-unknown", Level.SUSPECT, _BEFORE_BEGIN)
    elif archived is not None and examined is not None and archived > examined:
        yield found("archive-unknown", Level.SUSPECT, _TO_COME)
    elif kept := limit.kept(at):
        if archived is None:
            yield found("archive-not-due", Level.NOTE, _NOT_DUE)
        else:
            yield found("archived-in-time", Level.NOTE, _IN_TIME)
    elif kept is None:
        yield found("archive-unknown", Level.SUSPECT, _DAYS_UNKNOWN)
    elif limit_days and next_day is None:
        yield found("archive-unknown", Level.SUSPECT, _LAST_DAY_UNKNOWN)
    elif limit_days and next_day is not None and at <= next_day:
        yield found("archive-unknown", Level.SUSPECT, _MOVED_NOT_ARCHIVED if archived is None else _MOVED)
    elif archived is None:
        yield found("archive-unknown", Level.SUSPECT, _NOT_ARCHIVED)
    else:
        yield found("archived-late", Level.VIOLATION, _LATE)

"""Whether the recording was uploaded in time after the return to the unit, or after it was made."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from annotated_types import Ge, Le

from detectors._periods import (
    Calendar,
    Limit,
    examined_at,
    hours_after,
    recording_end,
    told,
    told_end,
    working_days_after,
)
from detectors._record import finding, first, moment
from pipeline.detector import detector
from pipeline.model import Features, Finding, Level, Scalar

_RETURN, _END = "returned_at", "recording.ended_at"
_IN_TIME = (
    "The recording was uploaded at {uploaded_at}. The time allowed ran from {begin_at} ({begin}) and was not over "
    "before {deadline}."
)
_IN_TIME_UNRETURNED = (
    "The recording was uploaded at {uploaded_at}. The time allowed did not end before {deadline}: the case record does "
    "not state the return to the unit, but nobody returns before the recording ends, which was at {begin_at}."
)
_IN_TIME_SPECIAL = (
    "The recording was uploaded at {uploaded_at}, more than {limit_h:g} hours after {begin_at} ({begin}), but within "
    "the {special_working_days} working days that special circumstances allow, which were not over before {deadline}. "
    "The case record states as reason: {late_reason}."
)
_LATE = (
    "The recording was uploaded at {uploaded_at}. The time allowed ran from {begin_at} ({begin}) and was over at "
    "{deadline}."
)
_LATE_SPECIAL = (
    "The recording was uploaded at {uploaded_at}. The time allowed ran from {begin_at} ({begin}) and was over at "
    "{deadline}, even for special circumstances."
)
_NO_REASON = (
    "The recording was uploaded at {uploaded_at}, more than {limit_h:g} hours after {begin_at} ({begin}), but before "
    "{deadline}: in time only under special circumstances, and the case record states none."
)
_NOT_UPLOADED = (
    "The case record states no upload, though the time allowed, from {begin_at} ({begin}), was over at {deadline}."
)
_BEFORE_RETURN = (
    "The case record states the upload at {uploaded_at} and the return to the unit only at {begin_at}: one of them "
    "must be wrong, or it was uploaded on the way."
)
_BEFORE_END = (
    "The case record states the upload at {uploaded_at}, but the recording itself ended only at {ended_at}: one of "
    "them must be wrong."
)
_TO_COME = "The case record states the upload at {uploaded_at}, which was still to come at {examined_at}."
_NO_BEGIN = "The recording was uploaded at {uploaded_at}, and it is not known from when the time allowed ran."
_NO_RETURN = (
    "The recording was uploaded at {uploaded_at}, later than the time allowed if it ran from the end of the recording "
    "at {begin_at}. The case record does not state the return to the unit, from which it runs."
)
_NOT_EXACT = (
    "The recording was uploaded at {uploaded_at}. The time allowed began between {begin_at} and {begin_latest}, so "
    "whether it was over cannot be told."
)
_DAYS_UNKNOWN = (
    "Whether the upload came in time cannot be told: the time allowed, {working_days} working days from {begin_at} "
    "({begin}), runs into days of which it is not known whether they work."
)


@dataclass(frozen=True, slots=True)
class _Allowed:
    """See the parameters of `upload_time`."""

    calendar: Calendar
    limit_h: float
    special_working_days: int
    limit_working_days: int

    def usual(self, begin: datetime) -> Limit[datetime]:
        if self.limit_working_days:
            return working_days_after(self.calendar, begin, self.limit_working_days)
        return hours_after(begin, self.limit_h)

    def special(self, begin: datetime) -> Limit[datetime] | None:
        """Return the limit under special circumstances, None if there is none of its own."""
        if self.limit_working_days or not self.special_working_days:
            return None
        return working_days_after(self.calendar, begin, self.special_working_days)


@detector(
    "upload-time",
    version=1,
    needs=("case.value", "file.examined_at", "calendar.date", "recording.ended_at"),
    emits=("upload-in-time", "upload-late", "upload-unknown"),
)
def upload_time(
    features: Features,
    *,
    begins_at: Literal["returned_at", "recorded"] = "returned_at",
    limit_h: Annotated[float, Ge(0)] = 0.0,
    special_working_days: Annotated[int, Ge(0), Le(366)] = 3,
    limit_working_days: Annotated[int, Ge(0), Le(366)] = 0,
) -> Iterator[Finding]:
    """Yield whether the recording was uploaded within the time that a regulation allows: at most one finding.

    Article 16 of Shijiazhuang and the county allows 24 hours from the return to the unit after a stage of the
    enforcement, and 3 working days under special circumstances; Article 26 of Laixi allows 2 working days. The last
    moment is in time, the next is late. Times that contradict each other are for a person, and so is lateness that
    hangs on how exactly the recording's own time is known, or on its end after the return.

    Parameters
    ----------
    begins_at : str
        From when the time runs: returned_at, the return to the unit as the case record states it, or recorded, the end
        of the recording.
    limit_h : float
        Hours allowed; 0: no limit in hours.
    special_working_days : int
        Working days allowed, in place of the hours, where the case record states a reason; 0: none.
    limit_working_days : int
        Working days allowed, in place of hours and special circumstances; 0: none.
    """
    if not (limit_h or limit_working_days):
        return
    allowed = _Allowed(Calendar.of(features), limit_h, special_working_days, limit_working_days)
    uploaded = moment(first(features, "store.uploaded_at"))
    returned = moment(first(features, "returned_at")) if begins_at == "returned_at" else None
    ended = recording_end(features)
    if uploaded is None:
        begin = returned if begins_at == "returned_at" else ended and ended[1]
        if begin is not None:
            yield from _not_uploaded(features, begin, _RETURN if returned else _END, allowed)
        return
    said: dict[str, Scalar] = {"uploaded_at": told(uploaded)}
    examined = examined_at(features)
    if examined is not None and uploaded > examined:
        yield _doubt(features, _TO_COME, said | {"examined_at": told(examined)})
    elif ended is not None and uploaded < ended[0]:
        yield _doubt(features, _BEFORE_END, said | {"ended_at": told(ended[0])})
    elif returned is not None and uploaded < returned:
        yield _doubt(features, _BEFORE_RETURN, said | {"begin_at": told(returned)})
    elif returned is not None:
        latest = max(returned, ended[1]) if ended else returned
        yield _judged(features, uploaded, returned, latest, _RETURN, allowed)
    elif ended is None:
        yield _doubt(features, _NO_BEGIN, said)
    elif begins_at == "recorded":
        yield _judged(features, uploaded, *ended, _END, allowed)
    else:
        limit = allowed.usual(ended[0])
        said |= {"begin_at": told(ended[0]), "deadline": told_end(limit.at_least)}
        if limit.kept(uploaded):
            yield finding(features, "upload-in-time", Level.NOTE, _IN_TIME_UNRETURNED, said, begin=_END, **said)
        else:
            yield _doubt(features, _NO_RETURN, said)


def _judged(
    features: Features, uploaded: datetime, earliest: datetime, latest: datetime, begin: str, allowed: _Allowed
) -> Finding:
    """Return the finding on an upload whose time began at `earliest`, or at most as late as `latest`."""
    said: dict[str, Scalar] = {
        "uploaded_at": told(uploaded),
        "begin_at": told(earliest),
        "begin": begin,
        "limit_h": allowed.limit_h,
        "special_working_days": allowed.special_working_days,
    }
    usual, special = allowed.usual(earliest), allowed.special(earliest)
    if usual.kept(uploaded):
        said |= {"deadline": told_end(usual.at_least)}
        return finding(features, "upload-in-time", Level.NOTE, _IN_TIME, said, **said)
    reason = first(features, "late_reason")
    if special and reason and special.kept(uploaded):
        said |= {"deadline": told_end(special.at_least), "late_reason": reason.rstrip("。.")}
        return finding(features, "upload-in-time", Level.NOTE, _IN_TIME_SPECIAL, said, **said)
    if (kept := allowed.usual(latest).kept(uploaded)) is None:
        return _days_unknown(features, said, allowed.limit_working_days)
    if kept:
        return _doubt(features, _NOT_EXACT, said | {"begin_latest": told(latest)})
    last = allowed.special(latest)
    if last and (kept := last.kept(uploaded)) is None:
        return _days_unknown(features, said, allowed.special_working_days)
    said |= {"deadline": told_end((last or allowed.usual(latest)).at_least)}
    if kept:
        return _doubt(features, _NOT_EXACT if reason else _NO_REASON, said | {"begin_latest": told(latest)})
    said |= {"begin_at": told(latest), "begin": begin if latest == earliest else _END}
    return finding(features, "upload-late", Level.VIOLATION, _LATE_SPECIAL if last else _LATE, said, **said)


def _not_uploaded(features: Features, begin: datetime, field: str, allowed: _Allowed) -> Iterator[Finding]:
    """Yield a finding if no upload is on record and the time for it was over at the moment of the examination."""
    special = allowed.special(begin) if first(features, "late_reason") else None
    limit = special or allowed.usual(begin)
    examined = examined_at(features)
    if examined is None or (kept := limit.kept(examined)):
        return
    said: dict[str, Scalar] = {"begin_at": told(begin), "begin": field, "deadline": told_end(limit.at_least)}
    if kept is None:
        yield _days_unknown(features, said, allowed.limit_working_days or allowed.special_working_days)
    else:
        yield _doubt(features, _NOT_UPLOADED, said | {"examined_at": told(examined)})


def _days_unknown(features: Features, said: dict[str, Scalar], working_days: int) -> Finding:
    return _doubt(features, _DAYS_UNKNOWN, said | {"working_days": working_days})


def _doubt(features: Features, template: str, said: dict[str, Scalar]) -> Finding:
    return finding(features, "upload-unknown", Level.SUSPECT, template, said, **said)

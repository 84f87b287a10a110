"""Periods of hours, days, working days and years: when they end, and whether something came in time.

As Articles 201 to 204 of the Civil Code count: hours run from the moment itself; of days, months and years the day of
the event does not count, and the last day ends at 24:00.
"""

from __future__ import annotations

import calendar as almanac
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Generic, TypeVar
from zoneinfo import ZoneInfo

from detectors._record import day, moment
from pipeline.model import Features

LOCAL = ZoneInfo("Asia/Shanghai")
When = TypeVar("When", date, datetime)


@dataclass(frozen=True, slots=True)
class Limit(Generic[When]):
    """End of a period: a day, or a moment that still lies in it."""

    at_least: When
    """It does not end earlier: the end if every day of which nobody knows whether it works does."""
    end: When | None
    """None: a day lies in it of which it is not known whether it works."""

    def kept(self, at: When) -> bool | None:
        """Return whether `at` lies in the period, its end included; None if that cannot be told."""
        if at <= self.at_least:
            return True
        return None if self.end is None else at <= self.end


@dataclass(frozen=True, slots=True)
class Calendar:
    """Table `calendar`: the days of which it is known whether they work."""

    works: Mapping[date, bool]
    why: Mapping[date, str]
    """Why a day differs from the plain week."""

    @classmethod
    def of(cls, features: Features) -> Calendar:
        """Read the table; without it no day is known."""
        if not features.has("calendar.date"):
            return cls({}, {})
        table = features["calendar"]
        rows = [
            (at, bool(works), why)
            for text, works, why in zip(table["date"], table["works"], table["why"], strict=True)
            if (at := day(text))
        ]
        return cls({at: works for at, works, _ in rows}, {at: str(why) for at, _, why in rows if why})

    def working_days_after(self, start: date, count: int) -> Limit[date]:
        """Return the last of the `count` working days that follow `start`."""
        known, at, left = True, start, count
        while left > 0 and at < date.max:
            at += timedelta(days=1)
            works = self.works.get(at)
            known &= works is not None
            left -= works is not False
        return Limit(at, at if known and not left else None)

    def working_day_from(self, start: date) -> date | None:
        """Return `start` if it is a working day, else the next one; None if a day before it is not known."""
        at = start
        while self.works.get(at) is False and at < date.max:
            at += timedelta(days=1)
        return at if self.works.get(at) else None

    def special_days(self, start: date, stop: date) -> list[str]:
        """Return the days after `start`, to `stop`, that differ from the plain week, each with the reason."""
        return [f"{at} {why}" for at, why in sorted(self.why.items()) if start < at <= stop]


def days_after(start: date, count: int) -> date:
    """Return the last of the `count` days that follow `start`."""
    return date.fromordinal(min(start.toordinal() + count, date.max.toordinal()))


def years_after(start: date, count: int) -> date:
    """Return the last day of a period of years: the same day of the same month, or the last one of that month."""
    year = min(start.year + count, date.max.year)
    return start.replace(year=year, day=min(start.day, almanac.monthrange(year, start.month)[1]))


def hours_after(start: datetime, hours: float) -> Limit[datetime]:
    """Return the end of a period of hours."""
    try:
        end = start + timedelta(hours=hours)
    except OverflowError:
        end = datetime.max.replace(tzinfo=start.tzinfo)
    return Limit(end, end)


def working_days_after(calendar: Calendar, start: datetime, count: int) -> Limit[datetime]:
    """Return the end of a period of working days that begins on the day of `start`."""
    here = local(start)
    last = calendar.working_days_after(here.date(), count)
    return Limit(_midnight(last.at_least, here), None if last.end is None else _midnight(last.end, here))


def local(at: datetime) -> datetime:
    """Return a moment as clocks showed it where it was stated, by its own offset; one in UTC as in China."""
    try:
        return at if at.utcoffset() else at.astimezone(LOCAL)
    except OverflowError:
        return at


def day_of(at: datetime) -> date:
    """Return the day on which a moment lies."""
    return local(at).date()


def told(at: datetime) -> str:
    """Return a moment as a reader is told it."""
    return local(at).isoformat(sep=" ")


def told_end(at: datetime) -> str:
    """Return the end of a period as a reader is told it: 24:00 of its last day rather than 0:00 of the next."""
    here = local(at)
    if here.time() != datetime.min.time() or here.date() == date.min:
        return here.isoformat(sep=" ")
    return f"{here.date() - timedelta(days=1)} 24:00:00{here.isoformat()[19:]}"


def examined_at(features: Features) -> datetime | None:
    """Return the moment for which periods are judged, None if it is not known."""
    texts = features["file"]["examined_at"].tolist() if features.has("file.examined_at") else []
    return moment(texts[0]) if texts else None


def recording_end(features: Features) -> tuple[datetime, datetime] | None:
    """Return the earliest and the latest moment at which the recording can have ended; None if that is not known."""
    if not (features.has("recording.ended_at") and features["recording"].rows):
        return None
    ended = moment(features["recording"]["ended_at"][0])
    within_s = float(features["recording"]["time_within_s"][0])
    if ended is None or not math.isfinite(within_s):
        return None
    try:
        off = timedelta(seconds=abs(within_s))
        return ended - off, ended + off
    except OverflowError:
        return None


def _midnight(last: date, here: datetime) -> datetime:
    """Return 24:00 of a day on the clocks of `here`."""
    return datetime.combine(days_after(last, 1), datetime.min.time(), tzinfo=here.tzinfo)

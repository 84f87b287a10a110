"""Which days work: the State Council's calendar with its make-up days, and the days that an agency states itself."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache
from typing import Annotated

import pyarrow as pa
from annotated_types import Ge, Le
from chinese_calendar import Holiday
from chinese_calendar.constants import holidays, workdays
from pydantic import AfterValidator

from pipeline.errors import SettingsError

CHANGEABLE_DAYS = 7
"""Days at the end of a year that the next year's announcement may still change: it made 29 December 2018 a working day
and 31 December 2018 a day off, a year after 2018 itself was announced."""
_LONGEST_DAYS = 366
_CHINESE = {holiday.value: holiday.chinese for holiday in Holiday}
_AGENCY_OFF = "本机关放假 the agency's own day off"
_AGENCY_WORK = "本机关上班 the agency's own working day"


def _days(text: str) -> list[date]:
    """Return the days that `DAY` or `START/END`, both included, names; ValueError if it names none."""
    first, slash, last = text.partition("/")
    try:
        start = date.fromisoformat(first.strip())
        stop = date.fromisoformat(last.strip()) if slash else start
    except ValueError:
        raise ValueError(f"{text!r} names no days; write 2027-10-01 or 2027-10-01/2027-10-07") from None
    if not 0 <= (stop - start).days < _LONGEST_DAYS:
        raise ValueError(f"{text!r} ends before it begins, or is longer than {_LONGEST_DAYS} days")
    return [start + timedelta(days=count) for count in range((stop - start).days + 1)]


def _named(text: str) -> str:
    _days(text)
    return text


Days = Annotated[str, AfterValidator(_named)]
Year = Annotated[int, Ge(1900), Le(2999)]


@cache
def working_calendar(
    *, off: tuple[Days, ...] = (), work: tuple[Days, ...] = (), years: tuple[Year, ...] = ()
) -> pa.Table:
    """Return the rows of the `calendar` table: every day of which it is known whether it works.

    Known are the years that the State Council has announced, as `chinese_calendar` carries them, `years`, and the days
    of `off` and `work`. The last seven days of a year that neither `years` names nor a known year follows are not: the
    next announcement may move them.

    Parameters
    ----------
    off : tuple of str
        The agency's own days off, each a day (2027-10-08) or days (2027-10-01/2027-10-07).
    work : tuple of str
        Its own working days, in the same form; a make-up Saturday, for instance.
    years : tuple of int
        Years that `off` and `work` make known as a whole: their other days follow the plain week.

    Returns
    -------
    calendar : pyarrow.Table
        Columns date, works and why, in the order of the days; one table for the same entries.

    Raises
    ------
    SettingsError
        If `off` and `work` name the same day.
    """
    own_off, own_work = ({day for text in texts for day in _days(text)} for texts in (off, work))
    if both := own_off & own_work:
        raise SettingsError(f"[calendar] off and work both name {min(both)}; keep one of them")
    announced = range(min(holidays).year, max(holidays).year + 1)
    days: dict[date, tuple[bool, str | None]] = {}
    for year in {*announced, *years}:
        for day in _known_days(year, whole=year in years or year + 1 in {*announced, *years}):
            days[day] = _by_announcement(day)
    days |= {day: (False, _AGENCY_OFF) for day in own_off} | {day: (True, _AGENCY_WORK) for day in own_work}
    rows = sorted(days)
    return pa.table(
        {
            "date": pa.array([day.isoformat() for day in rows], pa.string()),
            "works": pa.array([days[day][0] for day in rows], pa.bool_()),
            "why": pa.array([days[day][1] for day in rows], pa.string()),
        }
    )


def _known_days(year: int, whole: bool) -> list[date]:
    start = date(year, 1, 1)
    count = (date(year, 12, 31) - start).days + 1 - (0 if whole else CHANGEABLE_DAYS)
    return [start + timedelta(days=number) for number in range(count)]


def _by_announcement(day: date) -> tuple[bool, str | None]:
    """Return whether a day works, and why it differs from the plain week; a year without announcement has no reason."""
    if day in workdays:
        return True, f"{_CHINESE[workdays[day]]}调休上班 make-up day for {workdays[day]}"
    if day in holidays:
        return False, f"{_CHINESE[holidays[day]]} {holidays[day]}"
    return day.weekday() < 5, None

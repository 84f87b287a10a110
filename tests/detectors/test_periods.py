"""When periods end, against a count day by day."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors._periods import (
    Calendar,
    Limit,
    day_of,
    days_after,
    examined_at,
    hours_after,
    recording_end,
    told,
    told_end,
    working_days_after,
    years_after,
)
from pipeline.model import Features
from tests.records import recorded

CHINA = timezone(timedelta(hours=8))
CALENDAR = Calendar.of(recorded({}))
FIRST = date(2026, 1, 1)
SMALL = st.dictionaries(st.integers(0, 40).map(lambda n: FIRST + timedelta(days=n)), st.booleans())


def at(text):
    return datetime.fromisoformat(text)


@given(SMALL, st.integers(0, 45), st.integers(0, 20))
def test_working_days_are_counted_one_by_one(works, offset, count):
    start = FIRST + timedelta(days=offset)
    limit = Calendar(works, {}).working_days_after(start, count)
    passed = [start + timedelta(days=n) for n in range(1, (limit.at_least - start).days + 1)]
    assert sum(works.get(day, True) for day in passed) == count
    assert not passed or works.get(passed[-1], True)
    assert limit.end == (limit.at_least if all(day in works for day in passed) else None)


@given(SMALL, st.integers(0, 45), st.integers(1, 20), st.data())
def test_days_that_are_not_known_only_make_a_period_longer(works, offset, count, data):
    start = FIRST + timedelta(days=offset)
    least = Calendar(works, {}).working_days_after(start, count).at_least
    filled = {start + timedelta(days=n): data.draw(st.booleans()) for n in range(30)} | works
    assert Calendar(filled, {}).working_days_after(start, count).at_least >= least


@given(SMALL, st.integers(0, 45))
def test_the_next_working_day_is_the_first_that_works(works, offset):
    start = FIRST + timedelta(days=offset)
    found = Calendar(works, {}).working_day_from(start)
    rest = [start + timedelta(days=n) for n in range(60)]
    first = next(day for day in rest if works.get(day) is not False)
    assert found == (first if works.get(first) else None)


@given(st.dates(date(1900, 1, 1), date(2200, 1, 1)), st.integers(0, 50))
def test_a_year_ends_on_the_same_day_of_the_month_or_the_month_s_last(start, count):
    end = years_after(start, count)
    assert (end.year, end.month) == (start.year + count, start.month)
    assert end.day == start.day or (start.month, start.day, end.day) == (2, 29, 28)


@given(st.dates(), st.integers(0, 4000))
def test_days_are_added(start, count):
    assert (days_after(start, count) - start).days == min(count, (date.max - start).days)


@given(
    st.datetimes(datetime(2025, 12, 1), datetime(2026, 11, 1), timezones=st.just(CHINA)),
    st.integers(1, 10),
    st.timedeltas(timedelta(0), timedelta(days=20)),
)
def test_the_last_moment_is_in_time_and_the_next_second_is_late(start, count, later):
    limit = working_days_after(CALENDAR, start, count)
    worked = sum(
        CALENDAR.works[day_of(start) + timedelta(days=n)]
        for n in range(1, (day_of(start + later) - day_of(start)).days + 1)
    )
    kept = limit.kept(start + later)
    if start + later == limit.end:
        assert kept
    else:
        elapsed = worked > count or (worked == count and start + later > limit.end)
        assert kept is not elapsed
    assert limit.kept(limit.end) and not limit.kept(limit.end + timedelta(seconds=1))


@pytest.mark.parametrize(
    ("start", "count", "last"),
    [
        ("2026-02-13", 1, "2026-02-14"),  # Friday: the make-up Saturday works
        ("2026-02-13", 2, "2026-02-24"),  # over the Spring Festival
        ("2026-02-14", 2, "2026-02-25"),
        ("2026-02-27", 1, "2026-02-28"),  # a make-up Saturday again
        ("2026-09-30", 3, "2026-10-10"),  # over National Day, its make-up Saturday counts
        ("2026-09-19", 1, "2026-09-20"),
        ("2025-12-31", 1, "2026-01-04"),  # New Year: Sunday 4 January works
        ("2026-03-06", 0, "2026-03-06"),
    ],
)
def test_working_days_around_holidays(start, count, last):
    assert CALENDAR.working_days_after(date.fromisoformat(start), count).end == date.fromisoformat(last)


def test_a_period_into_a_year_that_is_not_known_has_no_end():
    limit = CALENDAR.working_days_after(date(2026, 12, 23), 5)
    assert limit.end is None and limit.at_least == date(2026, 12, 28)
    assert CALENDAR.working_days_after(date(2026, 12, 31), 1).end is None
    assert CALENDAR.working_days_after(date(2026, 12, 23), 1).end == date(2026, 12, 24)
    assert CALENDAR.working_day_from(date(2026, 12, 31)) is None


@pytest.mark.parametrize(
    ("start", "years", "end"),
    [
        ("2024-02-29", 1, "2025-02-28"),
        ("2024-02-29", 4, "2028-02-29"),
        ("2024-12-31", 2, "2026-12-31"),
        ("9999-01-01", 5, "9999-01-01"),
    ],
)
def test_years(start, years, end):
    assert years_after(date.fromisoformat(start), years) == date.fromisoformat(end)


def test_hours_run_from_the_moment():
    limit = hours_after(at("2026-03-02T10:00:00+08:00"), 24)
    assert limit.kept(at("2026-03-03T10:00:00+08:00"))
    assert limit.kept(at("2026-03-03T02:00:00Z"))
    assert limit.kept(at("2026-03-03T10:00:01+08:00")) is False
    assert hours_after(at("2026-03-02T10:00:00+08:00"), float("inf")).kept(at("9999-01-01T00:00:00+08:00"))


def test_what_lies_beyond_a_limit_that_is_not_known_cannot_be_told():
    limit = Limit(date(2026, 12, 28), None)
    assert limit.kept(date(2026, 12, 28)) is True
    assert limit.kept(date(2026, 12, 29)) is None


def test_a_day_is_one_of_the_moment_s_own_clock_and_of_china_s_for_utc():
    assert day_of(at("2026-03-02T23:30:00+08:00")) == date(2026, 3, 2)
    assert day_of(at("2026-03-02T23:30:00+06:00")) == date(2026, 3, 2)
    assert day_of(datetime(2026, 3, 2, 23, 30, tzinfo=UTC)) == date(2026, 3, 3)
    assert working_days_after(CALENDAR, at("2026-03-02T23:30:00Z"), 1).end == at("2026-03-05T00:00:00+08:00")


@pytest.mark.parametrize(
    ("text", "plain", "end"),
    [
        ("2026-03-02T10:00:00+08:00", "2026-03-02 10:00:00+08:00", "2026-03-02 10:00:00+08:00"),
        ("2026-03-02T16:00:00Z", "2026-03-03 00:00:00+08:00", "2026-03-02 24:00:00+08:00"),
        ("2026-03-01T00:00:00+06:00", "2026-03-01 00:00:00+06:00", "2026-02-28 24:00:00+06:00"),
    ],
)
def test_how_moments_are_told(text, plain, end):
    assert (told(at(text)), told_end(at(text))) == (plain, end)


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "9999-12-31T23:59:59Z"])
def test_the_ends_of_time_are_no_error(text):
    extreme = at(text)
    assert told(extreme) and told_end(extreme) and day_of(extreme)
    for limit in (hours_after(extreme, 24), working_days_after(CALENDAR, extreme, 3)):
        assert limit.kept(at("2026-03-02T10:00:00+08:00")) in {True, False, None}


@pytest.mark.parametrize("ended", [None, "yesterday", "2026-03-02T10:00:00"])
def test_a_recording_whose_end_is_not_known(ended):
    assert recording_end(recorded({}, ended_at=ended)) is None


def test_the_end_of_a_recording_is_known_as_far_as_its_time_is():
    features = recorded({}, ended_at="2026-03-02T10:00:00+08:00", within_s=60)
    assert recording_end(features) == (at("2026-03-02T09:59:00+08:00"), at("2026-03-02T10:01:00+08:00"))
    assert recording_end(recorded({}, ended_at="2026-03-02T10:00:00+08:00", within_s=float("nan"))) is None
    assert recording_end(recorded({}, ended_at="2026-03-02T10:00:00+08:00", within_s=1e300)) is None


def test_tables_that_are_not_there():
    assert Calendar.of(Features({})).works == {}
    assert examined_at(Features({})) is None and recording_end(Features({})) is None
    assert examined_at(recorded({}, examined_at="today")) is None


def test_days_that_differ_from_the_plain_week_are_named():
    named = CALENDAR.special_days(date(2026, 2, 13), date(2026, 2, 16))
    assert named == [
        "2026-02-14 春节调休上班 make-up day for Spring Festival",
        "2026-02-15 春节 Spring Festival",
        "2026-02-16 春节 Spring Festival",
    ]

"""Whether the case was archived in time."""

import pytest

from detectors.archiving import archiving
from tests.packets import kinds
from tests.records import recorded

SHIJIAZHUANG = {"begins_on": "closed_on", "limit_working_days": 30}
FUSHUN = {"begins_on": "ended_on", "limit_days": 30}


def found(begin, archived, params, **beside):
    case = {params["begins_on"]: begin, "archived_on": archived}
    return list(archiving(recorded(case, **beside), **params))


@pytest.mark.parametrize(
    ("archived", "expected"),
    [
        ("2026-01-30", [("archived-in-time", "note")]),
        ("2026-03-19", [("archived-in-time", "note")]),
        ("2026-03-20", [("archived-late", "violation")]),
        ("2026-01-29", [("archive-unknown", "suspect")]),
        ("2027-01-01", [("archive-unknown", "suspect")]),
        (None, [("archive-unknown", "suspect")]),
        ("2026-02-30", [("archive-unknown", "suspect")]),
    ],
)
def test_thirty_working_days_over_the_spring_festival(archived, expected):
    # Closed on Friday 30 January: 2 to 6 (5), 9 to 14 (11), 24 to 28 February (16), 2 to 6 (21), 9 to 13 (26),
    # 16 to 19 March (30).
    assert kinds(found("2026-01-30", archived, SHIJIAZHUANG)) == expected


def test_lateness_names_the_days():
    (late,) = found("2026-01-30", "2026-03-20", SHIJIAZHUANG)
    assert late.summary == (
        "The case was archived on 2026-03-20. The time allowed began on 2026-01-30 (closed_on); its last day was "
        "2026-03-19."
    )
    assert "2026-02-14 春节调休上班 make-up day for Spring Festival" in late.evidence["special_days"]


@pytest.mark.parametrize(
    ("examined", "kind"),
    [
        ("2026-03-19T23:59:59+08:00", "archive-not-due"),
        ("2026-03-19T16:00:00+00:00", "archive-unknown"),  # 20 March in China
        ("2026-03-20T00:00:00+08:00", "archive-unknown"),
    ],
)
def test_without_archiving_the_day_of_the_examination_counts(examined, kind):
    assert [f.kind for f in found("2026-01-30", None, SHIJIAZHUANG, examined_at=examined)] == [kind]


def test_working_days_into_a_year_that_is_not_known():
    later = {"examined_at": "2027-06-01T00:00:00+08:00"}
    assert kinds(found("2026-12-01", "2027-01-20", SHIJIAZHUANG, **later)) == [("archive-unknown", "suspect")]
    assert kinds(found("2026-12-01", None, SHIJIAZHUANG, **later)) == [("archive-unknown", "suspect")]
    assert kinds(found("2026-12-01", "2026-12-24", SHIJIAZHUANG, **later)) == [("archived-in-time", "note")]
    early = {"examined_at": "2026-12-24T00:00:00+08:00"}
    assert kinds(found("2026-12-01", None, SHIJIAZHUANG, **early)) == [("archive-not-due", "note")]
    known = {"years": (2027,), "off": ("2027-01-01/2027-01-03",)}
    assert kinds(found("2026-12-01", "2027-01-13", SHIJIAZHUANG, **later, **known)) == [("archived-in-time", "note")]
    assert kinds(found("2026-12-01", "2027-01-14", SHIJIAZHUANG, **later, **known)) == [("archived-late", "violation")]


@pytest.mark.parametrize(
    ("ended", "archived", "expected"),
    [
        ("2026-03-02", "2026-04-01", [("archived-in-time", "note")]),  # a Wednesday
        ("2026-03-02", "2026-04-02", [("archived-late", "violation")]),
        ("2026-03-05", "2026-04-04", [("archived-in-time", "note")]),  # Saturday of a holiday to Monday
        ("2026-03-05", "2026-04-05", [("archive-unknown", "suspect")]),
        ("2026-03-05", "2026-04-07", [("archive-unknown", "suspect")]),
        ("2026-03-05", "2026-04-08", [("archived-late", "violation")]),
        ("2026-01-15", "2026-02-15", [("archived-late", "violation")]),  # the last day, Saturday 14 February, works
        ("2026-09-01", "2026-10-08", [("archive-unknown", "suspect")]),  # National Day
        ("2026-09-01", "2026-10-09", [("archived-late", "violation")]),
        ("2026-12-05", "2027-01-04", [("archived-in-time", "note")]),
        ("2026-12-05", "2027-01-05", [("archive-unknown", "suspect")]),
    ],
)
def test_thirty_days_and_the_last_that_is_no_working_day(ended, archived, expected):
    assert kinds(found(ended, archived, FUSHUN, examined_at="2027-06-01T00:00:00+08:00")) == expected


@pytest.mark.parametrize(
    ("examined", "kind", "words"),
    [
        ("2026-04-04T12:00:00+08:00", "archive-not-due", "its last day is not before 2026-04-04"),
        ("2026-04-05T12:00:00+08:00", "archive-unknown", "runs to the next one, 2026-04-07"),
        ("2026-04-08T12:00:00+08:00", "archive-unknown", "states no archiving"),
    ],
)
def test_thirty_days_without_archiving(examined, kind, words):
    (one,) = found("2026-03-05", None, FUSHUN, examined_at=examined)
    assert one.kind == kind and words in one.summary


def test_nothing_without_a_begin_a_limit_or_a_day_to_judge_by():
    assert found(None, "2026-03-20", SHIJIAZHUANG) == []
    assert found("0000-01-01", "2026-03-20", SHIJIAZHUANG) == []
    assert found("2026-01-30", "2026-03-20", {"begins_on": "executed_on"}) == []
    assert found("2026-01-30", None, SHIJIAZHUANG, examined_at=None) == []

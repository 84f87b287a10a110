"""Decisions as a report shows them."""

from datetime import UTC, datetime, timedelta

import pytest

from pipeline.errors import SettingsError
from pipeline.language import language
from pipeline.report.decisions import Choice, Decision, build_decisions
from tests.examinations import findings

AT = datetime(2026, 3, 4, 18, 0, tzinfo=UTC)
GOOD = {"finding": "f3", "decision": Choice.ACCEPTED, "reason": "seen", "by": "甲", "at": AT}


@pytest.mark.parametrize(
    "change",
    [
        {"reason": "  "},
        {"by": ""},
        {"finding": ""},
        {"at": AT.replace(tzinfo=None)},
        {"confirmed_by": "乙"},
        {"confirmed_at": AT},
        {"confirmed_by": " ", "confirmed_at": AT},
        {"confirmed_by": "甲 ", "confirmed_at": AT},
        {"confirmed_by": "乙", "confirmed_at": AT.replace(tzinfo=None)},
    ],
    ids=str,
)
def test_a_decision_that_nobody_can_stand_for_is_refused(change):
    with pytest.raises(SettingsError):
        Decision(**{**GOOD, **change})


def test_decisions_stand_in_the_order_of_time_and_none_is_replaced():
    later = Decision(**{**GOOD, "decision": Choice.DISMISSED, "at": AT + timedelta(hours=1)})
    views = build_decisions([later, Decision(**GOOD)], findings(), language("en"))
    assert [(view.decision, view.at) for view in views] == [
        ("Accepted", "2026-03-04 18:00:00+00:00"),
        ("Dismissed", "2026-03-04 19:00:00+00:00"),
    ]
    assert {view.title for view in views} == {"Picture cut"}


def test_who_confirmed_is_told_and_so_is_that_nobody_did():
    both = [Decision(**GOOD), Decision(**{**GOOD, "confirmed_by": "乙", "confirmed_at": AT + timedelta(days=1)})]
    alone, confirmed = build_decisions(both, findings(), language("zh-CN"))
    assert alone.confirmed == "未经第二人确认"
    assert confirmed.confirmed == "乙 · 2026-03-05 18:00:00+00:00"


def test_a_decision_on_a_finding_that_is_not_there_is_shown_as_such():
    (view,) = build_decisions([Decision(**{**GOOD, "finding": "f99"})], findings(), language("en"))
    assert view.title == "not among the findings of this examination"

"""Whether the upload came in time."""

import pytest

from detectors.upload_time import upload_time
from tests.packets import kinds
from tests.records import recorded

SHIJIAZHUANG = {"limit_h": 24.0, "special_working_days": 3}
LAIXI = {"begins_at": "recorded", "limit_working_days": 2}
RETURN = "2026-03-02T10:00:00+08:00"  # a Monday


def found(uploaded=None, returned=RETURN, reason=None, params=SHIJIAZHUANG, **beside):
    case = {"store.uploaded_at": uploaded, "returned_at": returned, "late_reason": reason}
    return list(upload_time(recorded(case, **beside), **params))


@pytest.mark.parametrize(
    ("uploaded", "reason", "kind", "level"),
    [
        ("2026-03-02T10:00:00+08:00", None, "upload-in-time", "note"),
        ("2026-03-03T10:00:00+08:00", None, "upload-in-time", "note"),
        ("2026-03-03T02:00:00+00:00", None, "upload-in-time", "note"),
        ("2026-03-03T10:00:01+08:00", None, "upload-unknown", "suspect"),
        ("2026-03-03T10:00:01+08:00", "服务器故障", "upload-in-time", "note"),
        ("2026-03-06T00:00:00+08:00", "服务器故障", "upload-in-time", "note"),
        ("2026-03-06T00:00:00+08:00", None, "upload-unknown", "suspect"),
        ("2026-03-06T00:00:01+08:00", "服务器故障", "upload-late", "violation"),
        ("2026-03-06T00:00:01+08:00", None, "upload-late", "violation"),
        ("2026-03-02T09:59:59+08:00", None, "upload-unknown", "suspect"),
        ("2026-12-02T10:00:00+08:00", "服务器故障", "upload-unknown", "suspect"),
    ],
)
def test_a_day_from_the_return_and_three_working_days_with_a_reason(uploaded, reason, kind, level):
    assert kinds(found(uploaded, reason=reason)) == [(kind, level)]


def test_the_reason_is_quoted():
    (note,) = found("2026-03-04T09:00:00+08:00", reason="服务器故障。")
    assert note.summary == (
        "The recording was uploaded at 2026-03-04 09:00:00+08:00, more than 24 hours after 2026-03-02 10:00:00+08:00 "
        "(returned_at), but within the 3 working days that special circumstances allow, which were not over before "
        "2026-03-05 24:00:00+08:00. The case record states as reason: 服务器故障."
    )


def test_lateness_names_the_times():
    (late,) = found("2026-03-09T09:00:00+08:00")
    assert late.summary == (
        "The recording was uploaded at 2026-03-09 09:00:00+08:00. The time allowed ran from 2026-03-02 10:00:00+08:00 "
        "(returned_at) and was over at 2026-03-05 24:00:00+08:00, even for special circumstances."
    )
    assert late.evidence["deadline"] == "2026-03-05 24:00:00+08:00"
    assert (late.span.start_s, late.span.stop_s) == (0.0, 10.0)


@pytest.mark.parametrize(
    ("returned", "uploaded", "kind"),
    [
        # Friday 13 February: Saturday 14 works, then the Spring Festival to 23; the third working day is 25.
        ("2026-02-13T16:00:00+08:00", "2026-02-26T00:00:00+08:00", "upload-in-time"),
        ("2026-02-13T16:00:00+08:00", "2026-02-26T00:00:01+08:00", "upload-late"),
        # National Day: 8, 9 and Saturday 10 October work.
        ("2026-09-30T16:00:00+08:00", "2026-10-11T00:00:00+08:00", "upload-in-time"),
        ("2026-09-30T16:00:00+08:00", "2026-10-11T00:00:01+08:00", "upload-late"),
        ("2025-12-31T16:00:00+08:00", "2026-01-07T00:00:00+08:00", "upload-in-time"),
        ("2025-12-31T16:00:00+08:00", "2026-01-07T00:00:01+08:00", "upload-late"),
    ],
)
def test_special_circumstances_over_holidays(returned, uploaded, kind):
    assert [f.kind for f in found(uploaded, returned, "节日值守")] == [kind]


def test_working_days_of_a_year_that_is_not_known():
    later = {"returned": "2026-12-31T16:00:00+08:00", "reason": "节日值守", "examined_at": "2027-03-01T00:00:00+08:00"}
    assert kinds(found("2027-01-05T10:00:00+08:00", **later)) == [("upload-unknown", "suspect")]
    assert kinds(found("2027-01-01T16:00:00+08:00", **later)) == [("upload-in-time", "note")]
    assert kinds(found("2027-01-03T16:00:00+08:00", **later)) == [("upload-in-time", "note")]  # not three days yet
    known = {"years": (2027,), "off": ("2027-01-01/2027-01-03",)}
    assert kinds(found("2027-01-07T00:00:00+08:00", **later, **known)) == [("upload-in-time", "note")]
    assert kinds(found("2027-01-07T00:00:01+08:00", **later, **known)) == [("upload-late", "violation")]


@pytest.mark.parametrize(
    ("uploaded", "kind"),
    [
        ("2026-03-03T08:59:00+08:00", "upload-in-time"),
        ("2026-03-03T08:59:01+08:00", "upload-unknown"),  # the recording may have ended a minute earlier
        ("2026-03-09T09:00:00+08:00", "upload-unknown"),
        ("2026-03-02T08:58:59+08:00", "upload-unknown"),  # before the recording ended
    ],
)
def test_without_a_return_the_recording_s_end_can_only_speak_for_it(uploaded, kind):
    ended = {"ended_at": "2026-03-02T09:00:00+08:00", "within_s": 60}
    assert [f.kind for f in found(uploaded, returned=None, **ended)] == [kind]


def test_without_return_and_recording_time_nothing_can_be_told():
    assert kinds(found("2026-03-03T09:00:00+08:00", returned=None)) == [("upload-unknown", "suspect")]
    assert kinds(found("2026-03-03T09:00:00+08:00", returned="gestern")) == [("upload-unknown", "suspect")]


def test_an_upload_before_the_recording_ended_contradicts_itself():
    (doubt,) = found("2026-03-02T11:00:00+08:00", ended_at="2026-03-02T12:00:00+08:00")
    assert doubt.kind == "upload-unknown" and "ended only at 2026-03-02 12:00:00" in doubt.summary


def test_a_recording_that_ended_after_the_return_is_late_only_by_its_own_end():
    ended = {"ended_at": "2026-03-02T16:00:00+08:00", "params": {"limit_h": 24.0, "special_working_days": 0}}
    assert kinds(found("2026-03-03T10:00:00+08:00", **ended)) == [("upload-in-time", "note")]
    assert kinds(found("2026-03-03T16:00:00+08:00", **ended)) == [("upload-unknown", "suspect")]
    (late,) = found("2026-03-03T16:00:01+08:00", **ended)
    assert kinds([late]) == [("upload-late", "violation")]
    assert "from 2026-03-02 16:00:00+08:00 (recording.ended_at)" in late.summary


@pytest.mark.parametrize(
    ("examined", "reason", "expected"),
    [
        ("2026-03-03T10:00:00+08:00", None, []),
        ("2026-03-03T10:00:01+08:00", None, ["upload-unknown"]),
        ("2026-03-03T10:00:01+08:00", "服务器故障", []),
        ("2026-03-06T00:00:01+08:00", "服务器故障", ["upload-unknown"]),
        ("today", None, []),
        (None, None, []),
    ],
)
def test_no_upload_is_told_once_the_time_is_over(examined, reason, expected):
    assert [f.kind for f in found(None, reason=reason, examined_at=examined)] == expected
    assert [f.kind for f in found("nonsense", reason=reason, examined_at=examined)] == expected


def test_no_upload_within_working_days_that_are_not_known():
    late = {"returned": "2026-12-31T16:00:00+08:00", "reason": "节日值守", "examined_at": "2027-02-01T00:00:00+08:00"}
    assert [f.kind for f in found(None, **late)] == ["upload-unknown"]
    assert found(None, returned=None) == []


@pytest.mark.parametrize(
    ("uploaded", "within_s", "kind"),
    [
        ("2026-03-05T00:00:00+08:00", 0, "upload-in-time"),
        ("2026-03-05T00:00:01+08:00", 0, "upload-late"),
        ("2026-03-05T12:00:00+08:00", 3600, "upload-unknown"),  # it may have ended on the next day
        ("2026-03-06T00:00:01+08:00", 3600, "upload-late"),
        ("2026-03-02T23:29:59+08:00", 0, "upload-unknown"),
    ],
)
def test_two_working_days_from_the_recording(uploaded, within_s, kind):
    ended = {"ended_at": "2026-03-02T23:30:00+08:00", "within_s": within_s, "params": LAIXI, "returned": None}
    assert [f.kind for f in found(uploaded, **ended)] == [kind]


def test_two_working_days_from_a_recording_whose_time_is_not_known():
    assert [f.kind for f in found("2026-03-05T00:00:00+08:00", params=LAIXI)] == ["upload-unknown"]
    nan = {"ended_at": "2026-03-02T23:30:00+08:00", "within_s": float("nan")}
    assert [f.kind for f in found("2026-03-05T00:00:00+08:00", params=LAIXI, **nan)] == ["upload-unknown"]
    late = {"ended_at": "2026-12-31T09:00:00+08:00", "examined_at": "2027-03-01T00:00:00+08:00"}
    assert [f.kind for f in found("2027-02-01T00:00:00+08:00", params=LAIXI, **late)] == ["upload-unknown"]
    assert [f.kind for f in found(None, params=LAIXI, **late)] == ["upload-unknown"]


def test_a_regulation_without_a_limit_says_nothing():
    assert found("2026-05-09T09:00:00+08:00", params={}) == []

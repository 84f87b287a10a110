"""Whether the recording was sorted in time."""

import pytest

from detectors.sorting import sorting
from tests.packets import kinds
from tests.records import recorded


def found(done, uploaded="2026-03-05T10:00:00+08:00", limit=2, **beside):
    case = {"store.uploaded_at": uploaded, "store.sorted_at": done}
    return kinds(sorting(recorded(case, **beside), limit_working_days=limit))


@pytest.mark.parametrize(
    ("done", "expected"),
    [
        ("2026-03-05T10:00:00+08:00", [("sorted-in-time", "note")]),
        ("2026-03-10T00:00:00+08:00", [("sorted-in-time", "note")]),  # Friday and Monday
        ("2026-03-10T00:00:01+08:00", [("sorted-late", "violation")]),
        ("2026-03-05T09:59:59+08:00", [("sorted-late", "suspect")]),
        ("2027-03-05T09:59:59+08:00", [("sorted-late", "suspect")]),
        ("soon", [("sorted-late", "suspect")]),
        (None, [("sorted-late", "suspect")]),
    ],
)
def test_two_working_days_from_the_upload(done, expected):
    assert found(done) == expected


def test_without_sorting_the_day_of_the_examination_counts():
    assert found(None, examined_at="2026-03-10T00:00:00+08:00") == []
    assert found(None, examined_at="2026-03-10T00:00:01+08:00") == [("sorted-late", "suspect")]
    assert found(None, examined_at=None) == []


def test_make_up_days_count_and_unknown_ones_decide_nothing():
    assert found("2026-02-25T00:00:00+08:00", uploaded="2026-02-13T09:00:00+08:00") == [("sorted-in-time", "note")]
    assert found("2026-02-25T00:00:01+08:00", uploaded="2026-02-13T09:00:00+08:00") == [("sorted-late", "violation")]
    late = {"uploaded": "2026-12-31T09:00:00+08:00", "examined_at": "2027-06-01T00:00:00+08:00"}
    assert found("2027-01-15T09:00:00+08:00", **late) == [("sorting-unknown", "suspect")]
    assert found("2027-01-02T09:00:00+08:00", **late) == [("sorted-in-time", "note")]
    assert found(None, **late) == [("sorting-unknown", "suspect")]


def test_nothing_without_upload_or_limit():
    assert found("2026-03-10T00:00:01+08:00", uploaded=None) == []
    assert found("2026-03-10T00:00:01+08:00", uploaded="2026-03-05") == []  # a day is no moment
    assert found("2026-03-10T00:00:01+08:00", limit=0) == []

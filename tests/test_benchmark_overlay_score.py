import math
from fractions import Fraction

import numpy as np
import pytest

from benchmarks.overlay_score import (
    MISSING,
    Count,
    edits_of,
    elsewhere,
    field_right,
    found_edits,
    located,
    pictures_right,
    removals_found,
    seconds_right,
    total,
    turns_right,
)
from benchmarks.overlay_truth import Truth
from benchmarks.place import row
from pipeline.features.schema import table
from pipeline.model import Features, Finding, Level, Message, Span

TRUTH = Truth(
    second=np.array([100.0] * 3 + [101.0] * 5 + [math.nan] * 2 + [102.0] * 4),
    clock=("-",) * 14,
    ticks=(3, 10),
    fields={"clock": "00:01:40", "device": "设备号:0317255", "unit": "应急管理局"},
    boxes={"clock": (100, 10, 300, 30)},
    rate=Fraction(5),
    removals=((4, 3),),
    insertions=((8, 2),),
    vanished=(),
    moved=(),
)


def read(seconds, overlay=()):
    rows = [{"clock_s": second, "clock_score": 1.0} for second in seconds]
    return Features({"frames": table("clock", rows), "overlay": table("overlay", list(overlay))})


def field(name, text="", box=(0.0, 0.0, 0.1, 0.1)):
    sides = zip(("left", "top", "right", "bottom"), box, strict=True)
    return {"field": name, "text": text, "readings": 1, "pictures": 1, **dict(sides)}


def finding(kind, start_s, stop_s, level=Level.SUSPECT):
    return Finding(kind, level, Span(start_s, stop_s), Message("-"))


def test_all_right():
    right = read(TRUTH.second)
    assert seconds_right(right, TRUTH) == Count(3, 3)
    assert pictures_right(right, TRUTH) == Count(12, 12)
    assert turns_right(right, TRUTH) == Count(2, 2)


def test_a_second_is_what_most_of_its_pictures_say():
    some = TRUTH.second.copy()
    some[[3, 4]] = 100.0
    some[[10, 11, 12]] = 7.0
    some[13] = math.nan
    assert seconds_right(read(some), TRUTH) == Count(2, 3)
    assert pictures_right(read(some), TRUTH) == Count(6, 12)
    assert turns_right(read(some), TRUTH) == Count(1, 2)


@pytest.mark.parametrize("features", [Features(), read([math.nan] * 14), read([100.0] * 2)])
def test_what_was_not_read_is_wrong(features):
    count = seconds_right(features, TRUTH)
    assert count.of == 3
    assert count.hits == (1 if features.has("frames.clock_s") and features["frames"].rows == 2 else 0)
    assert turns_right(features, TRUTH) == Count(0, 2)


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        ((0.1, 0.1, 0.3, 0.3), True),
        ((0.1, 0.1, 0.9, 0.3), True),
        ((0.1, 0.2, 0.3, 0.3), True),
        ((0.25, 0.1, 0.45, 0.3), False),
        ((0.6, 0.1, 0.8, 0.3), False),
    ],
)
def test_located_is_where_the_clock_stands(box, expected):
    assert located(read([], [field("clock", box=box)]), TRUTH, (1000, 100)) is expected
    assert not located(read([], [field("other", box=box)]), TRUTH, (1000, 100))


def test_fields_count_with_or_without_their_label():
    for text, hits in [("设备号：0317255", 1), ("0317255", 1), ("317255", 0), ("0317255应急管理局", 0)]:
        assert field_right(read([], [field("device", text)]), TRUTH, "device") == Count(hits, 1)
    assert field_right(read([], [field("other", "应急管理局")]), TRUTH, "unit") == Count(0, 1)
    assert field_right(read([], [field("unit", "应急 管理局")]), TRUTH, "unit") == Count(1, 1)
    assert field_right(read([]), TRUTH, "officer") == Count(0, 0)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (finding("clock-rate", 0.0, 1.0), True),
        (finding("clock-jump", 1.7, 1.7), True),
        (finding("clock-jump", 1.9, 2.0), False),
        (finding("clock-jump", 0.0, 60.0), False),
        (finding("clock-missing", 0.7, 0.8), False),
        (finding("clock-rate", 0.7, 0.8, Level.NOTE), False),
    ],
)
def test_a_removal_is_found_by_a_short_finding_near_it(found, expected):
    assert removals_found([found], TRUTH) == [(3, expected)]


def test_what_points_at_no_edit_is_a_false_alarm():
    assert edits_of(TRUTH) == [(0.6, 0.8), (1.6, 2.0)]
    told = [
        finding("clock-rate", 0.7, 0.8),
        finding("clock-missing", 1.6, 2.0),
        finding("clock-drift", 0.0, 60.0),
        finding("clock-jump", 9.0, 9.1),
        finding("clock-jump", 9.0, 9.1, Level.NOTE),
        finding("picture-cut", 9.0, 9.1),
    ]
    assert elsewhere(told, TRUTH) == told[2:4]
    assert found_edits(told, edits_of(TRUTH), MISSING) == [True, True]
    assert found_edits(told[3:], edits_of(TRUTH), MISSING) == [False, False]


def test_lines_of_the_table():
    assert total([Count(1, 2), Count(0, 3)]) == Count(1, 5)
    assert row("x", Count(81, 263), 0.9) == "| x | ≥ 90% | 81 of 263 (30.8%) | 25.5% to 36.6% | no |"
    assert row("x", Count(9, 10), 0.9).endswith("| yes |")
    assert row("x", Count(), 0.9).endswith("| no |")
    assert row("x", Count()) == "| x | - | - | 0.0% to 100.0% | - |"

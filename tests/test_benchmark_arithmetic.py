import pytest

from benchmarks.false_alarms import hit, wilson
from pipeline.model import Finding, Level, Message, Span


@pytest.mark.parametrize(
    ("hits", "count", "low", "high"),
    [(0, 0, 0.0, 1.0), (0, 10, 0.0, 0.278), (10, 10, 0.722, 1.0), (50, 100, 0.404, 0.596), (81, 263, 0.255, 0.366)],
)
def test_wilson_interval(hits, count, low, high):
    assert wilson(hits, count) == pytest.approx((low, high), abs=0.001)


@pytest.mark.parametrize(
    ("kind", "level", "start_s", "found"),
    [
        ("picture-cut", Level.SUSPECT, 4.2, True),
        ("picture-cut", Level.VIOLATION, 3.8, True),
        ("picture-cut", Level.SUSPECT, 4.3, False),
        ("picture-cut", Level.NOTE, 4.0, False),
        ("frozen-picture", Level.SUSPECT, 4.0, False),
    ],
)
def test_a_forgery_is_found_by_the_right_kind_in_the_right_place(kind, level, start_s, found):
    finding = Finding(kind, level, Span(start_s, start_s), Message("-"))
    assert hit([finding], frozenset({"picture-cut"}), 4.0, 4.0) is found

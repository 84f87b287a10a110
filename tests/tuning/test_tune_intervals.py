import pytest

from benchmarks.intervals import most_an_hour, wilson


@pytest.mark.parametrize(
    ("hits", "count", "low", "high"),
    [(0, 0, 0.0, 1.0), (0, 10, 0.0, 0.278), (10, 10, 0.722, 1.0), (50, 100, 0.404, 0.596), (81, 263, 0.255, 0.366)],
)
def test_wilson_interval(hits, count, low, high):
    assert wilson(hits, count) == pytest.approx((low, high), abs=0.001)


@pytest.mark.parametrize(("alarms", "hours", "bound"), [(0, 1.0, 2.996), (0, 0.5, 5.991), (2, 1.0, 6.296)])
def test_bound_of_a_rate(alarms, hours, bound):
    assert most_an_hour(alarms, hours) == pytest.approx(bound, abs=0.001)

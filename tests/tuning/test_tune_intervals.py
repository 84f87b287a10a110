"""Intervals against values from elsewhere."""

import math

import pytest

from pipeline.tune import bootstrap_f1, bootstrap_gain, bootstrap_ratio, f1, garwood, most_an_hour, wilson


@pytest.mark.parametrize(
    ("hits", "count", "low", "high"),
    [(0, 0, 0.0, 1.0), (0, 10, 0.0, 0.278), (10, 10, 0.722, 1.0), (50, 100, 0.404, 0.596), (81, 263, 0.255, 0.366)],
)
def test_wilson_interval(hits, count, low, high):
    assert wilson(hits, count) == pytest.approx((low, high), abs=0.001)


@pytest.mark.parametrize(("alarms", "hours", "bound"), [(0, 1.0, 2.996), (0, 0.5, 5.991), (2, 1.0, 6.296)])
def test_bound_of_a_rate(alarms, hours, bound):
    assert most_an_hour(alarms, hours) == pytest.approx(bound, abs=0.001)


@pytest.mark.parametrize(
    ("events", "hours", "low", "high"),
    # Garwood's table of 95 % limits of a Poisson expectation.
    [(0, 1.0, 0.0, 3.689), (1, 1.0, 0.0253, 5.572), (5, 1.0, 1.623, 11.668), (10, 2.0, 2.398, 9.195)],
)
def test_garwood_interval(events, hours, low, high):
    assert garwood(events, hours) == pytest.approx((low, high), abs=0.001)


def test_a_rate_of_nothing_watched_may_be_anything():
    assert garwood(0, 0.0) == (0.0, math.inf)


@pytest.mark.parametrize(
    ("counts", "value"),
    [((5, 10, 5, 5), 2 / 3), ((0, 4, 0, 0), 0.0), ((0, 4, 0, 3), 0.0), ((0, 0, 0, 0), None), ((4, 4, 0, 0), None)],
)
def test_f1(counts, value):
    assert f1(*counts) == (None if value is None else pytest.approx(value))


def test_the_bootstrap_draws_groups_and_is_repeatable():
    alike = [(5, 10, 5, 6)] * 4
    assert bootstrap_f1(alike, seed=1) == pytest.approx((0.625, 0.625))  # nothing differs between the groups
    mixed = [(10, 10, 10, 10), (0, 10, 0, 0), (10, 10, 10, 12), (2, 10, 2, 9)]
    low, high = bootstrap_f1(mixed, seed=1)
    assert (low, high) == bootstrap_f1(mixed, seed=1)
    assert len({bootstrap_f1(mixed, seed=seed, rounds=20) for seed in range(9)}) > 1
    assert low < f1(22, 40, 22, 31) < high and high - low > 0.3


def test_one_group_tells_nothing_of_how_sure_a_number_is():
    assert bootstrap_f1([(5, 10, 5, 5)]) == (None, None)


def test_a_gain_is_surer_than_the_two_f1_by_themselves():
    before = [(n, 10, n, 10) for n in range(10)]
    after = [(n + 1, 10, n + 1, 10) for n in range(10)]  # every group a little better, however hard it is
    assert bootstrap_gain(before, after, seed=1) == pytest.approx((0.1, 0.1))
    low, high = bootstrap_f1(before, seed=1)
    assert high - low > 0.2
    mixed = bootstrap_gain(before, after[::-1], seed=1)
    assert mixed == bootstrap_gain(before, after[::-1], seed=1) and mixed[0] < 0.1 < mixed[1]
    assert bootstrap_gain([(0, 0, 0, 0)] * 2, [(0, 0, 0, 0)] * 2) == (0.0, 0.0)
    assert bootstrap_gain(before[:1], after[:1]) == (None, None)


def test_a_ratio_is_drawn_by_groups():
    assert bootstrap_ratio([(1, 10)]) == (None, None) and bootstrap_ratio([(0, 0), (0, 0)]) == (None, None)
    low, high = bootstrap_ratio([(0, 10), (10, 10)] * 5, seed=1)
    assert 0.1 <= low <= 0.3 and 0.7 <= high <= 0.9
    assert bootstrap_ratio([(1, 4), (5, 20)]) == (0.25, 0.25)
    assert bootstrap_ratio([(0, 10), (10, 10)], seed=3) == bootstrap_ratio([(0, 10), (10, 10)], seed=3)

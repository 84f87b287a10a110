"""Control charts: chance raises no alarm, a change does, few clips say little."""

import numpy as np
import pytest

from pipeline import tune


def drawn(shares, of, seed):
    rng = np.random.default_rng(seed)
    return [(f"week {n}", int(rng.binomial(of, share)), of) for n, share in enumerate(shares)]


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5, 0.95])
@pytest.mark.parametrize("of", [3, 40, 800])
def test_chance_seldom_raises_an_alarm(share, of):
    beyond = periods = 0
    for seed in range(60):
        chart = tune.control_chart(drawn([share] * 60, of, seed), 30)
        beyond += sum(point.beyond for point in chart.points[30:])
        periods += 30
    assert beyond / periods < 0.012  # 0.0027 if the usual share were known; it is itself an estimate of thirty periods


def test_a_doubled_share_is_seen():
    seen = [tune.control_chart(drawn([0.1] * 20 + [0.3] * 4, 60, seed), 20) for seed in range(40)]
    found = [any(point.signal == "above" for point in chart.points[20:]) for chart in seen]
    assert sum(found) >= 39
    fallen = tune.control_chart(drawn([0.5] * 20 + [0.1] * 2, 60, 1), 20)
    assert {point.signal for point in fallen.points[20:]} == {"below"}


def test_a_small_lasting_shift_is_a_run():
    counts = [(f"{n}", 10 + n % 2, 100) for n in range(10)] + [(f"{n}", 14, 100) for n in range(10, 20)]
    chart = tune.control_chart(counts, 10)
    assert [point.period for point in chart.signals] == [
        "16",
        "17",
        "18",
        "19",
    ]  # the last of the baseline lies above, too
    assert {point.signal for point in chart.signals} == {"run above"}


def test_limits_are_exact_where_clips_are_few():
    chart = tune.control_chart([("a", 0, 30), ("b", 1, 30), ("c", 2, 2), ("d", 1, 1), ("e", 0, 0)], 2)
    assert [point.signal for point in chart.points] == ["", "", "above", "", ""]  # of one clip one says nothing
    assert chart.points[-1].share is None and chart.points[-1].low is None
    assert chart.usual == pytest.approx(1.5 / 61) and chart.spread == 1.0


def test_a_baseline_without_a_hit_still_has_limits():
    chart = tune.control_chart([("a", 0, 20), ("b", 0, 20), ("c", 1, 3), ("d", 3, 3)], 2)
    assert 0 < chart.usual < 0.02
    assert [point.signal for point in chart.points] == ["", "", "", "above"]


def test_periods_that_scatter_wider_have_wider_limits():
    even = tune.control_chart([(f"{n}", 20, 200) for n in range(20)], 20)
    wide = tune.control_chart([(f"{n}", 10 + 20 * (n % 2), 200) for n in range(20)], 20)
    assert even.spread == 1.0 and wide.spread > 2
    assert wide.points[0].high > even.points[0].high and wide.points[0].low < even.points[0].low
    assert wide.signals == ()


def test_the_table_has_a_row_for_each_period():
    chart = tune.control_chart([("2026-01", 1, 10), ("2026-02", 9, 10)], 1)
    rows = chart.table()
    assert [row["period"] for row in rows] == ["2026-01", "2026-02"] and rows[1]["signal"] == "above"
    assert rows[0]["share_low"] < 0.1 < rows[0]["share_high"] and "2026-02" in chart._repr_html_()


@pytest.mark.parametrize(
    ("counts", "baseline"), [([], 1), ([("a", 1, 2)], 0), ([("a", 1, 2)], 2), ([("a", 3, 2)], 1), ([("a", 0, 0)], 1)]
)
def test_what_cannot_be_is_an_error(counts, baseline):
    with pytest.raises(ValueError, match=r"baseline|more hits|nothing"):
        tune.control_chart(counts, baseline)

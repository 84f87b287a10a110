"""Stretches without the clock that the rest of a clip shows, and clocks that move or change their form."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.clock_simulation import Recorder, take
from detectors.clock_missing import clock_missing
from pipeline.features.schema import table
from pipeline.model import Features, Level
from tests.packets import kinds

WHOLE = take(Recorder(), 60.0, 5)


def without_clock(*stretches, score=0.03):
    clock_s, scores = WHOLE.clock_s.copy(), WHOLE.score.copy()
    for first, stop in stretches:
        clock_s[first:stop], scores[first:stop] = np.nan, score
    return replace(WHOLE, clock_s=clock_s, score=scores)


def with_texts(features, rows):
    box = {"left": 0.02, "top": 0.03, "right": 0.3, "bottom": 0.06, "overlay": True, "confidence": 0.99}
    texts = table("texts", [{**box, "frame": round(row["time_s"] * 25), **row} for row in rows])
    return Features({**features.tables, "texts": texts})


def clock_lines(*times_s, text="2026-11-02 06:13:20", **more):
    return [{"time_s": time_s, "text": text, **more} for time_s in times_s]


def test_a_clock_that_is_there_throughout_says_nothing():
    assert list(clock_missing(WHOLE.features())) == []


def test_a_clip_without_a_clock_says_nothing():
    features = without_clock((0, 1500)).features()
    assert list(clock_missing(Features({**features.tables, "overlay": table("overlay", [])}))) == []


@pytest.mark.parametrize("pictures", [1, 2, 30])
def test_foreign_pictures_without_a_clock_are_found_to_the_picture(pictures):
    (finding,) = clock_missing(WHOLE.with_foreign(700, pictures).features())
    assert (finding.kind, finding.level) == ("clock-missing", Level.SUSPECT)
    assert (finding.span.first_frame, finding.span.stop_frame) == (700, 700 + pictures)
    assert ("single picture" in finding.summary) == (pictures == 1)


@pytest.mark.parametrize(("broken", "count"), [(12.0, 1), (4.0, 0)])
@pytest.mark.parametrize("pictures", [1, 2, 5])
def test_a_few_pictures_before_a_lettered_sign_are_no_foreign_ones(pictures, broken, count):
    residual = 4.0 + np.arange(1500 + pictures) % 3
    residual[[700, 700 + pictures]] = broken
    assert len(list(clock_missing(WHOLE.with_foreign(700, pictures).features(flow_residual=residual)))) == count


def test_a_longer_gap_is_told_however_calm_the_picture():
    residual = np.full(1506, 4.0)
    assert len(list(clock_missing(WHOLE.with_foreign(700, 6).features(flow_residual=residual)))) == 1


def test_damaged_pictures_do_not_count():
    damaged = np.zeros(1500, bool)
    damaged[700:705] = True
    assert list(clock_missing(without_clock((700, 705)).features(damaged=damaged))) == []


def test_reading_that_grows_worse_bit_by_bit_is_no_missing_clock():
    scores = WHOLE.score.copy()
    scores[700:725] = np.concatenate((np.linspace(0.9, 0.2, 12), np.linspace(0.2, 0.9, 13)))
    assert list(clock_missing(replace(WHOLE, score=scores).features())) == []


def test_a_second_whose_figure_cannot_be_told_is_no_missing_overlay():
    ticks = np.flatnonzero(np.diff(WHOLE.clock_s)) + 1
    assert list(clock_missing(without_clock((ticks[20], ticks[21])).features())) == []
    change = WHOLE.luma_diff.copy()
    change[[ticks[20], ticks[21]]] = 40.0
    assert len(list(clock_missing(without_clock((ticks[20], ticks[21])).features(luma_diff=change)))) == 1
    assert len(list(clock_missing(without_clock((ticks[20], ticks[22])).features()))) == 1
    assert len(list(clock_missing(without_clock((ticks[20] + 3, ticks[21] + 3)).features()))) == 1


def test_a_stretch_in_which_the_recorders_lines_were_read_has_an_overlay():
    gone = without_clock((700, 800)).features()
    assert kinds(clock_missing(gone)) == [("clock-missing", "suspect")]
    assert list(clock_missing(with_texts(gone, clock_lines(29.0)))) == []
    assert len(list(clock_missing(with_texts(gone, clock_lines(29.0, text="HOTEL"))))) == 1


@pytest.mark.parametrize(
    ("stretch", "said"), [((0, 100), "first 4.00 s"), ((1400, 1500), "last 4.00 s"), ((0, 10), ""), ((1490, 1500), "")]
)
def test_the_ends_of_a_clip(stretch, said):
    found = list(clock_missing(without_clock(stretch).features()))
    assert [said in finding.summary for finding in found] == ([True] if said else [])


def test_a_clock_in_one_part_only_is_found():
    (finding,) = clock_missing(without_clock((600, 1500)).features())
    assert finding.span.start_s == pytest.approx(24.0) and "last 36.00 s" in finding.summary


def test_many_short_gaps_are_told_as_one():
    gaps = [(at, at + 1) for at in range(100, 1400, 100)]
    (finding,) = clock_missing(without_clock(*gaps).features())
    assert (finding.level, finding.evidence["gaps"]) == (Level.SUSPECT, 13)
    poor = without_clock(*gaps)
    scores = poor.score.copy()
    scores[50:1450:7] = 0.55
    (finding,) = clock_missing(replace(poor, score=np.minimum(scores, poor.score)).features())
    assert (finding.kind, finding.level) == ("clock-unread", Level.NOTE)


def test_a_clock_that_could_hardly_be_read_is_a_note():
    rare = np.where(np.arange(1500) % 3 == 0, WHOLE.clock_s, np.nan)
    (finding,) = clock_missing(replace(WHOLE, clock_s=rare).features())
    assert (finding.kind, finding.level) == ("clock-unread", Level.NOTE)
    assert "33 %" in finding.summary
    (finding,) = clock_missing(without_clock((0, 1500)).features())
    assert "in no picture" in finding.summary


def test_foreign_pictures_may_by_chance_look_a_little_like_figures():
    gone = without_clock((700, 730))
    scores = gone.score.copy()
    scores[705:728:6] = 0.55
    (finding,) = clock_missing(replace(gone, score=scores).features())
    assert (finding.span.first_frame, finding.span.stop_frame) == (700, 730)


def test_a_clock_that_moves_is_found_where_it_could_not_be_located_for_that_very_reason():
    rows = clock_lines(2.0, 7.0) + clock_lines(24.0, 29.0, top=0.9, bottom=0.93)
    features = with_texts(without_clock((0, 1500)).features(), rows)
    (finding,) = clock_missing(Features({**features.tables, "overlay": table("overlay", [])}))
    assert (finding.level, finding.span.start_s, finding.span.stop_s) == (Level.SUSPECT, 7.0, 24.0)


@pytest.mark.parametrize(
    ("after", "said"),
    [
        ({"top": 0.9, "bottom": 0.93}, "another place"),
        ({"left": 0.6, "right": 0.9}, "another place"),
        ({"text": "2026年11月02日 06:13:20"}, "form"),
        ({"text": "11-02-2026 06:13:20"}, "form"),
        ({"text": "06:13:20"}, None),
        ({"text": "2026-11-02 06:13"}, None),
        ({"top": 0.032, "bottom": 0.062}, None),
        ({"text": "2026-11-0206:13:20"}, None),
    ],
)
def test_a_clock_that_moves_or_changes_its_form(after, said):
    rows = clock_lines(2.0, 7.0, 12.0, 17.0) + clock_lines(24.0, 29.0, 34.0, **after)
    found = list(clock_missing(with_texts(WHOLE.features(), rows)))
    assert [(f.level, f.span.start_s, f.span.stop_s) for f in found] == [(Level.SUSPECT, 17.0, 24.0)] * (
        said is not None
    )
    assert all(said in finding.summary for finding in found)

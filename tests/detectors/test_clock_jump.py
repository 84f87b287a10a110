"""Clocks that jump, run back or stand still, on simulated clocks."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.clock_simulation import Recorder, take
from detectors.clock_jump import clock_jump
from detectors.clock_rate import clock_rate
from pipeline.features.schema import table
from pipeline.model import Features, Level

WHOLE = take(Recorder(), 120.0, 5)
TICKS = np.flatnonzero(np.diff(WHOLE.clock_s)) + 1


def jumped(at, seconds, **more):
    """Return the take with its clock set by `seconds` from picture `at` on."""
    clock_s = WHOLE.clock_s.copy()
    clock_s[at:] += seconds
    return replace(WHOLE, clock_s=clock_s, **more)


def told(features, **params):
    found = [*clock_jump(features, **params), *clock_rate(features)]
    return [finding for finding in found if finding.level is not Level.NOTE]


@pytest.mark.parametrize("pictures", [30, 85, 1000])
def test_a_removal_of_more_than_a_second_is_one_finding_at_the_joint(pictures):
    cut = WHOLE.without(800, pictures)
    (finding,) = told(cut.features())
    assert (finding.kind, finding.level) == ("clock-jump", Level.VIOLATION)
    assert (finding.span.start_s, finding.span.stop_s) == (cut.time_s[799], cut.time_s[800])
    assert finding.evidence["step_s"] == pytest.approx(pictures / 25, abs=0.05)
    assert finding.evidence["before"] < finding.evidence["after"]


@pytest.mark.parametrize("pictures", [25, 50])
@pytest.mark.parametrize("into_the_second", [6, 13, 19])
def test_whole_seconds_removed_in_the_middle_of_one_are_found(pictures, into_the_second):
    cut = WHOLE.without(int(TICKS[30]) + into_the_second, pictures)
    (finding,) = told(cut.features())
    assert finding.kind == "clock-jump"
    assert finding.evidence["step_s"] == pytest.approx(pictures / 25, abs=0.05)
    assert finding.evidence["whole_seconds"] is False


@pytest.mark.parametrize("seconds", [1, 2, 60, 3600, -1, -30])
def test_a_clock_set_by_whole_seconds_at_a_tick_is_for_a_person(seconds):
    (finding,) = told(jumped(int(TICKS[40]), seconds).features())
    assert (finding.kind, finding.level) == ("clock-jump", Level.SUSPECT)
    assert finding.evidence["whole_seconds"] is True
    assert "set its clock" in finding.summary
    assert f"{abs(seconds)} s between" in finding.summary


def test_a_clock_that_is_set_while_the_picture_runs_on_is_no_violation():
    set_clock = WHOLE.without(800, 85)
    calm = np.full(len(set_clock.time_s), 5.0)
    assert [f.level for f in told(set_clock.features(luma_diff=calm))] == [Level.SUSPECT]


@pytest.mark.parametrize(("seconds_left", "level"), [(1, Level.NOTE), (2, Level.SUSPECT)])
def test_two_seconds_at_the_end_that_may_be_misread_are_a_note_where_the_picture_runs_on(seconds_left, level):
    odd = jumped(int(TICKS[-seconds_left]) - 3, -28200)
    calm = np.full(len(odd.time_s), 5.0)
    assert [f.level for f in clock_jump(odd.features(luma_diff=calm))] == [level]


def test_a_repeated_stretch_runs_the_clock_back():
    (finding,) = told(WHOLE.repeated(1000, 90).features())
    assert "runs back from" in finding.summary
    assert finding.evidence["step_s"] == pytest.approx(-3.6, abs=0.05)
    assert finding.span.start_s == pytest.approx(WHOLE.time_s[999])


def test_foreign_pictures_for_some_seconds_hold_the_clock_up():
    (finding,) = told(WHOLE.with_foreign(1000, 80).features())
    assert finding.evidence["step_s"] == pytest.approx(-3.2, abs=0.05)
    assert "put in, repeated or held" in finding.summary


def test_a_second_left_out_for_accumulated_drift_is_told_by_nobody():
    asks = Recorder(ask_every_s=1.02)
    features = take(asks, 600.0, 5).features()
    assert np.diff(features["frames"]["clock_s"]).max() == 2
    assert told(features) == []


def test_midnight_is_no_jump():
    for recorder in (Recorder(dated=False), Recorder()):
        over = take(recorder, 120.0, 5, start_s=1_793_663_940.0)
        assert (over.clock_s % 86400).min() == 0
        assert told(over.features("00:00:00" if not recorder.dated else "0000-00-00 00:00:00")) == []
    cut = take(Recorder(dated=False), 120.0, 5, start_s=1_793_663_940.0).without(1400, 200)
    (finding,) = told(cut.features("00:00:00"))
    assert finding.evidence["step_s"] == pytest.approx(8.0, abs=0.05)
    assert (finding.evidence["before"], finding.evidence["after"]) == ("23:59:56", "00:00:04")


def test_a_face_of_twelve_hours_that_begins_anew_is_no_jump():
    over = take(Recorder(dated=False), 120.0, 5, start_s=43_200.0 - 40)
    face = np.where(over.clock_s >= 43_200 + 3600, over.clock_s - 43_200, over.clock_s)
    assert told(replace(over, clock_s=face).features("00:00:00")) == []


def test_a_date_that_jumps_is_found():
    (finding,) = told(jumped(int(TICKS[40]), 86_400).features())
    assert (finding.evidence["before"][:10], finding.evidence["after"][:10]) == ("2026-11-02", "2026-11-03")


@pytest.mark.parametrize("seconds", [5, 20])
def test_a_clock_that_stands_still_is_found_whether_or_not_it_catches_up(seconds):
    first = int(TICKS[40])
    held = WHOLE.clock_s.copy()
    held[first : first + 25 * seconds] = held[first]
    (stop,) = told(replace(WHOLE, clock_s=held).features())
    assert "stands still" in stop.summary and stop.span.start_s == pytest.approx(WHOLE.time_s[first])
    assert stop.evidence["seconds"] == pytest.approx(seconds, abs=1.1)
    late = WHOLE.clock_s.copy()
    late[first:] = np.maximum(late[first], late[first:] - seconds)
    (stop,) = told(replace(WHOLE, clock_s=late).features())
    assert "stands still" in stop.summary


def with_lines(features, *texts):
    rows = [{"time_s": 10.0 * n, "frame": 250 * n, "text": text, "overlay": True} for n, text in enumerate(texts, 1)]
    return Features({**features.tables, "texts": table("texts", [{"document": False, **row} for row in rows])})


def test_a_clock_that_stands_still_throughout_is_told_where_the_reader_of_texts_bears_it_out():
    stopped = replace(WHOLE, clock_s=np.full(len(WHOLE.time_s), WHOLE.clock_s[0] + 7)).features()
    (stop,) = told(with_lines(stopped, "2026-11-02 06:13:07", "2026-11-0206:13:07", "40%"))
    assert (stop.span.start_s, stop.level) == (0.0, Level.SUSPECT)
    assert told(stopped) == []
    assert told(with_lines(stopped, "2026-11-02 06:13:07", "2026-11-02 06:13:47")) == []
    minutes = np.full(len(WHOLE.time_s), WHOLE.clock_s[0] // 60 * 60)
    assert told(replace(take(Recorder(), 50.0, 5), clock_s=minutes[:1250]).features("00:00")) == []


def test_a_clock_that_seems_to_stand_still_while_the_reader_of_texts_sees_it_run_does_not():
    held = WHOLE.clock_s.copy()
    held[TICKS[40] : TICKS[60]] = held[TICKS[40]]
    features = replace(WHOLE, clock_s=held).features()
    assert len(told(features)) == 1
    assert told(with_lines(features, *["x"] * 4, "2026-11-02 06:14:02", "2026-11-02 06:14:12")) == []


def test_a_clock_that_stops_with_the_picture_does_not_stand_still_alone():
    held = WHOLE.clock_s.copy()
    held[TICKS[40] : TICKS[45]] = held[TICKS[40]]
    change = WHOLE.luma_diff.copy()
    change[TICKS[40] + 1 : TICKS[45]] = 0.01
    assert told(replace(WHOLE, clock_s=held).features(luma_diff=change)) == []


def test_a_clock_without_seconds_ticks_once_a_minute():
    minutes = take(Recorder(unit_s=60.0), 3600.0, 5)
    assert told(minutes.features("0000-00-00 00:00")) == []
    (finding,) = told(minutes.without(40_000, 500).features("0000-00-00 00:00"))
    assert finding.evidence["step_s"] == pytest.approx(20.0, abs=0.1)
    assert finding.span.stop_s - finding.span.start_s <= 60.1


@pytest.mark.parametrize("off", [10, 600, 3660])
def test_figures_misread_for_some_seconds_are_no_jump(off):
    clock_s = WHOLE.clock_s.copy()
    clock_s[TICKS[40] : TICKS[45]] += off
    clock_s[TICKS[45] : TICKS[50]] -= 2 * off
    assert told(replace(WHOLE, clock_s=clock_s).features()) == []


def test_foreign_seconds_of_the_same_phase_are_told_where_the_picture_jumps():
    clock_s, change = WHOLE.clock_s.copy(), WHOLE.luma_diff.copy()
    clock_s[TICKS[40] : TICKS[45]] += 3660
    change[[TICKS[40], TICKS[45]]] = 40.0
    assert len(told(replace(WHOLE, clock_s=clock_s).features(luma_diff=change))) == 2


def test_a_jump_that_the_lines_read_speak_against_is_a_wrong_reading():
    features = jumped(int(TICKS[40]), 3600).features()
    assert len(told(features)) == 1
    right = "2026-11-02 06:13:10", "2026-11-02 06:13:20", "2026-11-02 06:13:30", "2026-11-02 06:13:40"
    after = "2026-11-02 06:13:50", "2026-11-02 06:14:00"
    assert told(with_lines(features, *right, *after)) == []
    assert told(with_lines(features, *right[:2], *["x"] * 2, "06:13:50", "06:14:00")) == []
    assert len(told(with_lines(features, *right, "2026-11-02 07:13:50", "2026-11-02 07:14:00"))) == 1
    assert len(told(with_lines(features, *right))) == 1


def test_pictures_that_show_another_time_are_told():
    clock_s = WHOLE.clock_s.copy()
    clock_s[TICKS[40] + 5 : TICKS[40] + 15] += 3 * 3600 + 754
    (finding,) = told(replace(WHOLE, clock_s=clock_s).features())
    assert "For 10 pictures the clock shows" in finding.summary
    assert (finding.span.first_frame, finding.span.stop_frame) == (TICKS[40] + 5, TICKS[40] + 15)


@pytest.mark.parametrize(("off", "last"), [(1, 9), (-1, 0)])
def test_a_figure_that_carries_wrongly_for_some_pictures_is_misread(off, last):
    tick = next(tick for tick in TICKS[20:] if WHOLE.clock_s[tick] % 10 == last)
    clock_s = WHOLE.clock_s.copy()
    clock_s[tick + 5 : tick + 15] += off  # 39 is read as 40, or 40 as 39: two figures change
    assert told(replace(WHOLE, clock_s=clock_s).features()) == []
    clock_s[tick + 5 : tick + 15] += 2 * off
    assert len(told(replace(WHOLE, clock_s=clock_s).features())) == 1

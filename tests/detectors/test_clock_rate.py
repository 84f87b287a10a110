"""Seconds of the clock that hold too few or too many pictures, on simulated clocks of many recorders."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.clock_simulation import HONEST, Recorder, take
from detectors.clock_jump import clock_jump
from detectors.clock_rate import clock_rate
from pipeline.model import Level

JITTERS = {
    "ideal": Recorder(),
    "30/s": Recorder(rate_hz=30.0),
    "29.97/s": Recorder(rate_hz=30000 / 1001),
    "drift": Recorder(gain=3 / 86400),
}


def told(features, **params):
    """Return what both detectors say, notes left out."""
    found = [*clock_jump(features), *clock_rate(features, **params)]
    return [finding for finding in found if finding.level is not Level.NOTE]


@pytest.mark.parametrize("name", HONEST)
def test_an_honest_clock_is_not_accused(name):
    form = "0000-00-00 00:00" if HONEST[name].unit_s > 1 else "0000-00-00 00:00:00"
    assert [f for seed in range(4) for f in told(take(HONEST[name], 600.0, seed).features(form))] == []


@pytest.mark.parametrize("pictures", [3, 5, 10, 20])
@pytest.mark.parametrize("recorder", JITTERS.values(), ids=JITTERS)
def test_removed_pictures_shorten_the_second_around_them(recorder, pictures):
    whole = take(recorder, 60.0, 5)
    cut = whole.without(800, pictures)
    (finding,) = told(cut.features())
    assert finding.kind == "clock-rate"
    assert finding.span.start_s - 0.05 <= cut.time_s[800] <= finding.span.stop_s + 0.05
    assert finding.span.stop_s - finding.span.start_s <= 1.05
    assert finding.evidence["pictures"] == pytest.approx(pictures, abs=1)
    assert finding.evidence["step_s"] > 0


@pytest.mark.parametrize("recorder", [Recorder(), Recorder(rate_hz=30.0)])
@pytest.mark.parametrize("at", [0.4, 0.6])
@pytest.mark.parametrize(
    ("pictures", "jumps", "level"), [(4, False, "suspect"), (2, True, "suspect"), (2, False, "note")]
)
def test_in_a_short_clip_three_seconds_on_one_side_tell_of_a_plain_step(recorder, at, pictures, jumps, level):
    cut = take(recorder, 9.5, 5).without(round(at * 9.5 * recorder.rate_hz), pictures)
    columns = {} if jumps else {"luma_diff": np.full(len(cut.time_s), 5.0)}
    steps = [f for f in clock_rate(cut.features(**columns)) if "step_s" in f.evidence]
    assert [f.level.value for f in steps] == [level]


@pytest.mark.parametrize("name", HONEST)
def test_the_clock_of_a_short_honest_clip_is_not_accused(name):
    form = "0000-00-00 00:00" if HONEST[name].unit_s > 1 else "0000-00-00 00:00:00"
    assert [f for seed in range(40) for f in told(take(HONEST[name], 9.5, seed).features(form))] == []


def test_a_single_picture_is_below_what_a_clock_can_show():
    assert told(take(Recorder(), 60.0, 5).without(800, 1).features()) == []


def test_two_removals_a_few_seconds_apart_are_two_findings():
    cut = take(Recorder(), 60.0, 5).without(900, 8).without(700, 12)
    assert [finding.evidence["pictures"] for finding in told(cut.features())] == [12, 8]


@pytest.mark.parametrize("edit", ["with_foreign", "repeated"])
def test_pictures_too_many_lengthen_the_second(edit):
    made = getattr(take(Recorder(), 60.0, 5), edit)(800, 12)
    steps = [finding for finding in told(made.features()) if finding.kind == "clock-rate"]
    assert [round(finding.evidence["step_s"], 2) for finding in steps] == [-0.48]
    assert "12 pictures too many" in steps[0].summary


def test_the_message_shows_the_clock_as_it_is_written():
    cut = take(Recorder(), 60.0, 5).without(800, 10)
    (finding,) = told(cut.features("0000年00月00日 00:00:00"))
    assert finding.message.values["before"].startswith("2026年11月02日 06:13:32")


def test_jitter_that_comes_back_is_tolerated_and_a_removal_still_seen():
    shaky = Recorder(jitter_frames=3.0)
    assert told(take(shaky, 600.0, 1).features()) == []
    (finding,) = told(take(shaky, 600.0, 1).without(7000, 12).features())
    assert finding.evidence["pictures"] == pytest.approx(12, abs=2)


def test_a_few_late_ticks_in_a_row_are_no_removal():
    whole = take(Recorder(), 60.0, 5)
    ticks = np.flatnonzero(np.diff(whole.clock_s)) + 1
    clock_s = whole.clock_s.copy()
    for tick in ticks[20:24]:
        clock_s[tick : tick + 3] -= 1
    assert told(replace(whole, clock_s=clock_s).features()) == []


def test_runs_that_were_not_read_and_wrong_readings_do_not_matter():
    cut = take(Recorder(), 120.0, 5).without(1500, 10)
    clock_s = cut.clock_s.copy()
    clock_s[200:330] = np.nan
    clock_s[900:903] = np.nan
    clock_s[2000:2004] += 5
    clock_s[2400] -= 30
    (finding,) = told(replace(cut, clock_s=clock_s).features())
    assert finding.evidence["pictures"] == 10


def test_the_level_rests_on_size_calm_and_the_picture():
    cut = take(Recorder(), 60.0, 5).without(800, 18)
    assert [f.level for f in told(cut.features())] == [Level.VIOLATION]
    still = np.full(len(cut.time_s), 5.0)
    assert [f.level for f in told(cut.features(luma_diff=still))] == [Level.SUSPECT]
    assert [f.level for f in told(take(Recorder(), 60.0, 5).without(800, 8).features())] == [Level.SUSPECT]


@pytest.mark.parametrize("gain", [-0.2, 0.25, 0.02])
def test_a_clip_that_was_slowed_down_or_sped_up_is_one_finding(gain):
    (finding,) = told(take(Recorder(gain=gain), 120.0, 5).features())
    assert finding.kind == "clock-rate"
    assert finding.evidence["speed"] == pytest.approx(gain, abs=0.002)
    assert (finding.span.start_s, finding.span.stop_s) == (0.0, pytest.approx(120.0, abs=0.1))
    assert f"{1 / (1 + gain):.3f} s of the stream" in finding.summary


def test_a_stretch_that_was_slowed_down_is_found():
    whole = take(Recorder(), 120.0, 5)
    time_s = whole.time_s.copy()
    inside = slice(1000, 1750)
    time_s[inside] = time_s[1000] + (time_s[inside] - time_s[1000]) * 1.3
    time_s[1750:] += time_s[1749] - whole.time_s[1749]
    (finding,) = told(replace(whole, time_s=time_s).features())
    assert "runs at 7" in finding.summary
    assert 35 < finding.span.start_s < 50 and 60 < finding.span.stop_s < 85


def test_drift_beyond_a_recorders_is_noted_where_the_clip_is_long_enough():
    hour = take(Recorder(gain=60 / 86400), 3600.0, 5)
    (note,) = list(clock_rate(hour.features()))
    assert (note.level, note.kind) == (Level.NOTE, "clock-rate")
    assert note.evidence["seconds_a_day"] == pytest.approx(60, abs=3)
    assert list(clock_rate(take(Recorder(gain=60 / 86400), 60.0, 5).features())) == []


def test_many_steps_that_cancel_are_the_recorders_unevenness():
    whole = take(Recorder(), 600.0, 5)
    time_s = whole.time_s.copy()
    for number, at in enumerate(range(1000, 14000, 1000)):
        time_s[at:] += 0.4 * (-1) ** number
    (note,) = list(clock_rate(replace(whole, time_s=time_s).features()))
    assert note.level is Level.NOTE and note.evidence["steps"] == 13


def test_too_few_readings_and_no_clock_say_nothing():
    cut = take(Recorder(), 60.0, 5).without(800, 10)
    rare = np.where(np.random.default_rng(1).random(len(cut.time_s)) < 0.4, cut.clock_s, np.nan)
    assert told(replace(cut, clock_s=rare).features()) == []
    assert told(replace(cut, clock_s=np.full(len(cut.time_s), np.nan)).features()) == []


def test_damaged_pictures_are_not_read():
    whole = take(Recorder(), 60.0, 5)
    clock_s = whole.clock_s.copy()
    clock_s[600:650] = 7.0
    damaged = np.zeros(len(clock_s), bool)
    damaged[600:650] = True
    assert told(replace(whole, clock_s=clock_s).features(damaged=damaged)) == []

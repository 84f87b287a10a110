import numpy as np
import pytest

from detectors.timestamp_gap import timestamp_gap
from tests.packets import kinds, mark, sound_packets, stream

GOPS = "IPPPIPPPIPPP"
LONG = "IPPPPPPPPP" * 10


def test_an_even_stream_has_no_hole():
    assert list(timestamp_gap(stream(GOPS).features())) == []


def test_one_dropped_picture_is_marked_at_the_hole():
    cut = stream(GOPS).drop(6)
    assert mark(cut, timestamp_gap(cut.features())) == ".....xx...."


def test_a_duration_that_fills_the_hole_does_not_excuse_it():
    cut = stream(LONG).drop(*range(30, 60)).stretched()
    (finding,) = timestamp_gap(cut.features())
    assert finding.level == "violation"
    assert finding.evidence["stated_as_duration"] is True
    assert (finding.span.first_frame, finding.span.stop_frame) == (29, 30)


@pytest.mark.parametrize(("dropped", "level"), [(1, "note"), (2, "suspect"), (11, "suspect"), (13, "violation")])
def test_half_a_second_makes_a_violation(dropped, level):
    cut = stream(LONG).drop(*range(30, 30 + dropped))
    assert kinds(timestamp_gap(cut.features())) == [("timestamp-gap", level)]


def test_irregular_times_of_a_phone_are_its_habit():
    step_s = np.random.default_rng(7).choice([0.033, 0.034, 0.05, 0.066, 0.1], size=99, p=[0.3, 0.3, 0.2, 0.15, 0.05])
    footage = stream("P" * 100).at(*np.concatenate(([0.0], np.cumsum(step_s)))).stretched()
    assert list(timestamp_gap(footage.features())) == []


def test_a_hole_far_beyond_the_habit_of_a_phone_is_suspect():
    step_s = np.random.default_rng(7).choice([0.033, 0.05, 0.066, 0.1], size=99)
    step_s[50] = 1.5
    footage = stream("P" * 100).at(*np.concatenate(([0.0], np.cumsum(step_s))))
    (finding,) = timestamp_gap(footage.features())
    assert finding.level == "suspect"
    assert finding.span.first_frame == 50


def test_rates_that_change_in_the_dark_are_no_holes():
    step_s = np.repeat([1 / 30, 1 / 15, 1 / 30], 60)
    footage = stream("P" * 181).at(*np.concatenate(([0.0], np.cumsum(step_s))))
    assert list(timestamp_gap(footage.features())) == []


def test_many_short_holes_are_one_suspicion():
    cut = stream(LONG).drop(*(at + n for at in (10, 22, 34, 46, 58, 70, 82) for n in (0, 1)))
    assert kinds(timestamp_gap(cut.features())) == [("timestamp-gap", "suspect")]


def test_many_pictures_skipped_one_at_a_time_are_a_note():
    cut = stream(LONG).drop(10, 22, 34, 46, 58, 70, 82)
    assert kinds(timestamp_gap(cut.features())) == [("timestamp-gap", "note")]


def test_a_long_hole_is_told_beside_many_short_ones():
    cut = stream(LONG * 4).drop(10, 22, 34, 46, 58, 70, *range(100, 130))
    assert sorted(level for _, level in kinds(timestamp_gap(cut.features()))) == ["note", "violation"]


def test_hidden_packets_leave_no_hole_behind():
    hidden = stream(GOPS).later(4, 1.0)
    discard = [True] * 4 + [False] * 8
    assert list(timestamp_gap(hidden.features(packets={"discard": discard}))) == []


def _times_without(start_s, stop_s):
    times = np.arange(0.0, 4.0, 1024 / 48000)
    return times[(times < start_s) | (times >= stop_s)].tolist()


def test_it_says_that_the_sound_has_the_hole_too():
    cut = stream(LONG).drop(*range(30, 60))
    (finding,) = timestamp_gap(cut.features(sound_packets=sound_packets(_times_without(1.2, 2.4))))
    assert finding.evidence["sound_too"] is True
    assert "no sound either" in finding.summary


def test_a_hole_in_the_sound_alone_is_suspect():
    footage = stream(LONG)
    (finding,) = timestamp_gap(footage.features(sound_packets=sound_packets(_times_without(1.0, 2.0))))
    assert finding.level == "suspect"
    assert 0.9 < finding.span.start_s < 1.0 and 2.0 <= finding.span.stop_s < 2.1

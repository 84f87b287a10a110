"""What standing lines are: pure, from what they read as in each of the pictures."""

import numpy as np
import pytest

from pipeline.signs.clock import follow
from pipeline.signs.clock_course import course_of
from pipeline.signs.clock_figures import Label
from pipeline.signs.fields import read_clock
from pipeline.signs.locate import Area, layout_of
from pipeline.signs.ocr import LineRead

CLOCK = Area(0.02, 0.03, 0.27, 0.07)
LOW = Area(0.02, 0.93, 0.2, 0.97)


def line(text, confidence=0.99):
    return LineRead(text, confidence, tuple((place + 0.5) / len(text) for place in range(len(text))))


def lines(*texts):
    return [line(text) for text in texts]


TIMES = lines("2026-03-0109:00:01", "2026-03-0109:00:07", "2026-03-0109:00:13", "2026-03-0109:00:19")


def located(areas, reads, moving=False):
    return layout_of(areas, reads, [False] * len(areas), moving, 0.16, 0.6)


def test_a_clock_and_its_figures():
    found = located([CLOCK], [TIMES])
    assert found.clock.area == CLOCK
    assert len(found.figures) == 6
    width = found.digits.right - found.digits.left
    places = [CLOCK.left + (place + 0.5) / 18 * 0.25 for place in (10, 11, 13, 14, 16, 17)]
    assert np.allclose([found.digits.left + at * width for at in found.figures], places, atol=1e-6)


def test_one_wrong_reading_in_four_is_outvoted():
    found = located([CLOCK], [[*TIMES[:3], line("2O26-O3-O1O9")]])
    assert found.clock is not None


def test_a_device_beside_the_clock_is_the_recorders_even_before_a_fixed_camera():
    found = located([CLOCK, LOW], [TIMES, lines(*["DSJ-A70317255"] * 4)])
    assert [one.field for one in found.lines] == ["clock", "device"]


def test_a_standing_sign_is_the_recorders_only_if_the_camera_moves():
    middle = Area(0.4, 0.05, 0.6, 0.09)
    sign = lines(*["平安化工厂"] * 4)
    assert [one.field for one in located([CLOCK, middle], [TIMES, sign]).lines] == ["clock"]
    assert len(located([CLOCK, middle], [TIMES, sign], moving=True).lines) == 2


def test_of_two_clocks_the_one_that_is_read_more_often():
    other = [TIMES[0], line(""), line(""), TIMES[3]]
    found = located([LOW, CLOCK], [other, TIMES])
    assert found.clock.area == CLOCK


def test_a_date_on_its_own_line():
    found = located([CLOCK, LOW], [lines(*["2026-03-01"] * 4), lines("09:00:01", "09:00:07", "09:00:13", "09:00:19")])
    assert {one.field for one in found.lines} == {"clock", "date"}
    assert found.clock.area == LOW


def test_without_a_clock_there_are_no_figures():
    found = located([LOW], [lines(*["REC"] * 4)])
    assert found.clock is None and found.digits is None and found.figures == ()


def test_an_hour_of_one_figure():
    texts = lines("7/27/20184:11:07PM", "7/27/20184:11:13PM", "7/27/20184:11:19PM")
    found = located([CLOCK], [texts])
    assert len(found.figures) == 6 and np.isfinite(found.figures).all()
    assert found.figures[0] < found.figures[1]


class TestCourse:
    """How far the clock is ahead of the stream, from what speaks against every last figure."""

    def doubts(self, figures, noise=0.0, seed=0):
        against = np.full((len(figures), 10), 9.0, np.float32)
        against[np.arange(len(figures)), figures] = 0.0
        random = np.random.default_rng(seed)
        blurred = random.random(len(figures)) < noise
        against[blurred] = 0.0
        return against

    @pytest.mark.parametrize("noise", [0.0, 0.5, 0.9])
    def test_unreadable_pictures_are_bridged(self, noise):
        time_s = np.arange(900) / 30
        truth = (time_s + 0.4).astype(int) % 10
        found = course_of(self.doubts(truth, noise), time_s, 1)
        assert (found == truth).mean() > 0.98

    def test_a_removal_shifts_it_for_good(self):
        taken = np.delete(np.arange(900), np.arange(400, 405))
        truth = (taken / 30 + 0.4).astype(int) % 10
        found = course_of(self.doubts(truth), np.arange(len(taken)) / 30, 1)
        assert np.array_equal(found, truth)

    def test_one_wrong_picture_does_not(self):
        time_s = np.arange(300) / 30
        truth = time_s.astype(int) % 10
        seen = truth.copy()
        seen[140] = 8
        assert np.array_equal(course_of(self.doubts(seen), time_s, 1), truth)

    def test_a_clock_without_seconds(self):
        time_s = np.arange(0, 400, 0.2)
        truth = ((time_s + 17) // 60).astype(int) % 10
        found = course_of(self.doubts(truth), time_s, 60)
        assert (found == truth).mean() > 0.99


def test_nothing_to_follow():
    strips = np.zeros((5, 24, 80), np.uint8)
    centres = (0.1, 0.2, 0.4, 0.5, 0.7, 0.8)
    assert np.isnan(follow(strips, np.arange(5.0), centres, [], [], 0.6).clock_s).all()
    label = Label(9, read_clock("09:00:01"), (0, 9, 0, 0, 0, 1))  # beyond the last picture
    assert np.isnan(follow(strips, np.arange(5.0), centres, [label], [], 0.6).clock_s).all()


def test_pictures_without_times_are_no_error():
    strips = np.random.default_rng(0).integers(0, 255, (5, 24, 80), np.uint8)
    label = Label(0, read_clock("09:00:01"), (0, 9, 0, 0, 0, 1))
    found = follow(strips, np.full(5, np.nan), (0.1, 0.2, 0.4, 0.5, 0.7, 0.8), [label], [], 0.6)
    assert len(found.clock_s) == 5

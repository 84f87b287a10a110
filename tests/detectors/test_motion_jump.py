"""Removed pictures, on drawn takes measured as the decoding pass measures them."""

import numpy as np
import pytest

from detectors._motion_model import probabilities
from detectors._motion_windows import COLUMNS, names, windows
from detectors.motion_jump import motion_jump
from pipeline.model import Features, Level, Table
from tests.drawn import measured, path, take

PLACES = path(160, speed=4.0, shake=0.2)


def told(features, **params):
    return [f.span.first_frame + 1 for f in motion_jump(features, **params) if f.level is not Level.NOTE]


def changed(features, **columns):
    return Features({"frames": Table({**features["frames"], **columns})})


@pytest.mark.parametrize("count", [20, 30])
def test_removed_pictures_are_found_to_the_picture(count):
    assert told(measured(take(np.delete(PLACES, slice(70, 70 + count), axis=0)))) == [70]


@pytest.mark.parametrize("count", [3, 6, 10])
def test_few_removed_pictures_are_noted_for_what_may_bear_them_out(count):
    (found,) = motion_jump(measured(take(np.delete(PLACES, slice(70, 70 + count), axis=0))))
    assert (found.level, found.span.first_frame) == (Level.NOTE, 69)


def test_an_honest_walk_has_no_jump():
    assert told(measured(take(PLACES))) == []


def test_a_turn_of_the_camera_is_none():
    """A whip pan moves far, but for several pictures running."""
    pan = np.zeros(100)
    pan[40:60] = 30 * np.sin(np.linspace(0, np.pi, 20))
    places = path(100, speed=1.0) + np.stack((np.cumsum(pan), np.zeros(100)), axis=1)
    assert told(measured(take(places))) == []


def test_a_still_scene_says_nothing():
    assert told(measured(take(np.repeat(PLACES[:1], 80, axis=0)))) == []


def test_the_finding_says_how_far_it_stands_out_and_asks_a_person_to_look():
    (found,) = motion_jump(measured(take(np.delete(PLACES, slice(70, 90), axis=0))))
    assert (found.kind, found.level) == ("missing-frames", Level.SUSPECT)
    assert found.evidence["difference"] > 3 * found.evidence["usual_difference"]
    assert 0.9 <= found.evidence["model_probability"] <= 1
    assert f"{found.evidence['motion_px'] / found.evidence['usual_motion_px']:.1f} times the motion" in found.summary


def test_a_hole_in_the_times_is_left_to_another_detector():
    features = measured(take(np.delete(PLACES, slice(70, 90), axis=0)))
    time_s = features["frames"]["time_s"] + (np.arange(140) >= 70)
    assert told(changed(features, time_s=time_s)) == []


def test_what_the_decoder_made_up_is_no_evidence():
    features = measured(take(np.delete(PLACES, slice(70, 90), axis=0)))
    assert told(changed(features, damaged=np.arange(140) == 70)) == []
    assert told(changed(features, damaged=np.arange(140) == 69)) == []


def test_pictures_without_times_are_not_judged():
    features = measured(take(np.delete(PLACES, slice(70, 90), axis=0)))
    assert told(changed(features, time_s=np.where(np.arange(140) == 3, np.nan, features["frames"]["time_s"]))) == []


def test_the_inputs_do_not_depend_on_the_contrast():
    rows = {column: np.abs(np.random.default_rng(1).normal(50, 9, 60)) for column in COLUMNS}
    inputs = windows(Table(rows))
    assert inputs.shape == (60, len(names()))
    doubled = windows(Table({**rows, "luma_diff": 2 * rows["luma_diff"]}))
    over = [n for n, name in enumerate(names()) if name.startswith("luma_diff over")]
    assert np.allclose(inputs[10:50, over], doubled[10:50, over], atol=0.02)


def test_the_model_says_the_same_to_the_last_digit_every_time():
    frames = measured(take(PLACES))["frames"]
    assert len({probabilities(frames).tobytes() for _ in range(20)}) == 1

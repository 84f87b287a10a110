"""Loops, repeats and play backwards, on drawn takes."""

import numpy as np
import pytest

from detectors.repeated_frames import repeated_frames
from pipeline.model import Features, Level, Table
from tests.drawn import measured, path, take

PLACES = path(150)


def told(places, **params):
    return list(repeated_frames(measured(take(places)), **params))


def test_an_honest_walk_repeats_nothing():
    assert told(PLACES) == []


def test_a_second_shown_again_is_found_where_it_stands():
    places = np.concatenate((PLACES[:90], PLACES[65:90], PLACES[90:]))
    (found,) = told(places)
    assert (found.span.first_frame, found.span.stop_frame) == (pytest.approx(90, abs=1), pytest.approx(115, abs=1))
    assert found.evidence["shown_before_at_s"] == pytest.approx(65 / 25, abs=0.05)
    assert found.level is Level.VIOLATION
    assert not found.evidence["backwards"]


def test_half_a_second_is_found_too():
    (found,) = told(np.concatenate((PLACES[:90], PLACES[77:90], PLACES[90:])))
    assert found.span.start_s == pytest.approx(90 / 25, abs=0.05)


def test_play_backwards_is_found():
    (found,) = told(np.concatenate((PLACES[:90], PLACES[60:90][::-1], PLACES[90:])), min_repeat_s=0.4)
    assert found.evidence["backwards"]


def test_a_still_camera_on_a_still_scene_is_no_loop():
    assert told(np.repeat(PLACES[:1], 150, axis=0)) == []


def test_a_lamp_that_flickers_repeats_no_picture():
    still = np.stack(take(np.repeat(PLACES[:1], 150, axis=0))).astype(np.float64)
    lamp = 6.0 * np.sin(2 * np.pi * np.arange(150) / 12.5)
    flickering = np.clip(still + lamp[:, None, None], 0, 255).astype(np.uint8)
    assert list(repeated_frames(measured(list(flickering)))) == []


def test_a_camera_that_comes_back_is_no_loop():
    there = path(60, seed=5)
    back = there[::-1] + np.random.default_rng(3).normal(0, 1.5, there.shape)
    assert told(np.concatenate((there, back, there + 2.0))) == []


def test_what_a_decoder_made_up_is_no_repeat():
    features = measured(take(np.concatenate((PLACES[:90], PLACES[65:90], PLACES[90:]))))
    damaged = {**features["frames"], "damaged": np.arange(features["frames"].rows) == 100}
    assert list(repeated_frames(Features({"frames": Table(damaged)}))) == []


def test_a_short_clip_and_one_without_pictures_say_nothing():
    assert told(PLACES[:8]) == []

"""Optical flow of thumbnails, on drawn pictures that move by known amounts."""

from itertools import pairwise

import cv2
import numpy as np
import pytest

from pipeline.features.flow import NOT_MOVED, evened, flow


def scene(x: float, y: float) -> np.ndarray:
    """Return a smooth random texture, seen `x` and `y` px further on."""
    noise = np.random.default_rng(5).random((200, 300)).astype(np.float32)
    texture = cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 2.5), None, 20, 230, cv2.NORM_MINMAX)
    return cv2.getRectSubPix(texture, (160, 90), (150 + x, 100 + y))


def columns(*places: tuple[float, float]) -> dict[str, float]:
    """Return the columns of the last of some pictures that follow each other."""
    moved, found = NOT_MOVED, {}
    pictures = [scene(*place) for place in places]
    for before, now in pairwise(pictures):
        moved, found = flow(evened(before), evened(now), moved)
    return found


def test_speed_and_what_is_left():
    found = columns((0, 0), (3, -4))
    assert found["flow_speed"] == pytest.approx(5, abs=0.3)
    assert found["flow_energy"] == pytest.approx(25, rel=0.15)
    assert found["flow_residual"] < 12
    assert np.isnan([found["flow_lag1"], found["flow_lag2"], found["flow_change"], found["flow_change_max"]]).all()


def test_steady_motion_foretells_the_next_picture():
    found = columns((0, 0), (3, 0), (6, 0), (9, 0))
    assert found["flow_lag1"] == pytest.approx(found["flow_energy"], rel=0.1)
    assert found["flow_lag2"] == pytest.approx(found["flow_energy"], rel=0.1)
    assert found["flow_change"] < 0.3


def test_a_jump_breaks_the_steady_motion():
    found = columns((0, 0), (2, 0), (4, 0), (12, 0))
    assert found["flow_change"] == pytest.approx(6, abs=0.5)
    assert found["flow_change_max"] >= found["flow_change"]


def test_a_turn_back_is_a_negative_product():
    assert columns((0, 0), (3, 0), (0, 0))["flow_lag1"] == pytest.approx(-9, abs=1.5)


def test_a_patch_that_appears_is_left_over():
    before, now = scene(0, 0), scene(1, 0)
    now[30:60, 40:80] = scene(60, 40)[30:60, 40:80]
    _, found = flow(evened(before), evened(now), NOT_MOVED)
    assert found["flow_residual_max"] > 3 * columns((0, 0), (1, 0))["flow_residual_max"]


def test_flat_pictures_are_measured_too():
    flat = np.full((90, 160), 128, np.float32)
    _, found = flow(evened(flat), evened(flat), NOT_MOVED)
    assert (found["flow_speed"], found["flow_residual"]) == (0, 0)


def test_cover_tells_how_much_came_into_view():
    assert columns((0, 0), (16, 0))["flow_cover"] == pytest.approx(0.9, abs=0.05)


def test_light_that_changes_is_no_motion():
    dark, bright = scene(0, 0) * 0.6, scene(0, 0) * 0.6
    bright[:, 60:] = np.clip(bright[:, 60:] * 1.4 + 25, 0, 255)
    _, found = flow(evened(dark), evened(bright), NOT_MOVED)
    assert found["flow_speed"] < 0.1
    assert found["flow_residual"] < 0.3 * columns((0, 0), (40, 30))["flow_residual"]

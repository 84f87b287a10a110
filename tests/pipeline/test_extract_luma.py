import math

import cv2
import numpy as np
import pytest

from pipeline.features import luma
from tests.footage import canvas, view


def grey(picture) -> np.ndarray:
    return cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)


def scene(x: int, y: int, size=(640, 360)) -> np.ndarray:
    """A view into one textured scene whose upper left corner is at (x, y)."""
    width, height = size
    return np.ascontiguousarray(grey(canvas(3, size))[y : y + height, x : x + width])


def pair(before: np.ndarray, now: np.ndarray) -> dict[str, float]:
    first = luma.look(luma.middle(before))
    return luma.measure(now, first, None)[1]


@pytest.mark.parametrize(("right", "down"), [(8, 0), (0, 8), (-16, 4), (20, -12)])
def test_a_camera_that_moves_gives_its_shift(right, down):
    """What is seen moves against the camera: a scene shifted to the right and down is positive."""
    found = pair(scene(600, 300), scene(600 - right, 300 - down))
    assert found["shift_x"] * 640 == pytest.approx(right, abs=1)
    assert found["shift_y"] * 360 == pytest.approx(down, abs=1)
    assert found["shift_response"] > 0.2
    assert found["residual"] < 0.35 * found["luma_diff"]


def test_the_same_picture_again_is_no_change():
    found = pair(scene(600, 300), scene(600, 300))
    assert found["luma_diff"] == found["luma_diff_max"] == found["hist_distance"] == found["residual"] == 0
    assert abs(found["shift_x"]) < 1e-3 and found["shift_response"] > 0.9


def test_less_than_one_step_of_noise_is_still_a_change():
    random = np.random.default_rng(1)
    first = scene(600, 300).astype(np.int16)
    second = first + random.integers(-1, 2, first.shape)
    found = pair(np.clip(first, 0, 255).astype(np.uint8), np.clip(second, 0, 255).astype(np.uint8))
    assert 0.01 < found["luma_diff"] < 0.5


def test_two_scenes_have_nothing_in_common():
    found = pair(scene(600, 300), grey(view(0, seed=9, size=(640, 360))))
    assert found["shift_response"] < 0.2
    assert found["residual"] > 10


def test_a_small_change_shows_in_the_largest_tile():
    now = scene(600, 300)
    now[40:80, 40:80] = 255 - now[40:80, 40:80]  # one tile of 10 x 10 thumbnail pixels
    found = pair(scene(600, 300), now)
    assert found["luma_diff_max"] == pytest.approx(found["luma_diff"] * 16 * 9, rel=0.02)


def test_brightness_of_a_known_picture():
    half = np.zeros((360, 640), np.uint8)
    half[:, 320:] = 200
    _, found = luma.measure(half, None, None)
    assert found["luma_mean"] == 100 and found["luma_std"] == 100
    assert (found["luma_p01"], found["luma_p99"]) == (0, 200)
    other = np.full((360, 640), 200, np.uint8)
    assert pair(half, other)["hist_distance"] == pytest.approx(0.5)


def test_flat_pictures_have_no_shift():
    found = pair(np.full((360, 640), 16, np.uint8), np.full((360, 640), 40, np.uint8))
    assert math.isnan(found["shift_x"]) and found["shift_response"] == 0
    assert found["residual"] == found["luma_diff"] == 24


def test_first_pictures_have_unknown_changes():
    first, columns = luma.measure(scene(600, 300), None, None)
    second, next_columns = luma.measure(scene(605, 300), first, None)
    _, third = luma.measure(scene(600, 300), second, first)
    assert math.isnan(columns["luma_diff"]) and math.isnan(columns["skip_diff"])
    assert next_columns["luma_diff"] > 0 and math.isnan(next_columns["skip_diff"])
    assert third["skip_diff"] == 0


def test_blur_lowers_sharpness():
    sharp = scene(600, 300)
    assert luma.sharpness(sharp) > 3 * luma.sharpness(cv2.GaussianBlur(sharp, (0, 0), 2))


@pytest.mark.parametrize("size", [(1, 1), (16, 16), (641, 359), (1920, 1080), (360, 640)])
def test_any_size_is_measured(size):
    picture = np.random.default_rng(0).integers(0, 256, size[::-1], dtype=np.uint8)
    _, columns = luma.measure(picture, luma.look(luma.middle(picture)), None)
    assert columns["luma_diff"] == 0

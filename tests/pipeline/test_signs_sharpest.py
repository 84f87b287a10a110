"""Which pictures are kept to be read: one of each window, more of the beginning."""

import json
import math
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from pipeline.features.sharpest import Sharpest
from pipeline.media.frames import Picture, luma


def picture(time_s: float, *, damaged: bool = False) -> Picture:
    pixels = np.random.default_rng(3).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    frame = av.VideoFrame.from_ndarray(pixels, format="bgr24").reformat(format="yuv420p")
    return Picture(frame, luma(frame), 0, time_s, 0.04, True, "I", False, damaged)


def kept(folder: Path, times: list[float], *windows: float, sharpness: list[float] | None = None) -> list[float]:
    sharpest = Sharpest(folder, *windows)
    for frame, time_s in enumerate(times):
        sharpest.add(picture(time_s), frame, sharpness[frame] if sharpness else 1.0)
    sharpest.finish()
    rows = [json.loads(line) for line in (folder / "pictures.jsonl").read_text("utf-8").splitlines()]
    assert all(cv2.imread(str(folder / row["name"])).shape == (48, 64, 3) for row in rows)
    return [row["time_s"] for row in rows]


def test_windows_are_shorter_at_the_beginning(tmp_path: Path) -> None:
    times = [float(second) for second in range(41)]
    assert kept(tmp_path, times, 10.0, 3.0, 9.0) == [0, 3, 6, 9, 19, 29, 39]


def test_a_beginning_that_is_no_multiple_of_its_windows_ends_where_it_is_said(tmp_path: Path) -> None:
    assert kept(tmp_path, [float(second) for second in range(25)], 10.0, 4.0, 10.0) == [0, 4, 8, 10, 20]


def test_without_a_beginning_all_windows_are_alike(tmp_path: Path) -> None:
    assert kept(tmp_path, [-1.0, 0.0, 1.0, 3.9, 4.0, 9.0], 4.0) == [-1, 0, 4, 9]


def test_the_sharpest_of_a_window_is_kept(tmp_path: Path) -> None:
    assert kept(tmp_path, [0.0, 1.0, 2.0, 3.0, 4.0], 3.0, 3.0, 3.0, sharpness=[1, 5, 2, 1, 9]) == [1, 4]


def test_a_whole_picture_is_kept_before_a_damaged_one_and_one_without_a_time_stays_in_its_window(
    tmp_path: Path,
) -> None:
    sharpest = Sharpest(tmp_path, 10.0)
    sharpest.add(picture(0.0, damaged=True), 0, 9.0)
    sharpest.add(picture(math.nan), 1, 2.0)
    sharpest.add(picture(1.0), 2, 1.0)
    sharpest.finish()
    (row,) = [json.loads(line) for line in (tmp_path / "pictures.jsonl").read_text("utf-8").splitlines()]
    assert row["frame"] == 1


@pytest.mark.parametrize("windows", [(4.0,), (10.0, 3.0, 60.0)])
def test_a_clip_without_pictures_gives_an_empty_list(tmp_path: Path, windows: tuple[float, ...]) -> None:
    assert kept(tmp_path, [], *windows) == []

"""Pictures from all over a clip before it is decoded, and the clock's strips kept while it is."""

import json
from itertools import pairwise

import av
import cv2
import numpy as np
import pytest

from pipeline.features.extract import measure
from pipeline.features.kept import ClockPlace, kept_lines, read_strips
from pipeline.features.peek import LISTING, peek
from tests.footage import make_clip
from tests.shared import shared


def peeked(path, folder, count=6):
    folder.mkdir()
    with av.open(str(path)) as opened:
        written = peek(opened, opened.streams.video[0], 0.0, folder, count)
    rows = [json.loads(line) for line in (folder / LISTING).read_text().splitlines()]
    assert len(rows) == written
    assert all(cv2.imread(str(folder / row["name"])) is not None for row in rows)
    return [row["time_s"] for row in rows]


def test_spread_over_the_clip(tmp_path):
    clip = make_clip(tmp_path / "a.mp4", frames=250, audio=None)
    times = peeked(clip, tmp_path / "out")
    assert len(times) == 6
    assert times == sorted(times)
    assert times[0] < 2 and times[-1] > 7


def test_a_clip_of_one_picture(tmp_path):
    clip = make_clip(tmp_path / "a.mp4", frames=1, audio=None)
    assert peeked(clip, tmp_path / "out") == [0.0]


@pytest.mark.parametrize(
    "name",
    [
        "video__h264__ref_10.avi",
        "video__h264__mov-tenc-only-encrypted.mp4",
        "video__h264__white_zombie_scrunch-part.mp4",
    ],
)
def test_odd_files_are_no_error(name, tmp_path):
    peeked(shared("footage", "containers_fate", name), tmp_path / "out")


def test_a_strip_for_every_picture_and_a_line_now_and_then(tmp_path):
    clip = make_clip(tmp_path / "a.mp4", frames=100, audio=None)
    asked = []

    def locate(pictures):
        asked.extend(pictures)
        return ClockPlace((0.1, 0.1, 0.5, 0.2), (0.05, 0.1, 0.6, 0.2))

    found = measure(clip, tmp_path, lambda *_: None, locate, sound_s=0.0)
    assert len(asked) == 6
    strips = read_strips(tmp_path)
    assert strips.shape[:2] == (100, 24) and strips.dtype == np.uint8
    assert found.strips.shape == strips.shape
    lines = list(kept_lines(tmp_path))
    assert [line.frame for line in lines] == [line.frame for line in found.lines]
    assert all(0.86 < b.time_s - a.time_s < 0.96 for a, b in pairwise(lines))


def test_where_nothing_is_located_nothing_is_kept(tmp_path):
    clip = make_clip(tmp_path / "a.mp4", frames=50, audio=None)
    found = measure(clip, tmp_path, lambda *_: None, lambda pictures: None, sound_s=0.0)
    assert not len(found.strips) and not found.lines
    assert found.complete


def test_a_locator_that_fails_ends_the_measuring_with_its_error(tmp_path):
    clip = make_clip(tmp_path / "a.mp4", frames=50, audio=None)

    def locate(pictures):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        measure(clip, tmp_path, lambda *_: None, locate, sound_s=0.0)

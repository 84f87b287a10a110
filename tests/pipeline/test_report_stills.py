"""Single pictures by time: the exact ones, upright, and never at the price of the report."""

import subprocess

import av
import cv2
import numpy as np
import pytest

from pipeline.media import stills
from pipeline.media.stills import pictures_at
from tests.footage import make_clip, view

FPS = 25


def number_of(path) -> int:
    """Return the number that a picture shows as eight black or white bars."""
    grey = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2GRAY)
    bars = np.array_split(grey, 8, axis=1)
    return sum(1 << place for place, bar in enumerate(bars) if bar.mean() > 128)


def numbered(number: int):
    """Return a picture that shows its number as eight black or white bars."""
    bars = np.repeat([255 * (number >> place & 1) for place in range(8)], 40).astype(np.uint8)
    return np.broadcast_to(bars[None, :, None], (240, 320, 3)).copy()


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return make_clip(tmp_path_factory.mktemp("clip") / "a.mp4", frames=100, fps=FPS, gop=30, picture=numbered)


@pytest.mark.parametrize("order", [[0, 1, 29, 30, 31, 60, 99], [99, 3], [57]])
def test_exactly_the_picture_shown_at_a_time_is_found(clip, tmp_path, order):
    found = pictures_at(clip, [n / FPS for n in order], tmp_path, 0, 0)
    assert {n: number_of(found[n / FPS].path) for n in order} == {n: n for n in order}
    assert all(still.time_s == pytest.approx(wanted) for wanted, still in found.items())


@pytest.mark.parametrize("name", ["b.mkv", "b.avi", "b.ts", "b.mov"])
def test_pictures_far_apart_are_reached_by_seeking(tmp_path, name):
    clip = make_clip(tmp_path / name, frames=110, fps=5, gop=10, picture=numbered, audio=None)
    with av.open(str(clip)) as container:  # AVI has no presentation times: the decoder's own are what the tables hold
        times = [picture.time for picture in container.decode(video=0)]
    zero = times[0] if name.endswith(".ts") else 0.0
    wanted = [times[n] - zero for n in (2, 47, 48, 103)]
    found = pictures_at(clip, wanted, tmp_path / "stills", 0, 0)
    assert [number_of(found[time].path) for time in wanted] == [2, 47, 48, 103]


def test_a_time_between_two_pictures_shows_the_earlier_one(clip, tmp_path):
    still = pictures_at(clip, [10.5 / FPS], tmp_path, 0, 0)[10.5 / FPS]
    assert number_of(still.path) == 10


def test_before_the_first_picture_there_is_none(tmp_path):
    late = make_clip(tmp_path / "late.mp4", frames=20, timestamps=[2 + n / 10 for n in range(20)], audio=None)
    found = pictures_at(late, [1.0, 2.5], tmp_path / "stills", 0, 0)
    assert set(found) in ({2.5}, {1.0, 2.5})
    assert found[2.5].time_s == pytest.approx(2.5)


def test_stills_stand_upright_and_keep_within_their_size(tmp_path):
    clip = make_clip(tmp_path / "turned.mp4", frames=5, size=(640, 360), rotate=90, audio=None)
    still = pictures_at(clip, [0.0], tmp_path / "stills", 0, 90, still_width_px=320)[0.0]
    assert (still.width_px, still.height_px) == (180, 320)
    shown = cv2.imread(str(still.path)).astype(float)
    upright = cv2.cvtColor(cv2.resize(np.rot90(view(0, size=(640, 360)), -1), (180, 320)), cv2.COLOR_RGB2BGR)
    assert np.abs(shown - upright).mean() < np.abs(shown - upright[::-1, ::-1]).mean() / 2


def test_a_broken_or_foreign_file_gives_no_pictures(clip, tmp_path):
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(clip.read_bytes()[:2000])
    playlist = tmp_path / "list.mp4"
    playlist.write_text(f"ffconcat version 1.0\nfile {clip}\n")
    for path in (broken, playlist, tmp_path / "absent.mp4"):
        assert pictures_at(path, [0.0], tmp_path / "stills", 0, 0) == {}
    assert pictures_at(clip, [0.0], tmp_path / "stills", 7, 0) == {}


def test_a_pass_that_takes_too_long_is_ended(clip, tmp_path):
    assert pictures_at(clip, [0.0], tmp_path, 0, 0, still_timeout_s=0.01) == {}


def test_what_was_done_before_a_crash_is_kept(clip, tmp_path, monkeypatch):
    """The pass is replaced by one that dies in the middle of its second line."""
    dying = [
        "import os, sys",
        'print(\'{"wanted_s": 0.0, "time_s": 0.0, "path": "still-0.jpg", "width_px": 2, "height_px": 2}\')',
        "sys.stdout.write('{\"wanted_s\": 1.')",
        "sys.stdout.flush()",
        "os.abort()",
    ]
    run = subprocess.run

    def die(command, **options):
        return run([command[0], "-c", "\n".join(dying)], **options)

    monkeypatch.setattr(stills.subprocess, "run", die)
    assert list(pictures_at(clip, [0.0, 1.0], tmp_path, 0, 0)) == [0.0]

"""Reading takes: their beat, pictures by number in any order, sound by number of the sample."""

from contextlib import closing
from fractions import Fraction

import numpy as np
import pytest

from pipeline.errors import FootageError
from pipeline.forge.reading import PictureReader, SoundReader
from pipeline.forge.take import read_take
from tests.pipeline.forging import RATE_HZ, _read, chirp, numbered_clip

ORDER = [0, 1, 5, 5, 60, 59, 3, 119, 118, 30, 31, 90]


@pytest.mark.parametrize(
    ("file", "options"),
    [
        ("plain.mp4", {}),
        ("reordered.mp4", {"bframes": 2}),
        ("long_gop.mkv", {"gop": 250}),
        ("every_key.avi", {"codec": "mpeg4", "gop": 1, "audio": "pcm_s16le", "options": {}}),
        ("stream.ts", {"bframes": 2}),
        ("hevc.mp4", {"codec": "hevc", "options": None}),
    ],
)
def test_pictures_are_read_by_number_in_any_order(tmp_path, file, options):
    take = read_take(numbered_clip(tmp_path / file, 0, frames=120, **options))
    assert (take.pictures, take.rate, take.regular, take.whole) == (120, 25, True, True)
    with closing(PictureReader(take)) as reader:
        assert [_read(reader[number].to_ndarray(format="gray8")) for number in ORDER] == [(0, n) for n in ORDER]


def test_a_picture_beyond_the_end_is_refused(tmp_path):
    take = read_take(numbered_clip(tmp_path / "a.mp4", 0, frames=20))
    with closing(PictureReader(take)) as reader, pytest.raises(FootageError, match="cannot be decoded again"):
        _ = reader[20]


def test_sound_is_read_by_sample(tmp_path):
    take = read_take(numbered_clip(tmp_path / "a.avi", 0, frames=500, codec="mpeg4", audio="pcm_s16le", options={}))
    assert take.rate_hz == RATE_HZ and take.samples == 20 * RATE_HZ
    with closing(SoundReader(take)) as reader:
        for first in (0, 100, 5 * RATE_HZ, 4 * RATE_HZ, 19 * RATE_HZ, 7, 18 * RATE_HZ):
            assert np.abs(reader.read(first, 800)[0] - chirp(first, 800, 0)).max() < 0.001
        beyond = reader.read(20 * RATE_HZ - 10, 30)[0]
        assert np.abs(beyond[:10]).max() > 0.01 and not beyond[10:].any()


def test_only_the_first_seconds_are_taken(tmp_path):
    take = read_take(numbered_clip(tmp_path / "a.mp4", 0), seconds=2.0)
    assert (take.pictures, take.samples, take.whole) == (50, 2 * RATE_HZ, False)


@pytest.mark.parametrize("fps", [15, 25, 30])
def test_the_beat_of_a_regular_take(tmp_path, fps):
    take = read_take(numbered_clip(tmp_path / "a.mkv", 0, frames=60, fps=fps))
    assert take.regular and take.rate == fps
    assert take.time(45) == Fraction(45, fps) and take.sample(45) == 45 * RATE_HZ // fps


def test_uneven_pictures_keep_their_times(tmp_path):
    steps = np.tile([0.02, 0.04, 0.09, 0.05], 20)
    times = np.concatenate(([0.0], np.cumsum(steps)))
    take = read_take(numbered_clip(tmp_path / "a.mp4", 0, frames=81, timestamps=list(times)))
    assert not take.regular and float(take.rate) == pytest.approx(20, abs=0.1)
    assert take.times_s[:-1] == pytest.approx(times, abs=0.0002)
    assert float(take.time(40)) == pytest.approx(times[40], abs=0.0002)


def test_what_is_no_take_is_refused(tmp_path):
    text = tmp_path / "text.mp4"
    text.write_text("no footage")
    for path in (text, tmp_path / "absent.mp4", numbered_clip(tmp_path / "sound.mp4", 0, frames=25, codec=None)):
        with pytest.raises(FootageError):
            read_take(path)

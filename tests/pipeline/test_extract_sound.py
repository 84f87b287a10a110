import itertools
import math

import av
import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.features.listening import RATE_HZ, Listening, write_flac
from pipeline.features.sound import Blocks, levels
from pipeline.media.audio import Sound, samples_of

RATE = 48000


def tone(seconds: float, *, rate: int = RATE, hertz: float = 1000, level: float = 1.0, channels: int = 1) -> np.ndarray:
    time = np.arange(round(seconds * rate)) / rate
    return np.tile((level * np.sin(2 * np.pi * hertz * time)).astype(np.float32), (channels, 1))


def test_levels_of_known_sound():
    blocks = np.stack([tone(0.02), np.zeros((1, 960), np.float32), np.full((1, 960), 0.5, np.float32)])
    found = levels(blocks)
    assert found["rms_dbfs"] == pytest.approx([-3.01, -120, -6.02], abs=0.01)
    assert found["peak_dbfs"] == pytest.approx([0, -120, -6.02], abs=0.01)
    assert found["zero_fraction"][1:].tolist() == [1, 0]


def test_one_step_of_16_bits_is_silence_and_two_are_not():
    step = np.float32(1 / 32768)
    quiet = np.stack([np.full((2, 960), step), np.full((2, 960), 2 * step)])
    assert levels(quiet)["zero_fraction"].tolist() == [1, 0]
    one_channel = np.stack([np.stack([np.zeros(960), np.full(960, 0.1)]).astype(np.float32)])
    assert levels(one_channel)["zero_fraction"].tolist() == [0]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 3000), min_size=1, max_size=20), st.sampled_from([8000, 44100, 48000]))
def test_blocks_cover_the_sound_however_it_is_cut(cuts, rate):
    samples = tone(sum(cuts) / rate, rate=rate)
    blocks, rows, start = Blocks(), [], 0
    for cut in cuts:
        rows += blocks.add(Sound(samples[:, start : start + cut], rate, 3 + start / rate, joined=start > 0))
        start += cut
    rows += blocks.finish()
    assert math.fsum(row["duration_s"] for row in rows) == pytest.approx(start / rate)
    assert rows[0]["time_s"] == 3
    for row, following in itertools.pairwise(rows):
        assert row["time_s"] + row["duration_s"] == pytest.approx(following["time_s"])
        assert row["duration_s"] == pytest.approx(0.02)


def test_a_gap_in_time_stays_a_gap():
    blocks = Blocks()
    rows = blocks.add(Sound(tone(0.05), RATE, 0.0, joined=False))
    rows += blocks.add(Sound(tone(0.04), RATE, 1.0, joined=False)) + blocks.finish()
    assert [round(row["time_s"], 3) for row in rows] == [0, 0.02, 0.04, 1, 1.02]
    assert rows[2]["duration_s"] == pytest.approx(0.01)


@pytest.mark.parametrize(
    ("form", "data"),
    [
        ("s16", np.array([[16384, -16384, 0, 8192]], np.int16)),
        ("s16p", np.array([[16384, 0], [-16384, 8192]], np.int16)),
        ("u8", np.array([[192, 64, 128, 160]], np.uint8)),
        ("s32p", np.array([[2**30, 0], [-(2**30), 2**29]], np.int32)),
        ("flt", np.array([[0.5, -0.5, 0, 0.25]], np.float32)),
        ("dblp", np.array([[0.5, 0], [-0.5, 0.25]], np.float64)),
    ],
)
def test_samples_of_every_format(form, data):
    frame = av.AudioFrame.from_ndarray(data, form, "stereo")
    assert samples_of(frame).tolist() == [[0.5, 0], [-0.5, 0.25]]
    assert samples_of(frame).dtype == np.float32


def opened(tmp_path, *pieces: Sound, length_s: float = 10) -> np.ndarray:
    with Listening(tmp_path / "raw", length_s) as opening:
        for piece in pieces:
            opening.add(piece)
    flac = write_flac(tmp_path / "raw", tmp_path / "opening.flac")
    assert flac is not None
    samples, rate = soundfile.read(flac)
    assert rate == RATE_HZ and samples.ndim == 1
    return samples


def test_the_opening_is_on_the_presentation_timeline(tmp_path):
    first = Sound(tone(1, hertz=500, level=0.5, channels=2), RATE, 0.5, joined=False)
    later = Sound(tone(1, hertz=500, level=0.5, channels=2), RATE, 3.0, joined=False)
    samples = opened(tmp_path, first, later)
    loud = np.abs(samples) > 0.05
    assert len(samples) == pytest.approx(4 * RATE_HZ, abs=32)
    assert not loud[: RATE_HZ // 2 - 32].any() and not loud[round(1.51 * RATE_HZ) : 3 * RATE_HZ - 32].any()
    assert np.flatnonzero(loud)[0] == pytest.approx(RATE_HZ // 2, abs=32)
    assert loud[RATE_HZ // 2 : 3 * RATE_HZ // 2].mean() > 0.8


def test_the_opening_keeps_nothing_before_zero_or_behind_its_end(tmp_path):
    assert len(opened(tmp_path, Sound(tone(3), RATE, -1.0, joined=False))) == pytest.approx(2 * RATE_HZ, abs=32)
    assert len(opened(tmp_path, Sound(tone(3), RATE, 0.0, joined=False), length_s=1.5)) == 1.5 * RATE_HZ
    late = Sound(tone(1), RATE, 50.0, joined=False)
    assert len(opened(tmp_path, late, length_s=1.5)) == 1.5 * RATE_HZ


def test_sound_that_steps_back_is_heard_once(tmp_path):
    again = (Sound(tone(1), RATE, 0.0, joined=False), Sound(tone(1), RATE, 0.5, joined=False))
    assert len(opened(tmp_path, *again)) == pytest.approx(1.5 * RATE_HZ, abs=32)


def test_no_sound_no_file(tmp_path):
    with Listening(tmp_path / "raw", 10):
        pass
    assert write_flac(tmp_path / "raw", tmp_path / "opening.flac") is None

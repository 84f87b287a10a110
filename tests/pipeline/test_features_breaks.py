"""Cuts in sound that went through the real encoder."""

import io
from fractions import Fraction

import av
import numpy as np
import pytest
from scipy.signal import butter, sosfilt

from detectors.audio_break import audio_break
from detectors.av_desync import av_desync
from detectors.timestamp_gap import timestamp_gap
from pipeline.features.breaks import band_levels, bands_of, mark_names
from pipeline.features.extract import measure
from pipeline.features.schema import to_table
from pipeline.features.sound import Blocks
from pipeline.media.audio import Sound, samples_of
from pipeline.model import Features
from tests.footage import make_clip, murmur

CUT_S = 3.0
LONG_S = 7.0


def street(seconds: float, rate: int, seed: int = 1) -> np.ndarray:
    """Traffic and a hum: noise that falls by 12 dB an octave above 500 Hz, and 100 Hz with harmonics; never zero."""
    random = np.random.default_rng(seed)
    time = np.arange(round(seconds * rate)) / rate
    rumble = sosfilt(butter(2, 500, fs=rate, output="sos"), random.standard_normal(len(time)))
    hum = sum(np.sin(2 * np.pi * 100 * k * time) / k for k in (1, 2, 3))
    return (0.15 * rumble / rumble.std() + 0.03 * hum + 0.0005 * random.standard_normal(len(time))).astype(np.float32)


def cut(sound: np.ndarray, rate: int, seconds: float, at_s: float = CUT_S) -> np.ndarray:
    first = round(at_s * rate)
    return np.concatenate([sound[:first], sound[first + round(seconds * rate) :]])


def coded(sound: np.ndarray, rate: int, kbps: int) -> np.ndarray:
    """Return what is heard after AAC, shape (1, samples)."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as out:
        stream = out.add_stream("aac", rate=rate)
        stream.bit_rate, stream.layout = kbps * 1000, "mono"
        for start in range(0, len(sound), 1024):
            frame = av.AudioFrame.from_ndarray(sound[None, start : start + 1024], "fltp", "mono")
            frame.sample_rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    file.seek(0)
    with av.open(file) as container:
        return np.concatenate([samples_of(frame) for frame in container.decode(audio=0)], axis=1)


def rows_of(sound: np.ndarray, rate: int, piece: int = 1024) -> list[dict[str, float]]:
    blocks, rows = Blocks(), []
    for start in range(0, sound.shape[1], piece):
        rows += blocks.add(Sound(sound[:, start : start + piece], rate, start / rate, joined=start > 0))
    return rows + blocks.finish()


def column(rows, name):
    return np.array([row[name] for row in rows])


@pytest.mark.parametrize(("rate", "kbps"), [(48000, 128), (48000, 64), (44100, 96), (32000, 64)])
def test_a_cut_is_heard_after_encoding_again(rate, kbps):
    sound = street(LONG_S, rate)
    honest = rows_of(coded(sound, rate, kbps), rate)
    rows = rows_of(coded(cut(sound, rate, 0.4), rate, kbps), rate)
    score = column(rows, "break_score")
    best = np.nanargmax(score)
    at_s = column(rows, "time_s")[best] + column(rows, "break_after_s")[best]
    assert at_s == pytest.approx(CUT_S, abs=0.005)
    assert score[best] > np.nanmax(column(honest, "break_score")) + 3
    assert column(rows, "break_click_db")[best] > 3


def test_at_16_khz_most_cuts_are_heard():
    found = []
    for seed in range(1, 7):
        rows = rows_of(coded(cut(street(LONG_S, 16000, seed), 16000, 0.4), 16000, 64), 16000)
        best = np.nanargmax(column(rows, "break_score"))
        found.append(abs(column(rows, "time_s")[best] + 0.01 - CUT_S) < 0.03)
    assert sum(found) >= 4


def test_the_beginning_and_the_end_are_not_judged():
    rows = rows_of(street(3, 48000)[None], 48000)
    judged = np.isfinite(column(rows, "break_score"))
    time_s = column(rows, "time_s")
    assert judged.tolist() == ((time_s > 0.249) & (time_s < 3 - 0.269)).tolist()


def test_narrow_sound_is_not_judged_and_still_measured():
    rows = rows_of(street(2, 8000)[None], 8000)
    assert not np.isfinite(column(rows, "break_score")).any()
    assert np.isfinite(column(rows, "rms_dbfs")).all() and len(rows) == 100


@pytest.mark.parametrize("piece", [333, 48000, 10**6])
def test_scores_do_not_depend_on_how_the_sound_arrives(piece):
    sound = cut(street(LONG_S, 48000), 48000, 0.4)[None]
    usual, other = rows_of(sound, 48000), rows_of(sound, 48000, piece)
    assert column(other, "break_score") == pytest.approx(column(usual, "break_score"), abs=0.5, nan_ok=True)
    assert column(other, "rms_dbfs") == pytest.approx(column(usual, "rms_dbfs"))


def test_levels_of_bands_are_those_of_a_tone():
    tone = (0.5 * np.sin(2 * np.pi * 4000 * np.arange(48000) / 48000)).astype(np.float32)
    levels = band_levels(tone, 48000)[100:-100]
    assert levels.shape == (800, 9)
    assert levels[:, 4] == pytest.approx(np.log10(0.125), abs=0.02)
    assert levels[:, :3].max() < -7 and levels[:, 7:].max() < -7


def test_bands_by_sampling_rate():
    assert [bands_of(rate) for rate in (48000, 44100, 32000, 24000, 16000, 8000)] == [9, 9, 9, 6, 6, 0]
    wide, narrow = set(mark_names(48000)), set(mark_names(16000))
    assert narrow - wide == {name for name in narrow if name.startswith("burst")}
    assert wide - narrow == {"click_6", "click_7", "click_8"}


def measured(clip, folder) -> Features:
    folder.mkdir()
    found = measure(clip, folder, lambda stage, done: None, decoder_threads=1, sound_s=1.0)
    return Features({name: to_table(name, rows) for name, rows in found.tables.items()})


def test_a_second_of_sound_taken_out(tmp_path):
    sound = cut(street(LONG_S, 48000), 48000, 1.0)
    clip = make_clip(
        tmp_path / "a.mp4",
        frames=round(LONG_S * 25),
        size=(160, 120),
        sound=lambda start, count: sound[start : start + count],
        sound_s=LONG_S - 1,
    )
    features = measured(clip, tmp_path / "m")
    (apart,) = av_desync(features)
    assert apart.level == "suspect" and apart.evidence["lacking_s"] == pytest.approx(1.0, abs=0.08)
    assert apart.evidence["likeliest_at_s"][0] == pytest.approx(CUT_S, abs=0.1)
    broken = [f for f in audio_break(features) if f.level == "suspect"]
    assert [f.span.start_s for f in broken] == [pytest.approx(CUT_S, abs=0.05)]


def test_packets_of_sound_left_out_with_their_times_kept(tmp_path):
    whole = make_clip(tmp_path / "whole.mp4", frames=150, size=(160, 120))
    holed = tmp_path / "holed.mp4"
    with av.open(str(whole)) as source, av.open(str(holed), "w") as out:
        copies = {stream.index: out.add_stream_from_template(stream) for stream in source.streams}
        for packet in source.demux():
            if packet.dts is None:
                continue
            sound = packet.stream.type == "audio"
            if sound and 2.0 <= packet.pts * packet.time_base < 3.0:
                continue
            packet.stream = copies[packet.stream_index]
            out.mux(packet)
    features = measured(holed, tmp_path / "m")
    (gap,) = timestamp_gap(features)
    assert (gap.span.start_s, gap.span.stop_s) == (pytest.approx(2.0, abs=0.1), pytest.approx(3.0, abs=0.1))
    assert list(av_desync(features)) == []


def test_a_whole_take_ends_together_and_joins_nowhere(tmp_path):
    clip = make_clip(tmp_path / "a.mp4", frames=100, size=(160, 120), sound=lambda s, n: murmur(s, n, rate_hz=48000))
    features = measured(clip, tmp_path / "m")
    assert list(av_desync(features)) == []
    assert np.isfinite(features["sound"]["break_score"]).sum() > 100

import pytest

from detectors.audio_dropout import audio_dropout
from pipeline.features.schema import table
from tests.packets import drawn_sound, kinds, stream

CLIP = stream("IPPPPPPPPP" * 10)


def found(picture, **params):
    return list(audio_dropout(CLIP.features(sound=drawn_sound(picture)), **params))


def test_ambience_is_no_dropout():
    assert found("-" * 40) == []


def test_zeros_amid_ambience():
    (finding,) = found("-" * 20 + "_" * 10 + "-" * 10)
    assert finding.level == "suspect"
    assert (finding.span.start_s, finding.span.stop_s) == (pytest.approx(2.0), pytest.approx(3.0))


@pytest.mark.parametrize(("length", "count"), [(1, 0), (2, 1)])
def test_the_shortest_stretch(length, count):
    assert len(found("-" * 20 + "_" * length + "-" * 20, min_silence_s=0.15)) == count


@pytest.mark.parametrize("picture", ["_" * 9 + "-" * 31, "-" * 31 + "_" * 9], ids=["priming", "fade out"])
def test_the_edges_of_a_clip_may_be_silent_for_a_moment(picture):
    assert found(picture) == []


def test_a_long_silence_at_the_end_is_told():
    (finding,) = found("-" * 25 + "_" * 15)
    assert finding.span.stop_s == pytest.approx(4.0)


def test_a_clip_that_is_silent_throughout():
    (finding,) = found("_" * 40)
    assert "throughout" in finding.summary


def test_a_noise_gate_is_a_note():
    assert kinds(found("---__" * 8)) == [("audio-dropout", "note")]


def test_a_dropout_is_told_beside_a_noise_gate():
    levels = sorted(level for _, level in kinds(found("---__" * 12 + "_" * 10 + "-----")))
    assert levels == ["note", "suspect"]


def dithered(level_dbfs, rest_dbfs=-45.0):
    """4 s of sound, of which one second lies at a level at which dither lies."""
    rows = [
        {
            "time_s": i * 0.02,
            "duration_s": 0.02,
            "rms_dbfs": level_dbfs if 100 <= i < 150 else rest_dbfs,
            "peak_dbfs": -30.0,
            "zero_fraction": 0.75 if 100 <= i < 150 else 0.01,
        }
        for i in range(200)
    ]
    return list(audio_dropout(CLIP.features(sound=table("sound", rows))))


def test_zeros_with_dither():
    (finding,) = dithered(-91.0)
    assert finding.level == "suspect" and "-91 dBFS" in finding.summary
    assert (finding.span.start_s, finding.span.stop_s) == (pytest.approx(2.0), pytest.approx(3.0))


def test_a_quiet_room_and_a_quiet_clip_are_no_dither():
    assert dithered(-80.0) == []
    assert dithered(-91.0, rest_dbfs=-60.0) == []

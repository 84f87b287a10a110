import pytest

from detectors.audio_dropout import audio_dropout
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

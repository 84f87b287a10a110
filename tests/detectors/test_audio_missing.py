import pytest

from detectors.audio_missing import audio_missing
from pipeline.features.schema import table
from pipeline.model import Features
from tests.packets import drawn_sound, stream

CLIP = stream("IPPPPPPPPP" * 10)


def test_sound_from_start_to_end():
    assert list(audio_missing(CLIP.features())) == []


def test_no_sound_stream_concerns_the_whole_clip():
    (finding,) = audio_missing(CLIP.features(sound=table("sound", [])))
    assert (finding.span.start_s, finding.span.stop_s) == (0.0, pytest.approx(4.0))
    assert finding.summary == "The file has no sound."


def test_a_sound_stream_that_gives_nothing():
    footage = CLIP.features()
    (finding,) = audio_missing(Features({**footage.tables, "sound": table("sound", [])}))
    assert "could be read" in finding.summary


@pytest.mark.parametrize(("seconds", "count"), [(3.1, 0), (3.0, 1), (1.0, 1)])
def test_sound_that_ends_early(seconds, count):
    findings = list(audio_missing(CLIP.features(sound=drawn_sound("-" * round(seconds * 10)))))
    assert len(findings) == count
    assert all(f.span.start_s == pytest.approx(seconds) and f.span.stop_s == pytest.approx(4.0) for f in findings)


def test_sound_that_begins_late():
    late = drawn_sound("-" * 40)
    (finding,) = audio_missing(CLIP.features(sound=late.where(late["time_s"] >= 2.0)))
    assert (finding.span.start_s, finding.span.stop_s) == (0.0, pytest.approx(2.0))

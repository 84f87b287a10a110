import numpy as np
import pytest

from detectors._sound import break_evidence, excess
from detectors.audio_break import audio_break
from pipeline.features.schema import table
from pipeline.model import Features
from tests.packets import drawn_sound, kinds, stream

CLIP = stream("IPPPPPPPPP" * 10)
LEVELS = {"suspect_score": 12, "note_score": 8, "suspect_score_lacking": 5}
SCORES = {"!": 14.0, "+": 10.0, "~": 7.0, "?": float("nan")}


def heard(picture, silent=""):
    """A letter is a block of 20 ms: "!" a cut, "+" less, "~" still less, "?" not judged, the rest ambience."""
    rows = [
        {
            "time_s": i * 0.02,
            "duration_s": 0.02,
            "rms_dbfs": -45.0,
            "zero_fraction": float(i < len(silent) and silent[i] == "_"),
            "break_after_s": 0.01,
            "break_score": SCORES.get(letter, -6.0),
        }
        for i, letter in enumerate(picture)
    ]
    return table("sound", rows)


def found(picture, silent="", **params):
    return list(audio_break(CLIP.features(sound=heard(picture, silent)), **{**LEVELS, **params}))


def test_ambience_has_no_break():
    assert found("." * 200) == []


def test_a_cut_is_suspected_at_its_millisecond():
    (finding,) = found("." * 100 + "!" + "." * 99, suspect_score_lacking=12)
    assert kinds([finding]) == [("audio-break", "suspect")]
    assert finding.span.start_s == finding.span.stop_s == pytest.approx(2.01)
    assert finding.evidence["break_score"] == 14.0


@pytest.mark.parametrize(("letter", "level"), [("+", "note"), ("~", None)])
def test_less_than_a_cut(letter, level):
    assert [f.level.value for f in found("." * 100 + letter + "." * 99)] == ([level] if level else [])


def test_one_joint_is_told_once_and_two_are_told_apart():
    assert len(found("." * 100 + "!!+" + "." * 97)) == 1
    assert len(found("." * 80 + "!" + "." * 50 + "!" + "." * 68)) == 2


def test_where_sound_is_missing_less_is_enough():
    short = "." * 90 + "~" + "." * 59  # 3 s of sound under 4 s of pictures
    (finding,) = found(short)
    assert finding.level == "suspect" and finding.evidence["sound_lacks_s"] == pytest.approx(1.0)
    assert found(short, min_lacking_s=1.5) == []


def test_the_edges_of_digital_silence_are_no_joints():
    assert found("." * 100 + "!" + "." * 99, silent="." * 101 + "_" * 30) == []


def test_what_was_not_judged_is_not_accused():
    assert found("?" * 200) == []


def test_a_clip_that_clicks_all_the_time_is_told_once():
    (finding,) = found(("." * 60 + "!") * 12)
    assert finding.level == "note" and "all the time" in finding.summary


def test_scores_are_held_against_the_habit_of_the_clip():
    calm, lively = np.full(200, -6.0), np.full(200, -6.0)
    lively[::25] = 5.0
    calm[7] = lively[7] = 14.0
    assert excess(calm)[7] == 14.0 and excess(lively)[7] == pytest.approx(14 - 0.8 * 5)
    assert excess(calm[:50])[7] == 14.0, "too short to have a habit"


def test_the_sound_of_the_other_tests_has_no_break():
    assert list(audio_break(CLIP.features(sound=drawn_sound("-" * 40)))) == []


def test_what_the_sound_says_beside_another_witness():
    features = CLIP.features(sound=heard("." * 100 + "~" + "." * 48 + "?" * 51))
    assert break_evidence(features, 2.05) == 7.0
    assert break_evidence(features, 1.0) == -6.0
    assert break_evidence(features, 3.5) is None and break_evidence(features, 99.0) is None
    assert break_evidence(Features({}), 2.0) is None

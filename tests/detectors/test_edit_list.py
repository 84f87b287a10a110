import math

import pytest

from detectors.edit_list import edit_list
from tests.packets import kinds, stream

CLIP = stream("IPPPPPPPPP" * 10)


def edits(*entries, stream=0, media_s=4.0):
    names = ("duration_s", "media_start_s", "rate")
    return [
        {"stream": stream, "entry": i, "media_s": media_s, **dict(zip(names, entry, strict=True))}
        for i, entry in enumerate(entries)
    ]


def found(*entries, **kwargs):
    return list(edit_list(CLIP.features(edits=edits(*entries, **kwargs))))


@pytest.mark.parametrize(
    "entry",
    [(4.0, 0.0, 1.0), (3.92, 0.08, 1.0), (3.84, 0.16, 1.0), (0.0, 0.0, 1.0)],
    ids=["all", "one B picture", "delay at the limit", "length left open"],
)
def test_what_every_encoder_writes_hides_nothing(entry):
    assert found(entry) == []


def test_no_edit_list_hides_nothing():
    assert list(edit_list(CLIP.features())) == []


def test_priming_of_sound_hides_nothing():
    assert found((4.0, 2112 / 44100, 1.0), stream=1, media_s=4.05) == []


@pytest.mark.parametrize(("hidden_s", "level"), [(0.3, "note"), (0.5, "violation"), (2.0, "violation")])
def test_a_hidden_start(hidden_s, level):
    (finding,) = found((4.0 - hidden_s, hidden_s, 1.0))
    assert finding.level == level
    assert finding.evidence["hidden_s"] == pytest.approx(hidden_s)
    assert finding.evidence["place"] == "start"


def test_a_hidden_end():
    (finding,) = found((4.0, 0.0, 1.0), media_s=9.0)
    assert (finding.level, finding.evidence["place"]) == ("violation", "end")
    assert finding.span.start_s == finding.span.stop_s == pytest.approx(4.0, abs=0.03)


def test_a_hidden_middle_is_marked_at_the_joint():
    (finding,) = found((1.0, 0.0, 1.0), (3.0, 6.0, 1.0), media_s=9.0)
    assert (finding.level, finding.evidence["place"]) == ("violation", "middle")
    assert finding.span.start_s == pytest.approx(1.0)


def test_media_shown_twice():
    findings = found((3.0, 0.0, 1.0), (1.0, 0.0, 1.0), media_s=3.0)
    assert kinds(findings) == [("edit-list", "violation")]
    assert "shows stored media again" in findings[0].summary


def test_an_empty_edit_delays_the_start():
    assert kinds(found((1.5, math.nan, 1.0), (4.0, 0.0, 1.0))) == [("edit-list", "note")]


def test_an_empty_edit_in_the_middle_is_suspect():
    assert kinds(found((1.0, 0.0, 1.0), (0.5, math.nan, 1.0), (3.0, 1.0, 1.0))) == [("edit-list", "suspect")]


def test_another_speed_is_suspect():
    assert kinds(found((2.0, 0.0, 2.0))) == [("edit-list", "suspect")]

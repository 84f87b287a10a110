"""Reasons for not recording: forbidden and obeyed, or left out with reason and approval."""

import pytest
from pydantic import ValidationError

from detectors.exemption import exemption
from pipeline.detector import REGISTRY
from tests.detectors.recorded import case, clip
from tests.packets import kinds

FOUNDED = {"exemption__code": "conditions", "exemption__reason": "雷雨", "exemption__approved_by": "王局长"}
LEFT_OUT = {"codes": ("none", "conditions"), "reasons_forbid": False}


def judged(record, **parameters):
    return list(exemption(clip(case(**record)), **parameters))


def test_nothing_stated_gives_nothing():
    assert judged({"cause": "检查"}) == []
    assert judged({"exemption__code": "rain"}) == []


class TestForbidden:
    def test_nothing_claimed(self):
        assert kinds(judged({"exemption__code": "none"})) == [("exemption-observed", "note")]

    def test_what_it_covers_was_not_recorded(self):
        record = {"exemption__code": "secrecy", "exemption__phases": ["originals"], "phases_recorded": ["inspection"]}
        assert kinds(judged(record)) == [("exemption-observed", "note")]
        assert kinds(judged({"exemption__code": "secrecy", "phases_recorded": ["none"]})) == [
            ("exemption-observed", "note")
        ]

    @pytest.mark.parametrize("covered", [["originals"], []])
    def test_what_it_covers_was_recorded(self, covered):
        record = {"exemption__code": "secrecy", "exemption__phases": covered, "phases_recorded": ["originals"]}
        (found,) = judged(record)
        assert kinds([found]) == [("recorded-in-spite", "suspect")]
        assert "调取原始凭证" in found.summary and found.evidence["phases"] == ("originals",)

    def test_what_the_clip_shows_is_not_stated(self):
        assert kinds(judged({"exemption__code": "secrecy"})) == [("recorded-in-spite", "suspect")]

    def test_a_reason_that_the_regulation_does_not_know(self):
        (found,) = judged({"exemption__code": "conditions", "phases_recorded": ["none"]}, codes=("none", "secrecy"))
        assert kinds([found]) == [("recorded-in-spite", "suspect")] and "conditions" in found.summary


class TestLeftOut:
    def test_recorded_as_a_whole(self):
        assert kinds(judged({"exemption__code": "none"}, **LEFT_OUT)) == [("exemption-founded", "note")]

    def test_with_reason_and_approval(self):
        (found,) = judged(FOUNDED, **LEFT_OUT)
        assert kinds([found]) == [("exemption-founded", "note")]
        assert "雷雨" in found.summary and "王局长" in found.summary

    @pytest.mark.parametrize("lacking", ["exemption__reason", "exemption__approved_by"])
    def test_without_reason_or_approval(self, lacking):
        (found,) = judged({name: value for name, value in FOUNDED.items() if name != lacking}, **LEFT_OUT)
        assert kinds([found]) == [("exemption-unfounded", "suspect")]
        assert lacking.replace("__", ".") in found.summary

    def test_a_reason_that_the_regulation_does_not_know(self):
        assert kinds(judged(FOUNDED | {"exemption__code": "secrecy"}, **LEFT_OUT)) == [
            ("exemption-unfounded", "suspect")
        ]


def test_a_code_that_does_not_exist_is_an_error_of_the_profile():
    with pytest.raises(ValidationError, match="unknown code 'rain'"):
        REGISTRY["exemption"](clip(case(exemption__code="none")), codes=("rain",))

"""Whether circumstances ask for long keeping."""

import pytest

import detectors
from detectors.hold import hold
from pipeline.detector import REGISTRY
from pipeline.errors import SettingsError
from pipeline.settings import settings_from
from tests.packets import kinds
from tests.records import recorded

assert detectors  # importing it registers every detector

NAMED = ("objection", "complaint", "refusal", "insult", "evasion")
WORDS = [
    {"kind": "said-objection", "start_s": 7.0, "stop_s": 8.0, "words": "我不同意", "summary": "…"},
    {"kind": "said-objection", "start_s": 3.0, "stop_s": 4.0, "words": "凭什么", "summary": "…"},
    {"kind": "said-uncivil", "start_s": 1.0, "stop_s": 2.0, "words": "少废话", "summary": "…"},
]


def found(stated, medium=None, findings=(), flags=NAMED):
    case = {"flags": stated, "archive.long_term": medium}
    return list(hold(recorded(case, findings=findings), flags=flags))


@pytest.mark.parametrize(
    ("stated", "medium", "expected"),
    [
        (["objection"], "光盘12", [("hold-set", "note")]),
        (["objection"], None, [("hold-missing", "violation")]),
        (["none", "objection"], None, [("hold-missing", "violation")]),
        (["none"], None, [("hold-not-due", "note")]),
        (["none"], "光盘12", [("hold-not-due", "note")]),
        (["coercive-measure"], None, [("hold-not-due", "note")]),  # this regulation does not name it
        (["生气"], None, []),
        (None, None, []),
        (None, "光盘12", []),
    ],
)
def test_what_the_case_record_states(stated, medium, expected):
    assert kinds(found(stated, medium)) == expected


def test_the_circumstances_are_named():
    assert "(objection, evasion)" in found(["objection", "petition", "evasion"])[0].summary


@pytest.mark.parametrize("stated", [["none"], ["evasion-not-a-code"], None, ["coercive-measure"]])
def test_words_are_for_a_person(stated):
    (hint,) = found(stated, findings=WORDS)
    assert kinds([hint]) == [("hold-hinted", "suspect")]
    assert (hint.span.start_s, hint.span.stop_s) == (3.0, 4.0)
    assert "凭什么" in hint.summary and hint.evidence["flag"] == "objection" and hint.evidence["count"] == 2


def test_what_is_stated_needs_no_hint():
    assert kinds(found(["evasion"], "光盘12", WORDS)) == [("hold-set", "note")]


def test_words_for_what_the_regulation_does_not_name_hint_at_nothing():
    assert kinds(found(["none"], None, WORDS, flags=("evasion",))) == [("hold-not-due", "note")]


def test_each_circumstance_is_hinted_once():
    more = [
        *WORDS,
        {
            "kind": "said-insult",
            "start_s": float("nan"),
            "stop_s": float("nan"),
            "words": None,
            "summary": "Words that insult",
        },
    ]
    hints = found(["none"], findings=more)
    assert [(f.evidence["flag"], f.span.start_s) for f in hints] == [("objection", 3.0), ("insult", 0.0)]
    assert "Words that insult" in hints[1].summary


def test_a_regulation_that_asks_for_no_long_keeping_says_nothing():
    assert found(["objection"], flags=()) == []


@pytest.mark.parametrize("name", ["hold", "retention"])
@pytest.mark.parametrize("code", ["none", "anger"])
def test_a_circumstance_that_does_not_exist_is_an_error(name, code):
    known = {f"detectors.{name}": REGISTRY[name].parameters}
    with pytest.raises(SettingsError, match=rf"a\.toml: \[detectors\.{name}\] flags.*unknown circumstance"):
        settings_from({"detectors": {name: {"flags": [code]}}}, known, "a.toml")

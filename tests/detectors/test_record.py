"""What detectors read from the case record: nonsense counts as not stated."""

from datetime import date

import pytest

from detectors._phases import PHASE_WORDS, claim_of
from detectors._record import codes, day, first, flag, moment, stated
from pipeline.case import PHASES
from pipeline.model import Features
from tests.detectors.recorded import case, clip


def test_values_come_in_order_without_blanks():
    features = clip(case(officers=["张三", " ", None, " 李四"], cause="检查"))
    assert stated(features, "officers") == ["张三", "李四"]
    assert first(features, "officers") == "张三"
    assert stated(features, "parties") == [] and first(features, "parties") is None
    assert stated(Features({}), "officers") == []


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["inspection", "rights", "inspection"], ("inspection", "rights")),
        (["none"], ()),
        (["none", "inspection"], ("inspection",)),
        (["lunch"], None),
        ([], None),
    ],
)
def test_codes(values, expected):
    assert codes(clip(case(phases_due=values)), "phases_due", PHASES) == expected


@pytest.mark.parametrize(("value", "expected"), [("true", True), ("false", False), ("yes", None), (None, None)])
def test_flags(value, expected):
    assert flag(clip(case(evidence=value)), "evidence") is expected


@pytest.mark.parametrize(
    "text", [None, "", "gestern", "2026-03-02T09:00:00", "2026-03-02", "2026-13-02T09:00:00+08:00"]
)
def test_what_is_no_moment_is_none(text):
    assert moment(text) is None


def test_moments_and_days():
    assert moment("2026-03-02T01:00:00+00:00") == moment("2026-03-02T09:00:00+08:00")
    assert day("2026-03-02") == date(2026, 3, 2)
    assert day("2026-02-30") is None and day(None) is None


def test_every_phase_has_a_name_of_its_own():
    assert PHASE_WORDS.keys() == set(PHASES)
    names = [words[0] for words in PHASE_WORDS.values()]
    assert len(set(names)) == len(names)


def test_an_exemption_without_phases_covers_all_and_one_with_nonsense_none():
    assert claim_of(clip(case(exemption__code="secrecy"))).covered == PHASES
    assert claim_of(clip(case(exemption__code="secrecy", exemption__phases=["lunch"]))).covered == ()
    assert claim_of(clip(case(exemption__code="none"))) is None
    assert claim_of(clip(case(exemption__code="rain"))) is None

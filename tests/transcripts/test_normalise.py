"""Text normalisation and sound costs, as tables of pairs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transcripts.alignment import align, find, sound_cost
from transcripts.normalise import clauses, han, initial_and_final, simplified, syllables

STANDARD = "为保护您的合法权益，监督我们的执法行为，本次执法全程录音录像。"


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("微保護您的合法權益", "微保护您的合法权益"),
        ("執法行為", "执法行为"),
        ("ABC, 123。", "ABC, 123。"),
        ("", ""),
    ],
)
def test_simplified(written: str, expected: str):
    assert simplified(written) == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("本次，執法！", "本次执法"),
        ("OK 好的", "好的"),
        ("第12条", "第一二条"),
        ("２０２６年", "二零二六年"),
        ("二〇二六", "二零二六"),
        (" \n", ""),
    ],
)
def test_han(written: str, expected: str):
    assert han(written) == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("执法行为", "zhi fa xing wei"),
        ("银行", "yin hang"),
        ("录音录像", "lu yin lu xiang"),
        ("女", "nv"),
        ("合法權益", "he fa quan yi"),
        ("", ""),
    ],
)
def test_syllables(written: str, expected: str):
    assert " ".join(syllables(written)) == expected


def test_clauses_of_the_standard_notice():
    assert [len(clause) for clause in clauses(STANDARD)] == [9, 9, 10]


@pytest.mark.parametrize(
    ("syllable", "expected"),
    [("zhang", ("zh", "ang")), ("yi", ("y", "i")), ("an", ("", "an")), ("er", ("", "er")), ("nv", ("n", "v"))],
)
def test_initial_and_final(syllable: str, expected: tuple[str, str]):
    assert initial_and_final(syllable) == expected


@pytest.mark.parametrize(
    ("one", "two", "cost"),
    [
        ("zhi", "zhi", 0.0),
        ("zhi", "zi", 0.1),
        ("cheng", "cen", 0.1),
        ("sheng", "sen", 0.1),
        ("lu", "nu", 0.1),
        ("ren", "nen", 0.1),
        ("quan", "quang", 0.1),
        ("xing", "xin", 0.1),
        ("xiang", "xian", 0.1),
        ("cheng", "qing", 1.0),
        ("fa", "hua", 1.0),
        ("fa", "da", 0.5),
        ("fa", "fu", 0.5),
        ("an", "en", 1.0),
        ("zhong", "zon", 0.5),
    ],
)
def test_sound_cost(one: str, two: str, cost: float):
    assert sound_cost(one, two) == sound_cost(two, one) == cost


def test_a_sentence_is_found_inside_a_text():
    match = find("执法全程", ["a", "b", "zhi", "fa", "quan", "cheng", "c"])
    assert (match.score, match.start, match.stop) == (100.0, 2, 6)


def test_missing_and_extra_syllables_cost_one_each():
    assert find("执法全程", ["zhi", "fa", "cheng"]).score == 75.0
    assert find("执法全程", ["zhi", "fa", "ge", "quan", "cheng"]).score == 75.0


def test_clauses_are_scored_apart():
    match = find("执法，全程", ["zhi", "fa", "x", "x"])
    assert match.clause_scores == (100.0, 0.0)


def test_a_single_clause_scores_its_share_of_the_whole():
    """The trap of partial ratios: a short text must not become the needle."""
    match = find(STANDARD, syllables("本次执法全程录音录像"))
    assert match.score == pytest.approx(100 * 10 / 28)
    assert match.clause_scores == (0.0, 0.0, 100.0)


def test_of_two_equal_places_the_first_is_taken():
    assert find("执法", ["zhi", "fa", "a", "zhi", "fa"]).start == 0


def test_an_empty_text_matches_nothing():
    match = find(STANDARD, ())
    assert (match.score, match.start, match.stop) == (0.0, 0, 0)


def test_clause_lengths_must_add_up():
    with pytest.raises(ValueError, match="do not make up"):
        align(["a", "b"], ["a"], [1])


SYLLABLES = st.lists(st.sampled_from(["zhi", "zi", "fa", "quan", "cheng", "lu", "yin", "xiang", "wo"]), max_size=40)


@given(before=SYLLABLES, after=SYLLABLES)
def test_what_is_said_around_a_sentence_never_lowers_its_score(before: list[str], after: list[str]):
    match = find(STANDARD, [*before, *syllables(STANDARD), *after])
    assert match.score == 100.0
    assert match.stop - match.start == 28


@given(text=SYLLABLES)
def test_scores_stay_in_range_and_places_inside_the_text(text: list[str]):
    match = find(STANDARD, text)
    assert 0.0 <= match.score <= 100.0
    assert all(0.0 <= score <= 100.0 for score in match.clause_scores)
    assert 0 <= match.start <= match.stop <= len(text)

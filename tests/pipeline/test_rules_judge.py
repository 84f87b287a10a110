"""The judge: the order in which a rule is decided, and what no set of findings may bring about."""

from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.features.schema import TABLES as SCHEMA
from pipeline.features.schema import table
from pipeline.kinds import KINDS, TITLES
from pipeline.language import language
from pipeline.model import Examined, Features, Finding, Level, Message, Outcome, RuleResult, Span, Table
from pipeline.rules import judge as judge_module
from pipeline.rules.judge import ABSENT, judge, verdict_of
from pipeline.rules.profile import Rule, load_profile

PROFILE = load_profile("shijiazhuang-safety")
SEEN = Examined(packets=900, frames_in_header=750, frames_decoded=750, audio_s=30.0, speech_s=30.0, pictures_read=8)
TABLES: Mapping[str, Table] = {
    **{name: table(name, []) for name in SCHEMA if name != "case"},
    "case": table("case", [{"field": "place.names", "value": "某某化工"}]),
}


def found(kind: str, level: Level = Level.SUSPECT, at_s: float = 1.0, id: str = "f1") -> Finding:
    return Finding(kind, level, Span(at_s, at_s + 1.0), Message(KINDS[kind]), id=id)


GOOD = (found("notice-heard", Level.NOTE, 2.0, "f1"), found("place-shown", Level.NOTE, 5.0, "f2"))


def judged(
    findings: Sequence[Finding] = GOOD, *, without: tuple[str, ...] = (), examined: Examined = SEEN, **tables: Table
) -> tuple[dict[str, RuleResult], Outcome]:
    kept = {name: value for name, value in {**TABLES, **tables}.items() if name not in without}
    results, verdict = judge(PROFILE, findings, Features(kept), examined)
    return {result.id: result for result in results}, verdict


def test_a_clean_clip_passes_with_the_words_and_the_sign_as_reasons() -> None:
    rules, verdict = judged()
    assert verdict is Outcome.PASS
    assert {id for id, result in rules.items() if result.outcome is not Outcome.PASS} == {"STATS-1"}
    assert rules["STATS-1"].outcome is Outcome.NOT_APPLICABLE
    assert rules["NOTICE-1"].reason == GOOD[0].message
    assert rules["NOTICE-1"].findings == ("f1",)
    assert rules["PLACE-1"].findings == ("f2",)
    assert str(rules["CONT-1"].reason).startswith("Nothing speaks against it in the 750 pictures and 30.0 s")


def test_results_carry_the_article_word_for_word() -> None:
    rules, _ = judged()
    assert rules["CONT-1"].article == "第十二条（五）"
    rule = next(rule for rule in PROFILE.rules if rule.id == "CONT-1")
    assert (rules["CONT-1"].text, rules["CONT-1"].gloss) == (rule.text, rule.gloss)


def test_a_violation_fails_even_where_everything_else_is_missing() -> None:
    cut = found("picture-cut", Level.VIOLATION)
    rules, verdict = judged([cut], without=tuple(TABLES), examined=Examined())
    assert rules["CONT-1"].outcome is Outcome.FAIL
    assert rules["CONT-1"].reason == cut.message
    assert verdict is Outcome.FAIL


def test_several_violations_are_counted_and_named() -> None:
    cuts = [found("picture-cut", Level.VIOLATION, 7.0, "f5"), found("edit-list", Level.VIOLATION, 0.5, "f4")]
    rules, _ = judged([*GOOD, *cuts])
    assert str(rules["CONT-1"].reason) == "2 findings break this rule (f4, f5); the first begins at 0.50 s."
    assert rules["CONT-1"].findings == ("f4", "f5")


@pytest.mark.parametrize(
    ("level", "outcome"),
    [(Level.VIOLATION, Outcome.FAIL), (Level.SUSPECT, Outcome.UNDECIDED), (Level.NOTE, Outcome.PASS)],
)
def test_the_level_of_what_speaks_against_a_rule_decides(level: Level, outcome: Outcome) -> None:
    assert judged([*GOOD, found("frozen-picture", level, id="f3")])[0]["CONT-1"].outcome is outcome


def test_undecided_kinds_count_at_any_level() -> None:
    rules, verdict = judged([*GOOD, found("notice-late", Level.NOTE, 9.0, "f3")])
    assert rules["NOTICE-1"].outcome is Outcome.UNDECIDED
    assert rules["NOTICE-1"].findings == ("f3",)
    assert verdict is Outcome.UNDECIDED


@pytest.mark.parametrize(
    ("without", "rule", "said"),
    [
        ("case", "PLACE-1", "No case record lies beside the clip"),
        ("texts", "PLACE-1", "The pictures were not examined for text"),
        ("words", "NOTICE-1", "The sound was not examined for speech"),
        ("voice", "NOTICE-1", "The sound was not examined for speech"),
        ("sound", "CONT-1", "The sound of the clip could not be examined"),
        ("frames", "CONT-1", "No picture of the clip could be examined"),
        ("packets", "CONT-1", "The structure of the file could not be examined"),
    ],
)
def test_what_was_not_measured_leaves_a_rule_undecided(without: str, rule: str, said: str) -> None:
    result = judged(without=(without,))[0][rule]
    assert result.outcome is Outcome.UNDECIDED
    assert str(result.reason).startswith(said)


def test_without_sound_the_notice_is_undecided_not_missing() -> None:
    rules, verdict = judged(GOOD[1:], examined=Examined(frames_decoded=750, pictures_read=8))
    assert rules["NOTICE-1"].outcome is Outcome.UNDECIDED
    assert "no sound" in str(rules["NOTICE-1"].reason)
    assert verdict is Outcome.UNDECIDED


def test_a_record_that_names_no_place_leaves_the_place_undecided() -> None:
    rules, _ = judged(GOOD[:1], case=table("case", [{"field": "officers", "value": "张三"}]))
    assert str(rules["PLACE-1"].reason).startswith("The case record names no place")


def test_no_picture_read_is_said() -> None:
    rules, _ = judged(GOOD[:1], examined=Examined(frames_decoded=750, audio_s=30.0))
    assert rules["PLACE-1"].outcome is Outcome.UNDECIDED
    assert str(rules["PLACE-1"].reason) == "No picture of the clip could be read for text."


def test_nothing_found_of_what_a_rule_asks_for_is_no_pass() -> None:
    rules, verdict = judged([])
    assert rules["NOTICE-1"].outcome is Outcome.UNDECIDED
    assert rules["PLACE-1"].outcome is Outcome.UNDECIDED
    assert rules["CONT-1"].outcome is Outcome.PASS
    assert verdict is Outcome.UNDECIDED


def test_a_clip_not_examined_as_a_whole_is_not_continuous() -> None:
    gap = Message("Sound: {why}", {"why": "unknown codec"})
    for examined, said in (
        (Examined(frames_decoded=740, frames_failed=10, audio_s=30.0), "10 of 750 pictures could not be decoded"),
        (Examined(frames_decoded=0, audio_s=30.0), "No picture of the clip could be decoded"),
        (Examined(frames_decoded=750, audio_s=30.0, gaps=(gap,)), "Sound: unknown codec"),
    ):
        result = judged(examined=examined)[0]["CONT-1"]
        assert result.outcome is Outcome.UNDECIDED
        assert str(result.reason).startswith(said)


def test_a_gap_of_another_stage_leaves_continuity_alone() -> None:
    gap = Message("Only the first {minutes} minutes were searched for speech", {"minutes": 3})
    examined = Examined(frames_decoded=750, audio_s=30.0, pictures_read=8, gaps=(gap,))

    def outcome(stage: str) -> Outcome:
        gaps = table("gaps", [{"stage": stage, "message": gap.template, "values": "{}"}])
        return judged(examined=examined, gaps=gaps)[0]["CONT-1"].outcome

    assert outcome("speech") is Outcome.PASS
    assert outcome("sound") is Outcome.UNDECIDED


def test_a_rule_that_does_not_apply_says_why() -> None:
    rule = Rule(id="X", article="第一条", text="…", gloss="…", not_applicable="No such article.")
    profile = PROFILE.model_copy(update={"rules": (rule,)})
    results, verdict = judge(profile, [found("picture-cut", Level.VIOLATION)], Features(), Examined())
    assert results[0].outcome is verdict is Outcome.NOT_APPLICABLE
    assert str(results[0].reason) == "No such article."


@pytest.mark.parametrize("tag", ["zh-CN"])
def test_every_sentence_of_the_judge_and_of_the_kinds_is_translated(tag: str) -> None:
    words = language(tag)
    own = [text for name, text in vars(judge_module).items() if name.isupper() and isinstance(text, str)]
    assert len(own) > 5
    for sentence in {*own, *ABSENT.values(), *KINDS.values(), *TITLES.values()}:
        assert words.text(sentence) != sentence
        assert sorted(_fields(words.text(sentence))) == sorted(_fields(sentence))


def _fields(template: str) -> list[str]:
    from string import Formatter

    return [f"{name}:{spec}" for _, name, spec, _ in Formatter().parse(template) if name]


FINDINGS = st.lists(
    st.builds(
        found,
        st.sampled_from(sorted(KINDS)),
        st.sampled_from(list(Level)),
        st.floats(0, 100, allow_nan=False),
        st.sampled_from(["f1", "f2", "f3"]),
    ),
    max_size=8,
)
COVERAGE = st.builds(
    Examined,
    frames_decoded=st.sampled_from([0, 750]),
    frames_failed=st.sampled_from([0, 3]),
    audio_s=st.sampled_from([0.0, 30.0]),
    pictures_read=st.sampled_from([0, 8]),
    gaps=st.sampled_from([(), (Message("Something was not examined."),)]),
)
ABSENT_TABLES = st.sets(st.sampled_from(sorted(TABLES)))
RANK = {Outcome.NOT_APPLICABLE: 0, Outcome.PASS: 0, Outcome.UNDECIDED: 1, Outcome.FAIL: 2}


def all_rules(findings: Sequence[Finding], absent: set[str], examined: Examined) -> tuple[RuleResult, ...]:
    kept = Features({name: value for name, value in TABLES.items() if name not in absent})
    return judge(PROFILE, findings, kept, examined)[0]


@given(FINDINGS, ABSENT_TABLES, COVERAGE)
def test_a_violation_is_never_passed_over(findings: list[Finding], absent: set[str], examined: Examined) -> None:
    for rule, result in zip(PROFILE.rules, all_rules(findings, absent, examined), strict=True):
        violated = any(f.level is Level.VIOLATION and f.kind in rule.fails_on for f in findings)
        assert (result.outcome is Outcome.FAIL) == violated


@given(FINDINGS, FINDINGS, ABSENT_TABLES, COVERAGE)
def test_more_that_speaks_against_never_makes_a_rule_better(
    findings: list[Finding], more: list[Finding], absent: set[str], examined: Examined
) -> None:
    helps = {kind for rule in PROFILE.rules for kind in rule.passes_on}
    against = [finding for finding in more if finding.kind not in helps]
    before, after = all_rules(findings, absent, examined), all_rules([*findings, *against], absent, examined)
    assert all(RANK[b.outcome] <= RANK[a.outcome] for b, a in zip(before, after, strict=True))


@given(FINDINGS, FINDINGS, ABSENT_TABLES, COVERAGE)
def test_no_finding_at_all_turns_a_failure_into_anything_else(
    findings: list[Finding], more: list[Finding], absent: set[str], examined: Examined
) -> None:
    before, after = all_rules(findings, absent, examined), all_rules([*findings, *more], absent, examined)
    assert all(a.outcome is Outcome.FAIL for b, a in zip(before, after, strict=True) if b.outcome is Outcome.FAIL)


@given(FINDINGS, ABSENT_TABLES, COVERAGE)
def test_seeing_less_never_passes_more(findings: list[Finding], absent: set[str], examined: Examined) -> None:
    whole, partial = all_rules(findings, set(), SEEN), all_rules(findings, absent, examined)
    for seen, unseen in zip(whole, partial, strict=True):
        assert unseen.outcome is not Outcome.PASS or seen.outcome is Outcome.PASS


@given(FINDINGS, COVERAGE)
def test_the_order_of_the_findings_decides_nothing(findings: list[Finding], examined: Examined) -> None:
    forward, back = all_rules(findings, set(), examined), all_rules(findings[::-1], set(), examined)
    assert [result.outcome for result in forward] == [result.outcome for result in back]


@given(st.lists(st.sampled_from(list(Outcome))))
def test_the_verdict_is_the_worst_outcome(outcomes: list[Outcome]) -> None:
    verdict = verdict_of(outcomes)
    if Outcome.FAIL in outcomes:
        assert verdict is Outcome.FAIL
    elif Outcome.UNDECIDED in outcomes:
        assert verdict is Outcome.UNDECIDED
    else:
        assert verdict is (Outcome.PASS if Outcome.PASS in outcomes else Outcome.NOT_APPLICABLE)

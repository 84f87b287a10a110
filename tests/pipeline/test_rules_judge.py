"""The judge: the order in which a rule is decided, and the reasons that it gives."""

from collections.abc import Mapping, Sequence

import pytest

from pipeline.features.schema import TABLES as SCHEMA
from pipeline.features.schema import table
from pipeline.kinds import KINDS, TITLES
from pipeline.language import language
from pipeline.model import Examined, Features, Finding, Level, Message, Outcome, RuleResult, Span, Table
from pipeline.rules import judge as judge_module
from pipeline.rules.judge import ABSENT, judge
from pipeline.rules.profile import Rule, load_profile

PROFILE = load_profile("shijiazhuang-safety")
SEEN = Examined(packets=900, frames_in_header=750, frames_decoded=750, audio_s=30.0, speech_s=30.0, pictures_read=8)
TABLES: Mapping[str, Table] = {
    **{name: table(name, []) for name in SCHEMA if name != "case"},
    "case": table("case", [{"field": "place.names", "value": "某某化工"}]),
}


def found(kind: str, level: Level = Level.SUSPECT, at_s: float = 1.0, id: str = "f1", phases: object = None) -> Finding:
    evidence = {} if phases is None else {"phases": phases}
    return Finding(kind, level, Span(at_s, at_s + 1.0), Message(KINDS[kind]), evidence=evidence, id=id)


GOOD = (found("notice-heard", Level.NOTE, 2.0, "f1"), found("place-shown", Level.NOTE, 5.0, "f2"))


def judged(
    findings: Sequence[Finding] = GOOD, *, without: tuple[str, ...] = (), examined: Examined = SEEN, **tables: Table
) -> tuple[dict[str, RuleResult], Outcome]:
    kept = {name: value for name, value in {**TABLES, **tables}.items() if name not in without}
    results, verdict = judge(PROFILE, findings, Features(kept), examined)
    return {result.id: result for result in results}, verdict


def test_a_clean_clip_passes_what_it_can_show_with_the_words_and_the_sign_as_reasons() -> None:
    rules, verdict = judged()
    assert verdict is Outcome.UNDECIDED  # the case record says no more than the place
    passed = {id for id, result in rules.items() if result.outcome is Outcome.PASS}
    assert passed == {"PLACE-2", "NOTICE-1", "PLACE-1", "ELEM-2", "CONT-1", "CIVIL-1"}
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


PHASE = Rule(
    id="PHASE-1",
    article="第七条（二）",
    text="…",
    gloss="…",
    phases=("inspection", "sampling"),
    passes_on=("phase-recorded",),
    fails_on=("phase-missing",),
    undecided_on=("phase-guessed",),
    exempt_on=("phase-not-due", "exempted"),
    needs=("case.value",),
    needs_case=("phases_due",),
)
DUE = table("case", [{"field": "phases_due", "value": "inspection"}])
RECORDED = found("phase-recorded", Level.NOTE)
NOT_DUE = found("phase-not-due", Level.NOTE)


def outcome(rule: Rule, *findings: Finding, case: Table | None = DUE, examined: Examined = SEEN) -> RuleResult:
    tables = {name: value for name, value in TABLES.items() if name != "case"} | ({"case": case} if case else {})
    results, _ = judge(PROFILE.model_copy(update={"rules": (rule,)}), findings, Features(tables), examined)
    return results[0]


@pytest.mark.parametrize(
    ("phases", "looked_at"),
    [
        (None, True),
        (["inspection"], True),
        (("rights", "sampling"), True),
        ("inspection", True),
        ("rights sampling", True),
        (["rights"], False),
        ("inspections", False),
        ([], False),
    ],
)
def test_a_rule_on_phases_looks_at_findings_about_them_and_about_none(phases: object, looked_at: bool) -> None:
    missing = found("phase-missing", Level.VIOLATION, phases=phases)
    assert (outcome(PHASE, RECORDED, missing).outcome is Outcome.FAIL) == looked_at
    everything = PHASE.model_copy(update={"phases": ()})
    assert outcome(everything, RECORDED, missing).outcome is Outcome.FAIL


def test_what_is_not_due_does_not_apply_and_says_why_even_without_a_case_record() -> None:
    for case in (DUE, None):
        result = outcome(PHASE, NOT_DUE, case=case)
        assert (result.outcome, result.reason, result.findings) == (Outcome.NOT_APPLICABLE, NOT_DUE.message, ("f1",))


@pytest.mark.parametrize(
    ("beside", "expected"),
    [
        (RECORDED, Outcome.PASS),
        (found("phase-missing", Level.VIOLATION), Outcome.FAIL),
        (found("phase-missing", Level.SUSPECT), Outcome.UNDECIDED),
        (found("phase-missing", Level.NOTE), Outcome.NOT_APPLICABLE),
        (found("phase-guessed", Level.NOTE), Outcome.UNDECIDED),
        (found("picture-cut", Level.VIOLATION), Outcome.NOT_APPLICABLE),
        (found("phase-missing", Level.VIOLATION, phases=["rights"]), Outcome.NOT_APPLICABLE),
    ],
)
def test_an_exemption_yields_to_whatever_else_the_rule_names(beside: Finding, expected: Outcome) -> None:
    assert outcome(PHASE, NOT_DUE, beside).outcome is expected


NOTICE = Rule(
    id="NOTICE-1",
    article="第十二条（一）",
    text="…",
    gloss="…",
    passes_on=("notice-heard",),
    fails_on=("notice-missing",),
    settled_on=("notice-in-session",),
    needs=("words.text",),
    whole=("speech",),
)


def test_what_settles_a_rule_does_so_whatever_this_clip_alone_shows() -> None:
    settled = found("notice-in-session", Level.NOTE, id="f2")
    missing = found("notice-missing", Level.VIOLATION)
    assert outcome(NOTICE, missing).outcome is Outcome.FAIL
    result = outcome(NOTICE, missing, settled, examined=Examined())
    assert (result.outcome, result.reason, result.findings) == (Outcome.PASS, settled.message, ("f2",))


def test_what_settles_a_rule_does_not_make_it_apply() -> None:
    rule = NOTICE.model_copy(update={"not_applicable": "No."})
    assert outcome(rule, found("notice-in-session", Level.NOTE)).outcome is Outcome.NOT_APPLICABLE


def test_what_the_case_record_does_not_state_is_named_in_both_languages() -> None:
    rule = PHASE.model_copy(update={"needs_case": ("phases_due", "closed_on", "archive.medium")})
    result = outcome(rule, RECORDED)
    assert result.outcome is Outcome.UNDECIDED
    assert language("en").tell(result.reason).endswith("closed_on, archive.medium (结案日期、载体编号).")
    assert "结案日期、载体编号（closed_on, archive.medium）" in language("zh-CN").tell(result.reason)


def test_a_field_needed_without_any_case_record_is_told_as_such() -> None:
    rule = PHASE.model_copy(update={"needs": ()})
    assert str(outcome(rule, RECORDED, case=None).reason) == ABSENT["case"]


def test_every_table_that_may_be_absent_has_its_sentence() -> None:
    assert ABSENT.keys() == SCHEMA.keys()


def test_the_reason_of_an_agency_may_hold_braces() -> None:
    rule = PHASE.model_copy(update={"not_applicable": "See {annex} 2."})
    assert str(outcome(rule).reason) == "See {annex} 2."

"""What no set of findings and no lack of data may bring about, over the built-in profiles and over rules at random."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.case import FIELDS, PHASES
from pipeline.features.schema import TABLES as SCHEMA
from pipeline.features.schema import table
from pipeline.kinds import KINDS
from pipeline.model import Examined, Features, Finding, Level, Message, Outcome, RuleResult, Span, Table
from pipeline.rules.judge import judge, verdict_of
from pipeline.rules.profile import KIND_LISTS, Profile, Rule, builtin_profiles, load_profile

BUILTIN = tuple(load_profile(key) for key in builtin_profiles())
SEEN = Examined(packets=900, frames_in_header=750, frames_decoded=750, audio_s=30.0, speech_s=30.0, pictures_read=8)
EVERY_FIELD = [{"field": field.name, "value": "某"} for field in FIELDS]
TABLES: dict[str, Table] = {**{name: table(name, []) for name in SCHEMA}, "case": table("case", EVERY_FIELD)}
BETTER = (Outcome.PASS, Outcome.NOT_APPLICABLE, Outcome.UNDECIDED, Outcome.FAIL)
"""Best first. A rule that does not apply is worse than one that passes, because it never makes a clip pass, and better
than one that a person must decide."""

SOME_KINDS = (
    "phase-recorded",
    "phase-missing",
    "phase-guessed",
    "exempted",
    "notice-in-session",
    "picture-cut",
    "overlap",
)
SOME_PHASES = PHASES[:3]
SOME_COLUMNS = ("words.text", "texts.text", "case.value", "sound.time_s", "joins.gap_s")
SOME_FIELDS = ("place.names", "phases_due", "closed_on")


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    """Draw a rule in which each kind stands in one list at most."""
    lists: dict[str, list[str]] = {name: [] for name in KIND_LISTS}
    for kind in SOME_KINDS:
        if name := draw(st.sampled_from(("", *KIND_LISTS))):
            lists[name].append(kind)
    if not (lists["passes_on"] or lists["fails_on"]):
        lists["fails_on"].append("truncated")
    return Rule.model_validate(
        {
            **lists,
            "id": draw(st.sampled_from("ABCDEFGH")),
            "article": "第一条",
            "text": "…",
            "gloss": "…",
            "phases": draw(st.lists(st.sampled_from(SOME_PHASES), unique=True, max_size=2)),
            "needs": draw(st.lists(st.sampled_from(SOME_COLUMNS), unique=True, max_size=2)),
            "needs_case": draw(st.lists(st.sampled_from(SOME_FIELDS), unique=True, max_size=2)),
            "whole": draw(st.lists(st.sampled_from(["sound", "speech"]), unique=True, max_size=1)),
            "not_applicable": draw(st.sampled_from([None, None, None, "No."])),
        }
    )


RANDOM = st.lists(rules(), min_size=1, max_size=4, unique_by=lambda rule: rule.id).map(
    lambda drawn: BUILTIN[0].model_copy(update={"rules": tuple(drawn)})
)
PROFILES = st.one_of(st.sampled_from(BUILTIN), RANDOM)
EVIDENCE = st.one_of(
    st.just({}),
    st.sampled_from(SOME_PHASES).map(lambda phase: {"phases": phase}),
    st.lists(st.sampled_from(SOME_PHASES), unique=True).map(lambda phases: {"phases": phases}),
)


def finding(kind: str, level: Level, at_s: float, evidence: dict[str, object], id: str) -> Finding:
    return Finding(kind, level, Span(at_s, at_s + 1.0), Message(KINDS[kind]), evidence=evidence, id=id)


def findings_of(profile: Profile) -> st.SearchStrategy[list[Finding]]:
    """Draw findings, most of them of kinds that the profile names."""
    named = sorted({kind for rule in profile.rules for kind in rule.kinds} | {"place-spoken"})
    one = st.builds(
        finding,
        st.sampled_from(named),
        st.sampled_from(list(Level)),
        st.floats(0, 100, allow_nan=False),
        EVIDENCE,
        st.sampled_from(["f1", "f2", "f3"]),
    )
    return st.lists(one, max_size=6)


COVERAGE = st.builds(
    Examined,
    frames_decoded=st.sampled_from([0, 750]),
    frames_failed=st.sampled_from([0, 3]),
    audio_s=st.sampled_from([0.0, 30.0]),
    pictures_read=st.sampled_from([0, 8]),
    gaps=st.sampled_from([(), (Message("Something was not examined."),)]),
)
ABSENT_TABLES = st.sets(st.sampled_from(sorted(TABLES)), max_size=4)
UNSTATED = st.sets(st.sampled_from([field.name for field in FIELDS]), max_size=4)


def measured(absent: set[str], unstated: set[str] = frozenset()) -> Features:  # type: ignore[assignment]
    stated = table("case", [row for row in EVERY_FIELD if row["field"] not in unstated])
    return Features({name: value for name, value in {**TABLES, "case": stated}.items() if name not in absent})


def judged(
    profile: Profile, findings: Sequence[Finding], features: Features, examined: Examined = SEEN
) -> tuple[RuleResult, ...]:
    return judge(profile, findings, features, examined)[0]


def codes_of(each: Finding) -> list[str] | None:
    phases = each.evidence.get("phases")
    return [phases] if isinstance(phases, str) else phases  # type: ignore[return-value]


def looks_at(rule: Rule, each: Finding) -> bool:
    codes = codes_of(each)
    return not rule.phases or codes is None or bool({*codes} & {*rule.phases})


def settled(rule: Rule, findings: Sequence[Finding]) -> bool:
    return any(each.kind in rule.settled_on and looks_at(rule, each) for each in findings)


def exempted(rule: Rule, found: Sequence[Finding]) -> bool:
    """Tell whether findings exempt the rule: they are about no phase in particular, or about all of its phases."""
    named = [codes_of(each) for each in found]
    return None in named or bool(found and {*rule.phases} <= {code for codes in named if codes for code in codes})


def no_better(after: Sequence[RuleResult], before: Sequence[RuleResult]) -> bool:
    return all(
        BETTER.index(a.outcome) >= BETTER.index(b.outcome) for a, b in zip(after, before, strict=True)
    ) and BETTER.index(verdict_of([a.outcome for a in after])) >= BETTER.index(verdict_of([b.outcome for b in before]))


@given(st.data(), PROFILES, ABSENT_TABLES, UNSTATED, COVERAGE)
def test_a_rule_fails_where_a_violation_was_found_and_nowhere_else(
    data: st.DataObject, profile: Profile, absent: set[str], unstated: set[str], examined: Examined
) -> None:
    findings = data.draw(findings_of(profile))
    results = judged(profile, findings, measured(absent, unstated), examined)
    for rule, result in zip(profile.rules, results, strict=True):
        broken = any(
            each.level is Level.VIOLATION and each.kind in rule.fails_on and looks_at(rule, each) for each in findings
        )
        excused = rule.not_applicable is not None or settled(rule, findings)
        assert (result.outcome is Outcome.FAIL) == (broken and not excused)


@given(st.data(), PROFILES, ABSENT_TABLES, UNSTATED, COVERAGE)
def test_a_rule_is_exempt_only_where_nothing_else_that_it_names_was_found(
    data: st.DataObject, profile: Profile, absent: set[str], unstated: set[str], examined: Examined
) -> None:
    findings = data.draw(findings_of(profile))
    results = judged(profile, findings, measured(absent, unstated), examined)
    for rule, result in zip(profile.rules, results, strict=True):
        if rule.not_applicable is None:
            seen = [each for each in findings if looks_at(rule, each)]
            exempt = exempted(rule, [each for each in seen if each.kind in rule.exempt_on])
            other = {*rule.passes_on, *rule.undecided_on, *rule.settled_on}
            more = any(
                each.kind in other or (each.kind in rule.fails_on and each.level is not Level.NOTE) for each in seen
            )
            assert (result.outcome is Outcome.NOT_APPLICABLE) == (exempt and not more)


@given(st.data(), PROFILES, ABSENT_TABLES, UNSTATED, COVERAGE)
def test_what_speaks_against_a_rule_never_makes_it_better(
    data: st.DataObject, profile: Profile, absent: set[str], unstated: set[str], examined: Examined
) -> None:
    findings, features = data.draw(findings_of(profile)), measured(absent, unstated)
    rule = data.draw(st.sampled_from(profile.rules))
    against = [*rule.fails_on, *rule.undecided_on]
    if not against:
        return
    level = data.draw(st.sampled_from([Level.VIOLATION, Level.SUSPECT]))
    more = finding(data.draw(st.sampled_from(against)), level, 3.0, data.draw(EVIDENCE), "f9")
    alone = profile.model_copy(update={"rules": (rule,)})
    before, after = (judged(alone, each, features, examined) for each in (findings, [*findings, more]))
    assert no_better(after, before)


@given(st.data(), st.sampled_from(BUILTIN), ABSENT_TABLES, UNSTATED, COVERAGE)
def test_what_speaks_against_one_rule_of_a_regulation_makes_no_other_and_no_verdict_better(
    data: st.DataObject, profile: Profile, absent: set[str], unstated: set[str], examined: Examined
) -> None:
    findings, features = data.draw(findings_of(profile)), measured(absent, unstated)
    against = [kind for rule in profile.rules for kind in rule.fails_on]
    if not against:
        return
    level = data.draw(st.sampled_from([Level.VIOLATION, Level.SUSPECT]))
    more = finding(data.draw(st.sampled_from(against)), level, 3.0, data.draw(EVIDENCE), "f9")
    before, after = (judged(profile, each, features, examined) for each in (findings, [*findings, more]))
    assert no_better(after, before)


@pytest.mark.parametrize("profile", BUILTIN, ids=lambda profile: profile.key)
def test_no_kind_speaks_against_one_rule_and_for_another(profile: Profile) -> None:
    against = {kind for rule in profile.rules for kind in rule.fails_on}
    helping = {kind for rule in profile.rules for kind in (*rule.passes_on, *rule.exempt_on, *rule.settled_on)}
    assert against & helping == set()


@given(st.data(), PROFILES, COVERAGE)
def test_what_was_not_measured_or_stated_never_passes_a_rule(
    data: st.DataObject, profile: Profile, examined: Examined
) -> None:
    findings, absent, unstated = data.draw(findings_of(profile)), data.draw(ABSENT_TABLES), data.draw(UNSTATED)
    more_absent, more_unstated = data.draw(ABSENT_TABLES), data.draw(UNSTATED)
    fuller = judged(profile, findings, measured(absent, unstated), examined)
    barer = judged(profile, findings, measured(absent | more_absent, unstated | more_unstated), examined)
    for rule, before, after in zip(profile.rules, fuller, barer, strict=True):
        assert after.outcome is not Outcome.PASS or before.outcome is Outcome.PASS
        if after.outcome is Outcome.PASS and not settled(rule, findings):
            assert not {column.partition(".")[0] for column in rule.needs} & (absent | more_absent)
            assert not {*rule.needs_case} & (unstated | more_unstated)


@given(st.data(), PROFILES, COVERAGE)
def test_looking_at_less_never_passes_more(data: st.DataObject, profile: Profile, examined: Examined) -> None:
    findings = data.draw(findings_of(profile))
    whole, partial = (judged(profile, findings, measured(set()), each) for each in (SEEN, examined))
    for seen, unseen in zip(whole, partial, strict=True):
        assert unseen.outcome is not Outcome.PASS or seen.outcome is Outcome.PASS


@given(st.data(), PROFILES, COVERAGE)
def test_the_order_of_the_findings_decides_nothing(data: st.DataObject, profile: Profile, examined: Examined) -> None:
    findings = data.draw(findings_of(profile))
    forward, back = (judged(profile, each, measured(set()), examined) for each in (findings, findings[::-1]))
    assert [result.outcome for result in forward] == [result.outcome for result in back]


@pytest.fixture(scope="module")
def extended(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Profile]:
    """Return for each built-in profile one that extends it and changes nothing."""
    folder: Path = tmp_path_factory.mktemp("extended")
    for base in BUILTIN:
        (folder / f"own-{base.key}.toml").write_text(f'extends = "{base.key}"\n', encoding="utf-8")
    return {base.key: load_profile(folder / f"own-{base.key}.toml") for base in BUILTIN}


@given(data=st.data(), base=st.sampled_from(BUILTIN), absent=ABSENT_TABLES, unstated=UNSTATED, examined=COVERAGE)
def test_a_profile_that_only_extends_another_judges_as_it_does(
    extended: dict[str, Profile],
    data: st.DataObject,
    base: Profile,
    absent: set[str],
    unstated: set[str],
    examined: Examined,
) -> None:
    own, findings, features = extended[base.key], data.draw(findings_of(base)), measured(absent, unstated)
    assert (own.key, own.sections) == (f"own-{base.key}", base.sections)
    assert judge(own, findings, features, examined) == judge(base, findings, features, examined)


@given(st.lists(st.sampled_from(list(Outcome))))
def test_the_verdict_is_the_worst_outcome(outcomes: list[Outcome]) -> None:
    verdict = verdict_of(outcomes)
    if Outcome.FAIL in outcomes:
        assert verdict is Outcome.FAIL
    elif Outcome.UNDECIDED in outcomes:
        assert verdict is Outcome.UNDECIDED
    else:
        assert verdict is (Outcome.PASS if Outcome.PASS in outcomes else Outcome.NOT_APPLICABLE)

"""Cases of every regulation, from the tables beside this file, judged by the code that judges footage."""

from __future__ import annotations

from collections import defaultdict
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

import pytest

from pipeline.model import Level, Outcome
from pipeline.rules.profile import Profile, Rule, builtin_profiles, load_profile
from pipeline.run import first_round
from pipeline.settings import Settings
from pipeline.stages import profile_settings
from tests.profiles.takes import ABOUT, Case, Judged, cases_of, judged

PROFILES = {key: load_profile(key) for key in builtin_profiles()}
CASES = tuple(case for key in PROFILES for case in cases_of(key).cases)
LEAST = 12
"""Cases that every profile has."""

NEVER_SURE = {
    "place-missing",
    "recorded-in-spite",
    "exemption-unfounded",
    "speech-unclear",
    "overlap",
    "device-mismatch",
    "manifest-absent",
    "medium-unlinked",
    "access-unapproved",
    "case-missing",
}
"""Kinds in some rule's `fails_on` that are told as suspicion at most: they leave it undecided."""


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.profile}: {case.name}")
def test_a_case_comes_to_what_its_regulation_says(case: Case, tmp_path: Path) -> None:
    profile = PROFILES[case.profile]
    found = judged(case.run, profile, tmp_path)
    for pattern, (outcome, reason) in case.expect.items():
        named = _named(pattern, profile)
        if outcome is None:
            assert not named
            continue
        assert named
        assert {id: found.rules[id].outcome for id in named} == dict.fromkeys(named, outcome), _reasons(found, named)
        assert [id for id in named if reason not in str(found.rules[id].reason)] == [], _reasons(found, named)
    assert case.verdict in (None, found.verdict), _reasons(found, [*found.rules])
    assert {each.kind for each in found.findings if each.level is Level.VIOLATION} & NEVER_SURE == set()


@pytest.mark.parametrize("key", PROFILES)
def test_a_calm_clip_with_a_full_record_passes(key: str, tmp_path: Path) -> None:
    profile, found = PROFILES[key], judged(cases_of(key).base["full"], PROFILES[key], tmp_path)
    bad = [id for id, outcome in found.outcomes.items() if outcome in (Outcome.FAIL, Outcome.UNDECIDED)]
    assert bad == [], _reasons(found, bad)
    exempt = {rule.id for rule in profile.rules if rule.not_applicable is not None or rule.exempt_on}
    assert {id for id, outcome in found.outcomes.items() if outcome is Outcome.NOT_APPLICABLE} <= exempt
    assert found.verdict is Outcome.PASS


@pytest.mark.parametrize("key", PROFILES)
def test_what_the_first_round_finds_hangs_on_no_table_that_comes_later(key: str, tmp_path: Path) -> None:
    found = judged(cases_of(key).base["full"], PROFILES[key], tmp_path)
    assert found.features.has("recording.started_at") and found.features.has("joins.gap_s")
    again, _ = first_round(found.features, Settings().over(profile_settings(PROFILES[key])))
    assert again == found.first


@pytest.mark.parametrize("key", PROFILES)
def test_every_rule_is_tried_with_every_outcome_that_it_can_come_to(key: str) -> None:
    tried = _tried(key)
    lacking = {
        rule.id: [outcome.value for outcome in _possible(rule) - tried[rule.id]]
        for rule in PROFILES[key].rules
        if _possible(rule) - tried[rule.id]
    }
    assert lacking == {}


@pytest.mark.parametrize("key", PROFILES)
def test_every_regulation_is_tried_with_all_outcomes_and_limits(key: str) -> None:
    cases = cases_of(key).cases
    assert len(cases) >= LEAST
    assert len({case.name for case in cases}) == len(cases)
    assert {outcome for case in cases for outcome, _ in case.expect.values()} >= {*Outcome}
    assert {about for case in cases for about in case.about} == ABOUT


def test_every_profile_that_comes_with_the_product_has_its_cases() -> None:
    assert {path.stem for path in Path(__file__).parent.glob("*.toml")} == {*PROFILES}


@cache
def _tried(key: str) -> dict[str, set[Outcome]]:
    """Return the outcomes that the cases of a profile expect of each rule."""
    tried: dict[str, set[Outcome]] = defaultdict(set)
    for case in cases_of(key).cases:
        for pattern, (outcome, _) in case.expect.items():
            for id in _named(pattern, PROFILES[key]):
                tried[id] |= {outcome} if outcome else set()
    return tried


def _possible(rule: Rule) -> set[Outcome]:
    """Return the outcomes that a rule can come to."""
    if rule.not_applicable is not None:
        return {Outcome.NOT_APPLICABLE}
    possible = {Outcome.PASS, Outcome.UNDECIDED}
    possible |= {Outcome.NOT_APPLICABLE} if rule.exempt_on else set()
    return possible | ({Outcome.FAIL} if {*rule.fails_on} - NEVER_SURE else set())


def _named(pattern: str, profile: Profile) -> list[str]:
    return [rule.id for rule in profile.rules if fnmatchcase(rule.id, pattern)]


def _reasons(found: Judged, ids: list[str]) -> str:
    return "\n".join(f"{id}: {found.rules[id].outcome.value}: {found.rules[id].reason}" for id in ids)

"""What holds of every regulation over whole records: what is missing passes nothing, what is worse improves nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.case import CIRCUMSTANCES
from pipeline.model import Finding, Level, Outcome
from pipeline.rules.judge import verdict_of
from pipeline.rules.profile import Profile, builtin_profiles, load_profile
from tests.profiles.takes import Entries, Judged, cases_of, judged, over, planted, without

PROFILES = {key: load_profile(key) for key in builtin_profiles()}
KEYS = st.sampled_from(sorted(PROFILES))
BETTER = (Outcome.PASS, Outcome.NOT_APPLICABLE, Outcome.UNDECIDED, Outcome.FAIL)
"""Best first."""
LATER = "2040-01-01T00:00:00+08:00"
"""After everything that a record may state."""
DAY_S = 86_400


def few(examples: int) -> settings:
    """Return how a test is run that judges whole clips."""
    return settings(max_examples=examples, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.fixture(scope="module")
def judge_run(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Judged]:
    """Return what judges a run in a folder of its own."""

    def judge_one(run: Entries, profile: Profile, *more: Finding) -> Judged:
        return judged(run, profile, tmp_path_factory.mktemp("run"), more=more)

    return judge_one


def fields_of(run: Entries) -> list[str]:
    """Return the entries that the case record of a run states."""
    case = run["case"]
    nested = [f"{name}.{key}" for name, value in case.items() if isinstance(value, Mapping) for key in value]
    return [*nested, *(name for name, value in case.items() if not isinstance(value, Mapping))]


def needed(profile: Profile) -> list[str]:
    """Return the fields that rules of a profile need, as far as its full record states them."""
    stated = fields_of(cases_of(profile.key).base["full"])
    return sorted({field for rule in profile.rules for field in rule.needs_case if field in stated})


def passes_unstated(profile: Profile, found: Judged, unstated: set[str]) -> list[str]:
    """Return the rules that pass though something that they need is not stated."""
    return [
        rule.id for rule in profile.rules if unstated & {*rule.needs_case} and found.outcomes[rule.id] is Outcome.PASS
    ]


@pytest.mark.parametrize("key", PROFILES)
def test_no_rule_passes_without_a_field_that_it_needs(key: str, judge_run: Callable[..., Judged]) -> None:
    profile, full = PROFILES[key], cases_of(key).base["full"]
    for field in needed(profile):
        found = judge_run(without({**full, "unstated": [field]}), profile)
        assert passes_unstated(profile, found, {field}) == []


@few(15)
@given(data=st.data(), key=KEYS)
def test_no_rule_passes_without_fields_that_it_needs(
    judge_run: Callable[..., Judged], data: st.DataObject, key: str
) -> None:
    profile, run = PROFILES[key], data.draw(runs(key))
    unstated = data.draw(st.sets(st.sampled_from(needed(profile)), min_size=1).map(lambda one: one & {*fields_of(run)}))
    found = judge_run(without({**run, "unstated": sorted(unstated)}), profile)
    assert passes_unstated(profile, found, unstated) == []


# ---- facts that can be worse -----------------------------------------------------------------------------------------

Worse = Callable[[dict[str, Any], int], Entries]
"""Makes a run worse in one respect by a number; 0: not at all, more is never better."""


def stated(run: Entries, entry: str) -> Any:
    """Return what the case record of a run states of an entry, None if nothing."""
    section, _, name = entry.rpartition(".")
    return (run["case"].get(section, {}) if section else run["case"]).get(name)


def upload_later(run: dict[str, Any], hours: int) -> Entries:
    """Upload later; when it was sorted is not stated, or it would be sorted before."""
    if (at := stated(run, "store.uploaded_at")) is None:
        return {}
    run["case"]["store"].pop("sorted_at", None)
    return {"case": {"store": {"uploaded_at": at + timedelta(hours=hours)}}}


def sort_later(run: dict[str, Any], hours: int) -> Entries:
    at = stated(run, "store.sorted_at")
    return {} if at is None else {"case": {"store": {"sorted_at": at + timedelta(hours=hours)}}}


def archive_later(run: dict[str, Any], days: int) -> Entries:
    at = stated(run, "archived_on")
    return {} if at is None else {"case": {"archived_on": at + timedelta(days=days)}}


def dispose_earlier(run: dict[str, Any], days: int) -> Entries:
    """Dispose of it, from far ahead to a day that every upload has behind it."""
    keep_until = stated(run, "archive.keep_until") or date(2029, 1, 1)
    return {"case": {"store": {"dispose_on": keep_until + timedelta(days=400 - days)}}} if days else {}


def dispose_before_long(run: dict[str, Any], days: int) -> Entries:
    at = stated(run, "store.uploaded_at")
    last = None if at is None else at.date() + timedelta(days=60 + 800)
    return {"case": {"store": {"dispose_on": last - timedelta(days=days)}}} if days and last else {}


def more_circumstances(run: dict[str, Any], count: int) -> Entries:
    """State circumstances that ask for long keeping, and no medium for it."""
    named = [code for code in CIRCUMSTANCES if code != "none"][:count]
    run["case"].get("archive", {}).pop("long_term", None)
    return {"case": {"flags": named}} if named else {}


def fewer_phases(run: dict[str, Any], count: int) -> Entries:
    recorded = stated(run, "phases_recorded")
    if recorded is None:
        return {}
    return {"case": {"phases_recorded": recorded[: max(0, len(recorded) - count)] or ["none"]}}


def copy_unapproved(run: dict[str, Any], count: int) -> Entries:
    run["case"].get("copies", {}).pop("approved_by", None)
    return {"case": {"copies": {"given_to": ["王五", "钱七", "孙八"][:count]}}} if count else {}


def secrets_open(run: dict[str, Any], count: int) -> Entries:
    return {"case": {"secrecy": ["state", "business"][:count], "store": {"access": "open"}}} if count else {}


def strangers(run: dict[str, Any], count: int) -> Entries:
    allowed = [name for name in stated(run, "access.by") or [] if name != "none"]
    return {"case": {"access": {"by": [*allowed, *["钱七", "孙八"][:count]]}}} if count else {}


def another_file(run: dict[str, Any], changed: int) -> Entries:
    return {"sha256": f"{changed:064x}"} if changed else {}


def hole(run: dict[str, Any], seconds: int) -> Entries:
    return {"hole": {"at_s": 20.0, "s": float(seconds)}} if seconds else {}


def harsh_words(run: dict[str, Any], count: int) -> Entries:
    said = ["我不服，我要投诉你们。", "王八蛋。", "你给我闭嘴。"]
    more = [{"at_s": 30.0 + 3 * n, "text": text} for n, text in enumerate(said[:count])]
    return {"heard": [*run.get("heard", []), *more]}


def credentials_unnoted(run: dict[str, Any], left_out: int) -> Entries:
    return {"case": {"notes": {"credentials": False}}} if left_out else {}


def ended_earlier(run: dict[str, Any], days: int) -> Entries:
    """Let the act end earlier: what counts from there is over sooner, and the clip may be of a later day."""
    begun = stated(run, "ended_on") or date(2026, 6, 30)
    return {"case": {"ended_on": begun - timedelta(days=days)}} if days else {}


def worse_transcript(run: dict[str, Any], count: int) -> Entries:
    lacks: list[dict[str, str]] = [{}, {"status": "draft"}, {"made_by": ""}, {"proves": ""}]
    head = {key: value for lack in lacks[: count + 1] for key, value in lack.items()}
    return {"transcript": head} if "transcript" in run and head else {}


WORSE: dict[Worse, int] = {
    upload_later: 60 * 24,
    sort_later: 60 * 24,
    archive_later: 200,
    dispose_earlier: 800,
    dispose_before_long: 800,
    more_circumstances: len(CIRCUMSTANCES) - 1,
    fewer_phases: 3,
    copy_unapproved: 3,
    secrets_open: 2,
    strangers: 2,
    another_file: 9,
    hole: 90,
    harsh_words: 3,
    credentials_unnoted: 1,
    ended_earlier: 200,
    worse_transcript: 3,
}
"""With the most by which each is tried."""
AMOUNTS = st.fixed_dictionaries({}, optional={worse: st.integers(0, most) for worse, most in WORSE.items()})


def made_worse(key: str, amounts: Mapping[Worse, int]) -> dict[str, Any]:
    """Return the full record of a profile made worse; two ways to dispose of it are one."""
    run = without({**cases_of(key).base["full"], "examined_at": LATER})
    for worse, amount in amounts.items():
        if worse is not dispose_earlier or dispose_before_long not in amounts:
            run = over(run, worse(run, amount))
    return without(run)


def runs(key: str) -> st.SearchStrategy[dict[str, Any]]:
    """Draw runs of a profile, more or less bad ones."""
    return AMOUNTS.map(lambda amounts: made_worse(key, amounts))


def improved(before: Judged, after: Judged) -> list[str]:
    """Return the rules, and the verdict, that came out better."""
    order = BETTER.index
    rules = [id for id, outcome in after.outcomes.items() if order(outcome) < order(before.outcomes[id])]
    return rules + (["verdict"] if order(after.verdict) < order(before.verdict) else [])


@pytest.mark.parametrize("worse", WORSE, ids=lambda worse: worse.__name__)
@few(4)
@given(data=st.data(), amounts=AMOUNTS)
def test_a_worse_fact_improves_no_rule_and_no_verdict(
    judge_run: Callable[..., Judged], data: st.DataObject, amounts: dict[Worse, int], worse: Worse
) -> None:
    touched = [key for key in PROFILES if made_worse(key, {worse: 1}) != made_worse(key, {worse: 0})]
    key = data.draw(st.sampled_from(touched))
    less, more = sorted(data.draw(st.lists(st.integers(0, WORSE[worse]), min_size=2, max_size=2, unique=True)))
    before, after = (judge_run(made_worse(key, {**amounts, worse: amount}), PROFILES[key]) for amount in (less, more))
    assert improved(before, after) == [], [(id, str(after.rules[id].reason)) for id in improved(before, after)]


@few(25)
@given(data=st.data(), key=KEYS)
def test_evidence_of_a_violation_improves_no_rule_and_no_verdict(
    judge_run: Callable[..., Judged], data: st.DataObject, key: str
) -> None:
    profile, run = PROFILES[key], data.draw(runs(key))
    against = sorted({kind for rule in profile.rules for kind in (*rule.fails_on, *rule.undecided_on)})
    kind, level = data.draw(st.sampled_from(against)), data.draw(st.sampled_from([Level.VIOLATION, Level.SUSPECT]))
    more = planted(kind, level, data.draw(st.sampled_from([0.0, 10.0, 39.0])))
    before, after = judge_run(run, profile), judge_run(run, profile, more)
    assert improved(before, after) == []
    assert after.verdict is verdict_of([*after.outcomes.values()])


@pytest.fixture(scope="module")
def extended(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Profile]:
    """Return for each profile one that extends it and changes nothing."""
    folder: Path = tmp_path_factory.mktemp("extended")
    for key in PROFILES:
        (folder / f"own-{key}.toml").write_text(f'extends = "{key}"\n', encoding="utf-8")
    return {key: load_profile(folder / f"own-{key}.toml") for key in PROFILES}


@few(15)
@given(data=st.data(), key=KEYS)
def test_a_profile_that_only_extends_another_gives_equal_results(
    tmp_path_factory: pytest.TempPathFactory, extended: dict[str, Profile], data: st.DataObject, key: str
) -> None:
    run = data.draw(runs(key))
    unstated = data.draw(st.sets(st.sampled_from(fields_of(run)), max_size=3))
    run, folder = without({**run, "unstated": sorted(unstated)}), tmp_path_factory.mktemp("run")
    base, own = (judged(run, profile, folder) for profile in (PROFILES[key], extended[key]))
    assert (own.rules, own.verdict) == (base.rules, base.verdict)

"""What profiles and drafts quote stands in the regulations, and drafts ask for nothing that is not planned."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from pipeline.case import FIELDS
from pipeline.features.schema import TABLES
from pipeline.kinds import KINDS
from pipeline.language import language
from pipeline.rules import profile as profile_module
from pipeline.rules.profile import Rule, builtin_profiles, load_profile

ROOT = Path(__file__).resolve().parents[2]
RULES = ROOT / "pipeline" / "rules"
DRAFTS = RULES / "drafts"
PLAN = ROOT / "docs" / "profiles-plan.md"
PLANNED_ENTRIES = {"phases", "exempt_on"}
WAITS_FOR_OTHERS = {"ELEM-2"}
NUMERAL = "一二三四五六七八九十"
WIDE = str.maketrans(",:;()", "，：；（）")
BUILTIN = builtin_profiles()
EACH = pytest.mark.parametrize("key", BUILTIN)


def plain(text: str) -> str:
    """Return the text without white space, its punctuation in full width."""
    return re.sub(r"\s", "", text).translate(WIDE)


def law_of(key: str) -> str:
    return plain((ROOT / "docs" / "regulations" / f"{key}.txt").read_text(encoding="utf-8"))


def clause(law: str, article: str) -> str:
    """Return an article, or the item of it that is named, without its number; 第 may be missing in the copy."""
    named = re.fullmatch(rf"第([{NUMERAL}]+)条(（[{NUMERAL}]+）)?", article)
    assert named, article
    head = rf"(?<![{NUMERAL}第])第?{{}}条(?!件)"
    begin = re.search(head.format(named[1]), law)
    assert begin, article
    following = re.compile(head.format(f"[{NUMERAL}]+")).search(law, begin.end())
    whole = law[begin.end() : following.start() if following else None]
    if not named[2]:
        return whole
    start = whole.index(named[2]) + len(named[2])
    next_item = re.compile(rf"（[{NUMERAL}]+）").search(whole, start)
    return whole[start : next_item.start() if next_item else None]


def place(article: str) -> tuple[int, int]:
    """Return number of article and item; what has none stands first."""
    numbers = [number(found) for found in re.findall(rf"[{NUMERAL}]+", article)]
    return (*numbers, 0, 0)[:2]  # type: ignore[return-value]


def number(numeral: str) -> int:
    tens, ten, ones = numeral.rpartition("十")
    return (NUMERAL.index(tens) + 1 if tens else 1) * 10 * bool(ten) + (NUMERAL.index(ones) + 1 if ones else 0)


def written(path: Path) -> list[dict[str, Any]]:
    return tomllib.loads(path.read_text(encoding="utf-8"))["rule"]


def planned(heading: str) -> set[str]:
    """Return the names in the first column of a table of the plan."""
    section = PLAN.read_text(encoding="utf-8").split(f"\n## {heading}\n")[1].split("\n## ")[0]
    first = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    return {name for cell in first for name in re.findall(r"`([^`]+)`", cell)}


def test_there_are_nine_profiles_each_with_its_text_and_its_draft() -> None:
    assert len(BUILTIN) == 9
    assert {path.stem for path in DRAFTS.glob("*.toml")} == set(BUILTIN)
    assert {path.stem for path in (ROOT / "docs" / "regulations").glob("*.txt")} == set(BUILTIN)
    assert [load_profile(key).source for key in BUILTIN] == [f"docs/regulations/{key}.txt" for key in BUILTIN]


@EACH
@pytest.mark.parametrize("folder", [RULES, DRAFTS], ids=["profile", "draft"])
def test_every_quoted_sentence_stands_word_for_word_under_its_article(key: str, folder: Path) -> None:
    law = law_of(key)
    quoted = [rule for rule in written(folder / f"{key}.toml") if rule.get("article")]
    assert [rule["id"] for rule in quoted if plain(rule["text"]) not in clause(law, rule["article"])] == []
    assert all(len(plain(rule["text"])) > 5 for rule in quoted)


@EACH
@pytest.mark.parametrize("folder", [RULES, DRAFTS], ids=["profile", "draft"])
def test_rules_stand_in_the_order_of_the_articles(key: str, folder: Path) -> None:
    places = [place(rule.get("article", "")) for rule in written(folder / f"{key}.toml")]
    assert places == sorted(places)


@EACH
def test_a_draft_shares_no_id_with_the_profile_it_will_join(key: str) -> None:
    ids = [rule["id"] for folder in (RULES, DRAFTS) for rule in written(folder / f"{key}.toml")]
    assert len(ids) == len(set(ids))


@EACH
def test_a_profile_asks_only_for_what_a_case_record_can_state(key: str) -> None:
    assert {name for rule in load_profile(key).rules for name in rule.needs_case} <= {field.name for field in FIELDS}


@EACH
def test_why_a_rule_does_not_apply_is_told_in_chinese_too(key: str) -> None:
    reasons = {rule.not_applicable for rule in load_profile(key).rules if rule.not_applicable}
    assert reasons <= language("zh-CN").sentences.keys()


@EACH
def test_a_profile_without_a_notice_a_place_or_continuity_says_so(key: str) -> None:
    rules = {rule.id: rule for rule in load_profile(key).rules}
    applies = key in {"shijiazhuang-safety", "county-emergency"}
    assert [rules[id].not_applicable is None for id in ("NOTICE-1", "PLACE-1", "CONT-1")] == [applies] * 3


@pytest.mark.parametrize(
    "key", ["housing-pilot", "panjin-meteorology", "laixi-water", "nandagang-land", "changzhi-housing"]
)
def test_a_splice_breaks_the_clause_on_removing_and_altering(key: str) -> None:
    continuity = next(rule for rule in load_profile("shijiazhuang-safety").rules if rule.id == "CONT-1")
    integrity = next(rule for rule in load_profile(key).rules if rule.id == "INTEGRITY-1")
    assert re.search("删减|删除", integrity.text) and "修改" in integrity.text
    asked = {"fails_on", "needs", "whole"}
    assert integrity.model_dump(include=asked) == continuity.model_dump(include=asked)


@EACH
def test_a_draft_is_a_profile_but_for_what_the_plan_adds(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    kinds = planned("Kinds")
    assert not kinds & KINDS.keys()
    monkeypatch.setattr(profile_module, "KINDS", {**KINDS, **dict.fromkeys(kinds, "")})
    columns = {f"{table}.{spec.name}" for table, specs in TABLES.items() for spec in specs} | planned("Columns")
    fields = {field.name for field in FIELDS} | planned("Case fields")
    new = kinds | planned("Columns") | planned("Case fields")
    for entries in written(DRAFTS / f"{key}.toml"):
        rule = Rule.model_validate({name: value for name, value in entries.items() if name not in PLANNED_ENTRIES})
        assert set(entries.get("exempt_on", ())) <= kinds, rule.id
        assert set(entries.get("phases", ())) <= planned("Phases"), rule.id
        assert set(rule.needs) <= columns, rule.id
        assert set(rule.needs_case) <= fields, rule.id
        waits_for = {*rule.passes_on, *rule.fails_on, *rule.undecided_on, *rule.needs, *rule.needs_case} & new
        assert waits_for or rule.id in WAITS_FOR_OTHERS, f"{rule.id} could ship today"


def test_the_plan_names_nothing_that_no_draft_asks_for() -> None:
    drafts = [rule for key in BUILTIN for rule in written(DRAFTS / f"{key}.toml")]
    lists = ("passes_on", "fails_on", "undecided_on", "exempt_on")
    assert planned("Kinds") <= {kind for rule in drafts for name in lists for kind in rule.get(name, ())}
    assert planned("Phases") <= {phase for rule in drafts for phase in rule.get("phases", ())}
    assert planned("Columns") <= {column for rule in drafts for column in rule["needs"]}
    prefixes = {rule["id"].rpartition("-")[0] for rule in drafts}
    assert planned("Rules") == prefixes

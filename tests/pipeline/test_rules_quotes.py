"""What profiles quote stands in the regulations, and every requirement that software can check or serve is a rule."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from pipeline.case import PHASES
from pipeline.language import language
from pipeline.rules.profile import builtin_profiles, load_profile
from pipeline.rules.quotes import NUMERAL, clause, misquoted, number, plain

ROOT = Path(__file__).resolve().parents[2]
RULES = ROOT / "pipeline" / "rules"
BUILTIN = builtin_profiles()
EACH = pytest.mark.parametrize("key", BUILTIN)


def law_of(key: str) -> str:
    return (ROOT / "docs" / "regulations" / f"{key}.txt").read_text(encoding="utf-8")


def place(article: str) -> tuple[int, int]:
    """Return number of article and item; what has none stands first."""
    numbers = [number(found) for found in re.findall(NUMERAL, article)]
    return (*numbers, 0, 0)[:2]  # type: ignore[return-value]


def written(path: Path) -> list[dict[str, Any]]:
    return tomllib.loads(path.read_text(encoding="utf-8"))["rule"]


def test_there_are_nine_profiles_each_with_its_text() -> None:
    assert len(BUILTIN) == 9
    assert {path.stem for path in (ROOT / "docs" / "regulations").glob("*.txt")} == set(BUILTIN)
    assert [load_profile(key).source for key in BUILTIN] == [f"docs/regulations/{key}.txt" for key in BUILTIN]


@EACH
def test_every_quoted_sentence_stands_word_for_word_under_its_article(key: str) -> None:
    law = law_of(key)
    quoted = [rule for rule in written(RULES / f"{key}.toml") if rule.get("article")]
    assert [why for rule in quoted if (why := misquoted(rule["article"], rule["text"], law))] == []
    assert all(len(plain(rule["text"])) > 5 for rule in quoted)


@EACH
def test_rules_stand_in_the_order_of_the_articles(key: str) -> None:
    places = [place(rule.get("article", "")) for rule in written(RULES / f"{key}.toml")]
    assert places == sorted(places)


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


ITEMS = "一 二 三 四 五 六 七 八 九 十 十一 十二 十三 十四 十五 十六".split()
SAFETY = [
    *(f"第七条（{item}）" for item in ITEMS),
    "第八条",
    *(f"第十二条（{item}）" for item in ITEMS[:5]),
    *(f"第{article}条" for article in ("十六", "十七", "十八", "二十一", "二十二", "二十三", "二十四", "二十五")),
    *(f"第二十六条（{item}）" for item in ITEMS[1:4]),
]
REQUIRED = {
    "shijiazhuang-safety": SAFETY,
    "county-emergency": SAFETY,
    "district-agriculture": [f"第{article}条" for article in ("九", "十二", "二十", "二十三", "二十五", "二十八")],
    "housing-pilot": [
        *(f"第{article}条" for article in ("六", "九", "十", "十四", "十五", "十六")),
        *(f"第十七条（{item}）" for item in ITEMS[1:4]),
    ],
    "panjin-meteorology": [
        *(f"第{article}条" for article in ("七", "八", "十一", "十二", "十三")),
        *(f"第十四条（{item}）" for item in ITEMS[1:5]),
    ],
    "laixi-water": [
        *(f"第{article}条" for article in ("十一", "二十", "二十二", "二十四", "二十六", "二十七", "二十八", "二十九")),
        *(f"第{article}条" for article in ("三十", "三十二")),
        *(f"第三十一条（{item}）" for item in ITEMS[1:5]),
    ],
    "nandagang-land": [
        *(f"第{article}条" for article in ("十", "十一", "十三", "十九", "二十二", "二十三")),
        *(f"第二十四条（{item}）" for item in ITEMS[1:5]),
    ],
    "changzhi-housing": [
        *(f"第十一条（{item}）" for item in ITEMS[:3]),
        *(f"第十二条（{item}）" for item in ITEMS[:3]),
        *(f"第{article}条" for article in ("十三", "十六", "二十五", "二十七", "二十九", "三十", "三十二", "三十三")),
        *(f"第三十四条（{item}）" for item in ITEMS[1:4]),
    ],
    "fushun-industry": [
        *(f"第{article}条" for article in ("十", "十二", "十五", "十六", "二十三", "二十七", "二十八", "三十一")),
        *(f"第{article}条" for article in ("三十二", "三十四", "三十五")),
        *(f"第十四条（{item}）" for item in ITEMS[2:5]),
    ],
}
"""The articles whose requirements software can check or serve."""


@EACH
def test_every_requirement_that_software_can_serve_is_a_rule(key: str) -> None:
    ruled = {rule.article for rule in load_profile(key).rules}
    assert [article for article in REQUIRED[key] if article not in ruled] == []


@EACH
def test_every_phase_that_an_article_names_is_a_phase_of_a_rule(key: str) -> None:
    phases = [rule for rule in load_profile(key).rules if rule.id.startswith("PHASE-")]
    assert all(rule.phases for rule in phases)
    assert (len(phases) >= 15) == (key in {"shijiazhuang-safety", "county-emergency"})


def test_every_phase_is_asked_for_by_a_regulation() -> None:
    asked = {phase for key in BUILTIN for rule in load_profile(key).rules for phase in rule.phases}
    assert asked == set(PHASES)


LAW = """第一条　为规范执法，依照第三条，制定本制度。
第二条 应当：（一）告知当事人，（二）出示证件。
三条 归档期限为30日。
第三条之一 另行规定。
第四条 附则。
第九条 跳过第五条之后的条文。"""


@pytest.mark.parametrize(
    ("article", "text", "why"),
    [
        ("第一条", "为规范执法，依照第三条，制定本制度。", None),
        ("第一条", "为规范执法,\n依照第三条,制定本制度｡", None),
        ("第二条（一）", "告知当事人，", None),
        ("第二条第(一)项", "告知当事人，", None),
        ("第二条第一款", "应当：（一）告知当事人，（二）出示证件。", None),
        ("第3条", "归档期限为３０日。", None),
        ("第三条之一", "另行规定。", None),
        ("附则", "。", None),
        ("第九条", "跳过", None),
        ("第二条（一）", "出示证件。", "does not say this word for word"),
        ("第三条", "制定本制度。", "does not say this word for word"),
        ("第三条", "归档期限为31日。", "does not say this word for word"),
        ("第五条", "附则。", "does not say this word for word"),
        ("第三条", "另行规定。", "does not say this word for word"),
        ("第二条（三）", "出示证件。", "has no 第二条（三）"),
        ("第六条", "附则。", "has no 第六条"),
        ("第三条之二", "另行规定。", "has no 第三条之二"),
        ("附录", "附则。", "has no 附录"),
    ],
)
def test_a_quote_is_held_against_its_article_word_for_word(article: str, text: str, why: str | None) -> None:
    said = misquoted(article, text, LAW)
    assert said is None if why is None else why in str(said)


@EACH
def test_every_article_of_a_regulation_is_found(key: str) -> None:
    law = law_of(key)
    last = max(place(rule["article"])[0] for rule in written(RULES / f"{key}.toml") if rule.get("article"))
    articles = [clause(law, f"第{count}条") for count in range(1, last + 1)]
    assert all(articles)
    assert all(text in plain(law) for text in articles if text)


@pytest.mark.parametrize(
    ("numeral", "expected"),
    [("一", 1), ("十", 10), ("十二", 12), ("二十", 20), ("三十六", 36), ("一百", 100), ("一百零三", 103), ("12", 12)],
)
def test_numerals_are_read(numeral: str, expected: int) -> None:
    assert number(numeral) == expected


def test_an_excerpt_may_begin_with_any_article() -> None:
    assert misquoted("第七条", "应当戴帽。", "第七条 应当戴帽。\n第八条 见第七条。") is None
    assert misquoted("第八条", "见第七条。", "第七条 应当戴帽。\n第八条 见第七条。") is None

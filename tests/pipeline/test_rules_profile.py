"""Profiles: the built-in ones hold to their regulation, and a wrong one says where it is wrong."""

import re
from pathlib import Path

import pytest

import detectors  # noqa: F401  (registers every detector)
import transcripts  # noqa: F401  (registers every speech check)
from pipeline.detector import REGISTRY
from pipeline.errors import SettingsError
from pipeline.features.schema import TABLES
from pipeline.rules.profile import Profile, builtin_profiles, load_profile
from pipeline.settings import settings_from

ROOT = Path(__file__).resolve().parents[2]
MINIMAL = """
name = "试点"
name_en = "Pilot"
agency = "某局"
regulation = "某规定"

[[rule]]
id = "CONT-1"
article = "第一条"
text = "不得断续记录。"
gloss = "Do not interrupt."
fails_on = ["picture-cut"]
"""


def bare(text: str) -> str:
    """Return the text without punctuation and white space."""
    return re.sub(r"[\W_]", "", text)


def written(folder: Path, text: str) -> Path:
    path = folder / "pilot.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("name", builtin_profiles())
def test_rules_name_columns_that_exist(name: str) -> None:
    columns = {f"{table}.{spec.name}" for table, specs in TABLES.items() for spec in specs}
    assert {column for rule in load_profile(name).rules for column in rule.needs} <= columns


@pytest.mark.parametrize("name", builtin_profiles())
def test_no_rule_passes_because_a_detector_could_not_run(name: str) -> None:
    """Every kind is emitted by some detector, and every table that those detectors need is needed by the rule."""
    for rule in load_profile(name).rules:
        needed = {column.partition(".")[0] for column in rule.needs}
        for kind in (*rule.passes_on, *rule.fails_on, *rule.undecided_on):
            emitters = [entry for entry in REGISTRY.values() if kind in entry.emits]
            assert emitters, f"no detector emits {kind}"
            for entry in emitters:
                assert {column.partition(".")[0] for column in entry.needs} <= needed, (rule.id, entry.name)


@pytest.mark.parametrize("name", builtin_profiles())
def test_the_settings_of_a_profile_exist(name: str) -> None:
    known = {f"detectors.{entry.name}": entry.parameters for entry in REGISTRY.values()}
    sections = load_profile(name).sections
    assert settings_from(sections, known, name).sections.keys() == {
        f"detectors.{d}" for d in sections.get("detectors", {})
    }


def test_the_first_profile_is_built_in_and_in_article_order() -> None:
    profile = load_profile("shijiazhuang-safety")
    ids = ["PLACE-2", "NOTICE-1", "PLACE-1", "CONT-1", "STATS-1"]
    assert [rule.id for rule in profile.rules] == ids
    assert profile.agency == "石家庄市安全生产监督管理局"


@pytest.mark.parametrize("name", ["shijiazhuang-safety", "county-emergency"])
def test_the_notice_of_the_settings_is_that_of_the_article(name: str) -> None:
    profile = load_profile(name)
    (notice,) = profile.sections["detectors"]["notice"]["notices"]
    assert bare(notice) in bare(next(rule.text for rule in profile.rules if rule.id == "NOTICE-1"))


def test_a_rule_that_does_not_apply_may_have_no_article(tmp_path: Path) -> None:
    silent = MINIMAL.replace('article = "第一条"\ntext = "不得断续记录。"\n', "")
    profile = load_profile(written(tmp_path, silent + 'not_applicable = "No such clause."\n'))
    assert (profile.rules[0].article, profile.rules[0].text) == ("", "")


def test_an_agency_names_its_own_file(tmp_path: Path) -> None:
    path = written(tmp_path, MINIMAL + "\n[detectors.picture-cut]\nmin_residual = 3.0\n")
    profile = load_profile(path)
    assert isinstance(profile, Profile)
    assert profile.key == "pilot"
    assert profile.sections == {"detectors": {"picture-cut": {"min_residual": 3.0}}}
    assert load_profile(str(path)) == profile


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (MINIMAL + 'severity = "high"\n', r"pilot\.toml: rule CONT-1: severity: Extra inputs"),
        ('colour = "red"\n' + MINIMAL, r"pilot\.toml: colour: Extra inputs"),
        ('key = "other"\n' + MINIMAL, r"unknown entry key"),
        (MINIMAL.replace("picture-cut", "picture-cuts"), r"rule CONT-1: fails_on\.0: .*unknown kind .*'picture-cuts'"),
        (MINIMAL.replace('fails_on = ["picture-cut"]', ""), r"can never decide anything"),
        (MINIMAL + 'undecided_on = ["picture-cut"]\n', r"names a kind twice: picture-cut"),
        (MINIMAL + MINIMAL[MINIMAL.index("[[rule]]") :], r"two rules share an id"),
        (MINIMAL[: MINIMAL.index("[[rule]]")], r"rules: Tuple should have at least 1 item"),
        (MINIMAL.replace('id = "CONT-1"\n', ""), r"rule 1: id: Field required"),
        (MINIMAL.replace('article = "第一条"\n', ""), r"rule CONT-1 needs an article and its text"),
        (MINIMAL.replace('text = "不得断续记录。"\n', "not_applicable = 'No.'\n"), r"needs an article and its text"),
        (MINIMAL + 'needs = ["frames"]\n', r"'frames' is no column"),
        (MINIMAL + "whole = true\n", r"rule CONT-1: whole"),
        ("name = \n", r"pilot\.toml: .*line 1"),
    ],
)
def test_a_wrong_profile_says_where_it_is_wrong(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        load_profile(written(tmp_path, text))


def test_an_unknown_key_lists_the_profiles_there_are() -> None:
    with pytest.raises(SettingsError, match=r"unknown profile 'nowhere'.*shijiazhuang-safety"):
        load_profile("nowhere")


def test_a_path_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"gone\.toml"):
        load_profile(tmp_path / "gone.toml")

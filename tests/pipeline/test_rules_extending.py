"""Profiles that extend others: what is inherited, changed, added and dropped, and what cannot be."""

from pathlib import Path

import pytest

from pipeline.errors import SettingsError
from pipeline.model import Examined, Features, Outcome
from pipeline.rules.extending import MAX_FILES
from pipeline.rules.judge import judge
from pipeline.rules.profile import Profile, Rule, load_profile
from pipeline.stages import profile_settings, sections

BASE = load_profile("shijiazhuang-safety")
EXTENDS = 'extends = "shijiazhuang-safety"\n'
NEW = """
[[rule]]
id = "OWN-1"
article = "第三条"
text = "不得剪辑。"
gloss = "Do not edit."
fails_on = ["picture-cut"]
"""


def loaded(folder: Path, text: str, name: str = "pilot.toml") -> Profile:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return load_profile(path)


def ids(profile: Profile) -> list[str]:
    return [rule.id for rule in profile.rules]


def rule_of(profile: Profile, id: str) -> Rule:
    return next(rule for rule in profile.rules if rule.id == id)


def test_everything_is_inherited_but_the_key(tmp_path: Path) -> None:
    own = loaded(tmp_path, EXTENDS)
    assert own == BASE.model_copy(update={"key": "pilot", "extends": "shijiazhuang-safety"})


def test_a_name_is_its_own(tmp_path: Path) -> None:
    own = loaded(tmp_path, EXTENDS + 'name = "某区制度"\n')
    assert (own.name, own.name_en, own.rules) == ("某区制度", BASE.name_en, BASE.rules)


def test_a_rule_changes_only_what_it_gives_and_lists_are_replaced(tmp_path: Path) -> None:
    changed = '[[rule]]\nid = "PLACE-1"\nfails_on = []\nundecided_on = ["place-missing", "place-unclear"]\n'
    own = loaded(tmp_path, EXTENDS + changed)
    expected = {"fails_on": (), "undecided_on": ("place-missing", "place-unclear")}
    assert rule_of(own, "PLACE-1") == rule_of(BASE, "PLACE-1").model_copy(update=expected)
    assert ids(own) == ids(BASE)
    assert [rule for rule in own.rules if rule.id != "PLACE-1"] == [r for r in BASE.rules if r.id != "PLACE-1"]


def test_an_empty_text_takes_an_inherited_one_away(tmp_path: Path) -> None:
    own = loaded(tmp_path, EXTENDS + '[[rule]]\nid = "STATS-1"\nnot_applicable = ""\npasses_on = ["case-linked"]\n')
    assert rule_of(own, "STATS-1").not_applicable is None
    assert rule_of(own, "STATS-1").article == rule_of(BASE, "STATS-1").article


def test_a_new_rule_stands_at_the_end_or_after_the_one_it_names(tmp_path: Path) -> None:
    assert ids(loaded(tmp_path, EXTENDS + NEW)) == [*ids(BASE), "OWN-1"]
    after = NEW + 'after = "NOTICE-1"\n'
    second = NEW.replace("OWN-1", "OWN-2") + 'after = "OWN-1"\n'
    at = ids(BASE).index("NOTICE-1") + 1
    expected = [*ids(BASE)[:at], "OWN-1", "OWN-2", *ids(BASE)[at:]]
    assert ids(loaded(tmp_path, EXTENDS + after + second)) == expected


def test_a_dropped_rule_stays_with_the_reason(tmp_path: Path) -> None:
    own = loaded(tmp_path, EXTENDS + '[drop]\nPLACE-2 = "The unit has {no} buildings."\n')
    results, _ = judge(own, [], Features(), Examined())
    dropped = next(result for result in results if result.id == "PLACE-2")
    assert (dropped.outcome, str(dropped.reason)) == (Outcome.NOT_APPLICABLE, "The unit has {no} buildings.")
    assert dropped.article == rule_of(BASE, "PLACE-2").article


def test_parameters_are_laid_over_one_by_one(tmp_path: Path) -> None:
    section = "[detectors.notice]\nopening_s = 90.0\n[detectors.picture-cut]\nmin_residual = 3.0\n"
    own = loaded(tmp_path, EXTENDS + section)
    notices = BASE.sections["detectors"]["notice"]["notices"]
    assert own.sections["detectors"]["notice"] == {"notices": notices, "opening_s": 90.0}
    assert profile_settings(own).section("detectors.picture-cut") == {"min_residual": 3.0}
    own = loaded(tmp_path, EXTENDS + '[detectors.notice]\nnotices = ["本次执法全程录音录像"]\n')
    assert profile_settings(own).section("detectors.notice")["notices"] == ("本次执法全程录音录像",)


def test_profiles_extend_one_another_in_a_chain_by_paths_from_their_own_folder(tmp_path: Path) -> None:
    (tmp_path / "unit").mkdir()
    loaded(tmp_path, EXTENDS + 'name = "市"\n[drop]\nPLACE-2 = "No."\n' + NEW, "city.toml")
    own = loaded(
        tmp_path / "unit",
        'extends = "../city.toml"\n[[rule]]\nid = "PLACE-2"\nnot_applicable = ""\n[drop]\nOWN-1 = "Not here."\n',
    )
    assert (own.key, own.name, own.extends) == ("pilot", "市", "../city.toml")
    assert rule_of(own, "PLACE-2") == rule_of(BASE, "PLACE-2")
    assert rule_of(own, "OWN-1").not_applicable == "Not here."


def test_a_file_may_bear_the_name_of_the_profile_that_it_extends(tmp_path: Path) -> None:
    assert loaded(tmp_path, EXTENDS, "shijiazhuang-safety.toml").rules == BASE.rules


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('extends = "mars"\n', r"pilot\.toml:1: extends: unknown profile 'mars'\. Built in"),
        ('\nextends = "gone.toml"\n', r"pilot\.toml:2: extends: .*gone\.toml: No such file"),
        ("extends = 3\n", r"pilot\.toml:1: extends: must be a profile's key or the path of its file, not 3"),
        ('extends = ""\n', r"pilot\.toml:1: extends: must be a profile's key"),
        ('extends = "pilot.toml"\n', r"pilot\.toml:1: extends: .*in a circle: .*pilot\.toml → .*pilot\.toml"),
        (EXTENDS + '[drop]\nMARS-1 = "x"\n', r"pilot\.toml:3: drop: no rule 'MARS-1'\. Known: PLACE-2"),
        (EXTENDS + 'drop = ["CONT-1"]\n', r"pilot\.toml:2: each rule is dropped for a reason"),
        (EXTENDS + '[drop]\nCONT-1 = ""\n', r"pilot\.toml:3: rule CONT-1: not_applicable must not be empty"),
        (EXTENDS + "[drop]\nCONT-1 = true\n", r"pilot\.toml:3: rule CONT-1: not_applicable must be a text, not True"),
        (
            EXTENDS + '[drop]\nCONT-1 = "x"\n[[rule]]\nid = "CONT-1"\nwhole = []\n',
            r"pilot\.toml:3: rule CONT-1 is changed or added in this file and dropped in it too",
        ),
        (EXTENDS + NEW + 'after = "MARS-1"\n', r"pilot\.toml:9: rule OWN-1: after: no rule 'MARS-1'"),
        (
            EXTENDS + '[[rule]]\nid = "CONT-1"\nafter = "PLACE-1"\n',
            r"pilot\.toml:4: .*keeps its place; leave out after",
        ),
        (EXTENDS + NEW + NEW, r"pilot\.toml:11: two rules share an id: OWN-1, see line 4"),
        (EXTENDS + '[[rule]]\nid = "CONT-1"\ntext = ""\n', r"pilot\.toml:2: .*needs an article and its text"),
        (
            EXTENDS + '[[rule]]\nid = "OWN-1"\nfails_on = ["overlap"]\n',
            r"pilot\.toml:2: .*needs an article and its text",
        ),
        (
            EXTENDS + '[[rule]]\nid = "NOTICE-1"\nexempt_on = ["notice-late"]\n',
            r"pilot\.toml:4: rule NOTICE-1: the rule names a kind twice: notice-late",
        ),
    ],
)
def test_what_cannot_be_says_where(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        loaded(tmp_path, text)


def test_an_error_in_what_is_extended_is_told_at_its_own_place(tmp_path: Path) -> None:
    city = tmp_path / "city.toml"
    for text, said in (
        (EXTENDS + 'colour = "red"\n', r"city\.toml:2: unknown entry 'colour'"),
        (EXTENDS + "name = \n", r"city\.toml:2: not TOML"),
        ('extends = "mars"\n', r"city\.toml:1: extends: unknown profile"),
        (EXTENDS + "[detectors.notice]\nnothing = 1\n", r"city\.toml:3: \[detectors\.notice\] nothing"),
    ):
        city.write_text(text, encoding="utf-8")
        own = tmp_path / "pilot.toml"
        own.write_text('extends = "./city.toml"\n', encoding="utf-8")
        with pytest.raises(SettingsError, match=said):
            load_profile(own, sections())


def test_a_circle_of_several_files_is_told(tmp_path: Path) -> None:
    for here, there in (("a", "b"), ("b", "c"), ("c", "a")):
        (tmp_path / f"{here}.toml").write_text(f'extends = "./{there}.toml"\n', encoding="utf-8")
    with pytest.raises(
        SettingsError, match=r"c\.toml:1: extends: .*circle: .*a\.toml → .*b\.toml → .*c\.toml → .*a\.toml"
    ):
        load_profile(tmp_path / "a.toml")


@pytest.mark.parametrize(("files", "fits"), [(MAX_FILES, True), (MAX_FILES + 1, False)])
def test_a_chain_has_an_end(tmp_path: Path, files: int, fits: bool) -> None:
    (tmp_path / "p1.toml").write_text('name = "市"\nname_en = "City"\nagency = "局"\nregulation = "规"\n' + NEW)
    for number in range(2, files + 1):
        (tmp_path / f"p{number}.toml").write_text(f'extends = "p{number - 1}.toml"\n')
    if fits:
        assert load_profile(tmp_path / f"p{files}.toml").name == "市"
    else:
        with pytest.raises(SettingsError, match=f"more than {MAX_FILES} profiles"):
            load_profile(tmp_path / f"p{files}.toml")

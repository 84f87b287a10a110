"""Checking a profile: every error at once, quotes against the text, and rules that would pass unseen."""

from pathlib import Path

import pytest

from pipeline.errors import SettingsError
from pipeline.rules.check import ROOT, Checked, check_profile
from pipeline.rules.profile import Profile, Rule, builtin_profiles
from pipeline.stages import sections

LAW = "第一条 执法应当全程记录。\n第二条 不得剪辑，\n不得断续。\n"
PROFILE = """name = "试点"
name_en = "Pilot"
agency = "某局"
regulation = "某规定"
source = "law.txt"

[[rule]]
id = "CUT-1"
article = "第二条"
text = "不得剪辑,不得断续。"
gloss = "Do not cut."
fails_on = ["timestamp-gap"]
needs = ["packets.time_s", "streams.kind"]
"""


def checked(folder: Path, text: str, name: str = "pilot.toml") -> Checked:
    (folder / "law.txt").write_text(LAW, encoding="utf-8")
    (folder / name).write_text(text, encoding="utf-8")
    return check_profile(folder / name, sections())


def told(folder: Path, text: str, name: str = "pilot.toml") -> list[str]:
    result = checked(folder, text, name)
    assert (result.profile is None) == bool(result.problems)
    return [str(problem).removeprefix(f"{folder}/") for problem in result.problems]


@pytest.mark.parametrize("key", builtin_profiles())
def test_nothing_is_wrong_with_the_profiles_of_the_product(key: str) -> None:
    result = check_profile(key, sections())
    assert result.problems == ()
    assert result.profile is not None
    quoting = any(rule.text for rule in result.profile.rules)
    assert result.texts == ((ROOT / "docs" / "regulations" / f"{key}.txt",) if quoting else ())


def test_a_good_profile_is_held_against_its_text(tmp_path: Path) -> None:
    result = checked(tmp_path, PROFILE)
    assert result.problems == ()
    assert result.texts == (tmp_path / "law.txt",)


def test_a_text_that_is_not_there_is_not_held_against(tmp_path: Path) -> None:
    result = checked(tmp_path, PROFILE.replace("law.txt", "gone.txt").replace("不得剪辑", "别的"))
    assert (result.problems, result.texts) == ((), ())


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (
            PROFILE.replace("不得断续", "不得中断"),
            "pilot.toml:10: rule CUT-1: 第二条 does not say this word for word: ",
        ),
        (PROFILE.replace("第二条", "第一条"), "pilot.toml:10: rule CUT-1: 第一条 does not say this word for word: "),
        (PROFILE.replace("第二条", "第九条"), "pilot.toml:10: rule CUT-1: the text of the regulation has no 第九条"),
    ],
)
def test_a_quote_that_is_not_word_for_word_is_told(tmp_path: Path, wrong: str, said: str) -> None:
    (problem,) = told(tmp_path, wrong)
    assert problem.startswith(said)


def test_all_errors_are_told_at_once_each_with_its_line(tmp_path: Path) -> None:
    wrong = [
        'colour = "red"',  # 1
        PROFILE.rstrip().replace('name_en = "Pilot"', "name_en = 3").replace("不得断续", "不得中断"),  # 2 to 14
        'severity = "high"',  # 15
        'whole = "pictures"',  # 16
        "[[rule]]",  # 17
        'id = "CUT-1"',  # 18
        'phases = ["inspections"]',  # 19
        "[detectors.notice]",  # 20
        "opening = 3",  # 21
        'opening_s = "long"',  # 22
        "[speach]",  # 23
        "extent = 1",  # 24
    ]
    places = [problem.split(": ")[0] for problem in told(tmp_path, "\n".join(wrong))]
    lines = [1, 3, 11, 15, 16, 17, 17, 17, 18, 19, 21, 22, 23]
    assert places == [f"pilot.toml:{line}" for line in lines]


def test_a_file_that_is_no_toml_has_one_error(tmp_path: Path) -> None:
    (problem,) = told(tmp_path, PROFILE + "fails_on = [\n")
    assert problem.startswith("pilot.toml:") and "not TOML" in problem


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"gone\.toml"):
        check_profile(tmp_path / "gone.toml", sections())


def test_each_file_quotes_from_its_own_text(tmp_path: Path) -> None:
    checked(tmp_path, PROFILE, "base.toml")
    (tmp_path / "own.txt").write_text("第七条 应当戴帽。", encoding="utf-8")
    own = """extends = "base.toml"
source = "own.txt"
[[rule]]
id = "HAT-1"
article = "第七条"
text = "应当戴帽。"
gloss = "Wear a hat."
fails_on = ["timestamp-gap"]
needs = ["packets.time_s", "streams.kind"]
"""
    result = checked(tmp_path, own)
    assert result.problems == ()
    assert {*result.texts} == {tmp_path / "law.txt", tmp_path / "own.txt"}
    (problem,) = told(tmp_path, own.replace('source = "own.txt"', ""))
    assert problem == "pilot.toml:6: rule HAT-1: the text of the regulation has no 第七条"
    (problem,) = told(tmp_path, own + '[[rule]]\nid = "CUT-1"\ntext = "不得断续。"\n')
    assert problem.startswith("pilot.toml:12: rule CUT-1: the text of the regulation has no 第二条")


def test_a_rule_that_would_pass_because_nobody_looked_is_told(tmp_path: Path) -> None:
    blind = PROFILE.replace('fails_on = ["timestamp-gap"]', 'fails_on = ["audio-missing", "timestamp-gap"]')
    (problem,) = told(tmp_path, blind)
    assert problem.startswith(
        "pilot.toml:13: rule CUT-1: would pass unseen where audio-missing cannot be looked for: add"
    )
    assert "sound." in problem
    assert told(tmp_path, blind + 'not_applicable = "No."\n') == []
    extended = (
        'extends = "shijiazhuang-safety"\n[[rule]]\nid = "NOTICE-1"\nfails_on = ["notice-missing", "picture-cut"]\n'
    )
    (problem,) = told(tmp_path, extended)
    assert "picture-cut" in problem and "frames." in problem


def test_the_example_in_the_documents_is_a_profile(tmp_path: Path) -> None:
    documents = (ROOT / "docs" / "profiles.md").read_text(encoding="utf-8")
    example = documents.split("```toml\n# district.toml")[1].split("```")[0]
    (tmp_path / "shishixize.txt").write_text("第五条 不得在执法过程中关闭录音。", encoding="utf-8")
    result = checked(tmp_path, "# district.toml" + example)
    assert result.problems == ()
    assert tmp_path / "shishixize.txt" in result.texts
    assert result.profile is not None
    ids = [rule.id for rule in result.profile.rules]
    assert ids[ids.index("NOTICE-1") + 1] == "OWN-1"
    (shown,) = told(tmp_path, "# district.toml" + example.replace('= ["place-missing"', '= ["place-mising"'))
    assert shown.replace("pilot.toml", "district.toml") in documents


ENTRIES = [
    *Profile.model_fields,
    *Rule.model_fields,
    "after",
    "drop",
    "rule",
    "detectors",
    "speech",
    "detectors.notice",
]
VALUES = ["3", "true", '""', '"x"', "[]", "[3]", '["x"]', "[[]]", "{}", "{ x = 1 }", "{ x = [] }", "1979-05-27", "nan"]


@pytest.mark.parametrize("entry", ENTRIES)
@pytest.mark.parametrize("extends", ["", 'extends = "shijiazhuang-safety"\n'])
def test_whatever_is_written_is_told_with_a_line_of_the_file(tmp_path: Path, entry: str, extends: str) -> None:
    written = [
        line for line in PROFILE.splitlines(keepends=True) if not line.startswith((f"{entry} =", f"[[{entry}]]"))
    ]
    for value in VALUES:
        for text in (
            f"{entry} = {value}\n{extends}" + "".join(written),
            extends + "".join(written) + f"{entry} = {value}\n",
        ):
            (tmp_path / "pilot.toml").write_text(text, encoding="utf-8")
            for problem in check_profile(tmp_path / "pilot.toml", sections()).problems:
                assert problem.path == tmp_path / "pilot.toml"
                assert 1 <= problem.line <= text.count("\n")
                assert problem.text

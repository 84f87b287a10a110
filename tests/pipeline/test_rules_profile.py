"""Profiles: the built-in ones hold to their regulation, and a wrong one says where it is wrong."""

import re
from pathlib import Path

import pytest

import detectors  # noqa: F401  (registers every detector)
import transcripts  # noqa: F401  (registers every speech check)
from pipeline.detector import REGISTRY
from pipeline.errors import SettingsError
from pipeline.rules.check import ALWAYS
from pipeline.rules.profile import Profile, builtin_profiles, load_profile
from pipeline.settings import settings_from
from pipeline.stages import sections

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
def test_no_rule_passes_because_a_detector_could_not_run(name: str) -> None:
    """Every kind is emitted by some detector; what finds anything against a rule needs no table that it does not."""
    for rule in load_profile(name).rules:
        needed = {column.partition(".")[0] for column in rule.needs} | ALWAYS
        for kind in rule.kinds:
            emitters = [entry for entry in REGISTRY.values() if kind in entry.emits]
            assert emitters, f"no detector emits {kind}"
            for entry in emitters if kind in (*rule.fails_on, *rule.undecided_on) else ():
                assert {column.partition(".")[0] for column in entry.needs} <= needed, (rule.id, entry.name)


@pytest.mark.parametrize("name", builtin_profiles())
def test_the_settings_of_a_profile_exist(name: str) -> None:
    known = {f"detectors.{entry.name}": entry.parameters for entry in REGISTRY.values()}
    own = load_profile(name).sections
    assert settings_from(own, known, name).sections.keys() == {f"detectors.{d}" for d in own.get("detectors", {})}


def test_the_first_profile_is_built_in_and_in_article_order() -> None:
    profile = load_profile("shijiazhuang-safety")
    ids = [rule.id for rule in profile.rules]
    named = [
        "PLACE-2",
        "PHASE-2",
        "EXEMPT-1",
        "NOTICE-1",
        "CRED-1",
        "PLACE-1",
        "CONT-1",
        "UPLOAD-1",
        "STATS-1",
        "LEAK-1",
    ]
    assert sorted(named, key=ids.index) == named
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
        (MINIMAL + 'severity = "high"\n', r"pilot\.toml:13: rule CONT-1: unknown entry 'severity'.* id, article, text"),
        ('colour = "red"\n' + MINIMAL, r"pilot\.toml:1: unknown entry 'colour'\. Known: name"),
        ('key = "other"\n' + MINIMAL, r"pilot\.toml:1: unknown entry key"),
        (MINIMAL + "[rules]\na = 1\n", r"pilot\.toml:13: unknown entry rules"),
        (
            MINIMAL.replace("picture-cut", "picture-cuts"),
            r"pilot\.toml:12: rule CONT-1: fails_on: unknown kind .*'picture-cuts'. Did you mean picture-cut",
        ),
        (MINIMAL.replace('fails_on = ["picture-cut"]', ""), r"pilot\.toml:7: rule CONT-1: .*can never decide anything"),
        (
            MINIMAL.replace("fails_on", "exempt_on"),
            r"can never decide anything",
        ),
        (MINIMAL + 'undecided_on = ["picture-cut"]\n', r"pilot\.toml:13: .*names a kind twice: picture-cut"),
        (MINIMAL + 'settled_on = ["exempted", "exempted"]\n', r"pilot\.toml:13: .*names a kind twice: exempted"),
        (MINIMAL + MINIMAL[MINIMAL.index("[[rule]]") :], r"pilot\.toml:14: two rules share an id: CONT-1, see line 8"),
        (MINIMAL[: MINIMAL.index("[[rule]]")], r"pilot\.toml:1: a profile needs a rule"),
        (MINIMAL.replace("[[rule]]", "[rule]"), r"pilot\.toml:7: a rule is .*written \[\[rule\]\]"),
        (MINIMAL.replace('id = "CONT-1"\n', ""), r"pilot\.toml:7: rule 1: the entry id is missing"),
        (MINIMAL.replace('"CONT-1"', "1"), r"pilot\.toml:8: rule 1: id must be a text, not 1"),
        (MINIMAL.replace('"Pilot"', '""'), r"pilot\.toml:3: name_en must not be empty"),
        (MINIMAL.replace('name_en = "Pilot"\n', ""), r"pilot\.toml:1: the entry name_en is missing"),
        (MINIMAL.replace('article = "第一条"\n', ""), r"pilot\.toml:7: rule CONT-1: .*needs an article and its text"),
        (MINIMAL.replace('text = "不得断续记录。"\n', "not_applicable = 'No.'\n"), r"needs an article and its text"),
        (MINIMAL + 'needs = ["frames"]\n', r"pilot\.toml:13: .*'frames' is no column"),
        (MINIMAL + 'needs = ["frame.time_s"]\n', r"unknown table 'frame'\. Did you mean frames"),
        (
            MINIMAL + 'needs = [\n"words.text",\n"words.txt"]\n',
            r"pilot\.toml:15: .*no column 'txt'\. Did you mean text",
        ),
        (
            MINIMAL + 'needs_case = ["place.name"]\n',
            r"pilot\.toml:13: .*no field 'place\.name'\. Did you mean place\.names",
        ),
        (
            MINIMAL + 'phases = ["inspecton"]\n',
            r"pilot\.toml:13: .*unknown phase 'inspecton'\. Did you mean inspection",
        ),
        (MINIMAL + 'phases = ["none"]\n', r"unknown phase 'none'"),
        (MINIMAL + 'phases = ["rights", "rights"]\n', r"pilot\.toml:13: .*names a phase twice: rights"),
        (MINIMAL + "whole = true\n", r"pilot\.toml:13: rule CONT-1: whole must be a list of texts, not True"),
        (MINIMAL + 'whole = ["taste"]\n', r"pilot\.toml:13: rule CONT-1: whole\.0: .*'probe', 'pictures'"),
        (MINIMAL + 'after = "CONT-1"\n', r"pilot\.toml:13: rule CONT-1: unknown entry 'after'"),
        (MINIMAL + '[drop]\nCONT-1 = "x"\n', r"pilot\.toml:13: drop is for a profile that extends another"),
        ("\nname = \n", r"pilot\.toml:2: not TOML"),
        ("\nname = '''\nx", r"pilot\.toml:3: not TOML"),
    ],
)
def test_a_wrong_profile_says_where_it_is_wrong(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        load_profile(written(tmp_path, text))


def test_the_first_of_several_errors_says_that_there_are_more(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"pilot\.toml:2: .*the first of 2; `unbroken profiles check`"):
        load_profile(written(tmp_path, MINIMAL.replace('"试点"', '""').replace('"Pilot"', '""')))


def test_parameters_are_checked_where_the_sections_are_known(tmp_path: Path) -> None:
    path = written(tmp_path, MINIMAL + "[detectors.notice]\nopening_s = -1\n[speach]\nextent = 1\n")
    assert load_profile(path).sections["detectors"]["notice"] == {"opening_s": -1}
    with pytest.raises(SettingsError, match=r"pilot\.toml:14: \[detectors\.notice\] opening_s: .*first of 2"):
        load_profile(path, sections())
    path = written(tmp_path, MINIMAL + "[speach]\nextent = 1\n")
    with pytest.raises(SettingsError, match=r"pilot\.toml:13: unknown section 'speach'\. Did you mean speech"):
        load_profile(path, sections())
    path = written(tmp_path, MINIMAL + "[detectors]\nnotice = 1\n")
    with pytest.raises(SettingsError, match=r"pilot\.toml:14: detectors\.notice must be a table"):
        load_profile(path)


def test_a_file_that_is_not_in_utf_8_says_on_which_line(tmp_path: Path) -> None:
    path = tmp_path / "pilot.toml"
    path.write_bytes("# pilot\nname = '试点'\n".encode("gb18030"))
    with pytest.raises(SettingsError, match=r"pilot\.toml:2: .*save it as UTF-8"):
        load_profile(path)


def test_marks_and_line_ends_of_windows_are_taken(tmp_path: Path) -> None:
    path = tmp_path / "pilot.toml"
    path.write_bytes(b"\xef\xbb\xbf" + MINIMAL.replace("\n", "\r\n").encode())
    assert load_profile(path).name == "试点"


def test_an_unknown_key_lists_the_profiles_there_are() -> None:
    with pytest.raises(SettingsError, match=r"unknown profile 'nowhere'.*shijiazhuang-safety"):
        load_profile("nowhere")


def test_a_path_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"gone\.toml"):
        load_profile(tmp_path / "gone.toml")

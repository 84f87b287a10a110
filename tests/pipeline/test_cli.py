import re
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipeline.cli import app, exit_code
from pipeline.detector import REGISTRY
from pipeline.features.schema import TABLES
from pipeline.kinds import KINDS
from pipeline.model import Examination, Examined, Features, Footage, Outcome
from pipeline.rules.profile import load_profile
from pipeline.settings import settings_from
from pipeline.stages import STAGES, sections

RULES = load_profile("shijiazhuang-safety").rules


def unbroken(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_help_lists_every_command_under_its_heading_in_order():
    said = unbroken("--help").stdout
    listed = re.findall(r"^│ ([a-z]+) |^╭─ ([A-Z][a-z ]+)", said, re.M)
    assert [(command or heading).strip() for command, heading in listed] == [
        "Options",
        *("Examine", "scan", "session", "read", "transcribe", "export"),
        *("Regulations", "profiles", "explain", "settings"),
        *("Overnight", "batch", "status", "results", "retry", "verify"),
        *("Review", "review", "users"),
        *("Over many results", "statistics", "spotcheck"),
        *("For analysts", "features", "forge", "labels", "models"),
    ]


def test_settings_prints_toml_that_settings_takes():
    result = unbroken("settings")
    assert result.exit_code == 0
    printed = tomllib.loads(result.stdout)
    settings = settings_from(printed, sections(), "printed")
    assert set(settings.sections) == set(sections())


def test_settings_shows_what_the_profile_sets():
    printed = tomllib.loads(unbroken("settings", "--profile", "shijiazhuang-safety").stdout)
    assert printed["detectors"]["notice"]["notices"] == ["为保护您的合法权益，监督我们的执法行为，本次执法全程录音录像"]


@pytest.mark.parametrize("name", sections())
def test_every_parameter_of_every_stage_is_printed_with_its_meaning(name):
    lines = unbroken("settings").stdout.splitlines()
    start = lines.index(f"[{name}]")
    for parameter in sections()[name].model_fields:
        here = next(n for n, line in enumerate(lines[start:], start) if line.startswith(f"{parameter} = "))
        assert lines[here - 1].startswith("# ") and len(lines[here - 1]) > 10


@pytest.mark.parametrize(
    "name", [*REGISTRY, *KINDS, *STAGES, *TABLES, *(rule.id for rule in RULES), "frames.residual", "closed_on"]
)
def test_explain_knows_every_name(name):
    result = unbroken("explain", name)
    assert result.exit_code == 0
    assert name in result.stdout


def test_explain_of_a_rule_quotes_its_article_and_names_what_fails_it():
    said = unbroken("explain", "CONT-1").stdout
    assert "第十二条（五）" in said and "不得插入其他画面" in said and "picture-cut" in said


def test_explain_of_a_kind_names_detector_and_rule():
    said = unbroken("explain", "timestamp-gap").stdout
    assert "found by    timestamp-gap" in said and "CONT-1" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("explain", "nonsense"), "nothing is called 'nonsense'"),
        (("scan", "a.mp4", "--profile", "mars"), "unknown profile 'mars'"),
        (("scan", "a.mp4", "--settings", "absent.toml"), "absent.toml"),
        (("scan", "a.mp4", "--lang", "tlh"), "unknown language 'tlh'"),
        (("scan", "a.mp4", "--recogniser", "ear"), "recogniser"),
    ],
)
def test_bad_arguments_end_with_code_2_and_a_sentence(arguments, said):
    result = unbroken(*arguments)
    assert result.exit_code == 2
    assert said in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize("line", ["read_every_s = 0", "sound_s = -1", "decoder_threads = -2", "stall_s = 0"])
def test_values_out_of_range_are_bad_arguments(line, tmp_path):
    settings = tmp_path / "s.toml"
    settings.write_text(f"[media]\n{line}\n")
    result = unbroken("scan", "a.mp4", "--settings", settings)
    assert result.exit_code == 2
    assert line.split()[0] in result.stderr and "greater than" in result.stderr


def test_a_case_record_that_cannot_be_used_is_said_before_anything_is_scanned(tmp_path):
    clip = tmp_path / "a.mp4"
    clip.write_bytes(b"")
    (tmp_path / "a.mp4.case.toml").write_text("[place]\nnmaes = ['x']\n")
    result = unbroken("scan", clip)
    assert result.exit_code == 2
    assert "place.nmaes" in result.stderr and "a.mp4.case.toml" in result.stderr


def test_profiles_lists_what_there_is():
    listed = [line.split("\t") for line in unbroken("profiles").stdout.splitlines()]
    assert ["shijiazhuang-safety", "石家庄市安全生产监督管理局行政执法全过程记录制度"] in [row[:2] for row in listed]
    assert len(listed) == 9 and all(len(row) == 3 for row in listed)


AGENCY = """extends = "shijiazhuang-safety"
name = "某区制度"

[detectors.notice]
notices = ["本次执法全程录音录像"]

[drop]
PLACE-2 = "The city's profile asks for it."

[[rule]]
id = "OWN-1"
after = "CONT-1"
article = "第二十一条"
text = "应当采取刻录光盘或者专门硬盘存储等方式，对音像资料长期保存"
gloss = "Keep for long."
phases = ["coercive-measure"]
settled_on = ["hold-set"]
passes_on = ["case-linked"]
exempt_on = ["hold-not-due"]
undecided_on = ["said-objection"]
needs = ["words.text"]
needs_case = ["flags", "archive.long_term"]
whole = ["speech"]
"""


@pytest.fixture
def agency(tmp_path):
    path = tmp_path / "district.toml"
    path.write_text(AGENCY, encoding="utf-8")
    return path


def test_profiles_check_tells_that_nothing_is_wrong(agency):
    result = unbroken("profiles", "check", agency, "laixi-water", "--lang", "en")
    assert result.exit_code == 0
    first, second = result.stdout.splitlines()
    assert first.startswith(
        f"{agency}: {len(RULES) + 1} rules, 2 of them not applicable; nothing is wrong. It extends "
    )
    assert "It extends shijiazhuang-safety." in first and "docs/regulations/shijiazhuang-safety.txt" in first
    assert second.startswith("laixi-water: 22 rules, 4 of them")
    assert (
        "未发现错误。 扩展自 shijiazhuang-safety。" in unbroken("profiles", "check", agency, "--lang", "zh-CN").stdout
    )


def test_profiles_check_says_that_quotes_could_not_be_held_against_a_text(agency):
    agency.write_text(AGENCY.replace("name = ", 'source = "gone.txt"\nname = '), encoding="utf-8")
    assert "docs/regulations" in unbroken("profiles", "check", agency, "--lang", "en").stdout
    lone = agency.with_name("lone.toml")
    lone.write_text(
        'name = "a"\nname_en = "a"\nagency = "a"\nregulation = "a"\n[[rule]]\nid = "A"\narticle = "第一条"\n'
        'text = "不得断续。"\ngloss = "a"\npasses_on = ["case-linked"]\n',
        encoding="utf-8",
    )
    assert "Quotes could not be held against" in unbroken("profiles", "check", lone, "--lang", "en").stdout


def test_profiles_check_tells_every_error_of_every_file_and_ends_with_2(agency, tmp_path):
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(AGENCY.replace("case-linked", "case-linkd") + "colour = 1\n[speach]\na = 1\n")
    result = unbroken("profiles", "check", wrong, agency, tmp_path / "gone.toml", "mars", "--lang", "en")
    assert result.exit_code == 2
    lines = result.stdout.splitlines()
    assert [line.removeprefix(f"{tmp_path}/").split(": ")[0] for line in lines] == [
        "wrong.toml:18", "wrong.toml:24", "wrong.toml:25", "district.toml", "gone.toml",
        next(line for line in lines if "mars" in line).split(": ")[0],
    ]  # fmt: skip


def test_a_wrong_profile_is_a_bad_argument_that_names_its_line(agency):
    agency.write_text(AGENCY.replace("notices =", "notice ="), encoding="utf-8")
    for arguments in (("scan", "a.mp4"), ("settings",), ("explain", "NOTICE-1")):
        result = unbroken(*arguments, "--profile", agency)
        assert result.exit_code == 2
        assert "district.toml:5: [detectors.notice] notice" in result.stderr.replace("\n", "")


def test_settings_shows_what_an_extended_profile_changes(agency):
    printed = tomllib.loads(unbroken("settings", "--profile", agency).stdout)
    assert printed["detectors"]["notice"]["notices"] == ["本次执法全程录音录像"]


def test_explain_of_a_rule_tells_in_words_what_decides_it_and_what_it_rests_on(agency):
    said = unbroken("explain", "OWN-1", "--profile", agency, "--lang", "en").stdout
    for words in (
        "「应当采取刻录光盘",
        "Keep for long.",
        "phases\n    coercive-measure",
        "whatever else was found, on\n    hold-set: The recording is kept for long, as its circumstances ask (",
        "nothing else below was found, on\n    hold-not-due: No circumstance asks",
        "at any level on\n    said-objection: Somebody seems to object to the enforcement (found by said-objection)",
        "passes only on one of\n    case-linked: ",
        "words.text: the word as recognised",
        "flags: 长期保存情形, circumstances that ask for long keeping",
        "archive.long_term: 长期保存载体",
        "examined of\n    speech",
    ):
        assert words in said
    told = unbroken("explain", "NOTICE-1", "--profile", agency, "--lang", "en").stdout
    assert (
        "fails at level violation" in told
        and "notice-missing: The standard notice was not spoken (found by notice)" in told
    )
    assert '[detectors.notice] notices = ["本次执法全程录音录像"]' in told
    dropped = unbroken("explain", "PLACE-2", "--profile", agency, "--lang", "en").stdout
    assert "does not apply: The city's profile asks for it." in dropped
    assert "不适用：" in unbroken("explain", "STATS-1", "--lang", "zh-CN").stdout
    assert "passes where nothing speaks against it" in unbroken("explain", "CONT-1", "--lang", "en").stdout


def test_explain_of_a_field_of_the_case_record_names_the_rules_that_need_it():
    said = unbroken("explain", "place.names").stdout
    assert "场所名称" in said and "needed by   PLACE-1 第十二条（四）" in said


def test_explain_of_a_rule_that_does_not_apply_says_why():
    said = unbroken("explain", "NOTICE-1", "--profile", "laixi-water").stdout
    assert "does not apply: This regulation has no clause on a notice" in said and "「" not in said


@pytest.mark.parametrize(("verdict", "code"), [("pass", 0), ("undecided", 10), ("not applicable", 10), ("fail", 11)])
def test_only_a_clip_that_passed_ends_with_nought(verdict, code):
    empty = Examination(Footage(Path("a.mp4"), "ab" * 32, 1), "pilot", Features(), Examined(), (), (), Outcome(verdict))
    assert exit_code(empty) == code


def test_models_names_weights_and_hash():
    result = unbroken("models")
    assert result.exit_code == 0
    assert "base" in result.stdout and "sha256" in result.stdout.lower()

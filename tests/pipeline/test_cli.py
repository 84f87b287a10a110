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


@pytest.mark.parametrize("name", [*REGISTRY, *KINDS, *STAGES, *TABLES, *(rule.id for rule in RULES), "frames.residual"])
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

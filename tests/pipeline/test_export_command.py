"""`unbroken export`: a bag with an approval, and nothing without one."""

import json
from datetime import datetime
from pathlib import Path

import bagit
import pytest
from typer.testing import CliRunner

from pipeline.cli import app
from pipeline.errors import SettingsError
from pipeline.model import Footage
from pipeline.report.approval import approved, asking
from pipeline.rules.profile import builtin_profiles, load_profile

SHA256 = "ab" * 32
FOOTAGE = Footage(Path("clip.mp4"), SHA256, 1)
NOW = datetime.fromisoformat("2026-03-05T00:00:00+08:00")
GOOD = {
    "approved_by": '"局长 张三"',
    "approved_at": "2026-03-04T18:00:00+08:00",
    "article": '"第二十三条"',
    "given_to": '"当事人 李四"',
    "clip": f'"{SHA256}"',
}
PROFILE = load_profile("shijiazhuang-safety")


def written(folder: Path, **changes: str | None) -> Path:
    path = folder / "approval.toml"
    stated = {name: text for name, text in {**GOOD, **changes}.items() if text is not None}
    path.write_text("".join(f"{name} = {text}\n" for name, text in stated.items()), encoding="utf-8")
    return path


def unbroken(*arguments):
    return CliRunner().invoke(app, ["export", *map(str, arguments)])


def test_an_approval_is_read(tmp_path):
    approval = approved(written(tmp_path), PROFILE, FOOTAGE, NOW)
    assert approval.written() == {
        "approved_by": "局长 张三",
        "approved_at": "2026-03-04T18:00:00+08:00",
        "article": "第二十三条",
        "given_to": "当事人 李四",
        "clip": SHA256,
    }


@pytest.mark.parametrize(
    ("change", "said"),
    [
        *(({name: None}, name) for name in GOOD),
        *(({name: '" "'}, name) for name in GOOD),
        ({"approved_at": "2026-03-04T18:00:00"}, "zone"),
        ({"approved_at": "2026-03-06T18:00:00+08:00"}, "has not come"),
        ({"article": '"第一条"'}, "no article"),
        ({"clip": f'"{"cd" * 32}"'}, "not of this one"),
        ({"note": '"x"'}, "unknown field note"),
        ({"clip": "["}, "approval.toml"),
    ],
    ids=str,
)
def test_what_approves_nothing_of_this_copy_is_refused(tmp_path, change, said):
    with pytest.raises(SettingsError, match=said):
        approved(written(tmp_path, **change), PROFILE, FOOTAGE, NOW)


def test_which_profiles_ask():
    asks = {name: [rule.article for rule in asking(load_profile(name))] for name in builtin_profiles()}
    assert asks["shijiazhuang-safety"] == ["第二十三条"]
    for name, articles in asks.items():
        profile = load_profile(name)
        if articles:
            with pytest.raises(SettingsError, match="asks for an approval"):
                approved(None, profile, FOOTAGE, NOW)
        else:
            assert approved(None, profile, FOOTAGE, NOW) is None
    assert [] in asks.values()


def test_without_an_approval_nothing_is_exported(samples, tmp_path):
    result = unbroken(
        samples / "no_audio.mp4", "--out", tmp_path / "bag", "--cache", tmp_path / "cache", "--lang", "en"
    )
    assert result.exit_code == 2
    assert "第二十三条" in result.stderr and "--approval" in result.stderr
    assert not (tmp_path / "bag").exists()
    assert not (tmp_path / "cache").exists()


def test_a_bag_of_a_sample(samples, tmp_path):
    import hashlib

    clip = samples / "no_audio.mp4"
    sha256 = hashlib.sha256(clip.read_bytes()).hexdigest()
    text = tmp_path / "no_audio.draft.srt"
    text.write_text("1\n", encoding="utf-8")
    options = ("--cache", tmp_path / "cache", "--lang", "en", "--made-at", "2026-03-05T00:00:00+08:00")
    result = unbroken(
        clip,
        "--out",
        tmp_path / "bag",
        "--approval",
        written(tmp_path, clip=f'"{sha256}"'),
        "--transcript",
        text,
        *options,
    )
    assert (result.exit_code, result.stdout.strip()) == (0, str(tmp_path / "bag")), result.stderr
    bag = bagit.Bag(str(tmp_path / "bag"))
    bag.validate()
    assert bag.info["External-Identifier"] == sha256
    data = tmp_path / "bag" / "data"
    assert json.loads((data / "approval.json").read_text(encoding="utf-8"))["approved_by"] == "局长 张三"
    assert (data / "clip" / "no_audio.mp4").read_bytes() == clip.read_bytes()
    assert (data / "report" / "report.pdf").is_file() and (data / "transcript" / text.name).is_file()
    again = unbroken(clip, "--out", tmp_path / "bag", "--approval", tmp_path / "approval.toml", *options)
    assert again.exit_code == 2 and "there already" in again.stderr

"""The command `unbroken forge`, and that its sentences are translated."""

import csv
import hashlib
import re
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

import pipeline.forge
from pipeline.cli import app
from pipeline.forge.cases import cases
from pipeline.forge.folder import COLUMNS
from pipeline.forge.forgery import Wish, plan, read_take, render
from pipeline.forge.truth import read_truth
from pipeline.kinds import KINDS
from pipeline.language import language
from tests.pipeline.forging import numbered_clip, seen

ROOT = Path(__file__).resolve().parents[2]


def forge(*arguments):
    return CliRunner().invoke(app, ["forge", "--lang", "en", *(str(argument) for argument in arguments)])


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    folder = tmp_path_factory.mktemp("evidence")
    paths = [numbered_clip(folder / "mine.mp4", 0, frames=125), numbered_clip(folder / "other.mp4", 1, frames=110)]
    before = {path: (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns) for path in paths}
    yield paths
    assert {p: (hashlib.sha256(p.read_bytes()).hexdigest(), p.stat().st_mtime_ns) for p in paths} == before
    assert sorted(folder.iterdir()) == sorted(paths)


def test_a_folder_of_forgeries(clips, tmp_path):
    out = tmp_path / "out"
    names = ("removed-10", "splice", "re-encoded", "edit-list-copied")
    options = [option for name in names for option in ("--case", name)]
    result = forge(*clips, "--out", out, *options, "--crf", 20, "--crf", 28, "--overlay", "dots-5x7", "--height", 128)
    assert result.exit_code == 0, result.stderr
    printed = result.stdout.split()
    assert printed == [str(out / f"{clip.stem}-{name}.mp4") for clip in clips for name in names]
    with (out / "index.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == tuple(COLUMNS)
    assert [row["file"] for row in rows] == [Path(path).name for path in printed]
    for path, row in zip(map(Path, printed), rows, strict=True):
        truth = read_truth(path.with_suffix(".truth.toml"))
        assert row["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
        assert (row["case"], row["forged"]) == (truth.case, str(truth.forged))
        assert len(seen(path)) == truth.pictures == int(row["pictures"])
        assert truth.recipe["crf"] in (20, 28) and truth.recipe["overlay"] == "dots-5x7"
        assert truth.recipe["sha256"][0] == hashlib.sha256((clips[path.name[0] == "o"]).read_bytes()).hexdigest()
        if truth.events:
            assert float(row["start_s"]) == pytest.approx(truth.events[0].span.start_s, abs=1e-5)
            assert row["kinds"].split() == sorted(truth.kinds)
        document = tomllib.loads(path.with_suffix(".truth.toml").read_text(encoding="utf-8"))
        assert document["clip"]["file"] == path.name and document["true"]["case"] == truth.case
    assert sorted(path.suffix for path in out.iterdir()) == [".csv", *[".mp4"] * 8, *[".toml"] * 8]


def test_the_same_command_gives_the_same_files(clips, tmp_path):
    contents = []
    for name in ("one", "two"):
        out = tmp_path / name
        assert (
            forge(*clips, "--out", out, "--case", "inserted-5", "--case", "joined-copied", "--seed", 7).exit_code == 0
        )
        contents.append({path.name: path.read_bytes() for path in out.iterdir()})
    assert contents[0] == contents[1]


def test_it_can_be_run_again_into_its_own_folder(clips, tmp_path):
    for _ in range(2):
        assert forge(clips[0], "--out", tmp_path / "out", "--case", "removed-3").exit_code == 0


def test_bad_clips_are_said_and_passed_over(clips, tmp_path):
    text = tmp_path / "text.mp4"
    text.write_text("no footage")
    result = forge(text, clips[0], "--out", tmp_path / "out", "--case", "removed-3")
    assert result.exit_code == 3
    assert "text.mp4: this is a text file" in result.stderr
    assert result.stdout.split() == [str(tmp_path / "out" / "mine-removed-3.mp4")]


def test_what_cannot_be_made_of_a_clip_is_said(clips, tmp_path):
    result = forge(clips[0], "--out", tmp_path / "out", "--case", "splice", "--case", "removed-3")
    assert result.exit_code == 0
    assert "splice needs a second clip" in result.stderr
    assert len(result.stdout.split()) == 1


def test_forgeries_do_not_stand_among_evidence(clips):
    result = forge(clips[0], "--out", clips[0].parent, "--case", "removed-3")
    assert result.exit_code == 2 and "lies in this folder" in result.stderr


@pytest.mark.parametrize("name", ["mine-removed-3.mp4", "index.csv"])
def test_files_that_are_no_forgeries_are_not_overwritten(clips, tmp_path, name):
    (tmp_path / name).write_text("precious")
    result = forge(clips[0], "--out", tmp_path, "--case", "removed-3")
    assert result.exit_code == 2 and "is there already" in result.stderr
    assert (tmp_path / name).read_text() == "precious"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--case", "shred"), "There is no case shred"),
        (("--overlay", "sundial"), "There is no overlay sundial"),
        (("--codec", "vp9"), "vp9 (veryfast) in mp4 cannot be written"),
        (("--codec", "libx265", "--container", "mp4", "--container", "avi"), "libx265 (veryfast) in avi"),
        (("--crf", "80"), "CRF must lie in 0 to 51"),
    ],
)
def test_bad_options_end_before_any_work(clips, tmp_path, options, said):
    result = forge(clips[0], "--out", tmp_path / "out", *options)
    assert result.exit_code == 2 and said in result.stderr
    assert not (tmp_path / "out").exists()


def test_clips_of_one_name_do_not_overwrite_each_other(clips, tmp_path):
    twin = numbered_clip(tmp_path / "mine.mp4", 1, frames=125)
    result = forge(clips[0], twin, "--out", tmp_path / "out", "--case", "removed-3")
    assert [Path(path).name for path in result.stdout.split()] == ["mine-removed-3.mp4", "mine-removed-3-2.mp4"]


def test_every_sentence_is_translated():
    chinese = language("zh-CN").sentences
    folder = Path(pipeline.forge.__file__).parent
    said = [
        m for path in folder.glob("*.py") for m in re.findall(r'message = "(.+)"', path.read_text(encoding="utf-8"))
    ]
    assert len(said) > 8 and [sentence for sentence in said if sentence not in chinese] == []


def test_every_case_is_documented():
    text = (ROOT / "docs" / "forge.md").read_text(encoding="utf-8")
    assert [case.name for case in cases() if f"`{case.name}`" not in text] == []


@pytest.mark.parametrize("entry", cases(), ids=lambda entry: entry.name)
def test_truths_name_known_kinds(clips, tmp_path, entry):
    forgery = plan(entry, [read_take(clip) for clip in clips], 1, Wish(overlay=("dots-5x7",)))
    events = render(forgery, tmp_path / "forged.mp4").events if entry.copy else forgery.plan.events
    assert {kind for event in events for kind in event.kinds | event.beside} <= set(KINDS)
    assert all(bool(event.kinds) == entry.forged for event in events)  # honest controls are told by nothing
    assert events or not entry.forged

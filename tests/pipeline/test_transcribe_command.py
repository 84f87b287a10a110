"""The command `unbroken transcribe`: from a draft by way of a person's corrections to a confirmed transcript."""

import hashlib
import json
import shutil

import av
import pytest
from typer.testing import CliRunner

from pipeline.cli import app
from tests.footage import make_clip

CASE = 'cause = "危险化学品安全检查"\nparties = ["王五"]\n[place]\nnames = ["石家庄禾岭化工有限公司"]\n'


def transcribe(cache, *arguments):
    command = ["transcribe", "--cache", str(cache), *(str(argument) for argument in arguments)]
    return CliRunner().invoke(app, command)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def take(samples, tmp_path_factory):
    """Return the sample of a whole take, alone in a folder with its case record, neither of which may change."""
    folder = tmp_path_factory.mktemp("evidence")
    clip = folder / "现场 01.mp4"
    shutil.copyfile(samples / "whole_take.mp4", clip)
    (folder / "case.toml").write_text(CASE, encoding="utf-8")
    before = hashlib.sha256(clip.read_bytes()).hexdigest(), clip.stat().st_mtime_ns
    yield clip
    assert (hashlib.sha256(clip.read_bytes()).hexdigest(), clip.stat().st_mtime_ns) == before
    assert sorted(path.name for path in folder.iterdir()) == ["case.toml", clip.name]


@pytest.fixture(scope="module")
def soundless(tmp_path_factory):
    return make_clip(tmp_path_factory.mktemp("evidence") / "no sound.mp4", frames=25, audio=None)


def test_a_draft_is_corrected_and_confirmed_and_then_stands(take, cache, tmp_path):
    out = tmp_path / "new" / "out"
    draft = transcribe(cache, take, "--out", out, "--lang", "zh-CN", "--made-by", "赵六")
    assert draft.exit_code == 0, draft.stderr
    paths = {form: out / f"现场 01.{form}" for form in ("srt", "vtt", "json", "txt")}
    assert draft.stdout.split("\n") == [*map(str, paths.values()), ""]
    said = json.loads(paths["json"].read_text(encoding="utf-8"))
    assert said["status"] == "draft" and said["made"]["by"] == "赵六"
    assert said["clip"]["sha256"] == hashlib.sha256(take.read_bytes()).hexdigest()
    assert said["content"]["cause"] == "危险化学品安全检查" and "base sha256:" in said["made"]["method"]
    assert "为保护您的合法权益，监督我们的执法行为，" in "".join(line["text"] for line in said["lines"])
    with av.open(str(paths["srt"])) as subtitles, av.open(str(take)) as footage:
        starts = [packet.pts for packet in subtitles.demux() if packet.pts is not None]
        assert starts[1:] == [round(line["start_s"] * 1000) for line in said["lines"]][1 - len(starts) :]
        assert starts[-1] / 1000 < float(footage.duration) / av.time_base

    heard = said["lines"][-1]["text"]
    corrected = paths["srt"].read_bytes().replace(heard.encode(), "请您配合检查。".encode())
    paths["srt"].write_bytes(corrected)
    confirmed = transcribe(cache, take, "--out", out, "--lang", "zh-CN", "--confirmed-by", "钱七")
    assert confirmed.exit_code == 0 and "以该文件现有文字为准" in confirmed.stderr
    final = json.loads(paths["json"].read_text(encoding="utf-8"))
    assert (final["status"], final["confirmed"]["by"], final["changed_lines"]) == ("confirmed", "钱七", 1)
    assert [line["text"] for line in final["lines"]] == [
        *(line["text"] for line in said["lines"][:-1]),
        "请您配合检查。",
    ]
    for path in paths.values():
        text = path.read_text(encoding="utf-8-sig")
        assert "请您配合检查。" in text and heard not in text and "钱七" in text
    assert (out / "现场 01.srt.old-1").read_bytes() == corrected

    before = {path: path.read_bytes() for path in out.iterdir()}
    again = transcribe(cache, take, "--out", out, "--lang", "zh-CN")
    assert again.exit_code == 2 and again.stdout == "" and "不得以草稿替换" in again.stderr
    assert {path: path.read_bytes() for path in out.iterdir()} == before


def test_files_that_cannot_be_read_are_told_and_the_others_are_done(soundless, cache, tmp_path):
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"not a video at all, by any measure")
    out = tmp_path / "out"
    result = transcribe(
        cache, broken, tmp_path / "absent.mp4", soundless, "--out", out, "--format", "txt", "--lang", "en"
    )
    assert result.exit_code == 3
    assert "broken.mp4" in result.stderr and "absent.mp4" in result.stderr
    assert result.stdout == f"{out / 'no sound.txt'}\n"
    assert "(the recording has no sound)" in (out / "no sound.txt").read_text(encoding="utf-8-sig")
    assert [path.name for path in out.iterdir()] == ["no sound.txt"]


def test_sound_without_speech_is_a_transcript_that_says_so(cache, tmp_path):
    clip = make_clip(tmp_path / "quiet.mp4", frames=50)
    result = transcribe(cache, clip, "--out", tmp_path / "out", "--format", "srt", "--lang", "en")
    assert result.exit_code == 0, result.stderr
    assert "(nobody was heard to speak)" in (tmp_path / "out" / "quiet.srt").read_text(encoding="utf-8-sig")


def test_speech_without_weights_is_not_taken_for_silence(take, tmp_path, cache):
    settings = tmp_path / "s.toml"
    settings.write_text('[speech]\nweights = "absent.pt"\n')
    result = transcribe(cache, take, "--out", tmp_path / "out", "--settings", settings, "--lang", "en")
    assert result.exit_code == 2 and "absent.pt" in result.stderr and result.stdout == ""
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--format", "doc"), "unknown format doc. Known: srt, vtt, json, txt"),
        (("--confirmed-by", " "), "--confirmed-by asks for a name."),
        (("--made-by", ""), "--made-by asks for a name."),
        (("--settings", "absent.toml"), "absent.toml"),
    ],
)
def test_bad_arguments_are_told_before_anything_is_done(arguments, said, soundless, cache, tmp_path):
    result = transcribe(cache, soundless, "--out", tmp_path / "out", "--lang", "en", *arguments)
    assert result.exit_code == 2 and said in result.stderr and result.stdout == ""
    assert not (tmp_path / "out").exists()


def test_the_transcript_names_the_engine_that_wrote_it(take, cache, tmp_path):
    for engine in ("openai-whisper", "faster-whisper"):
        out = tmp_path / engine
        made = transcribe(cache, take, "--out", out, "--format", "json", "--recogniser", engine)
        assert made.exit_code == 0, made.stderr
        said = json.loads((out / "现场 01.json").read_text(encoding="utf-8"))
        assert engine in said["made"]["method"]
        assert any("执法行为" in line["text"] for line in said["lines"])

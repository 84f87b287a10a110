"""The head of a transcript: what the program wrote is read, anything else beside the clip is left alone."""

import json

import pytest

from pipeline.errors import SettingsError
from pipeline.features.schema import to_table
from pipeline.language import language
from tests.transcripts.making import AT, SHA256, made
from transcripts.files import target, write
from transcripts.head import LARGEST_BYTES, read_head
from transcripts.subtitles import json_v1

OTHER = "f" * 64


def put(folder, document):
    chosen = target(folder, document.footage, ("json",), confirmed=document.making.confirmed_by is not None, clips=())
    (path,), _ = write(chosen, {"json": json_v1(document, language("zh-CN"))})
    return path


def head(clip, named=None, sha256=SHA256):
    rows = to_table("transcript", read_head(clip, sha256, named))
    return [{name: rows[name][n] for name in rows} for n in range(rows.rows)]


def test_what_the_program_wrote_is_read(tmp_path):
    path = put(tmp_path, made(confirmed_by="钱七", by="王五"))
    (row,) = head(tmp_path / "现场 01.mp4")
    assert row == {
        "path": str(path),
        "status": "confirmed",
        "method": row["method"],
        "made_at": AT,
        "made_by": "王五",
        "proves": row["proves"],
        "sha256": SHA256,
    }
    assert "openai-whisper" in row["method"] and "危险化学品安全检查" in row["proves"]


def test_a_draft_without_a_matter_proves_nothing(tmp_path):
    put(tmp_path, made(case=None))
    (row,) = head(tmp_path / "现场 01.mp4")
    assert (row["status"], row["proves"]) == ("draft", None)


def test_no_transcript_gives_no_row(tmp_path):
    assert head(tmp_path / "现场 01.mp4") == []


def test_of_two_the_one_of_this_clip_is_taken(tmp_path):
    put(tmp_path, made(sha256=OTHER))
    path = put(tmp_path, made())
    (row,) = head(tmp_path / "现场 01.mp4")
    assert (row["path"], row["sha256"]) == (str(path), SHA256)


def test_that_of_another_file_is_told_as_such(tmp_path):
    put(tmp_path, made(sha256=OTHER))
    (row,) = head(tmp_path / "现场 01.mp4")
    assert row["sha256"] == OTHER


def test_the_one_that_the_case_record_names_is_read(tmp_path):
    path = put(tmp_path / "elsewhere", made())
    (row,) = head(tmp_path / "b.mp4", path)
    assert row["path"] == str(path)


NO_TRANSCRIPTS = {
    "settings of a camera": b'{"rate": 25}',
    "a list": b"[1, 2]",
    "no JSON": b"1\n00:00:00,000 --> 00:00:01,000\n",
    "no text": b"\xff\xfe\x00\x01",
    "deep": b"[" * 200_000,
    "of no clip": b'{"format": 1, "kind": "transcript", "clip": {"name": "a.mp4"}}',
    "of a later format": b'{"format": 2, "kind": "transcript", "clip": {"sha256": "00"}}',
}


@pytest.mark.parametrize("content", NO_TRANSCRIPTS.values(), ids=NO_TRANSCRIPTS)
def test_another_file_is_left_alone_unless_the_case_record_names_it(tmp_path, content):
    path = tmp_path / "a.json"
    path.write_bytes(content)
    assert head(tmp_path / "a.mp4") == []
    with pytest.raises(SettingsError, match=r"a\.json"):
        head(tmp_path / "a.mp4", path)


def test_a_named_file_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(SettingsError, match=r"gone\.json"):
        head(tmp_path / "a.mp4", tmp_path / "gone.json")


def test_a_huge_file_is_not_read(tmp_path):
    path = tmp_path / "a.json"
    with path.open("wb") as stream:
        stream.truncate(LARGEST_BYTES + 1)
    with pytest.raises(SettingsError, match="too large"):
        head(tmp_path / "a.mp4", path)


@pytest.mark.parametrize("confirmed", [None, {}, {"by": " "}, {"by": 7}, "yes"])
def test_nobody_confirmed_it_where_no_name_stands(tmp_path, confirmed):
    path = put(tmp_path, made(confirmed_by="钱七"))
    document = json.loads(path.read_bytes())
    path.write_text(json.dumps(document | {"confirmed": confirmed, "made": [], "proves": 3}), encoding="utf-8")
    (row,) = head(tmp_path / "现场 01.mp4")
    assert row["status"] == "draft"
    assert [row[name] for name in ("method", "made_at", "made_by", "proves")] == [None] * 4

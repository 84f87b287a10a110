"""Where transcripts are written, and what they never replace."""

import pytest

from pipeline.errors import SettingsError
from pipeline.language import language
from tests.transcripts.making import made
from transcripts.files import target, write
from transcripts.subtitles import WRITERS, encoded

FORMS = tuple(WRITERS)


def put(folder, document, *, tag="zh-CN", forms=FORMS, clips=()):
    """Write a transcript as the command does."""
    confirmed = document.making.confirmed_by is not None
    chosen = target(folder, document.footage, forms, confirmed=confirmed, clips=clips)
    return write(chosen, {form: WRITERS[form](document, language(tag)) for form in forms})


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_files_are_named_as_players_look_for_them(tmp_path):
    written, kept = put(tmp_path / "new" / "folder", made())
    assert [path.name for path in written] == [f"现场 01.{form}" for form in FORMS] and kept == []
    assert names(tmp_path / "new" / "folder") == sorted(path.name for path in written)


def test_writing_the_same_again_keeps_nothing_aside(tmp_path):
    put(tmp_path, made())
    _, kept = put(tmp_path, made(at="2027-01-01T00:00:00+08:00"))
    assert kept == [] and len(names(tmp_path)) == 4
    assert "2027-01-01" in (tmp_path / "现场 01.txt").read_text(encoding="utf-8-sig")


def test_another_text_is_kept_beside_the_new_one(tmp_path):
    put(tmp_path, made(), forms=("srt",))
    path = tmp_path / "现场 01.srt"
    edited = path.read_bytes().replace("好。".encode(), "对。".encode())
    for number in (1, 2):
        path.write_bytes(edited)
        _, kept = put(tmp_path, made(), forms=("srt",))
        assert [message.values["kept"] for message in kept] == [f"现场 01.srt.old-{number}"]
        assert (tmp_path / f"现场 01.srt.old-{number}").read_bytes() == edited


@pytest.mark.parametrize("tag", ["en", "zh-CN"])
@pytest.mark.parametrize("form", FORMS)
def test_a_confirmed_transcript_in_any_form_is_not_replaced_by_a_draft(form, tag, tmp_path):
    put(tmp_path, made(confirmed_by="钱七"), tag=tag, forms=(form,))
    before = (tmp_path / f"现场 01.{form}").read_bytes()
    for forms in ((form,), FORMS, tuple(other for other in FORMS if other != form)):
        with pytest.raises(SettingsError, match="confirmed transcript"):
            put(tmp_path, made(), forms=forms)
    assert names(tmp_path) == [f"现场 01.{form}"] and (tmp_path / f"现场 01.{form}").read_bytes() == before
    put(tmp_path, made(confirmed_by="孙八"), tag=tag)


def test_the_transcript_of_another_clip_of_that_name_stays(tmp_path):
    put(tmp_path, made(confirmed_by="钱七"))
    other = made(sha256="fedcba9876543210" * 4)
    written, _ = put(tmp_path, other)
    assert {path.stem for path in written} == {"现场 01-fedcba98"} and len(names(tmp_path)) == 8
    put(tmp_path, other)
    assert len(names(tmp_path)) == 8


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("content", [b"", b"SHA-256: " + b"0123456789abcdef" * 4, b'{"clip": {"sha256": "0123"}}'])
def test_a_file_that_is_no_transcript_is_never_touched(form, content, tmp_path):
    path = tmp_path / f"现场 01.{form}"
    path.write_bytes(content)
    with pytest.raises(SettingsError, match="no transcript of this program"):
        put(tmp_path, made(confirmed_by="钱七"))
    assert names(tmp_path) == [path.name] and path.read_bytes() == content


def test_evidence_is_not_written_to_even_if_it_looks_like_a_transcript(tmp_path):
    clip = tmp_path / "现场 01.srt"
    clip.write_bytes(encoded("srt", WRITERS["srt"](made(), language("en"))))
    with pytest.raises(SettingsError, match="no transcript of this program"):
        put(tmp_path, made(), clips=[tmp_path / "." / "现场 01.srt"])


def test_a_link_is_not_followed(tmp_path):
    (tmp_path / "现场 01.json").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SettingsError, match="no transcript of this program"):
        put(tmp_path, made())


def test_a_folder_that_cannot_be_made_is_said(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(SettingsError, match="cannot be written"):
        put(tmp_path / "file", made())


def test_a_name_that_is_not_utf_8_can_be_written(tmp_path):
    written, _ = put(tmp_path, made(name="a\udcff.mp4"))
    assert len(written) == 4 and "a\\xff.mp4" in written[3].read_text(encoding="utf-8-sig")


def test_a_draft_saved_in_gbk_is_still_the_draft_of_its_clip(tmp_path):
    document = made()
    put(tmp_path, document, forms=("srt",))
    path = tmp_path / "现场 01.srt"
    path.write_bytes(path.read_text(encoding="utf-8-sig").replace("120", "123").encode("gb18030"))
    chosen = target(tmp_path, document.footage, FORMS, confirmed=True, clips=())
    corrected = chosen.corrected(document)
    assert corrected is not None and [line.text for line in corrected][1] == "123个。"


def test_a_draft_whose_times_are_broken_is_not_taken_over(tmp_path):
    document = made()
    put(tmp_path, document, forms=("srt",))
    path = tmp_path / "现场 01.srt"
    path.write_bytes(path.read_bytes().replace(b"00:00:12,000 ", b"12 "))
    with pytest.raises(SettingsError, match="cannot be read as subtitles"):
        target(tmp_path, document.footage, FORMS, confirmed=True, clips=()).corrected(document)

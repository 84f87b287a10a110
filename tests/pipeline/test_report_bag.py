"""Bags of an examined clip: valid by bagit, whole or not there at all."""

import base64
import json
import os
import shutil
import subprocess
import sys
import unicodedata
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import bagit
import pytest

from pipeline.errors import FootageError, SettingsError
from pipeline.model import Footage
from pipeline.report.bag import BagContents, payload_name, write_bag
from pipeline.report.html import write_report
from tests.examinations import example

ROOT = Path(__file__).resolve().parents[2]
AT = datetime.fromisoformat("2026-03-05T00:30:00+08:00")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clip")
    examined = example(folder, name=unicodedata.normalize("NFD", "Übergabe 现场.mp4"))
    write_report(examined, folder / "report", "zh-CN", AT, pdf=True)
    texts = [folder / "clip.draft.srt", folder / "clip.draft.json"]
    for path in texts:
        path.write_text("说", encoding="utf-8")
    rows = [{"at": AT, "what": "viewed", "by": "张三"}, {"at": AT, "what": "exported", "by": "\udce9"}]
    return BagContents(examined.footage, folder / "report", texts, rows, info={"Contact-Name": "张三\n李四"})


@pytest.fixture
def bag(made, tmp_path):
    return write_bag(tmp_path / "deep" / "bag", made, AT)


def test_bagit_finds_it_valid(bag, made):
    found = bagit.Bag(str(bag))
    found.validate()
    assert found.algorithms == ["sha256"]
    assert found.info["External-Identifier"] == made.footage.sha256
    assert found.info["Bagging-Date"] == "2026-03-05"
    assert found.info["Contact-Name"] == "张三 李四"
    payload = [path for path in (bag / "data").rglob("*") if path.is_file()]
    assert found.info["Payload-Oxum"] == f"{sum(path.stat().st_size for path in payload)}.{len(payload)}"
    assert found.entries[f"data/clip/{payload_name(made.footage.path)}"]["sha256"] == made.footage.sha256


def test_it_holds_clip_report_transcript_and_audit(bag, made):
    data = bag / "data"
    assert (data / "clip" / "Übergabe 现场.mp4").read_bytes() == made.footage.path.read_bytes()
    for name in ("index.html", "report.pdf", "report.v1.json", "stills/still-0.jpg"):
        assert (data / "report" / name).read_bytes() == (made.report / name).read_bytes()
    assert {path.name for path in (data / "transcript").iterdir()} == {"clip.draft.srt", "clip.draft.json"}
    rows = [json.loads(line) for line in (data / "audit.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [row["what"] for row in rows] == ["viewed", "exported"]
    assert rows[0]["at"] == AT.isoformat()


def test_the_clips_own_name_is_kept_byte_for_byte(bag, made):
    told = json.loads((bag / "data" / "clip.json").read_text(encoding="utf-8"))
    assert base64.b64decode(told["name_base64"]) == os.fsencode(made.footage.path.name)
    assert told["in_bag"] == "data/clip/Übergabe 现场.mp4"
    assert not unicodedata.is_normalized("NFC", os.fsdecode(base64.b64decode(told["name_base64"])))
    assert unicodedata.is_normalized("NFC", told["in_bag"])


def test_a_changed_byte_makes_it_invalid(bag):
    (clip,) = (bag / "data" / "clip").iterdir()
    content = bytearray(clip.read_bytes())
    content[len(content) // 2] ^= 1
    clip.write_bytes(content)
    with pytest.raises(bagit.BagValidationError):
        bagit.Bag(str(bag)).validate()


def test_a_file_put_in_afterwards_makes_it_invalid(bag):
    (bag / "data" / "report" / "more.txt").write_text("x")
    assert not bagit.Bag(str(bag)).is_valid()


def test_it_is_valid_where_the_system_writes_names_in_the_other_form(bag):
    """As on macOS, which hands the names back in form NFD."""
    (clip,) = (bag / "data" / "clip").iterdir()
    clip.rename(clip.with_name(unicodedata.normalize("NFD", clip.name)))
    bagit.Bag(str(bag)).validate()


def test_a_reference_takes_the_clips_place(made, tmp_path):
    bag = write_bag(tmp_path / "bag", replace(made, with_clip=False), AT)
    bagit.Bag(str(bag)).validate()
    assert not (bag / "data" / "clip").exists()
    told = json.loads((bag / "data" / "clip.json").read_text(encoding="utf-8"))
    assert (told["sha256"], told["in_bag"]) == (made.footage.sha256, None)


def test_without_an_audit_log_there_is_no_extract(made, tmp_path):
    bag = write_bag(tmp_path / "bag", replace(made, audit=None, transcripts=()), AT)
    assert not (bag / "data" / "audit.jsonl").exists()
    assert not (bag / "data" / "transcript").exists()


def test_a_name_that_is_no_utf8_and_a_newline_in_it(made, tmp_path):
    clip = tmp_path / os.fsdecode(b"r\xe9cord\n\xff.mp4")
    shutil.copyfile(made.footage.path, clip)
    bag = write_bag(tmp_path / "bag", replace(made, footage=replace(made.footage, path=clip)), AT)
    bagit.Bag(str(bag)).validate()
    (copy,) = (bag / "data" / "clip").iterdir()
    assert copy.name.encode() and copy.suffix == ".mp4"
    told = json.loads((bag / "data" / "clip.json").read_text(encoding="utf-8"))
    assert base64.b64decode(told["name_base64"]) == b"r\xe9cord\n\xff.mp4"


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("现场.mp4", "现场.mp4"),
        ("a:b?.mp4", "a_b_.mp4"),
        ("100%0A.mp4", "100_0A.mp4"),
        ("dots...", "dots"),
        ("长" * 90 + ".mp4", "长" * 65 + ".mp4"),
        ("a\u2028b.mp4", "a_b.mp4"),
    ],
)
def test_names_in_a_bag_are_fit_for_every_system(name, kept):
    assert payload_name(Path(name)) == kept


def test_nothing_is_written_over(made, tmp_path):
    (tmp_path / "bag").mkdir()
    with pytest.raises(SettingsError, match="there already"):
        write_bag(tmp_path / "bag", made, AT)
    assert list((tmp_path / "bag").iterdir()) == []
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(SettingsError, match="there already"):
        write_bag(tmp_path / "link", made, AT)


def changed(footage: Footage, folder: Path) -> Footage:
    clip = folder / "changed.mp4"
    clip.write_bytes(footage.path.read_bytes()[:-1] + b"?")
    return replace(footage, path=clip)


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        (lambda c, f: replace(c, footage=changed(c.footage, f)), FootageError, "not the clip that was examined"),
        (lambda c, f: replace(c, footage=replace(c.footage, path=f / "gone")), FootageError, "cannot be read"),
        (lambda c, f: replace(c, footage=replace(c.footage, sha256="")), FootageError, "never hashed"),
        (lambda c, f: replace(c, footage=replace(c.footage, sha256="0" * 64)), SettingsError, "no report of this clip"),
        (lambda c, f: replace(c, report=f), SettingsError, "no report of this clip"),
        (lambda c, f: replace(c, transcripts=[Path("a/x.srt"), Path("b/X.srt")]), SettingsError, "would be called"),
        (lambda c, f: replace(c, transcripts=[f / "gone.srt"]), SettingsError, "cannot be written"),
        (lambda c, f: replace(c, info={"Payload-Oxum": "1.1"}), SettingsError, "stated by the bag itself"),
    ],
)
def test_what_is_refused_leaves_nothing_behind(made, tmp_path, change, error, said):
    here = tmp_path / "here"
    with pytest.raises(error, match=said):
        write_bag(here / "bag", change(made, tmp_path), AT)
    assert not here.exists() or list(here.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_told(made, tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(SettingsError, match="cannot be written"):
        write_bag(tmp_path / "file" / "bag", made, AT)


def test_the_clip_is_left_as_it_was_and_the_working_folder_too(made, tmp_path):
    before = (made.footage.path.stat(), Path.cwd())
    shares: list[float] = []
    write_bag(tmp_path / "bag", made, AT, shares.append)
    after = made.footage.path.stat()
    assert (after.st_size, after.st_mtime_ns, after.st_mode, after.st_ino) == (
        before[0].st_size, before[0].st_mtime_ns, before[0].st_mode, before[0].st_ino,
    )  # fmt: skip
    assert Path.cwd() == before[1]
    assert shares[-1] == 1.0


LARGE = """
import hashlib, resource, sys
from datetime import datetime
from pathlib import Path
from pipeline.model import Footage
from pipeline.report.bag import BagContents, write_bag
folder = Path(sys.argv[1])
clip = folder / "large.mp4"
size, hashed = 600 * 1024 * 1024, hashlib.sha256()
with clip.open("wb") as stream:
    stream.truncate(size)
for _ in range(600):
    hashed.update(bytes(1024 * 1024))
sha256 = hashed.hexdigest()
(folder / "report").mkdir()
(folder / "report" / "report.v1.json").write_text('{"clip": {"sha256": "%s"}}' % sha256)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
write_bag(folder / "bag", BagContents(Footage(clip, sha256, size), folder / "report"), datetime.now().astimezone())
own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
print(max(own, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))
"""


def test_a_large_clip_is_never_in_memory(tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", LARGE, tmp_path], capture_output=True, text=True, check=True, env=environment
    )
    assert int(done.stdout) < 150 * 1024  # kB, of 600 MiB
    bagit.Bag(str(tmp_path / "bag")).validate(fast=True)
    assert (tmp_path / "bag" / "data" / "clip" / "large.mp4").stat().st_size == 600 * 1024 * 1024
    for path in (tmp_path / "large.mp4", tmp_path / "bag" / "data" / "clip" / "large.mp4"):
        path.unlink()

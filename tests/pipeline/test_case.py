"""Case records in files: where they lie, how they are merged, and how an error names its place."""

import os
import re
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from pipeline.case import (
    FIELDS,
    CaseRecord,
    Source,
    case_file,
    case_files,
    case_of,
    case_table,
    path_of,
    read_case,
    read_case_table,
)
from pipeline.errors import SettingsError
from pipeline.features.schema import arrow_schema, to_table

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "case-records.md"
RECORD = """
officers = ["张三", "李四"]

[place]
names = ["石家庄某某化工有限公司"]
aliases = ["某某化工", "华北厂"]
door_number = "25号"

[device]
id = "DSJ-K7A0123"
"""


def written(path: Path, text: str = RECORD) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_values_come_in_the_order_of_the_fields(tmp_path: Path) -> None:
    record = read_case(written(tmp_path / "case.toml"))
    assert record.values == (
        ("officers", "张三"),
        ("officers", "李四"),
        ("place.names", "石家庄某某化工有限公司"),
        ("place.aliases", "某某化工"),
        ("place.aliases", "华北厂"),
        ("place.door_number", "25号"),
        ("device.id", "DSJ-K7A0123"),
    )
    assert record.all("place.aliases") == ("某某化工", "华北厂")
    assert record.first("place.aliases") == "某某化工"
    assert record.all("agency.name") == ()
    assert record.first("agency.name") is None


def test_every_value_names_its_source(tmp_path: Path) -> None:
    path = written(tmp_path / "case.toml")
    arrow = case_table(read_case(path))
    assert arrow is not None
    assert dict(zip(arrow["field"].to_pylist(), arrow["source"].to_pylist(), strict=True)) == {
        "officers": f"{path}, line 2",
        "place.names": f"{path}, line 5",
        "place.aliases": f"{path}, line 6",
        "place.door_number": f"{path}, line 7",
        "device.id": f"{path}, line 10",
    }
    assert {path_of(source) for source in arrow["source"].to_pylist()} == {path}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('place.door_number = "25号"', 1),
        ('\n"place" . door_number = "25号"', 2),
        ('cause = "x"\nplace = { names = ["a"], door_number = "25号" }', 2),
        ("[place]  # where\n\n  'door_number' = '25号'", 3),
        ('cause = """\n[place]\ndoor_number = "3号"\n"""\n[place]\ndoor_number = "25号"', 6),
        ('[place]\nnames = [\n"door_number = 3",\n]\ndoor_number = "25号"', 5),
        ('cause = "a\u2028b"\n[ "place" ]\ndoor_number = "25号"', 3),
    ],
)
def test_lines_are_found_however_the_entry_is_written(tmp_path: Path, text: str, line: int) -> None:
    path = written(tmp_path / "case.toml", text)
    record = read_case(path)
    assert record.first("place.door_number") == "25号"
    assert record.source("place.door_number") == Source(path, line)
    assert record.source("device.id") is None


def test_a_record_made_by_hand_has_its_path_as_source() -> None:
    record = CaseRecord(Path("case.toml"), (("cause", "x"),))
    assert [str(source) for _, _, source in record.entries()] == ["case.toml"]
    with pytest.raises(ValueError, match="2 sources for 1 values"):
        CaseRecord(Path("case.toml"), (("cause", "x"),), (Source(Path("a")), Source(Path("b"))))


@pytest.mark.parametrize("source", [Source(Path("a, line 3/case.toml"), 7), Source(Path("店.parquet"), 3, "row")])
def test_the_file_of_a_source_is_found_in_its_text(source: Source) -> None:
    assert path_of(str(source)) == source.path
    assert path_of(str(source.path)) == source.path


def test_the_nearest_file_comes_first(tmp_path: Path) -> None:
    clip = tmp_path / "DCAM_7_3.mp4"
    assert case_file(clip) is None
    assert case_of(clip) is None
    folder = written(tmp_path / "case.toml")
    assert case_files(clip) == (folder,)
    for name in ("DCAM_7_3.case.toml", "DCAM_7_3.mp4.case.toml"):
        nearer = written(tmp_path / name)
        assert case_files(clip) == (nearer, folder)
        assert case_file(clip) == nearer


def test_entries_are_merged_one_by_one_and_sections_as_a_whole(tmp_path: Path) -> None:
    folder = written(
        tmp_path / "case.toml",
        'cause = "检查"\nofficers = ["张三", "李四"]\n'
        '[place]\nnames = ["甲厂"]\ndoor_number = "1号"\n[device]\nid = "7"\n',
    )
    near = written(tmp_path / "a.case.toml", 'officers = ["王五"]\n[place]\nnames = ["乙厂"]\n[device]\n')
    record = case_of(tmp_path / "a.mp4")
    assert record is not None
    assert list(record.entries()) == [
        ("cause", "检查", Source(folder, 1)),
        ("officers", "王五", Source(near, 1)),
        ("place.names", "乙厂", Source(near, 3)),
        ("device.id", "7", Source(folder, 7)),  # a section without entries says nothing
    ]
    assert record.path == near
    other = case_of(tmp_path / "b.mp4")
    assert other is not None
    assert other.values == read_case(folder).values


def test_files_lie_beside_the_record_that_names_them(tmp_path: Path) -> None:
    picture(tmp_path / "gate.png")
    written(tmp_path / "case.toml", 'transcript = "t.json"\n[place]\nphotos = ["gate.png"]\n')
    (tmp_path / "near").mkdir()
    far = read_case(tmp_path / "case.toml")
    near = read_case(written(tmp_path / "near" / "case.toml", 'cause = "x"\n'))
    assert near.over(far).photos() == (("gate.png", tmp_path / "gate.png"),)
    assert near.over(far).files("transcript") == (("t.json", tmp_path / "t.json"),)


def test_times_without_offset_are_taken_in_the_zone_of_their_record_or_of_the_next_farther(tmp_path: Path) -> None:
    clip = tmp_path / "a.mp4"
    near = written(tmp_path / "a.case.toml", "returned_at = 2026-03-04T10:20:00\n")
    folder = tmp_path / "case.toml"

    def times() -> list[str]:
        record = case_of(clip)
        assert record is not None
        return [value for name, value in record.values if name.endswith("_at")]

    assert times() == ["2026-03-04T10:20:00+08:00"]
    written(folder, "timezone = 'Asia/Tokyo'\nrecorded_at = 2026-03-04T08:00:00\n")
    assert times() == ["2026-03-04T08:00:00+09:00", "2026-03-04T10:20:00+09:00"]
    written(near, "returned_at = 2026-03-04T10:20:00\ntimezone = 'Asia/Bangkok'\n")
    assert times() == ["2026-03-04T08:00:00+09:00", "2026-03-04T10:20:00+07:00"]


def test_what_contradicts_itself_is_an_error_that_names_both_places(tmp_path: Path) -> None:
    folder = written(tmp_path / "case.toml", "closed_on = 2026-03-04\n")
    near = written(tmp_path / "a.case.toml", "\narchived_on = 2026-03-03\n")
    with pytest.raises(SettingsError) as raised:
        case_of(tmp_path / "a.mp4")
    assert str(raised.value) == (
        f"{near}, line 2: archived_on 2026-03-03 lies before closed_on 2026-03-04 ({folder}, line 1)"
    )
    assert case_of(tmp_path / "b.mp4") == read_case(folder)


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("closed_on = 2026-03-04\narchived_on = 2026-03-04", True),
        ("closed_on = 2026-03-04\narchived_on = 2026-03-03", False),
        ("[store]\nuploaded_at = 2026-03-04T10:20:30\nsorted_at = 2026-03-04T10:20:30", True),
        ("[store]\nuploaded_at = 2026-03-04T10:20:30\nsorted_at = '2026-03-04T10:20'", True),  # without seconds
        ("[store]\nuploaded_at = 2026-03-04T10:20:30\nsorted_at = 2026-03-04T10:19:59", False),
        ("[store]\nuploaded_at = 2026-03-04T10:20:00+08:00\nsorted_at = 2026-03-04T02:21:00Z", True),
        ("[store]\nuploaded_at = 2026-03-04T10:20:00+08:00\nsorted_at = 2026-03-04T02:19:00Z", False),
        ("returned_at = 2026-03-04T10:20:00\n[store]\nuploaded_at = 2026-03-02T10:20:00", True),
        ("archived_on = 2026-03-04\nended_on = 2026-03-05", True),
    ],
)
def test_only_what_cannot_be_is_a_contradiction(tmp_path: Path, text: str, good: bool) -> None:
    path = written(tmp_path / "case.toml", text)
    if good:
        assert len(read_case(path).values) == 2
    else:
        with pytest.raises(SettingsError, match=r"case\.toml, line \d: .* lies before .*case\.toml, line \d"):
            read_case(path)


def test_the_table_is_that_of_the_schema(tmp_path: Path) -> None:
    arrow = case_table(read_case(written(tmp_path / "case.toml")))
    assert arrow is not None
    assert arrow.schema == arrow_schema("case")
    assert list(to_table("case", arrow)["field"])[2:4] == ["place.names", "place.aliases"]
    assert case_table(None) is None


def test_a_record_that_says_nothing_is_an_empty_table(tmp_path: Path) -> None:
    arrow = case_table(read_case(written(tmp_path / "case.toml", "")))
    assert arrow is not None
    assert arrow.num_rows == 0
    assert arrow.schema == arrow_schema("case")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[place]\nname = ["甲厂"]\n', r"line 2: unknown entry place\.name\. Did you mean place\.names\?"),
        ('colour = "red"\n', r"line 1: unknown entry colour"),
        ('[place]\n\nnames = "甲厂"\n', r"line 3: place\.names must be a list of texts, not '甲厂'"),
        ("[device]\nid = 7\n", r"line 2: device\.id must be a text, not 7"),
        ('[place]\nnames = ["甲厂", " "]\n', r"line 2: place\.names holds an empty text"),
        ("place = 3\n", r"line 1: unknown entry place"),
        ("\n[plac]\n", r"line 2: unknown entry plac"),
        ("[[place]]\nnames = ['甲厂']\n", r"line 1: unknown entry place"),
        ("[place.names]\nx = 1\n", r"line 1: place\.names must be a list of texts"),
        ("cause = {}\n", r"line 1: cause must be a text, not \{\}"),
        ("[place]\nnames = []\n", r"line 2: place\.names is an empty list"),
        ("\ntimezone = 'Asia/Shangai'\n", r"line 2: timezone must be a zone .* Did you mean Asia/Shanghai\?"),
        ("[place\nnames = 1\n", r"line 1"),
    ],
)
def test_an_error_names_file_line_and_entry(tmp_path: Path, text: str, said: str) -> None:
    path = written(tmp_path / "x.mp4.case.toml", text)
    with pytest.raises(SettingsError, match=said) as raised:
        read_case(path)
    assert str(path) in str(raised.value)


def test_a_record_that_is_no_text_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "case.toml"
    path.write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(SettingsError, match=r"case\.toml"):
        read_case(path)


def picture(path: Path) -> Path:
    """Write a picture, whatever the name's ending is."""
    path.write_bytes(cv2.imencode(".png", np.zeros((30, 40), np.uint8))[1].tobytes())
    return path


def claims(path: Path, width: int, height: int) -> None:
    """Write a picture whose header claims a size."""
    content = bytearray(picture(path).read_bytes())
    content[16:24] = struct.pack(">II", width, height)
    content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
    path.write_bytes(content)


def test_photos_lie_beside_the_record_or_where_it_says(tmp_path: Path) -> None:
    beside, elsewhere = picture(tmp_path / "大门.png"), picture(tmp_path / "tower.jpg")
    record = read_case(written(tmp_path / "case.toml", f'[place]\nphotos = ["大门.png", "{elsewhere}"]\n'))
    assert record.photos() == (("大门.png", beside), (str(elsewhere), elsewhere))
    arrow = case_table(record)
    assert arrow is not None
    assert arrow["value"].to_pylist() == ["大门.png", str(elsewhere)]
    assert read_case(written(tmp_path / "other.toml")).photos() == ()


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: None, "is no file"),
        (lambda path: path.mkdir(), "is no file"),
        (os.mkfifo, "is no file"),
        (lambda path: path.write_text("a text"), "is no picture that can be read"),
        (lambda path: path.write_bytes(b""), "is no picture that can be read"),
        (lambda path: claims(path, 13_000, 10_000), "more than 120 megapixels"),
        (lambda path: claims(path, 60_000, 60_000), "more than 120 megapixels"),
    ],
    ids=["absent", "folder", "pipe", "text", "empty", "large", "huge"],
)
def test_a_photo_that_is_none_is_an_error(tmp_path: Path, make: Callable[[Path], object], said: str) -> None:
    make(tmp_path / "gate.jpg")
    path = written(tmp_path / "case.toml", '[place]\nnames = ["甲厂"]\nphotos = ["gate.jpg"]\n')
    with pytest.raises(SettingsError, match=rf"case\.toml, line 3: the photo gate\.jpg .*{said}"):
        read_case(path)


def test_names_of_fields_cannot_be_mistaken() -> None:
    names, headings = [field.name for field in FIELDS], [field.heading for field in FIELDS]
    assert len({*names, *headings}) == len(names) + len(headings)
    sections = {name.partition(".")[0] for name in names if "." in name}
    assert not sections & set(names)
    assert all(bool(field.codes) == (field.form in ("code", "codes")) for field in FIELDS)


def test_the_sample_record_is_valid() -> None:
    record = read_case(ROOT / "data_samples" / "case.toml")
    assert record.all("officers") == ("130102017", "130102022")


def test_the_document_lists_every_field() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    listed = re.findall(r"^\| `([\w.]+)` \| (\w+) \| (\S+) \| (.+) \|$", text, re.M)
    assert listed == [(field.name, field.form, field.heading, field.meaning) for field in FIELDS]
    codes = {
        name: re.findall(r"`([\w-]+)`", row)
        for names, row in re.findall(r"^\| (`[^|]+`) \| (`[^|]+`) \|$", text, re.M)
        for name in re.findall(r"`([\w.]+)`", names)
    }
    assert codes == {f.name: [code for code in f.codes if code != "none"] for f in FIELDS if f.codes}
    (none,) = re.findall(r"^These take `none` too, .*: (.+)\.$", text, re.M)
    assert re.findall(r"`([\w.]+)`", none) == [field.name for field in FIELDS if "none" in field.codes]


def test_the_example_of_the_document_states_every_field(tmp_path: Path) -> None:
    (example,) = re.findall(r"```toml\n(# everything.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.S)
    for photo in ("大门.jpg", "水塔.jpg"):
        picture(tmp_path / photo)
    record = read_case(written(tmp_path / "case.toml", example))
    assert {name for name, _ in record.values} == {field.name for field in FIELDS}
    assert record.all("pauses")[0] == "2026-03-04T10:20:00+08:00/2026-03-04T10:24:30+08:00 更换电池"


def test_the_table_of_the_document_can_be_read(tmp_path: Path) -> None:
    (example,) = re.findall(r"```csv\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.S)
    table = read_case_table(written(tmp_path / "store.csv", example))
    assert len(table.clips()) == len(example.splitlines()) - 1
    assert all(table.record(clip) for clip in table.clips())

"""Case records: where they lie, what they may say, and how an error names its place."""

import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from pipeline.case import FIELDS, case_file, case_of, case_table, read_case
from pipeline.errors import SettingsError
from pipeline.features.schema import arrow_schema, to_table

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
        ("place.names", "石家庄某某化工有限公司"),
        ("place.aliases", "某某化工"),
        ("place.aliases", "华北厂"),
        ("place.door_number", "25号"),
        ("device.id", "DSJ-K7A0123"),
        ("officers", "张三"),
        ("officers", "李四"),
    )
    assert record.all("place.aliases") == ("某某化工", "华北厂")
    assert record.all("agency.name") == ()


def test_the_nearest_file_is_the_record(tmp_path: Path) -> None:
    clip = tmp_path / "DCAM_7_3.mp4"
    assert case_file(clip) is None
    assert case_of(clip) is None
    for name in ("case.toml", "DCAM_7_3.case.toml", "DCAM_7_3.mp4.case.toml"):
        nearer = written(tmp_path / name)
        assert case_file(clip) == nearer


def test_the_table_is_that_of_the_schema(tmp_path: Path) -> None:
    arrow = case_table(read_case(written(tmp_path / "case.toml")))
    assert arrow is not None
    assert arrow.schema == arrow_schema("case")
    assert list(to_table("case", arrow)["field"])[:2] == ["place.names", "place.aliases"]
    assert case_table(None) is None


def test_a_record_that_says_nothing_is_an_empty_table(tmp_path: Path) -> None:
    arrow = case_table(read_case(written(tmp_path / "case.toml", "")))
    assert arrow is not None
    assert arrow.num_rows == 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[place]\nname = ["甲厂"]\n', r"line 2: unknown entry place\.name\. Did you mean place\.names\?"),
        ('colour = "red"\n', r"line 1: unknown entry colour"),
        ('[place]\n\nnames = "甲厂"\n', r"line 3: place\.names must be a list of texts, not '甲厂'"),
        ("[device]\nid = 7\n", r"line 2: device\.id must be a text, not 7"),
        ('[place]\nnames = ["甲厂", " "]\n', r"line 2: place\.names holds an empty text"),
        ("place = 3\n", r"line 1: unknown entry place"),
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


def test_every_field_can_be_written(tmp_path: Path) -> None:
    picture(tmp_path / "值")  # the photo that the record names
    lines: dict[str, list[str]] = {}
    for field in FIELDS:
        section, _, key = field.name.rpartition(".")
        lines.setdefault(section, []).append(f"{key} = " + ('"值"' if field.form == "text" else '["值"]'))
    text = "\n".join(lines.pop("", [])) + "".join(f"\n[{name}]\n" + "\n".join(rows) for name, rows in lines.items())
    record = read_case(written(tmp_path / "case.toml", text))
    assert [name for name, _ in record.values] == [field.name for field in FIELDS]

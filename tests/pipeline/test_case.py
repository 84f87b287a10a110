"""Case records: where they lie, what they may say, and how an error names its place."""

from pathlib import Path

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


def test_every_field_can_be_written(tmp_path: Path) -> None:
    lines: dict[str, list[str]] = {}
    for field in FIELDS:
        section, _, key = field.name.rpartition(".")
        lines.setdefault(section, []).append(f"{key} = " + ('"值"' if field.form == "text" else '["值"]'))
    text = "\n".join(lines.pop("", [])) + "".join(f"\n[{name}]\n" + "\n".join(rows) for name, rows in lines.items())
    record = read_case(written(tmp_path / "case.toml", text))
    assert [name for name, _ in record.values] == [field.name for field in FIELDS]

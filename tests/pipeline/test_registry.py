"""The registry of recorders: a CSV file, and what is wrong with one."""

import pytest

from pipeline.errors import SettingsError
from pipeline.features.schema import to_table
from pipeline.registry import read_registry


def written(folder, text, encoding="utf-8"):
    path = folder / "recorders.csv"
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("head", ["device_id,unit,officer", "设备编号,单位,姓名", "Device,Unit,Officer"])
def test_a_registry_is_read_however_a_spreadsheet_writes_it(tmp_path, encoding, head):
    text = f"{head}\r\nK7A0123,监察支队,张三\r\nK7A0123,监察支队,李四\r\n\r\n M9B4455 ,,\r\n"
    rows = to_table("registry", read_registry(written(tmp_path, text, encoding)))
    assert rows["device_id"].tolist() == ["K7A0123", "K7A0123", "M9B4455"]
    assert rows["unit"].tolist() == ["监察支队", "监察支队", None]
    assert rows["officer"].tolist() == ["张三", "李四", None]


def test_columns_may_lack_and_others_are_left_alone(tmp_path):
    rows = to_table("registry", read_registry(written(tmp_path, "note,device_id\nold,K7A0123\n")))
    assert (rows["device_id"].tolist(), rows["unit"].tolist()) == (["K7A0123"], [None])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", r"recorders\.csv, line 1: no column of devices"),
        ("unit,officer\na,b\n", "line 1: no column of devices; name it device_id or"),
        ("device_id,设备编号\na,b\n", "line 1: device_id and 设备编号 say the same"),
        ("device_id,unit\nK7A0123,a\n,b\n", "line 3: no device in column device_id"),
        ("device_id,unit\nK7A0123,a,b\n", "line 2: 3 cells under 2 headings"),
        ("device_id,unit\nK7A0123,a\nM9,b\nK7A0123,c\n", "line 4: K7A0123 has another unit in line 2"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path, text, said):
    with pytest.raises(SettingsError, match=said):
        read_registry(written(tmp_path, text))


def test_a_file_that_is_none_is_an_error(tmp_path):
    with pytest.raises(SettingsError, match="No such file"):
        read_registry(tmp_path / "absent.csv")
    path = tmp_path / "recorders.csv"
    path.write_bytes(b"\xff\xff\x00\x80")
    with pytest.raises(SettingsError, match="neither UTF-8 nor GB 18030"):
        read_registry(path)

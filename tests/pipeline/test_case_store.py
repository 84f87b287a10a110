"""The case records of a store in one table: which row is a clip's, what cells may hold, and what is wrong with one."""

import re
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.case import FIELDS, CaseRecord, Source, case_of, case_table, read_case_table
from pipeline.errors import SettingsError

SHA256 = "0123456789abcdef" * 4


def written(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "store.csv"
    path.write_bytes(text.encode(encoding))
    return path


def parquet(folder: Path, columns: dict[str, Any]) -> Path:
    path = folder / "store.parquet"
    pq.write_table(pa.table(columns), path)
    return path


def record_of(path: Path, clip: str = "a.mp4") -> CaseRecord:
    record = read_case_table(path).record(path.parent / clip)
    assert record is not None
    return record


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("clip", ["clip", "Clip", "录像", "文件"])
@pytest.mark.parametrize("heading", ["place.names", "Place.Names", "场所名称"])
def test_a_table_is_read_however_a_spreadsheet_writes_it(
    tmp_path: Path, encoding: str, clip: str, heading: str
) -> None:
    path = written(tmp_path, f"{clip}, {heading} ,案由,,\r\na.mp4,甲厂；乙厂、丙厂;丁厂,检查,,\r\n,,,,\r\n", encoding)
    assert record_of(path).values == (
        ("cause", "检查"),
        ("place.names", "甲厂"),
        ("place.names", "乙厂、丙厂"),
        ("place.names", "丁厂"),
    )


def test_every_value_names_its_line_or_row(tmp_path: Path) -> None:
    path = written(tmp_path, 'clip,officers,cause\na.mp4,"张三\n李四",\n\nb.mp4,,检查\n')
    assert list(record_of(path).entries()) == [("officers", name, Source(path, 2)) for name in ("张三", "李四")]
    assert list(record_of(path, "b.mp4").entries()) == [("cause", "检查", Source(path, 5))]
    path = parquet(tmp_path, {"clip": ["a.mp4", "b.mp4"], "cause": [None, "检查"]})
    assert record_of(path).values == ()
    arrow = case_table(record_of(path, "b.mp4"))
    assert arrow is not None
    assert arrow.to_pylist() == [{"field": "cause", "value": "检查", "source": f"{path}, row 2"}]


@pytest.mark.parametrize(
    ("name", "cell", "texts"),
    [
        *(("evidence", cell, ("true",)) for cell in ("true", "TRUE", "是", "1")),
        *(("evidence", cell, ("false",)) for cell in ("false", "False", "否", "0")),
        ("returned_at", "2026-03-04 10:20", ("2026-03-04T10:20:00+08:00",)),
        ("returned_at", "2026/3/4 9:05", ("2026-03-04T09:05:00+08:00",)),  # as spreadsheets rewrite it
        ("returned_at", "2026/3/4 9:05:30", ("2026-03-04T09:05:30+08:00",)),
        ("closed_on", "2026/3/4", ("2026-03-04",)),
        ("device.id", "0317255", ("0317255",)),
        ("secrecy", "state; privacy;", ("state", "privacy")),
        ("cause", "一；二", ("一；二",)),
        (
            "pauses",
            "2026-03-04T10:20/10:24 更换电池；2026-03-04T11:20/11:24 午饭",
            (
                "2026-03-04T10:20:00+08:00/2026-03-04T10:24:00+08:00 更换电池",
                "2026-03-04T11:20:00+08:00/2026-03-04T11:24:00+08:00 午饭",
            ),
        ),
    ],
)
def test_cells_are_texts(tmp_path: Path, name: str, cell: str, texts: tuple[str, ...]) -> None:
    assert record_of(written(tmp_path, f"clip,{name}\na.mp4,{cell}\n")).all(name) == texts
    assert record_of(parquet(tmp_path, {"clip": ["a.mp4"], name: [cell]})).all(name) == texts


@pytest.mark.parametrize(
    ("name", "column", "texts"),
    [
        ("place.names", pa.array([["甲厂", "乙；厂"]]), ("甲厂", "乙；厂")),
        ("place.names", pa.array([[]], pa.list_(pa.string())), ()),
        ("place.names", pa.array(["甲厂"]).dictionary_encode(), ("甲厂",)),
        ("evidence", pa.array([True]), ("true",)),
        ("evidence", pa.array([0]), ("false",)),
        ("evidence", pa.array([None], pa.bool_()), ()),
        ("closed_on", pa.array([date(2026, 3, 4)]), ("2026-03-04",)),
        ("closed_on", pa.array([datetime(2026, 3, 4)]), ("2026-03-04",)),
        ("returned_at", pa.array([datetime(2026, 3, 4, 10, 20)], pa.timestamp("ms")), ("2026-03-04T10:20:00+08:00",)),
        ("returned_at", pa.array([1_000_000_001], pa.timestamp("ns", "UTC")), ("1970-01-01T00:00:01+00:00",)),
        (
            "returned_at",
            pa.array([datetime(2026, 3, 4, 2, 20)], pa.timestamp("us", "Asia/Shanghai")),
            ("2026-03-04T10:20:00+08:00",),
        ),
    ],
)
def test_parquet_has_its_own_types(tmp_path: Path, name: str, column: pa.Array, texts: tuple[str, ...]) -> None:
    assert record_of(parquet(tmp_path, {"clip": ["a.mp4"], name: column})).all(name) == texts


def test_times_are_taken_in_the_zone_of_the_row(tmp_path: Path) -> None:
    path = written(tmp_path, "clip,returned_at,时区\na.mp4,2026-03-04 10:20,Asia/Tokyo\nb.mp4,2026-03-04 10:20,\n")
    assert record_of(path).first("returned_at") == "2026-03-04T10:20:00+09:00"
    assert record_of(path, "b.mp4").first("returned_at") == "2026-03-04T10:20:00+08:00"


@pytest.mark.parametrize(
    ("cell", "clip", "found"),
    [
        ("a.mp4", "a.mp4", True),
        ("a.mp4", "d1/a.mp4", True),  # a name alone, and no such file beside the table
        ("./a.mp4", "d1/a.mp4", False),
        ("d1/a.mp4", "d1/a.mp4", True),
        ("d1/a.mp4", "d1/../d1/a.mp4", True),
        (r"d1\a.mp4", "d1/a.mp4", True),
        ("d1/a.mp4", "a.mp4", False),
        ("d1/a.mp4", "d2/a.mp4", False),
        ("{folder}/d1/a.mp4", "d1/a.mp4", True),
        ("{folder}/a.mp4", "d1/a.mp4", False),
        ("../{name}/a.mp4", "a.mp4", True),
        ("link/a.mp4", "link/a.mp4", True),
        ("d1/a.mp4", "link/a.mp4", True),
        ("link/a.mp4", "d1/a.mp4", False),  # links of the table are not followed
        ("b.mp4", "a.mp4", False),
    ],
)
def test_a_row_finds_its_clip(tmp_path: Path, cell: str, clip: str, found: bool) -> None:
    (tmp_path / "d1").mkdir()
    (tmp_path / "link").symlink_to("d1")
    table = read_case_table(written(tmp_path, f"clip\n{cell.format(folder=tmp_path, name=tmp_path.name)}\n"))
    assert (table.record(tmp_path / clip) is not None) is found


def test_a_clip_is_found_however_its_path_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "link").symlink_to("store")
    (tmp_path / "store" / "a.mp4").symlink_to(tmp_path / "blob")
    written(tmp_path / "store", "clip\n./a.mp4\n")
    monkeypatch.chdir(tmp_path)
    for folder in (tmp_path / "store", Path("store"), Path("link")):
        table = read_case_table(folder / "store.csv")
        assert all(table.record(place / "a.mp4") for place in (tmp_path / "store", Path("store"), Path("link")))


def test_a_name_alone_is_that_of_the_file_beside_the_table_if_there_is_one(tmp_path: Path) -> None:
    table = read_case_table(written(tmp_path, "clip\na.mp4\n"))
    assert table.record(tmp_path / "d1" / "a.mp4") is not None
    (tmp_path / "a.mp4").touch()
    assert table.record(tmp_path / "d1" / "a.mp4") is None
    assert table.record(tmp_path / "a.mp4") is not None


def test_a_name_that_another_row_has_too_is_no_clip_elsewhere(tmp_path: Path) -> None:
    table = read_case_table(written(tmp_path, "clip,cause\na.mp4,x\nd1/a.mp4,y\n"))
    causes = {}
    for folder in (".", "d1", "d2"):
        record = table.record(tmp_path / folder / "a.mp4")
        causes[folder] = record and record.first("cause")
    assert causes == {".": "x", "d1": "y", "d2": None}


def test_one_row_cannot_be_two_clips(tmp_path: Path) -> None:
    table = read_case_table(written(tmp_path, "clip\na.mp4\n./b.mp4\n"))
    table.must_tell_apart([tmp_path / "d1" / "a.mp4", tmp_path / "d1" / "a.mp4", tmp_path / "b.mp4", tmp_path / "c"])
    with pytest.raises(
        SettingsError, match=r"store\.csv, line 2: names both .*d1/a\.mp4 and .*d2/a\.mp4; name the clip"
    ):
        table.must_tell_apart([tmp_path / "d1" / "a.mp4", tmp_path / "d2" / "a.mp4"])


def test_clips_that_do_not_exist_are_listed(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").touch()
    table = read_case_table(written(tmp_path, "clip\na.mp4\nd1/b.mp4\nc.mp4\n"))
    assert table.clips() == (tmp_path / "a.mp4", tmp_path / "d1" / "b.mp4", tmp_path / "c.mp4")
    assert table.missing() == (tmp_path / "d1" / "b.mp4", tmp_path / "c.mp4")
    assert table.missing([tmp_path / "d2" / "c.mp4"]) == (tmp_path / "d1" / "b.mp4",)


def test_the_table_is_the_farthest_source(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "clip,cause,officers,place.names,place.door_number,timezone\na.mp4,x,张三,甲厂,1号,Asia/Tokyo\n",
    )
    (tmp_path / "case.toml").write_text('officers = ["李四"]\nreturned_at = 2026-03-04T10:20:00\n', encoding="utf-8")
    (tmp_path / "a.mp4.case.toml").write_text('[place]\nnames = ["乙厂"]\n', encoding="utf-8")
    table = read_case_table(path)
    record = case_of(tmp_path / "a.mp4", table)
    assert record is not None
    assert [(name, value, source.path.name, source.line) for name, value, source in record.entries()] == [
        ("cause", "x", "store.csv", 2),
        ("officers", "李四", "case.toml", 1),
        ("timezone", "Asia/Tokyo", "store.csv", 2),
        ("returned_at", "2026-03-04T10:20:00+09:00", "case.toml", 2),
        ("place.names", "乙厂", "a.mp4.case.toml", 2),
    ]
    other = case_of(tmp_path / "b.mp4", table)
    assert other is not None
    assert other.all("cause") == ()
    (tmp_path / "case.toml").unlink()
    assert case_of(tmp_path / "b.mp4", table) is None


def test_only_photos_of_clips_that_are_examined_are_looked_at(tmp_path: Path) -> None:
    table = read_case_table(written(tmp_path, "clip,标志照片\na.mp4,gate.jpg\nb.mp4,\n"))
    assert case_of(tmp_path / "b.mp4", table) is not None
    with pytest.raises(SettingsError, match=r"store\.csv, line 2: the photo gate\.jpg is no file"):
        case_of(tmp_path / "a.mp4", table)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", ["line 1: no column of clips; name it clip or 录像 or 文件"]),
        ("录像文件\na.mp4\n", ["line 1: no column of clips; name it"]),  # it is the heading of `clips`
        ("clip,officer\n", [r"line 1: unknown heading officer\. Did you mean officers\?"]),
        ("clip,,cause\n", ["line 1: a column has no heading"]),
        ("clip,cause,案由\n", ["line 1: cause and 案由 say the same; keep one of them"]),
        ("clip,文件,x\n", ["line 1: clip and 文件 say the same", "line 1: unknown heading x"]),
        ("\nclip,x\n", ["line 2: unknown heading x"]),
        ("clip,cause\na.mp4,x\n,y\n", ["line 3: no clip"]),
        ("clip,cause\na.mp4,x,,\nb.mp4,x,y\n", ["line 3: 3 cells under 2 headings"]),
        ("clip\na.mp4\nb.mp4\n./a.mp4\n", [r"line 4: \./a\.mp4 has a row already: line 2"]),
        ("clip,evidence\na.mp4,ja\n", ["line 2: evidence must be true or false, not 'ja'"]),
        ("clip,closed_on\na.mp4,4.3.2026\n", ["line 2: closed_on must be a date"]),
        ("clip,flags\na.mp4,;\n", ["line 2: flags must be a list of codes, not ';'"]),
        ("clip,store.sha256\na.mp4,x\n", ["line 2: store.sha256 must be 64 hexadecimal digits"]),
        ("clip,时区\na.mp4,PRC+8\n", ["line 2: timezone must be a zone"]),
        (
            "clip,结案日期,归档日期\na.mp4,2026-03-04,2026-03-03\n",
            [r"line 2: archived_on 2026-03-03 lies before closed_on 2026-03-04 \(.*line 2\)"],
        ),
        (
            'clip,secrecy,evidence\na.mp4,stat,2\nb.mp4,"state\nnone",是\nc.mp4,state,3\n',
            [
                r"line 2: secrecy must be one of .* Did you mean state\?",
                "line 2: evidence must be true or false, not '2'",
                "line 3: secrecy says none beside state",
                "line 5: evidence must be true or false, not '3'",
            ],
        ),
        ('clip,cause\na.mp4,"x\nb.mp4,y\n', ["line 2: unexpected end of data"]),
        ('clip,cause\na.mp4,"x"y\n', ["line 2: .* expected after"]),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path: Path, text: str, said: list[str]) -> None:
    path = written(tmp_path, text)
    with pytest.raises(SettingsError) as raised:
        read_case_table(path)
    lines = str(raised.value).splitlines()
    assert len(lines) == len(said)
    for line, pattern in zip(lines, said, strict=True):
        assert re.match(f"{re.escape(str(path))}, {pattern}", line), line


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"clip": ["a.mp4"], "device.id": [317255]}, "row 1: device.id must be a text, not 317255"),
        ({"clip": ["a.mp4", None]}, "row 2: no clip"),
        ({"clip": [1]}, "row 1: clip must be a text, not 1"),
        ({"clip": ["a.mp4"], "officers": [["张三", None]]}, "row 1: officers must be a list of texts, not None"),
        ({"clip": ["a.mp4"], "closed_on": [datetime(2026, 3, 4, 1)]}, "row 1: closed_on must be a date"),
        ({"clip": ["a.mp4"], "evidence": [0.5]}, "row 1: evidence must be true or false, not 0.5"),
        ({"clip": ["a.mp4"], "x": [1]}, "unknown heading x"),
        ({"clip": ["a.mp4"], "返回单位时间": pa.array([10**18], pa.timestamp("us"))}, "returned_at: "),
        ({"clip": ["a.mp4"], "returned_at": pa.array([0], pa.timestamp("us", "Asia/Nowhere"))}, "returned_at: "),
    ],
)
def test_what_is_wrong_in_parquet_is_said_with_its_row(tmp_path: Path, columns: dict[str, Any], said: str) -> None:
    path = parquet(tmp_path, columns)
    with pytest.raises(SettingsError) as raised:
        read_case_table(path)
    assert str(raised.value).startswith((f"{path}, {said}", f"{path}: {said}"))


def test_ten_errors_are_told_and_that_there_are_more(tmp_path: Path) -> None:
    for count, last in ((10, "line 11: evidence must be"), (11, "and more")):
        rows = [f"{n}.mp4,x" for n in range(count)]
        with pytest.raises(SettingsError) as raised:
            read_case_table(written(tmp_path, "\n".join(["clip,evidence", *rows])))
        told = str(raised.value).splitlines()
        assert len(told) == count
        assert last in told[-1]
        assert all(f"line {n + 2}: evidence must be" in told[n] for n in range(10))


@pytest.mark.parametrize("name", ["store.csv", "store.parquet"])
def test_a_file_that_is_none_is_an_error(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    with pytest.raises(SettingsError, match=name):
        read_case_table(path)
    path.write_bytes(b"\xff\xff\x00\x80")
    with pytest.raises(SettingsError, match=name):
        read_case_table(path)


def test_every_field_may_be_a_column(tmp_path: Path) -> None:
    for headings in ([field.name for field in FIELDS], [field.heading for field in FIELDS]):
        table = read_case_table(written(tmp_path, f"clip,{','.join(headings)}\na.mp4\n"))
        assert sorted(table.rows.column_names) == sorted(["clip", *(field.name for field in FIELDS)])

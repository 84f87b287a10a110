"""Values of case records: what each form takes, what it is stored as, and what is wrong with the rest."""

from datetime import date, datetime, time, timedelta, timezone
from typing import Any

import pytest

from pipeline.case import DEFAULT_ZONE, FIELDS
from pipeline.case.values import WrongValue, stored

BY_NAME = {field.name: field for field in FIELDS}
SHA256 = "0123456789abcdef" * 4
TOKYO = timezone(timedelta(hours=9))


@pytest.mark.parametrize(
    ("name", "value", "texts"),
    [
        ("cause", " 检查 ", ("检查",)),
        ("officers", ["张三 ", "李四"], ("张三", "李四")),
        ("exemption.code", "secrecy", ("secrecy",)),
        ("phases_due", ["signing", "inspection"], ("signing", "inspection")),
        ("phases_due", ["none"], ("none",)),
        ("evidence", True, ("true",)),
        ("evidence", False, ("false",)),
        ("returned_at", datetime(2026, 3, 4, 10, 20), ("2026-03-04T10:20:00+08:00",)),
        ("returned_at", datetime(2026, 3, 4, 10, 20, 5, tzinfo=TOKYO), ("2026-03-04T10:20:05+09:00",)),
        ("returned_at", "2026-03-04T10:20", ("2026-03-04T10:20:00+08:00",)),
        ("returned_at", " 2026-03-04 10:20:05.5 ", ("2026-03-04T10:20:05.500000+08:00",)),
        ("returned_at", "2026-03-04T10:20Z", ("2026-03-04T10:20:00+00:00",)),
        ("returned_at", "2026-03-04T10:20:05-0330", ("2026-03-04T10:20:05-03:30",)),
        ("closed_on", date(2026, 3, 4), ("2026-03-04",)),
        ("closed_on", "2026-03-04", ("2026-03-04",)),
        ("store.sha256", SHA256.upper(), (SHA256,)),
        ("timezone", "Asia/Urumqi", ("Asia/Urumqi",)),
        ("access.by", ["none"], ("none",)),
        ("copies.approved_by", ["赵六", "赵六"], ("赵六", "赵六")),
        (
            "pauses",
            ["2026-03-04T10:20:00+08:00/2026-03-04T10:24:30+08:00 更换电池"],
            ("2026-03-04T10:20:00+08:00/2026-03-04T10:24:30+08:00 更换电池",),
        ),
        (
            "pauses",
            ["2026-03-04T10:20/10:24:30 更换 电池"],
            ("2026-03-04T10:20:00+08:00/2026-03-04T10:24:30+08:00 更换 电池",),
        ),
        ("pauses", ["2026-03-04 10:20 / 10:24　走廊"], ("2026-03-04T10:20:00+08:00/2026-03-04T10:24:00+08:00 走廊",)),
        (
            "pauses",
            ["2026-03-04T23:50/2026-03-05T00:10 走廊"],
            ("2026-03-04T23:50:00+08:00/2026-03-05T00:10:00+08:00 走廊",),
        ),
        # what START says of the offset holds for both ends, as in ISO 8601
        ("pauses", ["2026-03-04T02:20Z/02:24 走廊"], ("2026-03-04T02:20:00+00:00/2026-03-04T02:24:00+00:00 走廊",)),
        ("pauses", ["2026-03-04T10:20/02:24Z 走廊"], ("2026-03-04T10:20:00+08:00/2026-03-04T02:24:00+00:00 走廊",)),
    ],
)
def test_a_value_is_stored_as_text(name: str, value: Any, texts: tuple[str, ...]) -> None:
    assert stored(BY_NAME[name], value, DEFAULT_ZONE) == texts


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("cause", 7, "must be a text, not 7"),
        ("cause", ["a"], r"must be a text, not \['a'\]"),
        ("cause", " ", "holds an empty text; leave the entry out"),
        ("officers", "张三", "must be a list of texts, not '张三'"),
        ("officers", ["张三", 7], "must be a list of texts, not 7"),
        ("officers", [], "is an empty list"),
        ("phases_due", [1], "must be a list of codes, not 1"),
        ("phases_due", ["inspecton"], r"not 'inspecton'\. Did you mean inspection\?"),
        ("phases_due", ["检查"], r"must be one of none, introduction, .*, not '检查'\.$"),
        ("phases_due", ["none", "inspection"], "says none beside inspection; none must stand alone"),
        ("secrecy", ["state", "none"], "says none beside state"),
        ("access.by", ["none", "张三"], "says none beside 张三"),
        ("exemption.phases", ["none"], "must be one of introduction"),
        ("exemption.code", "secret", r"Did you mean secrecy\?"),
        ("exemption.code", True, "must be a text, not True"),
        ("evidence", "true", "must be true or false, not 'true'"),
        ("evidence", 1, "must be true or false, not 1"),
        ("returned_at", date(2026, 3, 4), "must be a time with its date, such as .*, not 2026-03-04"),
        ("returned_at", time(10, 20), "not 10:20:00"),
        ("returned_at", "2026-03-04", "must be a time with its date"),
        ("returned_at", "10:20", "must be a time with its date"),
        ("returned_at", "2026-03-04T10", "must be a time with its date"),
        ("returned_at", "2026-13-04T10:20", "must be a day and time that exist"),
        ("returned_at", "2026-03-04T25:20", "must be a day and time that exist"),
        ("returned_at", "2026-03-04T10:20+25:00", "must be a day and time that exist"),
        ("closed_on", datetime(2026, 3, 4, 10), "must be a date, such as 2026-03-04, not 2026-03-04 10:00:00"),
        ("closed_on", "2026-02-30", "must be a day and time that exist, not '2026-02-30'"),
        ("closed_on", "2026-3-4", "must be a date"),
        ("closed_on", 20260304, "must be a date"),
        ("store.sha256", SHA256[1:], "must be 64 hexadecimal digits"),
        ("store.sha256", "g" + SHA256[1:], "must be 64 hexadecimal digits"),
        ("timezone", "CST", "must be a zone of the IANA list"),
        ("timezone", "localtime", "must be a zone of the IANA list"),
        ("timezone", "../etc/passwd", "must be a zone of the IANA list"),
        ("timezone", "+08:00", "must be a zone of the IANA list"),
        ("pauses", ["2026-03-04T10:20/10:24"], "gives no reason"),
        ("pauses", ["2026-03-04T10:20/10:24 "], "gives no reason"),
        ("pauses", ["2026-03-04T10:20 更换电池"], "must be START/END reason"),
        ("pauses", ["10:20/10:24 更换电池"], "must be START/END reason"),
        ("pauses", ["2026-03-04T10:20/10:24更换电池"], "must be START/END reason"),
        ("pauses", ["2026-03-04T10:20/10:20 更换电池"], "ends before it starts"),
        ("pauses", ["2026-03-04T23:50/00:10 更换电池"], "ends before it starts"),
        ("pauses", ["2026-03-04T10:20+08:00/2026-03-04T02:19Z 更换电池"], "ends before it starts"),
        ("pauses", ["2026-02-30T10:20/10:24 更换电池"], "must be a day and time that exist"),
        ("pauses", "2026-03-04T10:20/10:24 更换电池", "must be a list of texts"),
    ],
)
def test_what_a_field_does_not_take_is_said(name: str, value: Any, said: str) -> None:
    with pytest.raises(WrongValue, match=said):
        stored(BY_NAME[name], value, DEFAULT_ZONE)


@pytest.mark.parametrize("text", ["1986-05-04T02:30", "1986-09-14T01:30"])
def test_a_time_that_is_skipped_or_comes_twice_needs_its_offset(text: str) -> None:
    with pytest.raises(WrongValue, match="skipped or comes twice where clocks change in Asia/Shanghai"):
        stored(BY_NAME["returned_at"], text, DEFAULT_ZONE)
    assert stored(BY_NAME["returned_at"], text + "+09:00", DEFAULT_ZONE) == (text + ":00+09:00",)
    assert stored(BY_NAME["returned_at"], text, "Asia/Tokyo") == (text + ":00+09:00",)

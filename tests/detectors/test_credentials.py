"""Credentials in the picture, and in the written record."""

import pytest

from detectors.credentials import credentials
from tests.detectors.recorded import case, clip, text
from tests.packets import kinds

CARD = ("中华人民共和国行政执法证", "姓名：张三", "单位：石家庄市应急管理局", "证号：13010012345")


def lines(*shown, **other):
    """Return lines below each other in one picture."""
    return [
        text(one, top=0.3 + 0.06 * n, bottom=0.34 + 0.06 * n, document=True, **other) for n, one in enumerate(shown)
    ]


def judged(texts, **record):
    return list(credentials(clip(case(cause="检查", **record), texts=texts)))


def test_a_card_is_read():
    (found,) = judged(lines(*CARD), phases_recorded=["introduction", "inspection"])
    assert kinds([found]) == [("credentials-shown", "note")]
    assert found.evidence["lines"] == CARD
    assert found.evidence["phases"] == ("introduction", "inspection")
    assert found.span.start_s == 2.0


@pytest.mark.parametrize(
    "shown",
    [
        ("河北省行政执法证", "姓名 李四", "执法证号 A0123456"),
        ("行政执法证件", "职务：科员", "有效期至2028年12月31日"),
        ("ADMINISTRATIVE LAW ENFORCEMENT CHINA", "河北省人民政府监制", "有效期2028.12"),
        ("行政执法证", "发证机关：河北省人民政府", "执法区域：长安区"),
    ],
)
def test_cards_of_several_patterns(shown):
    (found,) = judged(lines(*shown))
    assert found.kind == "credentials-shown" and found.evidence["phases"] == ()


@pytest.mark.parametrize(
    "shown",
    [
        CARD[:1],
        CARD[:2],
        CARD[1:],
        ("营业执照", "姓名：张三", "编号：13010012345"),
        ("现场检查记录", *CARD),
        ("我们是应急管理局执法人员，这是我们的行政执法证", "姓名：张三", "证号：13010012345"),
        ("执法人员公示栏", *CARD),
        ("行政执法证", "姓名：张三", "当事人：李四", "证号：13010012345"),
        ("行政执法证", "编号：12", "单位"),
    ],
)
def test_less_than_a_card_is_none(shown):
    assert judged(lines(*shown)) == []


def test_a_card_must_be_read_well_in_one_picture_and_not_be_burned_in():
    assert judged(lines(*CARD, confidence=0.6)) == []
    assert judged(lines(*CARD, overlay=True)) == []
    apart = [line | {"frame": n, "time_s": float(n)} for n, line in enumerate(lines(*CARD))]
    assert judged(apart) == []


def test_lines_far_from_the_title_are_not_of_the_card():
    far = [
        line | ({"top": 0.92, "bottom": 0.96} if n else {"top": 0.02, "bottom": 0.04})
        for n, line in enumerate(lines(*CARD))
    ]
    assert judged(far) == []


@pytest.mark.parametrize(("value", "expected"), [("true", [("credentials-noted", "note")]), ("false", []), ("?", [])])
def test_the_written_record_notes_it(value, expected):
    assert kinds(judged([], notes__credentials=value)) == expected


def test_without_reading_the_pictures_the_note_still_counts():
    found = list(credentials(clip(case(notes__credentials="true"))))
    assert [f.kind for f in found] == ["credentials-noted"]

"""Names held against texts: what is taken away, what must agree, and which boxes read as one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.features.schema import table
from pipeline.signs.matching import match_score, signs_of, unread_of
from pipeline.signs.naming import core, door_numbers, numbers, own_part, plain


def box(
    text: str | None,
    left: float,
    top: float,
    *,
    frame: int = 0,
    overlay: bool = False,
    document: bool = False,
    **more: float,
) -> dict[str, object]:
    """Return a row of the texts table: a line of letters 0.05 high and 0.03 wide."""
    values: dict[str, object] = {
        "frame": frame,
        "time_s": float(frame),
        "text": text,
        "confidence": 0.95,
        "left": left,
        "top": top,
        "right": left + 0.03 * len(text or "????"),
        "bottom": top + 0.05,
        "height_px": 36.0,
        "sharpness": 900.0,
        "overlay": overlay,
        "document": document,
    }
    return {**values, **more}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("漢陽區　絕對「好」", "汉阳区绝对好"),
        ("ＡＢＣ－１２", "abc12"),
        ("E区25－26号", "e区25-26号"),
        ("25 ~ 26号", "25-26号"),
        ("打浦路 25 29 35号", "打浦路252935号"),
        ("第十二中学", "第12中学"),
        ("第二小学", "第2小学"),
        ("三十五号", "35号"),
        ("万里长城", "万里长城"),
        ("一心商行", "一心商行"),
        ("第三分店", "第3分店"),
        ("惠民二店", "惠民2店"),
    ],
)
def test_texts_are_compared_in_one_form(text: str, expected: str) -> None:
    assert plain(text) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("石家庄市长安区金星化工有限公司", "金星化工"),
        ("河北省石家庄市金星化工有限责任公司", "金星化工"),
        ("上海斯格威铂尔大酒店", "斯格威铂尔"),
        ("中国农业银行", "农业银行"),
        ("野徐镇中心幼儿园", "中心幼儿园"),
        ("华联超市", "华联超市"),
        ("阳光小区物业管理处", "阳光小区物业管理处"),
        ("绿洲仕格维花园公寓", "绿洲仕格维花园"),
        ("愚园路", "愚园路"),
        ("某某", "某某"),
        ("河北宏图伟业机电设备安装有限公司", "宏图伟业"),
    ],
)
def test_what_tells_a_name_from_others_is_left(name: str, expected: str) -> None:
    assert core(name) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("石家庄市长安区金星机械制造厂", "金星"),
        ("石家庄市金星化工有限公司", "金星"),
        ("河北宏图伟业机电设备安装有限公司", "宏图伟业"),
        ("依佳人网咖", "依佳"),
        ("化工路", "化工"),
        ("中国农业银行", "农业"),
        ("某某", "某某"),
    ],
)
def test_what_an_enterprise_chose_for_itself(name: str, expected: str) -> None:
    assert own_part(name) == expected


@given(st.text(max_size=20))
def test_taking_away_never_leaves_a_name_without_characters(name: str) -> None:
    assert core(name) in plain(name)
    assert len(core(name)) >= min(len(plain(name)), 3)


def test_numbers_and_door_numbers() -> None:
    assert numbers("e区25-26号3楼") == {"25-26", "3"}
    assert door_numbers("e区25-26号3楼") == {"25-26"}


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("金星化工", "石家庄市金星化工有限公司"),
        ("欢迎光临金星化工厂区", "石家庄市金星化工有限公司"),
        ("金星化工股份有限公司", "石家庄市金星化工有限公司"),
        ("局利水市西莱", "莱西市水利局"),
        ("漢陽鸚鵡家居建材市場", "汉阳鹦鹉家居建材市场"),
        ("打浦路15号", "打浦路15号"),
        ("第二小学", "第2小学"),
        ("某某", "某某"),
    ],
)
def test_the_same_place_scores_100(text: str, name: str) -> None:
    assert match_score(text, [name]) == (100.0, name)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("大酒店", "上海斯格威铂尔大酒店"),
        ("有限公司", "石家庄市金星化工有限公司"),
        ("石家庄市", "石家庄市金星化工有限公司"),
        ("金", "石家庄市金星化工有限公司"),
        ("如家大酒店", "上海斯格威铂尔大酒店"),
        ("打浦路25号", "打浦路15号"),
        ("打浦路1525号", "打浦路15号"),
        ("第三小学", "第二小学"),
        ("25号", "E区25-26号"),
        ("热干面某某大碗", "某某"),
        ("", "金星化工"),
        ("!?", "金星化工"),
    ],
)
def test_another_place_stays_below_80(text: str, name: str) -> None:
    assert match_score(text, [name])[0] < 80


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("宏星机械制造厂", "石家庄市金星机械制造厂"),
        ("石家庄市金鑫烟花爆竹专营店", "石家庄市金福烟花爆竹专营店"),
        ("永兴机电设备安装", "河北永盛机电设备安装有限公司"),
        ("河北宏图大业机电设备安装有限公司", "河北宏图伟业机电设备安装有限公司"),
        ("爱佳人网咖", "依佳人网咖"),
    ],
)
def test_another_enterprise_of_the_same_trade_stays_near(text: str, name: str) -> None:
    assert 60 <= match_score(text, [name])[0] < 80


def test_a_misread_trade_still_matches() -> None:
    assert match_score("金星机诫制造厂", ["石家庄市金星机械制造厂"])[0] >= 80


def test_one_wrong_character_of_ten_still_matches() -> None:
    assert 80 <= match_score("石冢庄市安全生产监督管里局", ["石家庄市安全生产监督管理局"])[0] < 100


def test_the_best_of_several_names_is_named() -> None:
    assert match_score("欢迎来到华北厂区", ["金星化工有限公司", "华北厂区"]) == (100.0, "华北厂区")
    assert match_score("欢迎", []) == (0.0, "")


def test_the_door_of_the_record_must_agree_with_the_door_on_the_sign() -> None:
    names = ["金星化工有限公司"]
    assert match_score("金星化工 和平路25号", names, "25号")[0] == 100
    assert match_score("金星化工 和平路27号", names, "25号")[0] == 0
    assert match_score("金星化工", names, "25号")[0] == 100


@given(
    st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x4FFF), min_size=3, max_size=12), st.text(max_size=20)
)
def test_scores_are_0_to_100_and_a_name_matches_itself(name: str, text: str) -> None:
    assert 0 <= match_score(text, [name])[0] <= 100
    assert match_score(name, [name])[0] == 100


def test_the_recorders_texts_are_no_signs() -> None:
    texts = table("texts", [box("2019-07-25", 0.0, 0.0, overlay=True), box("金星化工", 0.3, 0.4)])
    assert [sign.text for sign in signs_of(texts)] == ["金星化工"]


def test_pages_and_what_was_not_read_are_no_signs() -> None:
    texts = table(
        "texts",
        [
            box("名称金星化工", 0.3, 0.4, document=True),
            box(None, 0.3, 0.6, confidence=float("nan")),
            box(None, 0.3, 0.02, confidence=float("nan"), overlay=True),
            box(None, 0.3, 0.7, confidence=float("nan"), document=True),
        ],
    )
    assert signs_of(texts) == []
    (unread,) = unread_of(texts)
    assert (unread.text, unread.top, unread.height_px) == ("", 0.6, 36.0)


def test_letters_far_apart_read_as_one_text_in_a_row_and_downwards() -> None:
    row = [box(letter, 0.1 + 0.09 * place, 0.4) for place, letter in enumerate("金星化工集团")]
    assert "金星化工集团" in {sign.text for sign in signs_of(table("texts", row))}
    down = [box(letter, 0.5, 0.1 + 0.12 * place) for place, letter in enumerate("金星化工集团")]
    assert "金星化工集团" in {sign.text for sign in signs_of(table("texts", down))}


def test_columns_read_as_one_from_either_side() -> None:
    tall = {"right": 0.53, "bottom": 0.6}
    columns = [box("金星化工", 0.5, 0.3, **tall), box("有限公司", 0.45, 0.3, right=0.48, bottom=0.6)]
    found = {sign.text for sign in signs_of(table("texts", columns))}
    assert {"金星化工有限公司", "有限公司金星化工"} <= found


def test_two_lines_of_a_sign_read_as_one() -> None:
    texts = table("texts", [box("石家庄", 0.30, 0.40), box("金星化工", 0.29, 0.46)])
    joined = max(signs_of(texts), key=lambda sign: sign.boxes)
    assert joined.text == "石家庄金星化工"
    assert (joined.left, joined.top, joined.boxes) == (0.29, 0.40, 2)
    assert joined.bottom == pytest.approx(0.51)


def test_words_of_one_line_read_as_one_and_three_at_most() -> None:
    row = [box(text, left, 0.4) for text, left in (("金星", 0.1), ("化工", 0.18), ("集团", 0.26), ("公司", 0.34))]
    found = {sign.text for sign in signs_of(table("texts", row))}
    assert {"金星化工", "金星化工集团", "化工集团公司"} <= found
    assert not any(len(text) > 6 for text in found)


@pytest.mark.parametrize(
    "other",
    [
        box("金星化工", 0.8, 0.4),
        box("金星化工", 0.3, 0.8),
        box("金星化工", 0.3, 0.46, height_px=120.0),
        box("金星化工", 0.3, 0.46, frame=1),
    ],
    ids=["far right", "far below", "much larger", "another picture"],
)
def test_what_does_not_belong_together_is_not_joined(other: dict[str, object]) -> None:
    signs = signs_of(table("texts", [box("石家庄", 0.3, 0.4), other]))
    assert {sign.boxes for sign in signs} == {1}
    assert len(signs) == 2


def test_no_texts_give_no_signs() -> None:
    assert signs_of(table("texts", [])) == []

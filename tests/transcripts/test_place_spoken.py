"""Whether the place's name was spoken: homophones, numbers however they are said, and names that only come near."""

import pytest

from pipeline.detector import REGISTRY
from pipeline.features.schema import table
from pipeline.language import language
from pipeline.model import Features, Finding, Level, Table
from transcripts.place_spoken import forms, place_names, spoken_names, value

NAME = "石家庄市长安区禾岭化工有限公司"


def words(*texts: str) -> Table:
    """Return words of half a second each."""
    return table(
        "words",
        [{"start_s": n / 2, "stop_s": n / 2 + 0.4, "text": text, "probability": 0.9} for n, text in enumerate(texts)],
    )


def spoken(said: str, *names: str) -> list[str]:
    return [found.name for found in spoken_names(words(said), names)]


def case(*values: tuple[str, str]) -> Table:
    return table("case", [{"field": field, "value": value} for field, value in values])


def test_the_name_is_found_with_its_time_and_words() -> None:
    (found,) = spoken_names(words("我们", "现在", "来到", "禾岭", "化工", "门口"), [NAME])
    assert found.name == NAME
    assert found.score == 100
    assert (found.span.start_s, found.span.stop_s) == (1.5, 2.4)
    assert found.heard == "禾岭化工"


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("现在来到何林化工", NAME),  # 何 for 禾, 林 for 岭: in/ing merge
        ("我们到了和岭花工这个单位", NAME),
        ("来到石家庄市长安区禾岭化工有限公司门口", NAME),
        ("來到禾嶺化工", NAME),
        ("这里是中山东路25号", "中山东路25号"),
        ("这里是中山东路二十五号", "中山东路25号"),
        ("这里是钟山东路二五号", "中山东路25号"),
        ("这里是槐安西路一百二十八号", "槐安西路128号"),
        ("这里是槐安西路幺二八号", "槐安西路128号"),
        ("来到第三小学", "第三小学"),
        ("来到第3小学", "第三小学"),
        ("去老王饭店看看", "老王饭店"),
        ("来到宏光厂", "宏光"),
        ("现在的位置是和北京新机械制造有限公司", "河北金星机械制造有限公司"),
        ("来到实家中市长安区合理化工有限公司", NAME),
        ("这里是中山冬路25号", "中山东路25号"),
    ],
)
def test_a_spoken_name_is_heard(said: str, name: str) -> None:
    assert spoken(said, name) == [name]


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("现在来到金星化工有限公司", NAME),  # 化工 is not what tells the place
        ("请把化工厂的台账拿出来", NAME),
        ("这里是中山东路15号", "中山东路25号"),
        ("这里是中山东路一百二十五号", "中山东路25号"),
        ("这里是中山东路", "中山东路25号"),
        ("这里是中山西路25号", "中山东路25号"),
        ("来到小王庄化工厂", "大王庄化工厂"),
        ("请取原始凭证", "福源食品商店"),
        ("来到化工有限公司", "华永有限公司"),
        ("来到合理化工", NAME),  # two syllables tell it: one of them may only be half right if the whole name is spoken
        ("请说明称时长的依据", "丰石厂"),  # three syllables: nearly as they are
        ("来到第二小学", "第三小学"),
        ("来到红光厂", "宏光"),  # two syllables: as written, or not at all
        ("为保护您的合法权益，监督我们的执法行为，本次执法全程录音录像", NAME),
        ("", NAME),
    ],
)
def test_what_only_comes_near_is_not(said: str, name: str) -> None:
    assert spoken(said, name) == []


def test_the_best_name_comes_first() -> None:
    assert spoken("来到和林化工，也叫华北第一厂", NAME, "华北第一厂") == ["华北第一厂", NAME]


def test_no_words_no_names() -> None:
    assert spoken_names(table("words", []), [NAME]) == []
    assert spoken_names(words("你好"), []) == []
    assert spoken_names(words("good morning"), ["ABC"]) == []


@pytest.mark.parametrize(
    ("number", "is_worth"),
    [("十五", 15), ("一五", 15), ("二十", 20), ("一百零五", 105), ("一百二十八", 128), ("幺二八", 128), ("两千", 2000)],
)
def test_numbers_are_worth_what_is_said(number: str, is_worth: int) -> None:
    assert value(number) == is_worth


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("平安大街15号", ("平安大街十五号", "平安大街一五号")),
        ("平安大街120号", ("平安大街一百二十号", "平安大街一二零号")),
        ("平安大街1005号", ("平安大街一千零五号", "平安大街一零零五号")),
        ("平安大街10086号", ("平安大街一零零八六号",)),
        ("禾岭化工", ("禾岭化工",)),
        ("禾岭纺织厂", ("禾岭纺织", "禾岭纺织厂")),
        ("ABC", ()),
        ("K7", ()),
        ("7号楼", ("七号楼",)),
        ("15号", ()),
    ],
)
def test_the_forms_in_which_a_name_is_spoken(name: str, read: tuple[str, ...]) -> None:
    assert tuple(form.text for form in forms(name)) == read


def test_what_names_the_place() -> None:
    def names(*values: tuple[str, str]) -> tuple[str, ...]:
        return place_names(Features({"case": case(*values)}))

    both = (("place.names", NAME), ("place.aliases", "禾岭"))
    assert names(*both) == (NAME, "禾岭")
    assert names(*both, ("place.address", "和平东路25号"))[2:] == ("和平东路25号",)
    assert names(*both, ("place.address", "和平东路"), ("place.door_number", "25号"))[2:] == ("和平东路25号",)
    assert names(*both, ("place.address", "和平东路")) == (NAME, "禾岭")  # a street is no place
    assert names(*both, ("place.door_number", "25号")) == (NAME, "禾岭")
    assert place_names(Features({})) == ()


def found(said: str, *values: tuple[str, str]) -> list[Finding]:
    return REGISTRY["place-spoken"](Features({"words": words(*said.split()), "case": case(*values)}))


def test_the_check_says_what_was_heard_where() -> None:
    (finding,) = found("现在 来到 何林 化工", ("place.names", NAME), ("place.aliases", "某某厂"))
    assert (finding.kind, finding.level) == ("place-spoken", Level.NOTE)
    assert (finding.span.start_s, finding.span.stop_s) == (1.0, 1.9)
    assert finding.evidence["heard"] == "何林化工"
    assert finding.evidence["name"] == NAME
    assert 80 <= finding.evidence["agreement"] < 100  # type: ignore[operator]
    chinese = language("zh-CN")
    assert NAME in chinese.tell(finding.message) != finding.summary


def test_the_check_is_silent_where_nothing_like_it_is_said() -> None:
    assert found("现在 开始 检查", ("place.names", NAME)) == []
    assert found("禾岭化工", ("agency.name", "某局")) == []
    assert found("禾岭化工", ("place.names", NAME), ("place.aliases", "某某厂"))[0].evidence["name"] == NAME

"""Numbers in figures, as a table of pairs, and words that are none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transcripts.numerals import figures, readable

NUMBERS = [
    ("一百二十三", "123"),
    ("一共一百零五个人", "一共105个人"),
    ("一千零五十", "1050"),
    ("三千五", "3500"),
    ("一百二", "120"),
    ("一万二千三百", "12300"),
    ("三万五", "35000"),
    ("罚款三十五万元", "罚款35万元"),
    ("一亿三千万", "1亿3000万"),
    ("两百块", "200块"),
    ("十五号", "15号"),
    ("五号", "5号"),
    ("十号", "10号"),
    ("和平东路二十五号", "和平东路25号"),
    ("二零二六年三月五日", "2026年3月5日"),
    ("二〇二六年十一月二十二日", "2026年11月22日"),
    ("三日内改正", "3日内改正"),
    ("十五日之内", "15日之内"),
    ("上午八点半", "上午8点半"),
    ("下午三点", "下午3点"),
    ("八点十五分", "8点15分"),
    ("八点零五", "8点05"),
    ("十二点整", "12点整"),
    ("两点五分", "2点5分"),
    ("百分之三十", "30%"),
    ("百分之五", "5%"),
    ("百分之百", "100%"),
    ("百分之零点五", "0.5%"),
    ("千分之三", "3‰"),
    ("三点五吨", "3.5吨"),
    ("零点五米", "0.5米"),
    ("二十分钟", "20分钟"),
    ("十分钟", "10分钟"),
    ("十个灭火器", "10个灭火器"),
    ("幺三八零零幺三八零零零", "13800138000"),
    ("拨打一二三五零", "拨打12350"),
    ("幺幺九", "119"),
    ("二零三室", "203室"),
    ("三十多个", "30多个"),
    ("统一十五号检查", "统一15号检查"),
    ("周三十五号", "周三15号"),
    ("星期一八点半", "星期一8点半"),
    ("2026年十五号", "2026年15号"),
]
WORDS = """
一下 一定 十分 十分重要 万一 三番五次 星期一 周三 礼拜六 一起 一般 一些 一样 统一 唯一 第一
第十二条 第三款第二项 千万不要 老百姓
千方百计 百分之几 三四个 五六十 一两百 几十个 几十万 数十万 二十几个 十几个 好几百 三个人 两个
一个月 三年 一点也不 有一点 三点要求 两点意见 一点一点地
三七二十一 七七八八 一五一十 三六九等 十万火急 一二三 十字路口 十足 万分 之一 一一说明 四十五六岁 一心一意
""".split()


@pytest.mark.parametrize(("spoken", "written"), NUMBERS)
def test_numbers_are_written_in_figures(spoken, written):
    assert readable(spoken) == written


@pytest.mark.parametrize("word", WORDS)
def test_words_stay(word):
    assert readable(word) == word


@given(st.text("零〇幺一二两三四五六七八九十百千万亿点分之第号月日年半星期几个，a1", max_size=24))
def test_any_row_of_numerals_is_survived_and_the_rest_stays(text):
    found = figures(text)
    assert all(one.start < one.stop <= two.start for one, two in zip(found, [*found[1:]], strict=False))
    kept, written = [], readable(text)
    at = 0
    for figure in found:
        kept.append(text[at : figure.start] + figure.text)
        at = figure.stop
    assert written == "".join(kept) + text[at:]
    assert readable(written) == written

"""What of a name tells one place from another: script, region, legal form, generic tail and numbers taken apart."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

import opencc

PROVINCES = (
    "北京|天津|上海|重庆|河北|山西|内蒙古|辽宁|吉林|黑龙江|江苏|浙江|安徽|福建|江西|山东|河南|湖北|湖南|广东|广西|海南|四川|"
    "贵州|云南|西藏|陕西|甘肃|青海|宁夏|新疆|香港|澳门|台湾|中国|中华人民共和国"
)
"""Province-level names, which signs often write without 省 or 市."""

_REGION = re.compile(
    rf"^(?:(?:{PROVINCES})(?:省|市|自治区|特别行政区|壮族自治区|回族自治区|维吾尔自治区)?"
    r"|[一-鿿]{2,6}?(?:自治州|自治县|(?<!超)(?<!城)(?<!夜)市|县|(?<![小园社景校厂院开发])区|镇|乡|街道))"
)
"""One region at the start of a name; 超市, 小区, 园区 and their like are no regions."""

_LEGAL_FORM = re.compile(
    r"(?:股份有限责任公司|股份有限公司|有限责任公司|有限公司|集团公司|总公司|分公司|公司|集团|个体工商户|专业合作社|合作社)$"
)
_GENERIC_TAIL = re.compile(
    r"(?:大酒店|酒店|宾馆|大饭店|饭店|餐厅|餐馆|小馆|菜馆|酒楼|食府|超市|便利店|商店|商场|商行|商贸|门市部|经营部|服务部|"
    r"营业部|营业厅|专卖店|旗舰店|药店|大药房|药房|诊所|卫生室|卫生院|医院|幼儿园|学校|小学|中学|大学|学院|银行|分行|支行|"
    r"加油站|加气站|公寓|花园|小区|大厦|广场|市场|中心|网吧|网咖|工厂|总厂|分厂|厂|总店|分店|店|连锁)$"
)
_NUMBER = re.compile(r"\d+(?:-\d+)*")
_DOOR = re.compile(r"(\d+(?:-\d+)*)(?=号)")
_CHINESE_NUMBER = re.compile(
    r"(?<=第)[一二三四五六七八九十]{1,3}|[一二三四五六七八九十]{1,3}(?=号|弄|栋|幢|楼|单元|期|小|中|院|厂|分)"
)
_DIGITS = {character: value for value, character in enumerate("零一二三四五六七八九")}

MIN_CORE = 3
"""Characters that must be left before a shorter form of a name may stand for it."""


@cache
def _simplifier() -> opencc.OpenCC:
    return opencc.OpenCC("t2s")


@cache
def plain(text: str) -> str:
    """Return a text as it is compared: NFKC, simplified, lower case, numbers in digits, letters and digits only.

    A hyphen between digits stays: 25-26号 is another door than 2526号.
    """
    text = _simplifier().convert(unicodedata.normalize("NFKC", text)).casefold()
    text = re.sub(r"(?<=\d)\s*[-–—~～至]\s*(?=\d)", "\x00", text)
    text = re.sub(r"[^\w\x00]|_", "", text).replace("\x00", "-")
    return _CHINESE_NUMBER.sub(lambda found: _in_digits(found[0]), text)


def _in_digits(number: str) -> str:
    tens, ten, ones = number.partition("十")
    if not ten:
        return "".join(str(_DIGITS[character]) for character in number)
    return str((_DIGITS[tens] if tens else 1) * 10 + (_DIGITS[ones] if ones else 0))


@cache
def core(name: str) -> str:
    """Return what is left of a name without region, legal form and generic tail, in the form of `plain`.

    石家庄市长安区某某化工有限公司 → 某某化工. Where fewer than three characters would be left, less is taken away:
    农业 says nothing, 农业银行 does.
    """
    left = _trim(plain(name), _LEGAL_FORM)
    for pattern in (_REGION, _REGION, _REGION, _GENERIC_TAIL):
        left = _trim(left, pattern)
    return left


def _trim(text: str, pattern: re.Pattern[str]) -> str:
    shorter = pattern.sub("", text, count=1)
    return shorter if len(shorter) >= MIN_CORE else text


def numbers(text: str) -> frozenset[str]:
    """Return every number of a text in the form of `plain`; 25-26 is one."""
    return frozenset(_NUMBER.findall(text))


def door_numbers(text: str) -> frozenset[str]:
    """Return the numbers of a text in the form of `plain` that 号 follows."""
    return frozenset(_DOOR.findall(text))

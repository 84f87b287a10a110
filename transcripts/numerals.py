"""Chinese numerals that are clearly numbers, written in figures: 一百二十三 → 123, but 一下, 十分 and 第十二条 stay.

cn2an's `transform` writes figures everywhere (等1下, 10分重要, 星期1), which makes a transcript worse, not better.
What is not clearly a number stays as it was spoken; GB/T 15835 allows both.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from transcripts.place_spoken import value

_D = "[一二两三四五六七八九]"
_PLAIN = "零〇幺一二三四五六七八九"
_SECTION = rf"(?:{_D}千(?:零?{_D}百)?(?:零?{_D}?十)?(?:零?{_D})?|{_D}百(?:零?{_D}?十)?(?:零?{_D})?|{_D}?十{_D}?|{_D})"
_NUMBER = rf"(?:{_SECTION}亿)?(?:零?{_SECTION}万)?(?:零?{_SECTION})?"
_WHOLE = re.compile(_NUMBER)
_RUN = re.compile(rf"[{_PLAIN}两十百千万亿]+")
_PERCENT = re.compile(rf"(百|千)分之(百|零|(?:{_SECTION}))(?:点([{_PLAIN}]+))?(?![{_PLAIN}两十百千万亿几])")
_MEASURE = "吨|米|元|万|亿|倍|度|公斤|千克|毫|厘米|公里|平方|立方|升|兆|个百分点"
_DECIMAL = re.compile(rf"(?<![第{_PLAIN}两十百千万亿])((?:{_SECTION})|零)点([{_PLAIN}]+)(?={_MEASURE})")
_TIME = re.compile(
    rf"(?<![第{_PLAIN}两十百千万亿几])(十[一二]?|二十[一二三四]?|[零一二两三四五六七八九])点"
    rf"(?:(?=[半整钟])|(零{_D}|[二三四五]?十{_D}?|{_D}(?=分))(?![{_PLAIN}两十百千万亿几]))"
)
_HOUR = re.compile(rf"(?:上午|下午|早上|晚上|中午|凌晨|傍晚|夜里|今晚|明早)({_D}|十)(?=点)")
_DAY = re.compile(
    r"(?<=月)([一二三四五六七八九十])(?=日)|([一二三四五六七八九十])(?=[号月](?!子))|([一二三四五六七八九十])(?=日[内前后])"
)
_TEN = re.compile(
    r"(?<![几数第好])十(?=分钟|个|元|块|天|年|人|名|次|米|吨|公斤|小时|秒|岁|层|楼|家|条|项|辆|台|份|页|公里|升|度)"
)
_WORDS = re.compile(
    "三百六十行|三十六计|七十二变|十万八千里|十万火急|二百五(?![十元块个名人])|七七八八|三六九等|五十步笑百步"
    "|一二三四?(?![零〇一二三四五六七八九十号])|一清二白|一点一点|(?:统|唯|同|单|专|逐|划|万|之|其)一|第"
    rf"(?:{_RUN.pattern})|(?<![一两每几])(?:星期|礼拜|周)[一二三四五六日]"
)
"""Numerals that are part of a word, or that officials write in characters (第十二条)."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A number in a text, and how it is written in figures."""

    start: int
    stop: int
    text: str


def figures(text: str) -> list[Figure]:
    """Return the numbers in a text that can be written in figures, in order; they do not overlap."""
    found: list[Figure] = []
    for figure in _candidates(_WORDS.sub(lambda word: " " * len(word[0]), text)):
        if not any(figure.start < other.stop and other.start < figure.stop for other in found):
            found.append(figure)
    return sorted(found, key=lambda figure: figure.start)


def readable(text: str) -> str:
    """Return a text with its numbers in figures."""
    for figure in reversed(figures(text)):
        text = text[: figure.start] + figure.text + text[figure.stop :]
    return text


def _candidates(text: str) -> Iterator[Figure]:
    """Yield numbers, those first whose surroundings say most; in `text` nothing stands where words were."""
    for hit in _PERCENT.finditer(text):
        share = "100" if hit[2] == "百" else _written(hit[2])
        yield Figure(hit.start(), hit.end(), share + _fraction(hit[3]) + ("%" if hit[1] == "百" else "‰"))
    for hit in _DECIMAL.finditer(text):
        yield Figure(hit.start(), hit.end(), _written(hit[1]) + _fraction(hit[2]))
    for hit in _TIME.finditer(text):
        yield Figure(hit.start(1), hit.end(1), _written(hit[1]))
        if hit[2]:
            minutes = _written(hit[2].removeprefix("零"))
            yield Figure(hit.start(2), hit.end(2), f"0{minutes}" if hit[2].startswith("零") else minutes)
    for pattern in (_HOUR, _DAY, _TEN):
        for hit in pattern.finditer(text):
            number = hit[hit.lastindex] if hit.lastindex else hit[0]
            start, stop = hit.span(hit.lastindex or 0)
            if not (before := text[max(start - 1, 0) : start]) or not (_RUN.fullmatch(before) or before in "几数"):
                yield Figure(start, stop, _written(number))
    for one in _RUN.finditer(text):
        (start, stop), run = one.span(), one[0]
        before, after = text[max(start - 1, 0) : start], text[stop : stop + 1]
        if after == "几" or (run[0] == "十" and before in {"几", "数", "好"}):
            continue
        if all(character in _PLAIN for character in run):
            if len(run) > 2 or (len(run) == 2 and set(run) & set("零〇幺") and after in set("年号分室楼栋")):
                yield Figure(start, stop, _digits(run))
        elif len(run) > 1 and _WHOLE.fullmatch(run):
            yield Figure(start, stop, _written(run))


def _digits(run: str) -> str:
    return "".join(str(value(character)) for character in run)


def _fraction(digits: str | None) -> str:
    return f".{_digits(digits)}" if digits else ""


def _written(number: str) -> str:
    """Return a number in words in figures: 三千五 → 3500, 三十五万 → 35万, 一万二千 → 12000."""
    if number[-1] in "万亿":
        return re.sub(rf"零?({_SECTION})", lambda part: str(_value(part[1])), number)
    return str(_value(number))


def _value(number: str) -> int:
    if short := re.search(rf"([百千万亿])({_D})$", number):  # 三千五 is short for 三千五百
        unit = {"百": 10, "千": 100, "万": 1_000, "亿": 10_000_000}[short[1]]
        return _value(number[:-1]) + value(short[2]) * unit
    total, rest = 0, number
    for unit_name, unit in (("亿", 100_000_000), ("万", 10_000)):
        head, found, tail = rest.rpartition(unit_name)
        if found:
            total, rest = total + value(head) * unit, tail
    return total + (value(rest) if rest else 0)

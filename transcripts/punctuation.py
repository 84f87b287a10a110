"""Punctuation for speech: what the recogniser wrote is kept, in full width; pauses tell the rest."""

from __future__ import annotations

import re

SENTENCE_ENDS = "。？！…"
CLAUSE_ENDS = "，、；："
_FULL_WIDTH = str.maketrans(",.?!;:", "，。？！；：")
_ENDS = re.compile(rf"[{SENTENCE_ENDS}{CLAUSE_ENDS}]$")
_MARKS = re.compile(r"[,.?!;:]+$")
_NUMERAL = re.compile(r"[0-9零〇一二两三四五六七八九十百千万亿点]")
_QUESTION = re.compile(
    r"(?:吗|呢|什么|谁|哪里|哪儿|多少|怎么办|怎么样|几点|几个人?|没有)$"
    r"|为什么|是不是|有没有|能不能|可不可以|对不对|好不好|要不要|知不知道"
    r"|(?:什么|哪里|哪儿|多少|怎么|谁).{0,4}$"
)
_NO_QUESTION = re.compile(
    r"(?:没有?|不管|无论|不论|随便|任何|不是)是?(?:什么|谁|哪|多少|怎么)"
    r"|^没有$|[都也还就]没有$"
)


def full_width(text: str, following: str) -> str:
    """Return a word with the punctuation at its end in full width; 3. before 5 is a decimal point and stays."""
    mark = _MARKS.search(text)
    if mark is None or (text[: mark.start()][-1:].isdigit() and following[:1].isdigit()):
        return text
    return text[: mark.start()] + mark[0].translate(_FULL_WIDTH)


def ends_clause(text: str) -> bool:
    """Tell whether punctuation stands at the end."""
    return _ENDS.search(text) is not None


def ends_sentence(text: str) -> bool:
    """Tell whether a sentence ends here."""
    return text[-1:] in SENTENCE_ENDS if text else False


def inside_number(before: str, after: str) -> bool:
    """Tell whether a number may go on from one word to the next: no punctuation belongs there."""
    return bool(_NUMERAL.fullmatch(before[-1:]) and _NUMERAL.fullmatch(after[:1]))


def asks(sentence: str) -> bool:
    """Tell by its particles and question words whether a sentence is a question."""
    return _QUESTION.search(sentence) is not None and _NO_QUESTION.search(sentence) is None


def bare(text: str) -> str:
    """Return a text without punctuation and spaces."""
    return re.sub(r"[^\w]|_", "", text)

"""Chinese text made comparable: simplified characters, Han only, syllables without tones."""

from __future__ import annotations

import re
from functools import cache

_DIGITS = str.maketrans("0123456789０１２３４５６７８９", "零一二三四五六七八九" * 2)
_NOT_HAN = re.compile(r"[^\u3400-\u4dbf\u4e00-\u9fff〇]")
_CLAUSE_END = re.compile(r"[，。；！？、,.;!?\s]+")


@cache
def _to_simplified() -> object:
    import opencc  # takes a moment to load its dictionaries

    return opencc.OpenCC("t2s")


def simplified(text: str) -> str:
    """Return `text` in simplified characters (OpenCC `t2s`); everything else stays as it is."""
    converted: str = _to_simplified().convert(text)  # type: ignore[attr-defined]
    return converted


def han(text: str) -> str:
    """Return the Han characters of `text` in simplified form, digits read out one by one, all else left out."""
    return _NOT_HAN.sub("", simplified(text.translate(_DIGITS))).replace("〇", "零")


def clauses(text: str) -> tuple[str, ...]:
    """Split a sentence at its punctuation into the Han characters of its clauses; empty ones are left out."""
    return tuple(part for part in map(han, _CLAUSE_END.split(text)) if part)


def syllables(text: str) -> tuple[str, ...]:
    """Return one syllable of pinyin without tone for each character of `han(text)`, `ü` written as `v`.

    Characters of several readings are read as their phrase demands (行为 is `xing wei`).
    """
    characters = han(text)
    if not characters:
        return ()
    from pypinyin import Style, lazy_pinyin  # its dictionaries take a third of a second to load

    read = lazy_pinyin(characters, style=Style.NORMAL)
    if len(read) != len(characters):  # a character that no dictionary knows is returned in one run with its neighbours
        read = [lazy_pinyin(character, style=Style.NORMAL)[0] for character in characters]
    return tuple(read)


@cache
def initial_and_final(syllable: str) -> tuple[str, str]:
    """Split a syllable of pinyin without tone: `zhang` → (`zh`, `ang`), `yi` → (`y`, `i`), `an` → (``, `an`)."""
    match = re.match(r"(zh|ch|sh|[bpmfdtnlgkhjqxrzcsyw]?)(.*)", syllable)
    assert match is not None, "the pattern matches every text"
    return match[1], match[2]

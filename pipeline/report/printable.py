"""Texts made fit for print: every character has a glyph, and no word is wider than a column."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Set
from typing import Any

Glyphs = Set[int]
"""Code points that the fonts have."""
LONGEST_WORD = 18
"""Characters without a blank after which a word may be broken."""
BREAK = "\u200b"
"""Zero-width space: a place where a line may end."""
_LONG = re.compile(rf"[!-~]{{{LONGEST_WORD},}}")
_JOINT = re.compile(r"(?<=[/_.,:;=\-])(?=[!-~])")


def printable(value: Any, glyphs: Glyphs, untouched: Set[str] = frozenset()) -> Any:
    r"""Return nested values with their texts made fit for print; keys and all else stay as they are.

    Parameters
    ----------
    value : Any
        Mappings, sequences, texts, numbers, None.
    glyphs : set of int
        Code points that the fonts have; other characters are shown as `\u{1f600}`.
    untouched : set of str
        Keys whose values no reader sees: file names, drawings, classes.
    """
    if isinstance(value, str):
        return _LONG.sub(_breakable, with_glyphs(value, glyphs))
    if isinstance(value, dict):
        return {key: part if key in untouched else printable(part, glyphs, untouched) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [printable(part, glyphs, untouched) for part in value]
    return value


def with_glyphs(text: str, glyphs: Glyphs) -> str:
    """Return a text whose characters can all be seen; the others, and those that turn the line, become numbers."""
    return "".join(c if c in "\n\t" or _visible(c, glyphs) else f"\\u{{{ord(c):x}}}" for c in text)


def _visible(character: str, glyphs: Glyphs) -> bool:
    """Tell whether a font has a character, and it is none of control, format, private use or unassigned."""
    return ord(character) in glyphs and not unicodedata.category(character).startswith("C")


def _breakable(word: re.Match[str]) -> str:
    """Return a long word that may be broken after its joints, and inside what is still too long."""
    parts = _JOINT.split(word.group())
    return BREAK.join(BREAK.join(re.findall(rf".{{1,{LONGEST_WORD}}}", part)) for part in parts)

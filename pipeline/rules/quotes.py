"""What a rule quotes, held against the text of its regulation: word for word, white space and width aside."""

from __future__ import annotations

import re
import unicodedata

_DIGITS = "零一二三四五六七八九"
NUMERAL = f"[{_DIGITS}十百0-9]+"
_ARTICLE = re.compile(rf"(?:第|(?<![{_DIGITS}十百0-9第]))({NUMERAL})条(之{NUMERAL})?(?!件)")
"""The head of an article, or words that cite one; 第 may be missing in a copy."""
_NAMED = re.compile(rf"第({NUMERAL})条(之{NUMERAL})?(?:第{NUMERAL}款)?(?:第?(\({NUMERAL}\))项?)?")
_SIGNS = str.maketrans("。“”‘’'", '."""""')


def plain(text: str) -> str:
    """Return the text without white space, its punctuation, letters and figures in half width."""
    return re.sub(r"\s", "", unicodedata.normalize("NFKC", text)).translate(_SIGNS)


def number(numeral: str) -> int:
    """Return what a numeral below a thousand comes to: 二十五, 一百零三, 12."""
    if numeral.isdecimal():
        return int(numeral)
    total, digit = 0, 0
    for sign in numeral:
        if sign in "十百":
            total += (digit or 1) * (10 if sign == "十" else 100)
            digit = 0
        else:
            digit = _DIGITS.index(sign) if sign in _DIGITS else int(sign)
    return total + digit


def misquoted(article: str, text: str, law: str) -> str | None:
    """Return why an article does not hold a sentence, None if it does.

    Parameters
    ----------
    article : str
        As a rule names it: 第十二条, or an item of it, 第十二条（五）. Any other form must stand in the text as it is,
        and the sentence somewhere after it.
    text : str
        The sentence quoted.
    law : str
        The regulation.
    """
    found = clause(law, article)
    if found is None:
        return f"the text of the regulation has no {article}"
    if plain(text) not in found:
        return f"{article} does not say this word for word: {text}"
    return None


def clause(law: str, article: str) -> str | None:
    """Return, as `plain` gives it, an article of a regulation or the item that is named; None if there is none."""
    law = plain(law)
    named = _NAMED.fullmatch(plain(article))
    if not named:
        return law.partition(plain(article))[2] or None
    whole = _article(law, (number(named[1]), named[2] or ""))
    if whole is None or not named[3]:
        return whole
    _, item, rest = whole.partition(named[3])
    return re.split(rf"\({NUMERAL}\)", rest)[0] if item else None


def _article(law: str, wanted: tuple[int, str]) -> str | None:
    """Return the article with this number (and 之…).

    Heads count up from the first article; whatever else looks like one cites an article. Where that does not lead to
    the article, because the copy lacks one before it, the first words that look like its head are taken.
    """
    found = list(_ARTICLE.finditer(law))
    names = [(number(each[1]), each[2] or "") for each in found]
    heads: list[int] = []
    for place, (here, inserted) in enumerate(names):
        last = names[heads[-1]][0] if heads else 0 if (1, "") in names else here - 1
        if here == last + 1 or (here == last and inserted):
            heads.append(place)
    if wanted not in [names[place] for place in heads]:
        heads = list(range(len(found)))
    for place, following in zip(heads, [*heads[1:], None], strict=True):
        if names[place] == wanted:
            return law[found[place].end() : None if following is None else found[following].start()]
    return None

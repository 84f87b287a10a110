"""Whether the name of the place was spoken (口述所到场所的名称)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from pipeline.detector import detector
from pipeline.model import Curve, Features, Finding, Level, Message, Span, Table
from pipeline.signs.naming import core, own_part, plain
from transcripts.alignment import Match, align
from transcripts.normalise import han, syllables
from transcripts.spoken import Transcript, transcript

MIN_SPOKEN_SCORE = 80.0
"""Agreement, 0 to 100, from which a name counts as spoken; see `docs/landmarks.md` for the rate of false matches."""
LEAST_SYLLABLES = 3
"""A shorter name sounds like too many other words: it must be written as it is."""
SHORT_SCORE = 90.0
"""Agreement that a name of just so many syllables needs, and an own part of no more than two."""
OWN_SCORE = 75.0
"""Agreement that a longer own part needs; one of two syllables, too, where trade and legal form are spoken with it."""
TELLING = "东西南北大小新老前后上下"
"""Characters by which names differ that are else the same: 中山东路 is not 中山西路."""
AROUND = 4
"""Syllables beside the match that are looked through for numbers: 25号 must not be heard in 125号."""

SPOKEN = 'The name of the place "{name}" was spoken at {start_s:.1f} s: “{heard}” (agreement {score:.0f} of 100).'

_DIGITS = {character: value for value, character in enumerate("零一二三四五六七八九")} | {"幺": 1, "两": 2, "〇": 0}
_UNITS = {"十": 10, "百": 100, "千": 1000}
_NUMBER = re.compile(rf"[{''.join((*_DIGITS, *_UNITS))}]+")


@dataclass(frozen=True, slots=True)
class Form:
    """One way in which a name may be spoken."""

    text: str
    """Han characters."""
    own: int
    """How many of them, from the first, are the enterprise's own: what tells it from others of its trade."""
    least_own: float
    """Agreement that these need by themselves."""


@dataclass(frozen=True, slots=True)
class SpokenName:
    """A name of the place that was heard."""

    name: str
    """As the case record gives it."""
    score: float
    """0 to 100."""
    span: Span
    heard: str
    """The words as they were recognised."""


def place_names(features: Features) -> tuple[str, ...]:
    """Return what names the place when it is spoken: names, aliases, and the street with its door number."""
    if not features.has("case.field"):
        return ()
    case = features["case"]

    def all_of(field: str) -> list[str]:
        return [str(value) for name, value in zip(case["field"], case["value"], strict=True) if name == field]

    address, door = "".join(all_of("place.address")), "".join(all_of("place.door_number"))
    whole = address if re.search(r"\d", plain(address)) else address + door if door else ""
    return (*all_of("place.names"), *all_of("place.aliases"), *([whole] if address and whole else []))


def spoken_names(words: Table, names: Sequence[str], *, min_score: float = MIN_SPOKEN_SCORE) -> list[SpokenName]:
    """Look for the names of a place in what was said.

    What tells a name from others is looked for (`pipeline.signs.naming.core`), by syllables without tone as the notice
    is (`transcripts.alignment`), because a recogniser that never saw a name writes homophones of it. Its own part
    (`pipeline.signs.naming.own_part`) must agree by itself, and numbers, however they are spoken, must be the same.

    Parameters
    ----------
    words : Table
        Table words.
    names : sequence of str
        Names of one place.
    min_score : float
        Agreement, 0 to 100, from which a name counts as spoken.

    Returns
    -------
    spoken : list of SpokenName
        The best place of each name that was spoken, the best name first.
    """
    wanted = [name for name in names if forms(name)]
    if not wanted or not words.rows:
        return []
    said = transcript(words)
    text = han("".join(text or "" for text in words["text"]))
    found = []
    for name in wanted:
        match = max((_find(form, said, text) for form in forms(name)), key=lambda match: match.score)
        if match.score >= min_score and _same_numbers(name, text, match):
            span, heard = said.place(match)
            found.append(SpokenName(name, match.score, span, heard))
    return sorted(found, key=lambda one: -one.score)


@cache
def forms(name: str) -> tuple[Form, ...]:
    """Return the ways in which a name may be spoken: 15号 as 十五号 and as 一五号, with its trade's tail and without.

    None where fewer than two characters besides numbers are left, as of a name in Latin letters: they tell no place.
    """
    telling, own = core(name), own_part(name)
    if len(_NUMBER.sub("", han(re.sub(r"\d", "", telling)))) < 2:
        return ()
    asked = [(telling, SHORT_SCORE)]
    whole = plain(name)
    if len(own) < len(telling) and not whole.startswith(telling, len(whole) - len(telling)):
        asked.append((whole[whole.index(telling) :], OWN_SCORE))
    found: dict[str, Form] = {}
    for text, least_own in asked:
        for as_words in (True, False):
            spoken, first = _read_out(text, as_words), _read_out(own, as_words)
            least = least_own if len(first) < LEAST_SYLLABLES else OWN_SCORE
            found.setdefault(spoken, Form(spoken, len(first) if spoken.startswith(first) else 0, least))
    return tuple(found.values())


def _read_out(text: str, as_words: bool) -> str:
    """Return the Han characters of a text with its numbers read as numbers, or digit by digit."""
    return han(re.sub(r"\d+", lambda number: _in_words(number[0]), text) if as_words else text)


def _in_words(number: str) -> str:
    """Return a number as it is spoken: 15 → 十五, 120 → 一百二十; one of five digits or more digit by digit."""
    if len(number) > 4 or number.startswith("0"):
        return han(number)
    words = ""
    for digit, unit in zip(number, ("千", "百", "十", "")[-len(number) :], strict=True):
        words += "零" if digit == "0" else han(digit) + unit
    words = re.sub("零+", "零", words).rstrip("零")
    return words.removeprefix("一") if words.startswith("一十") else words


def _find(form: Form, said: Transcript, text: str) -> Match:
    """Return where a form fits best, with a score of 0 where it fits, but names another place."""
    nowhere = Match(0.0, (), 0, 0)
    wanted = syllables(form.text)
    if len(wanted) < LEAST_SYLLABLES:
        at = text.find(form.text)
        return nowhere if at < 0 else Match(100.0, (), at, at + len(form.text))
    match = align(wanted, said.syllables, [1] * len(wanted))
    if len(wanted) == LEAST_SYLLABLES and match.score < SHORT_SCORE:
        return nowhere
    if form.own and sum(match.clause_scores[: form.own]) < form.own * form.least_own - 1e-9:
        return nowhere
    other = any(character in TELLING and not own for character, own in zip(form.text, match.clause_scores, strict=True))
    return nowhere if other else match


def _same_numbers(name: str, text: str, match: Match) -> bool:
    """Tell whether every number of a name was spoken at the match or close by."""
    around = range(max(match.start - AROUND, 0), match.stop + AROUND)
    heard = {value(found[0]) for found in _NUMBER.finditer(text) if found.start() in around}
    return all(int(number) in heard for number in re.findall(r"\d+", core(name)))


def value(number: str) -> int:
    """Return the value of a number in Chinese words, spoken as a number or digit by digit: 十五 and 一五 are 15."""
    if not any(character in _UNITS for character in number):
        return int("".join(str(_DIGITS[character]) for character in number))
    total = digit = 0
    for character in number:
        if character in _UNITS:
            total += (digit or 1) * _UNITS[character]
            digit = 0
        else:
            digit = _DIGITS[character]
    return total + digit


@detector("place-spoken", version=1, needs=("words.text", "case.value"), emits=("place-spoken",))
def place_spoken(features: Features, *, min_score: float = MIN_SPOKEN_SCORE) -> Iterator[Finding]:
    """Look for the name of the place in what was said in the opening of a clip.

    By itself a spoken name proves nothing: the regulation takes it together with a landmark, where there is no sign.

    Parameters
    ----------
    min_score : float
        Agreement, 0 to 100, from which a name counts as spoken. Names of less than three syllables must be recognised
        as they are written.

    Yields
    ------
    Finding
        At most one: the best place at which a name was spoken.

    References
    ----------
    行政执法全过程记录制度（石家庄市安全生产监督管理局）第十二条（四）: where there is no clear sign, a landmark must be
    recorded and the name of the place spoken.
    """
    for best in spoken_names(features["words"], place_names(features), min_score=min_score)[:1]:
        yield Finding(
            "place-spoken",
            Level.NOTE,
            best.span,
            Message(
                SPOKEN, {"name": best.name, "start_s": best.span.start_s, "heard": best.heard, "score": best.score}
            ),
            evidence={
                "name": best.name,
                "heard": best.heard,
                "agreement": round(best.score, 1),
                "start_s": best.span.start_s,
                "stop_s": best.span.stop_s,
            },
            curves=(Curve("words.probability"),),
        )

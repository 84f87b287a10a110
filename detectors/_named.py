"""Where people, enterprises and matters of the case record are named in the footage: heard, or read in the picture."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz

from detectors._place_signs import picture_span
from pipeline.model import Features, Finding, Level, Message, Scalar, Span
from pipeline.signs.matching import match_score, signs_of
from transcripts.alignment import Match, align
from transcripts.normalise import clauses, han, syllables
from transcripts.place_spoken import spoken_names
from transcripts.spoken import Transcript, transcript

LEAST_MATTER = 4
"""Characters of a matter; fewer stand in too many sentences."""
_LEAST_PAIR = 50.0
"""Mean agreement, 0 to 100, of any two neighbouring syllables of a matter: two wrong ones are another word."""
_LEAST_DIGITS = 4
_CALLED = "我叫|我是|名叫|姓名|执法人员|执法员|队员|当事人|负责人|法人|法定代表人|经营者|联系人|老板"
_TITLES = "先生|女士|同志|经理|老板|师傅|主任|科长|队长|厂长"
_SPOKEN_DIGITS = {character: str(value) for value, character in enumerate("零一二三四五六七八九")} | {
    "幺": "1",
    "两": "2",
}
_PERSON = re.compile(r"[㐀-鿿]{2,4}(?<![厂店局所站院行社馆])")


@dataclass(frozen=True, slots=True)
class Named:
    """A name, or a matter, that was heard or read."""

    name: str
    """As the case record gives it."""
    text: str
    """As it was recognised."""
    span: Span
    heard: bool
    """False: read in a picture."""


@dataclass(frozen=True, slots=True)
class _Line:
    text: str
    span: Span


def is_person(name: str) -> bool:
    """Tell whether a name may be that of a person: two to four Han characters that end in no word of an enterprise."""
    return bool(_PERSON.fullmatch(name))


def heard(features: Features, names: Sequence[str]) -> Iterator[Named]:
    """Yield where names were spoken: of people, of enterprises, and numbers digit by digit.

    A person's name of two characters must be recognised as it is written, and with words beside it that go with names:
    文明 stands in 文明执法, too.
    """
    if not features.has("words.text"):
        return
    words = features["words"]
    said = transcript(words)
    text = han("".join(text or "" for text in words["text"]))
    for name in names:
        if number := _number(name):
            digits = "".join(_SPOKEN_DIGITS.get(character, " ") for character in text)
            found = re.search(rf"(?<!\d){number}(?!\d)", digits)
            if found:
                yield _heard(name, said, found.start(), found.end())
        elif is_person(name) and len(name) == 2:
            found = re.search(rf"(?:{_CALLED}){han(name)}|{han(name)}(?:{_TITLES})", text)
            if found:
                at = found.start() + found[0].index(han(name))
                yield _heard(name, said, at, at + 2)
        else:
            yield from (Named(name, one.heard, one.span, True) for one in spoken_names(words, [name])[:1])


def read(features: Features, names: Sequence[str], min_confidence: float, min_score: float) -> Iterator[Named]:
    """Yield where names were read in the picture, on signs or on pages; not in what the recorder burned in.

    The name of a person, and a number, must stand there as it is written and by itself, or behind a label (姓名：张三).
    """
    lines = list(_lines(features, min_confidence))
    for name in names:
        for line in lines:
            if is_person(name) or _number(name):
                found = re.search(
                    rf"(?:^|\W|{_CALLED}){re.escape(name)}(?:$|\W)", unicodedata.normalize("NFKC", line.text)
                )
                fits = found is not None
            else:
                fits = match_score(line.text, [name])[0] >= min_score
            if fits:
                yield Named(name, line.text, line.span, False)
                break


def matter_parts(cause: str) -> tuple[str, ...]:
    """Return the parts of a matter that must be named: 涉嫌无证经营、超期排污案 → 无证经营, 超期排污.

    Empty where one of them is too short to tell anything.
    """
    parts = tuple(re.sub(r"^涉嫌|(?:一案|案)$", "", part) for part in clauses(cause))
    return parts if all(len(part) >= LEAST_MATTER for part in parts) else ()


def matter_heard(features: Features, part: str, min_score: float) -> Named | None:
    """Return where a part of a matter was spoken, by syllables without tone; None if it was not heard."""
    if not features.has("words.text"):
        return None
    said = transcript(features["words"])
    wanted = syllables(part)
    if not said.syllables:
        return None
    match = align(wanted, said.syllables, [1] * len(wanted))
    pairs = zip(match.clause_scores, match.clause_scores[1:], strict=False)
    if match.score < min_score or any(sum(pair) / 2 < _LEAST_PAIR for pair in pairs):
        return None
    span, text = said.place(match)
    return Named(part, text, span, True)


def matter_read(features: Features, part: str, min_confidence: float, min_score: float) -> Named | None:
    """Return where a part of a matter was read in the picture, None if it was not."""
    wanted = han(part)
    for line in _lines(features, min_confidence):
        shown = han(line.text)
        if len(shown) >= len(wanted) and fuzz.partial_ratio(wanted, shown) >= min_score:
            return Named(part, line.text, line.span, False)
    return None


def first_of_each(found: Iterable[Named]) -> list[Named]:
    """Return the first of each name."""
    kept: dict[str, Named] = {}
    for one in found:
        kept.setdefault(one.name, one)
    return list(kept.values())


def naming(kind: str, heard: str, read: str, one: Named, **evidence: Scalar | Sequence[Scalar]) -> Finding:
    """Return the finding that something is named; `heard` and `read` are the sentences that tell how."""
    said = Message(heard if one.heard else read, {"name": one.name, "start_s": one.span.start_s, "text": one.text})
    facts = {"name": one.name, "heard" if one.heard else "read": one.text, **evidence}
    return Finding(kind, Level.NOTE, one.span, said, evidence=facts)


def _number(name: str) -> str | None:
    return name if re.fullmatch(rf"\d{{{_LEAST_DIGITS},}}", name) else None


def _heard(name: str, said: Transcript, start: int, stop: int) -> Named:
    span, text = said.place(Match(100.0, (), start, stop))
    return Named(name, text, span, True)


def _lines(features: Features, min_confidence: float) -> Iterator[_Line]:
    """Yield what was read well: texts of the scene, neighbouring ones joined too, and lines of pages."""
    if not features.has("texts.text"):
        return
    texts = features["texts"]
    for sign in signs_of(texts):
        if sign.confidence >= min_confidence:
            yield _Line(sign.text, picture_span(features, sign.time_s, sign.frame))
    pages = texts.where(texts["document"].astype(bool) & ~texts["overlay"].astype(bool))
    for text, confidence, time_s, frame in zip(
        pages["text"], pages["confidence"], pages["time_s"], pages["frame"], strict=True
    ):
        if text and confidence >= min_confidence:
            yield _Line(str(text), picture_span(features, float(time_s), int(frame)))

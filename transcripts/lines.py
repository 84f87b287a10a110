"""From words and voice to the lines of a transcript: short, in step with the sound, punctuated, numbers readable."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from pipeline.model import Table
from transcripts.numerals import figures, readable
from transcripts.punctuation import asks, ends_clause, ends_sentence, full_width, inside_number

MAX_CHARACTERS = 20.0
"""Width of a line in Chinese characters; a Latin letter or a figure takes half of one."""
MAX_LINE_S = 7.0
BREAK_S = 0.6
"""A pause from which a new line begins."""
COMMA_S = 0.3
"""A pause in which a comma is put where the recogniser put nothing."""
SENTENCE_S = 1.0
"""A pause at which a sentence ends."""
MIN_UNHEARD_S = 0.3
"""Speech by itself, without any word, that is told as not understood."""
MIN_UNHEARD_WITHIN_S = 1.5
"""Speech beside words, without any word, that is told as not understood."""
MOST_WORDS = 100
"""No line holds more, however short they are written."""
PARTICLES = "啊呢嘛吧吗了"
"""After these a line may well end."""
CLINGING = "的了吗呢吧啊呀嘛着过们得地"
"""What belongs to the word before it: no line begins so where another break will do."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A bit of a line that was recognised as one."""

    text: str
    probability: float
    """Lowest of its words; NaN where a person wrote it."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a transcript, on the clip's presentation timeline."""

    start_s: float
    stop_s: float
    pieces: tuple[Piece, ...]
    """Empty: somebody speaks, and what was said is not understood."""
    words: tuple[int, ...] = ()
    """Rows of table `words`."""
    speaker: str | None = None

    @property
    def text(self) -> str:
        """The line as it is read."""
        return "".join(piece.text for piece in self.pieces)


@dataclass(frozen=True, slots=True)
class _Token:
    row: int
    start_s: float
    stop_s: float
    text: str
    probability: float
    speaker: str | None
    pause_s: float
    """Until the next word; infinite after the last."""


def lines(words: Table, voice: Table) -> list[Line]:
    """Lay out what was said in lines.

    Words that the recogniser stretched over a pause are cut to where voice activity hears them. Lines break at pauses
    and at the ends of sentences, long ones besides where it hurts least. No word is left out; lines are in order of
    time and do not overlap.

    Parameters
    ----------
    words : Table
        Table words.
    voice : Table
        Table voice. Speech without words gives a line without text.

    Returns
    -------
    list of Line
    """
    tokens = _tokens(words, voice)
    found: list[Line] = []
    for sentence in _sentences(tokens):
        for group in _split_at_pauses(_punctuated(sentence)):
            for line in _fitting(group):
                found.append(_line(line, found[-1].stop_s if found else 0.0))
    found += [line for line in _unheard(tokens, voice) if not any(_overlap(line, other) for other in found)]
    return sorted(found, key=lambda line: (line.start_s, line.stop_s))


def _tokens(words: Table, voice: Table) -> list[_Token]:
    order = [int(row) for row in np.argsort(words["start_s"], kind="stable") if (words["text"][row] or "").strip()]
    texts = [words["text"][row].strip() for row in order]
    spans = [_voiced(float(words["start_s"][row]), float(words["stop_s"][row]), voice) for row in order]
    return [
        _Token(
            row,
            *spans[number],
            full_width(texts[number], texts[number + 1] if number + 1 < len(order) else ""),
            float(words["probability"][row]),
            words["speaker"][row],
            spans[number + 1][0] - spans[number][1] if number + 1 < len(order) else math.inf,
        )
        for number, row in enumerate(order)
    ]


def _voiced(start: float, stop: float, voice: Table) -> tuple[float, float]:
    """Return the part of a word in which somebody speaks: recognisers stretch words over pauses."""
    begins, ends = np.maximum(voice["start_s"], start), np.minimum(voice["stop_s"], stop)
    best = int(np.argmax(ends - begins)) if len(begins) else 0
    return (float(begins[best]), float(ends[best])) if len(begins) and begins[best] < ends[best] else (start, stop)


def _sentences(tokens: Sequence[_Token]) -> Iterator[list[_Token]]:
    sentence: list[_Token] = []
    for number, token in enumerate(tokens):
        sentence.append(token)
        last = number + 1 == len(tokens)
        continues = ends_clause(token.text) and not ends_sentence(token.text)
        if (
            last
            or ends_sentence(token.text)
            or (token.pause_s >= SENTENCE_S and not continues)
            or tokens[number + 1].speaker != token.speaker
        ):
            yield sentence
            sentence = []


def _punctuated(sentence: Sequence[_Token]) -> list[_Token]:
    """Return a sentence with punctuation where there was none: commas at short pauses, an end at its end."""
    marked = []
    for token, following in zip(sentence, [*sentence[1:], None], strict=True):
        mark = ""
        if not ends_clause(token.text):
            if following is None:
                mark = "？" if asks("".join(token.text for token in sentence)) else "。"
            elif token.pause_s >= COMMA_S and not inside_number(token.text, following.text):
                mark = "，"
        marked.append(replace(token, text=token.text + mark))
    return marked


def _split_at_pauses(sentence: Sequence[_Token]) -> Iterator[list[_Token]]:
    group: list[_Token] = []
    for token in sentence:
        group.append(token)
        if token.pause_s >= BREAK_S:
            yield group
            group = []
    if group:
        yield group


def _fitting(group: list[_Token]) -> Iterator[list[_Token]]:
    """Split a group until every part fits on a line: evenly, at punctuation and pauses, not inside a number."""
    while not _fits(group) and len(group) > 1:
        width, length = _width(group), group[-1].stop_s - group[0].start_s
        even = width / max(math.ceil(width / MAX_CHARACTERS), math.ceil(length / MAX_LINE_S))
        cuts = [cut for cut in range(1, min(len(group), MOST_WORDS)) if _fits(group[:cut])] or [1]
        best = max(cuts, key=lambda cut: _merit(group, cut, even))
        yield group[:best]
        group = group[best:]
    yield group


def _merit(group: Sequence[_Token], cut: int, even: float) -> float:
    before, after = group[cut - 1], group[cut]
    merit = -abs(_width(group[:cut]) - even) / MAX_CHARACTERS + min(before.pause_s, 0.5)
    merit += 1.0 if ends_clause(before.text) else 0.0
    merit += 0.2 if before.text[-1] in PARTICLES else 0.0
    merit -= 2.0 if inside_number(before.text, after.text) else 0.0
    merit -= 0.6 if _inside_phrase("".join(token.text for token in group[:cut]), after.text) else 0.0
    return merit - (0.5 if after.text[0] in CLINGING else 0.0)


def _inside_phrase(before: str, after: str) -> bool:
    """Tell whether a known phrase goes on beyond a break; pypinyin's dictionary knows about half of them."""
    from pypinyin.constants import PHRASES_DICT  # takes a moment to load

    spans = ((back, ahead) for back in (1, 2, 3) for ahead in (1, 2, 3) if back + ahead <= 4)
    return any(before[-back:] + after[:ahead] in PHRASES_DICT for back, ahead in spans)


def _fits(group: Sequence[_Token]) -> bool:
    return _width(group) <= MAX_CHARACTERS and group[-1].stop_s - group[0].start_s <= MAX_LINE_S


def _width(group: Sequence[_Token]) -> float:
    text = readable("".join(token.text for token in group))
    return sum(0.5 if character.isascii() else 1.0 for character in text) - (1.0 if ends_clause(text) else 0.0)


def _line(group: Sequence[_Token], earliest_s: float) -> Line:
    start = max(min(token.start_s for token in group), earliest_s)
    stop = max(max(token.stop_s for token in group), start)
    return Line(start, stop, _pieces(group), tuple(token.row for token in group), group[0].speaker)


def _pieces(group: Sequence[_Token]) -> tuple[Piece, ...]:
    """Return the pieces of a line, a number written in figures being one piece."""
    owner = [token for token in group for _ in token.text]
    text = "".join(token.text for token in group)
    found: list[Piece] = []
    at = 0
    for figure in figures(text):
        found += _plain(text, owner, at, figure.start)
        found.append(Piece(figure.text, min(token.probability for token in owner[figure.start : figure.stop])))
        at = figure.stop
    return (*found, *_plain(text, owner, at, len(text)))


def _plain(text: str, owner: Sequence[_Token], start: int, stop: int) -> Iterator[Piece]:
    while start < stop:
        end = start + 1
        while end < stop and owner[end] is owner[start]:
            end += 1
        yield Piece(text[start:end], owner[start].probability)
        start = end


def _unheard(tokens: Sequence[_Token], voice: Table) -> Iterator[Line]:
    """Yield the stretches of speech in which no word stands."""
    starts = np.array([token.start_s for token in tokens], np.float64)
    stops = np.array([token.stop_s for token in tokens], np.float64)
    for begin, end in zip(voice["start_s"], voice["stop_s"], strict=True):
        inside = (starts < end) & (stops > begin)
        least = MIN_UNHEARD_WITHIN_S if inside.any() else MIN_UNHEARD_S
        at = float(begin)
        for start, stop in [*sorted(zip(starts[inside], stops[inside], strict=True)), (end, end)]:
            if start - at >= least:
                yield Line(at, float(start), ())
            at = max(at, float(stop))


def _overlap(one: Line, other: Line) -> bool:
    return one.start_s < other.stop_s and other.start_s < one.stop_s

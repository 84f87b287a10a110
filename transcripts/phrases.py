"""Finding the phrases of a lexicon in what was said: the one engine of all checks that listen for words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from pipeline.model import Curve, Evidence, Finding, Level, Message, Scalar, Span, Table
from transcripts.alignment import HALF_COST, Match, sound_cost
from transcripts.lexicon import Lexicon
from transcripts.normalise import han, syllables
from transcripts.spoken import Transcript

MIN_PHRASE_SCORE = 91.0
"""Agreement, 0 to 100, from which a phrase counts as heard: sounds that are easily merged, and of six syllables or more
one that is half another."""
EXACT_SYLLABLES, AS_WRITTEN = 3, 2
"""So many syllables must be the same without tone; so many, or fewer, must be recognised as they are written."""
NEAR = 1
"""Syllables that may stand between a phrase and what negates it; none if that is one character itself."""
REACH = 8
"""Syllables that may stand between a phrase and what frames its sentence."""
PAUSE_S = 0.7
"""A longer pause ends a sentence: recognisers leave out punctuation, and somebody else may speak."""
JOIN_S = 10.0
"""Hits no farther apart are one finding."""
MOST_FINDINGS = 20
"""Of one kind in one clip. Where there would be more, hits farther apart are joined too, the nearest first."""
QUOTED = 3
"""Hits that a message quotes; the evidence lists all."""

_CLAUSE_ENDS, _SENTENCE_ENDS = "，,：:", "。！？!?；;…"
_PIECES = re.compile(rf"([^{_CLAUSE_ENDS + _SENTENCE_ENDS}]*)([{_CLAUSE_ENDS + _SENTENCE_ENDS}]*)")


@dataclass(frozen=True, slots=True)
class Hit:
    """A phrase that was heard."""

    phrase: str
    """As the lexicon gives it."""
    score: float
    """0 to 100."""
    start: int
    """First syllable."""
    stop: int
    """One past the last."""
    span: Span
    heard: str
    """The words as they were recognised."""


@dataclass(frozen=True, slots=True)
class Said:
    """What was said, with the ends of its clauses and sentences; one entry a syllable."""

    text: str
    transcript: Transcript
    clause: tuple[int, ...]
    """Number of the clause."""
    sentence: tuple[int, ...]
    _costs: dict[tuple[str, str], NDArray[np.float64]] = field(default_factory=dict, repr=False, compare=False)

    def costs(self, character: str, syllable: str) -> NDArray[np.float64]:
        """Return how unlike a character, as it is read in a phrase, is to each of the text; 0: it sounds the same."""
        if (character, syllable) not in self._costs:
            heard = zip(self.text, self.transcript.syllables, strict=True)
            # One character may be read in several ways.
            row = [0.0 if other == character else sound_cost(syllable, sound) for other, sound in heard]
            self._costs[character, syllable] = np.array(row)
        return self._costs[character, syllable]

    def places(self, phrase: str, min_score: float, *, written: bool = False) -> Iterator[tuple[int, float]]:
        """Yield where a phrase begins, and how well it agrees there; a phrase lies within one sentence."""
        count = len(phrase)
        if count <= AS_WRITTEN or written:
            starts = [found.start() for found in re.finditer(f"(?={phrase})", self.text)]
            scores = {start: 100.0 for start in starts}
        elif count > len(self.text):
            return
        else:
            last = len(self.text) - count + 1
            rows = [self.costs(*pair) for pair in zip(phrase, _sounds(phrase), strict=True)]
            windows = np.array([row[n : last + n] for n, row in enumerate(rows)])
            agreement = 100.0 * (1.0 - windows.sum(axis=0) / count)
            least = 100.0 if count <= EXACT_SYLLABLES else min_score
            # However long the phrase: a syllable that is another altogether makes it another phrase.
            good = (agreement >= least - 1e-9) & (windows.max(axis=0) <= HALF_COST)
            scores = {int(start): float(agreement[start]) for start in np.flatnonzero(good)}
        for start, score in scores.items():
            if self.sentence[start] == self.sentence[start + count - 1]:
                yield start, score

    def expressions(self, around: Sequence[str]) -> list[tuple[int, int]]:
        """Return the places (start, stop) of the words around phrases; such a word lies within one clause."""
        return [
            (start, start + len(one))
            for one in around
            for start, _ in self.places(one, 100.0)
            if self.clause[start] == self.clause[start + len(one) - 1]
        ]


def read(words: Table) -> Said:
    """Return the text of a `words` table, parted into clauses and sentences by punctuation and by pauses."""
    characters: list[str] = []
    rows: list[int] = []
    clause: list[int] = []
    sentence: list[int] = []
    in_clause = in_sentence = 0
    before_s = -np.inf
    for row, text in enumerate(words["text"]):
        if words["start_s"][row] - before_s > PAUSE_S:
            in_clause, in_sentence = in_clause + 1, in_sentence + 1
        before_s = words["stop_s"][row]
        for part, ends in _PIECES.findall(text or ""):
            found = han(part)
            characters += found
            rows += [row] * len(found)
            clause += [in_clause] * len(found)
            sentence += [in_sentence] * len(found)
            in_clause += bool(ends)
            in_sentence += any(end in _SENTENCE_ENDS for end in ends)
    said = "".join(characters)
    return Said(said, Transcript(words, syllables(said), tuple(rows)), tuple(clause), tuple(sentence))


def hits(said: Said, lexicon: Lexicon, more: Sequence[str] = (), min_score: float = MIN_PHRASE_SCORE) -> list[Hit]:
    """Return where phrases of a lexicon were said and meant, in order of time; of two that overlap the longer one.

    A phrase of two characters must be recognised as it is written, one of three must agree in every syllable without
    tone, a longer one by `min_score`. A hit does not count inside one of the lexicon's longer expressions (`part_of`),
    where what negates it stands in the same clause before or after it, or where its sentence is framed as somebody
    else's words, a condition or a rule.

    Parameters
    ----------
    said : Said
        See `read`.
    lexicon : Lexicon
        Its groups are left alone; give the phrases of one as `more`.
    more : sequence of str
        Further phrases.
    min_score : float
        Agreement, 0 to 100, that a phrase of four syllables or more needs.
    """
    found = [
        (start, start + len(phrase), phrase, score)
        for phrases, written in (((*lexicon.phrases, *more), False), (lexicon.written, True))
        for phrase in phrases
        for start, score in said.places(phrase, min_score, written=written)
    ]
    if not found:
        return []
    longer, negations = said.expressions(lexicon.part_of), said.expressions(lexicon.negated_by)
    frames, tails = said.expressions(lexicon.framed_by), said.expressions(lexicon.followed_by)

    def is_meant(start: int, stop: int) -> bool:
        return not (
            any(begin < stop and start < end for begin, end in longer)
            or any(
                0 <= start - end <= _near(at, end) and said.clause[at] == said.clause[start] for at, end in negations
            )
            or any(0 <= start - end <= REACH and said.sentence[at] == said.sentence[start] for at, end in frames)
            or any(0 <= at - stop <= _near(at, end) and said.clause[at] == said.clause[stop - 1] for at, end in tails)
        )

    kept: list[Hit] = []
    unmeant: list[tuple[int, int]] = []
    for start, stop, phrase, score in sorted(found, key=lambda one: (one[0] - one[1], -one[3], one[0])):
        if any(start < hit.stop and hit.start < stop for hit in kept):
            continue
        if any(begin <= start and stop <= end for begin, end in unmeant) or not is_meant(start, stop):
            unmeant.append((start, stop))
            continue
        span, heard = said.transcript.place(Match(score, (), start, stop))
        kept.append(Hit(phrase, score, start, stop, span, heard))
    return sorted(kept, key=lambda hit: hit.start)


@cache
def _sounds(phrase: str) -> tuple[str, ...]:
    return syllables(phrase)


def _near(start: int, stop: int) -> int:
    return NEAR if stop - start > 1 else 0


def findings(
    kind: str, template: str, words: Table, lexicon: Lexicon, more: Sequence[str], min_score: float, join_s: float
) -> Iterator[Finding]:
    """Yield what was said of one kind, as notes: hits near in time are one finding.

    Parameters
    ----------
    kind : str
        Of the findings.
    template : str
        Their message, with the fields `start_s` (seconds) and `heard`.
    words : Table
        Table words.
    lexicon, more, min_score
        As for `hits`.
    join_s : float
        Seconds between hits up to which they are one finding.
    """
    said = read(words)
    for group in joined(hits(said, lexicon, more, min_score), join_s):
        quoted = " … ".join(hit.heard for hit in group[:QUOTED]) + (" …" if len(group) > QUOTED else "")
        yield finding(kind, template, said, group, {"heard": quoted})


def finding(
    kind: str,
    template: str,
    said: Said,
    group: Sequence[Hit],
    values: Mapping[str, Scalar],
    evidence: Evidence | None = None,
) -> Finding:
    """Return hits as one finding: words heard, phrases of the lexicon, agreement and time of each, further evidence."""
    span = Span(min(hit.span.start_s for hit in group), max(hit.span.stop_s for hit in group))
    rows = said.transcript.word[group[0].start], said.transcript.word[group[-1].stop - 1]
    return Finding(
        kind,
        Level.NOTE,
        span,
        Message(template, {"start_s": span.start_s, **values}),
        evidence={
            **(evidence or {}),
            "heard": tuple(hit.heard for hit in group),
            "phrases": tuple(hit.phrase for hit in group),
            "agreement": tuple(round(hit.score, 1) for hit in group),
            "at_s": tuple(round(hit.span.start_s, 2) for hit in group),
            "word_probability": round(float(said.transcript.words["probability"][rows[0] : rows[1] + 1].mean()), 2),
        },
        curves=(Curve("words.probability"),),
    )


def joined(found: Sequence[Hit], join_s: float) -> list[Sequence[Hit]]:
    """Group hits no farther apart than `join_s`; where that makes too many groups, only the widest gaps part them."""
    if not found:
        return []
    gaps = [after.span.start_s - before.span.stop_s for before, after in pairwise(found)]
    wide = sorted((n for n, gap in enumerate(gaps) if gap > join_s), key=lambda n: -gaps[n])[: MOST_FINDINGS - 1]
    return [found[start:stop] for start, stop in pairwise([0, *sorted(n + 1 for n in wide), len(found)])]

"""Finding a sentence inside a transcript by how it sounds.

A recogniser writes homophones at will (监督我们 as 煎督我们), so that characters are a poor measure; syllables
without tones, with small costs for sounds that speakers and recognisers merge, are a good one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from transcripts.normalise import clauses, initial_and_final, syllables

MISSING_COST = 1.0
"""A syllable of the sentence that was not heard."""
EXTRA_COST = 1.0
"""A syllable that was heard between two of the sentence."""
MERGED_COST = 0.1
HALF_COST = 0.5

_MERGED_INITIALS = {"zh": "z", "ch": "c", "sh": "s", "n": "l", "r": "l"}


@dataclass(frozen=True, slots=True)
class Match:
    """Where a sentence fits best inside a text, and how well."""

    score: float
    """100 × (1 − cost / syllables of the sentence), 0 to 100."""
    clause_scores: tuple[float, ...]
    """The same for each clause of the sentence."""
    start: int
    """First matched syllable of the text."""
    stop: int
    """One past the last; `start` = `stop` where nothing was matched."""


def _canonical(syllable: str) -> tuple[str, str]:
    initial, final = initial_and_final(syllable)
    # ang/an, eng/en, ing/in, and with a glide iang/ian, uang/uan; ong has no partner.
    merged = final[:-1] if final.endswith("ng") and final[-3:] != "ong" else final
    return _MERGED_INITIALS.get(initial, initial), merged


@cache
def sound_cost(said: str, heard: str) -> float:
    """Return how unlike two syllables without tone are: 0 equal, 0.1 merged sounds, 0.5 half equal, 1 otherwise.

    Merged: zh/z, ch/c, sh/s, l/n, r/n in the initial, ang/an, eng/en, ing/in in the final. Half equal: the initial or
    the final agrees after merging; two empty initials do not count as agreeing.
    """
    if said == heard:
        return 0.0
    one, two = _canonical(said), _canonical(heard)
    if one == two:
        return MERGED_COST
    return HALF_COST if one[1] == two[1] or (one[0] and one[0] == two[0]) else 1.0


def align(sentence: Sequence[str], text: Sequence[str], lengths: Sequence[int]) -> Match:
    """Fit a whole sentence into a text at the place where it costs least.

    What the text says before and after the place is free; inside it, every missing and every extra syllable costs 1
    and every other pair its `sound_cost` (semi-global alignment: Sellers, "The theory and computation of evolutionary
    distances", J. Algorithms 1, 1980).

    Parameters
    ----------
    sentence, text : sequence of str
        Syllables without tone.
    lengths : sequence of int
        Number of syllables of each clause; they add up to the sentence.

    Returns
    -------
    Match
        Of several equally good places the first. An extra syllable counts for the clause of the syllable before it.
    """
    if not sentence or sum(lengths) != len(sentence):
        raise ValueError(f"clauses of {list(lengths)} syllables do not make up a sentence of {len(sentence)}")
    rows = [[0.0] * (len(text) + 1)]
    for row, said in enumerate(sentence, start=1):
        above = rows[-1]
        line = [row * MISSING_COST]
        for column, heard in enumerate(text, start=1):
            line.append(
                min(
                    above[column - 1] + sound_cost(said, heard),
                    above[column] + MISSING_COST,
                    line[column - 1] + EXTRA_COST,
                )
            )
        rows.append(line)
    last = rows[-1]
    column = min(range(len(last)), key=last.__getitem__)
    score = _score(last[column], len(sentence))
    costs = [0.0] * len(sentence)
    matched: list[int] = []
    row = len(sentence)
    while row > 0:
        here = rows[row][column]
        pair = sound_cost(sentence[row - 1], text[column - 1]) if column else 1.0
        if column and _same(here, rows[row - 1][column - 1] + pair):
            row, column = row - 1, column - 1
            costs[row] += pair
            if pair < 1.0:
                matched.append(column)
        elif _same(here, rows[row - 1][column] + MISSING_COST):
            row -= 1
            costs[row] += MISSING_COST
        else:
            column -= 1
            costs[row - 1] += EXTRA_COST
    scores, at = [], 0
    for length in lengths:
        scores.append(_score(sum(costs[at : at + length]), length))
        at += length
    return Match(score, tuple(scores), *((min(matched), max(matched) + 1) if matched else (0, 0)))


def find(sentence: str, text: Sequence[str]) -> Match:
    """Fit a written sentence into the syllables of a text; see `align`."""
    if not text:  # where nobody spoke, no syllables need be looked up
        return Match(0.0, (0.0,) * len(clauses(sentence)), 0, 0)
    parts = [syllables(clause) for clause in clauses(sentence)]
    return align([one for part in parts for one in part], text, [len(part) for part in parts])


def _score(cost: float, count: int) -> float:
    return 100.0 * max(0.0, 1.0 - cost / count)


def _same(one: float, two: float) -> bool:
    return abs(one - two) < 1e-9

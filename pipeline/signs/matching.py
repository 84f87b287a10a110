"""Whether a text read in a picture names the place that the case record names: pure, over the `texts` table."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import fuzz

from pipeline.model import Table
from pipeline.signs.naming import MIN_CORE, core, door_numbers, numbers, own_part, plain

BOXES_IN_SIGN = 3
"""Neighbouring boxes that are joined at most: signs have two lines, seldom three."""
LETTERS_IN_SIGN = 16
"""Letters that stand apart, each with a box of its own, and are joined to one text at most."""
OTHER_OWN_PART = 79.0
"""Most that a text scores in which the characters that the enterprise chose for itself do not stand: that of another
enterprise of the same trade may otherwise be the same."""
OWN_PART_SCORE = 80.0
"""Similarity from which these characters count as standing there: one in five may be misread, of fewer none."""


@dataclass(frozen=True, slots=True)
class Sign:
    """A text of the scene, of one box or of neighbouring boxes read as one."""

    frame: int
    time_s: float
    text: str
    confidence: float
    """Of the least sure box."""
    left: float
    top: float
    right: float
    bottom: float
    height_px: float
    """Of the smallest box."""
    sharpness: float
    """Of the least sharp box."""
    boxes: int = 1


def match_score(text: str, names: Sequence[str], door_number: str | None = None) -> tuple[float, str]:
    """Return how well a text names a place, and the name it fits best.

    What counts is the part of the name that tells it from others (`pipeline.signs.naming.core`), found whole in the
    text, forwards or backwards: signs are also written from right to left. Where the part that is the enterprise's own
    (`pipeline.signs.naming.own_part`) does not stand there, the score stays below 80. Numbers must agree exactly: every
    number of the name must stand in the text, and where text and case record both give a door number, it must be the
    same.

    Parameters
    ----------
    text : str
        As read.
    names : sequence of str
        Names of one place.
    door_number : str, optional
        The place's door number as the case record gives it.

    Returns
    -------
    score : float
        0 to 100, the Indel similarity of the best alignment (rapidfuzz's `partial_ratio`); 100 is the same.
    name : str
        The first of the names that reaches it; empty if there are no names.
    """
    best = (0.0, "")
    read = plain(text)
    for name in names:
        score = _one(read, name, door_number)
        if score > best[0] or not best[1]:
            best = (score, name)
    return best


def _one(read: str, name: str, door_number: str | None) -> float:
    wanted = core(name)
    if not read or not wanted or not numbers(plain(name)) <= numbers(read):
        return 0.0
    if door_number is not None and (stated := numbers(plain(door_number))):
        doors = door_numbers(read)
        if doors and not doors & stated:
            return 0.0
    forms = (read, read[::-1]) if len(wanted) >= MIN_CORE else (read,)
    return max(_score(wanted, own_part(name), form) for form in forms)


def _score(wanted: str, own: str, read: str) -> float:
    score = _similarity(wanted, read)
    if score <= OTHER_OWN_PART or (len(read) >= len(own) and fuzz.partial_ratio(own, read) >= OWN_PART_SCORE):
        return score
    return OTHER_OWN_PART


def _similarity(wanted: str, read: str) -> float:
    """Return the similarity of the wanted text and the part of what was read that fits it best.

    A text shorter than what is wanted is compared as a whole, or one lucky character would match every name; so is a
    wanted text of one or two characters, which stands somewhere in many long ones.
    """
    if len(read) <= len(wanted) or len(wanted) < MIN_CORE:
        return fuzz.ratio(wanted, read)
    return fuzz.partial_ratio(wanted, read)


def likeness(text: str, name: str) -> float:
    """Return how much a text is the whole name and nothing else: 0 to 100, the Indel similarity."""
    return fuzz.ratio(plain(text), plain(name))


def signs_of(texts: Table) -> list[Sign]:
    """Return every text of the scene in table `texts`, and those of neighbouring boxes of a picture joined.

    What the recorder burned in, pages that are held up, and lines that were seen but not read are left out.
    """
    signs: list[Sign] = []
    scene = ~texts["overlay"] & ~texts["document"] & _was_read(texts)
    for frame in np.unique(texts["frame"][scene]):
        single = [_sign(texts, int(row)) for row in np.flatnonzero((texts["frame"] == frame) & scene)]
        signs.extend(single)
        signs.extend(_joined(chain) for chain in (*_chains(single), *_letters(single)))
    return signs


def unread_of(texts: Table) -> list[Sign]:
    """Return the lines of the scene that were seen and not read: too small, or beyond what is read of a clip.

    Their text is empty and their confidence unknown; pages that are held up are left out.
    """
    rows = np.flatnonzero(~texts["overlay"] & ~texts["document"] & ~_was_read(texts))
    return [_sign(texts, int(row)) for row in rows]


def _was_read(texts: Table) -> NDArray[np.bool_]:
    return np.array([bool(text) for text in texts["text"]], np.bool_)


def _sign(texts: Table, row: int) -> Sign:
    def number(column: str) -> float:
        return float(texts[column][row])

    return Sign(
        frame=int(texts["frame"][row]),
        time_s=number("time_s"),
        text=str(texts["text"][row] or ""),
        confidence=number("confidence"),
        left=number("left"),
        top=number("top"),
        right=number("right"),
        bottom=number("bottom"),
        height_px=number("height_px"),
        sharpness=number("sharpness"),
    )


def _chains(signs: Sequence[Sign]) -> Iterator[tuple[Sign, ...]]:
    """Yield rows of two or more signs each of which reads on from the one before."""
    after = {id(sign): [other for other in signs if other is not sign and _follows(sign, other)] for sign in signs}
    chains: Iterable[tuple[Sign, ...]] = [(sign,) for sign in signs]
    for _ in range(BOXES_IN_SIGN - 1):
        chains = [(*chain, other) for chain in chains for other in after[id(chain[-1])] if other not in chain]
        yield from chains


def _follows(sign: Sign, other: Sign) -> bool:
    """Tell whether `other` reads on from `sign`: right of it, below it, or, of columns, left of it.

    Both have letters of about the same size and are close by.
    """
    if not 0.5 <= sign.height_px / max(other.height_px, 1e-6) <= 2.0:
        return False
    height = min(sign.bottom - sign.top, other.bottom - other.top)
    width = min(sign.right - sign.left, other.right - other.left)
    across = min(sign.right, other.right) - max(sign.left, other.left)
    along = min(sign.bottom, other.bottom) - max(sign.top, other.top)
    if along >= 0.5 * height:  # one line: the gap may be as wide as two characters
        columns = _is_column(sign) and _is_column(other)
        character = sign.right - sign.left if columns else (sign.right - sign.left) / max(len(sign.text), 1)
        return (other.left > sign.left or columns) and -across <= 2.0 * character
    return other.top > sign.top and -along <= height and across >= 0.5 * width


def _is_column(sign: Sign) -> bool:
    """Tell whether a text is written downwards; the picture counts as wide as most are, 16:9."""
    return len(sign.text) > 1 and (sign.bottom - sign.top) * 9 >= 1.5 * (sign.right - sign.left) * 16


def _letters(signs: Sequence[Sign]) -> Iterator[tuple[Sign, ...]]:
    """Yield rows and columns of letters that stand so far apart that each has a box of its own.

    Three are joined by `_chains` already; a row that reads from the right is turned around where it is compared.
    """
    single = [sign for sign in signs if len(sign.text) == 1]
    for downwards in (False, True):
        after = {id(sign): _next_letter(sign, single, downwards) for sign in single}
        followers = {id(other) for other in after.values() if other is not None}
        for sign in single:
            run, last = [sign], after[id(sign)]
            while last is not None and len(run) < LETTERS_IN_SIGN:
                run.append(last)
                last = after[id(last)]
            if id(sign) not in followers and len(run) > BOXES_IN_SIGN:
                yield tuple(run)


def _next_letter(sign: Sign, others: Sequence[Sign], downwards: bool) -> Sign | None:
    """Return the nearest letter right of, or below, a letter, in line with it and at most three letters away."""
    best, nearest = None, math.inf
    for other in others:
        if other is sign or not 0.6 <= sign.height_px / max(other.height_px, 1e-6) <= 1.7:
            continue
        wide, high = sign.right - sign.left, sign.bottom - sign.top
        step_x, step_y = (other.left - sign.left) / max(wide, 1e-6), (other.top - sign.top) / max(high, 1e-6)
        step, aside = (step_y, step_x) if downwards else (step_x, step_y)
        if abs(aside) <= 0.5 and 0.5 < step <= 4.0 and step < nearest:
            best, nearest = other, step
    return best


def _joined(chain: Sequence[Sign]) -> Sign:
    return Sign(
        frame=chain[0].frame,
        time_s=chain[0].time_s,
        text="".join(sign.text for sign in chain),
        confidence=min(sign.confidence for sign in chain),
        left=min(sign.left for sign in chain),
        top=min(sign.top for sign in chain),
        right=max(sign.right for sign in chain),
        bottom=max(sign.bottom for sign in chain),
        height_px=min(sign.height_px for sign in chain),
        sharpness=min(sign.sharpness for sign in chain),
        boxes=len(chain),
    )

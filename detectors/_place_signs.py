"""Texts of the scene held against the names of the place: which one names it, and why the nearest do not."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from rapidfuzz import fuzz

from pipeline.model import Evidence, Features, Scalar, Span, Table
from pipeline.signs.matching import Sign, likeness, match_score, signs_of
from pipeline.signs.naming import core, plain

SMALL, DARK, BLURRED, COVERED, OTHER, EMPTY = "too small", "too dark", "blurred", "covered", "other words", "no text"
"""Why a text, or a picture without text, does not show the place: what the evidence of a finding says."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What makes a text legible."""

    min_height_px: float
    min_confidence: float
    dark_luma: float


@dataclass(frozen=True, slots=True)
class Candidate:
    """A text of the scene held against the names of the place; an empty text stands for a picture without one."""

    sign: Sign
    name: str
    score: float
    reason: str | None
    """Why it does not show the place by itself, None if it is legible and the score decides."""

    @property
    def legible(self) -> bool:
        """Whether it is large enough and was read with confidence."""
        return self.reason in {None, COVERED, OTHER}


def scene(texts: Table) -> Table:
    """Return the texts of the scene: not the recorder's, and no printed matter that is held up."""
    own = texts["overlay"].astype(bool)
    if "document" in texts:
        own |= texts["document"].astype(bool)
    return texts.where(~own)


def candidates(features: Features, names: Sequence[str], door: str | None, limits: Limits) -> list[Candidate]:
    """Return every text of the scene, the best fit first; of equal ones the one that is most like the whole name."""
    found = []
    for sign in signs_of(scene(features["texts"])):
        score, name = match_score(sign.text, names, door)
        found.append(Candidate(sign, name, score, _reason(features, sign, name, score, limits)))
    return sorted(found, key=lambda c: (-c.score, -likeness(c.sign.text, c.name), -c.sign.height_px, c.sign.time_s))


def _reason(features: Features, sign: Sign, name: str, score: float, limits: Limits) -> str | None:
    if sign.height_px < limits.min_height_px:
        return SMALL
    if sign.confidence < limits.min_confidence:
        return DARK if luma(features, sign.frame) < limits.dark_luma else BLURRED
    wanted, read = core(name), plain(sign.text)
    if score < 100 and 2 <= len(read) < len(wanted) and fuzz.partial_ratio(read, wanted) == 100:
        return COVERED
    return None if score == 100 else OTHER


def luma(features: Features, frame: int) -> float:
    """Return the mean brightness of a picture; NaN if it is not known."""
    if not features.has("frames.luma_mean") or not 0 <= frame < features["frames"].rows:
        return math.nan
    return float(features["frames"]["luma_mean"][frame])


def unseen_share(features: Features, dark_luma: float, flat_luma: float) -> float:
    """Return the share of the pictures, 0 to 1, that are too dark or too flat to show anything: night, a hand.

    A dark picture shows something all the same where some part of it, a lit sign perhaps, is twice as bright.
    """
    if not (features.has("frames.luma_std") and features.has("frames.luma_p99")) or not features["frames"].rows:
        return 0.0
    frames = features["frames"]
    return float(((frames["luma_p99"] < 2 * dark_luma) | (frames["luma_std"] < flat_luma)).mean())


def best_of_each(found: Sequence[Candidate]) -> Iterator[Candidate]:
    """Yield the first candidate of each text."""
    told: set[str] = set()
    for candidate in found:
        if (text := plain(candidate.sign.text)) not in told:
            told.add(text)
            yield candidate


def filled(features: Features, found: Sequence[Candidate], count: int) -> list[Candidate]:
    """Return the best candidates; where there are too few, the sharpest picture of as many stretches as are missing."""
    best = list(best_of_each(found))[:count]
    missing = count - len(best)
    if missing > 0 and features.has("frames.sharpness"):
        frames = features["frames"]
        taken = {candidate.sign.frame for candidate in best}
        usable = np.flatnonzero(np.isfinite(frames["time_s"]) & np.isfinite(frames["sharpness"]))
        usable = usable[~np.isin(usable, list(taken))]
        for stretch in np.array_split(usable, missing):
            if len(stretch):
                row = int(stretch[frames["sharpness"][stretch].argmax()])
                nan = math.nan
                nothing = Sign(row, float(frames["time_s"][row]), "", nan, nan, nan, nan, nan, nan, nan)
                best.append(Candidate(nothing, "", 0.0, EMPTY))
    return best


def listing(found: Sequence[Candidate]) -> Evidence:
    """Return candidates as columns of equal length, for a reader to check and for a report to draw."""

    def numbers(attribute: str, digits: int) -> list[Scalar]:
        values = [float(getattr(candidate.sign, attribute)) for candidate in found]
        return [round(value, digits) if math.isfinite(value) else None for value in values]

    return {
        "candidate_texts": [candidate.sign.text for candidate in found],
        "candidate_scores": [round(candidate.score, 1) for candidate in found],
        "candidate_reasons": [candidate.reason for candidate in found],
        "candidate_frames": [candidate.sign.frame for candidate in found],
        "candidate_times_s": [candidate.sign.time_s for candidate in found],
        "candidate_heights_px": numbers("height_px", 1),
        "candidate_confidences": numbers("confidence", 3),
        "candidate_lefts": numbers("left", 4),
        "candidate_tops": numbers("top", 4),
        "candidate_rights": numbers("right", 4),
        "candidate_bottoms": numbers("bottom", 4),
    }


def box(sign: Sign) -> Evidence:
    """Return where a text stands, as a report draws it."""
    sides = ("left", "top", "right", "bottom")
    return {"time_s": sign.time_s, **{side: round(float(getattr(sign, side)), 4) for side in sides}}


def picture_span(features: Features, time_s: float, frame: int) -> Span:
    """Return the span of one picture; without its number where table frames does not hold it."""
    if "frames" in features and 0 <= frame < features["frames"].rows:
        return Span(time_s, time_s, frame, frame + 1)
    return Span(time_s, time_s)

"""Whether a sign of the place can be read in the pictures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from pipeline.detector import detector
from pipeline.model import Evidence, Features, Finding, Level, Message, Scalar, Span
from pipeline.signs.matching import Sign, likeness, match_score, signs_of
from pipeline.signs.naming import core, plain

SHOWN = 'The sign "{text}" at {time_s:.1f} s names the place "{name}".'
MISSING = 'None of the {pictures} pictures that were read shows a text that names the place "{name}".'
NEAR = 'The text "{text}" at {time_s:.1f} s may name the place "{name}", but that is not sure.'
UNREAD = 'A text at {time_s:.1f} s could not be read for sure ("{text}"): whether it names the place "{name}" is open.'


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A text of the scene held against the names of the place."""

    sign: Sign
    name: str
    score: float


@detector(
    "place-sign",
    version=1,
    needs=("texts.text", "texts.overlay", "case.value", "examined.value"),
    emits=("place-shown", "place-missing", "place-unclear"),
)
def place_sign(
    features: Features,
    *,
    sure_score: float = 90.0,
    repeated_score: float = 80.0,
    near_score: float = 60.0,
    min_height_px: float = 18.0,
    min_confidence: float = 0.7,
    listed: int = 5,
    missing_level: Literal["violation", "suspect", "note"] = "suspect",
) -> Iterator[Finding]:
    """Yield one finding: the place's sign is shown, is missing, or cannot be told.

    Texts of the scene (never the recorder's overlay) are held against the names and aliases in the case record, as
    `pipeline.signs.matching.match_score` does; neighbouring boxes also count as one text. A name is shown if one
    legible text reaches `sure_score`, or texts of two pictures reach `repeated_score`. It is unclear if a text comes
    near, or if some text, at least half as long as the name, could not be read; else it is missing. Nothing is said
    where the case record names no place or no picture was read.

    Parameters
    ----------
    features : Features
        Tables texts, case and examined.
    sure_score : float
        Score, 0 to 100, at which one picture is enough.
    repeated_score : float
        Score at which two pictures are enough.
    near_score : float
        Score at which a text may be the sign, so that it is not called missing.
    min_height_px : float
        Height of letters below which a text is too small to rest anything on.
    min_confidence : float
        Confidence of the reader, 0 to 1, below which a text was not read, as a rule because it is blurred. The
        sharpness of the box tells less: letters that are read well may be the softer ones (`docs/signs.md`).
    listed : int
        How many of the best candidates the evidence lists.
    missing_level : {"violation", "suspect", "note"}
        Level of place-missing. A landmark with the place's name spoken fulfils the article, too, and signs below
        18 px are often not found at all, so a missing sign alone is a reason to look.

    Yields
    ------
    Finding
        Heights in px, boxes in widths and heights of the upright picture.

    References
    ----------
    行政执法全过程记录制度（石家庄市安全生产监督管理局）第十二条（四）.
    """
    names = _case(features, "place.names") + _case(features, "place.aliases")
    counts = features["examined"]
    pictures = int(counts["value"][counts["measure"] == "pictures_read"].sum())
    if not names or pictures == 0:
        return
    door = next(iter(_case(features, "place.door_number")), None)
    candidates = []
    for sign in signs_of(features["texts"]):
        score, name = match_score(sign.text, names, door)
        candidates.append(_Candidate(sign, name, score))
    # Of texts that hold what tells the place from others, the one that is most like the whole name comes first.
    candidates.sort(key=lambda c: (-c.score, -likeness(c.sign.text, c.name), -c.sign.height_px, c.sign.time_s))

    def legible(sign: Sign) -> bool:
        """Tell whether the text is large enough and was read with confidence."""
        return sign.height_px >= min_height_px and sign.confidence >= min_confidence

    good = [c for c in candidates if c.score >= repeated_score and legible(c.sign)]
    shown = [c for c in good if c.score >= sure_score] or (good if len({c.sign.frame for c in good}) >= 2 else [])
    if shown:
        yield _shown(shown[0], good)
        return
    near = [c for c in candidates if c.score >= near_score]
    letters = min(len(core(name)) for name in names) / 2
    unread = [
        c
        for c in candidates
        if c.sign.boxes == 1 and c.sign.confidence < min_confidence and len(plain(c.sign.text)) >= max(letters, 2)
    ]
    evidence: Evidence = {"names": names, "pictures_read": pictures, **_listing(candidates[:listed])}
    whole = Span(0.0, features.duration_s())
    if near or unread:
        best = (near or unread)[0]
        values: dict[str, Scalar] = {"time_s": best.sign.time_s, "name": names[0], "text": best.sign.text}
        said = Message(NEAR if near else UNREAD, values)
        yield Finding("place-unclear", Level.SUSPECT, whole, said, evidence=evidence)
    else:
        said = Message(MISSING, {"pictures": pictures, "name": names[0]})
        yield Finding("place-missing", Level(missing_level), whole, said, evidence=evidence)


def _case(features: Features, field: str) -> tuple[str, ...]:
    case = features["case"]
    return tuple(str(value) for name, value in zip(case["field"], case["value"], strict=True) if name == field)


def _shown(best: _Candidate, good: Sequence[_Candidate]) -> Finding:
    sign = best.sign
    values: dict[str, Scalar] = {"text": sign.text, "name": best.name, "time_s": sign.time_s}
    evidence: Evidence = {
        "text": sign.text,
        "name": best.name,
        "score": round(best.score, 1),
        "confidence": round(sign.confidence, 3),
        "height_px": round(sign.height_px, 1),
        "sharpness": round(sign.sharpness, 1),
        "time_s": sign.time_s,
        "left": round(sign.left, 4),
        "top": round(sign.top, 4),
        "right": round(sign.right, 4),
        "bottom": round(sign.bottom, 4),
        "pictures": len({c.sign.frame for c in good}),
        "all_times_s": sorted({c.sign.time_s for c in good}),
    }
    span = Span(sign.time_s, sign.time_s, sign.frame, sign.frame + 1)
    return Finding("place-shown", Level.NOTE, span, Message(SHOWN, values), evidence=evidence)


def _listing(candidates: Sequence[_Candidate]) -> dict[str, list[Scalar]]:
    """Return the best candidates as columns that a reader can check."""
    return {
        "candidate_texts": [c.sign.text for c in candidates],
        "candidate_scores": [round(c.score, 1) for c in candidates],
        "candidate_heights_px": [round(c.sign.height_px, 1) for c in candidates],
        "candidate_confidences": [round(c.sign.confidence, 3) for c in candidates],
        "candidate_times_s": [c.sign.time_s for c in candidates],
    }

"""Whether it can be seen and heard where the clip was taken: a sign; or a landmark, with the place's name spoken."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from detectors._place_landmarks import best_landmark, half, landmark_shown, together
from detectors._place_signs import (
    BLURRED,
    COVERED,
    DARK,
    SMALL,
    Candidate,
    Limits,
    box,
    candidates,
    filled,
    listing,
    picture_span,
    unseen_share,
)
from detectors._place_unnamed import signs_seen
from pipeline.detector import detector
from pipeline.model import Evidence, Features, Finding, Level, Message, Scalar, Span
from pipeline.signs.matching import Sign, unread_of
from pipeline.signs.naming import core, plain
from transcripts.place_spoken import MIN_SPOKEN_SCORE, place_names, spoken_names

SHOWN = 'The sign "{text}" at {time_s:.1f} s names the place "{name}".'
MISSING = (
    'None of the {pictures} pictures that were read shows a text that names the place "{name}", no landmark of the '
    "case record was recognised, and the name was not heard."
)
NEAR = {
    SMALL: 'The text "{text}" at {time_s:.1f} s may name the place "{name}", but its letters are only '
    "{height_px:.0f} px high.",
    DARK: 'The text "{text}" at {time_s:.1f} s may name the place "{name}", but the picture is too dark to be sure.',
    BLURRED: 'The text "{text}" at {time_s:.1f} s may name the place "{name}", but it is blurred.',
    COVERED: 'The text "{text}" at {time_s:.1f} s is a part of the name of the place "{name}": the rest is covered or '
    "outside the picture.",
}
NEAR_OTHER = 'The text "{text}" at {time_s:.1f} s may name the place "{name}", but that is not sure.'
UNREAD = {
    SMALL: 'A text at {time_s:.1f} s ("{text}") is too small to be read, {height_px:.0f} px: whether it names the '
    'place "{name}" is open.',
    DARK: 'A text at {time_s:.1f} s ("{text}") is too dark to be read: whether it names the place "{name}" is open.',
    BLURRED: 'A text at {time_s:.1f} s could not be read for sure ("{text}"): whether it names the place "{name}" is '
    "open.",
}
UNREAD_LINES = (
    "{count} lines of text were seen that could not be read, the largest {height_px:.0f} px high, at {time_s:.1f} s: "
    'whether one of them names the place "{name}" is open.'
)
UNSEEN = (
    "In {percent:.0f} % of the clip the picture is too dark or covered to show anything, so whether the place "
    '"{name}" was shown is open.'
)
MISSING_UNHEARD = (
    'None of the {pictures} pictures that were read shows a text that names the place "{name}", and no landmark of the '
    "case record was recognised; the sound was not examined for the name."
)


@detector(
    "place",
    version=1,
    needs=("texts.text", "texts.overlay", "examined.value"),
    emits=("place-shown", "place-missing", "place-unclear", "landmark-shown", "signs-seen"),
)
def place(
    features: Features,
    *,
    sure_score: float = 90.0,
    repeated_score: float = 80.0,
    near_score: float = 60.0,
    min_height_px: float = 18.0,
    min_confidence: float = 0.7,
    min_inliers: int = 20,
    min_spread: float = 0.02,
    min_spoken_score: float = MIN_SPOKEN_SCORE,
    dark_luma: float = 30.0,
    flat_luma: float = 6.0,
    unseen_most: float = 0.5,
    listed: int = 5,
    missing_level: Literal["violation", "suspect", "note"] = "suspect",
) -> Iterator[Finding]:
    """Yield whether the place is shown, is missing, or cannot be told; and, without a case record, what signs say.

    Texts of the scene (never the recorder's overlay, never printed matter that is held up) are held against the names
    and aliases in the case record, as `pipeline.signs.matching.match_score` does; neighbouring boxes also count as one
    text. The place is shown if one legible text reaches `sure_score`, or texts of two pictures reach `repeated_score`;
    else if a landmark of the case record is recognised **and** the name is spoken. It is unclear if only one of these
    two holds, if a text comes near, if some text at least half as long as the name could not be read, or if most
    pictures show nothing at all; else it is missing. Nothing is said where no picture was read.

    Parameters
    ----------
    features : Features
        Tables texts and examined; case, landmarks, words and frames where they were measured.
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
    min_inliers : int
        Matches with a reference photo that agree with one geometry, from which its landmark is recognised
        (`docs/landmarks.md`).
    min_spread : float
        Share of the photo, 0 to 1, over which they must be strewn: a logo that is the same everywhere is no landmark.
    min_spoken_score : float
        Agreement, 0 to 100, from which the name counts as spoken, as in the check place-spoken.
    dark_luma : float
        Mean brightness, 0 to 255, below which a picture is too dark; it shows nothing at all where its brightest
        hundredth stays below twice that.
    flat_luma : float
        Contrast, as the standard deviation of the brightness, below which a picture shows nothing.
    unseen_most : float
        Share of the pictures, 0 to 1, above which a clip that shows nothing in them is unclear.
    listed : int
        How many of the best candidates the evidence lists.
    missing_level : {"violation", "suspect", "note"}
        Level of place-missing. Signs below 18 px are often not found at all, so a missing sign is a reason to look.

    Yields
    ------
    Finding
        Heights in px, boxes in widths and heights of the upright picture.

    References
    ----------
    行政执法全过程记录制度（石家庄市安全生产监督管理局）第十二条（四）.
    """
    landmark = best_landmark(features, min_inliers, min_spread)
    if landmark is not None:
        yield landmark_shown(features, landmark)
    counts = features["examined"]
    pictures = int(counts["value"][counts["measure"] == "pictures_read"].sum())
    if pictures <= 0:
        return
    names = case_values(features, "place.names") + case_values(features, "place.aliases")
    door = next(iter(case_values(features, "place.door_number")), None)
    found = candidates(features, names, door, Limits(min_height_px, min_confidence, dark_luma))
    if not names:
        yield signs_seen(features, found, pictures)
        return
    good = [c for c in found if c.score >= repeated_score and c.legible]
    shown = [c for c in good if c.score >= sure_score] or (good if len({c.sign.frame for c in good}) >= 2 else [])
    if shown:
        yield _shown(features, shown[0], good)
        return
    spoken = None
    if features.has("words.text"):
        heard = spoken_names(features["words"], place_names(features), min_score=min_spoken_score)
        spoken = heard[0] if heard else None
    if landmark is not None and spoken is not None:
        yield together(features, landmark, spoken)
        return
    evidence: dict[str, Scalar | Sequence[Scalar]] = {
        "names": names,
        "pictures_read": pictures,
        "landmark": landmark.photo if landmark else None,
        "spoken": spoken.heard if spoken else None,
        **listing(filled(features, found, listed)),
    }
    near = next((c for c in found if c.score >= near_score), None)
    unread = _unread(found, names, min_confidence)
    unseen = unseen_share(features, dark_luma, flat_luma)
    unclear: Message | None
    if near is not None:
        unclear = _about(near, NEAR.get(near.reason or "", NEAR_OTHER), near.name)
        evidence |= box(near.sign)
    elif (unclear := half(features, landmark, spoken)) is not None:
        evidence |= landmark.evidence if landmark else {}
    elif unread is not None:
        unclear = _about(unread, UNREAD[unread.reason or BLURRED], names[0])
        evidence |= box(unread.sign)
    elif lines := _seen_only(features, names):
        largest = max(lines, key=lambda sign: sign.height_px)
        told: dict[str, Scalar] = {"count": len(lines), "height_px": largest.height_px, "time_s": largest.time_s}
        unclear = Message(UNREAD_LINES, {**told, "name": names[0]})
        evidence |= {"lines_not_read": len(lines), **box(largest)}
    elif unseen > unseen_most:
        unclear = Message(UNSEEN, {"percent": 100 * unseen, "name": names[0]})
    whole = Span(0.0, features.duration_s())
    if unclear is not None:
        yield Finding("place-unclear", Level.SUSPECT, whole, unclear, evidence=evidence)
    elif features.has("words.text") or not _has_sound(features):
        said = Message(MISSING, {"pictures": pictures, "name": names[0]})
        yield Finding("place-missing", Level(missing_level), whole, said, evidence=evidence)
    else:
        said = Message(MISSING_UNHEARD, {"pictures": pictures, "name": names[0]})
        level = Level.SUSPECT if missing_level == "violation" else Level(missing_level)
        yield Finding("place-missing", level, whole, said, evidence=evidence)


def case_values(features: Features, field: str) -> tuple[str, ...]:
    """Return every value of a field of the case record; none without a record."""
    if not features.has("case.field"):
        return ()
    case = features["case"]
    return tuple(str(value) for name, value in zip(case["field"], case["value"], strict=True) if name == field)


def _has_sound(features: Features) -> bool:
    return "sound" in features and features["sound"].rows > 0


def _unread(found: Sequence[Candidate], names: Sequence[str], min_confidence: float) -> Candidate | None:
    """Return the best text that is long enough to name the place and was not read for sure."""
    letters = max(min(len(core(name)) for name in names) / 2, 2)
    return next(
        (
            c
            for c in found
            if c.sign.boxes == 1 and c.sign.confidence < min_confidence and len(plain(c.sign.text)) >= letters
        ),
        None,
    )


def _seen_only(features: Features, names: Sequence[str]) -> list[Sign]:
    """Return the lines that were seen, not read, and are long enough to hold what tells the place from others."""
    letters = max(min(len(core(name)) for name in names), 2)
    width = float(features["frames"]["width"].max()) if features.has("frames.width") else 0.0
    return [
        sign
        for sign in unread_of(features["texts"])
        if (sign.right - sign.left) * width >= letters * sign.height_px > 0
    ]


def _about(candidate: Candidate, template: str, name: str) -> Message:
    sign = candidate.sign
    values: dict[str, Scalar] = {"text": sign.text, "time_s": sign.time_s, "name": name, "height_px": sign.height_px}
    return Message(template, values)


def _shown(features: Features, best: Candidate, good: Sequence[Candidate]) -> Finding:
    sign = best.sign
    values: dict[str, Scalar] = {"text": sign.text, "name": best.name, "time_s": sign.time_s}
    evidence: Evidence = {
        "basis": "sign",
        "text": sign.text,
        "name": best.name,
        "score": round(best.score, 1),
        "confidence": round(sign.confidence, 3),
        "height_px": round(sign.height_px, 1),
        "sharpness": round(sign.sharpness, 1),
        **box(sign),
        "pictures": len({c.sign.frame for c in good}),
        "all_times_s": sorted({c.sign.time_s for c in good}),
    }
    span = picture_span(features, sign.time_s, sign.frame)
    return Finding("place-shown", Level.NOTE, span, Message(SHOWN, values), evidence=evidence)

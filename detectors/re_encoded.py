"""Traces of an encoder in software, and of two encoders one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from detectors._footprint import Footprint, Stretch, border, excess, footprint
from detectors._joins import coded_pictures
from detectors._timeline import examined_stream, extent, span_of
from detectors._writers import ENCODERS, matches_any, software
from pipeline.detector import detector
from pipeline.model import Features, Finding, Level, Message

_PLACES = ("sei", "header sei", "user data", "header user data", "comment", "stream")


@detector(
    "re-encoded",
    version=1,
    needs=(
        "streams.stream",
        "streams.kind",
        "streams.default",
        "packets.stream",
        "packets.time_s",
        "packets.size_bytes",
        "packets.key",
        "packets.slice_type",
        "packets.reference",
        "encoder.stream",
        "encoder.place",
        "encoder.text",
    ),
    emits=("re-encoded", "missing-frames"),
)
def re_encoded(
    features: Features,
    *,
    recorder_encoders: tuple[str, ...] = (),
    min_strength: float = 5.0,
    min_pictures: int = 4,
    min_pictures_whole: int = 6,
    min_share: float = 0.75,
    max_breaks: int = 3,
) -> Iterator[Finding]:
    """Yield notes on the encoder that names itself and on an earlier encoding, and where that one's rhythm breaks.

    Encoders in software write their name and settings into the stream; a recorder's chip as a rule does not. And where
    footage was encoded twice, the pictures that were key frames before cost more than their neighbours when they are
    predicted: sizes rise in a rhythm that is not that of the key frames. Both speak of another encoding, never of a
    cut: a note, unless it is known which encoders the recorders of an agency have. But if the rhythm falls out of step
    inside the clip, pictures were taken out or put in before it was encoded again: that is suspect, since an encoder
    that sets key frames by the content may do the same of itself. A piece as long as the rhythm leaves no trace.

    Parameters
    ----------
    recorder_encoders : tuple of str
        Words one of which the recorders of the agency write into their stream, in any case; another encoder's name is
        then suspect. Empty: not known.
    min_strength : float
        How far the pictures of the rhythm must stand out in every stretch (standard deviations of their mean).
    min_pictures : int
        How many pictures of the rhythm must stand out in every stretch.
    min_pictures_whole : int
        How many must stand out in the whole clip.
    min_share : float
        Which share of the pictures of the rhythm must stand out in every stretch (0 to 1).
    max_breaks : int
        With more breaks the earlier encoder set key frames by the content: they are not told.

    References
    ----------
    D. Vázquez-Padín, M. Fontani, T. Bianchi, P. Comesaña, A. Piva, M. Barni, "Detection of video double encoding with
    GOP size estimation", WIFS 2012; D. Vázquez-Padín et al., "Video integrity verification and GOP size estimation via
    generalized variation of prediction footprint", IEEE TIFS 15 (2020).
    """
    row = examined_stream(features, "video")
    if row is None:
        return
    stream = features["streams"]["stream"][row]
    start_s, stop_s = extent(features)
    span = span_of(features, start_s, stop_s)
    encoder = features["encoder"]
    texts = [
        str(text)
        for of, place, text in zip(encoder["stream"], encoder["place"], encoder["text"], strict=True)
        if of == stream and place in _PLACES and text
    ]
    texts.sort(key=lambda text: not text.startswith(("x26", "Lavc")))
    named = next(((name, text) for text in texts if (name := software(text, ENCODERS))), None)
    if named is not None:
        foreign = bool(recorder_encoders) and not any(matches_any(text, recorder_encoders) for text in texts)
        yield Finding(
            kind="re-encoded",
            level=Level.SUSPECT if foreign else Level.NOTE,
            span=span,
            message=Message(
                "The pictures were encoded by {software}, an encoder in software: not by a recorder's chip, as a rule.",
                {"software": named[0]},
            ),
            evidence={"ground": "encoder-name", "names": [text[:200] for text in dict.fromkeys(texts)][:5]},
        )
    pictures = coded_pictures(features)
    found = None if pictures is None else footprint(pictures, fewest=min_pictures)
    if pictures is None or found is None or len(found.stretches) > max_breaks + 1:
        return
    clear = all(
        stretch.strength >= min_strength
        and stretch.peaks >= min_pictures
        and stretch.peaks >= min_share * stretch.places
        for stretch in found.stretches
    )
    if clear and sum(stretch.peaks for stretch in found.stretches) >= min_pictures_whole:
        yield _rhythm(features, found)
        values = excess(pictures)
        time_s = np.sort(pictures["time_s"])
        for one, other in pairwise(found.stretches):
            yield _broken(features, found.period, one, other, time_s[list(border(values, found.period, one, other))])


def _rhythm(features: Features, found: Footprint) -> Finding:
    start_s, stop_s = extent(features)
    return Finding(
        kind="re-encoded",
        level=Level.NOTE,
        span=span_of(features, start_s, stop_s),
        message=Message(
            "Every {pictures} pictures the pictures cost more than their neighbours, in another rhythm than the key "
            "frames: the footage was encoded before, with a key frame every {pictures} pictures.",
            {"pictures": found.period},
        ),
        evidence={
            "ground": "footprint",
            "period_pictures": found.period,
            "strengths": [round(stretch.strength, 2) for stretch in found.stretches],
            "pictures": sum(stretch.peaks for stretch in found.stretches),
            "places": sum(stretch.places for stretch in found.stretches),
        },
    )


def _broken(features: Features, period: int, one: Stretch, other: Stretch, border_s: NDArray[np.float64]) -> Finding:
    lacking = (one.phase - other.phase) % period
    return Finding(
        kind="missing-frames",
        level=Level.SUSPECT,
        span=span_of(features, float(border_s[0]), float(border_s[1])),
        message=Message(
            "The rhythm that an earlier encoding left falls out of step by {lacking} of {period} pictures here: pieces "
            "were taken out or put in before the footage was encoded again.",
            {"lacking": lacking, "period": period},
        ),
        evidence={
            "ground": "footprint-break",
            "period_pictures": period,
            "pictures_lacking_of_a_period": lacking,
            "strengths": [round(one.strength, 2), round(other.strength, 2)],
        },
    )

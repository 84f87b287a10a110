"""Traces of an encoder in software, and of two encoders one after the other."""

from __future__ import annotations

from collections.abc import Iterator

from detectors._footprint import Footprint, footprint
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
        "encoder.stream",
        "encoder.place",
        "encoder.text",
    ),
    emits=("re-encoded",),
)
def re_encoded(
    features: Features,
    *,
    recorder_encoders: tuple[str, ...] = (),
    min_footprint: float = 6.0,
    min_periods: int = 6,
) -> Iterator[Finding]:
    """Yield notes on the encoder that names itself in the pictures, and on the key frames of an earlier encoder.

    Encoders in software write their name and settings into the stream; a recorder's chip as a rule does not. And where
    footage was encoded twice, the pictures that were key frames before cost more than their neighbours when they are
    predicted: the sizes of P pictures rise in a rhythm that is not that of the key frames. Both speak of another
    encoding, never of a cut: a note, unless it is known which encoders the recorders of an agency have.

    Parameters
    ----------
    recorder_encoders : tuple of str
        Words one of which the recorders of the agency write into their stream, in any case; another encoder's name is
        then suspect. Empty: not known.
    min_footprint : float
        How far the rhythm must stand out before it is told (standard deviations of the sums of other rhythms).
    min_periods : int
        How often the rhythm must have come.

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
    found = footprint(pictures) if pictures is not None else None
    if found is not None and found.strength >= min_footprint and found.periods >= min_periods:
        yield _of_footprint(features, found)


def _of_footprint(features: Features, found: Footprint) -> Finding:
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
            "phase_pictures": found.phase,
            "strength": round(found.strength, 2),
            "periods": found.periods,
        },
    )

"""Which signs are legible in a clip of which nobody said where it should be."""

from __future__ import annotations

from collections.abc import Sequence

from detectors._place_signs import Candidate, best_of_each, box, listing
from pipeline.model import Evidence, Features, Finding, Level, Message, Span
from pipeline.signs.naming import plain

SEEN = "The case record names no place. {count} legible texts were seen, the clearest “{text}” at {time_s:.1f} s."
SEEN_NONE = "The case record names no place, and no legible text was seen in the {pictures} pictures that were read."
MOST = 20
"""Texts that are listed at most where the case record names no place."""


def signs_seen(features: Features, found: Sequence[Candidate], pictures: int) -> Finding:
    """Return which signs are legible, for a clip of which nobody said where it should be."""
    legible = sorted(
        (c for c in found if c.legible and c.sign.boxes == 1 and len(plain(c.sign.text)) >= 2),
        key=lambda c: -c.sign.confidence * min(c.sign.height_px, 48.0),  # larger letters are read no better
    )
    best = list(best_of_each(legible))
    span = Span(0.0, features.duration_s())
    if not best:
        said = Message(SEEN_NONE, {"pictures": pictures})
        return Finding("signs-seen", Level.NOTE, span, said, evidence={"pictures_read": pictures})
    first = best[0].sign
    said = Message(SEEN, {"count": len(best), "text": first.text, "time_s": first.time_s})
    evidence: Evidence = {"pictures_read": pictures, "legible_texts": len(best), **box(first), **listing(best[:MOST])}
    return Finding("signs-seen", Level.NOTE, span, said, evidence=evidence)

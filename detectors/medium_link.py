"""Whether the medium of the recording and the volume on paper name each other."""

from __future__ import annotations

from collections.abc import Iterator

from detectors._record import finding, first
from pipeline.detector import detector
from pipeline.model import Features, Finding, Level

_LINKED = "The case record names the volume on paper, {volume}, and the medium of the recording, {medium}."
_NO_MEDIUM = "The case record names the volume on paper, {volume}, but no medium of the recording that belongs to it."
_NO_VOLUME = "The case record names the medium of the recording, {medium}, but no volume on paper that it belongs to."


@detector("medium-link", version=1, needs=("case.value",), emits=("medium-linked", "medium-unlinked"))
def medium_link(features: Features) -> Iterator[Finding]:
    """Yield whether volume and medium are both named, so that each leads to the other; nothing where neither is.

    Article 32 of Fushun, third paragraph: media that do not fit into the volume are kept together, numbered and
    registered, each clearly belonging to one volume. A medium inside the volume needs no number of its own, so one name
    without the other is for a person.
    """
    volume, medium = first(features, "archive.volume"), first(features, "archive.medium")
    if volume and medium:
        said = {"volume": volume, "medium": medium}
        yield finding(features, "medium-linked", Level.NOTE, _LINKED, said, **said)
    elif volume:
        yield finding(features, "medium-unlinked", Level.SUSPECT, _NO_MEDIUM, {"volume": volume}, volume=volume)
    elif medium:
        yield finding(features, "medium-unlinked", Level.SUSPECT, _NO_VOLUME, {"medium": medium}, medium=medium)

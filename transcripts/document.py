"""A transcript with all that must stand beside it: what it is of, who made it when and how, and what it is to prove."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from pipeline.case import CaseRecord
from pipeline.features.schema import table
from pipeline.model import Features, Footage, Message, Table
from transcripts.lines import Line, lines
from transcripts.spoken import examined_s

COVERED_S = 1.0
"""So much less than the whole may be listened to without saying so: sound and pictures seldom end together."""


@dataclass(frozen=True, slots=True)
class Making:
    """Who made a transcript, when and with what, and who confirmed it."""

    at: str
    """ISO 8601 with the offset from UTC."""
    by: str | None
    """None: the program by itself."""
    confirmed_by: str | None
    """None: nobody, it is a draft."""
    versions: Mapping[str, str]
    """Name → version of the product, of the recogniser's libraries and of its weights."""


@dataclass(frozen=True, slots=True)
class Document:
    """A transcript, before it is written in any form."""

    footage: Footage
    duration_s: float
    listened_s: float
    has_sound: bool
    place: tuple[str, ...]
    """Names of the place, then its address; empty where the case record gives none."""
    cause: str
    parties: tuple[str, ...]
    officers: tuple[str, ...]
    unit: tuple[str, ...]
    """Agency, unit and its number."""
    making: Making
    lines: tuple[Line, ...]
    words: Table
    gaps: tuple[Message, ...]
    """What of the sound could not be examined, and why."""
    changed: int = 0
    """Lines that differ from what the machine wrote."""

    @property
    def is_whole(self) -> bool:
        """Whether all of the sound was listened to."""
        return not self.has_sound or self.duration_s - self.listened_s <= COVERED_S


def document(footage: Footage, case: CaseRecord | None, features: Features, making: Making) -> Document:
    """Put a transcript together from what was measured.

    Parameters
    ----------
    footage : Footage
    case : CaseRecord or None
        What the recording is of; what it lacks is stated as not given.
    features : Features
        Tables voice and words; both absent where the clip has no sound.
    making : Making
    """

    def said(*names: str) -> tuple[str, ...]:
        return tuple(value for name in names for value in (case.all(name) if case else ()))

    has_sound = "voice" in features
    words = features["words"] if has_sound else table("words", [])
    return Document(
        footage=footage,
        duration_s=features.duration_s(),
        listened_s=examined_s(features) if has_sound else 0.0,
        has_sound=has_sound,
        place=said("place.names", "place.address", "place.door_number"),
        cause="".join(said("cause")),
        parties=said("parties"),
        officers=said("officers"),
        unit=said("agency.name", "unit.name", "unit.number"),
        making=making,
        lines=tuple(lines(words, features["voice"])) if has_sound else (),
        words=words,
        gaps=sound_gaps(features),
    )


def sound_gaps(features: Features) -> tuple[Message, ...]:
    """Return what of the sound could not be examined."""
    if "gaps" not in features:
        return ()
    gaps = features["gaps"]
    return tuple(
        Message(template, json.loads(values or "{}"))
        for stage, template, values in zip(gaps["stage"], gaps["message"], gaps["values"], strict=True)
        if stage in {"sound", "speech"}
    )


def with_lines(made: Document, corrected: Sequence[Line]) -> Document:
    """Return a transcript with a person's lines in the place of the machine's; untouched ones are the same objects."""
    kept = len({id(line) for line in corrected} & {id(line) for line in made.lines})
    changed = max(len(corrected), len(made.lines)) - kept
    return replace(made, lines=tuple(corrected), changed=changed)

"""What was heard of labelled speech: the answer about the notice, its scores, and how well words were written down."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from rapidfuzz.distance import Levenshtein

from pipeline.model import Features, Finding
from pipeline.settings import Settings
from pipeline.tuning.clips import Clips
from pipeline.tuning.labels import html_table
from pipeline.tuning.spoken import Spoken, level
from transcripts.normalise import han, simplified

ANSWERS = ("notice-heard", "notice-partial", "notice-unclear", "notice-missing")
"""Kinds of the answer about the notice; every clip with sound has one."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What was heard of one clip."""

    spoken: Spoken
    answer: str
    """One of `ANSWERS`; empty where the clip has none."""
    agreement: float
    """How well what was written down agrees with the notice, 0 to 100; 0 where nobody is heard to speak."""
    clause: float
    """The same of its least clause."""
    written: str
    """Everything that was written down."""
    errors: int | None
    """Characters that must be put in, taken out or replaced to get what was said; None: that is not known."""

    @property
    def characters(self) -> int:
        """How many Chinese characters were said, where that is known."""
        return len(han(self.spoken.utterance.text))

    def row(self) -> dict[str, Any]:
        """Return it as a row of a table."""
        one = self.spoken
        return {
            **{"clip": one.path.name, "voice": one.utterance.voice, "said": one.utterance.said},
            **{"noise": f"{one.noise} {level(one.snr_db)}".strip(), "answer": self.answer.removeprefix("notice-")},
            **{"agreement": self.agreement, "least clause": self.clause},
            **{"words said": one.utterance.text, "words heard": self.written},
        }


@dataclass(frozen=True, slots=True)
class Hearing:
    """What was heard of many clips."""

    heard: tuple[Heard, ...]

    def table(self) -> list[dict[str, Any]]:
        """Return a row for each clip."""
        return [one.row() for one in self.heard]

    def wrong(self) -> Hearing:
        """Return those that were confirmed though not wholly said, and those that were said and not confirmed."""
        return Hearing(
            tuple(one for one in self.heard if (one.answer == ANSWERS[0]) != (one.spoken.utterance.said == "whole"))
        )

    def _repr_html_(self) -> str:
        return html_table(self.table())


def hear(spoken: Iterable[Spoken], clips: Clips, settings: Settings | None = None) -> Hearing:
    """Return what is heard of clips under settings; nothing is listened to again.

    Raises
    ------
    KeyError
        If a clip was not loaded.
    SettingsError
        If the settings ask for other measurements than were loaded.
    """
    return Hearing(tuple(_heard(one, clips, settings) for one in spoken))


def written(features: Features) -> str:
    """Return the Chinese characters that were written down of a clip, simplified."""
    return han(simplified("".join(features["words"]["text"]))) if features.has("words.text") else ""


def character_errors(text: str, features: Features) -> int:
    """Return how many characters part what was said from what was written down (Levenshtein)."""
    return Levenshtein.distance(han(text), written(features))


def answer(findings: Iterable[Finding]) -> Finding | None:
    """Return the answer about the notice among findings."""
    return next((found for found in findings if found.kind in ANSWERS), None)


def agreement(found: Finding | None) -> float:
    """Return how well the wording agrees with what was written down, 0 to 100; 0 where nobody is heard to speak."""
    told = found.evidence.get("agreement") if found else None
    return float(told) if isinstance(told, int | float) else 0.0


def _heard(one: Spoken, clips: Clips, settings: Settings | None) -> Heard:
    clip = clips[one.sha256]
    found = answer(clips.detect(clip, settings))
    scores = found.evidence.get("clauses") if found else None
    clauses = [float(score) for score in scores] if isinstance(scores, tuple) else []
    return Heard(
        one,
        found.kind if found else "",
        agreement(found),
        min(clauses, default=0.0),
        written(clip.features),
        character_errors(one.utterance.text, clip.features) if one.utterance.text else None,
    )

"""Holding the findings of clips against their labels, one by one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from pipeline.model import Features, Finding, Level
from pipeline.tuning.clips import Clip
from pipeline.tuning.labels import Label
from pipeline.tuning.matching import TOLERANCE_S, at_least, telling, touches, true_of_whole

Judgement = Literal["right", "misnamed", "false alarm", "open"]


@dataclass(frozen=True, slots=True)
class Rules:
    """When a finding counts, and when it tells of a label."""

    kinds: frozenset[str]
    """Kinds of finding that are scored."""
    tolerance_s: float = TOLERANCE_S
    """A finding this near to a label is told of it (seconds)."""
    least: Level = Level.SUSPECT
    """Findings below this level do not count."""


@dataclass(frozen=True, slots=True)
class Told:
    """A finding that counts, and what it is."""

    finding: Finding
    judgement: Judgement
    """right: its kind names what is true there · misnamed: something is true there that its kind does not name · false
    alarm: nothing is there · open: nobody knows."""


@dataclass(frozen=True, slots=True)
class Sought:
    """Something that was to be found."""

    label: Label
    by: tuple[Finding, ...]
    """The findings that tell it; none: it was missed."""

    def found_by(self, kind: str) -> bool:
        """Tell whether a finding of this kind tells it, or has one among its grounds."""
        return any(kind in {found.kind, *(ground.kind for ground in found.grounds)} for found in self.by)


@dataclass(frozen=True, slots=True)
class Judged:
    """One clip, judged."""

    clip: Clip
    findings: tuple[Finding, ...]
    """All of them, also those that do not count."""
    told: tuple[Told, ...]
    sought: tuple[Sought, ...]
    watched_s: float
    """Length of the clip if all of it is known, else 0: only there does a false alarm count for the rate."""


def judge(clip: Clip, findings: Sequence[Finding], labels: Iterable[Label], rules: Rules) -> Judged:
    """Hold the findings of a clip against its labels.

    What is `true` goes before what is `false`, and what nobody knows before a false alarm.
    """
    rows = list(labels)
    counting = [found for found in findings if found.kind in rules.kinds and at_least(found, rules.least)]
    sought = [
        Sought(row, tuple(telling(counting, row.kinds, row.span, rules.tolerance_s, rules.least)))
        for row in rows
        if row.label == "true" and (row.kinds & rules.kinds or not row.kinds)
    ]
    told = tuple(Told(found, _judgement(found, rows, clip.features, rules)) for found in counting)
    watched_s = clip.duration_s if any(row.whole for row in rows) else 0.0
    return Judged(clip, tuple(findings), told, tuple(sought), watched_s)


def _judgement(found: Finding, rows: Sequence[Label], features: Features, rules: Rules) -> Judgement:
    near = [row for row in rows if touches(found.span, row.span, rules.tolerance_s)]
    naming = [row for row in near if found.kind in row.kinds]
    if any(row.label == "true" for row in naming):
        return "right"
    if any(row.label == "unsure" for row in naming) or any(found.kind in row.beside for row in near):
        return "open"
    if any(row.label == "false" and not row.whole for row in naming):
        return "false alarm"
    if any(row.label == "true" for row in near):
        return "misnamed"
    if any(row.whole for row in naming) and not true_of_whole(found, features):
        return "false alarm"
    return "open"

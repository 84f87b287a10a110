"""What a report tells from the case record and the other clips, apart from what the footage shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.detector import REGISTRY
from pipeline.language import Language
from pipeline.model import Finding, Level
from pipeline.report.wording import LEVELS, shown, title

BESIDE = frozenset({"calendar", "case", "file", "findings", "joins", "recording", "registry", "siblings", "transcript"})
"""Tables that are not measured on the footage."""


@dataclass(frozen=True, slots=True)
class RecordView:
    """A finding that rests on records."""

    id: str
    level: str
    """Class of its look."""
    level_word: str
    title: str
    text: str


def of_record(finding: Finding, duration_s: float) -> bool:
    """Tell whether a finding rests on records or other clips, and is of no moment of this footage."""
    entry = REGISTRY.get(finding.detector)
    if entry is None or not {column.partition(".")[0] for column in entry.needs} <= BESIDE:
        return False
    whole = finding.span.start_s <= 0.0 and finding.span.stop_s >= duration_s - 1e-3
    return whole or "before" in finding.evidence


def build_records(findings: Sequence[Finding], duration_s: float, words: Language) -> tuple[RecordView, ...]:
    """Return the findings that rest on records, the gravest first."""
    weight = list(Level)
    own = [finding for finding in findings if of_record(finding, duration_s)]
    return tuple(
        RecordView(
            id=finding.id,
            level=finding.level.value,
            level_word=words.text(LEVELS[finding.level]),
            title=title(finding.kind, words),
            text=shown(words.tell(finding.message)),
        )
        for finding in sorted(own, key=lambda finding: weight.index(finding.level))
    )

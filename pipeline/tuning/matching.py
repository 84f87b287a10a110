"""When a finding tells of an edit: the one definition that scores and benchmarks share (`docs/accuracy.md`)."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from pipeline.model import Features, Finding, Level, Span

TOLERANCE_S = 0.25
"""A finding this near to an edit, in seconds, is told of that edit."""
WHOLE = 0.95
"""A finding about the sound that covers this share of a clip tells what is true of the clip, not of an edit."""
ABOUT_SOUND = frozenset({"audio-missing", "audio-dropout"})
GRAVER = {Level.NOTE: 0, Level.SUSPECT: 1, Level.VIOLATION: 2}


def touches(one: Span, other: Span, tolerance_s: float = TOLERANCE_S) -> bool:
    """Tell whether two spans overlap or lie no farther apart than the tolerance."""
    return one.start_s <= other.stop_s + tolerance_s and one.stop_s >= other.start_s - tolerance_s


def at_least(finding: Finding, least: Level) -> bool:
    """Tell whether a finding is as grave as `least` or graver."""
    return GRAVER[finding.level] >= GRAVER[least]


def telling(
    findings: Iterable[Finding],
    kinds: Collection[str],
    span: Span,
    tolerance_s: float = TOLERANCE_S,
    least: Level = Level.SUSPECT,
) -> list[Finding]:
    """Return the findings that tell of an edit: of a kind that names it, grave enough, near enough."""
    return [
        found
        for found in findings
        if found.kind in kinds and at_least(found, least) and touches(found.span, span, tolerance_s)
    ]


def true_of_whole(finding: Finding, features: Features) -> bool:
    """Tell whether a finding says what is true of a whole clip that nothing was done to: it has no sound."""
    length_s = finding.span.stop_s - finding.span.start_s
    return finding.kind in ABOUT_SOUND and length_s >= WHOLE * features.duration_s()

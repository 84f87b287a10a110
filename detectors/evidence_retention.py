"""Whether a recording that is used as evidence is kept as long as the case file."""

from __future__ import annotations

from collections.abc import Iterator

from detectors._disposal import Kept
from detectors._periods import days_after
from detectors._record import day, finding, first, flag
from pipeline.detector import detector
from pipeline.model import Features, Finding, Level, Scalar

_NOT_EVIDENCE = "The case record states that the recording is not used as evidence."
_KEPT = (
    "The recording is used as evidence and must be kept as long as the case file, until {keep_until}. It may be "
    "disposed of from {earliest} on, not before."
)
_KEPT_DISPOSED = (
    "The recording is used as evidence and must be kept as long as the case file, until {keep_until}. The day of its "
    "disposal, {dispose_on}, is later."
)
_CUT = (
    "The recording is used as evidence and must be kept as long as the case file, until {keep_until}. The case record "
    "states {dispose_on} as the day of its disposal."
)
_CUT_ELSEWHERE = (
    "The recording is used as evidence and must be kept as long as the case file, until {keep_until}. The case record "
    "states {dispose_on} as the day of its disposal, but also a medium that keeps it, {elsewhere}: for how long, a "
    "person must say."
)
_LAST_DAY = (
    "The recording is used as evidence and must be kept as long as the case file, until the end of {keep_until}. The "
    "case record states this very day as the day of its disposal."
)
_NO_END = (
    "The recording is used as evidence and must be kept as long as the case file; until when that is, the case record "
    "does not state."
)
_ENDED_BEFORE = (
    "The recording is used as evidence and must be kept as long as the case file. The case record states {keep_until} "
    "as that day, which is before {begin_on} ({begin}): one of them must be wrong."
)


@detector(
    "evidence-retention",
    version=1,
    needs=("case.value", "recording.ended_at"),
    emits=("evidence-kept", "evidence-cut", "evidence-unknown", "not-evidence"),
)
def evidence_retention(features: Features, *, evidence_as_volume: bool = False) -> Iterator[Finding]:
    """Yield whether a recording used as evidence is kept as long as the case file: at most one finding.

    Article 11 of Panjin, 28 of Laixi and 22 of Nandagang ask for it; Article 22 of Shijiazhuang and the county takes it
    for granted. Disposal may follow on the day after the case file's last.

    Parameters
    ----------
    evidence_as_volume : bool
        Whether the regulation keeps evidence as long as the case file.
    """
    evidence = flag(features, "evidence")
    if not evidence_as_volume or evidence is None:
        return
    if not evidence:
        yield finding(features, "not-evidence", Level.NOTE, _NOT_EVIDENCE, evidence=False)
        return
    kept, until = Kept.of(features), day(first(features, "archive.keep_until"))
    if until is None:
        yield finding(features, "evidence-unknown", Level.SUSPECT, _NO_END, evidence=True)
        return
    said: dict[str, Scalar] = {"keep_until": str(until), "earliest": str(days_after(until, 1))}
    said |= {"dispose_on": str(kept.dispose or ""), "elsewhere": kept.elsewhere}
    said |= {"begin_on": str(kept.earliest or ""), "begin": kept.begin}
    if kept.earliest and until < kept.earliest:
        kind, level, template = "evidence-unknown", Level.SUSPECT, _ENDED_BEFORE
    elif kept.dispose is None:
        kind, level, template = "evidence-kept", Level.NOTE, _KEPT
    elif kept.dispose > until:
        kind, level, template = "evidence-kept", Level.NOTE, _KEPT_DISPOSED
    elif kept.dispose == until:
        kind, level, template = "evidence-unknown", Level.SUSPECT, _LAST_DAY
    elif kept.elsewhere:
        kind, level, template = "evidence-unknown", Level.SUSPECT, _CUT_ELSEWHERE
    else:
        kind, level, template = "evidence-cut", Level.VIOLATION, _CUT
    yield finding(features, kind, level, template, said, **said)

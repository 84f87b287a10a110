"""Until when the recording must be kept at least, and whether it is to be disposed of before."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Annotated

from annotated_types import Ge, Le

from detectors._circumstances import Circumstance, stated_flags
from detectors._disposal import Kept
from detectors._periods import days_after, years_after
from detectors._record import day, finding, first, flag
from pipeline.detector import detector
from pipeline.model import Features, Finding, Level, Scalar

_RUNNING = (
    "The recording must be kept from {begin_on} ({begin}) to {last_day} (years: {least_years}). It may be "
    "disposed of from {earliest} on, not before."
)
_RUNNING_DISPOSED = (
    "The recording must be kept from {begin_on} ({begin}) to {last_day} (years: {least_years}). The day of its "
    "disposal, {dispose_on}, is later."
)
_CUT = (
    "The recording must be kept from {begin_on} ({begin}) to {last_day} (years: {least_years}). The case record "
    "states {dispose_on} as the day of its disposal."
)
_CUT_ELSEWHERE = (
    "The recording must be kept from {begin_on} ({begin}) to {last_day} (years: {least_years}). The case record "
    "states {dispose_on} as the day of its disposal, but also a medium that keeps it, {elsewhere}: for how long, a "
    "person must say."
)
_LAST_DAY = (
    "The recording must be kept from {begin_on} ({begin}) to the end of {last_day} (years: {least_years}). The "
    "case record states this very day, or one too near to it to tell, as the day of its disposal: {dispose_on}."
)
_NO_BEGIN = (
    "Until when the recording must be kept cannot be told: neither its upload is stated, nor is it known when it was "
    "recorded."
)
_BEFORE_BEGIN = (
    "The case record states the disposal on {dispose_on}, before {begin_on} ({begin}), from which the recording is "
    "kept: one of them must be wrong."
)
_EVIDENCE_UNSTATED = (
    "Until when the recording must be kept cannot be told: the case record does not state whether it is used as "
    "evidence. If so, it is kept as long as the case file; if not, until {last_day}."
)
_HELD = "The recording must be kept for long ({flags}), which ends on no day that the regulation names."
_HELD_DISPOSED = (
    "The recording must be kept for long ({flags}), which ends on no day that the regulation names, but the case "
    "record states {dispose_on} as the day of its disposal."
)
_VOLUME = "The recording is used as evidence and kept as long as the case file."
_VOLUME_UNTIL = "The recording is used as evidence and kept as long as the case file: until {keep_until}."


@detector(
    "retention",
    version=1,
    needs=("case.value", "recording.ended_at"),
    emits=("retention-running", "retention-cut", "retention-unknown", "kept-longer"),
)
def retention(
    features: Features,
    *,
    least_years: Annotated[int, Ge(0), Le(100)] = 0,
    evidence_as_volume: bool = False,
    flags: tuple[Circumstance, ...] = (),
) -> Iterator[Finding]:
    """Yield until when the recording must be kept by the years that a regulation names: at most one finding.

    Article 22 of Shijiazhuang, the county and Nandagang asks for two years at least, Article 11 of Panjin, 28 of Laixi
    and 32 of Changzhi for one. The years run from the upload, else from the end of the recording; the last day is the
    same day of the same month, or the month's last (Civil Code, Article 202), and disposal may follow on the next day.
    Evidence that is kept with the case file, and what must be kept for long, is kept longer: by other clauses.

    Parameters
    ----------
    least_years : int
        Years for which a recording is kept at least; 0: the regulation names none.
    evidence_as_volume : bool
        Whether a recording used as evidence is kept as long as the case file, in place of these years.
    flags : tuple of str
        Circumstances for which the regulation asks for long keeping, as for the detector hold.
    """
    if not least_years:
        return
    kept = Kept.of(features)
    held = [code for code in stated_flags(features) or () if code in flags]
    evidence = flag(features, "evidence") if evidence_as_volume else False
    keep_until = day(first(features, "archive.keep_until"))
    said: dict[str, Scalar] = {"least_years": least_years, "begin": kept.begin, "flags": ", ".join(held)}
    said |= {"dispose_on": str(kept.dispose or ""), "elsewhere": kept.elsewhere, "keep_until": str(keep_until or "")}
    if kept.earliest and kept.latest:
        surely, last = years_after(kept.earliest, least_years), years_after(kept.latest, least_years)
        said |= {"begin_on": str(kept.latest), "last_day": str(last), "earliest": str(days_after(last, 1))}
        by_years = _by_years(kept, kept.earliest, surely, last)
    else:
        by_years = ("retention-unknown", Level.SUSPECT, _NO_BEGIN)
    kind, level, template = by_years
    if held and not (evidence is False and kind == "retention-cut"):
        if kept.dispose and not kept.elsewhere:
            kind, level, template = "retention-unknown", Level.SUSPECT, _HELD_DISPOSED
        else:
            kind, level, template = "kept-longer", Level.NOTE, _HELD
    elif evidence:
        kind, level, template = "kept-longer", Level.NOTE, _VOLUME_UNTIL if keep_until else _VOLUME
    elif evidence is None and kept.latest:
        kind, level, template = "retention-unknown", Level.SUSPECT, _EVIDENCE_UNSTATED
    yield finding(features, kind, level, template, said, **said)


def _by_years(kept: Kept, earliest: date, surely: date, last: date) -> tuple[str, Level, str]:
    """Return kind, level and sentence for a recording that is kept by the years alone.

    It must be kept until `last`; every day before `surely` is too early, however the times are read.
    """
    dispose = kept.dispose
    if dispose is None:
        return "retention-running", Level.NOTE, _RUNNING
    if dispose > last:
        return "retention-running", Level.NOTE, _RUNNING_DISPOSED
    if dispose < earliest:
        return "retention-unknown", Level.SUSPECT, _BEFORE_BEGIN
    if dispose >= surely:
        return "retention-unknown", Level.SUSPECT, _LAST_DAY
    if kept.elsewhere:
        return "retention-unknown", Level.SUSPECT, _CUT_ELSEWHERE
    return "retention-cut", Level.VIOLATION, _CUT

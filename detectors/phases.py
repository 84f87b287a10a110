"""Which phases of the enforcement are recorded: in this clip, in another of the case, or left out for a reason."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from detectors._phases import Claim, Exemption, claim_of, name_of, names_of
from detectors._record import codes, finding, stated
from detectors._timeline import span_of
from pipeline.case import PHASES
from pipeline.detector import detector
from pipeline.model import Features, Finding, Level, Message, Scalar

HERE = "The case record says that this clip shows the phase {name} ({phase})."
THERE = "The case record of {clip}, another clip of the case, says that it shows the phase {name} ({phase})."
EXEMPTED = "The phase {name} ({phase}) was left out for a stated reason ({code}: {reason}), approved by {approved_by}."
GUESSED = (
    "No case record says that the phase {name} ({phase}) was recorded, but words at {start_s:.1f} s suggest it: "
    "“{words}”. A person must look."
)
MISSING = "The phase {name} ({phase}) is due, and none of the clips of the case shows it: {clips}."
CLIPS_UNSTATED = (
    "The phase {name} ({phase}) is due, and no clip that was examined is said to show it. The case record does not "
    "state which clips the case has, so another one may."
)
CLIPS_ELSEWHERE = (
    "The phase {name} ({phase}) is due, and no clip that was examined is said to show it. Other clips of the case were "
    "not examined: {clips}."
)
CLIPS_SILENT = (
    "The phase {name} ({phase}) is due, and no clip is said to show it. Of these clips of the case no record says "
    "which phases they show: {clips}."
)
UNFOUNDED = (
    "The phase {name} ({phase}) is due, and no clip that was examined is said to show it. It is claimed to be exempted "
    "({code}), but the case record does not state: {fields}."
)
NOT_EXCUSED = (
    "The phase {name} ({phase}) is due, and no clip that was examined is said to show it. The reason that is claimed "
    "for this ({code}: {reason}) does not by itself excuse a phase under this regulation: a person must decide."
)
NOT_DUE = "The case record says which phases the case has, and this is not among them: {names}."
PROCESS = "Every phase that is due is recorded, or left out with approval: {names}."

SUGGESTED_BY: dict[str, tuple[str, ...]] = {
    "introduction": ("said-purpose", "said-credentials"),
    "rights": ("said-rights",),
    "questioning": ("said-questioning",),
    "signing": ("said-signing",),
}
"""Phase → kinds of finding that suggest it."""


@dataclass(frozen=True, slots=True)
class _Clips:
    """What the clips of the case are said to show."""

    this: str
    here: tuple[str, ...]
    """Phases of this clip."""
    there: dict[str, str]
    """Phase → the first other clip that shows it."""
    elsewhere: tuple[str, ...] | None
    """Clips of the case that were not examined; None if it is not known which clips it has."""
    silent: tuple[str, ...]
    """Clips of the case whose phases are not stated."""

    def has(self, phase: str) -> bool:
        return phase in self.here or phase in self.there


@detector(
    "phases",
    version=1,
    needs=("case.value", "findings.kind"),
    emits=("phase-recorded", "phase-missing", "phase-guessed", "phase-not-due", "exempted", "process-shown"),
)
def phases(
    features: Features, *, excuses: tuple[Exemption, ...] = ("explosive-area", "secrecy", "unsuited")
) -> Iterator[Finding]:
    """Yield for each phase that is due, or recorded, whether it is recorded, exempted or missing.

    The case record says which phases are due (`phases_due`) and which this clip shows (`phases_recorded`); table
    `siblings` says the latter of the other clips of the case. A phase that is due and in no clip is a violation only
    if every clip of the case (`clips`) was examined and each states what it shows; else a person must look. Nothing
    is missing where the case record does not say what is due.

    Parameters
    ----------
    excuses : tuple of str
        Codes of `exemption.code` for which the regulation lets a phase go unrecorded. `conditions` is none by default:
        where conditions forbid to record the whole, the important phases must be recorded all the same (Panjin,
        Article 8; Nandagang, Article 11).

    Yields
    ------
    Finding
        One for each phase, with the code in `phases` of its evidence; one with all phases that are neither due nor
        recorded; one if every phase that is due is recorded or exempted, and one at least is recorded.

    References
    ----------
    行政执法全过程记录制度（石家庄市安全生产监督管理局）第七条 and its like: phases that must be recorded; 第八条: what
    must not; 第十二条（三）: the record must reflect the process.
    """
    clips, claim = _clips(features), claim_of(features)
    due = codes(features, "phases_due", PHASES)
    told = []
    for phase in (phase for phase in PHASES if phase in (due or ()) or clips.has(phase)):
        found = _judged(features, phase, clips, claim, excuses)
        told.append(found.kind)
        yield found
    if due is None:
        return
    left = tuple(phase for phase in PHASES if phase not in due and not clips.has(phase))
    if left:
        yield finding(features, "phase-not-due", Level.NOTE, NOT_DUE, {"names": names_of(due) or "–"}, phases=left)
    if due and set(told) <= {"phase-recorded", "exempted"} and any(clips.has(phase) for phase in due):
        yield finding(features, "process-shown", Level.NOTE, PROCESS, {"names": names_of(due)}, due=due)


def _clips(features: Features) -> _Clips:
    this = str(features["file"]["name"][0] or "") if features.has("file.name") and features["file"].rows else ""
    here = codes(features, "phases_recorded", PHASES)
    there: dict[str, str] = {}
    silent = [] if here is not None else [this]
    examined = {this}
    if features.has("siblings.phases"):
        siblings = features["siblings"].where(features["siblings"]["case"].astype(bool))
        for clip, shown in zip(siblings["clip"], siblings["phases"], strict=True):
            name = str(clip or "")
            examined.add(name.rpartition("/")[2])
            if not (shown or "").split():
                silent.append(name)
            for phase in (shown or "").split():
                there.setdefault(phase, name)
    named = stated(features, "clips")
    whole = this in named
    elsewhere = tuple(clip for clip in named if clip not in examined) if whole else None
    return _Clips(this, here or (), there, elsewhere, tuple(silent))


def _judged(
    features: Features, phase: str, clips: _Clips, claim: Claim | None, excuses: tuple[Exemption, ...]
) -> Finding:
    """Return what a phase comes to that is due or recorded."""
    named: dict[str, Scalar] = {"name": name_of(phase), "phase": phase}
    listed = (phase,)
    if phase in clips.here:
        return finding(features, "phase-recorded", Level.NOTE, HERE, named, phases=listed, clip=clips.this)
    if phase in clips.there:
        values = {**named, "clip": clips.there[phase]}
        return finding(features, "phase-recorded", Level.NOTE, THERE, values, phases=listed, clip=clips.there[phase])
    claimed = claim is not None and phase in claim.covered
    if claim is not None and claimed and claim.code in excuses and not claim.lacking:
        facts = {"code": claim.code, "reason": claim.reason, "approved_by": claim.approved_by}
        return finding(features, "exempted", Level.NOTE, EXEMPTED, {**named, **facts}, phases=listed, **facts)
    if (guessed := _guessed(features, phase)) is not None:
        return guessed
    if claim is not None and claimed:
        code, fields = claim.code, claim.lacking
        values = {**named, "code": code, "fields": ", ".join(fields)} if fields else {**named, "code": code}
        said = UNFOUNDED if fields else NOT_EXCUSED
        values |= {} if fields else {"reason": claim.reason}
        return finding(features, "phase-missing", Level.SUSPECT, said, values, phases=listed, code=code)
    if clips.elsewhere is None:
        return finding(features, "phase-missing", Level.SUSPECT, CLIPS_UNSTATED, named, phases=listed)
    open_clips = clips.elsewhere or clips.silent
    if open_clips:
        said = CLIPS_ELSEWHERE if clips.elsewhere else CLIPS_SILENT
        values = {**named, "clips": "、".join(open_clips)}
        return finding(features, "phase-missing", Level.SUSPECT, said, values, phases=listed, clips=open_clips)
    every = stated(features, "clips")
    values = {**named, "clips": "、".join(every)}
    return finding(features, "phase-missing", Level.VIOLATION, MISSING, values, phases=listed, clips=every)


def _guessed(features: Features, phase: str) -> Finding | None:
    """Return the first words of this clip that suggest a phase, None if none do."""
    if phase not in SUGGESTED_BY:
        return None
    rows = features["findings"]
    columns = (rows["start_s"], rows["stop_s"], rows["kind"], rows["words"])
    suggesting = [
        (float(start), float(stop), str(kind), str(words))
        for start, stop, kind, words in zip(*columns, strict=True)
        if kind in SUGGESTED_BY[phase] and words and math.isfinite(start) and math.isfinite(stop)
    ]
    if not suggesting:
        return None
    start_s, stop_s, kind, words = min(suggesting)
    span = span_of(features, start_s, max(start_s, stop_s))
    values: dict[str, Scalar] = {"name": name_of(phase), "phase": phase, "start_s": span.start_s, "words": words}
    evidence = {"phases": (phase,), "kind": kind, "words": words}
    return Finding("phase-guessed", Level.SUSPECT, span, Message(GUESSED, values), evidence=evidence)

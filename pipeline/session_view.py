"""The session view: which clips belong together, what lies between them, who, where, and which phases."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from detectors._phases import name_of
from pipeline.case import PHASES
from pipeline.language import Language
from pipeline.model import Examination, Finding, Level, Message, Outcome
from pipeline.report import json_v1
from pipeline.rules.judge import verdict_of
from pipeline.sessions.chain import BETWEEN, Chain, Session
from pipeline.sessions.clips import Clip
from pipeline.terminal import LEVEL_STYLE, OUTCOME_STYLE, grid, judged

FORMAT = 1
PHASE_KINDS = {
    "recorded": "phase-recorded",
    "missing": "phase-missing",
    "suggested": "phase-guessed",
    "exempted": "exempted",
}

FIRST_LAST = "{start} to {stop}, {clips} clips"
ONE_CLIP = "{start} to {stop}, 1 clip"
UNKNOWN_TIME = "time not known"
UNKNOWN_DEVICE = "recorder not known"
COPY = "{copy} has the same content as {of}; it was left out."
NOT_EXAMINED = "could not be examined"


@dataclass(frozen=True, slots=True)
class View:
    """One recording session with what was found in its clips."""

    session: Session
    examinations: tuple[Examination, ...]
    """In the order of the clips."""

    def between(self) -> list[Finding]:
        """Return what lies between the clips, each join once, in order."""
        found: dict[tuple[object, ...], Finding] = {}
        for examination in self.examinations:
            for finding in examination.findings:
                if finding.kind in BETWEEN and "before" in finding.evidence:
                    key = (finding.kind, finding.evidence["before"], finding.evidence["after"])
                    found.setdefault(key, finding)
        order = {clip.label: number for number, clip in enumerate(self.session.clips)}
        return sorted(found.values(), key=lambda f: order.get(str(f.evidence["after"]), 0))

    def phases(self) -> dict[str, list[str]]:
        """Return which phases are due, recorded, missing, only suggested, and exempted."""
        due = {code for clip in self.session.clips for code in clip.stated("phases_due") if code != "none"}
        found: dict[str, list[str]] = {"due": sorted(due)}
        for name, kind in PHASE_KINDS.items():
            codes: set[str] = set()
            for examination in self.examinations:
                for finding in examination.findings:
                    if finding.kind == kind:
                        named = finding.evidence.get("phases", ())
                        codes.update([named] if isinstance(named, str) else [str(code) for code in named or ()])  # type: ignore[union-attr]
            found[name] = sorted(codes)
        return found

    def rules(self) -> list[dict[str, Any]]:
        """Return every rule with its worst outcome in the clips, and the clips of that outcome."""
        by_rule: dict[str, list[tuple[Clip, Any]]] = {}
        for clip, examination in zip(self.session.clips, self.examinations, strict=True):
            for rule in examination.rules:
                by_rule.setdefault(rule.id, []).append((clip, rule))
        rows = []
        for id, told in by_rule.items():
            outcome = verdict_of([rule.outcome for _, rule in told])
            worst = [(clip, rule) for clip, rule in told if rule.outcome is outcome]
            rows.append({"rule": worst[0][1], "outcome": outcome, "clips": [clip.label for clip, _ in worst], "id": id})
        return rows

    @property
    def verdict(self) -> Outcome:
        """The worst verdict of the clips."""
        return verdict_of([examination.verdict for examination in self.examinations])

    def stated(self, field: str) -> list[str]:
        """Return what the case records of the clips state of a field, each value once."""
        return list(dict.fromkeys(value for clip in self.session.clips for value in clip.stated(field)))

    @property
    def begin(self) -> datetime | None:
        """When the first clip began."""
        return min((c.recording.started_at for c in self.session.clips if c.recording.started_at), default=None)

    @property
    def end(self) -> datetime | None:
        """When the last clip ended."""
        return max((c.recording.ended_at for c in self.session.clips if c.recording.ended_at), default=None)


def views(found: Chain, examinations: Mapping[Path, Examination]) -> list[View]:
    """Return the sessions in order of time, each with the examinations of its clips."""
    return [View(session, tuple(examinations[clip.path] for clip in session.clips)) for session in found.sessions]


def document(found: Chain, examinations: Mapping[Path, Examination], profile: str) -> dict[str, Any]:
    """Return the session view as values that JSON can hold; `docs/sessions.md` says what each key means."""
    any_of = next(iter(examinations.values()))
    whole = {
        "format": FORMAT,
        "tool": {"version": json_v1.tool_version(any_of)},
        "profile": profile,
        "sessions": [_session(view) for view in views(found, examinations)],
        "copies": [{"path": str(copy.path), "of": str(of.path)} for copy, of in found.copies],
        "left_out": [
            {"path": str(exam.footage.path), "reason": str(exam.unreadable)} for exam in _left_out(found, examinations)
        ],
    }
    result: dict[str, Any] = json_v1.plain(whole)
    return result


def _left_out(found: Chain, examinations: Mapping[Path, Examination]) -> list[Examination]:
    """Return the clips on which the program failed: they are in no session."""
    placed = {clip.path for session in found.sessions for clip in session.clips} | {c.path for c, _ in found.copies}
    return [examination for path, examination in examinations.items() if path not in placed]


def _session(view: View) -> dict[str, Any]:
    session = view.session
    first = next((clip for clip in session.clips if clip.recording.device_id), session.clips[0])
    return {
        "device_id": session.device_id,
        "device_from": first.recording.device_from,
        "started_at": view.begin,
        "ended_at": view.end,
        "recorded_s": sum(clip.duration_s for clip in session.clips),
        "case_number": next(iter(view.stated("case_number")), None),
        "unit": next(iter(view.stated("unit.name") or view.stated("agency.name")), None),
        "officers": view.stated("officers"),
        "place": next(iter(view.stated("place.names")), None),
        "clips": [_clip(clip, exam) for clip, exam in zip(session.clips, view.examinations, strict=True)],
        "joins": [
            {"kind": f.kind, "level": f.level, "summary": f.summary, "evidence": f.evidence} for f in view.between()
        ],
        "phases": view.phases(),
        "rules": [
            {
                "id": row["id"],
                "article": row["rule"].article,
                "outcome": row["outcome"],
                "reason": str(row["rule"].reason),
                "clips": row["clips"],
            }
            for row in view.rules()
        ],
        "verdict": view.verdict,
    }


def _clip(clip: Clip, examination: Examination) -> dict[str, Any]:
    recording = clip.recording
    return {
        "path": str(clip.path),
        "sha256": clip.sha256 or None,
        "started_at": recording.started_at,
        "ended_at": recording.ended_at,
        "time_from": recording.time_from,
        "time_within_s": recording.within_s,
        "duration_s": clip.duration_s,
        "number": recording.number,
        "verdict": examination.verdict,
        "unreadable": None if examination.unreadable is None else str(examination.unreadable),
    }


def rendered(found: Chain, examinations: Mapping[Path, Examination], lang: Language) -> RenderableType:
    """Return the session view as a person reads it on a terminal."""
    parts: list[RenderableType] = []
    for view in views(found, examinations):
        parts.extend([*_rendered(view, lang), Text()])
    for copy, of in found.copies:
        told = Message(COPY, {"copy": str(copy.path), "of": of.label})
        parts.append(Text(lang.tell(told), style="yellow"))
    for examination in _left_out(found, examinations):
        reason = lang.tell(examination.unreadable) if examination.unreadable else ""
        parts.append(Text(f"{examination.footage.path}: {reason}", style="red"))
    return Group(*parts)


def _rendered(view: View, lang: Language) -> list[RenderableType]:
    session = view.session
    head = Text(session.device_id or lang.text(UNKNOWN_DEVICE), style="bold")
    head.append(f"  {_period(view, lang)}  ")
    head.append(lang.text(view.verdict.value), style=OUTCOME_STYLE[view.verdict])
    parts: list[RenderableType] = [head]
    who = [
        *view.stated("case_number"),
        *view.stated("unit.name"),
        *view.stated("officers"),
        *view.stated("place.names")[:1],
    ]
    if who:
        parts.append(Text("  " + " · ".join(who)))
    between = view.between()
    inner = {clip.label for clip in session.clips}
    parts.extend(_told(f, lang) for f in between if f.evidence["before"] not in inner)
    widest = max(cell_len(clip.label) for clip in session.clips)
    for clip, examination in zip(session.clips, view.examinations, strict=True):
        parts.append(_line(clip, examination, widest, lang))
        parts.extend(_told(finding, lang) for finding in between if finding.evidence["before"] == clip.label)
    phases = grid(2)
    for name, codes in view.phases().items():
        if codes:
            style = "bold red" if name == "missing" else ""
            phases.add_row(Text(lang.text(f"Phases {name}"), style=style), Text(_phases(codes, lang)))
    if phases.row_count:
        parts.append(phases)
    pressing = [row["rule"] for row in view.rules() if row["outcome"] in (Outcome.FAIL, Outcome.UNDECIDED)]
    if pressing:
        parts.append(judged(pressing, lang))
    return parts


def _line(clip: Clip, examination: Examination, widest: int, lang: Language) -> Text:
    start = clip.recording.started_at
    line = Text(f"  {start:%H:%M:%S}" if start else "  --:--:--", no_wrap=True, overflow="ellipsis")
    line.append(f"  {_length(clip):>6}  {clip.label}{' ' * (widest - cell_len(clip.label))}  ")
    line.append(lang.text(examination.verdict.value), style=OUTCOME_STYLE[examination.verdict])
    told = lang.text(NOT_EXAMINED) if examination.unreadable is not None else ""
    line.append("  " + (told or _phases(clip.stated("phases_recorded"), lang)), style="dim")
    return line


def _told(finding: Finding, lang: Language) -> RenderableType:
    """Return what lies between two clips, indented."""
    note = finding.level is Level.NOTE
    text = Text("│ " if note else "╳ ", style="dim" if note else LEVEL_STYLE[finding.level])
    text.append(lang.tell(finding.message))
    return Padding(text, (0, 0, 0, 4))


def _phases(codes: Iterable[str], lang: Language) -> str:
    """Return phases as they are called: by their codes, in Chinese by the names that the regulations use."""
    known = [code for code in codes if code in PHASES]
    return "、".join(map(name_of, known)) if lang.tag == "zh-CN" else ", ".join(known)


def _period(view: View, lang: Language) -> str:
    if view.begin is None or view.end is None:
        return lang.text(UNKNOWN_TIME)
    stop = f"{view.end:%H:%M:%S}" if view.begin.date() == view.end.date() else f"{view.end:%Y-%m-%d %H:%M:%S}"
    count = len(view.session.clips)
    values = {"start": f"{view.begin:%Y-%m-%d %H:%M:%S}", "stop": stop}
    return lang.tell(Message(ONE_CLIP, values) if count == 1 else Message(FIRST_LAST, {**values, "clips": count}))


def _length(clip: Clip) -> str:
    minutes, seconds = divmod(round(clip.duration_s), 60)
    return f"{minutes}:{seconds:02d}"

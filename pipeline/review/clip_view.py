"""One clip as the review page shows it, in the reader's language."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.language import Language
from pipeline.model import Level, Outcome, Span
from pipeline.report import json_v1
from pipeline.report.measured import MeasuredView, shares_of
from pipeline.report.page import Badge, badge
from pipeline.report.page_tuned import TunedView, build_tuned
from pipeline.report.wording import LEVELS, N_, NOTHING, figure, shown, stretch, title, value
from pipeline.review.clip import Clip
from pipeline.review.facts import facts_of, seconds_of
from pipeline.review.night import counted_badge, moment
from pipeline.review.rights import CLASS_WORDS
from pipeline.settings import tuned_of


@dataclass(frozen=True, slots=True)
class FindingView:
    """A finding as the page shows it."""

    id: str
    title: str
    level: Badge
    when: str
    start_s: float
    stop_s: float
    summary: str
    numbers: tuple[tuple[str, str], ...]
    measured: tuple[MeasuredView, ...]
    """What error rates were measured for findings of its kind; none: none were."""


@dataclass(frozen=True, slots=True)
class RuleView:
    """A rule as the page shows it."""

    id: str
    article: str
    text: str
    outcome: Badge
    reason: str
    findings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ClipView:
    """All that the page shows of a clip besides its player and timeline."""

    name: str
    verdict: Badge
    profile: str
    sha256: str | None
    duration_s: float
    findings: tuple[FindingView, ...]
    rules: tuple[RuleView, ...]
    gaps: tuple[str, ...]
    record: tuple[tuple[str, str], ...]
    """What the case record and the recording tell: name and value."""
    tuned: TunedView | None
    """Who tuned the parameters, on what, and with which result; None: nobody did."""


def clip_view(clip: Clip, words: Language) -> ClipView:
    """Return a clip in the reader's language, its gravest findings first."""
    told = clip.document
    order = {str(level): place for place, level in enumerate(Level)}
    found = sorted(told["findings"], key=lambda one: (order[one["level"]], one["span"]["start_s"]))
    gaps = told["examined"].get("gap_messages")
    return ClipView(
        name=shown(told["clip"]["path"]),
        verdict=counted_badge(facts_of(json.dumps(told)).counted, words),
        profile=told["profile"],
        sha256=told["clip"]["sha256"],
        duration_s=told["clip"]["duration_s"],
        findings=tuple(_finding(one, words) for one in found),
        rules=tuple(
            RuleView(
                rule["id"],
                rule["article"],
                rule["text"],
                badge(Outcome(rule["outcome"]), words),
                sentence_of(rule, "reason", words),
                tuple(rule["findings"]),
            )
            for rule in told["rules"]
        ),
        gaps=tuple(words.tell(json_v1.message_of(gap)) for gap in gaps)
        if gaps is not None
        else tuple(told["examined"]["gaps"]),
        record=tuple(_record(told["clip"], words)),
        tuned=None if told.get("tuned") is None else build_tuned(tuned_of(told["tuned"]), words),
    )


RECORD = {
    "case_number": N_("Case number"),
    "agency": N_("Agency"),
    "unit": N_("Unit"),
    "unit_number": N_("Number of the unit"),
    "officers": N_("Officers"),
    "cause": N_("Matter"),
    "parties": N_("Parties"),
    "place": N_("Place"),
    "access": N_("Access"),
    "secrecy": N_("Secrets"),
}
"""Entries of the case record in the public document, and their words."""


def _record(told: Mapping[str, Any], words: Language) -> Iterator[tuple[str, str]]:
    recording, case = told.get("recording") or {}, told.get("case") or {}
    for name, label in RECORD.items():
        entry = case.get(name)
        texts = [entry] if isinstance(entry, str) else entry or []
        known = CLASS_WORDS if name in ("access", "secrecy") else {}
        if texts:
            written = [words.text(known[text]) if text in known else shown(text) for text in texts]
            yield words.text(label), ("、" if words.tag == "zh-CN" else ", ").join(written)
    device = recording.get("device_id") or told.get("device_id")
    yield words.text("Recorder"), shown(device) if device else NOTHING
    for name, label in (("started_at", N_("Recorded from")), ("ended_at", N_("Recorded until"))):
        if recording.get(name):
            yield words.text(label), moment(seconds_of(recording[name]), words, "medium")
    if told.get("recorded_at"):
        yield words.text("Start that the header claims"), moment(seconds_of(told["recorded_at"]), words, "medium")


def _finding(told: Mapping[str, Any], words: Language) -> FindingView:
    span = told["span"]
    level = Level(told["level"])
    score = told.get("score")
    numbers = [
        (words.text("Probability"), NOTHING if score is None else figure(score)),
        (words.text("Detector"), f"{told['detector']} {told['version']}"),
        *((shown(name), value(entry, words)) for name, entry in told["evidence"].items()),
    ]
    for curve in told["curves"]:
        if curve["threshold"] is not None:
            numbers.append((f"{words.text('Threshold')} {curve['column']}", figure(curve["threshold"])))
    return FindingView(
        told["id"],
        title(told["kind"], words),
        Badge(words.text(LEVELS[level]), str(level), ""),
        stretch(Span(span["start_s"], span["stop_s"], span["first_frame"], span["stop_frame"])),
        span["start_s"],
        span["stop_s"],
        sentence_of(told, "summary", words),
        tuple(numbers),
        shares_of([told["kind"]], words),
    )


def sentence_of(told: Mapping[str, Any], name: str, words: Language) -> str:
    """Return a sentence in the reader's language; documents of earlier releases hold the English one only."""
    parts = told.get("message")
    if parts is None:
        return words.text(str(told[name]))
    try:
        return words.tell(json_v1.message_of(parts))
    except (KeyError, IndexError, ValueError):  # a template of another release
        return str(told[name])

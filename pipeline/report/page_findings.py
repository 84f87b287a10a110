"""Findings as the page shows them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pipeline.language import Language
from pipeline.model import Examination, Finding
from pipeline.report.measured import MeasuredView, shares_of
from pipeline.report.page_heard import HeardView, build_heard
from pipeline.report.page_texts import Picture, picture
from pipeline.report.snippets import Passage
from pipeline.report.stills import Candidate, ShownStill, by_gravity, candidates
from pipeline.report.wording import LEVELS, N_, NOTHING, figure, sentence, shown, stretch, title, value

BESIDE = ("left", "top", "right", "bottom")
"""Evidence that the picture shows better than a table."""
REASONS = {
    "too small": N_("too small"),
    "too dark": N_("too dark"),
    "blurred": N_("blurred"),
    "covered": N_("covered or cut off"),
    "other words": N_("other words"),
    "no text": N_("no text"),
}
"""Why a candidate does not count, as evidence says it → in the reader's words."""
UNCOMPARED = "signs-seen"
"""Kind whose texts were held against no name."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A name and a value."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Plots:
    """Drawn curves of a finding: files in the report's folder."""

    near: str
    whole: str


@dataclass(frozen=True, slots=True)
class Assets:
    """Files that were made for the page, as they lie in the report's folder."""

    plots: Mapping[str, Plots] = field(default_factory=dict)
    """By the id of the finding that they belong to."""
    stills: Mapping[str, list[ShownStill]] = field(default_factory=dict)
    """By their owner, see `pipeline.report.stills.WantedStill`."""
    photos: Mapping[str, str] = field(default_factory=dict)
    """Reference photos by the name that the case record gives them."""
    passages: Mapping[str, Passage] = field(default_factory=dict)
    """What is to be heard of findings, by their ids."""
    offsets: str = ""
    """The offset curve; empty if there is none."""
    opening: str = ""
    """The sound; empty if there is none."""


@dataclass(frozen=True, slots=True)
class GroundView:
    """What another detector told of the same break."""

    title: str
    summary: str
    when: str
    detector: str
    version: int
    evidence: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class CandidateView:
    """A text, or a picture without one, that came nearest to what was looked for."""

    text: str
    reading: str
    """Its score and how legible it is."""
    reason: str
    """Why it does not count; empty if only the score speaks against it."""
    picture: Picture | None


@dataclass(frozen=True, slots=True)
class FindingView:
    """One finding, with all that it rests on."""

    id: str
    kind: str
    level: str
    """The level itself, which is also the class of its colour."""
    level_word: str
    title: str
    says: str
    """What its kind says."""
    summary: str
    when: str
    pictures: str
    score: str
    detector: str
    version: int
    evidence: tuple[Entry, ...]
    params: tuple[Entry, ...]
    columns: tuple[str, ...]
    plots: Plots | None
    heard: HeardView | None
    """The passage of the sound that it rests on, if it rests on speech."""
    stills: tuple[Picture, ...]
    reading: str
    """What was read in the marked place, and how well; empty if nothing was."""
    candidates: tuple[CandidateView, ...]
    candidates_title: str
    grounds: tuple[GroundView, ...]
    """What other detectors told of the same break."""
    articles: tuple[Entry, ...]
    """Rules that name it: id and article."""
    measured: tuple[MeasuredView, ...]
    """How often findings of its kind are right, as far as that was measured."""


def describe(findings: Sequence[Finding], max_per_kind: int) -> list[Finding]:
    """Return the gravest findings of each kind, at most `max_per_kind` of one, the gravest first."""
    taken: Counter[str] = Counter()
    described = []
    for finding in by_gravity(findings):
        taken[finding.kind] += 1
        if taken[finding.kind] <= max_per_kind:
            described.append(finding)
    return described


def left_out(findings: Sequence[Finding], described: Sequence[Finding], words: Language) -> tuple[str, ...]:
    """Return one sentence for each kind of which not all findings are described."""
    more = Counter(finding.kind for finding in findings) - Counter(finding.kind for finding in described)
    template = words.text("{title}: {count} more, less grave or later, stand in report.v1.json only.")
    return tuple(template.format(title=title(kind, words), count=count) for kind, count in more.items())


def view(finding: Finding, examination: Examination, assets: Assets, words: Language) -> FindingView:
    """Return a finding in the reader's language."""
    _ = words.text
    span = finding.span
    frames = NOTHING
    if span.first_frame is not None and span.stop_frame is not None:
        frames = f"{span.first_frame} – {span.stop_frame}"
    nearest = candidates(finding)
    beside = [*BESIDE, *(name for name in finding.evidence if nearest and name.startswith("candidate_"))]
    stills = [picture(still, words) for still in assets.stills.get(finding.id, ())]
    return FindingView(
        id=finding.id,
        kind=shown(finding.kind),
        level=finding.level,
        level_word=_(LEVELS[finding.level]),
        title=title(finding.kind, words),
        says=sentence(finding.kind, words),
        summary=shown(words.tell(finding.message)),
        when=stretch(span),
        pictures=frames,
        score=_("not calibrated") if finding.score is None else figure(round(finding.score, 3)),
        detector=shown(finding.detector),
        version=finding.version,
        evidence=entries(finding.evidence, words, leave_out=beside),
        params=entries(finding.params, words),
        columns=tuple(shown(curve.column) for curve in finding.curves),
        plots=assets.plots.get(finding.id),
        heard=build_heard(finding, examination.features, assets.passages.get(finding.id), words),
        stills=(*stills, *_photo(finding, assets, words)),
        reading=_reading(finding, words),
        candidates=tuple(_candidate(finding, n, seen, assets, words) for n, seen in enumerate(nearest)),
        candidates_title=_("The most legible texts") if finding.kind == UNCOMPARED else _("What came nearest"),
        grounds=tuple(_ground(ground, words) for ground in finding.grounds),
        articles=tuple(Entry(rule.id, rule.article) for rule in examination.rules if finding.id in rule.findings),
        measured=shares_of([finding.kind], words),
    )


def _ground(finding: Finding, words: Language) -> GroundView:
    return GroundView(
        title=title(finding.kind, words),
        summary=shown(words.tell(finding.message)),
        when=stretch(finding.span),
        detector=shown(finding.detector),
        version=finding.version,
        evidence=entries(finding.evidence, words, leave_out=BESIDE),
    )


def _photo(finding: Finding, assets: Assets, words: Language) -> list[Picture]:
    """Return the reference photo that a finding is about, by name only where it could not be read."""
    if not isinstance(name := finding.evidence.get("photo"), str):
        return []
    caption = f"{words.text('Reference photo of the case record')} · {shown(name)}"
    if name not in assets.photos:
        return [Picture(None, caption, caption, missing=words.text("This photo could not be opened."))]
    return [Picture(assets.photos[name], caption, caption)]


def _reading(finding: Finding, words: Language) -> str:
    """Return what was read in the place that a finding marks: only where it marks one text."""
    known = finding.evidence
    if "text" not in known or "left" not in known:
        return ""
    numbers = {name: known.get(name) for name in ("score", "confidence", "height_px")}
    legible = _legible(**{k: float(v) if isinstance(v, int | float) else None for k, v in numbers.items()}, words=words)
    return " · ".join(part for part in (f"“{shown(str(known['text']))}”", legible) if part)


def _candidate(finding: Finding, number: int, seen: Candidate, assets: Assets, words: Language) -> CandidateView:
    taken = assets.stills.get(f"{finding.id}/{number}", [])
    if finding.kind == UNCOMPARED:
        seen = replace(seen, score=None, reason=None)
    reason = "" if seen.reason is None else words.text(REASONS.get(seen.reason, seen.reason))
    return CandidateView(
        text=shown(seen.text),
        reading=_legible(seen.score, seen.confidence, seen.height_px, words) if seen.text else "",
        reason=shown(reason),
        picture=picture(taken[0], words) if taken else None,
    )


def _legible(score: float | None, confidence: float | None, height_px: float | None, words: Language) -> str:
    _ = words.text
    parts = [
        (score, _("agreement {figure} of 100")),
        (confidence, _("confidence {figure}")),
        (height_px, _("letters {figure} px high")),
    ]
    return " · ".join(said.format(figure=figure(round(n, 2))) for n, said in parts if n is not None)


def entries(values: Mapping[str, Any], words: Language, leave_out: Sequence[str] = ()) -> tuple[Entry, ...]:
    """Return names and values as text."""
    return tuple(Entry(shown(name), value(entry, words)) for name, entry in values.items() if name not in leave_out)

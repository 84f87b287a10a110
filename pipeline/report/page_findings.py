"""Findings as the page shows them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.language import Language
from pipeline.model import Examination, Finding
from pipeline.report.page_texts import Picture, picture
from pipeline.report.stills import ShownStill, by_gravity
from pipeline.report.wording import LEVELS, NOTHING, figure, sentence, shown, stretch, title, value

CURVES_BESIDE = ("left", "top", "right", "bottom")
"""Evidence that the picture shows better than a table."""


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
    stills: tuple[Picture, ...]
    articles: tuple[Entry, ...]
    """Rules that name it: id and article."""


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


def view(
    finding: Finding, examination: Examination, plots: Plots | None, stills: Iterable[ShownStill], words: Language
) -> FindingView:
    """Return a finding in the reader's language."""
    _ = words.text
    span = finding.span
    frames = NOTHING
    if span.first_frame is not None and span.stop_frame is not None:
        frames = f"{span.first_frame} – {span.stop_frame}"
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
        evidence=entries(finding.evidence, words, leave_out=CURVES_BESIDE),
        params=entries(finding.params, words),
        columns=tuple(shown(curve.column) for curve in finding.curves),
        plots=plots,
        stills=tuple(picture(still, words) for still in stills),
        articles=tuple(Entry(rule.id, rule.article) for rule in examination.rules if finding.id in rule.findings),
    )


def entries(values: Mapping[str, Any], words: Language, leave_out: Sequence[str] = ()) -> tuple[Entry, ...]:
    """Return names and values as text."""
    return tuple(Entry(shown(name), value(entry, words)) for name, entry in values.items() if name not in leave_out)

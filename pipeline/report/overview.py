"""The page that leads to the reports of one scan of several clips."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from markupsafe import Markup

from pipeline.language import Language, language
from pipeline.model import Examination, Level, Outcome
from pipeline.report.html import environment, style_sheet
from pipeline.report.page import Badge, badge
from pipeline.report.wording import clock, shown, title

GRAVEST = (Outcome.FAIL, Outcome.UNDECIDED, Outcome.NOT_APPLICABLE, Outcome.PASS)


@dataclass(frozen=True, slots=True)
class Row:
    """One clip."""

    name: str
    link: str
    """Relative address of its report; empty if none could be written."""
    verdict: Badge
    rules: tuple[tuple[str, Badge], ...]
    """Article and outcome."""
    kinds: str
    """What was found at level violation or suspect, in words."""
    length: str


def rows(results: Sequence[tuple[Examination, Path | None]], out: Path, words: Language) -> list[Row]:
    """Return a row for each clip, the gravest verdict first.

    Parameters
    ----------
    results : sequence of (Examination, Path or None)
        What was examined and the page inside `out` that tells of it; None if no page could be written.
    out : Path
        The folder of the overview.
    words : Language
        Language of the page.
    """
    graded = sorted(results, key=lambda result: GRAVEST.index(result[0].verdict))
    return [_row(examination, page.relative_to(out) if page else None, words) for examination, page in graded]


def write_overview(results: Sequence[tuple[Examination, Path | None]], out: Path, language_tag: str) -> Path:
    """Write `index.html` in `out`: a table of all clips with links to their reports; return its path."""
    words = language(language_tag)
    out.mkdir(parents=True, exist_ok=True)
    page = environment(words).get_template("overview.html")
    index = out / "index.html"
    text = page.render(language=words.tag, rows=rows(results, out, words), style=Markup(style_sheet()))
    index.write_text(text, encoding="utf-8", errors="backslashreplace")
    return index


def _row(examination: Examination, page: Path | None, words: Language) -> Row:
    grave = [f.kind for f in examination.findings if f.level is not Level.NOTE]
    counted = ", ".join(f"{title(kind, words)} × {grave.count(kind)}" for kind in dict.fromkeys(grave))
    return Row(
        name=shown(examination.footage.path.name),
        link=quote(page.as_posix(), errors="surrogateescape") if page else "",
        verdict=badge(examination.verdict, words),
        rules=tuple((rule.article or rule.id, badge(rule.outcome, words)) for rule in examination.rules),
        kinds=words.tell(examination.unreadable) if examination.unreadable else counted,
        length=clock(examination.features.duration_s(), 1),
    )

"""The pages of spot checks: the list of draws, and one draw with its clips."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import datetime

from pipeline.language import Language
from pipeline.model import Message, Scalar
from pipeline.report.page import Badge
from pipeline.report.wording import N_, NOTHING, shown
from pipeline.review.night import counted_badge, figure, moment
from pipeline.review.spot_checks import Drawn, Line, own_words
from pipeline.review.statistics_view import GROUPS, Table
from pipeline.spotcheck_estimate import Share
from pipeline.spotcheck_ledger import OUTCOMES, VERDICTS

OUTCOME_WORDS = {
    "in order": N_("in order"),
    "not in order": N_("not in order"),
    "cannot tell": N_("cannot be told"),
}
"""What a check can come to."""
SIZE = re.compile(r"method=\d+; by=([a-z,]*); (?:share=([\d.e-]+)|count=(\d+))")
ESTIMATE = N_("{share} % of the clips are not in order (95 % interval: {low} to {high} %), by {checked} clips.")


@dataclass(frozen=True, slots=True)
class DrawnRow:
    """One draw of the list."""

    id: str
    at: str
    how: str
    size: str
    checked: str


@dataclass(frozen=True, slots=True)
class LineView:
    """One clip that was drawn."""

    number: int
    key: str | None
    path: str
    stratum: str
    case_number: str
    sha256: str
    verdict: Badge | None
    verdict_text: str
    checked: str
    """Who looked, and when; empty: nobody yet."""
    playback: str
    outcome: str
    """Name of the outcome; empty: none, or other words."""
    outcome_text: str
    remarks: str
    seen: str


@dataclass(frozen=True, slots=True)
class DrawnView:
    """One draw."""

    id: str
    facts: tuple[tuple[str, str], ...]
    all: str
    """What is estimated of all clips; empty: there is no estimate yet."""
    passed: str
    missing: str
    """Strata of which no clip was checked."""
    strata: Table
    lines: tuple[LineView, ...]


def drawn_row(drawn: Drawn, words: Language) -> DrawnRow:
    """Return one draw as the list shows it."""
    checked = sum(line.is_checked for line in drawn.lines)
    return DrawnRow(
        drawn.id, _moment(drawn, words), _how(drawn, words), figure(len(drawn.lines), words), figure(checked, words)
    )


def drawn_view(drawn: Drawn, words: Language) -> DrawnView:
    """Return one draw with its clips, in the reader's language."""
    _ = words.text
    found = drawn.estimate
    population = int(drawn.told("population"))
    checked = sum(line.is_checked for line in drawn.lines)
    facts = (
        (_("Drawn"), _moment(drawn, words)),
        (_("Clips drawn"), figure(len(drawn.lines), words)),
        (_("Drawn from"), figure(population, words)),
        (_("Checked"), figure(checked, words)),
        (_("Seed"), shown(drawn.told("seed"))),
        (_("How"), _how(drawn, words)),
        (_("SHA-256 of the population"), shown(drawn.told("population_sha256"))),
    )
    strata: dict[str, list[Line]] = {}
    for line in drawn.lines:
        strata.setdefault(line.row["stratum"], []).append(line)
    rows = tuple(
        (
            own_words(name) or _("all clips"),
            figure(int(some[0].row["stratum_clips"]), words),
            figure(len(some), words),
            figure(sum(line.is_checked for line in some), words),
            figure(sum(line.outcome == "not in order" for line in some), words),
        )
        for name, some in strata.items()
    )
    heads = tuple(map(_, (N_("Stratum"), N_("Clips"), N_("Clips drawn"), N_("Checked"), N_("Not in order"))))
    return DrawnView(
        id=drawn.id,
        facts=facts,
        all=_estimated(found.all, words),
        passed=_estimated(found.passed, words),
        missing="；".join(own_words(one) or _("all clips") for one in found.missing),
        strata=Table(heads, rows),
        lines=tuple(_line(line, words) for line in drawn.lines),
    )


def _estimated(share: Share | None, words: Language) -> str:
    """Return an estimate as a sentence; the interval is rounded outwards, to tenths of a per cent."""
    if share is None:
        return ""
    values: dict[str, Scalar] = {
        "share": figure(round(100 * share.share, 1), words),
        "low": figure(math.floor(1000 * share.low) / 10, words),
        "high": figure(math.ceil(1000 * share.high) / 10, words),
        "checked": share.checked,
    }
    return words.tell(Message(ESTIMATE, values))


def _moment(drawn: Drawn, words: Language) -> str:
    try:
        return moment(datetime.fromisoformat(drawn.told("drawn_at")).timestamp(), words)
    except ValueError:  # a spreadsheet wrote it in its own form
        return shown(drawn.told("drawn_at"))


def _how(drawn: Drawn, words: Language) -> str:
    told = SIZE.fullmatch(drawn.told("parameters"))
    if told is None:
        return shown(drawn.told("parameters"))
    keys = [words.text(GROUPS[key]) if key in GROUPS else key for key in told[1].split(",") if key]
    by = " × ".join(keys)
    if told[2]:
        size = Message(N_("{share} % of each stratum"), {"share": figure(round(100 * float(told[2]), 4), words)})
    else:
        size = Message(N_("{count} clips in all"), {"count": int(told[3])})
    return words.tell(size) + (f" · {words.text('Strata')}: {by}" if by else "")


def _line(line: Line, words: Language) -> LineView:
    row = line.row
    verdict = next((name for name, text in VERDICTS.items() if text == row["verdict"]), None)
    outcome = line.outcome or ""
    return LineView(
        number=line.number,
        key=line.key,
        path=shown(own_words(row["path"])),
        stratum=shown(own_words(row["stratum"])) or NOTHING,
        case_number=shown(own_words(row["case_number"])) or NOTHING,
        sha256=row["sha256"] or NOTHING,
        verdict=None if verdict is None else counted_badge(verdict, words),
        verdict_text=shown(row["verdict"]),
        checked=" · ".join(shown(own_words(row[name])) for name in ("checked_by", "checked_on") if row[name]),
        playback=own_words(row["playback"]),
        outcome=outcome,
        outcome_text=words.text(OUTCOME_WORDS[outcome]) if outcome else shown(own_words(row["outcome"])),
        remarks=own_words(row["remarks"]),
        seen=line.seen,
    )


def outcomes(words: Language) -> tuple[tuple[str, str], ...]:
    """Return what a check can come to: name and words."""
    return tuple((name, words.text(OUTCOME_WORDS[name])) for name in OUTCOMES)

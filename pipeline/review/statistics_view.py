"""The page of statistics: what groups of clips come to, as bars and as a table."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipeline.kinds import TITLES
from pipeline.language import Language
from pipeline.report.results import COUNTED
from pipeline.report.wording import LEVELS, N_, NOTHING, title
from pipeline.review.counting import Span, months
from pipeline.review.counting import counted as count
from pipeline.review.index import ReviewIndex, Visible
from pipeline.review.night import Option, counted_badge, figure
from pipeline.statistics import Measures, Statistics, kind_rows

GROUPS = {
    "unit": N_("Unit"),
    "device": N_("Recorder"),
    "month": N_("Month"),
    "rule": N_("Rule"),
    "kind": N_("Finding"),
}
"""What clips can be grouped by on the page, with the heading of its column."""
MOST_BARS, MOST_ROWS = 60, 500
NOT_STATED = N_("not stated")
ORDER = ("pass", "fail", "undecided", "not applicable", "unreadable")


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a bar."""

    style: str
    start: float
    """Per cent of the bar's length, like the next."""
    length: float


@dataclass(frozen=True, slots=True)
class Bar:
    """One group as a picture."""

    name: str
    parts: tuple[Part, ...]
    share: float | None
    """Per cent; None: there is none."""
    low: float
    high: float
    note: str


@dataclass(frozen=True, slots=True)
class Table:
    """Rows with their heads; the first cell of each is its name."""

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class StatisticsPage:
    """All that the page shows."""

    groups: tuple[Option, ...]
    units: tuple[Option, ...]
    since: tuple[Option, ...]
    until: tuple[Option, ...]
    legend: tuple[tuple[str, str], ...]
    """Style and words of each part of a bar."""
    bars: tuple[Bar, ...]
    more_bars: str
    """How many groups have no bar; empty if all have."""
    table: Table
    more_rows: str
    troubled: Table | None
    """Rules that failed or are undecided for some clip."""
    notes: tuple[str, ...]
    clips: str


def statistics_page(
    index: ReviewIndex, scope: str, batch: int, visible: Visible, by: str, span: Span, words: Language
) -> StatisticsPage:
    """Put together the page of a batch; parameters as of `counting.counted`, `by` of `GROUPS`."""
    found = count(index, scope, batch, visible, () if by == "kind" else (by,), span)
    bars, table = _kinds(found, words) if by == "kind" else _groups(found, by, words)
    units = {one.name: one.name for one in index.choices("unit", scope, batch, visible)}
    periods = {one: one for one in months(index, scope, batch, visible)}
    legend = (
        [(str(level), words.text(LEVELS[level])) for level in LEVELS]
        if by == "kind"
        else [(_style(name), counted_badge(name, words).word) for name in ORDER]
    )
    return StatisticsPage(
        groups=tuple(Option(name, words.text(label), name == by) for name, label in GROUPS.items()),
        units=_options(units, span.unit, words.text("any unit")),
        since=_options(periods, span.since, words.text("from the first")),
        until=_options(periods, span.until, words.text("to the last")),
        legend=tuple(legend),
        bars=tuple(bars[:MOST_BARS]),
        more_bars=figure(len(bars) - MOST_BARS, words) if len(bars) > MOST_BARS else "",
        table=Table(table.heads, table.rows[:MOST_ROWS]),
        more_rows=figure(len(table.rows) - MOST_ROWS, words) if len(table.rows) > MOST_ROWS else "",
        troubled=None if by in ("rule", "kind") else _troubled(found, words),
        notes=tuple(words.tell(one) for one in found.notes) if by != "kind" else _notes_of_kinds(words),
        clips=figure(found.total.clips, words),
    )


def _groups(found: Statistics, by: str, words: Language) -> tuple[list[Bar], Table]:
    named = [(_name(names[0], by, words), measures) for names, measures in found.groups.items()]
    bars = [_bar(name, measures, words) for name, measures in named]
    total = words.text("All clips")
    rows = [(name, *_cells(measures, words)) for name, measures in named] + [(total, *_cells(found.total, words))]
    heads = [GROUPS[by], N_("Clips"), N_("Hours")]
    told = [counted_badge(name, words).word for name in COUNTED]
    last = [N_("Share passed"), N_("95 % interval"), N_("Violations"), N_("Violations an hour")]
    return bars, Table((*map(words.text, heads), *told, *map(words.text, last)), tuple(rows))


def _name(name: str | None, by: str, words: Language) -> str:
    if name is None:
        return words.text(NOT_STATED)
    return name.partition(" ")[2] or name if by == "rule" else name


def _cells(measures: Measures, words: Language) -> list[str]:
    rate = measures.violations_per_hour
    return [
        figure(measures.clips, words),
        figure(round(measures.hours, 1), words),
        *(figure(measures.counts[name], words) for name in COUNTED),
        *_share(measures.share_passed, measures.interval),
        figure(measures.violations, words),
        NOTHING if rate is None else figure(round(rate, 2), words),
    ]


def _share(share: float | None, interval: tuple[float, float] | None) -> tuple[str, str]:
    """Return a share and its interval in whole per cent; the interval is rounded outwards."""
    if share is None or interval is None:
        return NOTHING, NOTHING
    return f"{100 * share:.0f} %", f"{math.floor(100 * interval[0])}–{math.ceil(100 * interval[1])} %"


def _bar(name: str, measures: Measures, words: Language) -> Bar:
    parts = _parts({_style(one): measures.counts[one] for one in ORDER}, measures.clips)
    share, interval = measures.share_passed, measures.interval
    low, high = interval or (0.0, 0.0)
    told = figure(measures.clips, words)
    if share is not None:
        told += " · {} ({})".format(*_share(share, interval))
    return Bar(name, parts, None if share is None else 100 * share, 100 * low, 100 * high, told)


def _parts(counts: Mapping[str, int], whole: int) -> tuple[Part, ...]:
    parts, start = [], 0.0
    for style, number in counts.items():
        if number and whole:
            parts.append(Part(style, start, 100 * number / whole))
            start += 100 * number / whole
    return tuple(parts)


def _style(name: str) -> str:
    return name.replace("not applicable", "other")


def _kinds(found: Statistics, words: Language) -> tuple[list[Bar], Table]:
    heads = (
        *map(words.text, (GROUPS["kind"], N_("Clips examined"))),
        *(words.text(LEVELS[level]) for level in LEVELS),
        *map(words.text, (N_("Share with violation or suspect"), N_("95 % interval"))),
    )
    bars, rows = [], []
    for row in kind_rows(found):
        name = title(row["kind"], words) if row["kind"] in TITLES else row["kind"]
        interval = None if row["share"] is None else (row["share_low"], row["share_high"])
        share = _share(row["share"], interval)
        numbers = [figure(row[str(level)], words) for level in LEVELS]
        rows.append((name, figure(row["examined"], words), *numbers, *share))
        if interval is not None and row["violation"] + row["suspect"]:
            parts = _parts({level: row[level] for level in ("violation", "suspect")}, row["examined"])
            note = f"{figure(row['violation'] + row['suspect'], words)} · {share[0]} ({share[1]})"
            bars.append(Bar(name, parts, 100 * row["share"], 100 * interval[0], 100 * interval[1], note))
    return bars, Table(heads, tuple(rows))


def _troubled(found: Statistics, words: Language) -> Table | None:
    rows = [
        (rule.id, rule.article or NOTHING, *(figure(n, words) for n in (of.total(), of["fail"], of["undecided"])))
        for rule, of in found.rules_total.items()
        if of["fail"] or of["undecided"]
    ]
    heads = (N_("Rule"), N_("Article"), N_("Clips"), N_("Failed"), N_("Undecided"))
    return Table(tuple(map(words.text, heads)), tuple(rows)) if rows else None


def _notes_of_kinds(words: Language) -> tuple[str, ...]:
    return (
        words.text(
            "A clip counts once for each kind of finding, by the gravest level at which it was found there. The share "
            "is that of the clips in which it is a violation or suspect, of those of which anything could be examined, "
            "with its 95 % interval (Wilson)."
        ),
    )


def _options(known: Mapping[str, str], now: str, anything: str) -> tuple[Option, ...]:
    named: Sequence[tuple[str, str]] = [*known.items(), *([(now, now)] if now and now not in known else [])]
    return (Option("", anything, not now), *(Option(value, label, value == now) for value, label in named))

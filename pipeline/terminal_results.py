"""What `unbroken statistics` and `unbroken spotcheck` show a person."""

from __future__ import annotations

import math
from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from pipeline.language import Language
from pipeline.report.bars import Bar, Words
from pipeline.report.results import COUNTED
from pipeline.report.wording import N_, NOTHING, shown
from pipeline.spotcheck import Draw
from pipeline.spotcheck_ledger import Checked
from pipeline.statistics import SEVERAL_OFFICERS, SMALL_GROUP, Measures, Names, Statistics

HEADINGS = {
    "pass": N_("Passed"),
    "fail": N_("Failed"),
    "undecided": N_("Undecided"),
    "not applicable": N_("Not applicable"),
    "unreadable": N_("Unreadable"),
}
"""What a clip is counted as, as a heading."""
KEY_HEADINGS = {
    "agency": N_("Agency"),
    "unit": N_("Unit"),
    "device": N_("Recorder"),
    "officer": N_("Officer"),
    "case": N_("Case number"),
    "cause": N_("Cause"),
    "place": N_("Place of enforcement"),
    "month": N_("Month"),
    "profile": N_("Profile"),
    "rule": N_("Rule"),
}
COLUMNS = (
    *(N_("Clips"), N_("Hours")),
    *(N_("Passed"), N_("Failed"), N_("Undecided"), N_("N/A"), N_("Unread")),
    *(N_("Share"), N_("Viol./h")),
)
"""Headings on a terminal, where there is little room."""
STATES = {"as drawn": N_("as drawn"), "differs": N_("differs"), "not checked": N_("not checked")}
"""What a draw of a ledger comes to when it is drawn again."""
ALL = N_("All clips")
NOT_STATED = N_("not stated")


def statistics_page(found: Statistics, lang: Language) -> RenderableType:
    """Return the groups, the rules that failed or are undecided, and what a reader must know."""
    parts: list[RenderableType] = [_groups(found, lang)]
    troubled = [(rule, counts) for rule, counts in found.rules_total.items() if counts["fail"] or counts["undecided"]]
    if troubled and "rule" not in found.by:
        table = _table(lang.text("Rules that failed or are undecided for some clip, over all clips"))
        for heading in ("Profile", "Rule", "Article", "Clips", "Failed", "Undecided"):
            _column(table, lang.text(heading), number=heading in {"Clips", "Failed", "Undecided"})
        for rule, counts in troubled:
            numbers = [str(counts.total()), str(counts["fail"]), str(counts["undecided"])]
            table.add_row(*cells([rule.profile, rule.id, rule.article, *numbers]))
        parts += [Text(), table]
    parts.append(Text())
    parts += [Text(f"· {lang.tell(note)}", style="dim") for note in found.notes]
    return Group(*parts)


def picture_of(found: Statistics, lang: Language) -> tuple[list[Bar], Words]:
    """Return the groups as bars, and the words around them."""
    named = found.groups if found.by else {(): found.total}
    bars = [
        Bar(_name(names, lang) or lang.text(ALL), measures.counts, _share(measures))
        for names, measures in named.items()
    ]
    by = " × ".join(lang.text(KEY_HEADINGS[key]) for key in found.by)
    title = lang.text("Verdicts by {keys}").format(keys=by) if by else lang.text("Verdicts")
    note = lang.text(
        "At the end of a bar: share that passed of the clips that passed or failed, and its 95 % interval."
    )
    told = [lang.tell(entry) for entry in found.notes if entry.template in {SEVERAL_OFFICERS, SMALL_GROUP}]
    parts = {counted: lang.text(heading) for counted, heading in HEADINGS.items()}
    return bars, Words(title, lang.text("Clips"), parts, "\n".join([note, *told]))


def _groups(found: Statistics, lang: Language) -> Table:
    table = _table(None)
    for key in found.by or ("",):
        _column(table, lang.text(KEY_HEADINGS[key]) if key else "")
    for heading in COLUMNS:
        _column(table, lang.text(heading), number=True)
    for names, measures in found.groups.items() if found.by else ():
        shown_names = [lang.text(NOT_STATED) if name is None else name for name in names]
        table.add_row(*cells([*shown_names, *_measures(measures)]))
    table.add_section()
    table.add_row(lang.text("Total"), *[""] * (len(found.by) - 1), *_measures(found.total), style="bold")
    return table


def _measures(measures: Measures) -> list[str]:
    rate = measures.violations_per_hour
    return [
        str(measures.clips),
        f"{measures.hours:.1f}",
        *(str(measures.counts[counted]) for counted in COUNTED),
        _share(measures),
        NOTHING if rate is None else f"{rate:.2f}",
    ]


def _share(measures: Measures) -> str:
    """Return the share that passed with its interval, in whole per cent: the interval is rounded outwards."""
    share, interval = measures.share_passed, measures.interval
    if share is None or interval is None:
        return NOTHING
    low, high = math.floor(100 * interval[0]), math.ceil(100 * interval[1])
    return f"{100 * share:.0f} % ({low}–{high})"


def _name(names: Names, lang: Language) -> str:
    return " · ".join(lang.text(NOT_STATED) if name is None else name for name in names)


def _table(title: str | None) -> Table:
    return Table(title=title, title_justify="left", title_style="bold", box=None, padding=(0, 1), collapse_padding=True)


def _column(table: Table, heading: str, number: bool = False) -> None:
    if number:
        table.add_column(heading, justify="right", no_wrap=True)
    else:
        table.add_column(heading, overflow="fold")


def draw_page(drawn: Draw, lang: Language) -> RenderableType:
    """Return a sample: how it was drawn, and its clips."""
    told = lang.text(
        "Draw {draw}: {sample} of {clips} clips, seed {seed} ({parameters}); SHA-256 of the population {digest}"
    ).format(
        draw=drawn.id,
        sample=len(drawn.sample),
        clips=len(drawn.population),
        seed=drawn.parameters.seed,
        parameters=drawn.parameters.text,
        digest=drawn.population_sha256,
    )
    table = _table(None)
    for heading in ("Stratum", "Case number", "Clip", "Verdict"):
        _column(table, lang.text(heading))
    for clip in drawn.sample:
        verdicts = [(profile, lang.text(HEADINGS[counted])) for profile, counted in clip.verdicts]
        verdict = verdicts[0][1] if len(verdicts) == 1 else "; ".join(": ".join(pair) for pair in verdicts)
        table.add_row(*cells([clip.stratum or NOTHING, clip.case_number or NOTHING, clip.path, verdict]))
    return Group(Text(told), Text(), table)


def verified_page(checked: Iterable[Checked], lang: Language) -> RenderableType:
    """Return for each draw of a ledger whether it is what its seed gives."""
    styles = {"as drawn": "green", "differs": "bold red", "not checked": "yellow"}
    parts: list[RenderableType] = []
    for entry in checked:
        parts.append(Text.assemble(shown(entry.draw), "  ", (lang.text(STATES[entry.state]), styles[entry.state])))
        parts += [Text(f"  {shown(lang.tell(note))}") for note in entry.notes]
    return Group(*parts)


def cells(texts: Iterable[object]) -> list[Text]:
    """Return values as cells that no markup can hide in."""
    return [Text(shown(str(text))) for text in texts]

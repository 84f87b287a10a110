"""Who tuned the parameters of a result, on what, and with which result: as a report shows it."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.language import Language
from pipeline.model import Criterion, Tuned, TunedOn, TunedResult
from pipeline.report.page_findings import Entry
from pipeline.report.wording import N_, NOTHING, figure, shown, title, value

ALL = "all"
MEASURES = {
    "f1": "F1",
    "recall": N_("share of edits found"),
    "precision": N_("share of findings that are true"),
    "likelihood": N_("likelihood (a model fitted to the labels)"),
}
AT_MOST = N_(", with at most {rate} false alarms an hour")
SURELY = N_(", with at most {rate} false alarms an hour at the upper end of their interval")


@dataclass(frozen=True, slots=True)
class TunedResultView:
    """What tuned parameters come to for one kind."""

    kind: str
    found: str
    found_interval: str
    right: str
    right_interval: str
    f1: str


@dataclass(frozen=True, slots=True)
class TunedView:
    """All that a settings file says of its tuning."""

    facts: tuple[Entry, ...]
    results: tuple[TunedResultView, ...]


def build_tuned(tuned: Tuned | None, words: Language) -> TunedView | None:
    """Return what a report shows of a tuning, None where nobody tuned."""
    if tuned is None:
        return None
    _ = words.text
    rate = figure(round(tuned.alarms / tuned.alarm_hours, 3)) if tuned.alarm_hours else NOTHING
    alarms = _("{alarms} in {hours} h: {rate} an hour (95 %: {low} to {high})").format(
        alarms=tuned.alarms,
        hours=figure(round(tuned.alarm_hours, 3)),
        rate=rate,
        low=figure(round(tuned.alarms_low, 3)),
        high=figure(round(tuned.alarms_high, 3)),
    )
    facts = (
        Entry(_("Tuned by"), shown(tuned.by)),
        Entry(_("Time of the tuning"), shown(tuned.at)),
        Entry(_("Version that was tuned"), shown(tuned.tool)),
        *(Entry(_("Chosen by"), _criterion(one, words)) for one in tuned.criteria),
        Entry(_("Tuned on"), _on(tuned.tune, words)),
        Entry(_("Result measured on other takes"), _on(tuned.held_out, words)),
        Entry(_("False alarms where nothing was done"), alarms),
        Entry(_("SHA-256 of the parameters"), shown(tuned.parameters_sha256)),
    )
    return TunedView(facts, tuple(_result(result, words) for result in tuned.results))


def _criterion(criterion: Criterion, words: Language) -> str:
    kind = words.text("all kinds") if criterion.kind == ALL else title(criterion.kind, words)
    values = ", ".join(f"{name} = {value(chosen, words)}" for name, chosen in criterion.values.items())
    told = words.text("[{section}] {values}: highest {measure} of {kind}").format(
        section=shown(criterion.section),
        values=shown(values),
        measure=words.text(MEASURES.get(criterion.highest, criterion.highest)),
        kind=kind,
    )
    if criterion.alarms_an_hour is None:
        return told
    limit = SURELY if criterion.sure else AT_MOST
    return told + words.text(limit).format(rate=figure(criterion.alarms_an_hour))


def _on(on: TunedOn, words: Language) -> str:
    labels = ", ".join(f"{shown(origin)} {count}" for origin, count in on.labels.items()) or NOTHING
    told = words.text("{clips} clips of {sources} takes, {hours} h; labels by origin: {labels}; digest {digest}")
    hours = figure(round(on.hours, 3))
    return told.format(clips=on.clips, sources=on.sources, hours=hours, labels=labels, digest=on.sha256[:16])


def _result(result: TunedResult, words: Language) -> TunedResultView:
    return TunedResultView(
        kind=words.text("all kinds") if result.kind == ALL else title(result.kind, words),
        found=_share(result.found, result.of),
        found_interval=_interval(result.recall_low, result.recall_high),
        right=_share(result.right, result.told),
        right_interval=_interval(result.precision_low, result.precision_high),
        f1=NOTHING if result.f1 is None else f"{result.f1:.2f} ({_interval(result.f1_low, result.f1_high)})",
    )


def _share(hits: int, of: int) -> str:
    return f"{hits} / {of} = {hits / of:.2f}" if of else f"{hits} / {of}"


def _interval(low: float | None, high: float | None) -> str:
    return NOTHING if low is None or high is None else f"{low:.2f} – {high:.2f}"

"""What people decided about findings, as a report shows it; a report takes decisions as data and stores none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from pipeline.errors import SettingsError
from pipeline.language import Language
from pipeline.model import Finding, Message
from pipeline.report.wording import N_, NOTHING, shown, title


class Choice(StrEnum):
    """What a person made of a finding."""

    ACCEPTED = "accepted"
    DISMISSED = "dismissed"
    UNSURE = "unsure"


CHOICES = {
    Choice.ACCEPTED: N_("Accepted"),
    Choice.DISMISSED: N_("Dismissed"),
    Choice.UNSURE: N_("Unsure"),
}
NOT_CONFIRMED = N_("not confirmed by a second person")
NO_SUCH_FINDING = N_("not among the findings of this examination")


@dataclass(frozen=True, slots=True)
class Decision:
    """What one person decided about one finding.

    Raises
    ------
    SettingsError
        If a name or the reason is blank, a time has no zone, a second person is named without a time or a time without
        a person, or one person confirms what he or she decided.
    """

    finding: str
    """Id of the finding, as in the report."""
    decision: Choice
    reason: str
    by: str
    at: datetime
    """When, with its zone."""
    confirmed_by: str | None = None
    """The second person; None: nobody confirmed it."""
    confirmed_at: datetime | None = None
    reopened_by: str | None = None
    """Who opened the finding again, so that this decision no longer stands; None: it stands."""
    reopened_at: datetime | None = None
    reopened_reason: str = ""

    def __post_init__(self) -> None:
        names = [self.by] if self.confirmed_by is None else [self.by, self.confirmed_by]
        if not all(text.strip() for text in (self.finding, self.reason, *names)):
            raise SettingsError(Message("A decision needs a finding, a reason and who made it."))
        if (self.confirmed_by is None) != (self.confirmed_at is None):
            raise SettingsError(Message("A confirmed decision names who confirmed it, and when."))
        if (self.reopened_by is None) != (self.reopened_at is None) or (self.reopened_by and not self.reopened_reason):
            raise SettingsError(Message("A decision that was opened again names who did so, when and why."))
        times = (self.at, self.confirmed_at, self.reopened_at)
        if any(time is not None and time.utcoffset() is None for time in times):
            raise SettingsError(Message("The time of a decision needs its zone."))
        if self.confirmed_by is not None and self.confirmed_by.strip() == self.by.strip():
            raise SettingsError(Message("A decision is confirmed by another person than the one who made it."))


@dataclass(frozen=True, slots=True)
class DecisionView:
    """A decision in the reader's language."""

    finding: str
    title: str
    """What the finding is; why there is none, where the examination has no such finding."""
    decision: str
    style: str
    """The decision itself, the class of its colour."""
    reason: str
    by: str
    at: str
    confirmed: str
    reopened: str
    """Who opened the finding again, when and why; empty where the decision stands."""


def build_decisions(
    decisions: Sequence[Decision], findings: Sequence[Finding], words: Language
) -> tuple[DecisionView, ...]:
    """Return decisions as a report shows them, in the order of time; an earlier one is not replaced by a later one."""
    kinds = {finding.id: finding.kind for finding in findings}
    return tuple(
        DecisionView(
            finding=shown(decision.finding),
            title=title(kinds[decision.finding], words) if decision.finding in kinds else words.text(NO_SUCH_FINDING),
            decision=words.text(CHOICES[decision.decision]),
            style=decision.decision.value,
            reason=shown(decision.reason),
            by=shown(decision.by),
            at=_written(decision.at),
            confirmed=_confirmed(decision, words),
            reopened=_reopened(decision, words),
        )
        for decision in sorted(decisions, key=lambda decision: decision.at)
    )


def _confirmed(decision: Decision, words: Language) -> str:
    if decision.confirmed_by is None:
        return words.text(NOT_CONFIRMED)
    return f"{shown(decision.confirmed_by)} · {_written(decision.confirmed_at)}"


def _reopened(decision: Decision, words: Language) -> str:
    if decision.reopened_by is None:
        return ""
    told = {"by": decision.reopened_by, "at": _written(decision.reopened_at), "reason": decision.reopened_reason}
    return shown(words.tell(Message("No longer stands: opened again by {by} · {at}. {reason}", told)))


def _written(at: datetime | None) -> str:
    return NOTHING if at is None else at.isoformat(" ", "seconds")

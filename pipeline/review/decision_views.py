"""What people decided about the findings of a clip, as its page shows it, and what the reader may do about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.batch.ledger import Ledger
from pipeline.language import Language
from pipeline.model import Message
from pipeline.report.decisions import CHOICES, Choice
from pipeline.report.page import Badge
from pipeline.report.wording import N_, shown
from pipeline.review.accounts import Account
from pipeline.review.clip import Clip
from pipeline.review.decisions import Made, Standing, State, earlier, standings
from pipeline.review.night import moment
from pipeline.review.rights import Right, may

ASKED = {Choice.ACCEPTED: N_("Accept"), Choice.DISMISSED: N_("Dismiss"), Choice.UNSURE: N_("Unsure")}
"""What one chooses, as the form words it."""
KEYS = {Choice.ACCEPTED: "a", Choice.DISMISSED: "d", Choice.UNSURE: "u"}
SIGNS = {Choice.ACCEPTED: "✓", Choice.DISMISSED: "✗", Choice.UNSURE: "?"}
BY = N_("{decision} by {by}, {at}")
CONFIRMED_BY = N_("Confirmed by {by}, {at}")
OPENED_BY = N_("Opened again by {by}, {at}")


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that somebody did."""

    text: str
    reason: str


@dataclass(frozen=True, slots=True)
class DecisionView:
    """Where a finding stands, and what the reader may do."""

    badge: Badge | None
    """The decision that stands; None: the finding is open."""
    waits: str
    """That a second person must confirm it, and why the reader is not that person; empty if it does not wait."""
    history: tuple[Entry, ...]
    """All that was done about it, the newest first."""
    earlier: tuple[Entry, ...]
    """What stands decided about it in other examinations of the clip."""
    seen: int
    """Number of the last event about it, which the forms send back."""
    may_decide: bool
    may_confirm: bool
    may_reopen: bool


def decision_views(ledger: Ledger, clip: Clip, account: Account, words: Language) -> dict[str, DecisionView]:
    """Return where each finding of a clip stands, by its id."""
    known, before = standings(ledger, clip.key), earlier(ledger, clip)
    can = {right: may(account, right, clip.facts) for right in (Right.DECIDE, Right.CONFIRM)}
    return {
        told["id"]: _view(known.get(told["id"], Standing()), before.get(told["id"], ()), account, can, words)
        for told in clip.document["findings"]
    }


def choices(words: Language) -> tuple[tuple[str, str, str], ...]:
    """Return what can be chosen: value, words and key."""
    return tuple((choice.value, words.text(ASKED[choice]), KEYS[choice]) for choice in Choice)


def _view(
    standing: Standing, before: tuple[Made, ...], account: Account, can: Mapping[Right, bool], words: Language
) -> DecisionView:
    last = standing.last
    waiting = standing.state is State.WAITING
    own = last is not None and last.decision.by == account.name
    waits = ""
    if waiting:
        other = words.text("Waits for a second person, who must be another one than you.")
        waits = other if own else words.text("Waits for a second person.")
    return DecisionView(
        badge=None if last is None else _badge(last.decision.decision, words),
        waits=waits,
        history=tuple(entry for made in reversed(standing.made) for entry in _history(made, words)),
        earlier=tuple(_made(made, words) for made in before),
        seen=standing.seq,
        may_decide=last is None and can[Right.DECIDE],
        may_confirm=waiting and not own and can[Right.CONFIRM],
        may_reopen=last is not None and can[Right.DECIDE],
    )


def _badge(choice: Choice, words: Language) -> Badge:
    return Badge(words.text(CHOICES[choice]), choice.value, SIGNS[choice])


def _made(made: Made, words: Language) -> Entry:
    told = made.decision
    decision = words.text(CHOICES[told.decision])
    text = Message(BY, {"decision": decision, "by": told.by, "at": moment(told.at.timestamp(), words)})
    return Entry(shown(words.tell(text)), shown(told.reason))


def _history(made: Made, words: Language) -> list[Entry]:
    """Return what was done about one decision, the newest first."""
    told, found = made.decision, [_made(made, words)]
    if told.confirmed_at is not None:
        text = Message(CONFIRMED_BY, {"by": told.confirmed_by, "at": moment(told.confirmed_at.timestamp(), words)})
        found.append(Entry(shown(words.tell(text)), ""))
    if told.reopened_at is not None:
        text = Message(OPENED_BY, {"by": told.reopened_by, "at": moment(told.reopened_at.timestamp(), words)})
        found.append(Entry(shown(words.tell(text)), shown(told.reopened_reason)))
    return found[::-1]

"""The audit log in the reader's words: what may be shown of each event to whom, and how a verification is told."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from pipeline.batch.links import KINDS, OPEN, Extent, Problem
from pipeline.language import Language
from pipeline.model import Message, Outcome
from pipeline.report.decisions import CHOICES
from pipeline.report.grouping import ZONE
from pipeline.report.page import Badge, badge
from pipeline.report.wording import LEVELS, N_, NOTHING, shown, title, value
from pipeline.review.accounts import Account
from pipeline.review.audit import NEVER, Event
from pipeline.review.index import ReviewIndex
from pipeline.review.night import moment
from pipeline.review.rights import CLASS_WORDS, CLASSES, ROLE_WORDS, Right, has
from pipeline.review.web import visible_to

ACTIONS = {
    "log-in": N_("Logged in"),
    "log-in-failed": N_("Log-in refused"),
    "log-out": N_("Logged out"),
    "clip-viewed": N_("Clip opened"),
    "footage-played": N_("Footage played"),
    "decision": N_("Decided about a finding"),
    "decision-confirmed": N_("Decision confirmed"),
    "decision-reopened": N_("Finding opened again"),
    "labels-exported": N_("Labels exported"),
    "copy-approved": N_("Copy approved"),
    "report-made": N_("Report made"),
    "exported": N_("Copy handed over"),
    "session-viewed": N_("Recording session opened"),
    "statistics-exported": N_("Statistics exported"),
    "spot-check-drawn": N_("Spot check drawn"),
    "spot-check-noted": N_("Spot check noted"),
    "user-add": N_("Account added"),
    "user-set": N_("Account changed"),
    "user-disable": N_("Account disabled"),
    "user-enable": N_("Account enabled"),
    "user-password": N_("Password changed"),
    "user-password-failed": N_("Change of password refused"),
    "audit-viewed": N_("Audit log opened"),
    "audit-verified": N_("Audit log verified"),
    "audit-exported": N_("Audit log exported"),
}
"""Every action, in words."""
OF_NO_CLIP = frozenset(name for name in ACTIONS if name.startswith(("log-", "user-", "audit-")))
"""Actions whose events tell of accounts and of the log, never of clips."""
DETAILS = {
    "path": N_("Path"),
    "sha256": N_("SHA-256 of the file"),
    "address": N_("Address"),
    "reason": N_("Reason"),
    "session": N_("Session"),
    "roles": N_("Roles"),
    "all_units": N_("all units"),
    "units": N_("Units"),
    "classes": N_("Access classes"),
    "before": N_("Before"),
    "finding": N_("Finding"),
    "kind": N_("Kind of finding"),
    "level": N_("Level of the finding"),
    "start_s": N_("From (s)"),
    "stop_s": N_("To (s)"),
    "detector": N_("Detector"),
    "version": N_("Version"),
    "profile": N_("Profile"),
    "decision": N_("Decision"),
    "second_person": N_("Asks for a second person"),
    "of_event": N_("Decision of event"),
    "count": N_("Number"),
    "to": N_("To"),
    "article": N_("Article"),
    "given_to": N_("Given to"),
    "what": N_("What was made"),
    "language": N_("Language"),
    "approval": N_("Event of the approval"),
    "made_at": N_("Time that it states"),
    "file": N_("File"),
    "file_sha256": N_("SHA-256 of what was made"),
    "file_bytes": N_("Bytes"),
    "batch": N_("Batch"),
    "actor": N_("Who"),
    "action": N_("What"),
    "subject": N_("Subject"),
    "since": N_("From day"),
    "until": N_("To day"),
    "last": N_("Events"),
    "signed": N_("Signed up to event"),
    "problems": N_("Problems"),
    "unreadable": N_("Unreadable"),
}
"""Entries of details, in words; others stand as they are."""
REASONS = {
    "unknown-name": N_("no account of this name"),
    "wrong-password": N_("wrong password"),
    "disabled": N_("the account is disabled"),
}
KEY = re.compile(r"[0-9a-f]{64}")
FIRST_DAY, LAST_DAY = date(1970, 1, 2), date(9998, 12, 31)


@dataclass(frozen=True, slots=True)
class Asked:
    """Which events are asked for; empty: all of them."""

    actor: str = ""
    action: str = ""
    subject: str = ""
    since: str = ""
    """First day, as 2026-03-04, in China's time."""
    until: str = ""
    """Last day."""

    @property
    def said(self) -> dict[str, str]:
        """What is not empty."""
        return {field.name: text for field in fields(self) if (text := getattr(self, field.name))}

    @property
    def narrowed(self) -> dict[str, Any]:
        """As `audit.page` takes it.

        Raises
        ------
        ValueError
            If something that should be a day is none.
        """
        found: dict[str, Any] = {name: text for name, text in self.said.items() if name not in ("since", "until")}
        if self.since:
            found["since"] = _midnight(self.since)
        if self.until:
            found["until"] = _midnight(self.until) + timedelta(days=1)
        return found


def asked_of(given: Mapping[str, str]) -> Asked:
    """Read which events are asked for from the parameters of an address; what is not known is passed over."""
    return Asked(**{field.name: given.get(field.name, "").strip() for field in fields(Asked)})


class Seen:
    """What an account may see of some events: of a clip that it may not see, nothing but the key.

    Parameters
    ----------
    account : Account
    index : ReviewIndex
    events : sequence of Event
    """

    def __init__(self, account: Account, index: ReviewIndex, events: Sequence[Event]) -> None:
        keys = {event.subject for event in events if KEY.fullmatch(event.subject)}
        self.names = index.names(keys, visible_to(account)) if keys and has(account, Right.SEE_CLIPS) else {}
        """Key → path of the clips that the account may see."""
        self._sees_all = has(account, Right.SEE_CLIPS) and account.all_units and account.classes >= set(CLASSES)

    def details(self, event: Event) -> bool:
        """Tell whether the details may be shown."""
        if event.action in OF_NO_CLIP:
            return True
        return event.subject in self.names if KEY.fullmatch(event.subject) else self._sees_all

    def subject(self, event: Event) -> bool:
        """Tell whether that which it was done to may be named."""
        return KEY.fullmatch(event.subject) is not None or self.details(event)


@dataclass(frozen=True, slots=True)
class Line:
    """One event as the page shows it."""

    seq: int
    when: str
    actor: str
    action: str
    subject: str
    key: str
    """Of a result that the account may look at; else empty."""
    details: tuple[tuple[str, str], ...] | None
    """None: not for this account."""
    sha256: str
    previous_sha256: str


def event_line(event: Event, seen: Seen, words: Language) -> Line:
    """Return an event in the reader's language."""
    is_clip = event.subject in seen.names
    path = event.details.get("path")
    named = str(path) if isinstance(path, str) else seen.names.get(event.subject, "")
    return Line(
        event.seq,
        NOTHING if event.at == NEVER else moment(event.at.timestamp(), words, "medium"),
        event.actor,
        words.text(ACTIONS.get(event.action, event.action)),
        shown(named or event.subject) if is_clip else shown(event.subject) if seen.subject(event) else "",
        event.subject if is_clip else "",
        tuple(_told(event.details, event.action, words)) if seen.details(event) else None,
        event.sha256,
        event.previous_sha256,
    )


def event_document(event: Event, seen: Seen) -> dict[str, Any]:
    """Return an event as a line of the export; what is not for the account is left out and named.

    `sha256` is that of the canonical JSON of action, actor, at, details_sha256, previous_sha256 and subject.
    """
    told: dict[str, Any] = {
        "seq": event.seq,
        "at": event.at.isoformat(timespec="microseconds"),
        "actor": event.actor,
        "action": event.action,
        "subject": event.subject,
        "details": event.details,
        "details_sha256": event.details_sha256,
        "previous_sha256": event.previous_sha256,
        "sha256": event.sha256,
    }
    left = [name for name, may in (("subject", seen.subject(event)), ("details", seen.details(event))) if not may]
    told |= {"left_out": left} if left else {}
    return {name: entry for name, entry in told.items() if name not in left}


def address_of(asked: Asked, before: int | None = None) -> str:
    """Return the query of an address."""
    said = asked.said | ({} if before is None else {"before": str(before)})
    return "?" + urlencode(said) if said else ""


@dataclass(frozen=True, slots=True)
class Verified:
    """What a verification comes to."""

    badge: Badge
    sentence: str
    problems: tuple[str, ...]


def verified(extent: Extent, problems: Sequence[Problem], words: Language) -> Verified:
    """Tell what a verification comes to."""
    if any(problem.kind not in OPEN for problem in problems):
        outcome, told = Outcome.FAIL, Message("The audit log was changed.")
    elif any(problem.kind == "unchecked" for problem in problems):
        outcome, told = Outcome.UNDECIDED, Message("Nothing was seen to be changed, but it cannot be told for sure.")
    elif extent.signed is None and extent.last:
        outcome, told = Outcome.UNDECIDED, Message("No event is signed yet.")
    else:
        last = 0 if extent.signed is None else extent.signed.seq
        outcome, told = (
            Outcome.PASS,
            Message("The audit log is complete and unchanged up to event {last}.", {"last": last}),
        )
    sentences = tuple(f"{words.text(KINDS[problem.kind])}: {words.tell(problem.message)}" for problem in problems)
    known = {Outcome.PASS: N_("Unchanged"), Outcome.FAIL: N_("Changed"), Outcome.UNDECIDED: N_("Undecided")}
    shown_as = badge(outcome, words)
    return Verified(Badge(words.text(known[outcome]), shown_as.style, shown_as.sign), words.tell(told), sentences)


def _midnight(day: str) -> datetime:
    """Return when a day begins in China."""
    found = date.fromisoformat(day)
    if not FIRST_DAY <= found <= LAST_DAY:
        raise ValueError(day)
    return datetime(found.year, found.month, found.day, tzinfo=ZONE)


def _told(details: Mapping[str, Any], action: str, words: Language, above: str = "") -> Iterator[tuple[str, str]]:
    """Yield what details say, name by name; of what lies within another entry the name says that."""
    for name, entry in details.items():
        label = above + words.text(DETAILS.get(name, shown(name)))
        if isinstance(entry, Mapping):
            yield from _told(entry, action, words, f"{label} · ")
        else:
            yield label, _entry(name, entry, action, words)


def _entry(name: str, entry: Any, action: str, words: Language) -> str:
    _ = words.text
    known: dict[str, Mapping[Any, str]] = {
        "roles": ROLE_WORDS,
        "classes": CLASS_WORDS,
        "reason": REASONS if action == "log-in-failed" else {},
        "level": LEVELS,
        "decision": CHOICES,
        "action": ACTIONS,
    }
    if isinstance(entry, list):
        return _(", ").join(_entry(name, one, action, words) for one in entry) or NOTHING
    if not isinstance(entry, str) or not entry:
        return value(entry, words)
    if name == "kind":
        return title(entry, words)
    return _(known[name][entry]) if entry in known.get(name, {}) else shown(entry)

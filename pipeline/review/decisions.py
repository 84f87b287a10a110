"""What people decide about the findings of a clip: events of the audit log, and what they come to.

Nothing is stored beside the events: a decision is there because it was made, confirmed or opened again, and who, when
and why stands in the chain.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, select

from pipeline.batch.ledger import Ledger
from pipeline.batch.tables import jobs
from pipeline.errors import IntegrityError, SettingsError
from pipeline.model import Message
from pipeline.report.decisions import Choice, Decision
from pipeline.review import audit
from pipeline.review.clip import Clip

MADE, CONFIRMED, REOPENED = "decision", "decision-confirmed", "decision-reopened"
ACTIONS = (MADE, CONFIRMED, REOPENED)
"""Actions in the audit log; their subject is the key of the result."""
ABOUT = ("finding", "kind", "level", "start_s", "stop_s", "detector", "version")
"""What the event of a decision says of the finding."""
LONGEST = 2000
"""Characters of a reason."""


class State(StrEnum):
    """How far people are with a finding."""

    OPEN = "open"
    WAITING = "waiting"
    """It is decided, and a second person must confirm it."""
    DECIDED = "decided"


@dataclass(frozen=True, slots=True)
class Made:
    """A decision, and what became of it."""

    finding: Mapping[str, Any]
    """What was decided about: `finding` (its id), `kind`, `level`, `start_s`, `stop_s`, `detector`, `version`."""
    clip: Mapping[str, Any]
    """`path`, `sha256` and `profile` of the clip."""
    subject: str
    """Key of the result."""
    seq: int
    """Number of the event that made it."""
    decision: Decision
    second_person: bool
    """Whether it counts only once a second person has confirmed it."""

    @property
    def state(self) -> State:
        """Open again, waiting for a second person, or decided."""
        if self.decision.reopened_by is not None:
            return State.OPEN
        return State.WAITING if self.second_person and self.decision.confirmed_by is None else State.DECIDED


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one finding stands."""

    made: tuple[Made, ...] = ()
    """Every decision about it, the oldest first."""
    seq: int = 0
    """Number of the last event about it; 0: none."""

    @property
    def last(self) -> Made | None:
        """The decision that stands; None: the finding is open."""
        return self.made[-1] if self.made and self.made[-1].state is not State.OPEN else None

    @property
    def state(self) -> State:
        """Open, waiting or decided."""
        return State.OPEN if self.last is None else self.last.state


class DecisionRefused(IntegrityError):
    """A decision that cannot be made as asked; the sentence says why."""


MEANWHILE = "Somebody decided about this finding meanwhile. Look at it again."
REASON = "Give a reason: the decision must be understood by who reads it later."
TOO_LONG = "The reason is longer than {most} characters."
NO_FINDING = "There is no finding {finding} in this result."
NOT_OPEN = "This finding is decided. Open it again before you decide anew."
NOT_DECIDED = "There is no decision to open again."
NOT_WAITING = "There is no decision that waits for a second person."
SAME_PERSON = "A decision is confirmed by another person than the one who made it."


def standings(ledger: Ledger, key: str) -> dict[str, Standing]:
    """Return where the findings of a result stand, by their ids; those that nobody decided about are left out."""
    return ledger.database.read(lambda connection: _standings(connection, key))


def decided(ledger: Ledger, key: str) -> tuple[Decision, ...]:
    """Return every decision about a result, in the order in which they were made, as reports show them."""
    made = (one for standing in standings(ledger, key).values() for one in standing.made)
    return tuple(one.decision for one in sorted(made, key=lambda one: one.seq))


def decide(ledger: Ledger, clip: Clip, finding: str, choice: Choice, reason: str, actor: str, seen: int) -> None:
    """Decide about an open finding.

    Parameters
    ----------
    ledger : Ledger
    clip : Clip
    finding : str
        Its id.
    choice : Choice
    reason : str
        Why, 1 to `LONGEST` characters.
    actor : str
        Name of the account.
    seen : int
        `Standing.seq` as the one who decides saw it.

    Raises
    ------
    DecisionRefused
        If the finding is not open, or has changed since; if there is none such, or no reason.
    """
    told = next((one for one in clip.document["findings"] if one["id"] == finding), None)
    if told is None:
        raise DecisionRefused(Message(NO_FINDING, {"finding": finding}))
    asks = clip.profile is not None and choice.value in clip.profile.second_person
    details = {**_about(clip, told), "decision": choice.value, "reason": _reason(reason), "second_person": asks}

    def work(connection: Connection) -> None:
        if _now(connection, clip.key, finding, seen).state is not State.OPEN:
            raise DecisionRefused(Message(NOT_OPEN))
        audit.add(connection, actor, MADE, clip.key, details)

    ledger.database.write(work)


def confirm(ledger: Ledger, clip: Clip, finding: str, actor: str, seen: int) -> None:
    """Confirm, as a second person, the decision about a finding; parameters as of `decide`.

    Raises
    ------
    DecisionRefused
        If no decision waits for it, or the one who confirms made it.
    """

    def work(connection: Connection) -> None:
        standing = _now(connection, clip.key, finding, seen)
        if standing.last is None or standing.state is not State.WAITING:
            raise DecisionRefused(Message(NOT_WAITING))
        if standing.last.decision.by == actor:
            raise DecisionRefused(Message(SAME_PERSON))
        audit.add(connection, actor, CONFIRMED, clip.key, _of(clip, standing.last))

    ledger.database.write(work)


def reopen(ledger: Ledger, clip: Clip, finding: str, reason: str, actor: str, seen: int) -> None:
    """Open a decided finding again; parameters as of `decide`.

    Raises
    ------
    DecisionRefused
        If it is not decided, or there is no reason.
    """
    why = _reason(reason)

    def work(connection: Connection) -> None:
        last = _now(connection, clip.key, finding, seen).last
        if last is None:
            raise DecisionRefused(Message(NOT_DECIDED))
        audit.add(connection, actor, REOPENED, clip.key, {**_of(clip, last), "reason": why})

    ledger.database.write(work)


def earlier(ledger: Ledger, clip: Clip) -> dict[str, tuple[Made, ...]]:
    """Return what stands decided in other results of the same content, by the ids of findings in this one.

    A clip is judged anew when settings, the tool or what lies beside it change. No decision is carried over, but who
    decides anew should know of it: of that about a finding of the same kind whose stretch overlaps.
    """
    content = select(jobs.c.sha256).where(jobs.c.key == clip.key).scalar_subquery()
    wanted = select(jobs.c.key).where(jobs.c.sha256 == content, jobs.c.step == "judge", jobs.c.key != clip.key)

    def work(connection: Connection) -> list[Made]:
        others = list(connection.scalars(wanted))
        return list(_made(audit.events_of(connection, ACTIONS, subjects=others))) if others else []

    standing = [made for made in ledger.database.read(work) if made.state is not State.OPEN]
    found = {}
    for told in clip.document["findings"]:
        span = told["span"]
        about = tuple(
            made
            for made in standing
            if made.finding["kind"] == told["kind"]
            and made.finding["start_s"] <= span["stop_s"]
            and span["start_s"] <= made.finding["stop_s"]
        )
        if about:
            found[told["id"]] = about
    return found


def last_event(connection: Connection) -> int:
    """Return the number of the last event about a decision; 0: there is none."""
    return audit.last_of(connection, ACTIONS)


def all_made(connection: Connection, after: int = 0) -> list[Made]:
    """Return every decision with what became of it, of all results about which something was decided after an event."""
    if after:
        touched = {event.subject for event in audit.events_of(connection, ACTIONS, after=after)}
        return list(_made(audit.events_of(connection, ACTIONS, subjects=touched))) if touched else []
    return list(_made(audit.events_of(connection, ACTIONS)))


def _standings(connection: Connection, key: str) -> dict[str, Standing]:
    events = list(audit.events_of(connection, ACTIONS, subjects=[key]))
    found: dict[str, list[Made]] = {}
    for made in _made(events):
        found.setdefault(made.finding["finding"], []).append(made)
    last = {str(event.details.get("finding")): event.seq for event in events}
    return {name: Standing(tuple(some), last[name]) for name, some in found.items()}


def _now(connection: Connection, key: str, finding: str, seen: int) -> Standing:
    """Return where a finding stands; no other transaction changes that until the end of this one."""
    audit.lock_events(connection)
    standing = _standings(connection, key).get(finding, Standing())
    if standing.seq != seen:
        raise DecisionRefused(Message(MEANWHILE))
    return standing


def _made(events: Iterable[audit.Event]) -> Iterator[Made]:
    """Yield decisions in the order in which they were made; an event that was spoilt by hand is passed over.

    Which one that is `unbroken verify` tells: its hash does not fit any more.
    """
    found: dict[int, Made] = {}
    last: dict[tuple[str, Any], int] = {}
    for event in events:
        about = event.subject, str(event.details.get("finding"))
        try:
            if event.action == MADE:
                found[event.seq] = _read(event)
                last[about] = event.seq
            else:
                made = found[last[about]]
                found[made.seq] = _after(made, event)
        except (KeyError, TypeError, ValueError, SettingsError):
            continue
    yield from found.values()


def _after(made: Made, event: audit.Event) -> Made:
    """Return a decision after it was confirmed, or opened again."""
    if event.action == CONFIRMED:
        now = replace(made.decision, confirmed_by=event.actor, confirmed_at=event.at)
    else:
        reason = event.details["reason"]
        now = replace(made.decision, reopened_by=event.actor, reopened_at=event.at, reopened_reason=reason)
    return replace(made, decision=now)


def _read(event: audit.Event) -> Made:
    told = event.details
    decision = Decision(told["finding"], Choice(told["decision"]), told["reason"], event.actor, event.at)
    finding = {name: told[name] for name in ABOUT}
    clip = {name: told[name] for name in ("path", "sha256", "profile")}
    return Made(finding, clip, event.subject, event.seq, decision, bool(told["second_person"]))


def _about(clip: Clip, told: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "path": clip.document["clip"]["path"],
        "sha256": clip.document["clip"]["sha256"],
        "profile": clip.document["profile"],
        "finding": told["id"],
        "start_s": told["span"]["start_s"],
        "stop_s": told["span"]["stop_s"],
        **{name: told[name] for name in ("kind", "level", "detector", "version")},
    }


def _of(clip: Clip, made: Made) -> dict[str, Any]:
    """Return what an event tells of the decision that it is about."""
    return {**made.clip, "finding": made.finding["finding"], "kind": made.finding["kind"], "of_event": made.seq}


def _reason(text: str) -> str:
    reason = text.strip()
    if not reason:
        raise DecisionRefused(Message(REASON))
    if len(reason) > LONGEST:
        raise DecisionRefused(Message(TOO_LONG, {"most": LONGEST}))
    return reason

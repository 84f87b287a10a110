"""The audit log: who did what to what, and when; a chain beside that of the results, signed by the same key."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import Connection, func, insert, select, tuple_

from pipeline.batch.chain import EVENTS, GENESIS, Head, canonical, sign
from pipeline.batch.connection import EVENTS_LOCK, clock, lock
from pipeline.batch.ledger import Ledger
from pipeline.batch.links import ROWS, Chain, Extent, Problem, Wording, follow, reach
from pipeline.review.tables import event_heads, events

SIGN_EVERY = 100
"""After this many events that are added one by one the head is signed."""
ACTION = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
SECRET = re.compile(r"passw|token|secret|csrf|cookie", re.IGNORECASE)
"""What no key of details may be called: secrets do not belong here."""
NEVER = datetime.min.replace(tzinfo=UTC)
LAST = select(events.c.seq, events.c.sha256).order_by(events.c.seq.desc()).limit(1)


@dataclass(frozen=True, slots=True)
class Event:
    """One row of the audit log."""

    seq: int
    at: datetime
    """UTC; `NEVER` where the row was spoilt and names no moment."""
    actor: str
    """Name of the account; `system:USER` for the command line; empty for nobody known."""
    action: str
    subject: str
    details: Mapping[str, Any]
    details_sha256: str
    """Of the JSON text as it is kept, which is what the event's hash rests on."""
    previous_sha256: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Page:
    """Some events, the newest first."""

    events: tuple[Event, ...]
    next: int | None
    """What to give as `before` for the next page; None if this is the last."""


def add(
    book: Ledger | Connection, actor: str, action: str, subject: str = "", details: Mapping[str, Any] | None = None
) -> int:
    """Add an event.

    Parameters
    ----------
    book : Ledger or Connection
        A connection, or a ledger in what is done `together`: the event is part of that transaction, and is there if
        and only if what it tells of is. Else it is a transaction of its own.
    actor : str
        Name of the account.
    action : str
        Small words with hyphens, such as `log-in`.
    subject : str
        What it was done to: key of a result, name of an account; of a finding, the key of its result.
    details : mapping, optional
        Values that JSON can hold: path of the clip, id of the finding, reason.

    Returns
    -------
    int
        Its number, 1, 2, 3 …

    Raises
    ------
    ValueError
        If the action is no such word, or an entry of the details is called like a secret.
    """
    if not ACTION.fullmatch(action):
        raise ValueError(f"no action: {action!r}")
    text = canonical(clean(details or {})).decode()
    if isinstance(book, Connection):
        return _add(book, clock(book), actor, action, subject, text)
    database = book.database
    seq = database.write(lambda on: _add(on, database.now(on), actor, action, subject, text))
    if seq % SIGN_EVERY == 0 and not database.is_joined:
        sign_head(book)
    return seq


def lock_events(connection: Connection) -> None:
    """Wait until no other transaction adds events; what is read after that stays so until the end of this one."""
    lock(connection, EVENTS_LOCK)


def sign_head(ledger: Ledger) -> Head | None:
    """Sign the end of the chain of events, into the table and the file; None if there is nothing new to sign.

    Raises
    ------
    RuntimeError
        In what is done `together`: the file must not name an event that may still be undone.
    """
    if ledger.database.is_joined:
        raise RuntimeError("sign after the transaction")

    def work(connection: Connection) -> Head | None:
        lock_events(connection)
        last = connection.execute(LAST).first()
        signed = connection.scalar(select(event_heads.c.seq).order_by(event_heads.c.seq.desc()).limit(1))
        if last is None or (signed is not None and signed >= last.seq):
            return None
        key = ledger.keys.load()
        head = sign(last.seq, last.sha256, iso(ledger.database.now(connection)), key, EVENTS)
        values = {name: getattr(head, name) for name in ("seq", "sha256", "signed_at", "key_id", "signature")}
        connection.execute(insert(event_heads).values(values))
        ledger.keys.write_head(head, key.public_key())
        return head

    return ledger.database.write(work)


def page(
    ledger: Ledger,
    *,
    actor: str | None = None,
    action: str | None = None,
    subject: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    before: int | None = None,
    limit: int = 50,
) -> Page:
    """Return events, the newest first.

    Parameters
    ----------
    ledger : Ledger
    actor, action, subject : str, optional
        Only events with exactly this.
    since, until : datetime, optional
        Only events from the first moment on, and before the second; with a time zone.
    before : int, optional
        `Page.next` of the page before; the first page without.
    limit : int
        Most events of a page, 1 or more.
    """
    order = tuple_(events.c.at, events.c.seq)
    wanted = select(events).order_by(events.c.at.desc(), events.c.seq.desc()).limit(limit + 1)
    for column, value in ((events.c.actor, actor), (events.c.action, action), (events.c.subject, subject)):
        if value is not None:
            wanted = wanted.where(column == clean(value))
    if since is not None:
        wanted = wanted.where(events.c.at >= iso(since.timestamp()))
    if until is not None:
        wanted = wanted.where(events.c.at < iso(until.timestamp()))

    def work(connection: Connection) -> Sequence[Any]:
        chosen = wanted
        if before is not None:
            at = connection.scalar(select(events.c.at).where(events.c.seq == before))
            if at is None:
                return ()
            chosen = chosen.where(order < tuple_(at, before))
        return connection.execute(chosen).all()

    rows = ledger.database.read(work)
    shown = tuple(_event(row) for row in rows[:limit])
    return Page(shown, shown[-1].seq if len(rows) > limit else None)


def events_of(
    connection: Connection, actions: Iterable[str], *, subjects: Iterable[str] | None = None, after: int = 0
) -> Iterator[Event]:
    """Yield the events of some actions, the oldest first.

    Parameters
    ----------
    connection : Connection
    actions : iterable of str
    subjects : iterable of str, optional
        Only what was done to these.
    after : int
        Only events with a greater number.
    """
    wanted = select(events).where(events.c.action.in_(list(actions)), events.c.seq > after).order_by(events.c.seq)
    if subjects is not None:
        wanted = wanted.where(events.c.subject.in_(list(subjects)))
    for row in connection.execute(wanted):
        yield _event(row)


def last_of(connection: Connection, actions: Iterable[str]) -> int:
    """Return the number of the last event of some actions; 0: there is none."""
    of = (select(func.max(events.c.seq)).where(events.c.action == action) for action in actions)
    return max((connection.scalar(one) or 0 for one in of), default=0)


def verify(ledger: Ledger, public_key: Ed25519PublicKey | None) -> list[Problem]:
    """Find what was edited, deleted, moved, inserted or dropped in the audit log; see `links.follow`."""
    return follow(ledger, CHAIN, public_key)


def extent(ledger: Ledger, public_key: Ed25519PublicKey | None) -> Extent:
    """Return how far the audit log goes, and how far it is signed by a key."""
    return reach(ledger, CHAIN, public_key)


def event_sha256(*, at: str, actor: str, action: str, subject: str, details: str, previous_sha256: str) -> str:
    """Return the hash of an event; `details` is the JSON text as it is kept.

    The row's number is not part of it: its place follows from `previous_sha256`.
    """
    values = {
        "action": action,
        "actor": actor,
        "at": at,
        "details_sha256": _sha256(details),
        "previous_sha256": previous_sha256,
        "subject": subject,
    }
    return hashlib.sha256(canonical(values)).hexdigest()


def iso(seconds: float) -> str:
    """Return a moment as it stands in the log: such texts are in the order of their times."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds")


def _add(connection: Connection, now: float, actor: str, action: str, subject: str, details: str) -> int:
    lock_events(connection)
    last = connection.execute(LAST).first()
    row = {
        "at": iso(now),
        "actor": clean(actor),
        "action": action,
        "subject": clean(subject),
        "details": details,
        "previous_sha256": last.sha256 if last else GENESIS,
    }
    seq = (last.seq if last else 0) + 1
    connection.execute(insert(events).values(seq=seq, sha256=event_sha256(**row), **row))
    return int(seq)


def clean(value: Any) -> Any:
    """Return a value as every database and JSON can hold it; what is no text becomes backslash escapes."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")
    if isinstance(value, Mapping):
        for name in value:
            if SECRET.search(name):
                raise ValueError(f"no secrets in the audit log: {name}")
        return {clean(name): clean(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [clean(entry) for entry in value]
    return value


def _event(row: Any) -> Event:
    """Return a row as an event; one that was spoilt by hand can be shown, too, for `verify` names it."""
    try:
        at = datetime.fromisoformat(row.at).astimezone(UTC)
    except (TypeError, ValueError):  # SQLite keeps what it is given, whatever the column's type
        at = NEVER
    try:
        details = json.loads(row.details)
    except (TypeError, ValueError):
        details = None
    if not isinstance(details, dict):
        details = {"unreadable": str(row.details)}
    sums = _sha256(str(row.details)), row.previous_sha256, row.sha256
    return Event(row.seq, at, row.actor, row.action, row.subject, details, *sums)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _rows(connection: Connection, after: int) -> list[Any]:
    return list(connection.execute(select(events).where(events.c.seq > after).order_by(events.c.seq).limit(ROWS)))


def _is_whole(row: Any) -> bool:
    try:
        expected = event_sha256(
            at=row.at,
            actor=row.actor,
            action=row.action,
            subject=row.subject,
            details=row.details,
            previous_sha256=row.previous_sha256,
        )
    except (AttributeError, TypeError, ValueError):  # SQLite keeps what it is given, whatever the column's type
        return False
    return bool(row.sha256 == expected)


WORDING = Wording(
    no_key=(
        "There is no public key: what was dropped, added or rewritten up to event {last} of the audit log cannot be "
        "told. Name the key that was kept elsewhere."
    ),
    fewer="The signed head names {last} events, but there are {there}.",
    unsigned="Events {first} to {last} were added after the head was last signed.",
    edited="Event {first} was edited.",
    renumbered="Event {first} was renumbered: it follows event {after}.",
    moved="Event {first} was moved: it follows event {after}.",
    inserted="Event {first} was inserted: no other event follows it.",
    deleted="Events {first} to {last} were deleted.",
    replaced="Event {first} was rewritten, or events between {first} and {last} were deleted and the rest renumbered.",
    rewritten="Events {first} to {last} were rewritten: they are not those that the head was signed for.",
    foreign_head="The head of event {first} in the ledger is not signed by this key.",
    no_head="Row {row} of table event_heads was edited: it is no head.",
    old_head="{path}: the head is older than that of the ledger (event {first} instead of {last}).",
)
CHAIN = Chain(EVENTS, events, event_heads, _rows, _is_whole, WORDING)

"""Chains of rows held against their signed heads: what was done to one, and where; of results and of events alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import Connection, Table, func, select

from pipeline.batch.chain import GENESIS, Head, is_signed, read_head
from pipeline.batch.ledger import Ledger
from pipeline.model import Message

ROWS = 2000
"""Rows that are read at once."""
Kind = Literal["edited", "deleted", "moved", "inserted", "dropped", "unsigned", "unchecked", "head"]
KINDS: dict[Kind, str] = {
    "edited": "edited",
    "deleted": "deleted",
    "moved": "moved",
    "inserted": "inserted",
    "dropped": "dropped",
    "unsigned": "unsigned",
    "unchecked": "could not be checked",
    "head": "signed head",
}
"""In words."""
OPEN: frozenset[Kind] = frozenset({"unsigned", "unchecked"})
"""What says that something cannot be told, rather than that something was done."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that was done to a chain, between its rows `first` and `last`."""

    kind: Kind
    first: int
    last: int
    message: Message


@dataclass(frozen=True, slots=True)
class Extent:
    """How far a chain goes, and how far it is signed."""

    last: int
    """Number of the last row; 0 if there is none."""
    signed: Head | None
    """The last head that the key signed."""


@dataclass(frozen=True, slots=True)
class Wording:
    """The sentences that tell what was done to a chain; all may name rows `first` and `last`."""

    no_key: str
    fewer: str
    """Of rows dropped at the end; names how many are `there`."""
    unsigned: str
    edited: str
    renumbered: str
    """Names the row `after` which it follows, as `moved` does."""
    moved: str
    inserted: str
    deleted: str
    replaced: str
    """Of rows whose hashes do not fit each other."""
    rewritten: str
    """Of rows that fit each other, but not the head."""
    foreign_head: str
    no_head: str
    """Names a row of the table of heads, `row`."""
    old_head: str
    """Names the head's file, `path`."""


@dataclass(frozen=True, slots=True)
class Chain:
    """One chain of a ledger."""

    name: str
    """As `pipeline.batch.chain` calls it."""
    rows: Table
    """With `seq`, `sha256` and `previous_sha256`."""
    heads: Table
    page: Callable[[Connection, int], list[Any]]
    """Returns up to `ROWS` rows after one, with all that `is_whole` needs."""
    is_whole: Callable[[Any], bool]
    """Tells whether a row is what its hash says."""
    wording: Wording


@dataclass(frozen=True, slots=True)
class _Link:
    seq: int
    sha256: str
    previous_sha256: str


def follow(ledger: Ledger, chain: Chain, public_key: Ed25519PublicKey | None) -> list[Problem]:
    """Find what was edited, deleted, moved, inserted or dropped in a chain.

    Rows added since the head was last signed are told as `unsigned`.

    Parameters
    ----------
    ledger : Ledger
    chain : Chain
    public_key : Ed25519PublicKey or None
        From a place that those who may write the ledger cannot write. None: there is none, and that is told.

    Returns
    -------
    list of Problem
        In the order of the rows; empty if every row is what it was when the head was signed.
    """
    words = chain.wording
    path = ledger.keys.head_of(chain.name)
    signed, problems = ledger.database.read(partial(_heads, chain=chain))
    shown = read_head(path, chain.name)
    if public_key is not None:
        problems += _false_heads(chain, signed, shown, path, public_key)
    good = _good(signed, shown, public_key)
    held: dict[int, str] = {}
    links = _links(ledger, chain, {head.seq for head in good}, held, problems)
    last = _walk(ledger, chain, links, problems)
    end = max((head.seq for head in good), default=0)
    if public_key is None:
        if last or signed or shown:
            problems.append(_problem("unchecked", 0, last, words.no_key))
    elif end > last:
        problems.append(_problem("dropped", last + 1, end, words.fewer, there=last))
    elif end < last:
        problems.append(_problem("unsigned", end + 1, last, words.unsigned))
    problems.extend(_rewritten(chain, good, held, problems))
    return sorted(problems, key=lambda problem: (problem.first, problem.last))


def reach(ledger: Ledger, chain: Chain, public_key: Ed25519PublicKey | None) -> Extent:
    """Return how far a chain goes, and how far it is signed by a key."""
    signed, _ = ledger.database.read(partial(_heads, chain=chain))
    shown = read_head(ledger.keys.head_of(chain.name), chain.name)
    newest = sorted([*signed, *([shown] if shown else [])], key=lambda head: head.seq, reverse=True)
    last = ledger.database.read(lambda connection: connection.scalar(select(func.max(chain.rows.c.seq))))
    good = (head for head in newest if public_key is not None and is_signed(head, public_key))
    return Extent(last or 0, next(good, None))


def _heads(connection: Connection, chain: Chain) -> tuple[list[Head], list[Problem]]:
    """Return the heads of the ledger, and what holds the place of one and cannot be one."""
    found: list[Head] = []
    problems: list[Problem] = []
    for row in connection.execute(select(chain.heads).order_by(chain.heads.c.id)):
        texts = (row.sha256, row.signed_at, row.key_id, row.signature)
        if isinstance(row.seq, int) and all(isinstance(text, str) for text in texts):
            found.append(Head(row.seq, *texts, chain.name))
        else:  # SQLite keeps what it is given, whatever the column's type
            problems.append(_problem("head", 0, 0, chain.wording.no_head, row=str(row.id)))
    return found, problems


def _good(signed: list[Head], shown: Head | None, key: Ed25519PublicKey | None) -> list[Head]:
    return [head for head in [*signed, *([shown] if shown else [])] if key is not None and is_signed(head, key)]


def _false_heads(
    chain: Chain, signed: list[Head], shown: Head | None, path: Path, key: Ed25519PublicKey
) -> Iterator[Problem]:
    """Yield what is wrong with the heads themselves."""
    for head in signed:
        if not is_signed(head, key):
            yield _problem("head", head.seq, head.seq, chain.wording.foreign_head)
    newest = max((head.seq for head in signed), default=0)
    if shown is None:
        if signed or path.exists():
            yield _problem("head", newest, newest, "{path}: there is no signed head in this file.", path=str(path))
    elif not is_signed(shown, key):
        yield _problem("head", shown.seq, shown.seq, "{path}: the head is not signed by this key.", path=str(path))
    elif shown.seq < newest:
        yield _problem("head", shown.seq, newest, chain.wording.old_head, path=str(path))


def _links(
    ledger: Ledger, chain: Chain, marked: set[int], held: dict[int, str], problems: list[Problem]
) -> Iterator[_Link]:
    """Yield every row's place in the chain; tell of rows whose content is not what their hash says."""
    seq = 0
    while True:
        rows = ledger.database.read(partial(_page, chain=chain, after=seq))
        for row in rows:
            if not chain.is_whole(row):
                problems.append(_problem("edited", row.seq, row.seq, chain.wording.edited))
            if row.seq in marked:
                held[row.seq] = row.sha256
            yield _Link(row.seq, row.sha256, row.previous_sha256)
        if not rows:
            return
        seq = rows[-1].seq


def _page(connection: Connection, chain: Chain, after: int) -> list[Any]:
    return chain.page(connection, after)


def _walk(ledger: Ledger, chain: Chain, links: Iterator[_Link], problems: list[Problem]) -> int:
    """Follow the chain; tell where it breaks. Return the number of the last row."""
    before, here = _Link(-1, "", ""), _Link(0, GENESIS, "")
    broken: Problem | None = None  # what was told of row `here`
    for link in links:
        found: Problem | None = None
        if link.previous_sha256 == here.sha256:
            if link.seq != here.seq + 1:
                found = _problem("moved", link.seq, link.seq, chain.wording.renumbered, after=here.seq)
        elif link.previous_sha256 == before.sha256:  # leaves out `here`
            if not _is_followed(ledger, chain, here):
                if broken:
                    problems.remove(broken)
                problems.append(_problem("inserted", here.seq, here.seq, chain.wording.inserted))
        else:
            found = _break(ledger, chain, here, link)
        if found:
            problems.append(found)
        before, here, broken = here, link, found
    return here.seq


def _is_followed(ledger: Ledger, chain: Chain, link: _Link) -> bool:
    named = select(chain.rows.c.seq).where(chain.rows.c.previous_sha256 == link.sha256)
    return ledger.database.read(lambda connection: connection.scalar(named)) is not None


def _break(ledger: Ledger, chain: Chain, here: _Link, link: _Link) -> Problem:
    """Tell why `link` does not follow `here`."""
    named = select(chain.rows.c.seq).where(chain.rows.c.sha256 == link.previous_sha256)
    follows = ledger.database.read(lambda connection: connection.scalar(named))
    if follows is not None or link.previous_sha256 == GENESIS:
        return _problem("moved", link.seq, link.seq, chain.wording.moved, after=follows or 0)
    if link.seq > here.seq + 1:
        return _problem("deleted", here.seq + 1, link.seq - 1, chain.wording.deleted)
    return _problem("edited", here.seq, link.seq, chain.wording.replaced)


def _rewritten(chain: Chain, good: list[Head], held: dict[int, str], problems: list[Problem]) -> Iterator[Problem]:
    """Yield the stretch in which rows were rewritten, hashes and all, so that only a signed head tells of it."""
    sound = 0
    for head in sorted(good, key=lambda head: head.seq):
        if held.get(head.seq) == head.sha256:
            sound = head.seq
        elif head.seq in held:
            if not any(sound <= problem.first <= head.seq and problem.kind != "head" for problem in problems):
                yield _problem("edited", sound + 1, head.seq, chain.wording.rewritten)
            return


def _problem(kind: Kind, first: int, last: int, template: str, **values: str | int) -> Problem:
    return Problem(kind, first, last, Message(template, {"first": first, "last": last, **values}))

"""Verification of a ledger: its chain of results against its signed heads; what was done to it, and where."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import Connection, Select, func, select

from pipeline.batch.chain import GENESIS, Head, is_signed, read_head, row_sha256, unpacked
from pipeline.batch.ledger import Ledger
from pipeline.batch.nouns import Key
from pipeline.batch.tables import heads, jobs, results
from pipeline.model import Message

ROWS = 2000
"""Rows that are read at once."""
Kind = Literal["edited", "deleted", "moved", "inserted", "dropped", "unsigned", "unchecked", "head"]
OPEN: frozenset[Kind] = frozenset({"unsigned", "unchecked"})
"""What says that something cannot be told, rather than that something was done."""
NO_KEY = (
    "There is no public key: what was dropped, added or rewritten up to result {last} cannot be told. Name the key "
    "that was kept elsewhere."
)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that was done to the ledger, between rows `first` and `last` of table `results`."""

    kind: Kind
    first: int
    last: int
    message: Message


@dataclass(frozen=True, slots=True)
class Extent:
    """How far the chain goes, and how far it is signed."""

    last: int
    """Number of the last result; 0 if there is none."""
    signed: Head | None
    """The last head that the key signed."""


@dataclass(frozen=True, slots=True)
class _Link:
    seq: int
    sha256: str
    previous_sha256: str


def verify_chain(ledger: Ledger, public_key: Ed25519PublicKey | None) -> list[Problem]:
    """Find what was edited, deleted, moved, inserted or dropped in the results of a ledger.

    Rows added since the head was last signed are told as `unsigned`; while a batch runs that is as it should be.

    Parameters
    ----------
    ledger : Ledger
    public_key : Ed25519PublicKey or None
        From a place that those who may write the ledger cannot write. None: there is none, and that is told.

    Returns
    -------
    list of Problem
        In the order of the rows; empty if every row is what it was when the head was signed.
    """
    signed, problems = ledger.database.read(_heads)
    shown = read_head(ledger.keys.head)
    if public_key is not None:
        problems += _false_heads(signed, shown, ledger.keys.head, public_key)
    good = _good(signed, shown, public_key)
    held: dict[int, str] = {}
    links = _links(ledger, {head.seq for head in good}, held, problems)
    last = _walk(ledger, links, problems)
    end = max((head.seq for head in good), default=0)
    if public_key is None:
        if last or signed or shown:
            problems.append(_problem("unchecked", 0, last, NO_KEY))
    elif end > last:
        problems.append(
            _problem(
                "dropped", last + 1, end, "The signed head names {last} results, but there are {there}.", there=last
            )
        )
    elif end < last:
        problems.append(
            _problem("unsigned", end + 1, last, "Results {first} to {last} were added after the head was last signed.")
        )
    problems.extend(_rewritten(good, held, problems))
    return sorted(problems, key=lambda problem: (problem.first, problem.last))


def extent(ledger: Ledger, public_key: Ed25519PublicKey | None) -> Extent:
    """Return how far the chain goes, and how far it is signed by a key."""
    signed, _ = ledger.database.read(_heads)
    good = _good(signed, read_head(ledger.keys.head), public_key)
    last = ledger.database.read(lambda connection: connection.scalar(select(func.max(results.c.seq))))
    return Extent(last or 0, max(good, key=lambda head: head.seq, default=None))


def clips_at(ledger: Ledger, problems: Sequence[Problem]) -> dict[int, bytes]:
    """Return the paths, in their store, of the clips of those rows that problems name alone."""
    rows = sorted({problem.first for problem in problems if problem.first == problem.last})
    found: dict[int, bytes] = {}
    for start in range(0, len(rows), ROWS):
        chosen = results.c.seq.in_(rows[start : start + ROWS])
        named = select(results.c.seq, jobs.c.path).join_from(results, jobs, results.c.key == jobs.c.key).where(chosen)
        for seq, path in ledger.database.read(partial(_all, wanted=named)):
            found[seq] = path.encode() if isinstance(path, str) else bytes(path)
    return found


def _all(connection: Connection, wanted: Select[Any]) -> Sequence[Any]:
    return connection.execute(wanted).all()


def _heads(connection: Connection) -> tuple[list[Head], list[Problem]]:
    """Return the heads of the ledger, and what holds the place of one and cannot be one."""
    found: list[Head] = []
    problems: list[Problem] = []
    for row in connection.execute(select(heads).order_by(heads.c.id)):
        texts = (row.sha256, row.signed_at, row.key_id, row.signature)
        if isinstance(row.seq, int) and all(isinstance(text, str) for text in texts):
            found.append(Head(row.seq, *texts))
        else:  # SQLite keeps what it is given, whatever the column's type
            problems.append(
                _problem("head", 0, 0, "Row {row} of table heads was edited: it is no head.", row=str(row.id))
            )
    return found, problems


def _good(signed: list[Head], shown: Head | None, key: Ed25519PublicKey | None) -> list[Head]:
    return [head for head in [*signed, *([shown] if shown else [])] if key is not None and is_signed(head, key)]


def _false_heads(signed: list[Head], shown: Head | None, path: Path, key: Ed25519PublicKey) -> Iterator[Problem]:
    """Yield what is wrong with the heads themselves."""
    for head in signed:
        if not is_signed(head, key):
            yield _problem(
                "head", head.seq, head.seq, "The head of result {first} in the ledger is not signed by this key."
            )
    newest = max((head.seq for head in signed), default=0)
    if shown is None:
        if signed or path.exists():
            yield _problem("head", newest, newest, "{path}: there is no signed head in this file.", path=str(path))
    elif not is_signed(shown, key):
        yield _problem("head", shown.seq, shown.seq, "{path}: the head is not signed by this key.", path=str(path))
    elif shown.seq < newest:
        yield _problem(
            "head",
            shown.seq,
            newest,
            "{path}: the head is older than that of the ledger (result {first} instead of {last}).",
            path=str(path),
        )


def _links(ledger: Ledger, marked: set[int], held: dict[int, str], problems: list[Problem]) -> Iterator[_Link]:
    """Yield every row's place in the chain; tell of rows whose content is not what their hash says."""
    seq = 0
    while True:
        rows = ledger.database.read(partial(_page, after=seq))
        for row in rows:
            if not _is_whole(row):
                problems.append(_problem("edited", row.seq, row.seq, "Result {first} or its job was edited."))
            if row.seq in marked:
                held[row.seq] = row.sha256
            yield _Link(row.seq, row.sha256, row.previous_sha256)
        if not rows:
            return
        seq = rows[-1].seq


def _page(connection: Connection, after: int) -> list[Any]:
    parts = (jobs.c.sha256.label("clip"), jobs.c.profile_sha256, jobs.c.tool_version, jobs.c.context_sha256)
    joined = select(results, *parts, jobs.c.state, jobs.c.verdict.label("told")).join_from(
        results, jobs, results.c.key == jobs.c.key, isouter=True
    )
    return list(connection.execute(joined.where(results.c.seq > after).order_by(results.c.seq).limit(ROWS)))


def _is_whole(row: Any) -> bool:
    """Tell whether a row is what its hash says, and its job is the one that its key says."""
    try:
        expected = row_sha256(
            key=row.key,
            verdict=row.verdict,
            document=unpacked(row.document, row.encoding),
            committed_at=row.committed_at,
            previous_sha256=row.previous_sha256,
        )
        key = None if row.clip is None else Key(row.clip, row.profile_sha256, row.tool_version, row.context_sha256)
        is_its_job = key is not None and key.digest == row.key and (row.state, row.told) == ("done", row.verdict)
    except (TypeError, ValueError):  # SQLite keeps what it is given, whatever the column's type
        return False
    return bool(row.sha256 == expected and is_its_job)


def _walk(ledger: Ledger, links: Iterator[_Link], problems: list[Problem]) -> int:
    """Follow the chain; tell where it breaks. Return the number of the last row."""
    before, here = _Link(-1, "", ""), _Link(0, GENESIS, "")
    broken: Problem | None = None  # what was told of row `here`
    for link in links:
        found: Problem | None = None
        if link.previous_sha256 == here.sha256:
            if link.seq != here.seq + 1:
                found = _problem(
                    "moved",
                    link.seq,
                    link.seq,
                    "Result {first} was renumbered: it follows result {after}.",
                    after=here.seq,
                )
        elif link.previous_sha256 == before.sha256:  # leaves out `here`
            if not _is_followed(ledger, here):
                if broken:
                    problems.remove(broken)
                problems.append(
                    _problem("inserted", here.seq, here.seq, "Result {first} was inserted: no other result follows it.")
                )
        else:
            found = _break(ledger, here, link)
        if found:
            problems.append(found)
        before, here, broken = here, link, found
    return here.seq


def _is_followed(ledger: Ledger, link: _Link) -> bool:
    named = select(results.c.seq).where(results.c.previous_sha256 == link.sha256)
    return ledger.database.read(lambda connection: connection.scalar(named)) is not None


def _break(ledger: Ledger, here: _Link, link: _Link) -> Problem:
    """Tell why `link` does not follow `here`."""
    named = select(results.c.seq).where(results.c.sha256 == link.previous_sha256)
    follows = ledger.database.read(lambda connection: connection.scalar(named))
    if follows is not None or link.previous_sha256 == GENESIS:
        return _problem(
            "moved", link.seq, link.seq, "Result {first} was moved: it follows result {after}.", after=follows or 0
        )
    if link.seq > here.seq + 1:
        return _problem("deleted", here.seq + 1, link.seq - 1, "Results {first} to {last} were deleted.")
    return _problem(
        "edited",
        here.seq,
        link.seq,
        "Result {first} was rewritten, or results between {first} and {last} were deleted and the rest renumbered.",
    )


def _rewritten(good: list[Head], held: dict[int, str], problems: list[Problem]) -> Iterator[Problem]:
    """Yield the stretch in which rows were rewritten, hashes and all, so that only a signed head tells of it."""
    sound = 0
    for head in sorted(good, key=lambda head: head.seq):
        if held.get(head.seq) == head.sha256:
            sound = head.seq
        elif head.seq in held:
            if not any(sound <= problem.first <= head.seq and problem.kind != "head" for problem in problems):
                yield _problem(
                    "edited",
                    sound + 1,
                    head.seq,
                    "Results {first} to {last} were rewritten: they are not those that the head was signed for.",
                )
            return


def _problem(kind: Kind, first: int, last: int, template: str, **values: str | int) -> Problem:
    return Problem(kind, first, last, Message(template, {"first": first, "last": last, **values}))

"""Verification of a ledger: its chain of results against its signed heads; what was done to it, and where."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import Connection, Select, select

from pipeline.batch.chain import RESULTS, row_sha256, unpacked
from pipeline.batch.ledger import Ledger
from pipeline.batch.links import KINDS, OPEN, ROWS, Chain, Extent, Kind, Problem, Wording, follow, reach
from pipeline.batch.nouns import Key
from pipeline.batch.tables import heads, jobs, results

WORDING = Wording(
    no_key=(
        "There is no public key: what was dropped, added or rewritten up to result {last} cannot be told. Name the key "
        "that was kept elsewhere."
    ),
    fewer="The signed head names {last} results, but there are {there}.",
    unsigned="Results {first} to {last} were added after the head was last signed.",
    edited="Result {first} or its job was edited.",
    renumbered="Result {first} was renumbered: it follows result {after}.",
    moved="Result {first} was moved: it follows result {after}.",
    inserted="Result {first} was inserted: no other result follows it.",
    deleted="Results {first} to {last} were deleted.",
    replaced=(
        "Result {first} was rewritten, or results between {first} and {last} were deleted and the rest renumbered."
    ),
    rewritten="Results {first} to {last} were rewritten: they are not those that the head was signed for.",
    foreign_head="The head of result {first} in the ledger is not signed by this key.",
    no_head="Row {row} of table heads was edited: it is no head.",
    old_head="{path}: the head is older than that of the ledger (result {first} instead of {last}).",
)


def verify_chain(ledger: Ledger, public_key: Ed25519PublicKey | None) -> list[Problem]:
    """Find what was edited, deleted, moved, inserted or dropped in the results of a ledger; see `links.follow`.

    Rows added since the head was last signed are told as `unsigned`; while a batch runs that is as it should be.
    """
    return follow(ledger, CHAIN, public_key)


def extent(ledger: Ledger, public_key: Ed25519PublicKey | None) -> Extent:
    """Return how far the chain of results goes, and how far it is signed by a key."""
    return reach(ledger, CHAIN, public_key)


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


CHAIN = Chain(RESULTS, results, heads, _page, _is_whole, WORDING)
__all__ = ["KINDS", "OPEN", "Extent", "Kind", "Problem", "clips_at", "extent", "verify_chain"]

"""What the results of a ledger say of the files: which path had which content, by which row."""

from __future__ import annotations

import base64
import json
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import Connection, select

from pipeline.batch.chain import unpacked
from pipeline.batch.ledger import Ledger, any_scope, told
from pipeline.batch.tables import batches, jobs, results
from pipeline.batch.verify import Problem
from pipeline.model import Message

ROWS = 500
TOUCHED = frozenset({"edited", "inserted", "moved"})
"""Problems of the chain after which a row proves nothing."""


@dataclass(frozen=True, slots=True)
class Named:
    """What the newest result of one file says."""

    path: bytes
    """In the store."""
    row: int
    """Of table `results`."""
    when: str
    """ISO 8601, UTC."""
    sha256: str | None
    """None if the file could not be read then."""
    bytes: int
    is_doubtful: bool
    """The row itself was edited, moved or inserted."""
    earlier: tuple[tuple[int, str], ...] = ()
    """Row and content of results of the same path that are of other contents, by row."""


@dataclass(frozen=True, slots=True)
class Unnamed:
    """A result that no file of a store can be held against."""

    row: int
    path: bytes | None = None
    """None if the document cannot be read."""
    store: str | None = None


@dataclass(frozen=True, slots=True)
class _Found:
    path: bytes
    row: int
    when: str
    sha256: str | None
    bytes: int
    batch: int
    store: str


def named_by(ledger: Ledger, problems: Collection[Problem] = ()) -> tuple[dict[str, dict[bytes, Named]], list[Unnamed]]:
    """Return what the results say: store → path in it → its newest result; and results that say nothing of a file.

    Parameters
    ----------
    ledger : Ledger
    problems : collection of Problem
        What was found in the chain.
    """
    touched = _Touched(problems)
    stores = ledger.database.read(_stores)
    contents: dict[str, dict[bytes, dict[str | None, _Found]]] = defaultdict(lambda: defaultdict(dict))
    unnamed: list[Unnamed] = []
    for row in _rows(ledger):
        found = _found(row, stores)
        if isinstance(found, Unnamed):
            unnamed.append(found)
            continue
        of_path = contents[found.store][found.path]
        before = of_path.get(found.sha256)
        if before is None or (before.batch, before.row) < (found.batch, found.row):
            of_path[found.sha256] = found
    known = {
        store: {path: _newest(of_path, touched) for path, of_path in sorted(paths.items())}
        for store, paths in contents.items()
    }
    return known, unnamed


def without_result(ledger: Ledger) -> dict[str, list[bytes]]:
    """Return the paths of clips, by store, that the ledger says were judged, but whose result is not there."""
    wanted = (
        select(jobs.c.path, batches.c.store)
        .join_from(jobs, batches, jobs.c.batch_id == batches.c.id)
        .join(results, results.c.key == jobs.c.key, isouter=True)
        .where(*any_scope(), jobs.c.step == "judge", jobs.c.state == "done", results.c.key.is_(None))
    )
    found: dict[str, list[bytes]] = defaultdict(list)
    for path, store in ledger.database.read(lambda connection: connection.execute(wanted).all()):
        found[store].append(_bytes(path))
    return dict(found)


def set_aside(ledger: Ledger) -> dict[str, dict[bytes, Message]]:
    """Return why clips were set aside, by store and path."""
    wanted = (
        select(jobs.c.path, jobs.c.reason, batches.c.store)
        .join_from(jobs, batches, jobs.c.batch_id == batches.c.id)
        .where(*any_scope(), jobs.c.state == "quarantined")
        .order_by(jobs.c.id)
    )
    found: dict[str, dict[bytes, Message]] = defaultdict(dict)
    for row in ledger.database.read(lambda connection: connection.execute(wanted).all()):
        if (reason := told(row.reason)) is not None:
            found[row.store][_bytes(row.path)] = reason
    return found


class _Touched:
    """Tells of a row whether a problem of the chain names it."""

    def __init__(self, problems: Collection[Problem]) -> None:
        kinds = [problem for problem in problems if problem.kind in TOUCHED]
        self._rows = {problem.first for problem in kinds if problem.first == problem.last}
        self._ranges = [(problem.first, problem.last) for problem in kinds if problem.first != problem.last]

    def __contains__(self, row: int) -> bool:
        return row in self._rows or any(first <= row <= last for first, last in self._ranges)


def _stores(connection: Connection) -> dict[int, str]:
    return {row.id: str(row.store) for row in connection.execute(select(batches.c.id, batches.c.store))}


def _rows(ledger: Ledger) -> Iterator[Any]:
    after = 0
    while True:
        rows = ledger.database.read(partial(_page, after=after))
        yield from rows
        if not rows:
            return
        after = rows[-1].seq


def _page(connection: Connection, after: int) -> list[Any]:
    parts = (results.c.seq, results.c.document, results.c.encoding, results.c.committed_at)
    joined = select(*parts, jobs.c.path, jobs.c.batch_id).join_from(
        results, jobs, results.c.key == jobs.c.key, isouter=True
    )
    return list(connection.execute(joined.where(results.c.seq > after).order_by(results.c.seq).limit(ROWS)))


def _found(row: Any, stores: Mapping[int, str]) -> _Found | Unnamed:
    try:
        clip = json.loads(unpacked(row.document, row.encoding))["clip"]
        sha256, size = clip["sha256"], int(clip["bytes"])
        whole = base64.b64decode(clip["path_base64"]) if "path_base64" in clip else str(clip["path"]).encode()
    except (TypeError, ValueError, KeyError, OverflowError, RecursionError):
        return Unnamed(row.seq)
    store = stores.get(row.batch_id)
    inside = None if store is None else _inside(whole, store, _bytes(row.path))
    if store is None or inside is None:
        return Unnamed(row.seq, whole, store)
    kept = None if sha256 is None else str(sha256)
    return _Found(inside, row.seq, str(row.committed_at), kept, size, row.batch_id, store)


def _inside(whole: bytes, store: str, path: bytes) -> bytes | None:
    """Return a clip's path in its store; None if it does not lie there.

    The document's word counts. Where a later batch found the same store under another name, the rest of the path does.
    """
    split = whole.find(b"/", 1)
    while split > 0:
        if whole[:split].decode("utf-8", "backslashreplace") == store:
            return whole[split + 1 :]
        split = whole.find(b"/", split + 1)
    return path if path and whole.endswith(b"/" + path) else None


def _newest(of_path: Mapping[str | None, _Found], touched: _Touched) -> Named:
    newest = max(of_path.values(), key=lambda found: (found.batch, found.row))
    earlier = sorted((one.row, one.sha256) for one in of_path.values() if one.sha256 not in (None, newest.sha256))
    return Named(
        newest.path,
        newest.row,
        newest.when,
        newest.sha256,
        newest.bytes,
        newest.row in touched,
        tuple((row, sha256 or "") for row, sha256 in earlier),
    )


def _bytes(path: Any) -> bytes:
    """Return a path of the ledger; SQLite keeps what it is given, whatever the column's type."""
    return path.encode() if isinstance(path, str) else bytes(path or b"")

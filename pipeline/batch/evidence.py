"""Verification of the evidence: every file of a store is hashed again and held against the results of the ledger."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pipeline.batch.folder import FolderStore
from pipeline.batch.hashing import Hashed, Progress, hash_again, silent
from pipeline.batch.ledger import Ledger
from pipeline.batch.named import Named, Unnamed, named_by, set_aside, without_result
from pipeline.batch.nouns import StoredFile
from pipeline.batch.remote import RemoteStore
from pipeline.batch.summary import batches_of
from pipeline.batch.tasks import Store
from pipeline.batch.verify import Problem
from pipeline.errors import SettingsError
from pipeline.model import Message, Scalar
from pipeline.report.json_v1 import display_path

State = Literal["unchanged", "changed", "missing", "moved", "removed", "unchecked", "replaced", "new"]
CHANGES: frozenset[State] = frozenset({"changed", "missing", "moved", "removed"})
NOTES: frozenset[State] = frozenset({"replaced", "new"})
CHANGED = (
    "{path}: the content was changed. Result {row} of {when} is of a file with the SHA-256 {then}; now it is {now}."
)
EXCHANGED = (
    "{path}: the content was exchanged. Result {row} of {when} is of a file with the SHA-256 {then}; now it is {now}, "
    "which is the content of {other}."
)
MISSING = "{path}: the file is gone. Result {row} of {when} is of a file of {bytes} bytes with the SHA-256 {then}."
MOVED = (
    "{path}: the file lies at {other} now, with the same content. Result {row} of {when} is of a file with the SHA-256 "
    "{then}."
)
REMOVED = "{path}: the ledger says that this clip was judged, but its result is not there."
REPLACED = (
    "{path}: the file is the one of result {row} of {when}, but result {before} is of another content with the SHA-256 "
    "{then}: it was exchanged between the two."
)
DOUBTFUL = (
    "{path}: the file has the SHA-256 {now} that result {row} names, but that result was itself edited, moved or "
    "inserted, and proves nothing."
)
NO_SUM = "{path}: result {row} names no SHA-256, for the file could not be read then. There is nothing to compare with."
NO_DOCUMENT = "Result {row} names no file with its SHA-256: its document cannot be read."
OUTSIDE = "Result {row} names {path}, which does not lie in the store {store}."
NO_STORE = (
    "{store}: this store cannot be opened, and {count} files in it could not be looked at. If it lies elsewhere, say "
    "where: unbroken verify STORE"
)
NEW = "{path}: there is no result of this file."


@dataclass(frozen=True, slots=True)
class Told:
    """What is told of one file."""

    state: State
    path: bytes
    """In its store; b"" where that cannot be told."""
    message: Message
    row: int | None = None
    """Row of table `results` that the file was held against."""
    sha256_then: str | None = None
    sha256_now: str | None = None
    other: bytes | None = None
    """Where the same content lies."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the evidence of a ledger comes to."""

    stores: Mapping[str, str] = field(default_factory=dict)
    """Name of a store in the ledger → folder or address in which it was looked at."""
    counts: Mapping[State, int] = field(default_factory=dict)
    bytes: int = 0
    """So much was read."""
    told: tuple[Told, ...] = ()
    """All but the unchanged, in the order of the stores and their paths; what could not be told of a path first."""


def _folder(name: str) -> Store:
    return FolderStore(Path(name))


def verify_evidence(
    ledger: Ledger,
    problems: Collection[Problem] = (),
    store: str | None = None,
    progress: Progress = silent,
    *,
    stores: Callable[[str], Store] = _folder,
    threads: int | None = None,
) -> Evidence:
    """Hash every file that has a result, and compare it with what the newest result of its path names.

    A path's newest result is the one that the latest batch asked for. Files are opened read-only.

    Parameters
    ----------
    ledger : Ledger
    problems : collection of Problem
        What was found in the chain: a result that was edited proves nothing.
    store : str, optional
        Folder or address where the store lies now: the one of that name in the ledger, else that of the last batch;
        others are left out.
        Default: every store of the ledger, where it lay.
    progress : callable
        Told how many bytes of how many were read, by several threads.
    stores : callable
        Opens the store of a name. Default: it is a folder.
    threads : int, optional
        Files that are read at once. Default: one per processor, 8 at most.

    Raises
    ------
    SettingsError
        If `store` cannot be opened, or there is no batch at all.
    """
    known, unnamed = named_by(ledger, problems)
    lost, aside = without_result(ledger), set_aside(ledger)
    places = _places(ledger, [*dict.fromkeys([*known, *lost])], store, stores)
    counts: Counter[State] = Counter()
    told = [_unnamed(one) for one in unnamed if one.store is None or one.store in places]
    size = 0
    for name, place in places.items():
        here = known.get(name, {})
        gone = lost.get(name, [])
        if place is None:
            if here:
                counts["unchecked"] += len(here) - 1  # one more is counted with what is told
                told.append(Told("unchecked", b"", Message(NO_STORE, {"store": name, "count": len(here)})))
            told += [Told("removed", path, Message(REMOVED, {"path": _shown(path)})) for path in gone]
            continue
        seen = _Seen(place, here, progress, threads or min(8, os.cpu_count() or 1))
        told += sorted([*seen.told(), *seen.news(gone, aside.get(name, {}))], key=lambda one: one.path)
        counts["unchanged"] += seen.unchanged
        size += seen.bytes
    counts.update(one.state for one in told)
    looked = {name: name if place is None else place.name for name, place in places.items()}
    return Evidence(looked, dict(counts), size, tuple(told))


class _Seen:
    """One store as it is now, against what the results say of it."""

    def __init__(self, store: Store, known: Mapping[bytes, Named], progress: Progress, threads: int) -> None:
        self.store, self.known = store, known
        self.unchanged = 0
        self._threads = threads
        self._files = {file.path: file for file in self.store.entries()}
        wanted = [one for one in known.values() if one.sha256 is not None]
        self._now = self._hash([one.path for one in wanted], progress)
        self.bytes = sum(found.bytes for found in self._now.values())
        gone = {one.bytes for one in wanted if self._now[one.path].is_missing}
        others = [path for path, file in self._files.items() if path not in known and file.bytes in gone]
        found = self._hash([path for path in others if self._files[path].refused is None], progress)
        self.bytes += sum(one.bytes for one in found.values())
        self._lies = {  # content that lies where it did not lie before → there
            one.sha256: path
            for path, one in sorted([*self._now.items(), *found.items()], reverse=True, key=lambda item: item[0])
            if path not in known or one.sha256 != known[path].sha256
        }
        self._belongs = {one.sha256: one.path for one in wanted}

    def told(self) -> Iterator[Told]:
        """Yield what is told of the files that have a result; those that are unchanged are counted only."""
        for one in self.known.values():
            if one.sha256 is None:
                yield _told("unchecked", NO_SUM, one)
                continue
            found = self._now[one.path]
            if found.is_missing:
                yield self._gone(one)
            elif found.sha256 is None:
                why = found.problem or Message(NO_DOCUMENT, {"row": one.row})
                yield Told("unchecked", one.path, why, one.row, one.sha256)
            elif found.sha256 != one.sha256:
                other = self._belongs.get(found.sha256)
                if other is None:
                    yield _told("changed", CHANGED, one, found.sha256)
                else:
                    yield _told("changed", EXCHANGED, one, found.sha256, other)
            elif one.is_doubtful:
                yield _told("unchecked", DOUBTFUL, one, found.sha256)
            else:
                self.unchanged += 1
                yield from self._earlier(one)

    def news(self, gone: Sequence[bytes], aside: Mapping[bytes, Message]) -> Iterator[Told]:
        """Yield what is told of the files that have no result, of those that were set aside the reason."""
        lost = {path for path in gone if path not in self.known}
        for path in lost:
            yield Told("removed", path, Message(REMOVED, {"path": _shown(path)}))
        taken = {self._lies.get(one.sha256) for one in self.known.values() if self._is_gone(one)}
        for path, file in self._files.items():
            if path not in self.known and path not in lost and path not in taken:
                yield Told("new", path, file.refused or aside.get(path) or Message(NEW, {"path": _shown(path)}))

    def _hash(self, paths: Sequence[bytes], progress: Progress) -> dict[bytes, Hashed]:
        listed = isinstance(self.store, RemoteStore)  # a folder is asked for each file
        gone = {path for path in paths if listed and path not in self._files and not self._is_hidden(path)}
        there = [self._files.get(path) or StoredFile(path, 0, 0) for path in paths if path not in gone]
        missing = {path: Hashed(is_missing=True) for path in gone}
        return {**missing, **hash_again(self.store, there, progress, self._threads)}

    def _is_hidden(self, path: bytes) -> bool:
        """Tell whether a folder above a path could not be listed."""
        folders = path.split(b"/")[:-1]
        return any(b"/".join(folders[: count + 1]) + b"/" in self._files for count in range(len(folders)))

    def _is_gone(self, one: Named) -> bool:
        return one.sha256 is not None and self._now[one.path].is_missing

    def _gone(self, one: Named) -> Told:
        other = self._lies.get(one.sha256)
        if other is None:
            return _told("missing", MISSING, one, bytes=one.bytes)
        return _told("moved", MOVED, one, one.sha256, other)

    def _earlier(self, one: Named) -> Iterator[Told]:
        for row, sha256 in one.earlier:
            values: dict[str, Scalar] = {"path": _shown(one.path), "row": one.row, "when": one.when}
            values |= {"before": row, "then": sha256}
            yield Told("replaced", one.path, Message(REPLACED, values), row, sha256, one.sha256)


def _places(
    ledger: Ledger, names: Sequence[str], store: str | None, stores: Callable[[str], Store]
) -> dict[str, Store | None]:
    """Return which stores are looked at, and where they lie; None: it cannot be opened."""
    if store is None:
        return {name: _opened(name, stores) for name in names}
    there = stores(store)
    if there.name in names:
        return {there.name: there}
    run = batches_of(ledger)
    if not run:
        raise SettingsError(Message("{ledger}: no batch was run yet.", {"ledger": ledger.database.name}))
    return {run[0].store: there}


def _opened(name: str, stores: Callable[[str], Store]) -> Store | None:
    try:
        return stores(name)
    except SettingsError:
        return None


def _told(
    state: State, template: str, one: Named, now: str | None = None, other: bytes | None = None, **values: str | int
) -> Told:
    values |= {"path": _shown(one.path), "row": one.row, "when": one.when, "then": one.sha256 or "", "now": now or ""}
    if other is not None:
        values["other"] = _shown(other)
    return Told(state, one.path, Message(template, values), one.row, one.sha256, now, other)


def _unnamed(one: Unnamed) -> Told:
    if one.path is None:
        return Told("unchecked", b"", Message(NO_DOCUMENT, {"row": one.row}), one.row)
    values: dict[str, Scalar] = {"row": one.row, "path": _shown(one.path), "store": one.store or ""}
    return Told("unchecked", b"", Message(OUTSIDE, values), one.row)


def _shown(path: bytes) -> str:
    return display_path(Path(os.fsdecode(path)))

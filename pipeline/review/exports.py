"""Files that are handed over: made on demand by a process of their own, one at a time, and kept for a while."""

from __future__ import annotations

import hashlib
import json
import shutil
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

from filelock import Timeout

from pipeline.batch.ledger import Ledger
from pipeline.model import Message
from pipeline.report import json_v1
from pipeline.report.decisions import Decision
from pipeline.report.made_at import made_at
from pipeline.report.wording import N_
from pipeline.review import audit
from pipeline.review.clip import Clip
from pipeline.review.copies import Recorded
from pipeline.review.kept import Kept
from pipeline.review.making import RESULT, STOPPED, Kind, Order, failed, make_apart

VERSION = 1
"""Raised whenever the same could now be made in another way; part of every name."""
FACTS = "facts.json"
MADE = "report-made"
"""Action in the audit log."""
MOST_EVENTS = 10_000
"""Events that a bag takes along, the last ones."""

State = Literal["waiting", "making", "ready", "failed"]

ROOM = N_("It was made and removed again: it is larger than all exports together may be.")
MANY = N_("It was not made: {count} others are waiting already. Try again later.")


@dataclass(frozen=True, slots=True)
class Wanted:
    """All that a file depends on, and who asked for it."""

    clip: Clip
    kind: Kind
    language: str
    approval: Recorded | None
    decisions: tuple[Decision, ...]
    actor: str

    @property
    def decided(self) -> str:
        """SHA-256 of the decisions, in short."""
        return _digest([asdict(decision) for decision in self.decisions])

    @property
    def name(self) -> str:
        """Under what the file is kept."""
        seq = None if self.approval is None else self.approval.seq
        parts = [VERSION, metadata.version(json_v1.TOOL), self.kind, self.language, seq, self.decided]
        return f"{self.kind}-{_digest(parts)}"


@dataclass(frozen=True, slots=True)
class File:
    """A file that was made."""

    path: Path
    kind: Kind
    language: str
    approval: int | None
    """Number of the approval's event."""
    decided: str
    """See `Wanted.decided`."""
    made_at: datetime
    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a file is."""

    name: str
    kind: Kind
    language: str
    approval: int | None
    decided: str
    state: State
    share: float = 0.0
    """How much of it is done, 0 to 1."""
    file: File | None = None
    reason: Message | None = None
    """Why it failed."""


class Exports:
    """Files to be handed over, kept in a folder.

    Parameters
    ----------
    root : Path
        Where they are kept, on a disk of this machine.
    cache : Path
        Folder of the batch's feature cache.
    exports_gb : float
        How much they may take, in 10⁹ bytes; what was fetched longest ago is removed beyond that.
    most_waiting : int
        How many may wait for their turn; more are refused.
    limit_s : float
        Making one is ended after this long.
    memory_mb : float
        Memory that making one may ask for, in MiB; 0: no limit.
    """

    def __init__(
        self,
        root: Path,
        cache: Path,
        *,
        exports_gb: float = 50.0,
        most_waiting: int = 20,
        limit_s: float = 7200.0,
        memory_mb: float = 8192.0,
    ) -> None:
        self._kept, self._cache = Kept(root, round(exports_gb * 1e9)), cache
        self._most, self._limit_s, self._memory_mb = 1 + most_waiting, limit_s, memory_mb
        self._stop = threading.Event()
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="export")
        self._guard = threading.Lock()
        self._jobs: dict[tuple[str, str], tuple[Standing, Future[Message | None]]] = {}
        self._shares: dict[tuple[str, str], float] = {}

    def ask(self, ledger: Ledger, wanted: Wanted) -> Standing:
        """Have a file made if there is none, and return at once how far it is."""
        key, name = wanted.clip.key, wanted.name
        seq = None if wanted.approval is None else wanted.approval.seq
        asked = Standing(name, wanted.kind, wanted.language, seq, wanted.decided, "waiting")
        with self._guard:
            now = self._standings(key).get(name)
            if now is not None and now.state != "failed":
                return now
            waiting = sum(not job.done() for _, job in self._jobs.values())
            if waiting >= self._most:
                return replace(asked, state="failed", reason=Message(MANY, {"count": waiting}))
            self._shares[key, name] = 0.0
            self._jobs[key, name] = asked, self._worker.submit(self._bring, ledger, wanted)
            return asked

    def standings(self, key: str) -> tuple[Standing, ...]:
        """Return how far the files of a result are: what is at work first, then what was made, the newest first."""
        with self._guard:
            found = list(self._standings(key).values())
        return tuple(sorted(found, key=lambda one: -one.file.made_at.timestamp() if one.file else -float("inf")))

    def fetch(self, key: str, name: str) -> File | None:
        """Return a file that was made, which counts as used now; None if there is none, or it was changed since."""
        known = any(entry.name == name for entry in self._kept.entries(key))
        entry = self._kept.find(key, name) if known else None
        file = None if entry is None else _file(entry)
        if entry is None or file is None or not file.path.is_file():
            return None
        if sha256_of(file.path) != file.sha256:
            shutil.rmtree(entry, ignore_errors=True)  # so that it can be made again
            return None
        return file

    def close(self) -> None:
        """End the process that makes a file, and wait for it."""
        self._stop.set()
        self._worker.shutdown(wait=True, cancel_futures=True)

    def _standings(self, key: str) -> dict[str, Standing]:
        found = {}
        for entry in self._kept.entries(key):
            if (file := _file(entry)) is not None:
                told = Standing(entry.name, file.kind, file.language, file.approval, file.decided, "ready", 1.0, file)
                found[entry.name] = told
        for (of, name), (asked, job) in list(self._jobs.items()):
            if of != key or name in found:
                continue
            if not job.done():
                state: State = "making" if job.running() else "waiting"
                found[name] = replace(asked, state=state, share=self._shares.get((of, name), 0.0))
            elif (reason := _ended(job)) is not None:
                found[name] = replace(asked, state="failed", reason=reason)
            else:  # it was removed for room since
                del self._jobs[of, name]
        return found

    def _bring(self, ledger: Ledger, wanted: Wanted) -> Message | None:
        """Make a file if nobody has meanwhile; return why it was not made."""
        lock = self._kept.lock(wanted.clip.key, wanted.name)
        while not self._stop.is_set():
            try:
                with lock.acquire(timeout=1.0):
                    there = any(entry.name == wanted.name for entry in self._kept.entries(wanted.clip.key))
                    return None if there else self._make(ledger, wanted)
            except Timeout:
                continue
        return Message(STOPPED)

    def _make(self, ledger: Ledger, wanted: Wanted) -> Message | None:
        clip = wanted.clip
        order = Order(
            clip=clip,
            cache=self._cache,
            kind=wanted.kind,
            language=wanted.language,
            made_at=made_at(),
            approval=None if wanted.approval is None else wanted.approval.approval,
            decisions=wanted.decisions,
            events=tuple(_events(ledger, clip.key)),
            memory_mb=self._memory_mb,
            limit_s=self._limit_s,
        )
        with self._kept.new(clip.key) as new:
            reason = make_apart(order, new, self._stop, partial(self._shares.__setitem__, (clip.key, wanted.name)))
            if reason is not None:
                return reason
            path = new / RESULT / order.name
            seq = None if wanted.approval is None else wanted.approval.seq
            size = path.stat().st_size
            file = File(path, wanted.kind, wanted.language, seq, wanted.decided, order.made_at, sha256_of(path), size)
            facts = {**asdict(file), "path": order.name, "made_at": order.made_at.isoformat()}
            (new / RESULT / FACTS).write_text(json.dumps(facts), "utf-8")
            audit.add(ledger, wanted.actor, MADE, clip.key, told_of(clip, file))
            self._kept.put(new / RESULT, clip.key, wanted.name)
        self._kept.trim()
        return None if self._kept.find(clip.key, wanted.name) else Message(ROOM)


def told_of(clip: Clip, file: File) -> dict[str, Any]:
    """Return what the audit log tells of a file that was made or handed over."""
    return {
        "path": clip.document["clip"]["path"],
        "sha256": clip.document["clip"]["sha256"],
        "what": file.kind.value,
        "language": file.language,
        "approval": file.approval,
        "made_at": file.made_at.isoformat(),
        "file": file.path.name,
        "file_sha256": file.sha256,
        "file_bytes": file.bytes,
    }


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _events(ledger: Ledger, key: str) -> Iterator[dict[str, Any]]:
    """Yield the events about a result, the oldest first, as a bag holds them."""
    for event in reversed(audit.page(ledger, subject=key, limit=MOST_EVENTS).events):
        yield {**asdict(event), "at": audit.iso(event.at.timestamp())}


def _file(entry: Path) -> File | None:
    """Return a file that is kept; None if it was removed meanwhile."""
    try:
        facts = json.loads((entry / FACTS).read_text("utf-8"))
    except OSError:
        return None
    own = {"path": entry / facts["path"], "kind": Kind(facts["kind"])}
    return File(**{**facts, **own, "made_at": datetime.fromisoformat(facts["made_at"])})


def _ended(job: Future[Message | None]) -> Message | None:
    """Return why a file was not made."""
    try:
        return job.result()
    except Exception as error:  # it is shown
        return failed(error)


def _digest(values: object) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True, default=str).encode()).hexdigest()[:16]

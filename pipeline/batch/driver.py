"""The overnight batch: every clip of a store is measured once, then all are put together and each is judged.

The ledger says what is to be done and what was; workers do it. Whatever is ended at whatever moment, the next run goes
on from the ledger.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from distributed import Future, KilledWorker

from pipeline import run
from pipeline.batch import keys, owner
from pipeline.batch.cards import clip_from
from pipeline.batch.cluster import GONE, Cluster, Lost
from pipeline.batch.ledger import ATTEMPTS, BACK_OFF_S, Ledger
from pipeline.batch.nouns import Job, Key, State, Step, StoredFile
from pipeline.batch.summary import Summary, summary
from pipeline.batch.tasks import (
    FAILED,
    Asked,
    Failed,
    Judged,
    Measured,
    Sliced,
    Store,
    Work,
    judge_clips,
    measure_clip,
    measure_part,
    packed,
)
from pipeline.case import CaseRecord, CaseTable
from pipeline.errors import IntegrityError
from pipeline.features.cuts import Slice
from pipeline.model import Footage, Message
from pipeline.sessions.chain import Chain
from pipeline.sessions.clips import Clip
from pipeline.sessions.tables import tables as tables_of
from pipeline.stages import STAGES

LEASE_S, HEARTBEAT_S = 120.0, 30.0
SLICE_S, SLICE_MB = 600.0, 200.0
CHUNK = 500
COUNT_EVERY_S = 20.0
JUDGED_AT_ONCE = 8
"""Most clips that one task judges: from the cache that takes little longer than the task's way to a worker and back."""
KILLED = "The process that examined the clip was ended from outside, or by the system for want of memory."
NO_WORKER = "There is no worker at the moment; waiting for one."
OVERDUE = "The clip was not examined within {minutes:.0f} minutes, and its process was ended."


@dataclass
class Progress:
    """Where a batch stands; what shows it to people is told after every change."""

    step: Step | None = None
    """None while the store is searched."""
    files: int = 0
    total: int = 0
    """Clips of this step."""
    done: int = 0
    footage_s: float = 0.0
    """Of clips of this step that this run finished, in seconds."""
    finished: int = 0
    """Clips of this step that this run finished."""
    failures: int = 0
    """Clips without a result, so far."""
    running: tuple[str, ...] = ()
    """Clips that workers have; one whose slices several have as often as that."""
    began: float = field(default_factory=time.monotonic)
    note: Message | None = None


@dataclass(eq=False)
class _Running:
    job: Job
    asked: Asked
    since: float = field(default_factory=time.monotonic)
    parts: list[Slice] = field(default_factory=list)
    """Slices that no worker has yet."""
    open: int = 0
    """Slices that workers have."""
    failed: Failed | None = None
    """Why one of them could not be measured."""


_AtWork = dict[Future, tuple[_Running, ...]]
"""What each task of the cluster is about: one clip or a slice of it, or several clips to be judged."""
_Ended = tuple[_Running, Measured | Judged | Failed]


class Batch:
    """One run over a store.

    Parameters
    ----------
    ledger : Ledger
    work : Work
        What the clips are examined by.
    cluster : Cluster
    cases : CaseTable, optional
        The store's table of case records.
    at : str, optional
        The moment for which periods are judged, as the user named it.
    attempts : int
        Tries of a clip that fails, or whose worker dies.
    back_off_s : float
        Pause in seconds after the first failure; it doubles with each further one.
    patience_s : float
        For how long a scheduler that is gone is waited for, in seconds.
    slice_s : float
        Least length of the slices that long clips are cut into, in seconds; 0: none is cut.
    slice_mb : float
        Size of a file, in 10⁶ bytes, from which on it is looked whether it is long enough to be cut.
    """

    def __init__(
        self,
        ledger: Ledger,
        work: Work,
        cluster: Cluster,
        cases: CaseTable | None = None,
        at: str | None = None,
        *,
        attempts: int = ATTEMPTS,
        back_off_s: float = BACK_OFF_S,
        patience_s: float = 600.0,
        slice_s: float = SLICE_S,
        slice_mb: float = SLICE_MB,
    ) -> None:
        self.ledger, self.work, self.cluster, self.cases = ledger, work, cluster, cases
        self.attempts, self.back_off_s, self.patience_s = attempts, back_off_s, patience_s
        self.slice_s, self.slice_mb = slice_s, slice_mb
        self.progress = Progress()
        self.me = owner.own_name()
        self._sent = packed(work)
        self._beside = work.beside(cases)
        self._profile = keys.profile_sha256(work.profile, work.used, work.registry, at)
        self._tool = keys.tool_version(work.used)
        self._scope = keys.digest({"store": self.store.name, "profile": self._profile, "tool": self._tool})
        self._chain: Chain | None = None
        self.number = 0
        self.missing: tuple[Path, ...] = ()
        """Clips that the table of case records names and the store does not have; known once it was searched."""

    @property
    def store(self) -> Store:
        """What is examined."""
        return self.work.store

    def run(self) -> Generator[Progress]:
        """Do all that is missing; yield where it stands about every second.

        Raises
        ------
        KeyboardInterrupt
            As it came; what was at work waits for the next run, and the head is signed.
        """
        sections = {name: dict(values) for name, values in self.work.settings.sections.items()}
        self.ledger.give_back(owner.is_gone)
        profile = self.work.profile
        self.number = self.ledger.start_batch(
            self.store.name, profile.key, sections, self._tool, self._scope, profile.model_dump(mode="json")
        )
        try:
            yield from self._search()
            yield from self._work_off("measure")
            yield from self._put_together()
            yield from self._work_off("judge")
            self.ledger.end_batch(self.number)
        except BaseException:
            self.ledger.give_back(lambda name: name == self.me)
            self.ledger.sign_head()
            raise

    def summary(self) -> Summary:
        """Return what this batch comes to."""
        return summary(self.ledger, self.number)

    # ---- what is to be done --------------------------------------------------------------------------------------

    def _search(self) -> Iterator[Progress]:
        """Note every file of the store, and ask for what was not measured.

        Raises
        ------
        SettingsError
            If a row of the table of case records names two of the clips.
        """
        named: list[Path] = []
        for some in _chunks(self.store.entries()):
            asked = [self._asked(file) for file in some]
            self.ledger.see_files(self.number, self.store.name, [file for file, _ in asked])
            self.ledger.submit(self.number, [key for _, key in asked if key is not None], "measure")
            self.progress.files += len(some)
            if self.cases is not None:
                named.extend(self.store.path(file.path) for file in some)
            yield self.progress
        if self.cases is not None:
            self.cases.must_tell_apart(named)
            self.missing = self.cases.missing(named)

    def _asked(self, file: StoredFile) -> tuple[StoredFile, Key | None]:
        """Return a file and the key of its measuring; refused, and None, if what lies beside it cannot be used."""
        if file.refused is not None:
            return file, None
        try:
            _, context = self._context(file)
        except (IntegrityError, OSError) as error:
            return StoredFile(file.path, file.bytes, file.mtime_ns, file.inode, refused=run.told(error)), None
        return file, Key(keys.file_sha256(self.store.name, file), self._profile, self._tool, context, file.path)

    def _context(self, file: StoredFile) -> tuple[CaseRecord | None, str]:
        with self.store.beside(file.path) as path:
            case = self._beside.case(path)
            return case, keys.context_sha256(file, path, case)

    def _put_together(self) -> Iterator[Progress]:
        """Put the measured clips together, and ask for what was not judged as they stand together."""
        cards = dict(self.ledger.clips(self.number))
        files = {file.path: file for file in self.ledger.files(self.store.name, seen_by=self.number)}
        found: dict[bytes, tuple[Clip, str]] = {}
        refused = []
        for path in sorted(cards.keys() & files.keys()):
            file = files[path]
            try:
                case, context = self._context(file)
            except (IntegrityError, OSError) as error:
                refused.append(StoredFile(path, file.bytes, file.mtime_ns, file.inode, refused=run.told(error)))
                continue
            found[path] = clip_from(cards[path], self.store.path(path), case), context
        self.ledger.see_files(self.number, self.store.name, refused)
        self._chain = run.together([clip for clip, _ in found.values()], self.work.profile, self.work.settings)
        for some in _chunks(found.items()):
            self.ledger.submit(self.number, [self._to_judge(path, *told) for path, told in some])
            yield self.progress

    def _to_judge(self, path: bytes, clip: Clip, context: str) -> Key:
        assert self._chain is not None
        among = keys.among_sha256(context, tables_of(self._chain, clip.path))
        return Key(clip.sha256, self._profile, self._tool, among, path)

    # ---- doing it ------------------------------------------------------------------------------------------------

    def _work_off(self, step: Step) -> Iterator[Progress]:
        """Keep every worker busy until no job of a step is left, whoever does it."""
        self.progress = Progress(step, self.progress.files)
        running: _AtWork = {}
        ended: list[_Ended] = []
        beaten = counted = 0.0
        while True:
            if time.monotonic() - counted > COUNT_EVERY_S:
                self._count(step)
                counted = time.monotonic()
            if not running and not ended and not self.ledger.left(self.number, step):
                self._count(step)
                yield self.progress
                return
            try:
                self._turn(step, ended, running)
                self.progress.note = None if running or self.cluster.slots() else Message(NO_WORKER)
                if not running:
                    time.sleep(0.2)
                for future in self.cluster.wait(running, 0.5):
                    self._settle(future, running, ended)
                self._end_overdue(running, ended)
            except Lost:
                self._drop(running, ended)
                yield self.progress
                self.cluster.reconnect(self.patience_s)
            if time.monotonic() - beaten > HEARTBEAT_S:
                for one in _ones(running):
                    self.ledger.heartbeat(one.job, self.me, LEASE_S)
                beaten = time.monotonic()
            self.progress.running = tuple(_shown(_file_of(one.job).path) for ones in running.values() for one in ones)
            yield self.progress

    def _turn(self, step: Step, ended: list[_Ended], running: _AtWork) -> None:
        """Write down how jobs ended and lease the next ones, in one transaction; then have workers begin."""
        while len(running) < self.cluster.slots():
            cut = next((one for one in _ones(running) if one.parts), None)
            if cut is None:
                break
            self._begin_part(cut, running)  # the long clip first: the others fill what is left
        free = max(self.cluster.slots() - len(running), 0)
        if not free and not ended:
            return
        share = self._share(step)

        def work() -> tuple[list[State | None], list[list[Job]]]:
            states = [self._write(one.job, result) for one, result in ended]
            return states, list(islice(iter(partial(self._next, step, share), []), free))

        states, leased = self.ledger.database.together(work)
        for (_, result), state in zip(ended, states, strict=True):
            self._count_one(result, state)
        ended.clear()
        for some in leased:
            ones = tuple(_Running(job, self._asks(job)) for job in some)
            running[self._submit(step, [one.asked for one in ones])] = ones

    def _share(self, step: Step) -> int:
        """Return how many clips one task is about, so that there is work for every worker to the end."""
        if step == "measure" or self.attempts == 1:
            return 1
        left = (self.progress.total - self.progress.done) // max(2 * self.cluster.slots(), 1)
        return max(1, min(left, JUDGED_AT_ONCE))

    def _next(self, step: Step, share: int) -> list[Job]:
        """Lease what the next task is about; a clip with which a worker failed goes by itself."""
        lease = partial(self.ledger.lease, self.me, LEASE_S, attempts=self.attempts, step=step, scope=self._scope)
        first = lease()
        if first is None:
            return []
        if first.attempts > 1:
            return [first]
        return [first, *islice(iter(partial(lease, untried=True), None), share - 1)]

    def _asks(self, job: Job) -> Asked:
        file = _file_of(job)
        path = self.store.path(file.path)
        known = None if file.sha256 is None else Footage(path, file.sha256, file.bytes, file.mtime_ns)
        cases = None if self.cases is None else self.cases.only(path)
        slice_s = self.slice_s if file.bytes >= self.slice_mb * 1e6 else 0.0
        return Asked(file.path, known, cases, last=job.attempts >= self.attempts, slice_s=slice_s)

    def _submit(self, step: Step, asked: Sequence[Asked]) -> Future:
        if step == "measure":
            return self.cluster.submit(measure_clip, self._sent, *asked)
        chain = self._chain
        assert chain is not None
        others = [tables_of(chain, self.store.path(one.path)) for one in asked]
        return self.cluster.submit(judge_clips, self._sent, asked, packed(others))

    def _settle(self, future: Future, running: _AtWork, ended: list[_Ended]) -> None:
        """Take back what a worker was asked for; of a clip in slices, let the next of them begin."""
        ones = running.pop(future)
        result = _result(future)
        future.release()
        if isinstance(result, list):
            ended.extend(zip(ones, result, strict=True))
            return
        if len(ones) > 1:  # their worker failed: each has its next try alone
            ended.extend((one, result) for one in ones)
            return
        (one,) = ones
        if isinstance(result, Sliced):
            one.parts = list(result.parts)
            one.asked = replace(one.asked, known=result.footage, slice_s=0.0)
        elif one.open:
            one.open -= 1
            if isinstance(result, Failed):
                one.failed, one.parts = result, []
        else:
            ended.append((one, result))
            return
        if one.parts:
            self._begin_part(one, running)
        elif not one.open and one.failed is not None:
            ended.append((one, one.failed))
        elif not one.open:
            running[self._submit("measure", [one.asked])] = ones

    def _begin_part(self, one: _Running, running: _AtWork) -> None:
        one.open += 1
        running[self.cluster.submit(measure_part, self._sent, one.asked, one.parts.pop(0))] = (one,)

    def _write(self, job: Job, result: Measured | Judged | Failed) -> State | None:
        """Write down how a job ended; return its state, None if it is no longer ours."""
        if isinstance(result, Failed):
            return self.ledger.fail(job, self.me, result.reason, attempts=self.attempts, back_off_s=self.back_off_s)
        if isinstance(result, Judged):
            self.ledger.commit_result(job.key, result.verdict, result.document, result.footage_s)
            return "done"
        kept = self.ledger.measured(job, self.me, self.store.name, result.sha256, result.card, result.footage_s)
        return "done" if kept else None

    def _count_one(self, result: Measured | Judged | Failed, state: State | None) -> None:
        self.progress.done += state in ("done", "quarantined")
        self.progress.failures += state == "quarantined"
        if not isinstance(result, Failed):
            self.progress.finished += 1
            self.progress.footage_s += result.footage_s

    def _end_overdue(self, running: _AtWork, ended: list[_Ended]) -> None:
        """End the worker of a clip that takes longer than its size explains."""
        for future, ones in list(running.items()):
            limit_s = sum(self._limit_s(_file_of(one.job)) for one in ones)
            if limit_s and time.monotonic() - ones[0].since > limit_s:
                self.cluster.end_worker(future)
                future.cancel()
                del running[future]
                overdue = Failed(Message(OVERDUE, {"minutes": limit_s / 60}))
                ended.extend((one, overdue) for one in ones if one not in _ones(running))

    def _limit_s(self, file: StoredFile) -> float:
        """Return how long a clip may take: four times the processor time that its decoder may use; 0: without limit."""
        used = STAGES["media"].used(self.work.used)
        return 4 * (used["cpu_s"] + used["cpu_s_per_mb"] * file.bytes / 1e6) if used["cpu_s"] else 0.0

    def _drop(self, running: _AtWork, ended: list[_Ended]) -> None:
        """Give back what a scheduler that is gone was asked for."""
        for one, result in ended:
            self._count_one(result, self._write(one.job, result))
        ended.clear()
        running.clear()
        self.ledger.give_back(lambda name: name == self.me)
        self.progress.note = Message("The scheduler is gone; waiting for it.")

    def _count(self, step: Step) -> None:
        now = self.summary()
        states = now.measuring if step == "measure" else now.states
        self.progress.total = sum(states.values())
        self.progress.done = states.get("done", 0) + states.get("quarantined", 0)
        quarantined = now.measuring.get("quarantined", 0) + now.states.get("quarantined", 0)
        self.progress.failures = quarantined + now.refused


def _ones(running: _AtWork) -> list[_Running]:
    """Return what is at work; a clip in slices once."""
    return list(dict.fromkeys(one for ones in running.values() for one in ones))


def _file_of(job: Job) -> StoredFile:
    assert job.file is not None  # it was seen before it was asked for
    return job.file


def _result(future: Future) -> Any:
    """Return what a task came to.

    Raises
    ------
    Lost
        If it cannot be known because the scheduler is gone.
    """
    try:
        if future.status == "finished":
            return future.result()
        error = future.exception()
    except GONE as gone:
        raise Lost from gone
    if isinstance(error, KilledWorker):
        return Failed(Message(KILLED))
    return Failed(Message(FAILED, {"problem": f"{type(error).__name__}: {error}"[:500]}))


def _shown(path: bytes) -> str:
    return path.decode("utf-8", "backslashreplace")


def _chunks(entries: Iterable[Any]) -> Iterator[tuple[Any, ...]]:
    rest = iter(entries)
    while some := tuple(islice(rest, CHUNK)):
        yield some

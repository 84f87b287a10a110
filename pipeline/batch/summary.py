"""What a batch comes to: the counts of the morning, and how each of its clips ended."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Literal

from sqlalchemy import Connection, Select, func, select

from pipeline.batch.ledger import Ledger, any_scope, told
from pipeline.batch.nouns import STEPS, Step
from pipeline.batch.owner import fate
from pipeline.batch.tables import batches, files, jobs
from pipeline.model import Message

Ended = Literal["done", "quarantined", "refused", "running", "waiting"]
Standing = Literal["ended", "running", "stopped", "unknown"]
SHOWN = ("state", "worker", "verdict", "reason", "attempts", "footage_s", "key")
ROWS = 1000


@dataclass(frozen=True, slots=True)
class Failures:
    """Clips without a result for one reason."""

    reason: Message
    """One of them; the values are those of `path`."""
    count: int
    path: bytes
    """One of the clips, in the store."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What a batch, or the whole ledger, comes to."""

    files: int = 0
    """Files that were seen, those that cannot be examined among them."""
    states: Mapping[str, int] = field(default_factory=dict)
    """State → jobs that judge."""
    measuring: Mapping[str, int] = field(default_factory=dict)
    """State → jobs that measure."""
    refused: int = 0
    """Files that cannot be examined at all."""
    verdicts: Mapping[str, int] = field(default_factory=dict)
    """Verdict → jobs that are done."""
    footage_s: float = 0.0
    """Length of all clips that are judged, in seconds."""
    measured_s: float = 0.0
    """Length of all clips that are measured, in seconds."""
    failures: tuple[Failures, ...] = ()
    """By template of the reason, most frequent first."""
    is_over: bool = True
    """The batch is at its end, so that nothing waits but what was asked for again."""

    @property
    def running(self) -> int:
        """Clips that are worked on."""
        return self.states.get("running", 0) + self.measuring.get("running", 0)

    @property
    def without(self) -> int:
        """Clips without a result: set aside, or refused."""
        return self.refused + self.states.get("quarantined", 0) + self.measuring.get("quarantined", 0)

    @property
    def waiting(self) -> int:
        """Clips that wait: to be measured, or to be judged, which may not have been asked for yet."""
        if self.is_over:
            return self.states.get("waiting", 0) + self.measuring.get("waiting", 0)
        return max(0, self.files - self.states.get("done", 0) - self.running - self.without)

    @property
    def footage_hours(self) -> float:
        """Length of all clips that are judged, in hours."""
        return self.footage_s / 3600


@dataclass(frozen=True, slots=True)
class Row:
    """How one clip ended, or stands."""

    path: bytes
    state: Ended
    step: Step | None
    """What is waited for, runs, or failed; None for files that were refused."""
    verdict: str | None
    reason: Message | None
    """Why there is no result; of a job that waits after a failure, why it failed."""
    attempts: int
    footage_s: float
    key: str | None
    """Digest of the job's key; of a result, its key in the ledger."""


@dataclass(frozen=True, slots=True)
class Batch:
    """One run over a store, as the ledger knows it."""

    id: int
    store: str
    profile: str
    tool_version: str
    host: str
    owner: str
    """Name of its process, see `pipeline.batch.owner`."""
    started_at: float
    """Seconds since 1970."""
    ended_at: float | None


def batches_of(ledger: Ledger) -> list[Batch]:
    """Return every batch, the last one first."""
    names = ("id", "store", "profile", "tool_version", "host", "owner", "started_at", "ended_at")
    wanted = select(*(batches.c[name] for name in names)).order_by(batches.c.id.desc())
    return ledger.database.read(lambda connection: [Batch(*row) for row in connection.execute(wanted)])


def standing(ledger: Ledger, batch: Batch) -> Standing:
    """Tell whether a batch is at its end, runs, or was stopped or killed; unknown if only another computer knows."""
    if batch.ended_at is not None:
        return "ended"
    if (known := fate(batch.owner)) != "unknown":
        return "running" if known == "runs" else "stopped"
    held = (jobs.c.step.in_(STEPS), jobs.c.state == "running", jobs.c.worker == batch.owner)

    def leases(connection: Connection) -> bool:
        due = ledger.database.now(connection)
        return connection.scalar(select(jobs.c.id).where(*held, jobs.c.due_at > due).limit(1)) is not None

    return "running" if ledger.database.read(leases) else "unknown"


def summary(ledger: Ledger, batch: int | None = None) -> Summary:
    """Count jobs by state and verdict, footage, and failures by reason.

    Parameters
    ----------
    ledger : Ledger
    batch : int, optional
        Only what this batch, or a later one of its scope, asked for. Default: the whole ledger.
    """
    return ledger.database.read(partial(_summary, batch=batch))


def _summary(connection: Connection, batch: int | None) -> Summary:
    here, seen, is_over = _within(connection, batch)
    counted: Select[Any] = (
        select(jobs.c.step, jobs.c.state, jobs.c.verdict, func.count(), func.coalesce(func.sum(jobs.c.footage_s), 0.0))
        .where(*here)
        .group_by(jobs.c.scope, jobs.c.step, jobs.c.state, jobs.c.verdict)  # the order of an index
    )
    states: dict[str, dict[str, int]] = {"judge": {}, "measure": {}}
    length_s = {"judge": 0.0, "measure": 0.0}
    verdicts: dict[str, int] = {}
    for step, state, verdict, count, seconds in connection.execute(counted):
        states[step][state] = states[step].get(state, 0) + count
        length_s[step] += seconds
        if step == "judge" and state == "done":
            verdicts[verdict] = verdicts.get(verdict, 0) + count
    for step, count in _abandoned(connection, here):
        states[step]["running"] -= count
        states[step]["waiting"] = states[step].get("waiting", 0) + count
    failed = (
        select(jobs.c.reason, func.count(), func.min(jobs.c.id))
        .where(*any_scope(), jobs.c.state == "quarantined", *here)
        .group_by(jobs.c.reason)
    )
    refused = (
        select(files.c.refused, func.count(), func.min(files.c.id))
        .where(files.c.refused.is_not(None), *seen)
        .group_by(files.c.refused)
    )
    no_files = connection.execute(refused).all()
    rows = [(jobs, *row) for row in connection.execute(failed)] + [(files, *row) for row in no_files]
    found: dict[str, Failures] = {}
    for table, kept, count, first in rows:
        reason = told(kept)
        assert reason is not None
        before = found.get(reason.template)
        if before is None:
            path = connection.scalar(select(table.c.path).where(table.c.id == first))
            found[reason.template] = Failures(reason, count, bytes(path or b""))
        else:
            found[reason.template] = replace(before, count=before.count + count)
    return Summary(
        files=connection.scalar(select(func.count()).select_from(files).where(*seen)) or 0,
        is_over=is_over,
        states=states["judge"],
        measuring=states["measure"],
        refused=sum(count for _, count, _ in no_files),
        verdicts=verdicts,
        footage_s=length_s["judge"],
        measured_s=length_s["measure"],
        failures=tuple(sorted(found.values(), key=lambda one: (-one.count, one.reason.template))),
    )


def _abandoned(connection: Connection, here: Sequence[Any]) -> Iterator[tuple[str, int]]:
    """Yield step and number of jobs whose lease is that of a process that is gone: the next batch takes them."""
    held = (
        select(jobs.c.step, jobs.c.worker, func.count())
        .where(*any_scope(), jobs.c.state == "running", *here)
        .group_by(jobs.c.step, jobs.c.worker)
    )
    for step, worker, count in connection.execute(held):
        if fate(worker or "") == "gone":
            yield step, count


def _within(connection: Connection, batch: int | None) -> tuple[list[Any], list[Any], bool]:
    """Return the conditions on jobs and on files that limit a query to a batch, and whether that is at its end."""
    if batch is None:
        return [], [], True
    names = ("scope", "store", "ended_at")
    row = connection.execute(select(*(batches.c[name] for name in names)).where(batches.c.id == batch)).one()
    of_scope = [jobs.c.scope == row.scope, jobs.c.batch_id >= batch]
    seen = [files.c.store == row.store, files.c.seen_batch >= batch]
    return of_scope, seen, row.ended_at is not None


def listing(ledger: Ledger, batch: int) -> Iterator[Row]:
    """Yield how every clip that a batch, or a later one of its scope, has seen ended or stands, in order of paths."""
    last: bytes | None = None
    while True:
        rows, last = ledger.database.read(partial(_page, batch=batch, after=last))
        yield from rows
        if last is None:
            return


def _page(connection: Connection, batch: int, after: bytes | None) -> tuple[list[Row], bytes | None]:
    """Return some rows after a path, and the last path that was looked at; None at the end."""
    scope = connection.scalar(select(batches.c.scope).where(batches.c.id == batch))
    _, seen, is_over = _within(connection, batch)
    paths = select(files.c.path, files.c.refused).where(*seen).order_by(files.c.path).limit(ROWS)
    if after is not None:
        paths = paths.where(files.c.path > after)
    page = connection.execute(paths).all()
    # By path alone: many a planner would take the index of the scope, and read all of it for every page.
    names = ("path", "scope", "batch_id", "step", "id", *SHOWN)
    known = select(*(jobs.c[name] for name in names)).where(jobs.c.path.in_([row.path for row in page]))
    newest: dict[bytes, Any] = {}
    for row in connection.execute(known):
        path = bytes(row.path)
        its = row.scope == scope and row.batch_id >= batch
        if its and (path not in newest or _later(row) > _later(newest[path])):
            newest[path] = row
    # What a batch that is at its end never asked for was first seen by another one.
    rows = [_row(bytes(row.path), row.refused, newest.get(bytes(row.path)), is_over) for row in page]
    return [row for row in rows if row is not None], bytes(page[-1].path) if page else None


def _later(job: Any) -> tuple[int, bool, int]:
    """Return the order of one path's jobs: a file that changed has some of both contents, and judging comes last."""
    return job.batch_id, job.step == "judge", job.id


def _row(path: bytes, refused: str | None, job: Any, is_over: bool) -> Row | None:
    if refused is not None:
        return Row(path, "refused", None, None, told(refused), 0, 0.0, None)
    if job is None:
        return None if is_over else Row(path, "waiting", "measure", None, None, 0, 0.0, None)
    waits_for: Step = "judge" if job.state == "done" else job.step
    abandoned = job.state == "running" and fate(job.worker or "") == "gone"
    state: Ended = "waiting" if abandoned or (job.step, job.state) == ("measure", "done") else job.state
    reason = None if state == "done" else told(job.reason)
    return Row(path, state, waits_for, job.verdict, reason, job.attempts, job.footage_s or 0.0, job.key)

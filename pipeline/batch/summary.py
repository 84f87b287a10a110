"""What a batch comes to: the counts of the morning, and how each of its clips ended."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Literal

from sqlalchemy import Connection, Select, and_, case, func, select

from pipeline.batch.ledger import Ledger, told
from pipeline.batch.nouns import Step
from pipeline.batch.tables import batches, files, jobs
from pipeline.model import Message

Ended = Literal["done", "quarantined", "refused", "running", "waiting"]
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
    started_at: float
    """Seconds since 1970."""
    ended_at: float | None


def batches_of(ledger: Ledger) -> list[Batch]:
    """Return every batch, the last one first."""
    names = ("id", "store", "profile", "tool_version", "host", "started_at", "ended_at")
    wanted = select(*(batches.c[name] for name in names)).order_by(batches.c.id.desc())
    return ledger.database.read(lambda connection: [Batch(*row) for row in connection.execute(wanted)])


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
    here, seen = _within(connection, batch)
    counted: Select[Any] = (
        select(jobs.c.step, jobs.c.state, jobs.c.verdict, func.count(), func.coalesce(func.sum(jobs.c.footage_s), 0.0))
        .where(*here)
        .group_by(jobs.c.step, jobs.c.state, jobs.c.verdict)
    )
    states: dict[str, dict[str, int]] = {"judge": {}, "measure": {}}
    length_s = {"judge": 0.0, "measure": 0.0}
    verdicts: dict[str, int] = {}
    for step, state, verdict, count, seconds in connection.execute(counted):
        states[step][state] = states[step].get(state, 0) + count
        length_s[step] += seconds
        if step == "judge" and state == "done":
            verdicts[verdict] = count
    failed = (
        select(jobs.c.reason, func.count(), func.min(jobs.c.id))
        .where(jobs.c.state == "quarantined", *here)
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
        states=states["judge"],
        measuring=states["measure"],
        refused=sum(count for _, count, _ in no_files),
        verdicts=verdicts,
        footage_s=length_s["judge"],
        measured_s=length_s["measure"],
        failures=tuple(sorted(found.values(), key=lambda one: (-one.count, one.reason.template))),
    )


def _within(connection: Connection, batch: int | None) -> tuple[list[Any], list[Any]]:
    """Return the conditions on jobs and on files that limit a query to a batch."""
    if batch is None:
        return [], []
    row = connection.execute(select(batches.c.scope, batches.c.store).where(batches.c.id == batch)).one()
    of_scope = [jobs.c.scope == row.scope, jobs.c.batch_id >= batch]
    return of_scope, [files.c.store == row.store, files.c.seen_batch >= batch]


def listing(ledger: Ledger, batch: int) -> Iterator[Row]:
    """Yield how every clip that a batch, or a later one of its scope, has seen ended or stands, in order of paths."""
    last: bytes | None = None
    while True:
        rows = ledger.database.read(partial(_page, batch=batch, after=last))
        for row in rows:
            yield _row(row)
        if not rows:
            return
        last = rows[-1].path


def _page(connection: Connection, batch: int, after: bytes | None) -> list[Any]:
    of_scope, seen = _within(connection, batch)
    paths = select(files.c.path, files.c.refused).where(*seen).order_by(files.c.path).limit(ROWS)
    if after is not None:
        paths = paths.where(files.c.path > after)
    page = paths.subquery()
    names = ("id", "key", "step", "state", "verdict", "reason", "attempts", "footage_s")
    # A file that changed between two batches has jobs of both: the last one counts, and judging comes after measuring.
    newest = (
        select(
            jobs.c.path,
            *(jobs.c[name] for name in names),
            func.row_number()
            .over(
                partition_by=jobs.c.path,
                order_by=(jobs.c.batch_id.desc(), case((jobs.c.step == "judge", 0), else_=1), jobs.c.id.desc()),
            )
            .label("rank"),
        )
        .where(*of_scope, jobs.c.path.in_(select(page.c.path)))
        .subquery()
    )
    joined = select(page, *(newest.c[name] for name in names)).join_from(
        page, newest, and_(page.c.path == newest.c.path, newest.c.rank == 1), isouter=True
    )
    return list(connection.execute(joined.order_by(page.c.path)))


def _row(row: Any) -> Row:
    path, step = bytes(row.path), row.step
    if row.refused is not None:
        return Row(path, "refused", None, None, told(row.refused), 0, 0.0, None)
    if step is None:
        return Row(path, "waiting", "measure", None, None, 0, 0.0, None)
    state: Ended = "waiting" if (step, row.state) == ("measure", "done") else row.state
    waits_for: Step = "judge" if state == "waiting" and row.state == "done" else step
    reason = None if state == "done" else told(row.reason)
    return Row(path, state, waits_for, row.verdict, reason, row.attempts, row.footage_s or 0.0, row.key)

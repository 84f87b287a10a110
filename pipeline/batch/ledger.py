"""The ledger of the overnight batch: which clips there are, what is to be done, and exactly one result for each job.

Not the ledger of spot checks, which is a CSV file for people.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Self, TypeVar

from sqlalchemy import BigInteger, Connection, Insert, Select, bindparam, case, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from pipeline.batch.chain import GENESIS, Head, Keys, canonical, packed, row_sha256, sign, unpacked
from pipeline.batch.connection import BUSY_S, Database
from pipeline.batch.nouns import STEPS, Job, Key, State, Step, StoredFile
from pipeline.batch.owner import own_name
from pipeline.batch.tables import batches, files, heads, jobs, results
from pipeline.errors import SettingsError
from pipeline.model import Message

T = TypeVar("T")
ROWS = 500
"""Rows that one statement writes; a transaction stays short."""
SIGN_EVERY = 1000
"""After this many results the chain's head is signed."""
ATTEMPTS = 3
"""Leases of a job that may fail, or end with a dead worker, before it is quarantined."""
STARTS = 12
"""Leases of a job of any kind, also of batches that were ended, before it is quarantined: a clip that takes the whole
computer down ends every batch."""
BACK_OFF_S = 60.0
"""Pause in seconds after the first failure; it doubles with each further one."""
SKEW_S = 1.0
"""By how much a row may be ahead of the clock, in seconds, because two transactions crossed."""
DIED = Message("The process that examined the clip ended without a result, {attempts} times.")

# What is done for every job, built once: building a statement takes longer than SQLite takes to do it.
AHEAD = (
    update(jobs)
    .where(
        jobs.c.scope == bindparam("of_scope"),
        jobs.c.step == bindparam("of_step"),
        jobs.c.due_at > bindparam("now"),
        jobs.c.updated_at > bindparam("later"),
    )
    .values(due_at=jobs.c.due_at - jobs.c.updated_at + bindparam("now"), updated_at=bindparam("updated_at"))
)
"""Counts from now what was counted from a clock that was ahead."""
DUE = (
    select(jobs, files.c.bytes, files.c.mtime_ns, files.c.inode, files.c.sha256.label("content"))
    .join_from(jobs, batches, batches.c.id == jobs.c.batch_id)
    .join(files, (files.c.store == batches.c.store) & (files.c.path == jobs.c.path), isouter=True)
    .where(
        jobs.c.scope == bindparam("of_scope"),
        jobs.c.step == bindparam("of_step"),
        jobs.c.due_at <= bindparam("now"),
        jobs.c.attempts <= bindparam("most", type_=BigInteger),
    )
    .order_by(jobs.c.due_at, jobs.c.id)
    .limit(1)
    .with_for_update(skip_locked=True, of=jobs)
)
BY_ID = update(jobs).where(jobs.c.id == bindparam("this_id"))
BY_KEY = update(jobs).where(jobs.c.key == bindparam("of_key"))
HELD = BY_KEY.where(
    jobs.c.state == "running",
    jobs.c.worker == bindparam("of_worker"),
    jobs.c.attempts == bindparam("of_attempts"),
)
"""A job as long as a worker has this very lease of it."""
FILE = update(files).where(files.c.store == bindparam("of_store"), files.c.path == bindparam("of_path"))
RESULT = select(results.c.seq).where(results.c.key == bindparam("of_key"))
LAST = select(results.c.seq, results.c.sha256).order_by(results.c.seq.desc()).limit(1)


class Ledger:
    """A ledger; several processes may use it at once.

    Parameters
    ----------
    place : str
        A file name or `sqlite:///FILE`, or `postgresql://…`.
    folder : Path, optional
        Where the keys and the signed head lie. Default: beside the file; PostgreSQL has no such default.
    patience_s, busy_s : float
        See `pipeline.batch.connection.Database`.

    Raises
    ------
    SettingsError
        If it cannot be opened, or was written by a newer program, or `folder` is needed.
    """

    def __init__(
        self, place: str, folder: Path | None = None, *, patience_s: float = 600.0, busy_s: float = BUSY_S
    ) -> None:
        self.database = Database(place, patience_s=patience_s, busy_s=busy_s)
        path = Path(str(self.database.url.database))
        if folder is None and not self.database.is_sqlite:
            self.database.close()
            raise SettingsError(
                Message(
                    "{ledger}: name a folder for the key and the signed head of this ledger.",
                    {"ledger": self.database.name},
                )
            )
        self.keys = Keys(folder or path.parent, path.name)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection."""
        self.database.close()

    # ---- batches and files ---------------------------------------------------------------------------------------

    def start_batch(
        self,
        store: str,
        profile: str,
        settings: Mapping[str, Any],
        tool_version: str,
        scope: str = "",
        regulation: Mapping[str, Any] | None = None,
    ) -> int:
        """Note that a batch starts; return its number.

        Parameters
        ----------
        store, profile : str
            Name of the store and of the regulation.
        settings : mapping
            Parameters that differ from their defaults.
        tool_version : str
        scope : str
            Batches of one scope ask for the same results of one store, and share the work.
        regulation : mapping, optional
            The profile itself, as JSON can hold it: who looks at the results later may not have its file.
        """

        def work(connection: Connection) -> int:
            row = {
                "store": store,
                "profile": profile,
                "settings": canonical(settings).decode(),
                "tool_version": tool_version,
                "scope": scope,
                "host": socket.gethostname(),
                "owner": own_name(),
                "started_at": self.database.now(connection),
            }
            if regulation is not None:
                row["regulation"] = canonical(regulation).decode()
            made = connection.execute(insert(batches).values(row).returning(batches.c.id))
            return int(made.scalar_one())

        return self.database.write(work)

    def end_batch(self, batch: int) -> None:
        """Note that a batch ended, and sign the head."""

        def work(connection: Connection) -> None:
            connection.execute(
                update(batches).where(batches.c.id == batch).values(ended_at=self.database.now(connection))
            )

        self.database.write(work)
        self.sign_head()

    def see_files(self, batch: int, store: str, seen: Iterable[StoredFile]) -> None:
        """Note files as the store shows them now.

        A hash that is known is kept as long as size, time of change and inode stay what they were.
        """
        for some in _batched(seen):
            self.database.write(partial(self._see, batch=batch, store=store, seen=some))

    def _see(self, connection: Connection, batch: int, store: str, seen: Sequence[StoredFile]) -> None:
        rows = [
            {
                "store": store,
                "path": file.path,
                "shown": file.path.decode("utf-8", "backslashreplace"),
                "bytes": file.bytes,
                "mtime_ns": file.mtime_ns,
                "inode": file.inode,
                "sha256": file.sha256,
                "refused": None if file.refused is None else _kept(file.refused),
                "seen_batch": batch,
            }
            for file in sorted(seen, key=lambda file: file.path)  # one order: no two batches wait for each other
        ]
        adding: Any = self._insert(files).values(rows)
        new = adding.excluded
        same = (files.c.bytes == new.bytes) & (files.c.mtime_ns == new.mtime_ns) & (files.c.inode == new.inode)
        known = func.coalesce(new.sha256, case((same, files.c.sha256)))
        kept = {name: new[name] for name in ("bytes", "mtime_ns", "inode", "refused")}
        kept["seen_batch"] = case((files.c.seen_batch > new.seen_batch, files.c.seen_batch), else_=new.seen_batch)
        connection.execute(
            adding.on_conflict_do_update(index_elements=["store", "path"], set_={**kept, "sha256": known})
        )

    def files(self, store: str, *, seen_by: int | None = None, missing_from: int | None = None) -> list[StoredFile]:
        """Return the files of a store, in the order of their paths.

        Parameters
        ----------
        store : str
        seen_by : int, optional
            Only what this batch, or a later one, has seen.
        missing_from : int, optional
            Only what this batch did not see: gone, or not looked at yet.
        """
        wanted = select(files).where(files.c.store == store).order_by(files.c.path)
        if seen_by is not None:
            wanted = wanted.where(files.c.seen_batch >= seen_by)
        if missing_from is not None:
            wanted = wanted.where(files.c.seen_batch < missing_from)
        return self.database.read(lambda connection: [_file(row) for row in connection.execute(wanted)])

    # ---- jobs ----------------------------------------------------------------------------------------------------

    def submit(self, batch: int, keys: Iterable[Key], step: Step = "judge") -> int:
        """Ask for jobs; what is asked for already, done or not, is not asked for again.

        Returns
        -------
        int
            How many jobs are new.
        """
        return sum(
            self.database.write(partial(self._submit, batch=batch, keys=some, step=step)) for some in _batched(keys)
        )

    def _submit(self, connection: Connection, batch: int, keys: Sequence[Key], step: Step) -> int:
        scope = connection.scalar(select(batches.c.scope).where(batches.c.id == batch))
        now = self.database.now(connection)
        named = {key.digest: key for key in keys}
        rows = [
            {
                "key": digest,
                "sha256": named[digest].sha256,
                "profile_sha256": named[digest].profile_sha256,
                "tool_version": named[digest].tool_version,
                "context_sha256": named[digest].context_sha256,
                "path": named[digest].path,
                "step": step,
                "scope": scope,
                "batch_id": batch,
                "state": "waiting",
                "due_at": 0.0,
                "attempts": 0,
                "starts": 0,
                "updated_at": now,
            }
            for digest in sorted(named, key=lambda digest: (named[digest].path, digest))  # one order for all batches
        ]
        adding: Any = self._insert(jobs).values(rows)
        new = connection.execute(adding.on_conflict_do_nothing(index_elements=["key"]).returning(jobs.c.key)).all()
        if len(new) < len(rows):
            others = jobs.c.key.in_(list(named)) & (jobs.c.batch_id < batch)
            connection.execute(update(jobs).where(others).values(batch_id=batch, scope=scope))
        return len(new)

    def lease(
        self,
        worker: str,
        seconds: float = 900.0,
        *,
        attempts: int = ATTEMPTS,
        step: Step = "judge",
        scope: str = "",
        untried: bool = False,
    ) -> Job | None:
        """Give the next job of a step and scope to one worker, for `seconds`; None if none is due.

        A job whose lease is over goes to the next who asks. One that has had `attempts` leases without a result is
        quarantined: what kills its worker would kill the next one too. A clock that was set back delays nothing for
        longer than the lease itself: what was counted from a later clock is counted from now. With `untried`, only a
        job that nobody has tried is given.
        """
        theirs = {"of_scope": scope, "of_step": step}
        most = 0 if untried else sys.maxsize

        def work(connection: Connection) -> Job | None:
            now = self.database.now(connection)
            connection.execute(AHEAD, {**theirs, "now": now, "later": now + SKEW_S, "updated_at": now})
            while True:
                row = connection.execute(DUE, {**theirs, "now": now, "most": most}).first()
                if row is None:
                    return None
                this = {"this_id": row.id, "updated_at": now}
                if row.attempts >= attempts or row.starts >= STARTS:
                    reason = row.reason if row.state == "waiting" else _kept(DIED, attempts=row.starts)
                    connection.execute(BY_ID, {**this, "state": "quarantined", "due_at": None, "reason": reason})
                    continue
                counts = {"attempts": row.attempts + 1, "starts": row.starts + 1}
                until = now + seconds
                connection.execute(BY_ID, {**this, **counts, "state": "running", "due_at": until, "worker": worker})
                seen = (row.bytes, row.mtime_ns, row.inode, row.content)
                file = None if row.bytes is None else StoredFile(bytes(row.path), *seen)
                return Job(_key(row), row.attempts + 1, file)

        return self.database.write(work)

    def heartbeat(self, job: Job, worker: str, seconds: float = 900.0) -> bool:
        """Extend a lease to `seconds` from now; False if the job is no longer this worker's."""

        def work(connection: Connection) -> bool:
            now = self.database.now(connection)
            done = connection.execute(HELD, {**_lease(job, worker), "due_at": now + seconds, "updated_at": now})
            return done.rowcount == 1

        return self.database.write(work)

    def fail(
        self, job: Job, worker: str, reason: Message, *, attempts: int = ATTEMPTS, back_off_s: float = BACK_OFF_S
    ) -> State | None:
        """Note that a job failed: it waits, for longer each time, or is quarantined after `attempts` leases.

        Returns
        -------
        str or None
            Its state; None, and nothing is changed, if the job is no longer this worker's.
        """
        state: State = "quarantined" if job.attempts >= attempts else "waiting"

        def work(connection: Connection) -> State | None:
            now = self.database.now(connection)
            due_at = None if state == "quarantined" else now + back_off_s * 2 ** (job.attempts - 1)
            values = {"state": state, "due_at": due_at, "reason": _kept(reason), "updated_at": now}
            done = connection.execute(HELD, {**_lease(job, worker), **values})
            return state if done.rowcount == 1 else None

        return self.database.write(work)

    def give_back(self, gone: Callable[[str], bool]) -> int:
        """Let the jobs wait again whose workers were ended with their batch: by a user, a signal, a power cut.

        Such a lease says nothing of its clip, and does not count as an attempt.

        Parameters
        ----------
        gone : callable
            Told the name of a worker that holds leases; whether it will certainly never come back for them.

        Returns
        -------
        int
            How many jobs these are.
        """

        def work(connection: Connection) -> int:
            now = self.database.now(connection)
            running = (*any_scope(), jobs.c.state == "running")
            held = select(jobs.c.worker).where(*running).distinct()
            ended = [name for name in connection.scalars(held) if gone(name)]
            back = update(jobs).where(*running, jobs.c.worker.in_(ended))
            attempts = jobs.c.attempts - 1
            return connection.execute(
                back.values(state="waiting", due_at=0.0, attempts=attempts, updated_at=now)
            ).rowcount

        return self.database.write(work)

    def quarantined(self, batch: int) -> list[bytes]:
        """Return the paths of the clips that were set aside, of those a batch, or a later one of its scope, asked for.

        Returns
        -------
        list of bytes
            Each once, in their order.
        """
        wanted = asked(batch).where(jobs.c.state == "quarantined").with_only_columns(jobs.c.path).distinct()
        return self.database.read(lambda connection: sorted(bytes(path) for path in connection.scalars(wanted)))

    def release(self, batch: int | None = None, paths: Iterable[bytes] | None = None) -> int:
        """Let quarantined jobs wait again, as if they were new.

        Parameters
        ----------
        batch : int, optional
            Only what this batch, or a later one of its scope, asked for. Default: the whole ledger.
        paths : iterable of bytes, optional
            Only these clips, as they are called in the store. Default: all.

        Returns
        -------
        int
            How many jobs these are.
        """
        if paths is None:
            return self.database.write(partial(self._release, batch=batch))
        named = _batched(paths)
        return sum(self.database.write(partial(self._release, batch=batch, paths=some)) for some in named)

    def _release(self, connection: Connection, batch: int | None, paths: Sequence[bytes] | None = None) -> int:
        now = self.database.now(connection)
        chosen = select(jobs).where(*any_scope()) if batch is None else asked(batch)
        chosen = chosen.where(jobs.c.state == "quarantined")
        if paths is not None:
            chosen = chosen.where(jobs.c.path.in_(paths))
        back = update(jobs).where(jobs.c.id.in_(chosen.with_only_columns(jobs.c.id)))
        done = connection.execute(back.values(state="waiting", due_at=0.0, attempts=0, starts=0, updated_at=now))
        return done.rowcount

    def measured(self, job: Job, worker: str, store: str, sha256: str, clip: str, footage_s: float = 0.0) -> bool:
        """Note that a clip was measured.

        Parameters
        ----------
        job : Job
        worker : str
        store : str
        sha256 : str
            Of the content.
        clip : str
            What a chain of clips needs to know of it, as JSON.
        footage_s : float
            Its length in seconds.

        Returns
        -------
        bool
            False, and nothing is changed, if the job is no longer this worker's.
        """

        def work(connection: Connection) -> bool:
            now = self.database.now(connection)
            values = {"state": "done", "due_at": None, "clip": clip, "footage_s": footage_s, "updated_at": now}
            if connection.execute(HELD, {**_lease(job, worker), **values}).rowcount != 1:
                return False
            connection.execute(FILE, {"of_store": store, "of_path": job.key.path, "sha256": sha256})
            return True

        return self.database.write(work)

    def clips(self, batch: int) -> Iterator[tuple[bytes, str]]:
        """Yield path and JSON of every measured clip that a batch, or a later one of its scope, asked for."""
        last = 0
        while True:
            wanted = asked(batch, "measure").where(jobs.c.state == "done", jobs.c.id > last).order_by(jobs.c.id)
            chosen = wanted.with_only_columns(jobs.c.id, jobs.c.path, jobs.c.clip).limit(ROWS)
            rows = self.database.read(partial(_all, wanted=chosen))
            yield from ((bytes(row.path), row.clip) for row in rows)
            if not rows:
                return
            last = rows[-1].id

    def left(self, batch: int, step: Step) -> int:
        """Count the jobs of a step that a batch, or a later one of its scope, asked for and that are not at an end."""
        open_ones = asked(batch, step).where(jobs.c.state.in_(("waiting", "running")))
        counted = open_ones.with_only_columns(func.count())
        return self.database.read(lambda connection: int(connection.scalar(counted) or 0))

    # ---- results -------------------------------------------------------------------------------------------------

    def commit_result(self, key: Key, verdict: str, document: str, footage_s: float = 0.0) -> bool:
        """Add the result of a job to the chain; whoever comes first, with or without a lease.

        Parameters
        ----------
        key : Key
        verdict : str
        document : str
            The public JSON of the clip.
        footage_s : float
            Length of the clip in seconds.

        Returns
        -------
        bool
            False, and nothing is changed, if the job has its result already.

        Raises
        ------
        ValueError
            If no such job was submitted.
        """
        raw = document.encode()
        kept, encoding = packed(raw)
        digest = key.digest

        def work(connection: Connection) -> bool:
            self.database.lock_chain(connection)
            if connection.scalar(RESULT, {"of_key": digest}) is not None:
                return False
            last = connection.execute(LAST).first()
            row = {
                "key": digest,
                "verdict": verdict,
                "committed_at": _iso(self.database.now(connection)),
                "previous_sha256": last.sha256 if last else GENESIS,
            }
            seq, sha256 = (last.seq if last else 0) + 1, row_sha256(document=raw, **row)
            now = self.database.now(connection)
            done = {"state": "done", "due_at": None, "verdict": verdict, "footage_s": footage_s, "updated_at": now}
            if connection.execute(BY_KEY, {"of_key": digest, **done}).rowcount != 1:
                raise ValueError(f"no job with the key {key}")
            added = {"seq": seq, "sha256": sha256, "document": kept, "encoding": encoding, **row}
            connection.execute(insert(results), added)
            if seq % SIGN_EVERY == 0:
                self._sign(connection, seq, sha256)
            return True

        return self.database.write(work)

    def result(self, key: Key | str) -> str | None:
        """Return the public JSON of the result of a job, by its key or the digest of that; None if it has none."""
        digest = key.digest if isinstance(key, Key) else key
        wanted = select(results.c.document, results.c.encoding).where(results.c.key == digest)
        row = self.database.read(lambda connection: connection.execute(wanted).first())
        return None if row is None else unpacked(row.document, row.encoding).decode()

    def documents(self) -> Iterator[str]:
        """Yield the public JSON of every result, in the order of the chain."""
        seq = 0
        while True:
            wanted = select(results).where(results.c.seq > seq).order_by(results.c.seq).limit(ROWS)
            rows = self.database.read(partial(_all, wanted=wanted))
            for row in rows:
                yield unpacked(row.document, row.encoding).decode()
            if not rows:
                return
            seq = rows[-1].seq

    def sign_head(self) -> Head | None:
        """Sign the end of the chain, into the table and the file; None if there is no result."""

        def work(connection: Connection) -> Head | None:
            self.database.lock_chain(connection)
            last = connection.execute(LAST).first()
            return None if last is None else self._sign(connection, last.seq, last.sha256)

        return self.database.write(work)

    def _sign(self, connection: Connection, seq: int, sha256: str) -> Head:
        key = self.keys.load()
        head = sign(seq, sha256, _iso(self.database.now(connection)), key)
        connection.execute(
            insert(heads).values(
                seq=head.seq,
                sha256=head.sha256,
                signed_at=head.signed_at,
                key_id=head.key_id,
                signature=head.signature,
            )
        )
        self.keys.write_head(head, key.public_key())
        return head

    def _insert(self, table: Any) -> Insert:
        return sqlite.insert(table) if self.database.is_sqlite else postgresql.insert(table)


def _batched(entries: Iterable[T]) -> Iterator[tuple[T, ...]]:
    rest = iter(entries)
    while some := tuple(islice(rest, ROWS)):
        yield some


def _all(connection: Connection, wanted: Select[Any]) -> Sequence[Any]:
    return connection.execute(wanted).all()


def _lease(job: Job, worker: str) -> dict[str, Any]:
    """Return what `HELD` asks for."""
    return {"of_key": job.key.digest, "of_worker": worker, "of_attempts": job.attempts}


def asked(batch: int, *steps: Step) -> Select[Any]:
    """Return a query of the jobs of these steps (none: of all) that a batch, or a later one of its scope, asked for."""
    scope = select(batches.c.scope).where(batches.c.id == batch).scalar_subquery()
    return select(jobs).where(jobs.c.step.in_(steps or STEPS), jobs.c.scope == scope, jobs.c.batch_id >= batch)


def any_scope() -> tuple[Any, Any]:
    """Return conditions that every job meets, so that the index of the summary finds those of a state."""
    return jobs.c.scope.in_(select(batches.c.scope).distinct()), jobs.c.step.in_(STEPS)


def _file(row: Any) -> StoredFile:
    return StoredFile(bytes(row.path), row.bytes, row.mtime_ns, row.inode, row.sha256, told(row.refused))


def _key(row: Any) -> Key:
    return Key(row.sha256, row.profile_sha256, row.tool_version, row.context_sha256, bytes(row.path))


def told(kept: str | None) -> Message | None:
    """Return a reason as it stands in the ledger."""
    if kept is None:
        return None
    held = json.loads(kept)
    return Message(held["template"], held["values"])


def _kept(reason: Message, **values: Any) -> str:
    held = {name: _shown(value) for name, value in {**reason.values, **values}.items()}
    return canonical({"template": reason.template, "values": held}).decode()


def _shown(value: Any) -> Any:
    """Return a value as JSON can hold it: bytes of a file name that are not UTF-8 as backslash escapes."""
    return os.fsencode(value).decode("utf-8", "backslashreplace") if isinstance(value, str) else value


def _iso(now: float) -> str:
    return datetime.fromtimestamp(now, UTC).isoformat(timespec="microseconds")

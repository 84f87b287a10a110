"""Clips are judged several at a time; one that kills its worker takes no other with it."""

from __future__ import annotations

import os
import pickle
import signal
from functools import partial

from sqlalchemy import select

from benchmarks.batch import Simulated, of_batch
from pipeline.batch.driver import JUDGED_AT_ONCE
from pipeline.batch.ledger import Ledger
from pipeline.batch.nouns import Key, StoredFile
from pipeline.batch.tables import jobs
from pipeline.batch.tasks import Judged
from pipeline.model import Message

CLIPS = 24
POISON = b"K7A0001_20260304090000_0007.mp4"


def judge_but_die(asked: bytes) -> list[Judged]:
    """Judge clips as their worker did, unless one of them kills it."""
    paths = pickle.loads(asked)
    if POISON in paths:
        os.kill(os.getpid(), signal.SIGKILL)
    return [Judged("pass", "{}", float(len(paths))) for _ in paths]


class Dying(Simulated):
    """A batch whose workers examine nothing, and die of one clip."""

    def _submit(self, step, asked):
        if step == "measure":
            return super()._submit(step, asked)
        return self.cluster.submit(judge_but_die, pickle.dumps([one.path for one in asked]))


def test_a_clip_that_kills_its_worker_is_judged_alone_the_next_time(tmp_path):
    store = tmp_path / "store"
    store.mkdir()
    for number in range(CLIPS):
        (store / f"K7A0001_20260304{8 + number // 12:02d}{number % 12 * 5:02d}00_{number:04d}.mp4").write_bytes(b"x")
    (poisoned,) = [path for path in store.iterdir() if path.name.endswith("0007.mp4")]
    poisoned.rename(store / os.fsdecode(POISON))
    batch, book = of_batch(store, tmp_path, 2, None, partial(Dying, attempts=3, back_off_s=0.1))
    try:
        for _ in batch.run():
            pass
    finally:
        batch.cluster.close()
    wanted = select(jobs.c.path, jobs.c.state, jobs.c.attempts, jobs.c.footage_s).where(jobs.c.step == "judge")
    rows = book.database.read(lambda connection: connection.execute(wanted).all())
    book.close()
    ended = {bytes(row.path): row for row in rows}
    assert ended[POISON].state == "quarantined" and ended[POISON].attempts == 3
    others = [row for path, row in ended.items() if path != POISON]
    assert len(others) == CLIPS - 1 and {row.state for row in others} == {"done"}
    assert max(row.attempts for row in others) == 2, "those beside it were not tried again"
    assert max(row.footage_s for row in others) > 1, "no clips were judged together"
    assert all(row.footage_s == 1 for row in others if row.attempts == 2), "one was tried again beside another"
    assert all(row.footage_s <= JUDGED_AT_ONCE for row in others)


def test_a_leased_job_comes_with_its_file_and_an_untried_one_can_be_asked_for(tmp_path):
    with Ledger(str(tmp_path / "a.ledger")) as book:
        number = book.start_batch("/evidence", "national-police", {}, "0.1.0")
        files = [StoredFile(name, 5, 7, "9", "ab" * 32) for name in (b"a.mp4", b"b.mp4")]
        book.see_files(number, "/evidence", files)
        book.submit(number, [Key(file.path.hex(), "p", "t", "", file.path) for file in files])
        first = book.lease("one")
        assert first is not None and first.file == files[0]
        assert book.fail(first, "one", Message("It failed."), back_off_s=0.0) == "waiting"
        assert book.lease("one", untried=True).file == files[1]
        assert book.lease("one", untried=True) is None
        assert book.lease("one").attempts == 2

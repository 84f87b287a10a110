"""Several processes at one ledger: nothing twice, nothing lost, whoever is killed or holds the lock."""

import multiprocessing
import os
import signal
import sqlite3
import time
from pathlib import Path

import pytest

from pipeline.batch.chain import read_public_key
from pipeline.batch.ledger import Ledger
from pipeline.batch.summary import summary
from pipeline.batch.verify import verify_chain
from tests.pipeline.ledgers import key, start

SPAWN = multiprocessing.get_context("spawn")
CLIPS = 60


def _whole_batch(place: str, folder: Path, won, ready) -> None:
    """Run a batch over all clips, as three others do at the same time; commit every result twice."""
    ready.wait()
    with Ledger(place, folder) as ledger:
        batch, keys = start(ledger), [key(number) for number in range(CLIPS)]
        mine, worker = ledger.submit(batch, [*keys, *keys]), str(os.getpid())
        committed = leased = 0
        while job := ledger.lease(worker):
            leased += 1
            for _ in range(2):
                committed += ledger.commit_result(job.key, "pass", f'{{"worker":{worker}}}', 60.0)
        committed += sum(ledger.commit_result(one, "fail", "{}") for one in keys[:10])
        ledger.end_batch(batch)
        won.put((mine, leased, committed))


def test_simultaneous_batches_come_to_one_result_for_each_key(place, tmp_path):
    won, ready = SPAWN.Queue(), SPAWN.Barrier(4)
    workers = [SPAWN.Process(target=_whole_batch, args=(place, tmp_path, won, ready)) for _ in range(4)]
    for worker in workers:
        worker.start()
    totals = [sum(counts) for counts in zip(*(won.get() for _ in workers), strict=True)]
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0] * 4
    submitted, leased, committed = totals
    assert (submitted, committed) == (CLIPS, CLIPS) and leased <= CLIPS
    with Ledger(place, tmp_path) as ledger:
        assert summary(ledger).states == {"done": CLIPS} and len(list(ledger.documents())) == CLIPS
        assert verify_chain(ledger, read_public_key(ledger.keys.public)) == []


def _lease_and_hang(place: str, folder: Path, held) -> None:
    with Ledger(place, folder) as ledger:
        held.put(ledger.lease("killed", seconds=3.0))
        time.sleep(600)


def test_the_job_of_a_killed_process_goes_to_another(place, tmp_path):
    with Ledger(place, tmp_path) as ledger:
        ledger.submit(start(ledger), [key(1)])
        held = SPAWN.Queue()
        worker = SPAWN.Process(target=_lease_and_hang, args=(place, tmp_path, held))
        worker.start()
        job = held.get()
        os.kill(worker.pid, signal.SIGKILL)
        worker.join()
        assert (job.key, job.attempts) == (key(1), 1)
        while (again := ledger.lease("other")) is None:
            time.sleep(0.05)
        assert (again.key, again.attempts) == (key(1), 2)
        assert ledger.commit_result(again.key, "pass", "{}")


def _hold_lock(file: Path, held, release) -> None:
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    held.set()
    release.wait()
    time.sleep(3.0)
    connection.execute("COMMIT")


def test_a_locked_file_is_waited_for(tmp_path):
    """The lock is held for longer than SQLite waits, so the operations are tried again."""
    file = tmp_path / "night.ledger"
    with Ledger(str(file), busy_s=0.2) as ledger:
        batch = start(ledger)
        held, release = SPAWN.Event(), SPAWN.Event()
        holder = SPAWN.Process(target=_hold_lock, args=(file, held, release))
        holder.start()
        held.wait()
        release.set()
        assert ledger.submit(batch, [key(1)]) == 1
        holder.join()
        assert holder.exitcode == 0
        assert ledger.commit_result(ledger.lease("a").key, "pass", "{}")


@pytest.mark.parametrize("exists", [True, False])
def test_a_ledger_is_opened_and_made_while_its_file_is_locked(tmp_path, exists):
    file = tmp_path / "night.ledger"
    if exists:
        Ledger(str(file)).close()
    held, release = SPAWN.Event(), SPAWN.Event()
    holder = SPAWN.Process(target=_hold_lock, args=(file, held, release))
    holder.start()
    held.wait()
    release.set()
    with Ledger(str(file), busy_s=0.2) as ledger:
        assert ledger.submit(start(ledger), [key(1)]) == 1
    holder.join()

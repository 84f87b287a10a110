"""Batches to which something happens: each fault is the real one, and every clip comes to one result or reason."""

from __future__ import annotations

import os
import random
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.footage import make_clip
from tests.pipeline.nights import ROOT, Night, decoders, descendants, sealed, take, wait_for, workers

pytestmark = pytest.mark.skipif(not Path("/proc").is_dir(), reason="processes are found by /proc")
SLOW = {"frames": 250, "size": (640, 480)}
"""A clip that takes some seconds to measure."""


@pytest.fixture
def night(tmp_path):
    """A store, which must be the same afterwards in content and times, and its batches."""
    made = Night(tmp_path / "store", tmp_path / "cache")
    made.store.mkdir()
    made.before = None
    yield made
    assert made.before is None or sealed(made.store) == made.before


def ended(batch: subprocess.Popen[str]) -> tuple[int, str]:
    out, err = batch.communicate(timeout=300)
    return batch.returncode, out + err


# ---- processes that are ended ------------------------------------------------------------------------------------


def test_a_worker_that_is_killed_mid_clip_costs_one_attempt(night):
    take(night.store, 3, **SLOW)
    night.before = sealed(night.store)
    batch = night.start("--workers", "2")
    (victim, *_) = wait_for(lambda: workers(batch.pid))
    os.kill(victim, signal.SIGKILL)
    code, said = ended(batch)
    assert code in (10, 11), said
    night.must_be_sound()
    with night.ledger() as ledger:
        from sqlalchemy import select

        from pipeline.batch.tables import jobs

        tries = ledger.database.read(
            lambda c: sorted(c.scalars(select(jobs.c.attempts).where(jobs.c.step == "measure")))
        )
    assert tries[0] == 1 and tries[-1] == 2


def test_a_clip_whose_workers_all_die_is_set_aside_and_the_others_go_on(night):
    poison = take(night.store, 1, device="K7A0666", **SLOW)[0]
    take(night.store, 4)
    night.before = sealed(night.store)
    batch = night.start("--workers", "2")
    stop = threading.Event()

    def kill() -> None:
        """Kill every worker whose decoder has the poison open, as a clip would that eats all memory."""
        while not stop.wait(0.05):
            for number, words in descendants(batch.pid).items():
                if "pipeline.features.child" in words and str(poison) in words:
                    parent = int(Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[1])
                    os.kill(parent, signal.SIGKILL)

    def patiently() -> None:
        while not stop.is_set():
            try:
                kill()
            except OSError:  # it ended by itself
                continue

    killer = threading.Thread(target=patiently)
    killer.start()
    try:
        code, said = ended(batch)
    finally:
        stop.set()
        killer.join()
    assert code == 3, said
    night.must_be_sound()
    row = night.rows()[poison.name]
    assert (row.state, row.attempts) == ("quarantined", 3) and "was ended from outside" in str(row.reason)
    assert "without a result" in said and len(night.documents()) == 4


def test_a_batch_that_is_killed_at_ten_moments_goes_on_each_time(night):
    take(night.store, 12, frames=60)
    night.before = sealed(night.store)
    draw = random.Random(7)
    for _ in range(10):
        batch = night.start("--workers", "2")
        time.sleep(draw.uniform(1.5, 8.0))
        family = descendants(batch.pid)
        os.kill(batch.pid, signal.SIGKILL)
        batch.wait()
        wait_for(lambda family=family: not any(Path(f"/proc/{number}/exe").exists() for number in family), 30.0)
    code, said = night.run("--workers", "2")
    assert code in (10, 11), said
    night.must_be_sound()
    assert len(night.documents()) == 12
    for table in night.folder.rglob("*.parquet"):
        if not table.parent.name.startswith(".new-"):  # what a killed process left is no entry
            pq.read_table(table)


def test_ctrl_c_ends_it_cleanly_and_the_next_run_goes_on(night):
    take(night.store, 4, **SLOW)
    night.before = sealed(night.store)
    batch = night.start("--workers", "2")
    wait_for(lambda: decoders(batch.pid))
    os.killpg(batch.pid, signal.SIGINT)  # as a terminal does: all of them
    code, said = ended(batch)
    assert code == 130 and "Stopped." in said and "Traceback" not in said, said
    assert {row.state for row in night.rows().values()} <= {"waiting", "done"}
    assert night.run("--workers", "2")[0] in (10, 11)
    night.must_be_sound()
    assert all(row.attempts == 1 for row in night.rows().values())


def test_the_scheduler_of_a_cluster_is_killed_and_comes_back(night, tmp_path):
    take(night.store, 6, **SLOW)
    night.before = sealed(night.store)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    started: list[subprocess.Popen[bytes]] = []

    def dask(*words: str) -> subprocess.Popen[bytes]:
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        program = [sys.executable, "-m", "dask", *words]
        started.append(subprocess.Popen(program, cwd=tmp_path, env=environment, start_new_session=True, **quiet))
        return started[-1]

    def cluster() -> subprocess.Popen[bytes]:
        scheduler = dask("scheduler", "--host", address, "--no-dashboard")
        for _ in range(2):
            dask("worker", address, "--nthreads", "1", "--no-dashboard", "--death-timeout", "20")
        return scheduler

    try:
        scheduler = cluster()
        time.sleep(4.0)
        batch = night.start("--scheduler", address)
        wait_for(lambda: [n for worker in started[1:] for n in decoders(worker.pid)])
        os.kill(scheduler.pid, signal.SIGKILL)
        scheduler.wait()
        time.sleep(1.0)
        cluster()
        code, said = ended(batch)
        assert code in (10, 11), said
        night.must_be_sound()
        assert len(night.documents()) == 6
    finally:
        for process in started:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


# ---- the decoder ---------------------------------------------------------------------------------------------------


def test_a_decoder_that_crashes_is_told_and_tried_no_more(night):
    take(night.store, 1, **SLOW)
    night.before = sealed(night.store)
    batch = night.start("--workers", "1")
    (child, *_) = wait_for(lambda: decoders(batch.pid))
    os.kill(child, signal.SIGSEGV)
    code, said = ended(batch)
    assert code in (3, 10, 11), said
    night.must_be_sound()
    (document,) = night.documents()
    told = str(document["examined"]["gaps"]) + str(document.get("unreadable"))
    assert "SIGSEGV" in told and document["verdict"] != "pass"


def test_a_decoder_that_hangs_is_stopped_and_tried_again(night, tmp_path):
    settings = tmp_path / "settings.toml"
    settings.write_text("[media]\nstall_s = 3.0\n", encoding="utf-8")
    take(night.store, 1, **SLOW)
    night.before = sealed(night.store)
    batch = night.start("--workers", "1", "--settings", str(settings))
    (child, *_) = wait_for(lambda: decoders(batch.pid))
    os.kill(child, signal.SIGSTOP)
    code, said = ended(batch)
    assert code in (10, 11), said
    night.must_be_sound()
    (document,) = night.documents()
    assert document["examined"]["gaps"] == []  # the second try was whole


def test_a_decoder_that_asks_for_too_much_memory_is_told(night, tmp_path):
    settings = tmp_path / "settings.toml"
    settings.write_text("[media]\nmemory_mb = 100\n", encoding="utf-8")
    make_clip(night.store / "large.mp4", frames=3, size=(4096, 4096), audio=None)
    take(night.store, 1)
    night.before = sealed(night.store)
    night.run("--workers", "1", "--settings", str(settings))
    night.must_be_sound()
    large = next(d for d in night.documents() if d["clip"]["path"].endswith("large.mp4"))
    assert "memory" in str(large["examined"]["gaps"]) + str(large.get("unreadable"))


# ---- disks and databases -------------------------------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(disk)], capture_output=True, text=True)
    if made.returncode:
        pytest.skip(f"nothing can be mounted here: {made.stderr.strip()}")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_full_disk_is_a_reason_and_room_mends_it(night, small_disk):
    take(night.store, 2)
    night.before = sealed(night.store)
    ballast = small_disk / "ballast"
    with ballast.open("wb", buffering=0) as stream, pytest.raises(OSError, match="No space"):
        while True:
            stream.write(bytes(4096))
    stopped = Night(night.store, small_disk, str(night.folder / "night.ledger"))
    night.folder.mkdir()
    code, said = stopped.run("--workers", "1")
    assert code == 3 and "Make room" in said, said
    stopped.must_be_sound()
    ballast.unlink()
    subprocess.run(["mount", "-o", "remount,size=200m", str(small_disk)], check=True)
    with stopped.ledger() as ledger:
        assert ledger.release() == 2
    code, said = stopped.run("--workers", "1")
    assert code in (10, 11), said
    stopped.must_be_sound()
    assert len(stopped.documents()) == 2


def test_a_ledger_that_is_locked_for_thirty_seconds(night):
    take(night.store, 3)
    night.before = sealed(night.store)
    batch = night.start("--workers", "1")
    wait_for(lambda: decoders(batch.pid))
    connection = sqlite3.connect(night.place, isolation_level=None, timeout=30.0)
    connection.execute("BEGIN EXCLUSIVE")
    time.sleep(30.0)
    assert batch.poll() is None
    connection.rollback()
    connection.close()
    code, said = ended(batch)
    assert code in (10, 11), said
    night.must_be_sound()
    assert len(night.documents()) == 3


# ---- files that change ---------------------------------------------------------------------------------------------


def test_a_clip_that_grows_while_it_is_read_waits_for_the_next_batch(night):
    growing, still = take(night.store, 2)
    stop = threading.Event()

    def grow() -> None:
        while not stop.wait(0.01):
            with growing.open("ab") as stream:
                stream.write(bytes(1000))

    writer = threading.Thread(target=grow)
    writer.start()
    try:
        code, said = night.run("--workers", "1")
    finally:
        stop.set()
        writer.join()
    assert code == 3, said
    night.must_be_sound()
    row = night.rows()[growing.name]
    assert row.state == "quarantined" and "changed while it was read" in str(row.reason)
    assert night.rows()[still.name].state == "done"
    night.before = sealed(night.store)
    night.run("--workers", "1")
    assert night.rows()[growing.name].state == "done"


def test_a_clip_that_vanishes_before_it_is_its_turn(night):
    take(night.store, 1, device="K7A0001", **SLOW)
    gone = take(night.store, 1, device="K7A0002")[0]
    batch = night.start("--workers", "1")
    wait_for(lambda: decoders(batch.pid))
    gone.unlink()
    code, said = ended(batch)
    assert code == 3, said
    night.must_be_sound()
    assert "there is no such file" in str(night.rows()[gone.name].reason)
    night.before = sealed(night.store)
    assert night.run("--workers", "1")[0] in (10, 11)
    assert gone.name not in night.rows()


def test_every_odd_file_comes_to_a_result_or_a_reason(night, tmp_path):
    good = take(night.store, 1)[0]
    store = os.fsencode(night.store)
    content = good.read_bytes()
    odd = {
        "zero.mp4": b"",
        "cut.mp4": content[: len(content) // 2],
        "no-moov.mp4": content[: content.rindex(b"moov") - 4],
        "random.mp4": random.Random(1).randbytes(20_000),
        "flipped.mp4": bytes(byte ^ (0x10 if n % 997 == 0 else 0) for n, byte in enumerate(content)),
        "playlist.mp4": b"#EXTM3U\n#EXTINF:10,\nfile:///etc/passwd\n",
        "two\nlines.mp4": content + b"a",
    }
    for name, held in odd.items():
        (night.store / name).write_bytes(held)
    with open(os.path.join(store, "执法.mp4".encode("gbk")), "wb") as stream:  # noqa: PTH118, PTH123
        stream.write(content + b"b")
    with (night.store / "sparse.mp4").open("wb") as stream:
        stream.truncate(1 << 40)
    (night.store / "packets.mp4").write_bytes(bytes.fromhex("fff14c80011ffc21") * 10**6)
    plain = np.full((16000, 16000, 3), 90, np.uint8)  # FFmpeg takes no larger picture
    look = {"codec": "png", "pixel_format": "gray", "picture": lambda number: plain}
    make_clip(night.store / "large.mov", frames=1, size=(16000, 16000), audio=None, **look)
    os.mkfifo(night.store / "pipe.mp4")
    listener = socket.socket(socket.AF_UNIX)
    here = Path.cwd()
    os.chdir(night.store)
    try:
        listener.bind("socket.mp4")
    finally:
        os.chdir(here)
    shutil.copy(good, tmp_path / "outside.mp4")
    (night.store / "leads-out.mp4").symlink_to(tmp_path / "outside.mp4")
    (night.store / "dead.mp4").symlink_to(night.store / "nothing.mp4")
    (night.store / "inside.mp4").symlink_to(good)
    (night.store / "hard.mp4").hardlink_to(good)
    (night.store / "folder.mp4").mkdir()
    take(night.store / "folder.mp4", 1, device="K7A0777")
    night.before = sealed(night.store)
    code, said = night.run()
    listener.close()
    assert code in (3, 11), said
    night.must_be_sound()
    rows = night.rows()
    files = [name for _, _, names in os.walk(store) for name in names]
    assert len(rows) == len(files)
    refused = {name for name, row in rows.items() if row.state == "refused"}
    assert refused == {"pipe.mp4", "socket.mp4", "leads-out.mp4", "dead.mp4"}
    assert rows["sparse.mp4"].state == "quarantined" and "256 GB" in str(rows["sparse.mp4"].reason)
    unread = {Path(d["clip"]["path"]).name for d in night.documents() if d.get("unreadable")}
    assert {"zero.mp4", "no-moov.mp4", "random.mp4", "playlist.mp4"} <= unread
    assert good.name not in unread and "folder.mp4/K7A0777_20260304090000_0000.mp4" in rows

"""What the ledger of the overnight batch costs at a million clips: its summary, and each job.

    python -m benchmarks.ledger PLACE [--clips 1000000] [--jobs 500]

PLACE is a file that is not there yet, or `postgresql://…` of an empty database.
"""

from __future__ import annotations

import os
import platform
import statistics
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy import insert, text

from pipeline.batch.chain import GENESIS, packed, row_sha256
from pipeline.batch.ledger import Ledger
from pipeline.batch.nouns import Key
from pipeline.batch.summary import listing, summary
from pipeline.batch.tables import files, jobs, results
from pipeline.batch.verify import verify_chain

VERDICTS = ("pass", "pass", "pass", "undecided", "fail")
REASON = '{"template":"{path}: there is no such file or folder.","values":{"path":"a.mp4"}}'
ROWS = 10_000
DOCUMENT = b'{"findings":[' + b",".join([b'{"kind":"missing-frames","score":0.98}'] * 40) + b"]}"
"""Smaller than most: only its size on the disk matters here."""


def fill(ledger: Ledger, clips: int, document: Callable[[int, str], bytes] = lambda number, verdict: DOCUMENT) -> int:
    """Add jobs: 1 in 100 is quarantined, all others are done; return the batch.

    Parameters
    ----------
    ledger : Ledger
    clips : int
    document : callable
        Told number and verdict of a clip, returns its result.
    """
    batch = ledger.start_batch("/store", "shijiazhuang-safety", {}, "1")
    previous, seq = GENESIS, 0
    for start in range(0, clips, ROWS):
        seen: list[dict[str, Any]] = []
        made: list[dict[str, Any]] = []
        chained: list[dict[str, Any]] = []
        for number in range(start, min(start + ROWS, clips)):
            key = Key(f"{number:064x}", f"{1:064x}", "1", path=f"{number:07d}.mp4".encode())
            verdict = None if number % 100 == 0 else VERDICTS[number % len(VERDICTS)]
            parts = {"key": key.digest, "sha256": key.sha256, "profile_sha256": key.profile_sha256}
            same = {
                "tool_version": "1",
                "context_sha256": "",
                "path": key.path,
                "scope": "",
                "batch_id": batch,
                "attempts": 1,
                "starts": 1,
                "updated_at": time.time(),
            }
            seen.append(
                {
                    "store": "/store",
                    "path": key.path,
                    "shown": key.path.decode(),
                    "bytes": 1,
                    "mtime_ns": 1,
                    "inode": "",
                    "sha256": key.sha256,
                    "seen_batch": batch,
                }
            )
            measured = f"{number + clips:064x}"
            made.append(
                {
                    **same,
                    "key": Key(measured, f"{1:064x}", "1").digest,
                    "sha256": measured,
                    "profile_sha256": key.profile_sha256,
                    "step": "measure",
                    "state": "done",
                    "reason": None,
                    "verdict": None,
                    "footage_s": 600.0,
                }
            )
            made.append(
                {
                    **same,
                    **parts,
                    "step": "judge",
                    "state": "done" if verdict else "quarantined",
                    "reason": None if verdict else REASON,
                    "verdict": verdict,
                    "footage_s": 600.0 if verdict else None,
                }
            )
            if verdict:
                seq += 1
                row = {"key": key.digest, "verdict": verdict, "committed_at": "2026-01-01T00:00:00+00:00"}
                told = document(number, verdict)
                sha256 = row_sha256(document=told, previous_sha256=previous, **row)
                kept, encoding = packed(told)
                chained.append(
                    {
                        **row,
                        "seq": seq,
                        "document": kept,
                        "encoding": encoding,
                        "previous_sha256": previous,
                        "sha256": sha256,
                    }
                )
                previous = sha256

        def work(connection: Any, seen: Any = seen, made: Any = made, chained: Any = chained) -> None:
            connection.execute(insert(files), seen)
            connection.execute(insert(jobs), made)
            connection.execute(insert(results), chained)

        ledger.database.write(work)
        print(f"\r{start + len(seen)} clips", end="", file=sys.stderr)
    print(file=sys.stderr)
    return batch


def took(work: Callable[[], object]) -> float:
    """Return how many seconds `work` took."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main(
    place: str,
    clips: Annotated[int, typer.Option(help="Jobs that the ledger is filled with.")] = 1_000_000,
    count: Annotated[
        int, typer.Option("--jobs", help="Jobs that are submitted, leased and committed one by one.")
    ] = 500,
) -> None:
    """Print a table of times."""
    rows: list[tuple[str, str]] = []
    with tempfile.TemporaryDirectory() as folder, Ledger(place, Path(folder)) as ledger:
        rows.append((f"fill with {clips} clips, s", f"{took(lambda: fill(ledger, clips)):.0f}"))
        if not ledger.database.is_sqlite:
            with ledger.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.execute(text("VACUUM ANALYZE"))
        for name, batch in (("whole ledger", None), ("one batch", 1)):
            times = [took(lambda batch=batch: summary(ledger, batch)) for _ in range(5)]
            rows.append((f"summary, {name}, median of 5, s", f"{statistics.median(times):.3f}"))
        rows.append(("list every clip, s", f"{took(lambda: deque(listing(ledger, 1), maxlen=0)):.0f}"))
        batch = ledger.start_batch("/store", "shijiazhuang-safety", {}, "1")
        keys = [Key(f"{2 * clips + number:064x}", f"{1:064x}", "1") for number in range(count)]
        rows.append(("submit, ms a job", f"{took(lambda: ledger.submit(batch, keys)) / count * 1e3:.2f}"))
        spent: dict[str, list[float]] = {"lease": [], "heartbeat": [], "commit": []}
        for _ in range(count):
            start = time.perf_counter()
            job = ledger.lease("a")
            leased = time.perf_counter()
            assert job is not None
            ledger.heartbeat(job, "a")
            beaten = time.perf_counter()
            ledger.commit_result(job.key, "pass", DOCUMENT.decode(), 600.0)
            spent["lease"].append(leased - start)
            spent["heartbeat"].append(beaten - leased)
            spent["commit"].append(time.perf_counter() - beaten)
        rows.extend((f"{name}, median, ms a job", f"{statistics.median(t) * 1e3:.2f}") for name, t in spent.items())
        rows.append(("sign the head, s", f"{took(ledger.sign_head):.3f}"))
        key = ledger.keys.load().public_key()
        rows.append(("verify the chain, s", f"{took(lambda: verify_chain(ledger, key)):.0f}"))
        system = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
        print(f"{ledger.database.engine.dialect.name} on {system}\n\n| | |\n| --- | --- |")
    for name, value in rows:
        print(f"| {name} | {value} |")


if __name__ == "__main__":
    typer.run(main)

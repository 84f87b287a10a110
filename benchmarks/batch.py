"""What the overnight batch costs beside examining clips, and what a second worker brings.

    python -m benchmarks.batch overhead [--clips 10000] [--ledger postgresql://…]
    python -m benchmarks.batch workers FOLDER [--times 12]

`overhead` runs the real batch - store, ledger, Dask's scheduler, two workers - over small files whose examination is
replaced by a function that returns at once: what is left is the cost of the batch itself. It prints the time a clip,
and the memory of the process that schedules and of the workers as the clips go by. `workers` examines clips of a folder
of footage with one worker and with two, in turns.
"""

from __future__ import annotations

import json
import os
import pickle
import platform
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from distributed import Future

from benchmarks.slices import repeated
from pipeline.batch import keys
from pipeline.batch.cards import card
from pipeline.batch.cluster import Cluster
from pipeline.batch.driver import Batch, Progress
from pipeline.batch.folder import FolderStore
from pipeline.batch.ledger import Ledger
from pipeline.batch.nouns import Step
from pipeline.batch.tasks import Asked, Judged, Measured, Work, packed
from pipeline.model import Features, Footage
from pipeline.rules.profile import load_profile
from pipeline.sessions.clips import clip_of
from pipeline.sessions.naming import read_name
from pipeline.sessions.tables import tables
from pipeline.settings import Settings
from pipeline.stages import profile_settings, sections
from pipeline.store import clips_in

app = typer.Typer(add_completion=False)
PROFILE = "shijiazhuang-safety"
DOCUMENT = json.dumps({"findings": [{"kind": "missing-frames", "score": 0.98}] * 200})
MB = 2**20


def measure_nothing(path: str, sha256: str) -> Measured:
    """Return what measuring a clip would, at once."""
    clip = clip_of(Footage(Path(path), sha256, 1), Features(), read_name(Path(path)), None)
    return Measured(sha256, card(clip), 60.0)


def judge_nothing(others: bytes) -> list[Judged]:
    """Return what judging clips would, at once."""
    return [Judged("pass", DOCUMENT, 60.0) for _ in pickle.loads(others)]


class Simulated(Batch):
    """A batch whose workers examine nothing."""

    def _submit(self, step: Step, asked: Sequence[Asked]) -> Future:
        paths = [self.store.path(one.path) for one in asked]
        if step == "measure":
            return self.cluster.submit(measure_nothing, str(paths[0]), keys.digest(str(paths[0])))
        chain = self._chain
        assert chain is not None
        return self.cluster.submit(judge_nothing, packed([tables(chain, path) for path in paths]))


def resident_mb(process: int) -> float:
    """Return the memory of a process in MiB."""
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / MB


def of_batch(
    store: Path, folder: Path, workers: int, place: str | None, kind: type[Batch] = Batch
) -> tuple[Batch, Ledger]:
    """Return a batch over a store with a ledger and a cache of its own, and that ledger."""
    rules = load_profile(PROFILE, sections())
    settings = Settings({"media": {"decoder_threads": 1}})
    used = settings.over(profile_settings(rules))
    cluster = Cluster(workers, None, keys.tool_version(used), partial(keys.tool_version, used))
    ledger = Ledger(place or str(folder / "bench.ledger"), folder)
    return kind(ledger, Work(FolderStore(store), rules, settings, folder / "cache"), cluster), ledger


@app.command()
def overhead(
    clips: Annotated[int, typer.Option(min=1000)] = 10_000,
    ledger: Annotated[str | None, typer.Option(help="Empty database; a file of SQLite if left out.")] = None,
) -> None:
    """Print what scheduling costs a clip, and whether memory stays where it is."""
    with tempfile.TemporaryDirectory() as root:
        store, folder = Path(root) / "store", Path(root)
        for number in range(clips):
            device, half_hour = divmod(number, 20)
            begun = f"{8 + half_hour // 2:02d}{half_hour % 2 * 30:02d}00"
            path = store / f"{device // 25:03d}" / f"K7A{device:04d}_20260304{begun}_{half_hour:04d}.mp4"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"x")
        batch, book = of_batch(store, folder, 2, ledger, Simulated)
        rows = list(_watched(batch, clips))
        took = rows[-1][0]
        found = batch.summary()
        assert found.states == {"done": clips}, found
        batch.cluster.close()
        print(f"{book.database.engine.dialect.name}, {_machine()}\n")
        print(f"{clips} clips, measured and judged: {took / clips * 1e3:.1f} ms a clip\n")
        print("| after clips | scheduling process, MiB | worker, MiB | worker, MiB |\n| --- | --- | --- | --- |")
        for _, done, *memory in rows:
            print(f"| {done} | " + " | ".join(f"{mb:.0f}" for mb in memory) + " |")


def _watched(batch: Batch, clips: int) -> Iterator[tuple[float, ...]]:
    """Run a batch; yield seconds, jobs done and memory at every tenth of the way and at the end."""
    start, told, jobs = time.perf_counter(), 0, 0
    workers = list(batch.cluster.client.run(os.getpid).values())
    state: Progress | None = None
    for state in batch.run():
        jobs = (clips if state.step == "judge" else 0) + state.finished
        if jobs - told >= clips / 5:
            told = jobs
            yield time.perf_counter() - start, jobs // 2, *map(resident_mb, (os.getpid(), *workers))
    yield time.perf_counter() - start, jobs // 2, *map(resident_mb, (os.getpid(), *workers))


@app.command()
def workers(
    folder: Path,
    most: Annotated[int, typer.Option(help="Clips that are taken.")] = 12,
    copies: Annotated[int, typer.Option(help="Copies of each clip, of equal length and different content.")] = 1,
    times: Annotated[int, typer.Option(help="How often a clip is repeated in itself.")] = 1,
    runs: int = 3,
) -> None:
    """Print how much faster two workers are than one."""
    took: dict[int, list[float]] = {1: [], 2: []}
    with tempfile.TemporaryDirectory() as root:
        store = Path(root) / "store"
        store.mkdir()
        for number, clip in enumerate(clips_in([folder])[:most]):
            for copy in range(copies):
                target = store / f"{number:02d}-{copy:02d}-{clip.name}"
                if times > 1:
                    repeated(clip, target, times)
                else:
                    shutil.copyfile(clip, target)
                    target.chmod(0o644)
                with target.open("ab") as stream:  # a box that nobody reads: every copy is another content
                    stream.write((16).to_bytes(4, "big") + b"free" + copy.to_bytes(8, "big"))
        for run in range(runs):
            for count in (1, 2) if run % 2 else (2, 1):
                with tempfile.TemporaryDirectory() as own:
                    batch, book = of_batch(store, Path(own), count, None)
                    start = time.perf_counter()
                    for _ in batch.run():
                        pass
                    took[count].append(time.perf_counter() - start)
                    batch.cluster.close()
                    book.close()
                print(f"{count}: {took[count][-1]:.1f} s", file=sys.stderr)
    one, two = (statistics.median(took[count]) for count in (1, 2))
    print(f"{_machine()}\n\n1 worker {one:.1f} s, 2 workers {two:.1f} s: {one / two:.2f} times as fast")


def _machine() -> str:
    return f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"


if __name__ == "__main__":
    app()

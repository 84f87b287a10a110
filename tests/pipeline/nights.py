"""Overnight batches run as their user runs them: a process of their own, over a store of small clips."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.batch.chain import read_public_key
from pipeline.batch.ledger import Ledger
from pipeline.batch.summary import Row, Summary, batches_of, listing, summary
from pipeline.batch.verify import verify_chain
from tests.footage import make_clip

ROOT = Path(__file__).resolve().parents[2]
WAIT_S = 300.0
"""A batch that takes longer hangs."""


def sealed(folder: Path) -> dict[Path, tuple[object, ...]]:
    """Return what must never change of evidence: kind, size, times, content."""

    def state(path: Path) -> tuple[object, ...]:
        status = path.lstat()
        small = path.is_file() and status.st_size < 1 << 30
        content = hashlib.sha256(path.read_bytes()).hexdigest() if small else ""
        return status.st_mode, status.st_size, status.st_mtime_ns, content

    return {path: state(path) for path in sorted(folder.rglob("*"))}


def take(folder: Path, count: int, *, device: str = "K7A0123", frames: int = 30, **how: Any) -> list[Path]:
    """Make clips of one recorder, a minute apart, as recorders name them."""
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for number in range(count):
        name = f"{device}_20260304{9 + number // 60:02d}{number % 60:02d}00_{number:04d}.mp4"
        seed = number + zlib.crc32(device.encode())  # no two recorders have the same picture
        made.append(make_clip(folder / name, frames=frames, **{"audio": None, "seed": seed, **how}))
    return made


@dataclass
class Night:
    """A store with the ledger and the cache of its batches."""

    store: Path
    folder: Path
    """Where cache and ledger lie."""
    place: str = ""
    """Address of the ledger; a file in `folder` if left out."""
    options: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    address: str = ""
    """Of the store, if it is not named by its folder."""

    def __post_init__(self) -> None:
        self.place = self.place or str(self.folder / "night.ledger")

    @property
    def keys(self) -> Path:
        """The folder of the ledger's key and head."""
        return self.folder / "ledger-keys" if self.place.startswith("postgresql") else Path(self.place).parent

    def start(self, *options: str) -> subprocess.Popen[str]:
        """Start `unbroken batch` in a session of its own."""
        words = [
            "batch",
            self.address or str(self.store),
            "--cache",
            str(self.folder),
            "--ledger",
            self.place,
            "--lang",
            "en",
        ]
        words += ["--back-off", "0.2", *self.options, *options]
        return subprocess.Popen(
            [sys.executable, "-c", "from pipeline.cli import main; main()", *words],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            preexec_fn=_hear_ctrl_c,
            env={**os.environ, "PYTHONPATH": str(ROOT), **self.environment},
        )

    def run(self, *options: str) -> tuple[int, str]:
        """Run a batch to its end; return its exit code and all that it said."""
        batch = self.start(*options)
        try:
            out, err = batch.communicate(timeout=WAIT_S)
        except subprocess.TimeoutExpired:
            os.killpg(batch.pid, signal.SIGKILL)
            raise
        return batch.returncode, out + err

    @contextmanager
    def ledger(self) -> Iterator[Ledger]:
        """Open the ledger."""
        with Ledger(self.place, self.keys) as opened:
            yield opened

    def summary(self) -> Summary:
        """Return what the last batch came to."""
        with self.ledger() as opened:
            return summary(opened, batches_of(opened)[0].id)

    def rows(self) -> dict[str, Row]:
        """Return how every clip of the last batch ended, by its path in the store."""
        with self.ledger() as opened:
            found = list(listing(opened, batches_of(opened)[0].id))
        rows = {row.path.decode("utf-8", "backslashreplace"): row for row in found}
        assert len(rows) == len(found)
        return rows

    def documents(self) -> list[dict[str, Any]]:
        """Return every result in the order of the chain."""
        with self.ledger() as opened:
            return [json.loads(document) for document in opened.documents()]

    def must_be_sound(self) -> None:
        """Check that every file came to one result or reason, that nothing is left to do, and that the chain holds."""
        rows = self.rows()
        assert {row.state for row in rows.values()} <= {"done", "quarantined", "refused"}, rows
        assert all(row.state == "done" or row.reason is not None for row in rows.values())
        clips = [(document["clip"]["path"], document["clip"]["sha256"]) for document in self.documents()]
        if clips:  # the key is made when the first head is signed
            with self.ledger() as opened:
                assert verify_chain(opened, read_public_key(opened.keys.public)) == []
        assert len(set(clips)) == len(clips) == sum(row.state == "done" for row in rows.values())


def _hear_ctrl_c() -> None:
    """Take Ctrl-C as a command of a terminal does, also where the tests themselves run in the background."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def wait_for(told: Callable[[], Any], seconds: float = WAIT_S) -> Any:
    """Wait until something holds; return it."""
    until = time.monotonic() + seconds
    while not (found := told()):
        assert time.monotonic() < until, "it never came"
        time.sleep(0.05)
    return found


def descendants(process: int) -> dict[int, list[str]]:
    """Return the processes that a process started, and those that these did, with their command lines."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except (OSError, IndexError):
                continue
            parents.setdefault(parent, []).append(int(entry.name))
    found: dict[int, list[str]] = {}
    waiting = [process]
    while waiting:
        for child in parents.get(waiting.pop(), []):
            try:
                found[child] = Path(f"/proc/{child}/cmdline").read_bytes().decode("utf-8", "replace").split("\0")
            except OSError:
                continue
            waiting.append(child)
    return found


def decoders(process: int) -> list[int]:
    """Return the processes that decode for a batch now."""
    return [number for number, words in descendants(process).items() if "pipeline.features.child" in words]


def workers(process: int) -> list[int]:
    """Return the workers of a batch that are at work: those with a process that decodes."""
    found = descendants(process)
    return [number for number in found if any(child in decoders(process) for child in descendants(number))]

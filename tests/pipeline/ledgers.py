"""Ledgers for tests: SQLite files, and databases of a PostgreSQL server of our own."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipeline.batch.ledger import Ledger
from pipeline.batch.nouns import Key

BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
PROFILE = hashlib.sha256(b"profile").hexdigest()


def key(number: int, **changed: str) -> Key:
    parts = {"sha256": hashlib.sha256(str(number).encode()).hexdigest(), "profile_sha256": PROFILE, "tool_version": "1"}
    return Key(**{**parts, **changed}, path=f"{number}.mp4".encode())


def start(ledger: Ledger) -> int:
    return ledger.start_batch("/store", "shijiazhuang-safety", {}, "1")


def filled(ledger: Ledger, count: int = 10) -> int:
    """Add `count` results in a batch of their own, the last one large; the head is signed at its end."""
    batch = start(ledger)
    keys = [key(number) for number in range(count)]
    ledger.submit(batch, keys)
    for number, one in enumerate(keys):
        ledger.commit_result(one, "pass", '{"a":"' + "x" * (9000 if number == count - 1 else number) + '"}', 60.0)
    ledger.end_batch(batch)
    return batch


@contextmanager
def postgresql() -> Iterator[str]:
    """Run a server on a socket in a folder of its own, as a user other than root; yield its address."""
    program = shutil.which("initdb") or (str(BINARIES[-1]) if BINARIES else None)
    as_root = os.geteuid() == 0
    if program is None:
        reason = "PostgreSQL is not installed (Debian: apt-get install postgresql)"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    folder = Path(tempfile.mkdtemp(prefix="pg", dir="/tmp"))  # a socket's path must be short
    try:
        if as_root:
            shutil.chown(folder, "postgres", "postgres")
        before = ["runuser", "-u", "postgres", "--"] if as_root else []

        def run(name: str, *words: str) -> None:
            program_path = str(Path(program).with_name(name))
            subprocess.run([*before, program_path, *words], check=True, cwd=folder, stdout=subprocess.DEVNULL)

        run("initdb", "-D", str(folder / "data"), "-U", "unbroken", "-A", "trust", "-E", "UTF8", "--no-locale")
        options = f"-k {folder} -c listen_addresses=''"
        run("pg_ctl", "-D", str(folder / "data"), "-o", options, "-l", str(folder / "log"), "-w", "start")
        try:
            yield f"postgresql://unbroken@/postgres?host={folder}"
        finally:
            run("pg_ctl", "-D", str(folder / "data"), "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder)

"""What is made of clips to be looked at, kept under the hash of their content; the oldest goes for room."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock

LEFT_S = 86_400.0
"""Age in seconds from which on an unfinished entry is one that nobody goes on with."""
_HASH = re.compile(r"[0-9a-f]{64}")


class Kept:
    """A folder of entries, each a folder of files that belong together.

    An entry appears whole or not at all: it is made beside its place and moved there by one rename. Processes and
    threads may use the same folder; `alone` keeps them from doing the same work twice.

    Parameters
    ----------
    root : Path
        Where it lies, on a disk of this machine; made when it is first needed.
    most_bytes : int
        How much it may hold; what was used longest ago is removed beyond that.
    """

    def __init__(self, root: Path, most_bytes: int) -> None:
        self.root, self.most_bytes = root, most_bytes

    def folder(self, sha256: str) -> Path:
        """Return where the entries of a clip lie.

        Raises
        ------
        ValueError
            If `sha256` is no SHA-256 in lower-case hexadecimal figures.
        """
        if not _HASH.fullmatch(sha256):
            raise ValueError(f"no SHA-256: {sha256!r}")
        return self.root / sha256[:2] / sha256

    def find(self, sha256: str, name: str) -> Path | None:
        """Return an entry, which counts as used now; None if there is none."""
        entry = self.folder(sha256) / name
        try:
            os.utime(entry)
        except OSError:
            return None
        return entry

    def entries(self, sha256: str) -> list[Path]:
        """Return every entry of a clip in the order of names; none of them counts as used by that."""
        folder = self.folder(sha256)
        return sorted(entry for entry in folder.glob("[!.]*") if entry.is_dir())

    def lock(self, sha256: str, name: str = "lock") -> FileLock:
        """Return a lock that one thread of one process can hold at a time, on all that `name` stands for of a clip."""
        folder = self.folder(sha256)
        folder.mkdir(parents=True, exist_ok=True)
        return FileLock(str(folder / f".{name}"))

    @contextmanager
    def new(self, sha256: str) -> Iterator[Path]:
        """Yield an empty folder in which entries are made; what is left in it afterwards is removed."""
        folder = self.folder(sha256)
        folder.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=".new-", dir=folder))
        try:
            yield made
        finally:
            shutil.rmtree(made, ignore_errors=True)

    def put(self, made: Path, sha256: str, name: str) -> Path:
        """Move a finished folder to its place; an entry that is there already stays."""
        entry = self.folder(sha256) / name
        try:
            made.rename(entry)
        except OSError:
            if not entry.is_dir():
                raise
        return entry

    def trim(self) -> None:
        """Remove what was used longest ago until the rest is no more than it may be, and what was left unfinished."""
        entries = []
        for entry in self.root.glob("??/*/*"):
            with suppress(OSError):
                used_at = entry.stat().st_mtime
                if not entry.name.startswith("."):
                    entries.append((used_at, sum(file.stat().st_size for file in entry.iterdir()), entry))
                elif entry.is_dir() and time.time() - used_at > LEFT_S:
                    shutil.rmtree(entry, ignore_errors=True)
        total = sum(size for _, size, _ in entries)
        for _, size, entry in sorted(entries):
            if total <= self.most_bytes:
                return
            with suppress(OSError), tempfile.TemporaryDirectory(prefix=".old-", dir=entry.parent) as old:
                entry.rename(Path(old) / entry.name)
                total -= size

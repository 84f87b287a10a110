"""Tables kept as Parquet under a key that names everything that could change them."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.features.schema import SCHEMA_VERSION, to_table
from pipeline.model import Table

LEFT_S = 86_400.0
"""Age in seconds from which on an unfinished entry is one that nobody goes on with."""


@dataclass(frozen=True, slots=True)
class CacheKey:
    """All that a stage's tables depend on."""

    footage: str
    """SHA-256 of the clip."""
    stage: str
    version: int
    """Of the stage's own code."""
    params: Mapping[str, Any] = field(default_factory=dict)
    libraries: Mapping[str, str] = field(default_factory=dict)
    """Name → version of every library (and hash of every model) that could change the answer."""

    def digest(self) -> str:
        """Return a hash of the whole key."""
        document = json.dumps({**asdict(self), "schema": SCHEMA_VERSION}, sort_keys=True, default=str)
        return hashlib.sha256(document.encode()).hexdigest()[:32]


class Cache:
    """A folder of finished stages; an entry is a folder of Parquet tables and, perhaps, other files.

    An entry appears whole or not at all, whenever the power goes: it is written beside its place, to the disk, and
    moved there by one rename.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def folder(self, key: CacheKey) -> Path:
        """Return where the entry lies, or would lie."""
        return self.root / key.footage[:2] / key.footage / f"{key.stage}-{key.digest()}"

    def __contains__(self, key: CacheKey) -> bool:
        """Tell whether there is an entry."""
        return self.folder(key).is_dir()

    def tables(self, key: CacheKey) -> dict[str, Table] | None:
        """Return the tables of an entry, None if there is none; one that cannot be read is put aside, and is none."""
        if key not in self:
            return None
        folder = self.folder(key)
        try:
            paths = sorted(folder.glob("*.parquet"))
            return {path.stem: to_table(path.stem, pq.ParquetFile(path).read()) for path in paths}
        except (pa.ArrowInvalid, OSError):
            with suppress(FileNotFoundError):  # another process dropped it
                folder.rename(Path(tempfile.mkdtemp(prefix=".bad-", dir=folder.parent)) / folder.name)
            return None

    def file(self, key: CacheKey, name: str) -> Path | None:
        """Return the path of another file of an entry, None if there is none."""
        path = self.folder(key) / name
        return path if path.is_file() else None

    def put(self, key: CacheKey, tables: Mapping[str, pa.Table], files: Mapping[str, Path] | None = None) -> None:
        """Keep `tables` and copies of `files` (name in the entry → path); an entry that is there already stays."""
        folder = self.folder(key)
        folder.parent.mkdir(parents=True, exist_ok=True)
        _tidy(folder.parent)
        new = Path(tempfile.mkdtemp(prefix=".new-", dir=folder.parent))
        try:
            for name, arrow in tables.items():
                pq.write_table(arrow, new / f"{name}.parquet")
            for name, path in (files or {}).items():
                shutil.copyfile(path, new / name)
            for path in (*new.iterdir(), new):
                _to_disk(path)
            if not folder.exists():
                new.rename(folder)
                _to_disk(folder.parent)
        except OSError:
            if not folder.is_dir():  # two scans at once: the other one's entry is as good
                raise
        finally:
            shutil.rmtree(new, ignore_errors=True)

    def drop(self, footage: str, stage: str) -> None:
        """Remove every entry that a stage has of a clip; each one vanishes at once."""
        for folder in (self.root / footage[:2] / footage).glob(f"{stage}-*"):
            old = Path(tempfile.mkdtemp(prefix=".old-", dir=folder.parent))
            with suppress(OSError):  # another process removes it
                folder.rename(old / folder.name)
            shutil.rmtree(old, ignore_errors=True)


def _to_disk(path: Path) -> None:
    """Have a file, or the list of a folder, written to the disk."""
    if os.name != "posix" and path.is_dir():
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _tidy(folder: Path) -> None:
    """Remove what killed processes left in the folder of a clip; others may be at work on what is younger."""
    for left in folder.glob(".*-*"):
        with suppress(OSError):
            if time.time() - left.stat().st_mtime > LEFT_S:
                shutil.rmtree(left, ignore_errors=True)

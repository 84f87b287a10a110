"""Many files of a store hashed again, several at a time, read-only."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Lock

from pipeline.batch.nouns import StoredFile
from pipeline.batch.tasks import Store
from pipeline.errors import FootageError
from pipeline.measuring import identify
from pipeline.model import Message
from pipeline.run import told
from pipeline.store import must_stay_inside

Progress = Callable[[int, int], None]
"""Called with the bytes that were read, and those that are to be read in all."""
CANNOT_BE_READ = "{path}: {problem}. May the account that runs this read the file?"


@dataclass(frozen=True, slots=True)
class Hashed:
    """What reading one file came to."""

    sha256: str | None = None
    """None: it could not be read."""
    bytes: int = 0
    problem: Message | None = None
    is_missing: bool = False
    """There is nothing under its name."""


class _Stopped(Exception):
    """Nobody waits for the hash any more."""


def silent(done: int, total: int) -> None:
    """Show no progress."""


def hash_again(store: Store, files: Sequence[StoredFile], progress: Progress, threads: int) -> dict[bytes, Hashed]:
    """Hash files of a store.

    Parameters
    ----------
    store : FolderStore or RemoteStore
    files : sequence of StoredFile
    progress : callable
        Called by several threads, by one at a time.
    threads : int
        Files that are read at once.

    Returns
    -------
    dict
        Path in the store → what it came to.
    """
    counter = _Counter(sum(file.bytes for file in files), progress)
    found: dict[bytes, Hashed] = {}
    waiting: deque[tuple[bytes, Future[Hashed]]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        try:
            for file in files:
                waiting.append((file.path, pool.submit(_hash, store, file, counter)))
                if len(waiting) >= 4 * threads:
                    path, first = waiting.popleft()
                    found[path] = first.result()
            found.update((path, rest.result()) for path, rest in waiting)
        finally:
            counter.stopped.set()
            pool.shutdown(cancel_futures=True)
    return found


class _Counter:
    """Adds up what all threads have read."""

    def __init__(self, total: int, progress: Progress) -> None:
        self.total, self.stopped = total, Event()
        self._progress, self._lock, self._done = progress, Lock(), 0

    def add(self, count: int) -> None:
        if self.stopped.is_set():
            raise _Stopped
        with self._lock:
            self._done += count
            self._progress(self._done, max(self.total, self._done))


def _hash(store: Store, file: StoredFile, counter: _Counter) -> Hashed:
    counted = 0

    def progress(_: str, share: float) -> None:
        nonlocal counted
        now = round(share * file.bytes)
        counter.add(now - counted)
        counted = now

    try:
        with store.open(file.path) as path:
            must_stay_inside(path, (store.root,))
            if _is_missing(path):
                return Hashed(is_missing=True)
            footage = identify(path, progress)
    except FootageError as error:
        return Hashed(problem=told(error))
    except OSError as error:
        values = {"path": store.shown(file.path), "problem": error.strerror or str(error)}
        return Hashed(problem=Message(CANNOT_BE_READ, values))
    return Hashed(footage.sha256, footage.bytes)


def _is_missing(path: Path) -> bool:
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    return False

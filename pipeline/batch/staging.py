"""Local copies of files of a remote store: one for all processes of a machine, and only while one of them uses it."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import shutil
import time
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.errors import FootageError
from pipeline.model import Message

MOST_NAME_BYTES = 255
MOST_PATH_BYTES = 4095
WAIT_S = 0.1
"""Pause before it is looked again whether another process has finished with an older version of a file."""
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
FULL = (
    "{path}: the disk for local copies of clips is full. Make room, name a folder on a larger disk, or let fewer "
    "workers run on this machine."
)
NO_NAME = (
    '{path}: the name has a part that is empty, "." or "..", or a character that no file name has; a copy of that name '
    "may land in another place. Rename it in the store."
)
TOO_LONG = "{path}: the name is too long for a local copy. Rename it in the store, or name a shorter folder for copies."


def folded(name: str) -> str:
    """Return what names have in common that a disk which ignores case and Unicode forms takes for one."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


class Staging:
    """The folder of the copies.

    A copy lies under its path in the store. Who uses it holds a shared lock on a file of its own beside the copies;
    who makes or removes it holds that lock alone. A killed process loses its locks, and the next one tidies up.

    Parameters
    ----------
    stage : Path
        On a local disk; it is made if need be.
    store : str
        Name of the store. Its copies lie in a folder for the owner alone.

    Raises
    ------
    FootageError
        If the folder cannot be made.
    """

    def __init__(self, stage: Path, store: str) -> None:
        digits = hashlib.sha256(store.encode("utf-8", "surrogateescape")).hexdigest()[:16]
        self.root = stage.absolute() / digits
        self._locks = self.root.with_name(f"{digits}.locks")
        self._parts = self.root.with_name(f"{digits}.parts")
        try:
            stage.mkdir(parents=True, exist_ok=True)
            for folder in (self.root, self._locks, self._parts):
                folder.mkdir(mode=0o700, exist_ok=True)
            self.folds = self._probe()
        except OSError as error:
            raise self._problem(stage, error) from error

    def name_problem(self, name: str) -> str | None:
        """Return the template of why a file of the store cannot have its name on this disk, None if it can."""
        try:
            encoded = name.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:
            return NO_NAME
        parts = encoded.split(b"/")
        if b"\0" in encoded or any(part in (b"", b".", b"..") for part in parts):
            return NO_NAME
        whole = len(os.fsencode(self.root)) + 1 + len(encoded)
        return TOO_LONG if whole > MOST_PATH_BYTES or max(map(len, parts)) > MOST_NAME_BYTES else None

    @contextmanager
    def held(self, name: str, version: str, size: int, fetch: Callable[[Path], None]) -> Iterator[Path]:
        """Give the local copy of a file of the store, and keep it until the end of the block.

        Parameters
        ----------
        name : str
            In the store; `name_problem` has nothing against it.
        version : str
            Changes when the content does.
        size : int
            In bytes.
        fetch : callable
            Writes the whole file, with its times, to the path that it is given, or raises.

        Raises
        ------
        FootageError
            If the disk is full or the copy cannot be written.
        """
        handle = self._share(name, version, size, fetch)
        try:
            yield self.root / name
        finally:
            self._release(handle, name, self._lock(name))

    def tidy(self) -> None:
        """Remove the copies that processes left which were killed."""
        for lock in self._locks.iterdir():
            try:
                handle = os.open(lock, os.O_RDWR | os.O_CLOEXEC)
            except FileNotFoundError:
                continue
            self._release(handle, None, lock)

    def _share(self, name: str, version: str, size: int, fetch: Callable[[Path], None]) -> int:
        """Return the handle of a lock that is held together with others, when the copy is there."""
        lock, target = self._lock(name), self.root / name
        while True:
            handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                if _alone(handle) and _names(lock, handle):
                    _note(handle, name, "")
                    self._make(name, size, fetch)
                    _note(handle, name, version)
                fcntl.flock(handle, fcntl.LOCK_SH)  # waits while another process makes or removes it
                if _names(lock, handle) and _noted(handle) == (name, version) and target.is_file():
                    return handle
            except BaseException:
                self._release(handle, name, lock)
                raise
            os.close(handle)
            time.sleep(WAIT_S)  # another process removed it, or still uses another version

    def _make(self, name: str, size: int, fetch: Callable[[Path], None]) -> None:
        part, target = self._parts / self._lock(name).name, self.root / name
        try:
            if size > shutil.disk_usage(self._parts).free:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            part.unlink(missing_ok=True)
            fetch(part)
            with part.open("rb") as stream:
                os.fsync(stream.fileno())
            for last in (False,) * 20 + (True,):
                try:
                    target.parent.mkdir(parents=True, exist_ok=True)
                    part.replace(target)
                    break
                except FileNotFoundError:  # another process removed the folder, which was empty
                    if last or not part.exists():
                        raise
        except OSError as error:
            raise self._problem(target, error) from error

    def _release(self, handle: int, name: str | None, lock: Path) -> None:
        """Let go of a lock; who is the last removes the copy."""
        try:
            if _alone(handle) and _names(lock, handle):
                name = _noted(handle)[0] if name is None else name
                if name:
                    (self.root / name).unlink(missing_ok=True)
                    for folder in (self.root / name).parents:
                        if folder == self.root or not _removed(folder):
                            break
                (self._parts / lock.name).unlink(missing_ok=True)
                lock.unlink(missing_ok=True)
        except NotADirectoryError:  # the copy was never made: a file lies where its folder should be
            lock.unlink(missing_ok=True)
        finally:
            os.close(handle)

    def _lock(self, name: str) -> Path:
        return self._locks / hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()

    def _probe(self) -> bool:
        """Tell whether the disk takes two names for one that differ in case or in Unicode form."""
        mark = self._parts / f"probe-é-{os.getpid()}-{time.monotonic_ns()}"
        mark.touch()
        try:
            others = (mark.name.upper(), unicodedata.normalize("NFD", mark.name))
            return any(mark.with_name(other).exists() for other in others)
        finally:
            mark.unlink()

    def _problem(self, path: Path, error: OSError) -> FootageError:
        if error.errno in _NO_ROOM:
            return FootageError(Message(FULL, {"path": str(path)}))
        values = {"path": str(path), "problem": error.strerror or str(error)}
        return FootageError(Message("{path}: the local copy cannot be written: {problem}.", values))


def _note(handle: int, name: str, version: str) -> None:
    """Write into a lock of which file it is, and which version of it lies there."""
    os.ftruncate(handle, 0)
    os.pwrite(handle, json.dumps([name, version]).encode(), 0)


def _noted(handle: int) -> tuple[str, str]:
    try:
        name, version = json.loads(os.pread(handle, 1 << 16, 0))
    except ValueError:
        return "", ""
    return name, version


def _alone(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _names(lock: Path, handle: int) -> bool:
    """Tell whether a path still names the file that is open."""
    try:
        return os.path.samestat(lock.stat(), os.fstat(handle))
    except FileNotFoundError:
        return False


def _removed(folder: Path) -> bool:
    try:
        folder.rmdir()
    except OSError:
        return False
    return True

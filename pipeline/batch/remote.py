"""An evidence store behind a URL: clips are copied to a local folder while they are examined."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from pipeline.batch.nouns import StoredFile
from pipeline.batch.remote_beside import folder_of, inside, named_files, others_of, records_of, taken_for_one
from pipeline.batch.remote_files import ATTEMPTS, RemoteFiles, Seen
from pipeline.batch.staging import Staging
from pipeline.errors import FootageError, SettingsError
from pipeline.measuring import MOST_GB, TOO_LARGE
from pipeline.model import Message
from pipeline.store import LEADS_OUT, looks_like_footage

MOST_BESIDE_MB = 256
"""Size of the largest file that comes along with a clip, in 10⁶ bytes."""
PAUSE_S = 2.0
LISTED_S = 60.0
"""How long a folder's list is good enough to say what lies beside a clip that is not examined yet."""
_LOCAL_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)

ONE_NAME = (
    "{path}: this name and {other} would be one file on the disk for copies, which takes no notice of case or of the "
    "form of characters, or one is a file and the other a folder. Rename one in the store."
)
LINK = "{path}: this is a link, and the store does not say where it leads; it was not opened. Put the recording there."
NO_SIZE = "{path}: the store does not say how large the file is, so nobody could tell whether a copy is whole."
CHANGED = "{path}: the file changed while it was read. Scan it again when the copy is finished."
INCOMPLETE = (
    "{path}: {bytes} bytes arrived of {whole}, in each of {attempts} attempts; a part of a clip is not examined. Check "
    "the network and the store."
)
OUTSIDE = "{path}: the case record names {name}, which lies outside the store; it was not opened."
TOO_LARGE_BESIDE = "{path}: larger than the {most_mb} MB that a file beside a clip may have; it was not copied."


class RemoteStore:
    """An evidence store behind a URL; it is only ever read.

    A pickled store is its address with any password that stands in it, not its connections.

    Parameters
    ----------
    url : str
        Any that fsspec knows: `s3://bucket/prefix`, `sftp://host/folder`, `https://host/folder` …
    stage : Path
        Folder for local copies, on a local disk.
    pause_s : float
        Pause before a second attempt where the store does not answer, in seconds; doubled before the third.

    Raises
    ------
    SettingsError
        If the protocol's package is missing (the text says what to install), the URL cannot be reached, or `stage`
        cannot be made.
    """

    name: str
    """The address without user and password, in one spelling: the store's name in the ledger."""
    root: Path
    """Local folder below which the copies lie."""

    def __init__(self, url: str, stage: Path, *, pause_s: float = PAUSE_S) -> None:
        self._made_of = (url, stage)
        self._files = RemoteFiles(url, pause_s)
        self.name = self._files.name
        self._listed: tuple[str, float, list[Seen]] | None = None
        try:
            self._staging = Staging(stage, self.name)
            self._staging.tidy()
            self.root = self._staging.root
        except FootageError as error:
            raise SettingsError(error.args[0]) from error

    def __reduce__(self) -> tuple[type[RemoteStore], tuple[str, Path]]:
        return type(self), self._made_of

    def entries(self) -> Iterator[StoredFile]:
        """Yield every file that looks like footage, in the order of its path's bytes; folders end in "/".

        What cannot be examined is yielded too, with the reason: files that are none, links whose target is unknown or
        outside, names that no copy can have, folders that cannot be listed.

        Raises
        ------
        SettingsError
            If the store itself cannot be listed.
        """
        try:
            waiting = self._in_order("")
        except FootageError as error:
            raise SettingsError(error.args[0]) from error
        while waiting:
            seen, refused = waiting.pop()
            if seen.kind != "folder":
                yield self._entry(seen, refused)
            elif refused is not None:
                yield StoredFile(_bytes(seen.name) + b"/", 0, 0, refused=refused)
            else:
                try:
                    waiting.extend(self._in_order(seen.name))
                except FootageError as error:
                    yield StoredFile(_bytes(seen.name) + b"/", 0, 0, refused=error.args[0])

    @contextmanager
    def open(self, path: bytes) -> Iterator[Path]:
        """Copy a clip, and what lies beside it, under the local folder; remove the copies afterwards.

        Beside it lie its case record and the photos and transcript that the record names, its subtitles and
        transcripts. Copies have the times of change that the store tells, and 1970 where it tells none.

        Parameters
        ----------
        path : bytes
            Of a file that `entries` gave.

        Returns
        -------
        context manager of Path
            The copy: a folder for the store, then the path in the store. It is the same on every machine on which the
            local folder has the same name. It is not to be written to.

        Raises
        ------
        FootageError
            If the clip is refused, cannot be copied whole, or changes meanwhile; its argument is a `Message`.
        """
        with ExitStack() as held:
            name = self._checked(path)
            clip = self._beside(name, self._files.listing(folder_of(name)), held)
            yield held.enter_context(self._copied(clip))

    @contextmanager
    def beside(self, path: bytes) -> Iterator[Path]:
        """Copy what lies beside a clip, as `open` does, but not the clip; give the path that its copy would have.

        The list of the clip's folder may be up to a minute old, so that a large folder is not listed for every clip.
        """
        name = self._checked(path)
        folder = folder_of(name)
        if self._listed is None or self._listed[0] != folder or time.monotonic() - self._listed[1] > LISTED_S:
            self._listed = (folder, time.monotonic(), self._files.listing(folder))
        with ExitStack() as held:
            self._beside(name, self._listed[2], held)
            yield self.path(path)

    def path(self, path: bytes) -> Path:
        """Return where the copy of a clip lies while there is one."""
        return self.root / _text(path)

    def shown(self, path: bytes) -> str:
        """Return what people are told for the path of a clip."""
        return self._shown(_text(path))

    def _checked(self, path: bytes) -> str:
        """Return the name of a clip that a copy can have."""
        name = _text(path)
        if problem := self._staging.name_problem(name):
            raise FootageError(Message(problem, {"path": self._shown(name)}))
        return name

    def _beside(self, name: str, around: list[Seen], held: ExitStack) -> Seen:
        """Copy what lies beside a clip, until `held` is closed; return the clip."""
        self._staging.tidy()
        there = {seen.name: seen for seen in around}
        if name not in there:
            raise FootageError(Message("{path}: there is no such file.", {"path": self._shown(name)}))
        if refused := self._refused(there[name], taken_for_one(around, self._staging.folds)):
            raise FootageError(refused)
        records = records_of(name)
        for beside in (*records, *others_of(name, there)):
            if beside in there:
                self._stage_beside(there[beside], held)
            elif (self.root / beside).exists():  # another clip uses it, but the store has it no more
                raise FootageError(Message(CHANGED, {"path": self._shown(beside)}))
        for record in records:
            if record in there:
                for named in self._named(record, there):
                    self._stage_beside(named, held)
        return there[name]

    def _in_order(self, folder: str) -> list[tuple[Seen, Message | None]]:
        """Return the footage and the folders of a folder with the reasons against them, the last path first."""
        found = self._files.listing(folder)
        same = taken_for_one(found, self._staging.folds)
        wanted = [seen for seen in found if seen.kind == "folder" or looks_like_footage(Path(seen.name))]
        told = [(seen, self._refused(seen, same)) for seen in wanted]
        return sorted(told, key=lambda one: _bytes(one[0].name) + b"/" * (one[0].kind == "folder"), reverse=True)

    def _entry(self, seen: Seen, refused: Message | None) -> StoredFile:
        if seen.kind == "file" and seen.bytes is None and refused is None:
            try:
                seen = self._files.seen(seen.name)
                refused = self._size_problem(seen)
            except FootageError as error:
                refused = error.args[0]
        return StoredFile(_bytes(seen.name), seen.bytes or 0, seen.mtime_ns, seen.inode, refused=refused)

    def _refused(self, seen: Seen, same: Mapping[str, str]) -> Message | None:
        """Return why a file or folder cannot be examined, as far as its listing tells."""
        values: dict[str, Any] = {"path": self._shown(seen.name)}
        if problem := self._staging.name_problem(seen.name):
            return Message(problem, values)
        if other := same.get(seen.name + "/" * (seen.kind == "folder")):
            return Message(ONE_NAME, {**values, "other": other})
        if seen.kind == "link":
            return Message(LEADS_OUT, {**values, "target": seen.target}) if seen.target else Message(LINK, values)
        if seen.kind == "other":
            if seen.target and not Path(seen.target).exists():
                return Message("{path}: there is no such file.", values)
            return Message(
                "{path}: this is a pipe or a device, not a file. Copy the recording to a file first.", values
            )
        return None if seen.kind == "folder" or seen.bytes is None else self._size_problem(seen)

    def _size_problem(self, seen: Seen) -> Message | None:
        values: dict[str, Any] = {"path": self._shown(seen.name)}
        if seen.bytes is None:
            return Message(NO_SIZE, values)
        if seen.bytes > MOST_GB * 1e9:
            return Message(TOO_LARGE, {**values, "gb": seen.bytes / 1e9, "most_gb": MOST_GB})
        return None

    def _stage_beside(self, seen: Seen, held: ExitStack) -> None:
        refused = self._refused(seen, {})
        if refused is None and (seen.bytes or 0) > MOST_BESIDE_MB * 1e6:
            refused = Message(TOO_LARGE_BESIDE, {"path": self._shown(seen.name), "most_mb": MOST_BESIDE_MB})
        if refused is not None:
            raise FootageError(refused)
        if seen.kind == "file":
            held.enter_context(self._copied(seen))

    def _named(self, record: str, there: Mapping[str, Seen]) -> Iterator[Seen]:
        """Yield the files that a case record, which is copied, names; its errors are told when it is read."""
        folder = folder_of(record)
        for name in named_files(self.root / record):
            where = inside(folder, name)
            if where is None:
                raise FootageError(Message(OUTSIDE, {"path": self._shown(record), "name": name}))
            if problem := self._staging.name_problem(where):
                raise FootageError(Message(problem, {"path": self._shown(where)}))
            if where in there:
                yield there[where]
                continue
            try:
                listed = self._files.listing(folder_of(where))
            except FootageError as error:
                if isinstance(error.__cause__, FileNotFoundError | NotADirectoryError):
                    continue
                raise
            yield from (seen for seen in listed if seen.name == where)

    @contextmanager
    def _copied(self, listed: Seen) -> Iterator[Path]:
        seen = self._files.seen(listed.name) if listed.bytes is None else listed
        if problem := self._size_problem(seen):
            raise FootageError(problem)
        version = f"{seen.bytes} {seen.mtime_ns} {seen.inode}"
        with self._staging.held(seen.name, version, seen.bytes or 0, partial(self._fetch, seen)) as local:
            yield local

    def _fetch(self, seen: Seen, part: Path) -> None:
        """Write a whole file, and nothing but the version that was listed, to `part`."""
        refused = Message(CHANGED, {"path": self._shown(seen.name)})
        for attempt in range(1, ATTEMPTS + 1):
            try:
                before, after = self._files.copy(seen.name, part)
                size = part.stat().st_size
            except Exception as error:  # each protocol has its own
                if isinstance(error, OSError) and error.errno in _LOCAL_DISK:
                    raise
                refused = self._files.refusal(seen.name, error)
                if not self._files.may_pass(error):
                    break
            else:
                if before != after or before.bytes != seen.bytes:
                    refused = Message(CHANGED, {"path": self._shown(seen.name)})
                elif size != seen.bytes:
                    came: dict[str, Any] = {"bytes": size, "whole": seen.bytes, "attempts": ATTEMPTS}
                    refused = Message(INCOMPLETE, {"path": self._shown(seen.name), **came})
                else:
                    os.utime(part, ns=(seen.mtime_ns, seen.mtime_ns))
                    return
            part.unlink(missing_ok=True)
            if attempt < ATTEMPTS:
                self._files.pause(attempt)
        raise FootageError(refused)

    def _shown(self, name: str) -> str:
        return self._files.shown(_bytes(name).decode("utf-8", "backslashreplace"))


def _text(path: bytes) -> str:
    return path.decode("utf-8", "surrogateescape")


def _bytes(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape" if _is_utf8(name) else "backslashreplace")


def _is_utf8(name: str) -> bool:
    try:
        name.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return False
    return True

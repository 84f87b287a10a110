"""An evidence store that is a folder: what lies in it, and why some of that cannot be examined."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from pipeline.batch.nouns import StoredFile
from pipeline.errors import FootageError, SettingsError
from pipeline.model import Message
from pipeline.run import told
from pipeline.store import looks_like_footage, must_stay_inside

KINDS = (
    (stat.S_ISFIFO, "{path}: a named pipe, not a recording; it was not opened."),
    (stat.S_ISSOCK, "{path}: a socket, not a recording; it was not opened."),
    (stat.S_ISCHR, "{path}: a device, not a recording; it was not opened."),
    (stat.S_ISBLK, "{path}: a device, not a recording; it was not opened."),
)
DEAD_LINK = "{path}: this link leads nowhere. Copy the recording itself into the store."
CANNOT_BE_READ = "{path}: {problem}. May the account that runs this read the file?"
CANNOT_BE_SEARCHED = "{path}: {problem}. May the account that runs this read the folder? What lies in it was not seen."


class FolderStore:
    """A folder of clips, however deep; it is only ever read.

    Parameters
    ----------
    root : Path

    Raises
    ------
    SettingsError
        If there is no such folder, or it cannot be searched.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self.name = os.fsencode(self.root).decode("utf-8", "backslashreplace")
        if not root.is_dir():
            raise SettingsError(Message("{path}: there is no such folder.", {"path": self.name}))
        try:
            os.scandir(root).close()
        except OSError as error:
            raise SettingsError(Message(CANNOT_BE_SEARCHED, _problem(root, error))) from error

    def entries(self) -> Iterator[StoredFile]:
        """Yield every file that looks like footage, and every folder that cannot be searched, in order of folders."""
        failed: list[OSError] = []
        for folder, inside, names in os.walk(os.fsencode(self.root), onerror=failed.append):
            inside.sort()
            for error in failed:
                yield self._unsearched(error)
            failed.clear()
            for name in sorted(names):
                path = Path(os.fsdecode(os.path.join(folder, name)))  # noqa: PTH118  (bytes)
                if looks_like_footage(path):
                    yield self.entry(path)
        for error in failed:
            yield self._unsearched(error)

    def entry(self, path: Path) -> StoredFile:
        """Return a file as the store shows it now."""
        inside = os.fsencode(path.relative_to(self.root))
        try:
            must_stay_inside(path, (self.root,))
            now = path.stat()
        except FootageError as error:
            return StoredFile(inside, 0, 0, refused=told(error))
        except OSError as error:
            dead = path.is_symlink()
            refused = Message(DEAD_LINK if dead else CANNOT_BE_READ, _problem(path, error))
            return StoredFile(inside, 0, 0, refused=refused)
        why = next((text for is_one, text in KINDS if is_one(now.st_mode)), None)
        kind = None if why is None else Message(why, {"path": str(path)})
        return StoredFile(inside, now.st_size, now.st_mtime_ns, str(now.st_ino), refused=kind)

    def path(self, inside: bytes) -> Path:
        """Return where a clip lies."""
        return self.root / os.fsdecode(inside)

    def shown(self, inside: bytes) -> str:
        """Return what people are told for the path of a clip."""
        return os.fsencode(self.path(inside)).decode("utf-8", "backslashreplace")

    def open(self, inside: bytes) -> AbstractContextManager[Path]:
        """Return where a clip can be read as long as the context is open."""
        return nullcontext(self.path(inside))

    def beside(self, inside: bytes) -> AbstractContextManager[Path]:
        """Return a clip's path; what lies beside it can be read as long as the context is open."""
        return nullcontext(self.path(inside))

    def _unsearched(self, error: OSError) -> StoredFile:
        folder = Path(os.fsdecode(error.filename))
        refused = Message(CANNOT_BE_SEARCHED, _problem(folder, error))
        return StoredFile(os.fsencode(folder.relative_to(self.root)), 0, 0, refused=refused)


def _problem(path: Path, error: OSError) -> dict[str, str]:
    return {"path": os.fsencode(path).decode("utf-8", "backslashreplace"), "problem": error.strerror or str(error)}

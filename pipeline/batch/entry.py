"""A file of an evidence store, as a listing of the store shows it."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.model import Message


@dataclass(frozen=True, slots=True)
class Entry:
    """A file that looks like footage, or what kept it from being seen."""

    path: bytes
    """In the store, byte for byte, "/" between its parts; "/" at the end too: a folder that cannot be searched."""
    bytes: int = 0
    """Size; 0 where it is unknown."""
    mtime_ns: int = 0
    """When it was last changed, in nanoseconds since 1970; 0 where the store does not say."""
    inode: str = ""
    """Changes when the file is replaced: `device:inode`, an ETag or a version; "" where the store has none."""
    refused: Message | None = None
    """Why it cannot be examined; None if it can be tried."""

    @property
    def shown(self) -> str:
        """The path for people; bytes that are no UTF-8 are shown as hexadecimal escapes."""
        return self.path.decode("utf-8", "backslashreplace")

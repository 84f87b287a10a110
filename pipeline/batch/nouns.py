"""The nouns of the batch's ledger."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Literal

from pipeline.batch.chain import canonical
from pipeline.model import Message

State = Literal["waiting", "running", "done", "quarantined"]
Step = Literal["measure", "judge"]
"""A clip is measured by itself first; it is judged when all are measured, beside the other clips of its recorder."""
STEPS: tuple[Step, ...] = ("measure", "judge")


@dataclass(frozen=True, slots=True)
class Key:
    """All that a result depends on."""

    sha256: str
    """Of the clip's content; of a job that measures, which does not know it yet, of path, size and times."""
    profile_sha256: str
    """Of the regulation with every setting."""
    tool_version: str
    context_sha256: str = ""
    """Of its path in the store, the case record and the clips around it."""
    path: bytes = field(default=b"", compare=False)
    """In the store, byte for byte; stands in the digest through the context only."""

    @property
    def digest(self) -> str:
        """SHA-256 of the four parts as canonical JSON: the key of the job and of its result."""
        return hashlib.sha256(
            canonical(
                {
                    "context_sha256": self.context_sha256,
                    "profile_sha256": self.profile_sha256,
                    "sha256": self.sha256,
                    "tool_version": self.tool_version,
                }
            )
        ).hexdigest()


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file as the store shows it."""

    path: bytes
    """In the store, byte for byte."""
    bytes: int
    mtime_ns: int
    inode: str = ""
    """Number of the file on its disk, or what else names a version of it; "" where the store has none."""
    sha256: str | None = None
    """None until it is hashed."""
    refused: Message | None = None
    """Why it cannot be examined at all; None if it can be tried."""


@dataclass(frozen=True, slots=True)
class Job:
    """A job that a worker has leased."""

    key: Key
    attempts: int
    """Leases given so far, this one included; those of a batch that was ended are not counted."""
    file: StoredFile | None = None
    """As a batch saw it last, with the hash if that is known; None if none ever saw it."""

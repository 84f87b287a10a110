"""Where a take comes from, as a truth file beside it says: takes of one piece of footage share their source."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import FootageError
from pipeline.model import Message

_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Origin:
    """What is known of a take beside its content; nothing, where no truth file says it."""

    source: tuple[str, ...] = ()
    """SHA-256 of what it was made from; empty: it is a take of its own."""
    device: str | None = None
    scene: str | None = None


NOWHERE = Origin()
"""Of a take of which nothing is stated."""


def origin_of(clip: Path) -> Origin:
    """Return what the truth file beside a clip (`<clip>.truth.toml`, `docs/tuning.md`) says of its origin.

    Raises
    ------
    FootageError
        If there is such a file and it cannot be used.
    """
    path = clip.with_suffix(".truth.toml")
    if not path.is_file():
        return NOWHERE
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
        told = document["clip"]
        sources = told.get("source") or document.get("recipe", {}).get("sha256", [])
        texts = [text for text in (told.get("device"), told.get("scene")) if text is not None]
        if not all(_SHA256.fullmatch(one) for one in sources) or not all(isinstance(text, str) for text in texts):
            raise ValueError("source, device or scene")
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        message = "{path}: this truth file does not say where its clip comes from ({reason})."
        raise FootageError(Message(message, {"path": str(path), "reason": str(error)})) from error
    return Origin(tuple(sources), told.get("device"), told.get("scene"))


def joined(takes: Sequence[tuple[str, Origin]]) -> Origin:
    """Return the origin of what is made of takes (SHA-256 and origin of each); nothing, where none has one stated.

    Recorder and scene are stated where all takes agree on them.
    """
    origins = [origin for _, origin in takes]
    if all(origin == NOWHERE for origin in origins):
        return NOWHERE
    source = dict.fromkeys(one for sha256, origin in takes for one in origin.source or (sha256,))
    devices, scenes = {origin.device for origin in origins}, {origin.scene for origin in origins}
    return Origin(
        tuple(source), devices.pop() if len(devices) == 1 else None, scenes.pop() if len(scenes) == 1 else None
    )

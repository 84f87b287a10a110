"""The chunk structure of AVI and WAV files (Microsoft RIFF; OpenDML AVI 1.02 for files of several RIFF parts)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from pipeline.media.boxes import MAX_BOXES, MAX_DEPTH, Box

_LISTS = {b"RIFF", b"LIST"}
_UNLISTED = {b"movi"}
"""Lists whose chunks are the media itself: they come as packets."""


def walk(file: BinaryIO, file_bytes: int) -> Iterator[Box]:
    """Yield the chunks in file order as boxes, e.g. `RIFF:AVI /LIST:hdrl/avih`; the media chunks are not listed.

    Parameters
    ----------
    file : binary file, open for reading
    file_bytes : int
        Size of the file.
    """
    left = MAX_BOXES
    stack: list[tuple[int, int, str, dict[str, int]]] = [(0, file_bytes, "", {})]
    while stack and left:
        position, end, parent, seen = stack.pop()
        if end - position < 8:
            continue
        file.seek(position)
        header = file.read(12)
        if len(header) < 8 or (not parent and header[:4] not in _LISTS):
            continue
        kind, size = header[:4], 8 + int.from_bytes(header[4:8], "little")
        form = header[8:12] if kind in _LISTS and size >= 12 else b""
        name = (kind + b":" + form if form else kind).decode("latin-1").replace("\x00", " ")
        number = seen[name] = seen.get(name, -1) + 1
        path = (f"{parent}/" if parent else "") + name + (f"[{number}]" if number else "")
        stop = position + size
        box = Box(path, name[:4], position, size, 12 if form else 8, stop <= end)
        left -= 1
        yield box
        if box.complete:
            stack.append((stop + size % 2, end, parent, seen))
        if form and form not in _UNLISTED and len(stack) < MAX_DEPTH:
            stack.append((position + 12, min(stop, end), path, {}))


def stated_bytes(boxes: list[Box]) -> int | None:
    """Return where the last RIFF part says it ends; None if a recorder left a size at 0 and never came back to it."""
    parts = [box for box in boxes if not box.parent and box.type == "RIFF"]
    if not parts or any(box.size_bytes <= 12 for box in parts):
        return None
    return max(box.offset_bytes + box.size_bytes for box in parts)


def indexed(boxes: list[Box]) -> bool:
    """Tell whether a player finds an index: `idx1` at the end, or OpenDML's `indx` in a stream's header."""
    return any(box.type in {"idx1", "indx"} and box.complete for box in boxes)

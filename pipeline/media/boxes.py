"""The box structure of MP4, MOV and 3GP files (ISO/IEC 14496-12, 4.2), read as evidence.

That is offsets, sizes, and what is cut off. Never more than `MAX_BOXES` boxes, `MAX_DEPTH` levels or
`MAX_PAYLOAD_BYTES` of one box are read, whatever the sizes in the file say.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

MAX_BOXES = 200_000
MAX_DEPTH = 12
MAX_PAYLOAD_BYTES = 1 << 26

_PARENTS = frozenset(
    {"moov", "trak", "mdia", "minf", "stbl", "edts", "dinf", "udta", "mvex", "moof", "traf", "mfra", "gmhd", "meta"}
    | {"ilst", "tapt"}
)


@dataclass(frozen=True, slots=True)
class Box:
    """One box: where it stands in the tree and in the file."""

    path: str
    """Names from the root; the second and later boxes of one type in one parent are numbered from [1]."""
    type: str
    offset_bytes: int
    size_bytes: int
    """As stated, header included; for size 0 ("to the end") what is left in the parent."""
    header_bytes: int
    complete: bool
    """It ends inside its parent and inside the file."""

    @property
    def parent(self) -> str:
        """Path of the box that holds it; empty at the top."""
        return self.path.rpartition("/")[0]

    def payload(self, file: BinaryIO, limit_bytes: int = MAX_PAYLOAD_BYTES) -> bytes:
        """Read what the box holds, at most `limit_bytes`."""
        file.seek(self.offset_bytes + self.header_bytes)
        return _read(file, min(self.size_bytes - self.header_bytes, limit_bytes))


def walk(file: BinaryIO, file_bytes: int) -> Iterator[Box]:
    """Yield every box in file order, parents before their children.

    Parameters
    ----------
    file : binary file, open for reading
    file_bytes : int
        Size of the file.

    Notes
    -----
    Where the bytes stop making sense (a size smaller than a header, a box that ends outside its parent), that level
    ends there: the broken box comes as `complete=False`, and its parent's sibling is next.
    """
    left = MAX_BOXES
    stack: list[tuple[int, int, str, dict[str, int]]] = [(0, file_bytes, "", {})]
    while stack and left:
        position, end, parent, seen = stack.pop()
        box = _box_at(file, position, end, parent, seen)
        if box is None:
            continue
        left -= 1
        yield box
        stop = position + box.size_bytes
        if box.complete:
            stack.append((stop, end, parent, seen))
        inner = position + box.header_bytes + _extra(file, box)
        if box.type in _PARENTS and len(stack) < MAX_DEPTH and inner < min(stop, end) and box.size_bytes >= 8:
            stack.append((inner, min(stop, end), box.path, {}))


def _box_at(file: BinaryIO, position: int, end: int, parent: str, seen: dict[str, int]) -> Box | None:
    if end - position < 8:
        return None
    file.seek(position)
    header = _read(file, 16)
    if len(header) < 8:
        return None
    size, length = int.from_bytes(header[:4]), 8
    if size == 0:
        if parent:
            return None  # QuickTime ends a user data list with four zero bytes
        size = end - position
    elif size == 1:
        size, length = int.from_bytes(header[8:16]), 16
    kind = "".join(chr(byte) if 0x20 <= byte < 0x7F or byte == 0xA9 else f"\\x{byte:02x}" for byte in header[4:8])
    if parent.endswith("/ilst") and header[4] == 0:
        kind = f"#{int.from_bytes(header[4:8])}"
    number = seen[kind] = seen.get(kind, -1) + 1
    name = f"{kind}[{number}]" if number else kind
    whole = size >= length and position + size <= end
    return Box(f"{parent}/{name}" if parent else name, kind, position, min(size, (1 << 63) - 1), length, whole)


def _extra(file: BinaryIO, box: Box) -> int:
    """Return the bytes between header and children: `meta` has four in ISO files, none in QuickTime's."""
    if box.type != "meta":
        return 0
    file.seek(box.offset_bytes + box.header_bytes)
    return 4 if _read(file, 4) == bytes(4) else 0


def _read(file: BinaryIO, size: int) -> bytes:
    """Read `size` bytes, fewer only at the end of the file."""
    parts = []
    while size > 0 and (part := file.read(size)):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def stated_bytes(boxes: list[Box]) -> int:
    """Return where the last whole-looking top-level box says it ends: the size the file should have."""
    return max(
        (box.offset_bytes + box.size_bytes for box in boxes if not box.parent and box.size_bytes >= 8), default=0
    )

"""The outermost structure of Matroska and WebM files (RFC 8794, 4 and 5): how long the file says it is."""

from __future__ import annotations

from typing import BinaryIO

SEGMENT = 0x18538067


def stated_bytes(file: BinaryIO) -> int | None:
    """Return where the last segment says it ends; None where its length is left open, as live recorders do."""
    position, end = 0, None
    for _ in range(16):
        file.seek(position)
        header = file.read(16)
        name, used = _number(header, keep_marker=True)
        size, length = _number(header[used:], keep_marker=False)
        if not used or not length:
            return end
        unknown = size == (1 << 7 * length) - 1
        if unknown:
            return None
        position += used + length + size
        if name == SEGMENT:
            end = position
    return end


def _number(data: bytes, *, keep_marker: bool) -> tuple[int, int]:
    """Return a variable-length number and its length in bytes; (0, 0) if there is none."""
    if not data or not data[0]:
        return 0, 0
    length = 9 - data[0].bit_length()
    if len(data) < length:
        return 0, 0
    value = int.from_bytes(data[:length])
    return (value if keep_marker else value & ~(1 << 7 * length)), length

"""Headers of JPEG pictures (ITU-T T.81, annex B): quantiser tables, size and comments."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.media.bits import Data
from pipeline.media.bitstream import Reader, Row

_HEAD_BYTES = 4096
_SCAN, _QUANTISERS, _COMMENT = 0xDA, 0xDB, 0xFE
_FRAMES = (0xC0, 0xC1, 0xC2)


def segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield marker and content of every segment before the first scan (B.1.1.4)."""
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:  # fill byte
            at += 1
            continue
        if marker == _SCAN:
            return
        size = int.from_bytes(data[at + 2 : at + 4])
        yield marker, data[at + 4 : at + 2 + size]
        at += 2 + size


class Jpeg(Reader):
    """Reads packets of motion JPEG; every picture brings its tables along."""

    def __init__(self, extradata: bytes | None) -> None:
        super().__init__(extradata)
        self._said: bytes | None = None

    def read(self, packet: Data, time_s: float) -> Row:
        """Return the columns of table `packets` that a JPEG picture tells."""
        tables, frame, facts = b"", b"", {}
        for marker, content in segments(bytes(packet[:_HEAD_BYTES])):
            if marker == _QUANTISERS:
                tables += content
            elif marker in _FRAMES:
                frame = content
                facts = {"height": int.from_bytes(content[1:3]), "width": int.from_bytes(content[3:5])}
            elif marker == _COMMENT and content != self._said:  # every picture says the same
                self._said = content
                self.found.say("comment", content, time_s)
        if not tables and not frame:
            return {}
        number = self.found.number(frame, tables, "in band", time_s, {**facts, "gaps_allowed": False})
        return {"slice_type": "I", "params": number}

"""Headers of MPEG-4 Visual (ISO/IEC 14496-2, 6.2): settings, user data, and the time that each picture bears itself."""

from __future__ import annotations

import math

from pipeline.media.bits import Bits, Data, start_coded
from pipeline.media.bitstream import Reader, Row

VOP_TYPES = ("I", "P", "B", "S")
_USER_DATA, _GROUP, _VOP = 0xB2, 0xB3, 0xB6
_LAYERS = range(0x20, 0x30)
_UNIT_BYTES = 512
_VOP_BYTES = 24


def parse_layer(unit: bytes) -> Row:
    """Read a video object layer, start code value included: `resolution` (ticks a second), `width`, `height`.

    Raises
    ------
    EOFError
        If it is cut off.
    ValueError
        If it is not rectangular.
    """
    bits = Bits(unit[1:])
    bits.u(9)
    version = 1
    if bits.u(1):
        version = bits.u(4)
        bits.u(3)
    if bits.u(4) == 15:
        bits.u(16)
    if bits.u(1):
        bits.u(3)
        if bits.u(1):
            bits.u(79)
    shape = bits.u(2)
    if shape or version > 5:
        raise ValueError("not a rectangular layer")
    bits.u(1)
    resolution = bits.u(16)
    bits.u(1)
    if bits.u(1):
        bits.u(_time_bits(resolution))
    bits.u(1)
    width = bits.u(13)
    bits.u(1)
    return {"resolution": resolution, "width": width, "height": bits.u(13)}


def parse_group(unit: bytes) -> int:
    """Return the time code of a group of pictures, start code value included, in whole seconds.

    Raises
    ------
    EOFError
        If it is cut off.
    """
    bits = Bits(unit[1:4])
    hours, minutes = bits.u(5), bits.u(6)
    bits.u(1)
    return 3600 * hours + 60 * minutes + bits.u(6)


def parse_vop(unit: bytes, resolution: int) -> tuple[str, int, int]:
    """Return type, whole seconds and ticks that a picture adds to the time base, start code value included.

    Raises
    ------
    EOFError
        If it is cut off.
    """
    bits = Bits(unit[1:_VOP_BYTES])
    kind, seconds = VOP_TYPES[bits.u(2)], 0
    while bits.u(1):
        seconds += 1
    bits.u(1)
    return kind, seconds, bits.u(_time_bits(resolution))


def _time_bits(resolution: int) -> int:
    return max(1, (resolution - 1).bit_length())


class Mpeg4(Reader):
    """Reads packets of MPEG-4 Visual; keeps the time base that its pictures count from (6.3.5)."""

    def __init__(self, extradata: bytes | None) -> None:
        super().__init__(extradata)
        self._layer: tuple[bytes, Row] | None = None
        self._base_s = self._before_s = 0
        self._place = self._told = "header"
        for unit in start_coded(extradata or b"", 1 << 16, _UNIT_BYTES):
            self._take(unit, math.nan)
        self._place = "in band"

    def read(self, packet: Data, time_s: float) -> Row:
        """Return the columns of table `packets` that MPEG-4 Visual tells."""
        for unit in start_coded(packet, 1 << 10, _UNIT_BYTES):
            if unit[0] == _VOP:
                return self._vop(unit, time_s)
            self._take(unit, time_s)
        return {}

    def _vop(self, unit: bytes, time_s: float) -> Row:
        if self._layer is None:
            return {}
        content, layer = self._layer
        try:
            kind, seconds, ticks = parse_vop(unit, layer["resolution"])
        except EOFError:
            return {}
        if kind == "B":
            whole_s = self._before_s + seconds
        else:
            self._before_s, self._base_s = self._base_s, self._base_s + seconds
            whole_s = self._base_s
        facts = {"width": layer["width"], "height": layer["height"], "gaps_allowed": False}
        return {
            "slice_type": kind,
            "coded_s": whole_s + ticks / layer["resolution"],
            "params": self.found.number(content, b"", self._told, time_s, facts),
        }

    def _take(self, unit: bytes, time_s: float) -> None:
        try:
            if unit[0] in _LAYERS and (self._layer is None or self._layer[0] != unit):
                layer = parse_layer(unit)
                self._layer = (unit, layer) if layer["resolution"] else None
                self._told = self._place
            elif unit[0] == _GROUP:
                self._base_s = parse_group(unit)
            elif unit[0] == _USER_DATA:
                self.found.say("user data" if self._place == "in band" else "header user data", unit[1:], time_s)
        except (EOFError, ValueError):
            return

"""Parameter sets and slice headers of H.264 (ITU-T H.264, 7.3.2 and 7.3.3)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from pipeline.media.bits import Bits, Data, length_prefixed, start_coded, unescaped
from pipeline.media.bitstream import Reader, Row, user_data

SLICE_TYPES = ("P", "B", "I", "P", "I")
"""slice_type modulo 5 (table 7-6): P, B, I, SP, SI."""
_SLICES = {1, 2, 5}
_SEI, _SPS, _PPS = 6, 7, 8
_IDR_UNREFERRED = 5
"""First byte of what cannot be: an IDR picture that none refers to; a stray byte that some writers leave behind."""
_SLICE_BYTES = 40
_UNIT_BYTES = 4096
_HIGH = {100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135}
"""Profiles whose sequence parameter set has chroma format and scaling lists."""


@dataclass(frozen=True, slots=True)
class Sps:
    """What of a sequence parameter set is needed to read slice headers, and what tells encoders apart."""

    id: int
    profile: int
    level: int
    width: int
    height: int
    planes: bool
    """separate_colour_plane_flag."""
    frame_num_bits: int
    poc_bits: int | None
    """None: pic_order_cnt_type is not 0, no picture states its order."""
    gaps: bool
    """gaps_in_frame_num_value_allowed_flag."""
    frames_only: bool


@dataclass(frozen=True, slots=True)
class Slice:
    """The beginning of a slice header."""

    type: str
    pps: int
    frame_num: int
    idr_pic_id: int | None
    poc: int | None


def parse_sps(unit: bytes) -> Sps:
    """Read a sequence parameter set, NAL unit header included.

    Raises
    ------
    EOFError
        If it is cut off.
    ValueError
        If a number in it is beyond what the standard allows.
    """
    bits = Bits(unescaped(unit[1:]))
    profile, _, level = bits.u(8), bits.u(8), bits.u(8)
    number, chroma, planes = bits.ue(), 1, False
    if profile in _HIGH:
        chroma = bits.ue()
        planes = bool(bits.u(1)) if chroma == 3 else False
        bits.ue()
        bits.ue()
        bits.u(1)
        if bits.u(1):
            for entry in range(12 if chroma == 3 else 8):
                if bits.u(1):
                    _skip_scaling_list(bits, 16 if entry < 6 else 64)
    frame_num_bits = bits.ue() + 4
    kind, poc_bits = bits.ue(), None
    if kind == 0:
        poc_bits = bits.ue() + 4
    elif kind == 1:
        bits.u(1)
        bits.se()
        bits.se()
        for _ in range(bits.ue()):
            bits.se()
    if frame_num_bits > 16 or kind > 2 or (poc_bits or 0) > 16:
        raise ValueError("not a sequence parameter set")
    bits.ue()
    gaps = bool(bits.u(1))
    width, height = 16 * (bits.ue() + 1), 16 * (bits.ue() + 1)
    frames_only = bool(bits.u(1))
    height *= 1 if frames_only else 2
    if not frames_only:
        bits.u(1)
    bits.u(1)
    if bits.u(1):
        across = 1 if chroma in {0, 3} else 2
        down = (2 if chroma == 1 else 1) * (1 if frames_only else 2)
        left, right, top, bottom = (bits.ue() for _ in range(4))
        width, height = width - across * (left + right), height - down * (top + bottom)
    return Sps(number, profile, level, width, height, planes, frame_num_bits, poc_bits, gaps, frames_only)


def _skip_scaling_list(bits: Bits, size: int) -> None:
    last = following = 8
    for _ in range(size):
        if following:
            following = (last + bits.se()) % 256
        last = following or last


def parse_pps(unit: bytes) -> tuple[int, int]:
    """Return the numbers of a picture parameter set and of the sequence parameter set that it refers to.

    Raises
    ------
    EOFError
        If it is cut off.
    """
    bits = Bits(unescaped(unit[1:]))
    return bits.ue(), bits.ue()


def slice_pps(unit: bytes) -> int:
    """Return which picture parameter set a slice uses.

    Raises
    ------
    EOFError
        If it is cut off.
    """
    bits = Bits(unescaped(unit[1:_SLICE_BYTES]))
    bits.ue()
    bits.ue()
    return bits.ue()


def parse_slice(unit: bytes, sps: Sps) -> Slice:
    """Read the beginning of a slice, NAL unit header included, down to the picture order count.

    Raises
    ------
    EOFError
        If it is cut off.
    """
    bits = Bits(unescaped(unit[1:_SLICE_BYTES]))
    bits.ue()
    kind, pps = SLICE_TYPES[bits.ue() % 5], bits.ue()
    if sps.planes:
        bits.u(2)
    frame_num = bits.u(sps.frame_num_bits)
    if not sps.frames_only and bits.u(1):
        bits.u(1)
    idr_pic_id = bits.ue() if unit[0] & 0x1F == 5 else None
    return Slice(kind, pps, frame_num, idr_pic_id, None if sps.poc_bits is None else bits.u(sps.poc_bits))


class H264(Reader):
    """Reads packets of H.264, length-prefixed or as a byte stream, as the extradata says."""

    def __init__(self, extradata: bytes | None) -> None:
        super().__init__(extradata)
        self._prefix = 0
        self._sps: dict[int, tuple[bytes, Sps]] = {}
        self._pps: dict[int, tuple[bytes, int]] = {}
        self._numbers: dict[int, int | None] = {}
        self._place = self._told = "header"
        header = extradata or b""
        if header[:1] == b"\x01" and len(header) > 6:
            self._prefix = (header[4] & 3) + 1
            units = _of_record(header)
        else:
            units = start_coded(header, len(header), _UNIT_BYTES)
        for unit in units:
            self._take(unit, math.nan)
        self._place = "in band"

    def read(self, packet: Data, time_s: float) -> Row:
        """Return the columns of table `packets` that H.264 tells."""
        for window in (512, 1 << 16):
            for unit in self._units(packet, window):
                kind = unit[0] & 0x1F
                if kind in _SLICES and unit[0] != _IDR_UNREFERRED:
                    return self._slice(unit, kind, time_s)
                self._take(unit, time_s)
            if self._prefix or len(packet) <= window:
                break
        return {}

    def _units(self, packet: Data, window: int) -> Iterator[bytes]:
        if self._prefix:
            return length_prefixed(packet, self._prefix, _UNIT_BYTES)
        return start_coded(packet, window, _UNIT_BYTES)

    def _slice(self, unit: bytes, kind: int, time_s: float) -> Row:
        row: Row = {"nal_type": kind, "reference": unit[0] >> 5 & 3}
        try:
            pps = slice_pps(unit)
            if pps not in self._pps or self._pps[pps][1] not in self._sps:
                return row
            content, sps = self._sps[self._pps[pps][1]]
            read = parse_slice(unit, sps)
        except (EOFError, ValueError):
            return row
        if pps not in self._numbers:
            self._numbers[pps] = self.found.number(content, self._pps[pps][0], self._told, time_s, _facts(sps))
        return row | {
            "slice_type": read.type,
            "frame_num": read.frame_num,
            "idr_pic_id": read.idr_pic_id,
            "poc": read.poc,
            "params": self._numbers[pps],
        }

    def _take(self, unit: bytes, time_s: float) -> None:
        """Keep a parameter set, or the words of user data."""
        kind = unit[0] & 0x1F if unit else 0
        try:
            if kind == _SPS:
                sps = parse_sps(unit)
                if self._sps.get(sps.id, (b"", sps))[0] != unit:
                    self._sps[sps.id] = (unit, sps)
                    self._numbers.clear()
                    self._told = self._place
            elif kind == _PPS:
                number, of = parse_pps(unit)
                if self._pps.get(number, (b"", 0))[0] != unit:
                    self._pps[number] = (unit, of)
                    self._numbers.pop(number, None)
                    self._told = self._place
            elif kind == _SEI:
                for data in user_data(unescaped(unit[1:])):
                    self.found.say("sei" if self._place == "in band" else "header sei", data, time_s)
        except (EOFError, ValueError):
            return


def _facts(sps: Sps) -> Row:
    return {
        "width": sps.width,
        "height": sps.height,
        "profile": sps.profile,
        "level": sps.level,
        "frame_num_bits": sps.frame_num_bits,
        "poc_bits": sps.poc_bits,
        "gaps_allowed": sps.gaps,
    }


def _of_record(record: bytes) -> Iterator[bytes]:
    """Yield the parameter sets of a decoder configuration record (ISO/IEC 14496-15, 5.3.3.1)."""
    at = 5
    for mask in (0x1F, 0xFF):
        if at >= len(record):
            return
        count, at = record[at] & mask, at + 1
        for _ in range(count):
            size = int.from_bytes(record[at : at + 2])
            yield record[at + 2 : at + 2 + size]
            at += 2 + size

"""Parameter sets and slice segment headers of HEVC (ITU-T H.265, 7.3.2 and 7.3.6)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from pipeline.media.bits import Bits, Data, length_prefixed, start_coded, unescaped
from pipeline.media.bitstream import Reader, Row, user_data

SLICE_TYPES = ("B", "P", "I")
_SLICES = range(32)
_INTRA = range(16, 24)
_IDR = (19, 20)
_SPS, _PPS, _SEI = 33, 34, 39
_SLICE_BYTES = 40
_UNIT_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Sps:
    """What of a sequence parameter set is needed to read slice headers, and what tells encoders apart."""

    id: int
    profile: int
    level: int
    width: int
    height: int
    planes: bool
    poc_bits: int


@dataclass(frozen=True, slots=True)
class Pps:
    """What of a picture parameter set is needed to read slice headers."""

    id: int
    sps: int
    output_flag: bool
    extra_bits: int


@dataclass(frozen=True, slots=True)
class Slice:
    """The beginning of the first slice segment of a picture."""

    type: str
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
    bits = Bits(unescaped(unit[2:]))
    bits.u(4)
    layers = bits.u(3)
    bits.u(1)
    profile, level = _profile_tier_level(bits, layers)
    number, chroma = bits.ue(), bits.ue()
    planes = bool(bits.u(1)) if chroma == 3 else False
    width, height = bits.ue(), bits.ue()
    if bits.u(1):
        across, down = (2 if chroma in {1, 2} else 1), (2 if chroma == 1 else 1)
        left, right, top, bottom = (bits.ue() for _ in range(4))
        width, height = width - across * (left + right), height - down * (top + bottom)
    bits.ue()
    bits.ue()
    poc_bits = bits.ue() + 4
    if poc_bits > 16:
        raise ValueError("not a sequence parameter set")
    return Sps(number, profile, level, width, height, planes, poc_bits)


def _profile_tier_level(bits: Bits, layers: int) -> tuple[int, int]:
    bits.u(3)
    profile = bits.u(5)
    bits.u(80)
    level = bits.u(8)
    present = [(bits.u(1), bits.u(1)) for _ in range(layers)]
    if layers:
        bits.u(2 * (8 - layers))
    for has_profile, has_level in present:
        bits.u(88 * has_profile + 8 * has_level)
    return profile, level


def parse_pps(unit: bytes) -> Pps:
    """Read the beginning of a picture parameter set, NAL unit header included.

    Raises
    ------
    EOFError
        If it is cut off.
    """
    bits = Bits(unescaped(unit[2:]))
    number, sps = bits.ue(), bits.ue()
    bits.u(1)
    return Pps(number, sps, bool(bits.u(1)), bits.u(3))


def slice_pps(unit: bytes) -> int | None:
    """Return which picture parameter set the first slice segment of a picture uses; None: it is not the first.

    Raises
    ------
    EOFError
        If it is cut off.
    """
    bits = Bits(unescaped(unit[2:_SLICE_BYTES]))
    if not bits.u(1):
        return None
    if unit[0] >> 1 & 0x3F in _INTRA:
        bits.u(1)
    return bits.ue()


def parse_slice(unit: bytes, sps: Sps, pps: Pps) -> Slice:
    """Read the first slice segment of a picture, NAL unit header included, down to the picture order count.

    Raises
    ------
    EOFError
        If it is cut off.
    ValueError
        If its type is none.
    """
    kind = unit[0] >> 1 & 0x3F
    bits = Bits(unescaped(unit[2:_SLICE_BYTES]))
    bits.u(1)
    if kind in _INTRA:
        bits.u(1)
    bits.ue()
    bits.u(pps.extra_bits)
    number = bits.ue()
    if number > 2:
        raise ValueError("not a slice")
    if pps.output_flag:
        bits.u(1)
    if sps.planes:
        bits.u(2)
    return Slice(SLICE_TYPES[number], None if kind in _IDR else bits.u(sps.poc_bits))


class Hevc(Reader):
    """Reads packets of HEVC, length-prefixed or as a byte stream, as the extradata says."""

    def __init__(self, extradata: bytes | None) -> None:
        super().__init__(extradata)
        self._prefix = 0
        self._sps: dict[int, tuple[bytes, Sps]] = {}
        self._pps: dict[int, tuple[bytes, Pps]] = {}
        self._numbers: dict[int, int | None] = {}
        self._place = self._told = "header"
        header = extradata or b""
        if len(header) > 22 and header[:3] not in {b"\x00\x00\x00", b"\x00\x00\x01"}:
            self._prefix = (header[21] & 3) + 1
            units = _of_record(header)
        else:
            units = start_coded(header, len(header), _UNIT_BYTES)
        for unit in units:
            self._take(unit, math.nan)
        self._place = "in band"

    def read(self, packet: Data, time_s: float) -> Row:
        """Return the columns of table `packets` that HEVC tells."""
        for window in (512, 1 << 16):
            for unit in self._units(packet, window):
                kind = unit[0] >> 1 & 0x3F
                if kind in _SLICES:
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
        # Even types below 16 are not referred to within their layer (table 7-1).
        row: Row = {"nal_type": kind, "reference": int(kind >= 16 or kind % 2 == 1)}
        try:
            number = slice_pps(unit)
            if number is None or number not in self._pps:
                return row
            picture, pps = self._pps[number]
            if pps.sps not in self._sps:
                return row
            sequence, sps = self._sps[pps.sps]
            read = parse_slice(unit, sps, pps)
        except (EOFError, ValueError):
            return row
        if number not in self._numbers:
            self._numbers[number] = self.found.number(sequence, picture, self._told, time_s, _facts(sps))
        return row | {"slice_type": read.type, "poc": read.poc, "params": self._numbers[number]}

    def _take(self, unit: bytes, time_s: float) -> None:
        """Keep a parameter set, or the words of user data."""
        kind = unit[0] >> 1 & 0x3F if len(unit) > 2 else 0
        try:
            if kind == _SPS:
                sps = parse_sps(unit)
                if self._sps.get(sps.id, (b"", sps))[0] != unit:
                    self._sps[sps.id] = (unit, sps)
                    self._numbers.clear()
                    self._told = self._place
            elif kind == _PPS:
                pps = parse_pps(unit)
                if self._pps.get(pps.id, (b"", pps))[0] != unit:
                    self._pps[pps.id] = (unit, pps)
                    self._numbers.pop(pps.id, None)
                    self._told = self._place
            elif kind == _SEI:
                for data in user_data(unescaped(unit[2:])):
                    self.found.say("sei" if self._place == "in band" else "header sei", data, time_s)
        except (EOFError, ValueError):
            return


def _facts(sps: Sps) -> Row:
    return {
        "width": sps.width,
        "height": sps.height,
        "profile": sps.profile,
        "level": sps.level,
        "poc_bits": sps.poc_bits,
        "gaps_allowed": False,
    }


def _of_record(record: bytes) -> Iterator[bytes]:
    """Yield the NAL units of a decoder configuration record (ISO/IEC 14496-15, 8.3.3.1)."""
    at = 23
    for _ in range(record[22]):
        count = int.from_bytes(record[at + 1 : at + 3])
        at += 3
        for _ in range(count):
            size = int.from_bytes(record[at : at + 2])
            yield record[at + 2 : at + 2 + size]
            at += 2 + size
            if at > len(record):
                return

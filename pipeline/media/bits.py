"""Reading bits and NAL units: the little that is needed of a coded picture without decoding it."""

from __future__ import annotations

from collections.abc import Iterator

Data = bytes | memoryview


class Bits:
    """The bits of some bytes, the most significant first.

    Parameters
    ----------
    data : bytes
        Without emulation prevention (see `unescaped`).
    """

    __slots__ = ("_left", "_value")

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data)
        self._left = 8 * len(data)

    @property
    def left(self) -> int:
        """How many bits are left."""
        return self._left

    def u(self, count: int) -> int:
        """Read an unsigned number of `count` bits.

        Raises
        ------
        EOFError
            If fewer are left.
        """
        left = self._left - count
        if left < 0:
            raise EOFError
        self._left = left
        number = self._value >> left
        self._value ^= number << left
        return number

    def ue(self) -> int:
        """Read an unsigned Exp-Golomb number (ITU-T H.264, 9.1; H.265, 9.2).

        Raises
        ------
        EOFError
            If the bits end within it.
        """
        zeros = self._left - self._value.bit_length()  # what was read is gone from the value
        return self.u(2 * zeros + 1) - 1

    def se(self) -> int:
        """Read a signed Exp-Golomb number.

        Raises
        ------
        EOFError
            If the bits end within it.
        """
        number = self.ue()
        return (number + 1) // 2 if number & 1 else -(number // 2)


def unescaped(data: bytes) -> bytes:
    """Return the payload of a NAL unit without its emulation prevention bytes (ITU-T H.264, 7.4.1)."""
    return data.replace(b"\x00\x00\x03", b"\x00\x00") if b"\x00\x00\x03" in data else data


def length_prefixed(data: Data, prefix_bytes: int, limit_bytes: int) -> Iterator[bytes]:
    """Yield the NAL units of a sample (ISO/IEC 14496-15, 5.3.3), each at most `limit_bytes` of it.

    A length that reaches beyond the sample ends it: what there is of that unit is the last one.
    """
    at, end = 0, len(data)
    while at + prefix_bytes < end:
        size = int.from_bytes(data[at : at + prefix_bytes])
        at += prefix_bytes
        if size:
            yield bytes(data[at : min(at + size, at + limit_bytes, end)])
        at += size


def start_coded(data: Data, window_bytes: int, limit_bytes: int) -> Iterator[bytes]:
    """Yield the NAL units that begin in the first `window_bytes` of a byte stream (ITU-T H.264, annex B).

    Of each, at most `limit_bytes`, and what lies in the window.
    """
    head = bytes(data[:window_bytes])
    at = head.find(b"\x00\x00\x01") + 3
    while at >= 3:
        following = head.find(b"\x00\x00\x01", at)
        unit = head[at : at + limit_bytes] if following < 0 else head[at:following].rstrip(b"\x00")[:limit_bytes]
        if unit:  # zero bytes before a start code belong to no unit
            yield unit
        at = following + 3

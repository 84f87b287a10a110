"""What the headers of coded pictures say, read from packets without decoding: one reader for each stream.

Only the units before the first slice of a packet, and the first bytes of that slice, are touched.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from pipeline.media.bits import Data

Row = dict[str, Any]

MAX_PARAMETERS = 256
"""More parameter sets than this are not told apart: an encoder that changes its tables all the time."""
MAX_TEXTS = 2000
_WORDS = re.compile(rb"[\x20-\x7e]{4,1500}")


@dataclass(frozen=True, slots=True)
class Text:
    """What an encoder wrote about itself."""

    place: str
    """`sei`, `user data`, `comment` or `fill element`; `header` in front of it where it stands in the header."""
    text: str
    time_s: float
    """Of the packet that holds it; NaN in the header."""


@dataclass(slots=True)
class Found:
    """What the packets of a stream told, beside the columns of each packet."""

    parameters: list[Row] = field(default_factory=list)
    """Rows of table `parameters`; the number of a row is what column `packets.params` names."""
    texts: list[Text] = field(default_factory=list)
    _numbers: dict[tuple[str, str], int] = field(default_factory=dict)

    def number(self, sequence: bytes, picture: bytes, place: str, time_s: float, facts: Row) -> int | None:
        """Return the number of a parameter set, a new one if it was not met before; None if there are too many."""
        key = (sha256(sequence), sha256(picture))
        if key not in self._numbers:
            if len(self.parameters) >= MAX_PARAMETERS:
                return None
            self._numbers[key] = len(self.parameters)
            self.parameters.append(
                {"sequence_sha256": key[0], "picture_sha256": key[1], "place": place, "time_s": time_s, **facts}
            )
        return self._numbers[key]

    def say(self, place: str, data: bytes, time_s: float) -> None:
        """Keep the first readable words of `data`, if there are any."""
        if len(self.texts) < MAX_TEXTS and (words := _WORDS.search(data)):
            self.texts.append(Text(place, words[0].decode("ascii").strip(), time_s))


class Reader:
    """Reads the packets of one stream; this one, of codecs that are not known here, tells nothing."""

    def __init__(self, extradata: bytes | None) -> None:
        self.found = Found()

    def read(self, packet: Data, time_s: float) -> Row:
        """Return columns of table `packets` for a packet that is shown at `time_s`; what it does not tell is absent."""
        return {}


class Sound(Reader):
    """Looks for the name that FFmpeg's AAC encoder writes into the first frame that it makes."""

    def read(self, packet: Data, time_s: float) -> Row:
        """Look into the first bytes of a packet; it has no columns of its own."""
        head = bytes(packet[:64])
        if (at := head.find(b"Lavc")) >= 0:
            self.found.say("fill element", head[at:], time_s)
        return {}


def sha256(data: bytes) -> str:
    """Return a short hash, 16 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()[:16]


def reader_of(codec: str, extradata: bytes | None) -> Reader:
    """Return a reader for packets of `codec` (FFmpeg's name); `extradata` is what the container's header holds."""
    from pipeline.media.bitstream_h264 import H264
    from pipeline.media.bitstream_hevc import Hevc
    from pipeline.media.bitstream_jpeg import Jpeg
    from pipeline.media.bitstream_mpeg4 import Mpeg4

    kinds: dict[str, type[Reader]] = {"h264": H264, "hevc": Hevc, "mpeg4": Mpeg4, "mjpeg": Jpeg, "aac": Sound}
    return kinds.get(codec, Reader)(extradata)


def user_data(payload: bytes) -> Iterator[bytes]:
    """Yield what stands behind the identifier of every "user data unregistered" message of an SEI unit.

    Parameters
    ----------
    payload : bytes
        Of the unit, behind its header, without emulation prevention; it may be cut off.

    References
    ----------
    ITU-T H.264, 7.3.2.3.1 and D.1.7; ITU-T H.265, 7.3.5 and D.2.7: type and size in bytes of which 255 goes on.
    """
    at = 0
    while at + 2 < len(payload):
        numbers = []
        for _ in range(2):
            number = 0
            while at < len(payload) and payload[at] == 255:
                number, at = number + 255, at + 1
            if at >= len(payload):
                return
            numbers.append(number + payload[at])
            at += 1
        kind, size = numbers
        if kind == 5 and size > 16:
            yield payload[at + 16 : at + size]
        at += size

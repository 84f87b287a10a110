"""Copying packets into a new file, without decoding them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import av

from pipeline.errors import FootageError
from pipeline.media.evidence import demuxer
from pipeline.media.probe import default_streams
from pipeline.media.sniff import sniff
from pipeline.model import Message

if TYPE_CHECKING:
    from av.container import InputContainer, OutputContainer
    from av.packet import Packet
    from av.stream import Stream


@dataclass(frozen=True, slots=True)
class Segment:
    """Packets of one recording that are copied."""

    path: Path
    keep: Callable[[bool, float], bool]
    """(of the pictures, presentation time in s) -> copied?"""
    shift_s: Fraction = Fraction(0)
    """Added to all its times."""


def write(segments: Sequence[Segment], path: Path, muxer: str, tags: dict[str, str]) -> None:
    """Copy packets into a new file.

    Raises
    ------
    FootageError
        If the container cannot hold them, or the recordings to be joined were not encoded alike.
    """
    options = {"avoid_negative_ts": "disabled"} if muxer in {"mp4", "mov"} else {}
    if muxer == "matroska":  # else its ids are drawn by lot
        options = {"fflags": "+bitexact"}
    try:
        with av.open(str(path), "w", format=muxer, options=options) as out:
            out.metadata.update(tags)
            made: dict[str, _Made] = {}
            for segment in segments:
                with demuxer(segment.path, sniff(segment.path).demuxer) as given:
                    _copy(given, out, made, segment)
    except (av.FFmpegError, ValueError) as error:  # PyAV refuses some codecs by a ValueError
        values = {"path": str(path), "reason": str(getattr(error, "strerror", error))}
        raise FootageError(Message("{path}: the forgery cannot be written ({reason}).", values)) from error


@dataclass(slots=True)
class _Made:
    """A stream that is written, and how far it has come."""

    stream: Stream
    extradata: bytes | None
    last: int = -(1 << 62)


def _copy(given: InputContainer, out: OutputContainer, made: dict[str, _Made], segment: Segment) -> None:
    chosen = default_streams(given)
    for index, kind in chosen.items():
        extradata = given.streams[index].codec_context.extradata
        if kind not in made:
            made[kind] = _Made(out.add_stream_from_template(given.streams[index]), extradata)
        elif made[kind].extradata != extradata:
            message = "{path}: it was not encoded like the take before it."
            raise FootageError(Message(message, {"path": str(segment.path)}))
    for kind, packet in _timed(given, chosen):
        assert packet.pts is not None and packet.dts is not None
        if not segment.keep(kind == "video", float(packet.pts * Fraction(packet.time_base))):
            continue
        shift = round(segment.shift_s / Fraction(packet.time_base))
        packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
        if packet.dts <= made[kind].last:
            continue  # sound that overlaps the sound before the seam
        made[kind].last = packet.dts
        packet.stream = made[kind].stream
        out.mux(packet)


def _timed(given: InputContainer, chosen: dict[int, str]) -> Iterator[tuple[str, Packet[Stream]]]:
    """Yield packets with both their times.

    Matroska knows no decoding times: FFmpeg counts them, but for the first pictures where they are reordered. Those
    are counted back here from the first that is known.
    """
    waiting: dict[int, list[Packet[Stream]]] = {index: [] for index in chosen}
    for packet in given.demux([given.streams[index] for index in chosen]):
        index = packet.stream.index
        if not packet.size:
            continue
        if packet.pts is None:
            packet.pts = packet.dts
        if packet.dts is None:
            waiting[index].append(packet)
            continue
        early, waiting[index] = waiting[index], []
        step = max(1, packet.duration or 1)
        for before, late in enumerate(reversed(early), 1):
            late.dts = packet.dts - before * step
        for each in (*early, packet):
            yield chosen[index], each
    for index, left in waiting.items():
        for packet in left:
            if packet.pts is not None:
                packet.dts = packet.pts
                yield chosen[index], packet

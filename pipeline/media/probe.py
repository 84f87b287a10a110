"""What a file claims, and the packets that it holds. Nothing is decoded here.

Claims of headers and things counted are never merged: their disagreement is evidence.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.media import boxes, ebml, riff
from pipeline.media.bitstream import Reader, reader_of
from pipeline.media.evidence import evidence
from pipeline.media.movie import Movie, read_movie
from pipeline.media.sniff import Container

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet

Row = dict[str, Any]

_DEVICE_TAG = re.compile(r"serial|(?:device|camera|recorder)[ _.-]?(?:id|no|number)\b|设备编?号|机号", re.I)
"""Names of tags in which recorders write their serial number."""
_WRITER_TAGS = {"encoder", "software", "com.apple.quicktime.software", "writing_application", "muxing_application"}

OWN_ZERO = {"mpegts", "mpegps", "flv", "h264", "hevc", "mpegvideo", "dv", "mp3", "aac", "amr", "mxf"}
"""Formats whose clock starts anywhere: their timeline is shifted so that the first picture or sound is at 0 s. In all
others the format itself says where 0 s is, and times stand as the demuxer presents them."""


@dataclass(slots=True)
class Structure:
    """What the file's own structure says, read without FFmpeg."""

    boxes: list[boxes.Box] = field(default_factory=list)
    bytes: int = 0
    bytes_expected: int | None = None
    index_found: bool = True
    movie: Movie | None = None


def structure(path: Path, container: Container) -> Structure:
    """Read boxes or chunks of `path`, and what they add up to; of other formats only the size of the file."""
    with evidence(path) as file:
        found = Structure(bytes=file.seek(0, 2))
        if container.iso:
            found.boxes = list(boxes.walk(file, found.bytes))
            found.bytes_expected = boxes.stated_bytes(found.boxes)
            found.movie = read_movie(file, found.boxes)
            found.index_found = found.movie.found
        elif container.name in {"avi", "wav"}:
            found.boxes = list(riff.walk(file, found.bytes))
            found.bytes_expected = riff.stated_bytes(found.boxes)
            found.index_found = container.name == "wav" or riff.indexed(found.boxes)
        elif container.demuxer == "matroska":
            found.bytes_expected = ebml.stated_bytes(file)
    return found


def container_row(container: Container, found: Structure, opened: InputContainer | None) -> Row:
    """Return the row of table `container`; `opened` is None where no demuxer could open the file."""
    metadata = opened.metadata if opened else {}
    duration = found.movie.duration_s if found.movie else math.nan
    if found.movie is None and opened is not None and opened.duration is not None and container.name not in OWN_ZERO:
        duration = opened.duration / 1e6  # FFmpeg reads it from the header of these formats; elsewhere it estimates
    tags = {key.lower(): value for source in (metadata, *_stream_tags(opened)) for key, value in source.items()}
    writer = next((tags[key] for key in ("encoder", "software", "com.apple.quicktime.software") if key in tags), None)
    return {
        "format": container.name,
        "brand": container.brand,
        "bytes": found.bytes,
        "bytes_expected": found.bytes_expected,
        "index_found": found.index_found,
        "duration_in_header_s": duration,
        "writer": metadata.get("encoder") or writer,
        "created_at": found.movie.created_at if found.movie else _written_time(metadata),
        "device": next(
            (value.strip() for key, value in tags.items() if _DEVICE_TAG.search(key) and value.strip()), None
        ),
    }


def _stream_tags(opened: InputContainer | None) -> list[dict[str, str]]:
    return [stream.metadata for stream in opened.streams] if opened else []


def _written_time(metadata: dict[str, str]) -> str | None:
    """Return a creation time from tags as ISO 8601; AVI's `IDIT` names no zone, so none is made up."""
    text = metadata.get("creation_time") or metadata.get("date") or ""
    if re.match(r"\d{4}-\d\d-\d\dT", text):
        return text
    for form in ("%a %b %d %H:%M:%S %Y", "%Y-%m-%d %H:%M:%S", "%Y/%m/%d %H:%M:%S"):
        try:
            return datetime.strptime(text.strip("\x00\n "), form).isoformat()
        except ValueError:
            continue
    return None


def box_rows(found: Structure) -> list[Row]:
    """Return the rows of table `boxes`."""
    return [
        {
            "path": box.path,
            "type": box.type,
            "offset_bytes": box.offset_bytes,
            "size_bytes": box.size_bytes,
            "complete": box.complete,
        }
        for box in found.boxes
    ]


def stream_rows(opened: InputContainer, movie: Movie | None) -> list[Row]:
    """Return the rows of table `streams`."""
    default = default_streams(opened)
    rows = []
    for stream in opened.streams:
        track = movie.track(stream.id, stream.index) if movie else None
        context: Any = stream.codec_context
        base = float(stream.time_base) if stream.time_base else math.nan
        row: Row = {
            "stream": stream.index,
            "kind": stream.type if stream.type in {"video", "audio", "subtitle"} else "data",
            "codec": context.codec.canonical_name if context else getattr(stream, "name", None),
            "tag": track.codec_tag if track and track.codec_tag else _tag(context),
            "profile": context.profile if context else None,
            "time_base_s": base,
            "rotation_deg": track.rotation_deg if track else 0.0,
            "frames_in_header": (track.samples if track else None) or stream.frames or None,
            "duration_in_header_s": track.media_s if track else _ticks(stream.duration, base),
            "start_in_header_s": _ticks(stream.start_time, base),
            "extradata_sha256": _hash(context.extradata) if context else None,
            "default": stream.index in default,
        }
        if stream.type == "video" and context is not None:
            row |= {"width": context.width or None, "height": context.height or None}
            row["rate_in_header_hz"] = float(stream.average_rate or math.nan)
        if stream.type == "audio" and context is not None:
            row |= {"sample_rate_hz": context.sample_rate or None, "channels": context.channels or None}
        rows.append(row)
    return rows


def _tag(context: Any) -> str | None:
    try:
        tag = context.codec_tag if context else ""
    except UnicodeDecodeError:  # a number, not four characters
        return None
    return tag if tag and tag.isprintable() else None


def _ticks(value: int | None, base: float) -> float:
    return math.nan if value is None else value * base


def _hash(data: bytes | None) -> str | None:
    return hashlib.sha256(data).hexdigest() if data else None


def default_streams(opened: InputContainer) -> dict[int, str]:
    """Return index → kind of the streams that are examined: first video that is no cover picture, first audio."""
    from av.stream import Disposition

    aside = Disposition.attached_pic | Disposition.timed_thumbnails
    chosen: dict[int, str] = {}
    for stream in opened.streams:
        usable = stream.codec_context is not None and not (stream.disposition & aside)
        if usable and stream.type in {"video", "audio"} and stream.type not in chosen.values():
            chosen[stream.index] = stream.type
    return chosen


def shift_s(opened: InputContainer, container: Container) -> float:
    """Return the seconds to add to every time of the demuxer to get the clip's presentation timeline.

    0 where the format itself defines where 0 s is (MP4, MOV, AVI, Matroska, …: a sound that starts late then does
    start late). In formats with a running clock (`OWN_ZERO`; MPEG-TS begins at 1.4 s or at hours) the earliest start
    of the default streams becomes 0 s.
    """
    if container.name not in OWN_ZERO:
        return 0.0
    starts = [
        float(stream.start_time * stream.time_base)
        for stream in (opened.streams[index] for index in default_streams(opened))
        if stream.start_time is not None and stream.time_base is not None
    ]
    return 0.0 - min(starts, default=0.0)


def edit_rows(opened: InputContainer, movie: Movie | None) -> Iterator[Row]:
    """Yield the rows of table `edits`."""
    for stream in opened.streams:
        track = movie.track(stream.id, stream.index) if movie else None
        for entry, edit in enumerate(track.edits if track else []):
            yield {
                "stream": stream.index,
                "entry": entry,
                "duration_s": edit.duration_s,
                "media_start_s": edit.media_start_s,
                "rate": edit.rate,
                "media_s": track.media_s if track else math.nan,
            }


class Packets:
    """Turns the packets of an opened file into rows of table `packets`; reads the headers of coded pictures with them.

    Parameters
    ----------
    opened : InputContainer
    shift : float
        Seconds to add to every time (`shift_s`).
    """

    def __init__(self, opened: InputContainer, shift: float) -> None:
        self._shift = shift
        self._bases: dict[int, float] = {}
        self._readers: dict[int, Reader] = {}
        for stream in opened.streams:
            self._bases[stream.index] = float(stream.time_base) if stream.time_base else math.nan
            if stream.codec_context is not None:
                codec: Any = stream.codec_context
                self._readers[stream.index] = reader_of(codec.codec.canonical_name, codec.extradata)

    def row(self, packet: Packet[Any]) -> Row:
        """Return a packet's row of table `packets`, on the shifted timeline."""
        index = packet.stream_index
        base, shift, position = self._bases.get(index, math.nan), self._shift, packet.pos
        time_s = _ticks(packet.pts, base) + shift
        row = {
            "stream": index,
            "pts": packet.pts,
            "dts": packet.dts,
            "time_s": time_s,
            "dts_s": _ticks(packet.dts, base) + shift,
            "duration_s": _ticks(packet.duration or None, base),
            "size_bytes": packet.size,
            "key": packet.is_keyframe,
            "position_bytes": position if position is not None and position >= 0 else None,
            "corrupt": packet.is_corrupt,
            "discard": packet.is_discard,
        }
        reader = self._readers.get(index)
        if reader is not None and packet.size:
            row.update(reader.read(memoryview(packet), time_s))
        return row

    def parameter_rows(self) -> list[Row]:
        """Return the rows of table `parameters` that the packets used so far."""
        return [
            {"stream": index, "params": number, **row}
            for index, reader in self._readers.items()
            for number, row in enumerate(reader.found.parameters)
        ]

    def text_rows(self) -> list[Row]:
        """Return the rows of table `encoder` that stand in headers and packets of the streams."""
        return [
            {"stream": index, "place": text.place, "text": text.text, "time_s": text.time_s}
            for index, reader in self._readers.items()
            for text in reader.found.texts
        ]


def encoder_rows(opened: InputContainer) -> list[Row]:
    """Return the rows of table `encoder` that stand in tags: what software says of the file and of its streams."""
    rows: list[Row] = [
        {"place": "container", "text": value} for key, value in opened.metadata.items() if key.lower() in _WRITER_TAGS
    ]
    for stream in opened.streams:
        for key, value in stream.metadata.items():
            place = "handler" if key.lower() == "handler_name" else "stream" if key.lower() in _WRITER_TAGS else None
            if place and value.strip():
                rows.append({"stream": stream.index, "place": place, "text": value.strip()})
    return rows

"""What the boxes of an MP4, MOV or 3GP file claim: tracks, durations, sample counts, edit lists, creation time."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import BinaryIO

import numpy as np

from pipeline.media.boxes import MAX_PAYLOAD_BYTES, Box

EPOCH_1904_S = 2_082_844_800
"""Seconds from 1904-01-01 to 1970-01-01, both 00:00 UTC."""


@dataclass(frozen=True, slots=True)
class Edit:
    """One entry of an edit list (ISO/IEC 14496-12, 8.6.6)."""

    duration_s: float
    media_start_s: float
    """NaN for an empty edit."""
    rate: float


@dataclass(slots=True)
class Track:
    """The claims of one `trak` box; None or NaN where it makes none."""

    id: int | None = None
    handler: str | None = None
    codec_tag: str | None = None
    rotation_deg: float = 0.0
    media_s: float = math.nan
    samples: int | None = None
    edits: list[Edit] = field(default_factory=list)


@dataclass(slots=True)
class Movie:
    """The claims of the `moov` box, and whether it is there."""

    found: bool = False
    duration_s: float = math.nan
    created_at: str | None = None
    tracks: list[Track] = field(default_factory=list)

    def track(self, stream_id: int, index: int) -> Track | None:
        """Return the track that FFmpeg shows as a stream: by track id, else by order."""
        for track in self.tracks:
            if track.id == stream_id:
                return track
        return self.tracks[index] if stream_id == 0 and index < len(self.tracks) else None


def read_movie(file: BinaryIO, boxes: list[Box]) -> Movie:
    """Read the claims of the whole boxes among `boxes` (from `pipeline.media.boxes.walk`).

    A box that is too short for its type is passed over: it claims nothing that could be read.
    """
    movie, timescale = Movie(), 0
    tracks: dict[str, Track] = {}
    edits: list[tuple[Track, bytes]] = []
    scales: dict[int, int] = {}
    fragments: dict[int, int] = {}
    fragment_track = 0
    for box in boxes:
        movie.found |= box.type == "moov" and not box.parent and box.complete
        if not box.complete or box.type not in _READ:
            continue
        payload = box.payload(file, _ENOUGH_BYTES.get(box.type, MAX_PAYLOAD_BYTES))
        root = "/".join(box.path.split("/")[:2])
        track = None
        if root.startswith("moov/trak"):
            track = tracks.setdefault(root, Track())
        try:
            if box.type == "mvhd":
                timescale, ticks, created = _header(payload)
                movie.duration_s = _seconds(ticks, timescale)
                movie.created_at = creation_time(created)
            elif box.type == "tfhd":
                fragment_track = int.from_bytes(payload[4:8])
            elif box.type == "trun":
                fragments[fragment_track] = fragments.get(fragment_track, 0) + int.from_bytes(payload[4:8])
            elif track is not None and box.type == "mdhd":
                scale, ticks, _ = _header(payload)
                scales[id(track)] = scale
                track.media_s = _seconds(ticks, scale)
            elif track is not None and box.type == "elst":
                edits.append((track, payload))
            elif track is not None:
                _READ[box.type](track, payload)
        except (IndexError, ValueError):
            continue
    for track, payload in edits:
        track.edits = list(_edit_list(payload, timescale, scales.get(id(track), 0)))
    for track in tracks.values():
        if track.id in fragments:
            track.samples = (track.samples or 0) + fragments[track.id]
    movie.tracks = list(tracks.values())
    return movie


def creation_time(seconds: int) -> str | None:
    """Return a header's creation time as ISO 8601 in UTC; None for zero.

    Parameters
    ----------
    seconds : int
        Seconds since 1904-01-01 00:00 UTC (ISO/IEC 14496-12, 8.2.2). Values that would lie before 1970 come from
        recorders that count from 1970 by mistake, and are taken so.
    """
    if seconds <= 0:
        return None
    since_1970 = seconds - EPOCH_1904_S if seconds >= EPOCH_1904_S else seconds
    try:
        return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=since_1970)).isoformat().replace("+00:00", "Z")
    except OverflowError:
        return None


def _header(payload: bytes) -> tuple[int, int, int]:
    """Return timescale, duration in ticks (-1: unknown) and creation time of `mvhd` and `mdhd`, which begin alike."""
    wide = payload[0] == 1
    width = 8 if wide else 4
    scale_at = 4 + 2 * width
    if len(payload) < scale_at + 4 + width:
        raise ValueError("header box too short")
    ticks = int.from_bytes(payload[scale_at + 4 : scale_at + 4 + width])
    unknown = (1 << 8 * width) - 1
    return (
        int.from_bytes(payload[scale_at : scale_at + 4]),
        -1 if ticks == unknown else ticks,
        int.from_bytes(payload[4 : 4 + width]),
    )


def _seconds(ticks: int, timescale: int) -> float:
    return ticks / timescale if timescale and ticks >= 0 else math.nan


def _track_header(track: Track, payload: bytes) -> None:
    """Take track id and rotation from `tkhd`; the matrix has (a, b, u, c, d, v, x, y, w) in 16.16 fixed point."""
    wide = payload[0] == 1
    track.id = int.from_bytes(payload[20:24] if wide else payload[12:16])
    at = 52 if wide else 40
    if len(payload) >= at + 36:
        a, b = (int.from_bytes(payload[at + 4 * i : at + 4 * i + 4], signed=True) for i in (0, 1))
        track.rotation_deg = round(math.degrees(math.atan2(b, a)) / 90) * 90 % 360 if a or b else 0.0


def _handler(track: Track, payload: bytes) -> None:
    if track.handler is None:  # QuickTime has a second hdlr, for the data handler, in minf
        track.handler = payload[8:12].decode("latin-1")


def _sample_description(track: Track, payload: bytes) -> None:
    if len(payload) >= 16:
        track.codec_tag = payload[12:16].decode("latin-1")


def _sample_sizes(track: Track, payload: bytes) -> None:
    if len(payload) >= 12:
        track.samples = int.from_bytes(payload[8:12])


def _sample_times(track: Track, payload: bytes) -> None:
    """Count the samples of `stts`, for the rare track without `stsz`."""
    if track.samples is None and len(payload) >= 8:
        entries = min(int.from_bytes(payload[4:8]), (len(payload) - 8) // 8)
        track.samples = int(np.frombuffer(payload, ">u4", 2 * entries, 8)[::2].sum(dtype=np.int64))


def _edit_list(payload: bytes, movie_scale: int, media_scale: int) -> Iterator[Edit]:
    """Read `elst`: 32-bit times in version 0, 64-bit times in version 1."""
    if len(payload) < 8:
        return
    width = 8 if payload[0] == 1 else 4
    size = 2 * width + 4
    for entry in range(min(int.from_bytes(payload[4:8]), (len(payload) - 8) // size)):
        at = 8 + entry * size
        ticks = int.from_bytes(payload[at : at + width])
        start = int.from_bytes(payload[at + width : at + 2 * width], signed=True)
        rate = int.from_bytes(payload[at + 2 * width : at + size], signed=True) / 65536
        yield Edit(_seconds(ticks, movie_scale), math.nan if start < 0 else _seconds(start, media_scale), rate)


def _nothing(track: Track, payload: bytes) -> None:
    """Boxes that `read_movie` reads itself."""


_READ = {
    "mvhd": _nothing,
    "mdhd": _nothing,
    "elst": _nothing,
    "tfhd": _nothing,
    "trun": _nothing,
    "tkhd": _track_header,
    "hdlr": _handler,
    "stsd": _sample_description,
    "stsz": _sample_sizes,
    "stz2": _sample_sizes,
    "stts": _sample_times,
}

_ENOUGH_BYTES = {"stsz": 12, "stz2": 12, "stsd": 16, "tfhd": 8, "trun": 8}
"""How much of a long box is needed."""

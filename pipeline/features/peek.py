"""A few pictures from all over a clip before it is decoded: enough to find where the recorder writes its clock.

Only key frames are decoded as long as there are enough of them, so looking ahead costs next to nothing.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import cv2

from pipeline.features.sharpest import JPEG_QUALITY, upright
from pipeline.media.frames import Picture, PictureDecoder

LISTING = "peeked.jsonl"
FEWEST_KEYS = 4
"""With fewer key frames than this, pictures between them are decoded, too."""
MOST_DECODED = 900
"""Pictures that are decoded at most to come to one between key frames."""


def peek(opened: Any, stream: Any, shift_s: float, folder: Path, count: int) -> int:
    """Write up to `count` upright pictures, evenly spread over the clip, as JPEGs into `folder`.

    The list `peeked.jsonl` says of each its name, presentation time and clockwise turn. A clip that cannot be sought
    gives pictures of its beginning.

    Parameters
    ----------
    opened : av.container.InputContainer
    stream : av.video.stream.VideoStream
        Of that container; its decoder is used.
    shift_s : float
        Added to every presentation time.
    folder : Path
    count : int

    Returns
    -------
    written : int
    """
    start_s, length_s = _extent(opened, stream)
    wanted = [start_s + length_s * (place + 0.5) / count for place in range(count)]
    decoder = PictureDecoder(stream, threads=1, shift_s=shift_s)
    keys = {picture.time_s: picture for picture in _keys(opened, stream, decoder, wanted)}
    if len(keys) < min(FEWEST_KEYS, count):
        keys |= {picture.time_s: picture for picture in _between(opened, stream, decoder, wanted)}
    written_count = 0
    with (folder / LISTING).open("w", encoding="utf-8") as listing:
        for number, (time_s, picture) in enumerate(sorted(keys.items())[:count]):
            name = f"peek-{number}.jpg"
            written, data = cv2.imencode(".jpg", upright(picture), [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
            if written:
                (folder / name).write_bytes(data.tobytes())
                row = {"name": name, "time_s": time_s, "rotation_deg": picture.rotation_deg}
                listing.write(json.dumps(row) + "\n")
                written_count += 1
    return written_count


def _extent(opened: Any, stream: Any) -> tuple[float, float]:
    """Return where the demuxer's own timeline begins and how long it is, both in seconds."""
    start_s = (opened.start_time or 0) / av.time_base
    length_s = (opened.duration or 0) / av.time_base
    if not length_s and stream.duration and stream.time_base:
        length_s = float(stream.duration * stream.time_base)
    return start_s, length_s


def _keys(opened: Any, stream: Any, decoder: PictureDecoder, wanted: list[float]) -> Iterator[Picture]:
    """Yield the key frame before each wanted time; nothing where the clip cannot be sought."""
    for time_s in wanted:
        if not _seek(opened, time_s):
            return
        for packet in opened.demux(stream):
            if packet.is_keyframe or not packet.size:
                pictures = [*decoder.decode(packet), *decoder.decode(None)] if packet.size else []
                yield from [picture for picture in pictures if math.isfinite(picture.time_s)][:1]
                break


def _between(opened: Any, stream: Any, decoder: PictureDecoder, wanted: list[float]) -> Iterator[Picture]:
    """Decode from the start and yield the last picture before each wanted time, or what there is."""
    if not _seek(opened, 0.0):
        return
    left, decoded = list(wanted), 0
    base = float(stream.time_base or 0)
    for packet in opened.demux(stream):
        if not packet.size:
            break
        for picture in decoder.decode(packet):
            decoded += 1
            if left and picture.pts is not None and picture.pts * base >= left[0]:
                left.pop(0)
                yield picture
        if not left or decoded > MOST_DECODED:
            return
    yield from [picture for picture in decoder.decode(None) if math.isfinite(picture.time_s)][: len(left)]


def _seek(opened: Any, time_s: float) -> bool:
    """Go to the key frame before `time_s` of the demuxer's timeline, which empties the decoder; tell if it went."""
    try:
        opened.seek(max(0, round(time_s * av.time_base)), backward=True)
    except av.FFmpegError:
        return False
    return True

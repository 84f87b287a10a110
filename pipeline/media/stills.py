"""Single pictures of a clip by their presentation time: a second, seeking pass for the pictures that a report shows.

The pass runs in a process of its own, so that a decoder that crashes or hangs costs pictures and nothing else.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np

from pipeline.errors import IntegrityError
from pipeline.media.evidence import demuxer
from pipeline.media.sniff import sniff

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

STEP_BACK_S = (0.0, 3.0, 30.0)
"""How long before a picture the pass lands, try by try; where all land too late it decodes from the start."""
NEAR_S = 4.0
"""A later picture this near is reached by decoding on instead of seeking."""


@dataclass(frozen=True, slots=True)
class Still:
    """One picture that was asked for."""

    wanted_s: float
    """Presentation time that was asked for, in seconds."""
    time_s: float
    """Presentation time of the picture that is shown at that time."""
    path: Path
    """JPEG, upright."""


def pictures_at(
    clip: Path,
    times_s: Sequence[float],
    folder: Path,
    stream: int,
    rotation_deg: float,
    *,
    still_width_px: int = 960,
    still_timeout_s: float = 120.0,
) -> dict[float, Still]:
    """Write the pictures that are shown at the given times as JPEG files.

    Parameters
    ----------
    clip : Path
        The footage; opened read-only.
    times_s : sequence of float
        Presentation times in seconds. The picture shown at a time is the last one that begins no later; before the
        first picture of the clip there is none.
    folder : Path
        Where the files go.
    stream : int
        Index of the video stream in the file.
    rotation_deg : float
        Clockwise turn a player must apply: 0, 90, 180 or 270.
    still_width_px : int
        The longer side of the stills; smaller pictures keep their size.
    still_timeout_s : float
        The pass is ended after this long; the stills that are done by then are kept.

    Returns
    -------
    dict
        Wanted time → still; a time whose picture could not be made is absent.
    """
    wanted = sorted({float(time) for time in times_s if np.isfinite(time)})
    if not wanted:
        return {}
    folder.mkdir(parents=True, exist_ok=True)
    order = {"times_s": wanted, "stream": stream, "rotation_deg": rotation_deg, "longest_px": still_width_px}
    command = [sys.executable, "-P", "-m", __name__, os.fsdecode(clip), os.fsdecode(folder)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)}
    try:
        done = subprocess.run(
            command,
            input=json.dumps(order).encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=still_timeout_s,
            env=environment,
            check=False,
        ).stdout
    except subprocess.TimeoutExpired as late:
        done = late.stdout or b""
    # A killed process may leave half a line behind; only whole lines name finished files.
    lines = [json.loads(line) for line in done.split(b"\n")[:-1]]
    return {line["wanted_s"]: Still(line["wanted_s"], line["time_s"], folder / line["path"]) for line in lines}


def _write_all(clip: Path, folder: Path, order: dict[str, object]) -> Iterator[Still]:
    import cv2

    times, longest = list(order["times_s"]), int(order["longest_px"])  # type: ignore[call-overload]
    turns = round(float(order["rotation_deg"]) / 90) % 4  # type: ignore[arg-type]
    with demuxer(clip, sniff(clip).demuxer) as container:
        stream = cast("VideoStream", container.streams[int(order["stream"])])  # type: ignore[call-overload]
        stream.thread_type = "AUTO"
        for number, (wanted_s, picture) in enumerate(_found(container, stream, times)):
            scale = min(1.0, longest / max(picture.width, picture.height))
            size = {"width": max(1, round(picture.width * scale)), "height": max(1, round(picture.height * scale))}
            pixels = np.rot90(picture.to_ndarray(format="bgr24", **size), -turns)
            name = f"still-{number}.jpg"
            coded = cv2.imencode(".jpg", np.ascontiguousarray(pixels), [cv2.IMWRITE_JPEG_QUALITY, 88])[1]
            (folder / name).write_bytes(coded.tobytes())
            yield Still(wanted_s, float(picture.time or 0.0), Path(name))


def _found(container: InputContainer, stream: VideoStream, times: list[float]) -> Iterator[tuple[float, VideoFrame]]:
    """Yield each wanted time, in order, with the picture shown then; skip those before the first picture."""
    import av

    pictures = _decoded(container, stream)
    shown: VideoFrame | None = None
    following: VideoFrame | None = None
    reached_s = (container.start_time or 0) / av.time_base  # nothing is decoded yet: the start is near without seeking
    for wanted in times:
        near = reached_s <= wanted + _tick(stream) and wanted - reached_s < NEAR_S
        attempts: list[float | None] = [None] if near else [*(wanted - back for back in STEP_BACK_S), -1.0]
        for attempt in attempts:
            if attempt is not None:
                shown = following = None
                try:
                    container.seek(max(0, round(attempt * av.time_base)), backward=True)
                except av.FFmpegError:  # a stream that cannot be sought: go on from where it stands
                    if attempt >= 0:
                        continue
                pictures = _decoded(container, stream)
            shown, following = _reach(pictures, shown, following, wanted + _tick(stream) / 2)
            if shown is not None:
                break
        if shown is not None:
            reached_s = _time(shown)
            yield wanted, shown


def _reach(
    pictures: Iterator[VideoFrame], shown: VideoFrame | None, following: VideoFrame | None, until_s: float
) -> tuple[VideoFrame | None, VideoFrame | None]:
    """Decode on until the next picture begins after `until_s`; return the one before it, and it."""
    if following is not None and _time(following) > until_s:
        return shown, following
    shown = following or shown
    for picture in pictures:
        if _time(picture) > until_s:
            return shown, picture
        shown = picture
    return shown, None


def _decoded(container: InputContainer, stream: VideoStream) -> Iterator[VideoFrame]:
    """Yield the pictures that decode; a damaged packet costs its own pictures only."""
    import av

    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
        except av.FFmpegError:
            packet = None
        if packet is None:
            return
        try:
            yield from (picture for picture in packet.decode() if picture.time is not None)
        except av.FFmpegError:
            continue


def _time(picture: VideoFrame) -> float:
    return float(picture.time or 0.0)


def _tick(stream: VideoStream) -> float:
    return float(stream.time_base or 0.0)


def main(clip: str, folder: str) -> None:
    """Make the pictures that standard input asks for; print one line of JSON for each that is done."""
    order = json.load(sys.stdin)
    try:
        for still in _write_all(Path(clip), Path(folder), order):
            print(json.dumps({**asdict(still), "path": str(still.path)}), flush=True)
    except (IntegrityError, OSError, IndexError, ValueError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main(*sys.argv[1:3])

"""Single pictures of a clip by their presentation time: a second, seeking pass for the pictures that a report shows.

The pass runs in a process of its own, so that a decoder that crashes or hangs costs pictures and nothing else.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import dropwhile
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import av
import cv2
import numpy as np

from pipeline.errors import IntegrityError
from pipeline.media import probe
from pipeline.media.evidence import demuxer
from pipeline.media.frames import Picture, PictureDecoder
from pipeline.media.sandbox import confine
from pipeline.media.sniff import sniff

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

STEP_BACK_S = (0.0, 3.0, 30.0)
"""How long before a picture the pass lands, try by try; where all land too late it decodes from the start."""
MEMORY_MB = 4096.0
"""Memory that the pass may ask for, in MiB."""
NEAR_S = 4.0
"""A later picture this near is reached by decoding on instead of seeking."""

FORMS = {False: (".jpg", [cv2.IMWRITE_JPEG_QUALITY, 88]), True: (".png", [cv2.IMWRITE_PNG_COMPRESSION, 3])}
"""Lossless or not → ending of the file, and how it is coded."""


@dataclass(frozen=True, slots=True)
class Still:
    """One picture that was asked for."""

    wanted_s: float
    """Presentation time that was asked for, in seconds."""
    time_s: float
    """Presentation time of the picture that is shown at that time."""
    path: Path
    """JPEG or PNG, upright."""
    width_px: int
    height_px: int
    scaled: bool = False
    """It is smaller than it was decoded."""


def pictures_at(
    clip: Path,
    times_s: Sequence[float],
    folder: Path,
    stream: int,
    rotation_deg: float,
    *,
    still_width_px: int = 1280,
    still_timeout_s: float = 120.0,
    as_stored: bool = False,
    lossless: bool = False,
) -> dict[float, Still]:
    """Write the pictures that are shown at the given times as JPEG files, or as PNG files.

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
    as_stored : bool
        Pass over edit lists: times are those of the media, and what an edit list hides is found too.
    lossless : bool
        PNG, in which every pixel is as it was decoded (and scaled, where it was); else JPEG.

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
    order |= {"as_stored": as_stored, "lossless": lossless}
    command = [sys.executable, "-P", "-m", __name__, os.fsdecode(clip), os.fsdecode(folder)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)}
    environment["OMP_NUM_THREADS"] = "1"  # threads that start with the libraries would run outside the sandbox
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
    return {line["wanted_s"]: Still(**{**line, "path": folder / line["path"]}) for line in lines}


def _write_all(clip: Path, folder: Path, order: dict[str, Any]) -> Iterator[Still]:
    turns = round(order["rotation_deg"] / 90) % 4
    kind = sniff(clip)
    with demuxer(clip, kind.demuxer, as_stored=order["as_stored"]) as container:
        stream = cast("VideoStream", container.streams[order["stream"]])
        pictures = _Pictures(container, stream, probe.shift_s(container, kind))
        for number, (wanted_s, picture) in enumerate(pictures.at(order["times_s"])):
            frame = picture.frame
            scale = min(1.0, order["longest_px"] / max(frame.width, frame.height))
            width, height = (max(1, round(side * scale)) for side in (frame.width, frame.height))
            pixels = np.rot90(frame.to_ndarray(format="bgr24", width=width, height=height), -turns)
            ending, how = FORMS[order["lossless"]]
            coded = cv2.imencode(ending, np.ascontiguousarray(pixels), how)[1]
            name = f"{'hidden' if order['as_stored'] else 'still'}-{number}{ending}"
            (folder / name).write_bytes(coded.tobytes())
            yield Still(wanted_s, picture.time_s, Path(name), pixels.shape[1], pixels.shape[0], scale < 1.0)


class _Pictures:
    """The pictures of a stream from wherever it was sought to."""

    def __init__(self, container: InputContainer, stream: VideoStream, shift_s: float) -> None:
        self._container, self._stream, self._shift_s = container, stream, shift_s
        self._decoder = PictureDecoder(stream, threads=0, shift_s=shift_s)
        self._tick_s = float(stream.time_base or 0)
        self._shown: Picture | None = None
        self._next: Picture | None = None
        self._coming = self._decoded()

    def at(self, times_s: list[float]) -> Iterator[tuple[float, Picture]]:
        """Yield each time, in order, with the picture shown then; leave out those before the first picture."""
        reached_s = (self._container.start_time or 0) / av.time_base + self._shift_s  # the start is near unsought
        for wanted_s in times_s:
            near = reached_s <= wanted_s + self._tick_s and wanted_s - reached_s < NEAR_S
            tries: list[float | None] = [None] if near else []
            for start_s in [*tries, *(wanted_s - back_s for back_s in STEP_BACK_S), -math.inf]:
                if start_s is not None and not self._seek(start_s):
                    continue
                self._reach(wanted_s + self._tick_s / 2)
                if self._shown is not None:
                    reached_s = self._shown.time_s
                    yield wanted_s, self._shown
                    break

    def _seek(self, time_s: float) -> bool:
        """Go to a key frame before `time_s`; False for a stream that cannot be sought."""
        self._shown = self._next = None
        offset = max(0, round((time_s - self._shift_s) * av.time_base)) if math.isfinite(time_s) else 0
        try:
            self._container.seek(offset, backward=True)
        except av.FFmpegError:
            return False
        self._coming = self._decoded()
        if math.isfinite(time_s):
            # What comes before a key frame refers to pictures that were not decoded: it would show something else.
            self._coming = dropwhile(lambda picture: not picture.key, self._coming)
        return True

    def _reach(self, until_s: float) -> None:
        """Decode on until the next picture begins after `until_s`."""
        if self._next is not None and self._next.time_s > until_s:
            return
        self._shown, self._next = self._next or self._shown, None
        for picture in self._coming:
            if picture.time_s > until_s:
                self._next = picture
                return
            self._shown = picture

    def _decoded(self) -> Iterator[Picture]:
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets, None)
            except av.FFmpegError:
                packet = None
            if packet is None or (not packet.size and packet.pts is None):
                yield from (picture for picture in self._decoder.decode(None) if math.isfinite(picture.time_s))
                return
            yield from (picture for picture in self._decoder.decode(packet) if math.isfinite(picture.time_s))


def main(clip: str, folder: str) -> None:
    """Make the pictures that standard input asks for; print one line of JSON for each that is done."""
    order = json.load(sys.stdin)
    confine(Path(clip), Path(folder), memory_mb=MEMORY_MB)
    try:
        for still in _write_all(Path(clip), Path(folder), order):
            print(json.dumps({**asdict(still), "path": str(still.path)}), flush=True)
    except (IntegrityError, av.FFmpegError, OSError, IndexError, ValueError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main(*sys.argv[1:3])

"""The only place that decodes pictures."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import av
import numpy as np
from av.codec.context import Flags
from av.video.frame import PictureType
from numpy.typing import NDArray

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

Luma = NDArray[np.uint8]

LUMA_FIRST = frozenset(
    [f"yuv{j}{chroma}p" for j in ("", "j") for chroma in ("410", "411", "420", "422", "440", "444")]
    + ["yuva420p", "yuva422p", "yuva444p", "nv12", "nv21", "nv16", "nv24", "nv42", "gray"]
)
"""Pixel formats whose first plane is 8-bit luma: no conversion is needed."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One decoded picture, as stored (not turned upright)."""

    frame: VideoFrame
    luma: Luma
    """uint8, shape (height, width), read-only; full or limited range as the stream has it."""
    pts: int | None
    time_s: float
    """Presentation time; NaN where the stream has none."""
    duration_s: float
    key: bool
    type: str
    interlaced: bool
    damaged: bool

    @property
    def rotation_deg(self) -> float:
        """Clockwise turn a player must apply: 0, 90, 180 or 270."""
        return float(round(-self.frame.rotation / 90) * 90 % 360)


def luma(frame: VideoFrame) -> Luma:
    """Return the brightness of a decoded frame: uint8, shape (height, width).

    The first plane itself where the pixel format has 8-bit luma there (without its line padding), else a conversion
    to 8-bit grey.
    """
    if frame.format.name not in LUMA_FIRST or frame.planes[0].line_size < frame.width:
        frame = frame.reformat(format="gray8")
    plane = frame.planes[0]
    lines: Luma = np.frombuffer(memoryview(plane), np.uint8)
    height = min(frame.height, len(lines) // plane.line_size)
    return lines[: height * plane.line_size].reshape(height, plane.line_size)[:, : frame.width]


class PictureDecoder:
    """Packets of one video stream in, pictures out, errors counted.

    Parameters
    ----------
    stream : VideoStream
    threads : int
        Decoder threads.
    shift_s : float
        Added to every presentation time.

    Notes
    -----
    The decoder is told to hand out broken pictures too, marked as such. Where a packet cannot be decoded at all, or
    gives a broken picture, every picture shown from there on, up to the next key frame, counts as damaged: it was
    predicted from what is missing.
    """

    def __init__(self, stream: VideoStream, *, threads: int, shift_s: float) -> None:
        self._context = stream.codec_context
        self._context.thread_type = "AUTO"
        self._context.thread_count = threads
        self._context.flags |= Flags.output_corrupt
        self._base = float(stream.time_base) if stream.time_base else math.nan
        self._shift_s = shift_s
        self._broken_since: int | None = None
        self.failed = 0
        """Packets that the decoder refused."""
        self.reason = ""
        """What it said of the last one."""
        self.starved = False
        """It asked for memory and got none."""

    def decode(self, packet: Packet[VideoStream] | None) -> Iterator[Picture]:
        """Yield the pictures that a packet completes; None asks for those that are still inside."""
        try:
            frames = self._context.decode(packet)
        except av.FFmpegError as error:
            if packet is not None or not isinstance(error, EOFError):
                self.failed += 1
                self.reason = str(error.strerror or error)
                self.starved = self.starved or isinstance(error, MemoryError)
                if self._broken_since is None:
                    self._broken_since = packet.pts if packet is not None and packet.pts is not None else -(1 << 63)
            return
        for frame in frames:
            yield self._picture(frame)

    def _picture(self, frame: VideoFrame) -> Picture:
        behind = self._broken_since is not None and (frame.pts is None or frame.pts >= self._broken_since)
        if behind and frame.key_frame:
            self._broken_since, behind = None, False
        if frame.is_corrupt and self._broken_since is None:
            self._broken_since = -(1 << 63) if frame.pts is None else frame.pts
        return Picture(
            frame=frame,
            luma=luma(frame),
            pts=frame.pts,
            time_s=math.nan if frame.pts is None else frame.pts * self._base + self._shift_s,
            duration_s=frame.duration * self._base if frame.duration else math.nan,
            key=frame.key_frame,
            type=PictureType(frame.pict_type).name if frame.pict_type else "?",
            interlaced=frame.interlaced_frame,
            damaged=frame.is_corrupt or behind,
        )

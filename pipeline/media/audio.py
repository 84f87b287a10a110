"""The only place that decodes sound."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import av
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.audio.stream import AudioStream
    from av.packet import Packet

Samples = NDArray[np.float32]

SEAM_S = 0.010
"""Presentation times that differ from the running count of samples by less than this are rounding of the container
(1 ms in Matroska and FLV); by more, they are a gap or a step back."""


@dataclass(frozen=True, slots=True)
class Sound:
    """A piece of decoded sound."""

    samples: Samples
    """float32, shape (channels, n), -1..1."""
    rate_hz: int
    time_s: float
    """Presentation time of the first sample."""
    joined: bool
    """It follows the piece before without a gap."""


def samples_of(frame: AudioFrame) -> Samples:
    """Return a frame's samples as float32 in -1..1, shape (channels, n), whatever format they are stored in."""
    data = frame.to_ndarray()
    if not frame.format.is_planar:
        data = data.reshape(-1, len(frame.layout.channels)).T
    if data.dtype == np.uint8:
        return ((data.astype(np.float32) - 128) / 128).astype(np.float32)
    if data.dtype.kind == "i":
        return (data.astype(np.float32) / float(2 ** (8 * data.dtype.itemsize - 1))).astype(np.float32)
    return np.nan_to_num(data.astype(np.float32))


class SoundDecoder:
    """Packets of one audio stream in, pieces of sound on the presentation timeline out, errors counted.

    Parameters
    ----------
    stream : AudioStream
    shift_s : float
        Added to every presentation time.
    """

    def __init__(self, stream: AudioStream, *, shift_s: float) -> None:
        self._context = stream.codec_context
        self._base = float(stream.time_base) if stream.time_base else math.nan
        self._shift_s = shift_s
        self._next_s = math.nan
        self._form: tuple[int, int] | None = None
        self.failed = 0
        """Packets that the decoder refused."""
        self.reason = ""
        """What it said of the last one."""

    def decode(self, packet: Packet[AudioStream] | None) -> Iterator[Sound]:
        """Yield the sound that a packet completes; None asks for what is still inside."""
        try:
            frames = self._context.decode(packet)
        except av.FFmpegError as error:
            if packet is not None or not isinstance(error, EOFError):
                self.failed += 1
                self.reason = str(error.strerror or error)
            return
        for frame in frames:
            if frame.samples and frame.sample_rate:
                yield self._sound(frame)

    def _sound(self, frame: AudioFrame) -> Sound:
        base = float(frame.time_base) if frame.time_base else self._base
        stated = math.nan if frame.pts is None else frame.pts * base + self._shift_s
        samples = samples_of(frame)
        form = (frame.sample_rate, len(samples))
        joined = form == self._form and not abs(stated - self._next_s) > SEAM_S
        if joined or math.isnan(stated):  # the running count; 0 s for a stream that states no time at all
            stated = 0.0 if math.isnan(self._next_s) else self._next_s
        self._form, self._next_s = form, stated + samples.shape[1] / frame.sample_rate
        return Sound(samples, frame.sample_rate, stated, joined)

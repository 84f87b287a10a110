"""The tracks of a viewing copy: pictures and sound, each written at its time on the clip's presentation timeline."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import av
import numpy as np
from av.video.frame import PictureType
from numpy.typing import NDArray

from pipeline.media.copy_mark import GROUND, copy_strip

if TYPE_CHECKING:
    from pipeline.media.audio import Sound
    from pipeline.media.frames import Picture

MOST_LINES, MOST_COLUMNS = 1080, 1920
KEY_EVERY_S = 1.0
"""Distance of key frames: what a player must decode to reach a picture that is sought."""
RATE_HZ = 48_000
MOST_S = 172_800.0
"""What lies later on the timeline is left out: two days, more than any recorder runs."""
HELD_S = 0.04
"""How long the last picture is shown where it does not say."""

Planes = NDArray[np.uint8]


class PictureTrack:
    """Pictures, upright, scaled to what a browser shows, with the strip below them.

    Parameters
    ----------
    out : OutputContainer
    codec : str
        Name of the encoder.
    ticks_hz : int
        Ticks of the track's clock in a second.
    offset_s : float
        Added to every time, so that none is negative.
    turn_deg : float
        Clockwise turn that puts the pictures upright.
    aspect : float
        Width of a stored pixel, in heights.
    first : VideoFrame
        The first picture: it tells the size and the colours of all; later ones of another size are scaled to it.
    options : dict
        Of the encoder.
    """

    def __init__(
        self,
        out: Any,
        codec: str,
        ticks_hz: int,
        offset_s: float,
        turn_deg: float,
        aspect: float,
        first: av.VideoFrame,
        options: dict[str, str],
    ) -> None:
        self._out, self._ticks_hz, self._offset_s = out, ticks_hz, offset_s
        self._turns = round(turn_deg / 90) % 4
        self._stream = out.add_stream(codec, options=options)
        self._stream.codec_context.max_b_frames = 0  # decoding order is then that of showing: no edit list is needed
        self._stream.codec_context.time_base = self._stream.time_base = Fraction(1, ticks_hz)
        self._stream.codec_context.gop_size = 250
        self._stream.codec_context.thread_count = 2
        self._size = self._fitted(first.width * aspect, float(first.height))
        self.size = (self._size[0], self._size[1] + len(copy_strip(self._size[0])))
        """Width and height of the copy, strip included, in px."""
        self._describe(first)
        self._last = -1
        self._last_key = -math.inf
        self.written = 0
        """Pictures of the clip in the copy."""
        self.left_out = 0
        """Pictures without a time, or with one that does not come after that of the picture before."""
        self.lead_s = 0.0
        """How long the copy shows an empty picture before the first one, in seconds."""

    def take(self, picture: Picture) -> None:
        """Write a picture."""
        time_s = picture.time_s + self._offset_s
        tick = round(time_s * self._ticks_hz) if 0 <= time_s <= MOST_S else -1
        if tick <= self._last:
            self.left_out += 1
            return
        if self._last < 0 < tick:  # players differ on a track that begins late; so it begins with an empty picture
            self._write(self._empty(), 0, tick)
            self.lead_s = time_s
        held_s = picture.duration_s if picture.duration_s > 0 else HELD_S
        self._write(self._planes(picture.frame), tick, max(1, round(held_s * self._ticks_hz)))
        self.written += 1

    def finish(self) -> None:
        """Write what the encoder still holds."""
        self._mux(self._stream.encode(None))

    def _fitted(self, width: float, height: float) -> tuple[int, int]:
        """Return the size that a picture has in the copy, in px, both even."""
        if self._turns % 2:
            width, height = height, width
        scale = min(1.0, MOST_LINES / height, MOST_COLUMNS / width)
        return max(16, 2 * round(width * scale / 2)), max(16, 2 * round(height * scale / 2))

    def _describe(self, frame: av.VideoFrame) -> None:
        """Tell the encoder size and colours."""
        self._stream.width, self._stream.height = self.size
        self._stream.pix_fmt = "yuv420p"
        context = self._stream.codec_context
        context.color_range = 1  # limited
        if frame.format.components[0].bits >= 8 and not frame.format.is_rgb:
            for name in ("colorspace", "color_primaries", "color_trc"):
                value = getattr(frame, name, None)
                if value is not None and int(value) not in {0, 2}:  # RGB, not stated
                    setattr(context, name, int(value))

    def _planes(self, frame: av.VideoFrame) -> Planes:
        """Return a picture with its strip as Y, U and V planes one below the other."""
        width, height = self._size
        stored = (height, width) if self._turns % 2 else (width, height)
        full = frame.color_range == 2 or "yuvj" in frame.format.name or frame.format.is_rgb
        limited = "MPEG" if full else None  # None: a picture that fits is not copied
        fitted = frame.reformat(width=stored[0], height=stored[1], format="yuv420p", dst_color_range=limited)
        shown: Planes = np.asarray(fitted.to_ndarray(), np.uint8)
        if self._turns:
            shown = _turned(shown, stored, self._turns)
        return self._with_strip(shown)

    def _empty(self) -> Planes:
        width, height = self._size
        planes = np.full((height * 3 // 2, width), 128, np.uint8)
        planes[:height] = GROUND
        return self._with_strip(planes)

    def _with_strip(self, planes: Planes) -> Planes:
        width, height = self._size
        strip = copy_strip(width)
        grey = np.full(strip.size // 4, 128, np.uint8)
        chroma = planes[height:].reshape(2, -1)
        parts = (planes[:height].ravel(), strip.ravel(), chroma[0], grey, chroma[1], grey)
        return np.concatenate(parts).reshape(-1, width)

    def _write(self, planes: Planes, tick: int, held: int) -> None:
        frame = av.VideoFrame.from_ndarray(planes, "yuv420p")
        frame.pts, frame.time_base, frame.duration = tick, Fraction(1, self._ticks_hz), held
        frame.color_range = 1
        if tick / self._ticks_hz - self._last_key >= KEY_EVERY_S:
            frame.pict_type = PictureType.I
            self._last_key = tick / self._ticks_hz
        self._last = tick
        self._mux(self._stream.encode(frame))

    def _mux(self, packets: list[Any]) -> None:
        for packet in packets:
            packet.duration = packet.duration or 1
            self._out.mux(packet)


def _turned(planes: Planes, stored: tuple[int, int], turns: int) -> Planes:
    """Turn Y, U and V planes clockwise by quarters."""
    width, height = stored
    half = (height // 2, width // 2)
    luma = np.rot90(planes[:height], -turns)
    chroma = [np.rot90(plane.reshape(half), -turns).ravel() for plane in planes[height:].reshape(2, -1)]
    return np.concatenate([luma.ravel(), *chroma]).reshape(-1, luma.shape[1])


class SoundTrack:
    """Sound at 48 kHz, mono or stereo; gaps in it are filled with silence, so that players keep its time.

    Parameters
    ----------
    out : OutputContainer
    codec : str
        Name of the encoder.
    channels : int
        Of the clip: with two the copy is stereo, else mono.
    offset_s : float
        Added to every time.
    """

    def __init__(self, out: Any, codec: str, channels: int, offset_s: float) -> None:
        self._out, self._offset_s = out, offset_s
        self._channels = 2 if channels == 2 else 1
        self._layout = "stereo" if self._channels == 2 else "mono"
        self._stream = out.add_stream(codec, rate=RATE_HZ)
        self._stream.codec_context.layout = self._layout
        self._stream.codec_context.bit_rate = 64_000 * self._channels
        self._format = self._stream.codec_context.format.name
        self._resampler: Any = None
        self._rate_hz = 0
        self._position = 0
        self._skip = 0
        self.heard_s = 0.0
        """Seconds of sound of the clip in the copy."""
        self.left_out_s = 0.0
        """Seconds of sound whose time lay before the end of what was written already."""
        self.silent_s = 0.0
        """Seconds of silence put in where the clip has no sound."""

    def take(self, sound: Sound) -> None:
        """Write a piece of sound."""
        time_s = sound.time_s + self._offset_s
        if not time_s <= MOST_S:
            self.left_out_s += sound.samples.shape[1] / sound.rate_hz
            return
        if not sound.joined or self._resampler is None or sound.rate_hz != self._rate_hz:
            self._break(round(time_s * RATE_HZ), sound.rate_hz)
        samples = sound.samples
        if len(samples) != self._channels:
            samples = np.broadcast_to(samples.mean(axis=0), (self._channels, samples.shape[1]))
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples, np.float32), "fltp", self._layout)
        frame.sample_rate = sound.rate_hz
        for part in self._resampler.resample(frame):
            self._give(part.to_ndarray())

    def finish(self) -> None:
        """Write what resampler and encoder still hold."""
        self._flush()
        if self._position:
            self._out.mux(self._stream.encode(None))

    def _flush(self) -> None:
        if self._resampler is not None:
            for part in self._resampler.resample(None):
                self._give(part.to_ndarray())
            self._resampler = None

    def _break(self, target: int, rate_hz: int) -> None:
        """Begin a run at the sample `target`: silence up to there, or leave out what lies before it."""
        self._flush()
        self._resampler = av.AudioResampler(format="fltp", layout=self._layout, rate=RATE_HZ)
        self._rate_hz = rate_hz
        self.silent_s += max(0, target - self._position) / RATE_HZ
        while self._position < target:
            self._encode(np.zeros((self._channels, min(RATE_HZ, target - self._position)), np.float32))
        self._skip = self._position - target

    def _give(self, samples: NDArray[np.float32]) -> None:
        skipped = min(self._skip, samples.shape[1])
        self._skip -= skipped
        self.left_out_s += skipped / RATE_HZ
        samples = samples[:, skipped:]
        self.heard_s += samples.shape[1] / RATE_HZ
        if samples.shape[1]:
            self._encode(samples)

    def _encode(self, samples: NDArray[np.float32]) -> None:
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples), "fltp", self._layout)
        frame.sample_rate, frame.pts, frame.time_base = RATE_HZ, self._position, Fraction(1, RATE_HZ)
        self._position += samples.shape[1]
        self._out.mux(self._stream.encode(frame))

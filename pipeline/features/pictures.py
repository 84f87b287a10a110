"""The pictures on their way through the measuring process: decoded, measured, and what is kept of them."""

from __future__ import annotations

from typing import Any

from pipeline.features import luma
from pipeline.features.saying import say_gap
from pipeline.features.sharpest import Sharpest
from pipeline.features.spool import Spool
from pipeline.features.strips import Strips
from pipeline.media.frames import Picture, PictureDecoder

PICTURES_FAILED = "{failed} packets of pictures could not be decoded ({reason}); {decoded} pictures were."
PICTURES_DAMAGED = (
    "{damaged} of {decoded} pictures are damaged: the decoder made up parts of them. Copy the clip again from the "
    "recorder and scan that copy."
)
PICTURES_MISSING = "{missing} of {packets} packets of pictures gave no picture."
PICTURES_STARVED = (
    "The decoder of the pictures asked for more memory than it may use. If the pictures are really that large "
    "({width} × {height}), raise memory_mb in section media of the settings and scan the clip again."
)
ENCRYPTED = (
    "The pictures of this file are encrypted ({codec}); none could be examined. Export the recording unlocked with the "
    "recorder maker's tool; keep this file as it is."
)
NO_PICTURE = "No picture could be decoded, although the file holds {packets} packets of pictures ({codec})."


class Pictures:
    """Decodes and measures the pictures.

    Parameters
    ----------
    stream : av.video.stream.VideoStream
    shift_s : float
        Added to every presentation time.
    threads : int
        Decoder threads.
    spool : Spool
        Of table `frames`.
    sharpest : Sharpest
    strips : Strips or None
        None: the clip shows no clock.
    """

    def __init__(
        self, stream: Any, shift_s: float, threads: int, spool: Spool, sharpest: Sharpest, strips: Strips | None
    ) -> None:
        self.index, self.codec = stream.index, codec_name(stream)
        self._size = {"width": stream.width, "height": stream.height}
        self.decoder = PictureDecoder(stream, threads=threads, shift_s=shift_s)
        self.damaged = 0
        self.rotation_deg = 0.0
        self.encrypted = False
        self._fields = 0
        self._spool, self._sharpest, self._strips = spool, sharpest, strips
        self._looks: tuple[luma.Look | None, luma.Look | None] = (None, None)

    def take(self, packet: Any) -> None:
        """Measure every picture that a packet completes."""
        for picture in self.decoder.decode(packet):
            self.measure(picture, self._spool.rows)

    def measure(self, picture: Picture, frame: int, *, keep: bool = True) -> None:
        """Measure a picture, which is row `frame` of the clip; with `keep`, keep it and its clock for reading, too."""
        before, before_last = self._looks
        now, columns = luma.measure(picture.luma, before, before_last)
        self._looks = (now, before)
        if keep:
            self._sharpest.add(picture, frame, columns["sharpness"])
            if self._strips:
                self._strips.add(picture, frame)
        self.damaged += picture.damaged
        self.rotation_deg = self.rotation_deg or picture.rotation_deg
        self._fields += picture.interlaced
        height, width = picture.luma.shape
        self._spool.append(
            {
                "pts": picture.pts,
                "time_s": picture.time_s,
                "duration_s": picture.duration_s,
                "key": picture.key,
                "picture_type": picture.type,
                "interlaced": picture.interlaced,
                "damaged": picture.damaged,
                "width": width,
                "height": height,
                **columns,
            }
        )

    def finish(self, packets: int) -> None:
        """Say what of `packets` packets could not be examined."""
        decoded, failed = self._spool.rows, self.decoder.failed
        # An interlaced picture may come in two packets; VP8 has packets that are never shown.
        missing = 0 if self.codec == "vp8" else packets - decoded - self._fields
        if packets and not decoded and self.encrypted:
            say_gap("pictures", ENCRYPTED, codec=self.codec)
        elif packets and not decoded:
            say_gap("pictures", NO_PICTURE, packets=packets, codec=self.codec)
        elif failed:
            reason = self.decoder.reason
            say_gap("pictures", PICTURES_FAILED, failed=failed, reason=reason, decoded=decoded)
        elif missing > max(2, packets // 100):
            say_gap("pictures", PICTURES_MISSING, missing=missing, packets=packets)
        if self.decoder.starved:
            say_gap("pictures", PICTURES_STARVED, **self._size)
        if self.damaged:
            say_gap("pictures", PICTURES_DAMAGED, damaged=self.damaged, decoded=decoded)


def codec_name(stream: Any) -> str:
    """Return FFmpeg's name of a stream's codec."""
    return str(stream.codec_context.codec.canonical_name) if stream.codec_context else str(stream.name or "?")

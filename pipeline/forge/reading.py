"""Reading pictures and sound of a take again, by their numbers, without ever holding more than a window of them."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pipeline.errors import FootageError
from pipeline.media.audio import Samples, SoundDecoder
from pipeline.media.evidence import demuxer
from pipeline.media.frames import Picture, PictureDecoder
from pipeline.media.probe import default_streams
from pipeline.media.sniff import Container
from pipeline.model import Message

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

    from pipeline.forge.take import Take

_AHEAD = 240
"""Pictures that are rather decoded and passed over than sought."""
_BACK_S = 12.0
"""Sound that is kept, to be read once more without decoding from the start."""


def pictures_of(path: Path, container: Container, seek: int | None = None) -> Generator[Picture]:
    """Yield decoded pictures, from the key picture at or before the time `seek` (in the stream's own unit)."""
    with demuxer(path, container.demuxer) as opened:
        chosen = next((index for index, kind in default_streams(opened).items() if kind == "video"), None)
        if chosen is None:
            raise FootageError(Message("{path}: it holds no pictures.", {"path": str(path)}))
        stream = opened.streams[chosen]
        decoder = PictureDecoder(stream, threads=1, shift_s=0.0)  # type: ignore[arg-type]
        if seek is not None:
            opened.seek(seek, stream=stream)
        for packet in opened.demux(stream):
            if packet.size:
                yield from decoder.decode(packet)  # type: ignore[arg-type]
        yield from decoder.decode(None)


def sound_of(path: Path, container: Container, start_s: float) -> Generator[tuple[int, Samples, int]]:
    """Yield the sound from `start_s` (the file's own time) on: number of its first sample, samples, rate in Hz."""
    with demuxer(path, container.demuxer) as opened:
        chosen = next((index for index, kind in default_streams(opened).items() if kind == "audio"), None)
        if chosen is None:
            return
        stream = opened.streams[chosen]
        decoder = SoundDecoder(stream, shift_s=-start_s)  # type: ignore[arg-type]
        after = 0
        packets = (packet for packet in opened.demux(stream) if packet.size)
        for packet in chain(packets, [None]):
            for heard in decoder.decode(packet):  # type: ignore[arg-type]
                first = after if heard.joined else round(heard.time_s * heard.rate_hz)
                after = first + heard.samples.shape[1]
                if after > 0:
                    inside = heard.samples[:2, max(0, -first) :]
                    yield max(0, first), inside, heard.rate_hz


class PictureReader:
    """Pictures of a take by number; reading on is cheap, reading back costs the way from the last key picture."""

    def __init__(self, take: Take) -> None:
        self._take = take
        self._open: Generator[Picture] | None = None
        self._ready: Picture | None = None
        self._next = 0
        self._frame: VideoFrame | None = None

    def close(self) -> None:
        """Close the file."""
        if self._open is not None:
            self._open.close()
        self._open = self._ready = self._frame = None

    def __getitem__(self, number: int) -> VideoFrame:
        """Return picture `number`.

        Raises
        ------
        FootageError
            If decoding does not come that far this time.
        """
        if self._frame is not None and number == self._next - 1:
            return self._frame
        if self._open is None or number < self._next or number > self._next + _AHEAD:
            self._move(number)
        while (picture := self._step()) is not None:
            if self._next > number:
                self._frame = picture.frame
                return picture.frame
        message = "{path}: picture {number} cannot be decoded again."
        raise FootageError(Message(message, {"path": str(self._take.path), "number": number}))

    def _step(self) -> Picture | None:
        picture, self._ready = self._ready, None
        if picture is None and self._open is not None:
            picture = next(self._open, None)
        self._next += picture is not None
        return picture

    def _move(self, number: int) -> None:
        """Let the next picture be the last key picture up to `number`; the first one where seeking does not work."""
        take = self._take
        key = int(take.keys[np.searchsorted(take.keys, number, "right") - 1]) if len(take.keys) else 0
        if self._open is not None and key <= self._next <= number:
            return
        self.close()
        if 0 < key <= number and len(take.pts):
            mark = int(take.pts[key])
            self._open = pictures_of(take.path, take.container, mark)
            found = next((picture for picture in self._open if picture.pts is not None and picture.pts >= mark), None)
            if found is not None and found.pts == mark:
                self._ready, self._next = found, key
                return
            self.close()
        self._open, self._next = pictures_of(take.path, take.container), 0


class SoundReader:
    """Sound of a take by number of the sample; what was read within the last seconds can be read again."""

    def __init__(self, take: Take) -> None:
        self._take = take
        self._open: Generator[tuple[int, Samples, int]] | None = None
        self._kept: deque[tuple[int, Samples]] = deque()
        self._end = 0

    def close(self) -> None:
        """Close the file."""
        if self._open is not None:
            self._open.close()
        self._open = None

    def read(self, first: int, count: int) -> Samples:
        """Return `count` samples from `first` on: float32, shape (channels, count); zeros where there is no sound."""
        take = self._take
        out = np.zeros((take.channels, count), np.float32)
        if self._open is None or (self._kept and first < self._kept[0][0]):
            self.close()
            self._kept.clear()
            self._open, self._end = sound_of(take.path, take.container, take.start_s), 0
        while self._end < first + count and (piece := next(self._open, None)) is not None:
            start, samples, rate_hz = piece
            if rate_hz != take.rate_hz or len(samples) < take.channels:
                continue
            self._end = start + samples.shape[1]
            self._kept.append((start, samples))
            while self._end - self._kept[0][0] > _BACK_S * rate_hz + samples.shape[1]:
                self._kept.popleft()
        for start, samples in self._kept:
            low, high = max(first, start), min(first + count, start + samples.shape[1])
            if low < high:
                out[:, low - first : high - first] = samples[: take.channels, low - start : high - start]
        return out

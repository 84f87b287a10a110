"""One slice of the pictures in the measuring process: it starts at an earlier key frame and counts what is its own.

Whatever is not exactly as the packets of the whole clip foretell ends it (`OutOfStepError`): then the clip is measured
in one pass.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.features.kept import ClockPlace, write_turn
from pipeline.features.pictures import Pictures
from pipeline.features.saying import Signs, say
from pipeline.features.sharpest import Sharpest
from pipeline.features.spool import Spool
from pipeline.features.strips import Strips
from pipeline.media import probe
from pipeline.media.evidence import demuxer
from pipeline.media.frames import Picture, PictureDecoder
from pipeline.media.sniff import sniff

FORETOLD = "foretold.npz"
"""Written by the parent: `order`, int64, the times of all pictures in ticks in the order in which they are shown;
`packets`, int64, shape (packets, 6), of every packet of the stream what `_marks` returns."""

Numbers = NDArray[np.int64]


class OutOfStepError(Exception):
    """The slice is not what the clip's packets foretell."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Which rows of table `frames` a slice has."""

    start: int
    """First one that is measured."""
    first: int
    """First one that counts."""
    stop: int
    """First one that counts no more."""


class Piece(Pictures):
    """Decodes and measures the pictures of a slice.

    Parameters
    ----------
    order : int64, shape (pictures,)
        Times of all pictures of the clip, in ticks, as they are shown.
    rows : Rows
    how
        Further arguments of `Pictures`.
    """

    def __init__(self, order: Numbers, rows: Rows, *how: Any) -> None:
        super().__init__(*how)
        self._order, self._rows = order, rows
        self._next: int | None = None
        self._turn_deg = 0.0

    @property
    def done(self) -> bool:
        """Whether every picture was measured."""
        return self._next == self._rows.stop

    @property
    def measured(self) -> int:
        """How many pictures were measured."""
        return 0 if self._next is None else self._next - self._rows.start

    def take(self, packet: Any) -> None:
        """Measure every picture of the slice that a packet completes."""
        for picture in self.decoder.decode(packet):
            if not self.done:
                self._step(picture)
        if self.decoder.failed:
            raise OutOfStepError(self.decoder.reason)

    def _step(self, picture: Picture) -> None:
        if self._next is None:
            if picture.pts is None or picture.pts < self._order[self._rows.start]:
                return  # it leads the key frame at which the decoder started
            self._next, self._turn_deg = self._rows.start, picture.rotation_deg
        if picture.pts != self._order[self._next] or picture.damaged or picture.interlaced:
            raise OutOfStepError(f"picture {picture.pts}, row {self._next}")
        if picture.rotation_deg != self._turn_deg:
            raise OutOfStepError(f"turned by {picture.rotation_deg} degrees")
        self.measure(picture, self._next, keep=self._next >= self._rows.first)
        self._next += 1


def measure_piece(
    path: Path,
    folder: Path,
    *,
    rows: Sequence[int],
    from_packet: int,
    windows: Sequence[float],
    threads: int,
    clock: dict[str, Sequence[float]] | None,
) -> None:
    """Measure a slice of a clip's pictures into `folder`.

    Parameters
    ----------
    path, folder : Path
        In `folder` stands what is foretold.
    rows : sequence of int
        The fields of `Rows`.
    from_packet : int
        Where the decoder starts.
    windows : sequence of float
        The arguments of `Sharpest`.
    threads : int
        Decoder threads.
    clock : dict, optional
        The fields of `ClockPlace`.

    Raises
    ------
    OutOfStepError
        If the slice is not what the clip's packets foretell.
    """
    with np.load(folder / FORETOLD) as foretold:
        order, packets = foretold["order"], foretold["packets"]
    mine = Rows(*rows)
    container = sniff(path)
    with ExitStack() as stack:
        opened = stack.enter_context(demuxer(path, container.demuxer))
        streams = probe.default_streams(opened)
        stream: Any = next(opened.streams[index] for index, kind in streams.items() if kind == "video")
        shift = probe.shift_s(opened, container)
        sharpest = Sharpest(folder, *windows)
        stack.callback(sharpest.finish)
        strips = None
        if clock is not None:
            strips = Strips(folder, ClockPlace(tuple(clock["digits"]), tuple(clock["line"])))  # type: ignore[arg-type]
            stack.callback(strips.finish)
            base = float(stream.time_base)
            strips.pass_over(pts * base + shift for pts in order[: mine.first].tolist())
        spool = stack.enter_context(Spool(folder, "frames", batch_rows=64))
        piece = Piece(order, mine, stream, shift, threads, spool, sharpest, strips)
        if from_packet:
            _prime(opened, stream, piece.decoder)
        signs = Signs("pictures", mine.stop - mine.start)
        for packet in _packets(opened, stream, packets, from_packet, signs):
            piece.take(packet)
            signs.give(piece.measured)
            if piece.done:
                break
        else:
            piece.take(None)
    if not piece.done:
        raise OutOfStepError(f"{piece.measured} pictures of {mine.stop - mine.start}")
    write_turn(folder, piece.rotation_deg)
    say({"stage": "pictures", "done": 1.0, "failed": 0})


def _prime(opened: Any, stream: Any, decoder: PictureDecoder) -> None:
    """Let the decoder see the clip's first packet: what holds for the whole stream may stand there and nowhere else."""
    for packet in opened.demux(stream):
        if packet.size:
            for _ in decoder.decode(packet):
                pass
            return


def _packets(opened: Any, stream: Any, foretold: Numbers, from_packet: int, signs: Signs) -> Iterator[Any]:
    """Yield the packets from `from_packet` on, each one as foretold."""
    place = from_packet if not from_packet else _sought(opened, stream, foretold, from_packet)
    for packet in opened.demux(stream):
        if not packet.size and packet.pts is None:
            continue  # PyAV's request to flush
        if place >= len(foretold) or _marks(packet) != tuple(foretold[place].tolist()):
            raise OutOfStepError(f"packet {place}")
        if place >= from_packet:
            yield packet
        else:
            signs.give(0)
        place += 1


def _sought(opened: Any, stream: Any, foretold: Numbers, from_packet: int) -> int:
    """Seek, which empties the decoder too; return the number of the packet that comes next, `from_packet` or before."""
    for pts in (int(foretold[from_packet, 0]), int(foretold[0, 0])):
        opened.seek(pts, stream=stream, backward=True)
        first = next((packet for packet in opened.demux(stream) if packet.size), None)
        if first is None:
            continue
        places = np.flatnonzero(foretold[:, 0] == first.pts)
        if len(places) and places[0] <= from_packet:
            opened.seek(pts, stream=stream, backward=True)
            return int(places[0])
    raise OutOfStepError("the packet cannot be sought")


def _marks(packet: Any) -> tuple[int, ...]:
    """Return by what a packet is known: pts, duration, size, position (-1: unknown), key, discard."""
    position = packet.pos if packet.pos is not None and packet.pos >= 0 else -1
    return (packet.pts, packet.duration or 0, packet.size, position, packet.is_keyframe, packet.is_discard)

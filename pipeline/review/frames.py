"""Single pictures of a clip in the order in which they are shown, and what is known of each; nothing is decoded."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pipeline.model import Column, Features, Table

Place = Literal["before", "in", "after"]


@dataclass(frozen=True, slots=True)
class PacketFacts:
    """The packet that a picture was decoded from, as it lies in the file."""

    number: int
    """Its place among the packets of the stream, in the order in which they are decoded; the first is 0."""
    dts: int | None
    dts_s: float | None
    size_bytes: int
    position_bytes: int | None
    """Where it lies in the file."""
    key: bool
    """The container marks it as a key frame."""
    corrupt: bool
    """The demuxer marked it as damaged."""
    slice_type: str | None
    reference: int | None
    """H.264: nal_ref_idc; HEVC: 1 if pictures of its layer may refer to it. Else, and where it is not known, None."""


@dataclass(frozen=True, slots=True)
class FrameFacts:
    """What is known of one picture; None: not known."""

    frame: int
    """Row of table `frames`, the number that findings use; the first picture is 0."""
    place: Place
    """Where it lies: before, in or after what was asked for."""
    pts: int | None
    """Presentation time in the stream's time base: what names the picture in the file."""
    time_s: float | None
    duration_s: float | None
    key: bool
    picture_type: str | None
    interlaced: bool
    damaged: bool
    """The decoder reported errors or concealed parts of it."""
    width_px: int
    height_px: int
    alone: bool
    """No other picture of the clip bears the same time; else its time does not say which of them it is."""
    packet: PacketFacts | None
    """None where no single packet bears its time."""


class Frames:
    """The pictures of one clip, by number and by time.

    Parameters
    ----------
    features : Features
        With table `frames`; `packets` and `streams` where they were measured.
    """

    def __init__(self, features: Features) -> None:
        self._features = features
        self._table = features["frames"] if "frames" in features else Table({})

    @property
    def count(self) -> int:
        """How many pictures the clip has."""
        return self._table.rows

    def facts(self, frame: int, place: Place = "in") -> FrameFacts:
        """Return what is known of a picture.

        Raises
        ------
        IndexError
            If the clip has no picture of that number.
        """
        if not 0 <= frame < self.count:
            raise IndexError(f"no picture {frame}: the clip has {self.count}")
        row = {name: column[frame] for name, column in self._table.items()}
        time_s = _known(row["time_s"])
        return FrameFacts(
            frame=frame,
            place=place,
            pts=_whole(row["pts"]),
            time_s=time_s,
            duration_s=_known(row["duration_s"]),
            key=bool(row["key"]),
            picture_type=row["picture_type"] or None,
            interlaced=bool(row["interlaced"]),
            damaged=bool(row["damaged"]),
            width_px=int(row["width"]),
            height_px=int(row["height"]),
            alone=time_s is not None and self._bearing(time_s) == 1,
            packet=self._packet(_whole(row["pts"])),
        )

    def at(self, time_s: float, before: int = 5, after: int = 5) -> list[FrameFacts]:
        """Return the picture that is shown at a time, `before` pictures before it and `after` after it.

        Before the first picture there is none that is shown: then the first `after` come after.

        Parameters
        ----------
        time_s : float
            In seconds of the presentation timeline.
        before, after : int
            How many; 0 or more.
        """
        order, times = self._order
        place = int(np.searchsorted(times, time_s, "right")) - 1
        if place < 0:
            return self._rows([], 0, after) if len(times) else []
        shown = int(order[place])
        return self._around(shown, shown + 1, before, after)

    def around(self, finding: Mapping[str, Any], before: int = 5, after: int = 5) -> list[FrameFacts]:
        """Return the pictures at the edges of a finding: where it begins, where it ends, and so many on either side.

        Of a cut between two pictures those are the last before and the first after it. Of a longer stretch its first
        `after` and its last `before` pictures are shown as being in it.

        Parameters
        ----------
        finding : mapping
            An entry of `findings` in a clip's document.
        before, after : int
            How many; 0 or more.
        """
        span = finding["span"]
        first, stop = span.get("first_frame"), span.get("stop_frame")
        if first is None or stop is None:
            return self._by_time(span, before, after)
        if stop - first <= 1:  # a cut: its first frame is the last picture before it, or its only one
            return self._rows(list(range(first + 1 - before, first + 1)), first + 1, after)
        return self._around(first, stop, before, after)

    def _by_time(self, span: Mapping[str, Any], before: int, after: int) -> list[FrameFacts]:
        """Return the pictures around a span that names none, as those about the sound."""
        order, times = self._order
        start_s, stop_s = span.get("start_s"), span.get("stop_s")
        if start_s is None or stop_s is None or not len(times):
            return []
        first = int(order[max(0, int(np.searchsorted(times, start_s, "right")) - 1)])
        last = int(order[max(0, int(np.searchsorted(times, stop_s, "left")) - 1)])
        return self._around(first, max(first, last) + 1, before, after)

    def _around(self, first: int, stop: int, before: int, after: int) -> list[FrameFacts]:
        inside = list(range(first, stop))
        if len(inside) > max(1, before + after):
            inside = [*inside[:after], *inside[len(inside) - before :]]
        earlier = [self.facts(row, "before") for row in range(max(0, first - before), min(first, self.count))]
        within = [self.facts(row) for row in inside if 0 <= row < self.count]
        return [*earlier, *within, *self._rows([], stop, after)]

    def _rows(self, earlier: list[int], stop: int, after: int) -> list[FrameFacts]:
        found = [self.facts(row, "before") for row in earlier if 0 <= row < self.count]
        return found + [self.facts(row, "after") for row in range(max(0, stop), min(stop + after, self.count))]

    @cached_property
    def _order(self) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """Rows in order of time, and their times; those without a time are left out."""
        if not self.count:
            return np.empty(0, np.intp), np.empty(0)
        rows = np.flatnonzero(np.isfinite(self._table["time_s"]))
        rows = rows[np.argsort(self._table["time_s"][rows], kind="stable")]
        return rows, self._table["time_s"][rows]

    def _bearing(self, time_s: float) -> int:
        """Return how many pictures bear a time."""
        times = self._order[1]
        return int(np.searchsorted(times, time_s, "right") - np.searchsorted(times, time_s, "left"))

    @cached_property
    def _packets(self) -> tuple[Table, NDArray[np.intp], Column]:
        """The packets of the pictures that are shown, the order of what names them, and that (pts, or else dts)."""
        video = video_stream(self._features)
        if "packets" not in self._features or video is None:
            return Table({}), np.empty(0, np.intp), np.empty(0)
        packets = self._features["packets"]
        packets = packets.where(packets["stream"] == video[0])
        # In AVI packets bear no presentation time; a picture's is then the decoding time.
        named = np.where(np.isfinite(packets["pts"]), packets["pts"], packets["dts"])
        named = np.where(packets["discard"].astype(bool), np.nan, named)
        order = np.argsort(named, kind="stable")  # those without a time come last
        return packets, order, named[order]

    def _packet(self, pts: int | None) -> PacketFacts | None:
        packets, order, named = self._packets
        if pts is None or not packets.rows:
            return None
        first, stop = np.searchsorted(named, pts, "left"), np.searchsorted(named, pts, "right")
        if stop - first != 1:
            return None
        number = int(order[first])
        row = {name: column[number] for name, column in packets.items()}
        return PacketFacts(
            number=number,
            dts=_whole(row["dts"]),
            dts_s=_known(row["dts_s"]),
            size_bytes=int(row["size_bytes"]),
            position_bytes=_whole(row["position_bytes"]),
            key=bool(row["key"]),
            corrupt=bool(row["corrupt"]),
            slice_type=row["slice_type"] or None,
            reference=_whole(row["reference"]),
        )


def hidden_times(finding: Mapping[str, Any], count: int = 9) -> list[float]:
    """Return times of the media at which pictures lie that an edit list hides, evenly spread over the hidden stretch.

    Parameters
    ----------
    finding : mapping
        An entry of `findings` in a clip's document.
    count : int
        How many; 1 or more.

    Returns
    -------
    list of float
        In seconds of the media, edit lists passed over; none if the finding is not about hidden pictures.
    """
    evidence = finding.get("evidence") or {}
    start_s, stop_s = evidence.get("hidden_from_s"), evidence.get("hidden_to_s")
    if evidence.get("stream_kind") != "video" or start_s is None or stop_s is None:
        return []
    return [start_s + (stop_s - start_s) * (number + 0.5) / count for number in range(count)]


def video_stream(features: Features) -> tuple[int, float, float] | None:
    """Return the pictures' stream: its number, clockwise turn (degrees) and tick (s); None if there is none."""
    if not features.has("streams.default"):
        return None
    streams = features["streams"]
    rows = np.flatnonzero((streams["kind"] == "video") & streams["default"].astype(bool))
    if not len(rows):
        return None
    row = int(rows[0])
    turn, tick = (float(np.nan_to_num(streams[name][row])) for name in ("rotation_deg", "time_base_s"))
    return int(streams["stream"][row]), turn, tick


def _known(value: Any) -> float | None:
    return float(value) if math.isfinite(value) else None


def _whole(value: Any) -> int | None:
    return int(value) if math.isfinite(value) else None

"""Where a long clip can be cut into slices that are decoded apart and give, joined, what one pass gives.

Nothing here decodes: packets and parameter sets tell. What they cannot tell is checked while a slice is decoded
(`pipeline.features.piece`) and when the slices are joined (`pipeline.features.joining`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.features.schema import to_table
from pipeline.model import Table

Numbers = NDArray[np.int64]

CONTEXT = 3
"""Pictures that are measured before those whose columns count: `flow_lag2` looks back at three."""
OVERLAP = 16
"""Pictures that a slice has in common with the one before, at least: they show whether its decoder came to the same."""
STARTS = {"h264": {5}, "hevc": {19, 20, 21}}
"""Codec → NAL units at which a decoder can start: IDR, in HEVC also CRA. A mere recovery point of H.264 is none: what
follows it may refer to what came before."""
SOUGHT = {"mov", "mp4", "3gp", "matroska"}
"""Containers that have an index to seek by."""


@dataclass(frozen=True, slots=True)
class Slice:
    """A part of a clip that is measured by itself: the whole sound, or a stretch of the pictures.

    Packets count from 0 on in the table of packets of the pictures' stream, rows in table `frames` of the whole clip.
    """

    number: int
    """Its place among the clip's slices; the sound, if there is any, is number 0."""
    first_row: int = 0
    """First picture that counts."""
    stop_row: int = 0
    """First picture that counts no more; 0 for the sound."""
    from_packet: int = 0
    """Where the decoder starts."""
    from_row: int = 0
    """First picture that is measured: those up to `first_row` lead in, and are compared with the slice before."""
    bytes: int = 0
    """Size of its packets."""

    @property
    def heard(self) -> bool:
        """Whether it is the sound."""
        return not self.stop_row


def default_stream(streams: Table, kind: str) -> int | None:
    """Return the index of the stream of a kind that is examined, None if there is none."""
    chosen = np.flatnonzero((streams["kind"] == kind) & streams["default"])
    return int(streams["stream"][chosen[0]]) if len(chosen) else None


def packets_of(packets: Table, stream: int) -> Table:
    """Return the rows of one stream."""
    here = packets["stream"] == stream
    return Table({name: column[here] for name, column in packets.items()})


def presented(video: Table) -> Numbers:
    """Return the times of the pictures that are shown, in ticks and in order: int64, shape (pictures,)."""
    return np.sort(video["pts"][~video["discard"]].astype(np.int64))


def cuts(arrows: Mapping[str, pa.Table], slice_s: float) -> tuple[Slice, ...]:
    """Return the slices of a clip; none where it is shorter than two of them, or where one pass might give more.

    Parameters
    ----------
    arrows : mapping
        The tables that need no decoding, as `pipeline.features.extract` measures them.
    slice_s : float
        Least length of a slice, in seconds; more than 0. The last one may be shorter.
    """
    names = ("container", "boxes", "streams", "edits", "packets", "parameters", "gaps")
    if not all(name in arrows for name in names):
        return ()
    tables = {name: to_table(name, arrows[name]) for name in names}
    stream = default_stream(tables["streams"], "video")
    if (
        stream is None
        or (tables["gaps"]["stage"] == "probe").any()
        or not _sought(tables["container"], tables["boxes"])
    ):
        return ()
    row = int(np.flatnonzero(tables["streams"]["stream"] == stream)[0])
    codec, tag = tables["streams"]["codec"][row], tables["streams"]["tag"][row]
    video = packets_of(tables["packets"], stream)
    if codec not in STARTS or tag == "encv" or not (_steady(tables, stream) and _orderly(video)):
        return ()
    order = presented(video)
    tick_s = tables["streams"]["time_base_s"][row]
    pictures = _pictures(video, order, _starts(video, codec), slice_s / tick_s)
    if not pictures:
        return ()
    heard = default_stream(tables["streams"], "audio")
    if heard is None:
        return pictures
    return (Slice(0, bytes=int(packets_of(tables["packets"], heard)["size_bytes"].sum())), *pictures)


def _sought(container: Table, boxes: Table) -> bool:
    """Tell whether the file is whole and has an index by which any key frame is found; fragments have none."""
    whole = not container["bytes_expected"][0] > container["bytes"][0]
    fragments = "moof" in boxes["type"]
    return bool(container["format"][0] in SOUGHT and container["index_found"][0] and whole and not fragments)


def _steady(tables: Mapping[str, Table], stream: int) -> bool:
    """Tell whether one decoder, given the header and the clip's first packet, is set up for every packet."""
    sets = tables["parameters"]["stream"] == stream
    places, sizes = (
        tables["parameters"]["place"][sets],
        np.stack([tables["parameters"][n][sets] for n in ("width", "height")]),
    )
    edits = (tables["edits"]["stream"] == stream) & np.isfinite(tables["edits"]["media_start_s"])
    known = len(places) == 1 or (len(places) > 1 and bool((places == "header").all()))
    return known and bool((sizes == sizes[:, :1]).all()) and int(edits.sum()) <= 1


def _orderly(video: Table) -> bool:
    """Tell whether every packet is whole, has a time of its own, and a header that could be read."""
    pts = video["pts"]
    read = np.isfinite(pts) & np.isfinite(video["nal_type"]) & np.isfinite(video["params"])
    sound = read & ~video["corrupt"] & (video["size_bytes"] > 0)
    return bool(video.rows and sound.all()) and len(np.unique(pts)) == video.rows


def _starts(video: Table, codec: str) -> Numbers:
    """Return the packets at which a decoder can start: int64, ascending.

    All that comes before such a packet is shown before it. What comes after an IDR picture of H.264 is shown after it;
    pictures that lead a picture of HEVC belong to the slice before.
    """
    pts = video["pts"]
    start = video["key"] & ~video["discard"] & np.isin(video["nal_type"], list(STARTS[codec]))
    start[1:] &= np.maximum.accumulate(pts)[:-1] < pts[1:]
    if codec == "h264":
        start[:-1] &= np.minimum.accumulate(pts[::-1])[::-1][1:] > pts[:-1]
    return np.flatnonzero(start).astype(np.int64)


def _pictures(video: Table, order: Numbers, starts: Numbers, slice_ticks: float) -> tuple[Slice, ...]:
    """Return slices of about equal length between packets at which a decoder can start."""
    length = float(order[-1] - order[0]) if len(order) else 0.0
    if length < 2 * slice_ticks:
        return ()
    count = int(length // slice_ticks)
    pts = video["pts"][starts]
    rows = np.searchsorted(order, pts)
    led = np.searchsorted(rows, rows - OVERLAP, side="right") - 1  # the last start that is early enough
    wanted = np.searchsorted(pts, order[0] + length * np.arange(1, count) / count)
    last = order[-1] - slice_ticks / 2
    borders = [at for at in np.unique(wanted) if at < len(starts) and led[at] >= 0 and pts[at] <= last]
    packet_stops = [*(int(starts[at]) for at in borders), video.rows]
    row_stops = [*(int(rows[at]) for at in borders), len(order)]
    froms = [(0, 0), *((int(starts[led[at]]), int(rows[led[at]])) for at in borders)]
    sizes = np.concatenate([[0], np.cumsum(video["size_bytes"])])
    return tuple(
        Slice(
            number=number + 1,
            first_row=row_stops[number - 1] if number else 0,
            stop_row=row_stops[number],
            from_packet=packet,
            from_row=row,
            bytes=int(sizes[packet_stops[number]] - sizes[packet]),
        )
        for number, (packet, row) in enumerate(froms)
        if borders
    )

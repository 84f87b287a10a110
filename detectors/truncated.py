"""Files that were never finished, or of which the end is missing."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from detectors._timeline import examined_stream, extent, hidden_s, slots
from pipeline.detector import detector
from pipeline.model import Evidence, Features, Finding, Level, Message, Span

_BOX_TYPE = re.compile(r"[ -~©]{4}\Z")
"""Types of boxes and chunks are four printable characters; anything else is no box but stray bytes."""


@detector(
    "truncated",
    version=1,
    needs=(
        "container.bytes",
        "container.bytes_expected",
        "container.index_found",
        "boxes.path",
        "boxes.type",
        "boxes.offset_bytes",
        "boxes.size_bytes",
        "boxes.complete",
    ),
    emits=("truncated", "header-mismatch"),
)
def truncated(
    features: Features, *, min_missing_bytes: int = 1, min_decoded_share: float = 0.95, min_frames_lost: int = 10
) -> Iterator[Finding]:
    """Yield a finding for each sign that the file ends before its recording does.

    Signs: no index; fewer bytes than the container's own lengths add up to, or a last box cut short; damaged packets
    at the very end; far fewer pictures decoded than the header counts. All are suspect only: an interrupted copy and
    an empty battery leave the same traces as a removed end. Bytes behind the last box that form none are told in a
    note: some programs leave them. Files without an index often give no packets and no
    pictures at all; what was not measured is left out.

    Parameters
    ----------
    min_missing_bytes : int
        Tolerated shortfall of the file is below this (bytes).
    min_decoded_share : float
        Fewer decoded pictures than this share of the header's count are a sign (0 to 1).
    min_frames_lost : int
        At least this many pictures must lack for it (pictures).

    References
    ----------
    ISO/IEC 14496-12:2022, 4.2 (box sizes) and 8.2.1 (movie box); Microsoft, "AVI RIFF File Reference".
    """
    container = features["container"]
    if container.rows:
        yield from _index(features)
        yield from _bytes(features, min_missing_bytes)
    row = examined_stream(features, "video") if {"streams", "packets"} <= features.tables.keys() else None
    if row is not None:
        yield from _damaged_end(features, row)
        if "frames" in features:
            yield from _undecoded(features, row, min_decoded_share, min_frames_lost)


def _index(features: Features) -> Iterator[Finding]:
    if not bool(features["container"]["index_found"][0]):
        yield _finding(
            features,
            Message(
                "The index of the file is missing: the recording was never finished, or its end was lost. "
                "Copy the clip from the recorder again and compare the sizes."
            ),
            {"index_found": False},
        )


def _bytes(features: Features, min_missing_bytes: int) -> Iterator[Finding]:
    container, boxes = features["container"], features["boxes"]
    held = int(container["bytes"][0])
    top = np.array(["/" not in str(path) for path in boxes["path"]], dtype=bool)
    cut = np.flatnonzero(top & ~boxes["complete"].astype(bool))
    stray = [i for i in cut if not _BOX_TYPE.match(str(boxes["type"][i]))]
    if stray:
        yield _stray(features, held - int(boxes["offset_bytes"][stray[0]]), str(boxes["type"][stray[0]]))
        return  # the lengths of what is no box say nothing
    ends = boxes["offset_bytes"] + boxes["size_bytes"]
    expected = float(container["bytes_expected"][0])
    if not np.isfinite(expected):
        expected = float(ends[cut].max()) if len(cut) else 0.0
    missing = int(expected) - held
    incomplete = [str(boxes["path"][i]) for i in cut[:10]]
    if missing >= min_missing_bytes:
        yield _finding(
            features,
            Message(
                "The file is {missing} bytes shorter than its own lengths say. "
                "Copy the clip from the recorder again and compare the sizes.",
                {"missing": missing},
            ),
            {"bytes": held, "bytes_expected": int(expected), "incomplete_boxes": incomplete},
        )
    elif len(cut):
        yield _finding(
            features,
            Message(
                "The last part of the file ({box}) is incomplete. "
                "Copy the clip from the recorder again and compare the sizes.",
                {"box": incomplete[-1]},
            ),
            {"bytes": held, "incomplete_boxes": incomplete},
        )


def _stray(features: Features, count: int, beginning: str) -> Finding:
    end_s = extent(features)[1]
    return Finding(
        kind="header-mismatch",
        level=Level.NOTE,
        span=Span(end_s, end_s),
        message=Message(
            "{count} bytes behind the last part of the file belong to no part of it.", {"count": max(count, 0)}
        ),
        evidence={"bytes": max(count, 0), "beginning": beginning},
    )


def _damaged_end(features: Features, row: int) -> Iterator[Finding]:
    packets = features["packets"]
    corrupt = packets["corrupt"][packets["stream"] == features["streams"]["stream"][row]].astype(bool)
    if not len(corrupt) or corrupt.all():
        return
    count = int(np.argmin(corrupt[::-1]))
    if count:
        yield _finding(
            features,
            Message(
                "The last {count} packets of the pictures are damaged. "
                "Copy the clip from the recorder again and compare the sizes.",
                {"count": count},
            ),
            {"damaged_packets": count, "packets": len(corrupt)},
        )


def _undecoded(features: Features, row: int, min_share: float, min_lost: int) -> Iterator[Finding]:
    streams, packets = features["streams"], features["packets"]
    claimed = float(streams["frames_in_header"][row])
    marked = int((packets["discard"].astype(bool) & (packets["stream"] == streams["stream"][row])).sum())
    hidden = max(marked, round(hidden_s(features, row) * float(np.nan_to_num(streams["rate_in_header_hz"][row]))))
    decoded = features["frames"].rows
    if not np.isfinite(claimed) or claimed <= 0:
        return
    held = int((packets["stream"] == streams["stream"][row]).sum())
    if held - hidden <= decoded and (slots(features, row) or 0) >= claimed - min_lost:
        return  # nothing is stored for pictures that stay as they were, and the rest was decoded
    lost = int(claimed) - hidden - decoded
    if lost >= min_lost and decoded + hidden < min_share * claimed:
        yield _finding(
            features,
            Message(
                "Only {decoded} of {claimed} pictures could be decoded, though the file holds them all: "
                "they are damaged or encrypted."
                if held >= claimed
                else "Only {decoded} of {claimed} pictures could be decoded. "
                "Copy the clip from the recorder again and compare the sizes.",
                {"decoded": decoded, "claimed": int(claimed)},
            ),
            {"frames_decoded": decoded, "frames_in_header": int(claimed), "frames_hidden": hidden},
        )


def _finding(features: Features, message: Message, evidence: Evidence) -> Finding:
    end_s = extent(features)[1]
    return Finding(kind="truncated", level=Level.SUSPECT, span=Span(end_s, end_s), message=message, evidence=evidence)

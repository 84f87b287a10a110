"""What the header claims against what was counted and measured."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from detectors._timeline import examined_stream, extent, hidden_s, runs, slots, span_of
from pipeline.detector import detector
from pipeline.model import Features, Finding, Level, Message, Span, Table

_CROP_PX = 16
"""Decoders may show, or crop, the rows and columns that fill up the last macroblock."""


@detector(
    "header-mismatch",
    version=1,
    needs=(
        "container.duration_in_header_s",
        "streams.stream",
        "streams.kind",
        "streams.default",
        "streams.frames_in_header",
        "streams.duration_in_header_s",
        "streams.width",
        "streams.height",
        "streams.rate_in_header_hz",
        "packets.stream",
        "packets.time_s",
        "packets.duration_s",
        "packets.discard",
    ),
    emits=("header-mismatch",),
)
def header_mismatch(
    features: Features,
    *,
    max_frames_off: int = 3,
    max_share_off: float = 0.01,
    max_duration_off_s: float = 0.5,
    suspect_share_off: float = 0.05,
    suspect_duration_off_s: float = 2.0,
) -> Iterator[Finding]:
    """Yield one finding per claim of the header that the content does not bear out.

    Claims and measurements: number of pictures against packets of the stream; duration of the stream, and of the
    container, against first to last presentation time; width and height against every decoded picture. What the
    header leaves open (fragmented MP4, live Matroska) is no claim. Where nothing is stored for a picture that stays
    (AVI), the clock ticks between first and last picture are accepted as the count. Both the shown and the stored
    media are accepted as the meaning of a duration, since an edit list makes them differ lawfully.

    Parameters
    ----------
    max_frames_off : int
        Tolerated difference in the number of pictures (pictures): delayed B pictures, an incomplete last one.
    max_share_off : float
        Tolerated difference in the number of pictures or in a duration, as a share of the claim (0 to 1).
    max_duration_off_s : float
        Tolerated difference of durations: the last picture's duration, encoder delay, sound priming (seconds).
    suspect_share_off : float
        A difference above this share of the claim is suspect, a smaller one is a note (0 to 1).
    suspect_duration_off_s : float
        A difference of durations must also reach this to be suspect (seconds).

    References
    ----------
    ISO/IEC 14496-12:2022, 8.2.2, 8.3.2, 8.4.2 (durations), 8.7.3 (sample sizes); S. Gloe, A. Fischer, M. Kirchner,
    "Forensic analysis of video file formats", Digital Investigation 11 (2014), S68-S76.
    """
    video = examined_stream(features, "video")
    if video is not None:
        yield from _frames(features, video, max_frames_off, max_share_off, suspect_share_off)
        yield from _dimensions(features, video)
    limits = (max_duration_off_s, max_share_off, suspect_duration_off_s, suspect_share_off)
    yield from _durations(features, limits)


def _frames(features: Features, row: int, max_off: int, max_share: float, suspect_share: float) -> Iterator[Finding]:
    claimed = float(features["streams"]["frames_in_header"][row])
    counted = int((features["packets"]["stream"] == features["streams"]["stream"][row]).sum())
    if not np.isfinite(claimed) or claimed <= 0:
        return
    rate_hz = np.nan_to_num(features["streams"]["rate_in_header_hz"][row])
    hidden = round(hidden_s(features, row) * float(rate_hz))
    possible = (counted, slots(features, row) or counted, max(counted, min(counted + hidden, int(claimed))))
    off = min(abs(value - claimed) for value in possible)
    if off <= max(max_off, max_share * claimed):
        return
    yield Finding(
        kind="header-mismatch",
        level=Level.SUSPECT if off > suspect_share * claimed else Level.NOTE,
        span=_whole(features),
        message=Message(
            "The header claims {claimed} pictures; the file holds {counted}.",
            {"claimed": int(claimed), "counted": counted},
        ),
        evidence={"frames_in_header": int(claimed), "packets": counted},
    )


def _dimensions(features: Features, row: int) -> Iterator[Finding]:
    if not features.has("frames.width"):  # nothing was decoded
        return
    streams, frames = features["streams"], features["frames"]
    claimed = float(streams["width"][row]), float(streams["height"][row])
    if not frames.rows or not all(np.isfinite(claimed)):
        return
    off = (np.abs(frames["width"] - claimed[0]) > _CROP_PX) | (np.abs(frames["height"] - claimed[1]) > _CROP_PX)
    for first, stop in runs(off)[:10]:
        time_s = frames["time_s"][first:stop]
        if not np.isfinite(time_s).any():
            continue
        following = frames["time_s"][stop] if stop < frames.rows else extent(features)[1]
        yield Finding(
            kind="header-mismatch",
            level=Level.SUSPECT,
            span=span_of(features, float(np.nanmin(time_s)), float(following)),
            message=Message(
                "The header claims pictures of {claimed_width} x {claimed_height}; these are {width} x {height}.",
                {
                    "claimed_width": int(claimed[0]),
                    "claimed_height": int(claimed[1]),
                    "width": int(frames["width"][first]),
                    "height": int(frames["height"][first]),
                },
            ),
            evidence={"pictures": stop - first, "first_frame": first},
        )


def _durations(features: Features, limits: tuple[float, float, float, float]) -> Iterator[Finding]:
    streams, packets = features["streams"], features["packets"]
    longest_s = 0.0
    for kind in ("video", "audio"):
        row = examined_stream(features, kind)
        if row is None:
            continue
        own = packets.where(packets["stream"] == streams["stream"][row])
        stored_s = _length(own)
        shown_s = _length(own.where(~own["discard"].astype(bool)))
        if stored_s is None:
            continue
        longest_s = max(longest_s, _end(own))
        possible = (stored_s, shown_s or 0.0, _end(own), (shown_s or 0.0) + hidden_s(features, row))
        level = _level(float(streams["duration_in_header_s"][row]), possible, limits)
        if level:
            yield Finding(
                kind="header-mismatch",
                level=level,
                span=_whole(features),
                message=Message(
                    "The header of the pictures claims {claimed:.2f} s; measured are {measured:.2f} s."
                    if kind == "video"
                    else "The header of the sound claims {claimed:.2f} s; measured are {measured:.2f} s.",
                    {"claimed": float(streams["duration_in_header_s"][row]), "measured": stored_s},
                ),
                evidence={"stored_s": stored_s, "shown_s": shown_s},
            )
    claimed = features["container"]["duration_in_header_s"]
    if longest_s and len(claimed):
        start_s = _first(packets)
        level = _level(float(claimed[0]), (longest_s, longest_s - start_s), limits)
        if level:
            yield Finding(
                kind="header-mismatch",
                level=level,
                span=_whole(features),
                message=Message(
                    "The container claims to last {claimed:.2f} s; pictures and sound end after {measured:.2f} s.",
                    {"claimed": float(claimed[0]), "measured": longest_s},
                ),
                evidence={"container_s": float(claimed[0]), "measured_s": longest_s},
            )


def _level(claimed_s: float, measured_s: tuple[float, ...], limits: tuple[float, float, float, float]) -> Level | None:
    if not np.isfinite(claimed_s) or claimed_s <= 0:
        return None
    max_off_s, max_share, suspect_off_s, suspect_share = limits
    off_s = min(abs(claimed_s - value) for value in measured_s)
    if off_s <= max(max_off_s, max_share * claimed_s):
        return None
    return Level.SUSPECT if off_s > max(suspect_off_s, suspect_share * claimed_s) else Level.NOTE


def _known(packets: Table) -> Table:
    return packets.where(np.isfinite(packets["time_s"]))


def _first(packets: Table) -> float:
    known = _known(packets)
    return float(known["time_s"].min()) if known.rows else 0.0


def _end(packets: Table) -> float:
    known = _known(packets)
    return float((known["time_s"] + np.nan_to_num(known["duration_s"])).max()) if known.rows else 0.0


def _length(packets: Table) -> float | None:
    return _end(packets) - _first(packets) if _known(packets).rows > 1 else None


def _whole(features: Features) -> Span:
    start_s, stop_s = extent(features)
    return span_of(features, start_s, stop_s)

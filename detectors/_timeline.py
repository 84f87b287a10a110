"""Streams, runs and spans on the timeline of a clip: what several detectors read from the tables in the same way."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.model import Features, Span


def examined_stream(features: Features, kind: str) -> int | None:
    """Return the row of `streams` that is examined for `kind` (video, audio); None if there is none."""
    streams = features["streams"]
    rows = np.flatnonzero((streams["kind"] == kind) & streams["default"].astype(bool))
    return int(rows[0]) if len(rows) else None


def slots(features: Features, row: int) -> int | None:
    """Return how many pictures of an even rate the times of the stream in this row of `streams` leave room for.

    AVI counts a picture for every tick of its clock and stores nothing where the picture before stays; so its header
    claims slots, not pictures. None if the header states no rate or no packet has a time.
    """
    streams, packets = features["streams"], features["packets"]
    rate_hz = float(streams["rate_in_header_hz"][row])
    time_s = packets["time_s"][(packets["stream"] == streams["stream"][row]) & np.isfinite(packets["time_s"])]
    if not len(time_s) or not np.isfinite(rate_hz) or rate_hz <= 0:
        return None
    return round(float(np.ptp(time_s)) * rate_hz) + 1


def hidden_s(features: Features, row: int) -> float:
    """Return how many seconds of the media of the stream in this row of `streams` its edit list keeps from being shown.

    A demuxer hands out what an edit list hides only as far as decoding needs it, so hidden packets cannot be counted;
    what lacks for this reason lacks nowhere in the file. 0.0 where there is no edit list.
    """
    if "edits" not in features:
        return 0.0
    edits = features["edits"]
    own = edits.where((edits["stream"] == features["streams"]["stream"][row]) & np.isfinite(edits["media_start_s"]))
    if not own.rows or not np.all(own["duration_s"] > 0):
        return 0.0
    return max(0.0, float(own["media_s"][0]) - float(own["duration_s"].sum()))


def runs(mask: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return the stretches in which `mask` (bool, shape (rows,)) holds, each as (first row, row after the last)."""
    edges = np.diff(np.concatenate(([False], mask, [False])).astype(np.int8))
    return list(zip(np.flatnonzero(edges == 1).tolist(), np.flatnonzero(edges == -1).tolist(), strict=True))


def neighbours(values: NDArray[np.float64], reach: int) -> NDArray[np.float64]:
    """Return the `reach` values before and after each value, itself left out: float64, shape (rows, 2 * reach).

    Places beyond either end, and unknown values, are NaN.
    """
    padded = np.concatenate((np.full(reach, np.nan), values, np.full(reach, np.nan)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1)[: len(values)]
    around: NDArray[np.float64] = np.delete(windows, reach, axis=1)
    return around


def extent(features: Features) -> tuple[float, float]:
    """Return where the timeline begins (0 s, or earlier where something is shown before it) and where it ends."""
    start_s, stop_s = 0.0, 0.0
    for name in ("frames", "sound", "packets"):
        if name not in features:
            continue
        table = features[name]
        time_s = table["time_s"]
        end_s = time_s + np.nan_to_num(table["duration_s"])
        known = np.isfinite(end_s)
        if name == "packets":
            known &= ~table["discard"].astype(bool)
        if known.any():
            start_s = min(start_s, float(time_s[known].min()))
            stop_s = max(stop_s, float(end_s[known].max()))
    return start_s, stop_s


def span_of(features: Features, start_s: float, stop_s: float) -> Span:
    """Return the half-open span from `start_s` to `stop_s`, held inside the footage, with the pictures it contains."""
    low, high = extent(features)
    start_s = min(max(start_s, low), high)
    stop_s = min(max(stop_s, start_s), high)
    if not features.has("frames.time_s"):
        return Span(start_s, stop_s)
    time_s = features["frames"]["time_s"]
    inside = np.flatnonzero((time_s >= start_s) & (time_s < stop_s))
    if not len(inside):
        return Span(start_s, stop_s)
    return Span(start_s, stop_s, first_frame=int(inside[0]), stop_frame=int(inside[-1]) + 1)

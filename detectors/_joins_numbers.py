"""Numbers that an encoder writes into its pictures one after the other, and where they do not go on."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from detectors._joins import Ground, Numbers, at, usual
from pipeline.model import Table

IDR = 5
HEVC_IDR = (19, 20)
HEVC_BLA = (16, 17, 18)
MOST_BREAKS = 10
"""More breaks than this are the encoder's habit, or the trace of lost packets all over."""
_FEWEST = 12
"""Fewer pictures have no order to judge."""


def picture_numbers(pictures: Table, frame_num_bits: float, gaps_allowed: bool) -> Iterator[Ground]:
    """Yield where `frame_num` of H.264 skips (ITU-T H.264, 7.4.3).

    From one picture that others refer to, to the next picture, it rises by one; it is zero in an IDR picture. How
    many pictures lack it does not tell: it wraps.
    """
    number = pictures["frame_num"]
    if gaps_allowed or not np.isfinite(frame_num_bits) or np.isfinite(number).sum() < _FEWEST:
        return
    wrap = 2 ** int(frame_num_bits)
    before: float | None = None
    found: list[tuple[int, float]] = []
    for row in range(pictures.rows):
        now = float(number[row])
        if not np.isfinite(now):
            before = None  # a header that could not be read: what follows cannot be judged
            continue
        if pictures["nal_type"][row] != IDR and before is not None and now not in {before, (before + 1) % wrap}:
            found.append((row, (before + 1) % wrap))
        if pictures["reference"][row] != 0:
            before = now
        elif pictures["nal_type"][row] == IDR:
            before = 0.0
    if 0 < len(found) <= MOST_BREAKS:
        yield from (
            at("picture-number", pictures, row, expected=int(expected), found=int(number[row]))
            for row, expected in found
        )


def full_order(pictures: Table, poc_bits: float) -> tuple[Numbers, Numbers]:
    """Return the picture order counts with their higher bits, and the number of the coded sequence of each picture.

    The count starts anew at every IDR picture (and at BLA pictures of HEVC). ITU-T H.264, 8.2.1.1; H.265, 8.3.1.
    """
    kind, low = pictures["nal_type"], pictures["poc"]
    wrap = 2 ** int(poc_bits)
    order, sequence = np.full(pictures.rows, np.nan), np.zeros(pictures.rows)
    high = last = 0.0
    number = 0
    hevc = not np.isfinite(pictures["frame_num"]).any()
    fresh = (*HEVC_IDR, *HEVC_BLA) if hevc else (IDR,)
    for row in range(pictures.rows):
        if kind[row] in fresh:
            number += 1
            high, last = 0.0, 0.0 if hevc or not np.isfinite(low[row]) else float(low[row])
            order[row] = last if kind[row] not in HEVC_BLA else float(low[row])
            last = float(order[row])
        elif np.isfinite(low[row]):
            now = float(low[row])
            if now < last and last - now >= wrap / 2:
                step = high + wrap
            elif now > last and now - last > wrap / 2:
                step = high - wrap
            else:
                step = high
            order[row] = step + now
            if pictures["reference"][row] != 0:
                high, last = step, now
        sequence[row] = number
    return order, sequence


def holes_in_order(pictures: Table, poc_bits: float) -> Iterator[Ground]:
    """Yield where the order of showing lacks a number, and the times do not say that something lacks there.

    Encoders count pictures in even steps. A picture taken out leaves a hole in the count; if its time went with it, the
    times around the hole lie as close together as anywhere.
    """
    if not np.isfinite(poc_bits) or np.isfinite(pictures["poc"]).sum() < _FEWEST:
        return
    order, sequence = full_order(pictures, poc_bits)
    known = np.isfinite(order)
    rows = np.flatnonzero(known)
    rows = rows[np.lexsort((order[rows], sequence[rows]))]
    same = np.diff(sequence[rows]) == 0
    step = np.where(same, np.diff(order[rows]), np.nan)
    time_s = pictures["time_s"][rows]
    interval_s = np.diff(time_s)
    step[step <= 0] = np.nan  # the second field of a picture
    one, usual_s = usual(step), float(np.nanmedian(interval_s[same])) if same.any() else float("nan")
    if not np.isfinite(one) or not usual_s > 0:
        return
    lacking = np.nan_to_num(step / one, nan=1.0)
    holes = np.flatnonzero((lacking >= 2) & (interval_s < 1.5 * usual_s) & (interval_s > 0))
    if 0 < len(holes) <= MOST_BREAKS and len(holes) < 0.05 * len(rows):
        for hole in holes:
            facts = {"pictures_lacking": round(float(lacking[hole])) - 1}
            yield Ground("picture-order", float(time_s[hole]), float(time_s[hole + 1]), facts)


def key_numbers(pictures: Table) -> Iterator[Ground]:
    """Yield where `idr_pic_id` of H.264 does not go on as it does between all other key frames.

    Encoders alternate between two values or count up; the standard only asks that neighbours differ (7.4.3), so that
    an even number of key frames taken out from an alternating row leaves no trace.
    """
    rows = np.flatnonzero((pictures["nal_type"] == IDR) & np.isfinite(pictures["idr_pic_id"]))
    numbers = pictures["idr_pic_id"][rows]
    if len(rows) < 5 or len(np.unique(numbers)) < 2:
        return
    step = np.diff(numbers) % (numbers.max() + 1)
    one = usual(step)
    odd = np.flatnonzero(step != one)
    if one != 0 and len(odd) <= max(1, 0.1 * len(step)):
        for place in odd:
            yield at("key-frame-number", pictures, int(rows[place + 1]), found=int(numbers[place + 1]))


def broken_links(pictures: Table) -> Iterator[Ground]:
    """Yield pictures of HEVC that say themselves that a stream was joined here (BLA; ITU-T H.265, 3.13)."""
    hevc = ~np.isfinite(pictures["frame_num"])
    rows = np.flatnonzero(hevc & np.isin(pictures["nal_type"], HEVC_BLA))
    if len(rows) <= MOST_BREAKS:
        yield from (at("broken-link", pictures, int(row)) for row in rows if row > 0)


def own_times(pictures: Table) -> Iterator[Ground]:
    """Yield where the times that MPEG-4 Visual writes into its pictures jump against the times of the file.

    References: ISO/IEC 14496-2, 6.3.4 (time code) and 6.3.5 (modulo time base).
    """
    own_s = pictures["coded_s"]
    rows = np.flatnonzero(np.isfinite(own_s))
    if len(rows) < _FEWEST:
        return
    rows = rows[np.argsort(pictures["time_s"][rows], kind="stable")]
    offset_s = own_s[rows] - pictures["time_s"][rows]
    frame_s = float(np.median(np.diff(pictures["time_s"][rows])))
    jump_s = np.diff(offset_s)
    places = np.flatnonzero(np.abs(jump_s) > max(0.9 * frame_s, 0.02))
    if 0 < len(places) <= MOST_BREAKS and len(places) < 0.05 * len(rows):
        for place in places:
            before_s, after_s = pictures["time_s"][rows[place : place + 2]].tolist()
            yield Ground("own-time", before_s, after_s, {"jump_s": round(float(jump_s[place]), 3)})

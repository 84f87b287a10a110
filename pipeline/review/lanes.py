"""Lanes of a clip's timeline that are no curves: words, texts in the picture, landmarks, key frames."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.model import Features, Table
from pipeline.report.json_v1 import plain
from pipeline.review.thinning import buckets, listed

MOST_LETTERS = 120
"""Letters of a passage or text that are told where several are joined."""

Window = tuple[float, float, int]
"""Start and stop in seconds, and how many entries a lane may have at most."""
Lane = dict[str, Any]


def words_lane(words: Table, notice: NDArray[np.bool_], window: Window) -> Lane:
    """Return the words that were recognised.

    Where there are more than the window may hold, those of one bucket of time are joined: `count` tells of how many,
    `probability` is the lowest of them, and `notice` whether any of them belongs to the notice.

    Parameters
    ----------
    words : Table
        Table `words`.
    notice : bool, shape (rows,)
        Which of them lie where the notice was found.
    window : Window
    """
    table = Table({**words, "notice": notice})
    rows = _in_order(table, (table["start_s"] <= window[1]) & (table["stop_s"] >= window[0]), "start_s")
    joined = rows.rows > window[2]
    groups = list(_groups(rows["start_s"], window) if joined else pairwise(range(rows.rows + 1)))
    if not groups:
        return {"exact": True, "entries": []}
    starts = np.array([first for first, _ in groups])
    entries = zip(
        groups,
        rows["start_s"][starts].tolist(),
        np.maximum.reduceat(rows["stop_s"], starts).tolist(),
        listed(np.fmin.reduceat(rows["probability"], starts)),
        np.logical_or.reduceat(rows["notice"], starts).tolist(),
        strict=True,
    )
    most = MOST_LETTERS if joined else None
    return {
        "exact": not joined,
        "entries": [
            {
                "start_s": start_s,
                "stop_s": stop_s,
                "text": "".join(str(text or "") for text in rows["text"][first:stop])[:most],
                "count": stop - first,
                "probability": probability,
                "notice": marked,
            }
            for (first, stop), start_s, stop_s, probability, marked in entries
        ],
    }


def texts_lane(features: Features, window: Window) -> Lane | None:
    """Return the texts that were read in the scene (not those that the recorder burns in); None if none were sought.

    Where there are more than the window may hold, each bucket of time shows the one that was read best, and `count`.
    """
    if "texts" not in features:
        return None
    table = features["texts"]
    read = np.array([bool(text) for text in table["text"]], np.bool_)
    rows = _in_order(table, read & ~table["overlay"].astype(bool) & _inside(table["time_s"], window), "time_s")
    names = ("time_s", "frame", "text", "confidence", "left", "top", "right", "bottom", "height_px", "document")
    return _best_of(rows, names, "confidence", window)


def landmarks_lane(features: Features, window: Window) -> Lane | None:
    """Return where a reference photo was recognised, one entry a picture; None if landmarks were not looked for."""
    if "landmarks" not in features:
        return None
    table = features["landmarks"]
    rows = _in_order(table, (table["inliers"] > 0) & _inside(table["time_s"], window), "time_s")
    names = ("time_s", "frame", "photo", "matches", "inliers", "spread", "left", "top", "right", "bottom")
    return _best_of(rows, names, "inliers", window)


def key_frames_lane(times_s: NDArray[np.float64], window: Window) -> Lane:
    """Return when key frames are shown; more than the window may hold as how many each bucket holds.

    Parameters
    ----------
    times_s : float64, shape (n,)
        Ascending and finite.
    window : Window
    """
    times_s = times_s[_inside(times_s, window)]
    if len(times_s) <= window[2]:
        return {"exact": True, "times_s": times_s.tolist(), "counts": [1] * len(times_s)}
    groups = list(_groups(times_s, window))
    return {
        "exact": False,
        "times_s": [float(times_s[first]) for first, _ in groups],
        "counts": [stop - first for first, stop in groups],
    }


def _best_of(rows: Table, names: Sequence[str], by: str, window: Window) -> Lane:
    """Return entries of the columns `names`; of each bucket the one with the highest `by` where they are too many."""
    joined = rows.rows > window[2]
    entries = []
    for first, stop in _groups(rows["time_s"], window) if joined else pairwise(range(rows.rows + 1)):
        weight = np.nan_to_num(rows[by][first:stop].astype(np.float64), nan=-math.inf)
        best = first + int(np.argmax(weight))
        entries.append({**{name: rows[name][best] for name in names}, "count": stop - first})
    return {"exact": not joined, "entries": plain(entries)}


def _inside(times_s: NDArray[np.float64], window: Window) -> NDArray[np.bool_]:
    return (times_s >= window[0]) & (times_s <= window[1])


def _in_order(table: Table, mask: NDArray[np.bool_], by: str) -> Table:
    rows = np.flatnonzero(mask)
    rows = rows[np.argsort(table[by][rows], kind="stable")]
    return Table({name: column[rows] for name, column in table.items()})


def _groups(times_s: NDArray[np.float64], window: Window) -> Iterator[tuple[int, int]]:
    """Yield first and stop row of each bucket that holds a row; `times_s` ascends."""
    index = buckets(times_s, *window)
    edges = np.r_[0, np.flatnonzero(np.diff(index) > 0) + 1, len(index)].tolist()
    yield from pairwise(edges)

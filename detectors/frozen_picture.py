"""Pictures that stand still while time runs."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from detectors._timeline import runs, span_of
from pipeline.detector import detector
from pipeline.model import Curve, Features, Finding, Level, Message

_FEWEST_FRAMES = 10
_FEWEST_HELD = 4
_QUIETEST_TYPICAL = 0.005
"""Footage whose pictures usually differ by less than this is as good as still: a freeze cannot be told from it."""
_COPY_DIFF = 0.0005
"""What an encoder leaves of an exact copy, but for the first pictures and key frames."""
_FLAT_STD = 4.0
_BESIDE = 6
"""Pictures on either side of a run that count as right beside it."""


@detector(
    "frozen-picture",
    version=2,
    needs=("frames.time_s", "frames.duration_s", "frames.key", "frames.luma_diff", "frames.luma_std"),
    emits=("frozen-picture",),
)
def frozen_picture(
    features: Features,
    *,
    min_hold_s: float = 0.4,
    max_diff: float = 0.3,
    max_share_of_typical: float = 0.12,
    max_share_of_beside: float = 0.2,
    quiet_typical: float = 0.5,
    max_share_of_quiet: float = 0.02,
    max_pulse: float = 2.0,
    around_s: float = 5.0,
    violation_hold_s: float = 2.0,
    violation_typical: float = 1.0,
) -> Iterator[Finding]:
    """Yield one finding per run of still pictures that lasts `min_hold_s` or longer.

    What is still is judged by the clip itself: a picture counts as still if it differs from the one before by no more
    than a small share of what is usual in the seconds around the run. So the flicker an encoder leaves in a frozen
    picture passes, and the quiet noise of a fixed camera does not count as a freeze. The pulse that a key frame gives
    a still picture does not end a run. At either end of a clip whose camera hardly moves, a scene at rest and a frozen
    one look alike: nothing is told. Single duplicates, as frame-rate conversion leaves them, are shorter than any
    hold.

    Parameters
    ----------
    min_hold_s : float
        Shortest hold that is told (seconds).
    max_diff : float
        Mean absolute difference from the picture before up to which a picture may be still at all (0 to 255).
    max_share_of_typical : float
        The same as a share of the usual difference in the seconds around (0 to 1).
    max_share_of_beside : float
        The same as a share of the usual difference of the few pictures right before and behind the run (0 to 1): a
        camera that is just set down, or not yet picked up, comes to rest little by little; a freeze does not.
    quiet_typical : float
        Below this usual difference the scene is quiet: a fixed camera with little going on, in which an encoder
        repeats pictures almost unchanged of its own accord (0 to 255).
    max_share_of_quiet : float
        In place of `max_share_of_typical` where the scene is quiet: nothing but a copy is that still (0 to 1).
    max_pulse : float
        Difference up to which a single key frame does not end a run (0 to 255).
    around_s : float
        How far before and after the run the usual difference is taken (seconds).
    violation_hold_s : float
        A hold of this length is a violation where the camera otherwise moves (seconds).
    violation_typical : float
        The camera moves if the usual difference around is at least this (0 to 255).

    References
    ----------
    S. Wolf, "A no reference (NR) and reduced reference (RR) metric for detecting dropped video frames", VPQM 2009;
    FFmpeg documentation, filter "freezedetect".
    """
    frames = features["frames"]
    if frames.rows < _FEWEST_FRAMES:
        return
    time_s, diff = frames["time_s"], frames["luma_diff"].astype(np.float64)
    if not np.isfinite(time_s).all():
        return
    key = frames["key"].astype(bool)
    told_until_s = -np.inf
    # A quiet scene is one long run below `max_diff`: what stands still in it shows only below its own floor.
    floors = (max_diff, max_share_of_quiet * quiet_typical, _COPY_DIFF)
    still = {run for floor in floors for run in _still_runs(key, diff, floor, max_pulse)}
    for first, stop in sorted(still, key=lambda run: (run[0], -run[1])):
        begin = max(first - 1, 0)  # the picture that is held is the one before the first without change
        end_s = (
            float(time_s[stop]) if stop < frames.rows else float(time_s[-1] + np.nan_to_num(frames["duration_s"][-1]))
        )
        hold_s = end_s - float(time_s[begin])
        if hold_s < min_hold_s or stop - begin < _FEWEST_HELD or time_s[begin] < told_until_s:
            continue
        if np.nanmedian(frames["luma_std"][first:stop]) <= _FLAT_STD:
            continue  # nothing is shown at all: that is a blank picture
        typical = _typical(time_s, diff, first, stop, around_s)
        level_of_run = float(np.median(diff[first:stop]))
        share = max_share_of_typical if typical >= quiet_typical else max_share_of_quiet
        if typical < _QUIETEST_TYPICAL or level_of_run > share * typical:
            continue
        if level_of_run > max_share_of_beside * _beside(diff, first, stop):
            continue
        if typical < violation_typical and (begin < _FEWEST_HELD or stop > frames.rows - _FEWEST_HELD):
            continue
        told_until_s = end_s
        long = hold_s >= violation_hold_s and typical >= violation_typical
        yield Finding(
            kind="frozen-picture",
            level=Level.VIOLATION if long else Level.SUSPECT,
            span=span_of(features, float(time_s[begin]), end_s),
            message=Message("The picture stands still for {seconds:.2f} s while time runs.", {"seconds": hold_s}),
            evidence={
                "hold_s": hold_s,
                "pictures": stop - begin,
                "median_luma_diff": level_of_run,
                "usual_luma_diff": typical,
                "sound_runs_on": _sound_runs_on(features, float(time_s[begin]), end_s),
            },
            curves=(Curve("frames.luma_diff", min(max_diff, share * typical)),),
        )


def _still_runs(
    key: NDArray[np.bool_], diff: NDArray[np.float64], max_diff: float, max_pulse: float
) -> list[tuple[int, int]]:
    still = diff <= max_diff
    bridged = still.copy()
    pulse = np.flatnonzero(key[1:-1] & (diff[1:-1] <= max_pulse) & still[:-2] & still[2:]) + 1
    bridged[pulse] = True
    return runs(bridged)


def _typical(time_s: NDArray[np.float64], diff: NDArray[np.float64], first: int, stop: int, around_s: float) -> float:
    """Return the median difference of the pictures before and after a run; NaN-free, 0.0 if there are none."""
    low = int(np.searchsorted(time_s, time_s[first] - around_s))
    high = int(np.searchsorted(time_s, time_s[stop - 1] + around_s, side="right"))
    around = np.concatenate((diff[low:first], diff[stop + 1 : high]))
    around = around[np.isfinite(around)]
    return float(np.median(around)) if len(around) >= 3 else 0.0


def _beside(diff: NDArray[np.float64], first: int, stop: int) -> float:
    """Return the median difference of the few pictures on either side of a run; infinity if there are none."""
    around = np.concatenate((diff[max(0, first - _BESIDE) : first], diff[stop + 1 : stop + 1 + _BESIDE]))
    around = around[np.isfinite(around)]
    return float(np.median(around)) if len(around) else np.inf


def _sound_runs_on(features: Features, start_s: float, stop_s: float) -> bool | None:
    """Tell whether sound other than digital silence is heard during the span; None if it was not measured."""
    if not features.has("sound.zero_fraction"):
        return None
    sound = features["sound"]
    inside = (sound["time_s"] >= start_s) & (sound["time_s"] < stop_s)
    return bool(inside.any() and np.nanmean(sound["zero_fraction"][inside]) < 0.5)

"""Does the sound join badly at an instant? Marks of a cut, millisecond by millisecond, and what they weigh together.

Where samples were taken out, two waveforms meet that do not belong together. The step between them is a click of
less than a millisecond that reaches through all frequencies; the background, where it goes on, goes on at once. A
door, a footfall or a consonant rises in some bands only, and decays. Lossy coding after the cut smears the click
over a frame but leaves its edge: FFmpeg's AAC encoder switches to short windows for it.

References
----------
A. J. Cooper, "Detecting butt-spliced edits in forensic digital audio recordings", AES 39th International Conference:
Audio Forensics (2010): the step at a splice, seen in high-passed sound.
M. Zakariah, M. K. Khan, H. Malik, "Digital multimedia audio forensics: past, present and future", Multimedia Tools and
Applications 77 (2018), 1009-1040.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
from numpy.typing import NDArray

from pipeline.features.break_weights import WEIGHTS
from pipeline.features.prediction import surprise

Levels = NDArray[np.float32]

BANDS_HZ = (
    (150, 500), (500, 1000), (1000, 2000), (2000, 3200), (3200, 5000),
    (5000, 7600), (7600, 10500), (10500, 13500), (13500, 17500),
)  # fmt: skip
WIDE_HZ, NARROW_HZ = 30_000, 15_200
"""Sampling rates from which all bands, or the lower six, are there."""
_NARROW_BANDS = 6
BLOCK_MS = 20
CONTEXT_MS = 250
"""Sound that must be there on either side of a block."""
_FLOOR = 1e-9
"""Added to every energy: what lies below -90 dBFS in a band is rounding, or was left out by an encoder."""
_TAPER = 0.15
_SIDE_MS = 27
"""From the 4th to the 30th millisecond."""
_LEAST_HZ = 4000
"""Rate of an envelope, at least: four values a millisecond."""


def bands_of(rate_hz: int) -> int:
    """Return how many of the bands are judged at a sampling rate; 0: the sound is too narrow to be judged."""
    return len(BANDS_HZ) if rate_hz >= WIDE_HZ else _NARROW_BANDS if rate_hz >= NARROW_HZ else 0


def mark_names(rate_hz: int) -> list[str]:
    """Return the names of the marks at a sampling rate of at least 15,200 Hz, in the order of `marks`."""
    quiet = np.zeros((CONTEXT_MS * 2 + BLOCK_MS) * rate_hz // 1000, np.float32)
    return list(judge(quiet, rate_hz, np.array([CONTEXT_MS]))[1])


def judge(
    sound: NDArray[np.float32], rate_hz: int, starts_ms: NDArray[np.int64]
) -> tuple[NDArray[np.int64], dict[str, NDArray[np.float32]]]:
    """Return what `marks` returns for mono sound; below 30 kHz, where the click has fewer bands, `burst_marks` too."""
    at, found = marks(band_levels(sound, rate_hz), starts_ms)
    if rate_hz < WIDE_HZ:
        found |= burst_marks(surprise(sound, rate_hz)[:, None], starts_ms, at)
    return at, found


def band_levels(sound: NDArray[np.float32], rate_hz: int) -> Levels:
    """Return the energy of every millisecond in every band, in bel (powers of ten) against full scale.

    One transform of the whole piece; each band is shifted down to 0 Hz and transformed back at its own low rate, whose
    squared magnitude is the envelope.

    Parameters
    ----------
    sound : float32, shape (samples,), -1..1
    rate_hz : int
        At least 15,200 Hz.

    Returns
    -------
    float32, shape (milliseconds, bands), -9..0
    """
    import scipy.fft  # here and below: it loads longer than a short clip without sound is measured

    padded = scipy.fft.next_fast_len(len(sound), real=True)
    spectrum = scipy.fft.rfft(sound, padded)
    width_hz = rate_hz / padded
    times_s = np.arange(len(sound) * 1000 // rate_hz + 1) * 1e-3
    levels = np.empty((len(times_s) - 1, bands_of(rate_hz)), np.float32)
    for band, (low_hz, high_hz) in enumerate(BANDS_HZ[: levels.shape[1]]):
        part = spectrum[int(low_hz / width_hz) : int(min(high_hz, 0.49 * rate_hz) / width_hz)]
        size = scipy.fft.next_fast_len(max(len(part), int(_LEAST_HZ / width_hz)))
        shifted = np.zeros(size, np.complex64)
        shifted[: len(part)] = part * _window(len(part))
        wave = scipy.fft.ifft(shifted) * np.float32(2 * size / padded)
        energy = np.concatenate(([0.0], np.cumsum((wave.real**2 + wave.imag**2) / 2, dtype=np.float64)))
        at = times_s * (size * width_hz)
        levels[:, band] = np.diff(np.interp(at, np.arange(size + 1), energy)) / (size * width_hz * 1e-3)
    bels: Levels = np.log10(np.maximum(levels, 0) + np.float32(_FLOOR))
    return bels


@cache
def _window(length: int) -> NDArray[np.float32]:
    window = np.ones(length, np.float32)
    edge = max(1, int(_TAPER * length))
    rise = 0.5 - 0.5 * np.cos(np.pi * (np.arange(edge) + 0.5) / edge)
    window[:edge], window[length - edge :] = rise, rise[::-1]
    return window


def marks(levels: Levels, starts_ms: NDArray[np.int64]) -> tuple[NDArray[np.int64], dict[str, NDArray[np.float32]]]:
    """Return, for blocks of 20 ms, the millisecond that looks most like a joint, and what marks it.

    All marks are in bel. `click` is by how much the millisecond and its two neighbours rise above the loudest one of
    the 30 ms on either side, in each band; `wide` the same against 200 ms; `rise` against the mean of the 25 ms on
    either side; `edge` against the mean of the 3 to 8 ms; `plateau` the mean of ±12 ms against 35 to 90 ms (a coder's
    frame filled by the click); `tip` against the second millisecond on either side; `decay` the level after against the
    level before, `step` its absolute change. A letter names the rank among the
    bands: A the strongest, B the second, C the fourth, D the sixth.

    Parameters
    ----------
    levels : float32, shape (milliseconds, bands)
        As `band_levels` returns them.
    starts_ms : int64, shape (blocks,)
        Where blocks begin, at least 250 ms from the start and 270 ms from the end of `levels`.
    """
    peak = _loudest(levels, 3)
    loudest = _loudest(levels, _SIDE_MS)
    click = np.clip(peak - _beside(loudest), -1, 2.5)
    alike = np.maximum(click, 0).mean(axis=1)
    at = starts_ms + alike[starts_ms[:, None] + np.arange(BLOCK_MS)].argmax(axis=1)
    top, here = peak[at], click[at]

    sums = np.cumsum(levels, axis=0, dtype=np.float64)

    def mean(first: int, last: int) -> Levels:
        found: Levels = ((sums[at + last] - sums[at + first - 1]) / (last - first + 1)).astype(np.float32)
        return found

    before, after, left, right = mean(-25, -3), mean(3, 25), mean(-8, -3), mean(3, 8)
    long_before, long_after = mean(-100, -26), mean(26, 100)
    around = _around(loudest, at)
    ranked = np.sort(here, axis=1)[:, ::-1]
    wide = np.sort(np.clip(top - around, -1.5, 2.5), axis=1)[:, ::-1]
    rise = np.clip(top - np.maximum(before, after), -1, 3)
    edge = np.clip(top - np.maximum(left, right), -1, 3)
    plateau = np.clip(mean(-12, 12) - np.maximum(mean(-90, -35), mean(35, 90)), -1, 1.5)
    far, near = np.clip(after - before, -1, 1), np.clip(right - left, -1, 1)
    drift = np.clip(long_after - after, -1, 1), np.clip(before - long_before, -1, 1)
    tip = np.clip(top - np.maximum(levels[at - 2], levels[at + 2]), -0.5, 2)
    decay = np.clip(mean(2, 12) - mean(-12, -2), -1, 1)
    step = np.abs(far).mean(axis=1)
    best = np.sort(rise, axis=1)[:, ::-1]
    flat = np.sort(plateau, axis=1)[:, ::-1]
    found = {
        **{f"click_{band}": here[:, band] for band in range(levels.shape[1])},
        **{f"click_{'ABCD'[i]}": ranked[:, rank] for i, rank in enumerate((0, 1, 3, 5))},
        **{f"wide_{'ABC'[i]}": wide[:, rank] for i, rank in enumerate((0, 1, 3))},
        **{f"rise_{'ACZ'[i]}": best[:, rank] for i, rank in enumerate((0, 3, -1))},
        "edge_high": edge[:, -3:].mean(axis=1),
        "edge": edge.mean(axis=1),
        "step": step,
        "step_uneven": far.std(axis=1),
        "step_near": np.abs(near).mean(axis=1),
        "step_near_uneven": near.std(axis=1),
        "step_over_drift": np.clip(step - np.abs(drift).mean(axis=(0, 2)), -0.6, 0.6),
        "tip": tip.mean(axis=1),
        "tip_high": tip[:, -3:].mean(axis=1),
        "decay": decay.mean(axis=1),
        "decay_high": decay[:, -3:].mean(axis=1),
        "decay_long": np.clip(mean(3, 60) - mean(-60, -3), -1, 1).mean(axis=1),
        "plateau_A": flat[:, 0],
        "plateau_C": flat[:, 2],
        "plateau": plateau.mean(axis=1),
        "plateau_high": plateau[:, -2:].mean(axis=1),
        "clicks_squared": np.square(np.maximum(here, 0)).mean(axis=1),
        "rises_squared": np.square(np.maximum(rise - 0.5, 0)).mean(axis=1),
    }
    return at, found


def burst_marks(bursts: Levels, starts_ms: NDArray[np.int64], at: NDArray[np.int64]) -> dict[str, NDArray[np.float32]]:
    """Return how far the error of linear prediction stands out at `at`, and where it does so most in each block.

    Parameters
    ----------
    bursts : float32, shape (milliseconds, 1)
        As `surprise` returns them.
    starts_ms, at : int64, shape (blocks,)
        As `marks` takes and returns them.

    Returns
    -------
    dict of float32 arrays, shape (blocks,)
        In bel; `burst` is held against 30 ms, `burst_wide` against 200 ms, `burst_rise` against means of 25 ms;
        `_best` at the millisecond of the block where `burst` is highest; `burst_tip` there against the second
        millisecond on either side; `burst_alike` where both milliseconds are one, else 0.
    """
    peak = _loudest(bursts, 3)[:, 0]
    loudest = _loudest(bursts, _SIDE_MS)
    near = peak - _beside(loudest)[:, 0]

    def wide(rows: NDArray[np.int64]) -> Levels:
        above: Levels = np.clip(peak[rows] - _around(loudest, rows)[:, 0], -1.5, 2.5)
        return above

    best = starts_ms + near[starts_ms[:, None] + np.arange(BLOCK_MS)].argmax(axis=1)
    sums = np.cumsum(bursts[:, 0], dtype=np.float64)

    def rise(rows: NDArray[np.int64]) -> NDArray[np.float32]:
        sides = np.maximum(sums[rows - 3] - sums[rows - 26], sums[rows + 25] - sums[rows + 2]) / 23
        above: Levels = np.clip(peak[rows] - sides, -1, 3).astype(np.float32)
        return above

    return {
        "burst": np.clip(near[at], -1, 2.5),
        "burst_best": np.clip(near[best], -1, 2.5),
        "burst_wide": wide(at),
        "burst_wide_best": wide(best),
        "burst_rise": rise(at),
        "burst_rise_best": rise(best),
        "burst_tip": np.clip(peak[best] - np.maximum(bursts[best - 2, 0], bursts[best + 2, 0]), -0.5, 2),
        "burst_squared": np.square(np.maximum(near[best], 0)),
        "burst_alike": (np.abs(best - at) <= 1) * np.clip(near[best], 0, 2),
    }


def _loudest(levels: Levels, length_ms: int) -> Levels:
    """Return the loudest of the odd number of milliseconds around each one."""
    from scipy.ndimage import maximum_filter1d

    found: Levels = maximum_filter1d(levels, length_ms, axis=0)
    return found


def _beside(loudest: Levels) -> Levels:
    """Return the loudest of the 4th to 30th millisecond on either side; within 30 ms of the ends it means nothing."""
    return np.maximum(np.roll(loudest, 17, axis=0), np.roll(loudest, -17, axis=0))


def _around(loudest: Levels, rows: NDArray[np.int64]) -> Levels:
    """Return the loudest of the 4th to 200th millisecond on either side of some milliseconds."""
    middles = np.r_[17:188:27, 187]
    found: Levels = loudest[rows[:, None] + np.concatenate((-middles, middles))].max(axis=1)
    return found


def score(found: dict[str, NDArray[np.float32]]) -> NDArray[np.float64]:
    """Return the logarithm of the odds that a cut lies here, up to a constant: the weighted sum of the marks."""
    weights = WEIGHTS["wide" if f"click_{_NARROW_BANDS}" in found else "narrow"]
    total = np.full(len(found["step"]), weights["constant"])
    for name, values in found.items():
        total += weights[name] * values
    return total


def breaks(sound: NDArray[np.float32], rate_hz: int, starts_s: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """Return the columns of table `sound` that tell of cuts, for blocks of one piece of sound.

    `break_score` is NaN where the sampling rate is too low, and where less than 250 ms of sound lie on either side.

    Parameters
    ----------
    sound : float32, shape (channels, samples), -1..1
    rate_hz : int
    starts_s : float64, shape (blocks,)
        Where the blocks begin, counted from the first sample.

    Returns
    -------
    dict of float64 arrays, shape (blocks,): `break_after_s`, `break_click_db`, `break_step_db`, `break_score`
    """
    unknown = np.full(len(starts_s), math.nan)
    columns = {name: unknown.copy() for name in ("break_after_s", "break_click_db", "break_step_db", "break_score")}
    starts_ms = np.round(starts_s * 1000).astype(np.int64)
    length_ms = sound.shape[1] * 1000 // rate_hz
    inside = (starts_ms >= CONTEXT_MS) & (starts_ms + BLOCK_MS + CONTEXT_MS <= length_ms)
    if not bands_of(rate_hz) or not inside.any():
        return columns
    at, found = judge(sound.mean(axis=0), rate_hz, starts_ms[inside])
    columns["break_after_s"][inside] = (at - starts_ms[inside]) / 1000
    columns["break_click_db"][inside] = 10 * found["click_C"]
    columns["break_step_db"][inside] = 10 * found["step"]
    columns["break_score"][inside] = score(found)
    return columns

"""What linear prediction does not foresee in sound: the error of a filter that is fitted anew every 20 ms."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

_ORDER = 16
_BLOCK_S = 0.020
_BURST_S = 0.0005
_FLOOR = 1e-10
_WHITE = 1e-5
"""Noise that is added to what the filter is fitted to, against ill-posed equations: 50 dB below the sound."""


def surprise(sound: Floats, rate_hz: int) -> Floats:
    """Return the strongest burst of half a millisecond in the error of prediction, for every millisecond, in bel.

    Each block of 20 ms has its own filter of order 16, fitted by the autocorrelation method to the 40 ms around it
    (Hann window). Speech is foreseen but for the pulses of the voice; a step between two waveforms is not.

    Parameters
    ----------
    sound : float32, shape (samples,), -1..1
    rate_hz : int

    Returns
    -------
    float32, shape (milliseconds,)

    References
    ----------
    J. Makhoul, "Linear prediction: a tutorial review", Proceedings of the IEEE 63 (1975), 561-580.
    """
    length = round(_BLOCK_S * rate_hz)
    count = -(-len(sound) // length)
    half = length // 2
    padded = np.pad(sound, (half, (count + 1) * length - len(sound)))
    frames = np.lib.stride_tricks.sliding_window_view(padded, 2 * length)[::length][:count]
    filters = _filters(frames * np.hanning(2 * length).astype(np.float32))
    history = np.pad(sound, (_ORDER, count * length - len(sound)))
    error = np.zeros((count, length), np.float32)
    for lag in range(_ORDER + 1):
        past = history[_ORDER - lag : _ORDER - lag + count * length]
        error += filters[:, lag : lag + 1] * past.reshape(count, length)
    burst = max(4, round(_BURST_S * rate_hz))
    sums = np.concatenate(([0.0], np.cumsum(np.square(error.ravel()[: len(sound)], dtype=np.float64))))
    ends = np.minimum(np.arange(len(sound)) + burst // 2, len(sound))
    power = (sums[ends] - sums[np.maximum(ends - burst, 0)]) / burst
    starts = np.arange(len(sound) * 1000 // rate_hz) * rate_hz // 1000
    return np.asarray(np.log10(np.maximum.reduceat(power, starts) + _FLOOR), np.float32)


def _filters(frames: Floats) -> Floats:
    """Return the prediction-error filters of windowed frames, shape (frames, 17), by the Levinson-Durbin recursion."""
    size = frames.shape[1]
    lags = [np.einsum("ij,ij->i", frames[:, : size - lag], frames[:, lag:]) for lag in range(_ORDER + 1)]
    r = np.stack(lags, axis=1).astype(np.float64)
    r[:, 0] = r[:, 0] * (1 + _WHITE) + 1e-9 * size
    a = np.zeros_like(r)
    a[:, 0] = 1
    left = r[:, 0].copy()
    for order in range(1, _ORDER + 1):
        k = -np.einsum("ij,ij->i", a[:, :order], r[:, order:0:-1]) / left
        a[:, 1 : order + 1] += k[:, None] * a[:, order - 1 :: -1][:, :order]
        left *= 1 - k * k
    return a.astype(np.float32)

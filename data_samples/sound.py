"""The sound of a take: speech over the noise of a street."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.signal import butter, resample_poly, sosfilt

RATE_HZ = 48_000
SPEECH = Path(__file__).with_name("speech")
NOISE_DB = -20
"""Loudness of the street against the speech."""

Sound = NDArray[np.float32]


def track(seconds: float, said: tuple[tuple[float, str], ...], *, seed: int) -> Sound:
    """Return mono sound, 48 kHz, float32, -1 to 1, `seconds` long; `said`: when each file of `speech/` begins."""
    voice = np.zeros(round(seconds * RATE_HZ), np.float32)
    loudness = []
    for start_s, name in said:
        spoken, rate = soundfile.read(SPEECH / f"{name}.flac", dtype="float32")
        spoken = resample_poly(spoken, RATE_HZ // rate, 1).astype(np.float32)
        loudness.append(float(np.sqrt(np.mean(spoken**2))))
        start = round(start_s * RATE_HZ)
        voice[start : start + len(spoken)] += spoken[: len(voice) - start]
    level = np.mean(loudness) if loudness else 0.05
    return voice + np.float32(level * 10 ** (NOISE_DB / 20)) * street(len(voice), seed=seed)


def street(samples: int, *, seed: int) -> Sound:
    """Return traffic far away: low-passed noise that swells and ebbs; float32, shape (samples,), RMS about 1."""
    random = np.random.default_rng(seed)
    white = random.standard_normal(samples)
    rumble = sosfilt(butter(2, 400, fs=RATE_HZ, output="sos"), white)
    hiss = sosfilt(butter(1, 3000, fs=RATE_HZ, output="sos"), random.standard_normal(samples))
    swell = gaussian_filter1d(random.standard_normal(samples // 480 + 1), 120, mode="wrap")
    swell = np.repeat(1 + 0.35 * swell / (np.abs(swell).max() + 1e-9), 480)[:samples]
    noise = (rumble / rumble.std() + 0.35 * hiss / hiss.std()) * swell
    return np.asarray(noise / noise.std(), np.float32)

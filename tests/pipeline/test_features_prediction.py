import numpy as np
import pytest

from pipeline.features.prediction import surprise

RATE = 16000


def voice(seconds: float, hertz: float = 140.0) -> np.ndarray:
    """Harmonics that fall off, and a little noise."""
    time = np.arange(round(seconds * RATE)) / RATE
    tone = sum(np.sin(2 * np.pi * hertz * k * time + k) / k**2 for k in range(1, 12))
    return (0.2 * tone + 1e-4 * np.random.default_rng(0).standard_normal(len(time))).astype(np.float32)


def test_a_step_between_two_waveforms_is_not_foreseen():
    sound = np.concatenate([voice(1.0), voice(1.0)[37:]])
    bursts = surprise(sound, RATE)
    assert len(bursts) == len(sound) * 1000 // RATE
    inner = bursts[25:-25]  # the sound's own beginning and end are not foreseen either
    assert abs(int(inner.argmax()) + 25 - 1000) <= 1
    assert np.sort(inner)[-8] < inner.max() - 1


def test_noise_surprises_everywhere_alike():
    bursts = surprise(0.1 * np.random.default_rng(1).standard_normal(2 * RATE).astype(np.float32), RATE)
    assert np.ptp(bursts[5:-5]) < 1
    assert np.median(bursts) == pytest.approx(np.log10(0.01), abs=0.4)


def test_silence_and_short_sound():
    assert surprise(np.zeros(RATE, np.float32), RATE).tolist() == pytest.approx([-10.0] * 1000)
    assert len(surprise(voice(0.05), RATE)) == 50


@pytest.mark.parametrize("rate", [16000, 22050, 24000])
def test_a_value_for_every_millisecond(rate):
    assert surprise(np.ones(rate + 7, np.float32) * 0.1, rate).shape == (1000,)

"""Where somebody speaks: silero voice activity, run on blocks of sound as they come."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import ModelError

RATE_HZ = 16_000
FRAME_SAMPLES = 512
FRAME_S = FRAME_SAMPLES / RATE_HZ
_CONTEXT_SAMPLES = 64
_BLOCK_FRAMES = 512
_MODEL = "silero_vad_16k_sequence.onnx"
_NEIGHBOURHOOD_S = 10.0
_FLOOR_POWER = 1e-12

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Stretch:
    """One stretch of speech."""

    start_s: float
    stop_s: float
    probability: float
    """Mean probability of speech, 0 to 1."""
    snr_db: float
    """Its level over that of the sound within 10 s where nobody speaks; NaN if there is no such sound."""


@dataclass(frozen=True, slots=True)
class Activity:
    """One value per frame of 32 ms."""

    probability: Floats
    """Of speech, 0 to 1."""
    power: Floats
    """Mean square of the samples, full scale 1."""
    duration_s: float
    """Length of the sound."""


def model_path() -> Path:
    """Return the model file inside the silero-vad package, which itself is not imported: it would import torch."""
    for file in distribution("silero-vad").files or []:
        if file.name == _MODEL:
            return Path(str(file.locate()))
    raise ModelError(f"The voice activity model {_MODEL} is missing: reinstall the package silero-vad")


def measure(opening: Path, progress: Callable[[float], None] = lambda _: None) -> Activity:
    """Measure speech probability and power of a 16 kHz mono sound file, in constant memory.

    Parameters
    ----------
    opening : Path
        Sound file, 16 kHz mono.
    progress : callable
        Is called with the share that is done, 0 to 1.

    Raises
    ------
    ValueError
        If the file is not 16 kHz mono.
    """
    import soundfile

    session = _session()
    hidden = cell = np.zeros((1, 1, 128), np.float32)
    context = np.zeros(_CONTEXT_SAMPLES, np.float32)
    probability, power = [], []
    with soundfile.SoundFile(opening) as sound:
        if (sound.samplerate, sound.channels) != (RATE_HZ, 1):
            raise ValueError(f"{opening}: 16 kHz mono expected, not {sound.samplerate} Hz, {sound.channels} channels")
        total, done = sound.frames, 0
        for samples in _blocks(sound):
            frames = np.zeros((-(-len(samples) // FRAME_SAMPLES), FRAME_SAMPLES), np.float32)
            frames.reshape(-1)[: len(samples)] = samples
            # The model sees each frame after the last samples of the one before.
            before = np.vstack([context[None], frames[:-1, -_CONTEXT_SAMPLES:]])
            context = frames[-1, -_CONTEXT_SAMPLES:]
            values, hidden, cell = session.run(
                ["speech_probs", "hn", "cn"], {"input": np.hstack([before, frames]), "h": hidden, "c": cell}
            )
            probability.append(np.asarray(values, np.float64).reshape(-1))
            power.append(np.square(frames, dtype=np.float64).mean(axis=1))
            done += len(samples)
            progress(done / max(total, done))
    if not probability:
        return Activity(np.empty(0), np.empty(0), 0.0)
    return Activity(np.concatenate(probability), np.concatenate(power), done / RATE_HZ)


def stretches(
    activity: Activity,
    *,
    voice_threshold: float = 0.5,
    voice_hysteresis: float = 0.15,
    min_speech_s: float = 0.25,
    min_silence_s: float = 0.3,
    pad_s: float = 0.1,
) -> list[Stretch]:
    """Return the stretches of speech in order.

    Parameters
    ----------
    voice_threshold : float
        Probability of speech from which a stretch begins, 0 to 1.
    voice_hysteresis : float
        A stretch goes on until the probability falls this far below the threshold.
    min_speech_s : float
        A shorter stretch is no speech, in seconds.
    min_silence_s : float
        A shorter pause does not end a stretch, in seconds.
    pad_s : float
        Added before and after each stretch, in seconds.
    """
    runs = [
        (start, stop)
        for start, stop in _runs(
            activity.probability, voice_threshold, voice_threshold - voice_hysteresis, round(min_silence_s / FRAME_S)
        )
        if (stop - start) * FRAME_S >= min_speech_s
    ]
    speaks = np.zeros(len(activity.probability), bool)
    pad = round(pad_s / FRAME_S)
    for start, stop in runs:
        speaks[max(0, start - pad) : stop + pad] = True
    found, after = [], 0.0
    for number, (start, stop) in enumerate(runs):
        following = runs[number + 1][0] * FRAME_S if number + 1 < len(runs) else activity.duration_s
        begin = max(after, start * FRAME_S - pad_s)
        end = min(stop * FRAME_S + pad_s, (stop * FRAME_S + following) / 2, activity.duration_s)
        found.append(
            Stretch(
                begin,
                max(begin, end),
                float(activity.probability[start:stop].mean()),
                _snr(activity, speaks, start, stop),
            )
        )
        after = end
    return found


def _runs(probability: Floats, begin: float, end: float, silence: int) -> Iterator[tuple[int, int]]:
    """Yield frame ranges that start at `begin` and last until `silence` frames in a row are below `end`."""
    start, quiet = -1, 0
    for frame, value in enumerate(probability):
        if start < 0:
            if value >= begin:
                start, quiet = frame, 0
        elif value >= end:
            quiet = 0
        else:
            quiet += 1
            if quiet >= max(1, silence):
                yield start, frame + 1 - quiet
                start = -1
    if start >= 0:
        yield start, len(probability) - quiet


def _snr(activity: Activity, speaks: NDArray[np.bool_], start: int, stop: int) -> float:
    near = round(_NEIGHBOURHOOD_S / FRAME_S)
    around = slice(max(0, start - near), stop + near)
    background = activity.power[around][~speaks[around]]
    if not len(background):
        return float("nan")
    # The median leaves out the odd bang or syllable that voice activity missed.
    levels = activity.power[start:stop].mean(), np.median(background)
    return float(10 * (np.log10(max(levels[0], _FLOOR_POWER)) - np.log10(max(levels[1], _FLOOR_POWER))))


def _blocks(sound: Any) -> Iterator[NDArray[np.float32]]:
    while len(samples := sound.read(_BLOCK_FRAMES * FRAME_SAMPLES, dtype="float32")):
        yield samples


@cache
def _session() -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.inter_op_num_threads = options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(model_path(), options, providers=["CPUExecutionProvider"])

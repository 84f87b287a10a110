"""From the opening's sound to the tables `voice` and `words`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import numpy as np
import pyarrow as pa
from annotated_types import Ge, Gt, Interval
from numpy.typing import NDArray

from pipeline.errors import ModelError
from pipeline.features.schema import to_arrow
from pipeline.model import Message
from transcripts import voice
from transcripts.recogniser import Heard, Word, whisper_recogniser
from transcripts.voice import RATE_HZ, Stretch
from transcripts.weights import weights_in_use

TRANSCRIBE_VERSION = 1
"""Raised whenever the same sound could now give other tables."""

_LIBRARIES = ("openai-whisper", "torch", "onnxruntime", "silero-vad", "opencc", "numpy")

NO_RECOGNISER = "Speech was not written down, because the recogniser cannot be used: {problem}."
UNREADABLE = "Speech was not looked for, because the sound of the opening cannot be read: {problem}."
RAN_IN_CIRCLES = (
    "From {start_s:.1f} s to {stop_s:.1f} s somebody speaks, but the recogniser found no usable text there."
)


def libraries(weights: str = "") -> dict[str, str]:
    """Return versions of all that could change the tables, and the hash of the weights; imports none of it.

    Parameters
    ----------
    weights : str
        As for `transcribe`.
    """
    found = {name: version(name) for name in _LIBRARIES}
    try:
        used = weights_in_use(weights)
        found["whisper-weights"] = f"{used.name} sha256:{used.sha256}"
    except ModelError:
        found["whisper-weights"] = "none"
    return found


def transcribe(
    opening: Path,
    progress: Callable[[str, float], None],
    *,
    weights: str = "",
    download: bool = False,
    beam_size: Annotated[int, Ge(1)] = 5,
    threads: Annotated[int, Ge(0)] = 0,
    voice_threshold: Annotated[float, Interval(ge=0, le=1)] = 0.5,
    voice_hysteresis: float = 0.15,
    min_speech_s: float = 0.25,
    min_silence_s: float = 0.3,
    pad_s: float = 0.1,
    max_pause_s: float = 3.0,
    max_piece_s: Annotated[float, Gt(0)] = 28.0,
) -> dict[str, pa.Table]:
    """Find where somebody speaks in the opening of a clip, and write down what is said.

    Where nobody speaks nothing is recognised: the recogniser is loaded only for speech, and words that it places
    outside of speech are dropped.

    Parameters
    ----------
    opening : Path
        16 kHz mono sound whose first sample is at 0 s of the clip's presentation timeline.
    progress : callable
        Is called with the stage's name and the share that is done, 0 to 1.
    weights : str
        Path of a Whisper checkpoint (.pt); empty: the installed `base`, see `transcripts.weights`.
    download : bool
        Let openai-whisper fetch `base` from the internet when it is not installed.
    beam_size : int
        Hypotheses that the recogniser keeps; 1 is greedy: faster and less accurate.
    threads : int
        CPU threads of the recogniser; 0: as many as torch takes by itself.
    voice_threshold : float
        Probability of speech from which a stretch of speech begins, 0 to 1.
    voice_hysteresis : float
        A stretch goes on until the probability falls this far below the threshold.
    min_speech_s : float
        A shorter stretch is not taken for speech.
    min_silence_s : float
        A shorter pause does not end a stretch.
    pad_s : float
        Sound kept before and after each stretch.
    max_pause_s : float
        Stretches that a shorter pause parts are recognised in one piece.
    max_piece_s : float
        Longest piece made by joining stretches; Whisper listens to 30 s at a time.

    Returns
    -------
    dict
        `voice`, `words`, `examined` and `gaps`, as in `pipeline/features/schema.py`. `words` is absent where
        somebody speaks but there is no recogniser; only `gaps` is there where the sound cannot be read.

    Raises
    ------
    ValueError
        If the sound is not 16 kHz mono.
    """
    import soundfile

    try:
        activity = voice.measure(opening, lambda share: progress("speech", 0.2 * share))
    except soundfile.LibsndfileError as error:
        return {"gaps": to_arrow("gaps", [_gap(UNREADABLE, problem=str(error.error_string))])}
    spoken = voice.stretches(
        activity,
        voice_threshold=voice_threshold,
        voice_hysteresis=voice_hysteresis,
        min_speech_s=min_speech_s,
        min_silence_s=min_silence_s,
        pad_s=pad_s,
    )
    tables = {
        "voice": to_arrow(
            "voice",
            [
                {"start_s": s.start_s, "stop_s": s.stop_s, "probability": s.probability, "snr_db": s.snr_db}
                for s in spoken
            ],
        ),
        "examined": to_arrow(
            "examined", [{"stage": "speech", "measure": "speech_s", "value": float(activity.duration_s)}]
        ),
    }
    gaps: list[dict[str, object]] = []
    try:
        heard = _recognised(opening, spoken, progress, weights, download, beam_size, threads, max_pause_s, max_piece_s)
    except ModelError as error:
        told = error.args[0]
        if not isinstance(told, Message):
            told = Message(NO_RECOGNISER, {"problem": str(error)})
        gaps.append(_gap(told.template, **told.values))
    else:
        tables["words"] = to_arrow("words", [_row(word) for word in heard.words if _is_spoken(word, spoken)])
        gaps += [_gap(RAN_IN_CIRCLES, start_s=round(start, 3), stop_s=round(stop, 3)) for start, stop in heard.lost]
    tables["gaps"] = to_arrow("gaps", gaps)
    progress("speech", 1.0)
    return tables


def pieces(spoken: Sequence[Stretch], max_pause_s: float, max_piece_s: float) -> Iterator[tuple[float, float]]:
    """Join neighbouring stretches of speech into the pieces (start, stop in seconds) that are recognised at once."""
    start = stop = None
    for stretch in spoken:
        if start is None or stop is None:
            start, stop = stretch.start_s, stretch.stop_s
        elif stretch.start_s - stop <= max_pause_s and stretch.stop_s - start <= max_piece_s:
            stop = stretch.stop_s
        else:
            yield start, stop
            start, stop = stretch.start_s, stretch.stop_s
    if start is not None and stop is not None:
        yield start, stop


def _recognised(
    opening: Path,
    spoken: Sequence[Stretch],
    progress: Callable[[str, float], None],
    weights: str,
    download: bool,
    beam_size: int,
    threads: int,
    max_pause_s: float,
    max_piece_s: float,
) -> Heard:
    if not spoken:
        return Heard(())
    chosen = weights_in_use(weights, download=download)
    import torch

    if threads > 0:
        torch.set_num_threads(threads)
    recogniser = whisper_recogniser(chosen, beam_size)
    words: list[Word] = []
    lost: list[tuple[float, float]] = []
    for start, stop in pieces(spoken, max_pause_s, max_piece_s):
        heard = recogniser.recognise(_samples(opening, start, stop))
        words += [Word(w.start_s + start, min(w.stop_s + start, stop), w.text, w.probability) for w in heard.words]
        lost += [(begin + start, min(end + start, stop)) for begin, end in heard.lost]
        progress("speech", 0.2 + 0.8 * stop / spoken[-1].stop_s)
    return Heard(tuple(words), tuple(lost))


def _samples(opening: Path, start_s: float, stop_s: float) -> NDArray[np.float32]:
    import soundfile

    samples, _ = soundfile.read(opening, start=round(start_s * RATE_HZ), stop=round(stop_s * RATE_HZ), dtype="float32")
    return np.asarray(samples, np.float32)


def _is_spoken(word: Word, spoken: Sequence[Stretch]) -> bool:
    return any(word.start_s < stretch.stop_s and word.stop_s > stretch.start_s for stretch in spoken)


def _row(word: Word) -> dict[str, object]:
    return {
        "start_s": min(word.start_s, word.stop_s),
        "stop_s": word.stop_s,
        "text": word.text,
        "probability": word.probability,
    }


def _gap(template: str, **values: object) -> dict[str, object]:
    return {"stage": "speech", "message": template, "values": json.dumps(values, ensure_ascii=False)}

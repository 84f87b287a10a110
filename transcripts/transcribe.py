"""From a clip's sound to the tables `voice`, `words` and `likelihood`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import pyarrow as pa
from annotated_types import Ge, Gt, Interval
from numpy.typing import NDArray

from pipeline.errors import ModelError
from pipeline.features.schema import to_arrow, to_table
from pipeline.model import Message
from transcripts import voice
from transcripts.alignment import find
from transcripts.normalise import clauses
from transcripts.notice import OPENING_S, is_spoken
from transcripts.recogniser import Choice, Recogniser, Word, engine_for
from transcripts.recogniser import recogniser as loaded
from transcripts.spoken import transcript
from transcripts.voice import FRAME_S, RATE_HZ, Activity, Stretch
from transcripts.weights import weights_in_use

TRANSCRIBE_VERSION = 2
"""Raised whenever the same sound could now give other tables."""

_LIBRARIES = ("onnxruntime", "silero-vad", "opencc", "numpy")
_OF_ENGINE = {"openai-whisper": ("openai-whisper", "torch"), "faster-whisper": ("faster-whisper", "ctranslate2")}
_SHORTEST_LOOK_S = 2.5
"""In less sound nobody speaks a notice."""

NO_RECOGNISER = "Speech was not written down, because the recogniser cannot be used: {problem}."
UNREADABLE = "Speech was not looked for, because the sound cannot be read: {problem}."
RAN_IN_CIRCLES = (
    "From {start_s:.1f} s to {stop_s:.1f} s somebody speaks, but the recogniser found no usable text there."
)


def libraries(weights: str = "", recogniser: Choice = "auto") -> dict[str, str]:
    """Return versions of all that could change the tables, and the hash of the weights; imports none of it.

    Parameters
    ----------
    weights, recogniser : str
        As for `transcribe`.
    """
    found = {name: version(name) for name in _LIBRARIES}
    try:
        engine = engine_for(recogniser, weights)
        used = weights_in_use(weights, engine=engine)
    except ModelError:
        return found | {"whisper-weights": "none"}
    found |= {name: version(name) for name in _OF_ENGINE[engine]}
    return found | {"whisper-weights": f"{used.name} sha256:{used.sha256}"}


def transcribe(
    sound: Path,
    progress: Callable[[str, float], None],
    notices: Sequence[str] = (),
    opening_s: float = OPENING_S,
    *,
    recogniser: Choice = "auto",
    weights: str = "",
    download: bool = False,
    beam_size: Annotated[int, Ge(1)] = 5,
    threads: Annotated[int, Ge(0)] = 0,
    extent: Literal["opening", "needed", "whole"] = "needed",
    voice_threshold: Annotated[float, Interval(ge=0, le=1)] = 0.5,
    voice_hysteresis: float = 0.15,
    min_speech_s: float = 0.25,
    min_silence_s: float = 0.3,
    pad_s: float = 0.1,
    max_pause_s: float = 3.0,
    max_piece_s: Annotated[float, Gt(0)] = 28.0,
) -> dict[str, pa.Table]:
    """Find where somebody speaks in a clip, and write down what is said.

    Where nobody speaks nothing is recognised: the recogniser is loaded only for speech, and words that it places
    outside of speech are dropped. The opening is heard first; the rest where no notice is among what was recognised
    in the opening. There too each piece of the opening is asked how likely the notice is in it (table `likelihood`).

    Parameters
    ----------
    sound : Path
        16 kHz mono sound whose first sample is at 0 s of the clip's presentation timeline.
    progress : callable
        Is called with the stage's name and the share that is done, 0 to 1.
    notices : sequence of str
        Accepted wordings of the notice. The recogniser is never prompted with them.
    opening_s : float
        Length of the opening, in seconds from the beginning of the clip.
    recogniser : str
        Engine: auto, openai-whisper or faster-whisper; see `transcripts.recogniser.engine_for`.
    weights : str
        Path of a Whisper checkpoint (.pt), or for faster-whisper of a folder of CTranslate2; empty: the installed
        `base`, see `transcripts.weights`.
    download : bool
        Let openai-whisper fetch `base` from the internet when it is not installed.
    beam_size : int
        Hypotheses that the recogniser keeps; 1 is greedy: faster and less accurate.
    threads : int
        CPU threads of the recogniser; 0: as many as it takes by itself.
    extent : str
        What is written down: the `opening`; the whole clip where it is `needed`, that is where the notice is not heard
        in the opening; or the `whole` clip always.
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
        `voice`, `words`, `likelihood`, `examined` and `gaps`, as in `pipeline/features/schema.py`. `words` and
        `likelihood` are absent where somebody speaks but there is no recogniser; only `gaps` is there where the sound
        cannot be read.

    Raises
    ------
    ValueError
        If the sound is not 16 kHz mono.
    """
    import soundfile

    try:
        activity = voice.measure(sound, lambda share: progress("speech", 0.1 * share))
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
    parts = list(cut(pieces(spoken, max_pause_s, max_piece_s), activity, max_piece_s))
    first = [part for part in parts if extent == "whole" or part[0] < opening_s]
    rest = parts[len(first) :]

    @cache  # looked for only where somebody speaks, and once
    def load() -> Recogniser:
        engine = engine_for(recogniser, weights)
        return loaded(weights_in_use(weights, engine=engine, download=download), engine, beam_size, threads)

    listener = _Listener(sound, load, parts[-1][1] if parts else 0.0, progress)
    gaps: list[dict[str, object]] = []
    try:
        listener.hear(first)
        if notices and not listener.heard(notices):
            listener.look_again([part for part in first if part[0] < opening_s], notices)
            if extent == "needed":
                listener.hear(rest)
                rest = []
    except ModelError as error:
        told = error.args[0]
        if not isinstance(told, Message):
            told = Message(NO_RECOGNISER, {"problem": str(error)})
        gaps.append(_gap(told.template, **told.values))
    reach_s = float(activity.duration_s)
    if rest:
        reach_s = min(reach_s, max([opening_s, *(stop for _, stop in first)]))
        spoken = [stretch for stretch in spoken if stretch.start_s < reach_s]
    tables = {
        "voice": to_arrow(
            "voice",
            [
                {"start_s": s.start_s, "stop_s": s.stop_s, "probability": s.probability, "snr_db": s.snr_db}
                for s in spoken
            ],
        ),
        "examined": to_arrow("examined", [{"stage": "speech", "measure": "speech_s", "value": reach_s}]),
    }
    if not gaps:
        tables["words"] = to_arrow("words", [_row(word) for word in listener.words if _is_spoken(word, spoken)])
        tables["likelihood"] = to_arrow("likelihood", listener.likely)
        gaps += [_gap(RAN_IN_CIRCLES, start_s=round(start, 3), stop_s=round(stop, 3)) for start, stop in listener.lost]
    tables["gaps"] = to_arrow("gaps", gaps)
    progress("speech", 1.0)
    return tables


class _Listener:
    """Hears pieces of a sound, and keeps what was said in them."""

    def __init__(
        self, sound: Path, load: Callable[[], Recogniser], last_s: float, progress: Callable[[str, float], None]
    ) -> None:
        self._sound, self._load, self._last_s, self._progress = sound, load, last_s, progress
        self.words: list[Word] = []
        self.lost: list[tuple[float, float]] = []
        self.likely: list[dict[str, object]] = []

    def hear(self, parts: Iterable[tuple[float, float]]) -> None:
        """Write down what is said from start to stop of each piece, in seconds."""
        for start, stop in parts:
            heard = self._load().recognise(_samples(self._sound, start, stop))
            self.words += [
                Word(w.start_s + start, min(w.stop_s + start, stop), w.text, w.probability) for w in heard.words
            ]
            self.lost += [(begin + start, min(end + start, stop)) for begin, end in heard.lost]
            self._progress("speech", 0.1 + 0.9 * stop / self._last_s)

    def heard(self, notices: Sequence[str]) -> bool:
        """Tell whether one of the wordings was recognised so far."""
        said = transcript(to_table("words", to_arrow("words", [_row(word) for word in self.words])))
        return any(is_spoken(find(wording, said.syllables)) for wording in notices)

    def look_again(self, parts: Iterable[tuple[float, float]], notices: Sequence[str]) -> None:
        """Ask of each piece how likely each of the wordings is in it."""
        for start, stop in parts:
            if stop - start < _SHORTEST_LOOK_S:
                continue
            samples = _samples(self._sound, start, stop)
            for wording in notices:
                sentence = clauses(wording)
                logs = self._load().likelihoods(samples, sentence)
                counts = [len(clause) for clause in sentence]
                self.likely.append(
                    {
                        "start_s": start,
                        "stop_s": stop,
                        "sentence": wording,
                        "mean_logprob": float(np.average(logs, weights=counts)),
                        "lowest_logprob": min(logs),
                    }
                )


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


def cut(parts: Iterable[tuple[float, float]], activity: Activity, max_piece_s: float) -> Iterator[tuple[float, float]]:
    """Cut pieces that are too long where speech is least likely: whatever is said, memory and time stay bounded."""
    for start, stop in parts:
        while stop - start > max_piece_s:
            first, last = (int((start + share * max_piece_s) / FRAME_S) for share in (0.5, 1.0))
            at = (first + int(activity.probability[first:last].argmin())) * FRAME_S
            yield start, at
            start = at
        yield start, stop


def _samples(sound: Path, start_s: float, stop_s: float) -> NDArray[np.float32]:
    import soundfile

    samples, _ = soundfile.read(sound, start=round(start_s * RATE_HZ), stop=round(stop_s * RATE_HZ), dtype="float32")
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

"""The engine faster-whisper (CTranslate2, 8-bit integers): on a CPU a sixth of the time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from transcripts.recogniser import Heard, Segment, Word, token_limit, usable
from transcripts.weights import Weights, files_in_memory

_LEAST_PROBABILITY = 1e-10


class FasterWhisper:
    """faster-whisper, decoded under the same limits as openai-whisper: see `transcripts.whisper_openai`.

    Parameters
    ----------
    weights : Weights
        Which weights to load.
    beam_size : int
        Hypotheses kept while decoding; 1 decodes greedily.
    threads : int
        CPU threads; 0: as many as CTranslate2 takes by itself.
    """

    def __init__(self, weights: Weights, beam_size: int, threads: int) -> None:
        from faster_whisper import WhisperModel

        self._model = WhisperModel(
            weights.name, device="auto", compute_type="int8", cpu_threads=threads, files=files_in_memory(weights)
        )
        self._beam_size = beam_size

    def recognise(self, samples: NDArray[np.float32]) -> Heard:
        """Return the words; see `Recogniser`."""
        segments, _ = self._model.transcribe(
            samples,
            language="zh",
            task="transcribe",
            temperature=0.0,
            beam_size=self._beam_size,
            condition_on_previous_text=False,
            word_timestamps=True,
            vad_filter=False,
            max_new_tokens=token_limit(samples),
        )
        return usable(
            Segment(
                segment.start,
                segment.end,
                segment.text,
                tuple(Word(word.start, word.end, word.word, word.probability) for word in segment.words or ()),
            )
            for segment in segments
        )

    def likelihoods(self, samples: NDArray[np.float32], clauses: Sequence[str]) -> tuple[float, ...]:
        """Return how likely the clauses are; see `Recogniser`."""
        from faster_whisper.audio import pad_or_trim
        from faster_whisper.tokenizer import Tokenizer

        model: Any = self._model
        tokenizer = Tokenizer(model.hf_tokenizer, model.model.is_multilingual, task="transcribe", language="zh")
        parts = [tokenizer.encode(clause) for clause in clauses]
        features = model.feature_extractor(samples)
        (aligned,) = model.model.align(
            model.encode(pad_or_trim(features)),
            tokenizer.sot_sequence,
            [[token for part in parts for token in part]],
            min(features.shape[-1], model.feature_extractor.nb_max_frames),
        )
        logs = np.log(np.maximum(np.array(aligned.text_token_probs[: sum(map(len, parts))]), _LEAST_PROBABILITY))
        return tuple(float(values.mean()) for values in np.split(logs, np.cumsum([len(part) for part in parts])[:-1]))

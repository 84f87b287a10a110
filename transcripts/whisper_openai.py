"""The engine openai-whisper (torch)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from transcripts.recogniser import Heard, Segment, Word, token_limit, usable
from transcripts.weights import Weights, load


class OpenAIWhisper:
    """openai-whisper, decoded so that the same sound always gives the same text in bounded time.

    Temperature 0 without fallback (re-decoding noise takes minutes and ends in invented words), no text carried over
    from before and no prompt: a model that was shown the notice writes it on pure noise. On the GPU if there is one.

    Parameters
    ----------
    weights : Weights
        Which weights to load.
    beam_size : int
        Hypotheses kept while decoding; 1 decodes greedily.
    threads : int
        CPU threads; 0: as many as torch takes by itself.
    """

    def __init__(self, weights: Weights, beam_size: int, threads: int) -> None:
        import torch

        if threads:
            torch.set_num_threads(threads)
        self._model = load(weights)
        self._beam_size = beam_size

    def recognise(self, samples: NDArray[np.float32]) -> Heard:
        """Return the words; see `Recogniser`."""
        result: dict[str, Any] = self._model.transcribe(
            samples,
            language="zh",
            task="transcribe",
            temperature=0.0,
            beam_size=self._beam_size if self._beam_size > 1 else None,
            condition_on_previous_text=False,
            word_timestamps=True,
            fp16=self._model.device.type == "cuda",
            sample_len=token_limit(samples),
            verbose=None,
        )
        return usable(
            Segment(
                float(segment["start"]),
                float(segment["end"]),
                segment["text"],
                tuple(
                    Word(float(word["start"]), float(word["end"]), word["word"], float(word["probability"]))
                    for word in segment["words"]
                ),
            )
            for segment in result["segments"]
        )

    def likelihoods(self, samples: NDArray[np.float32], clauses: Sequence[str]) -> tuple[float, ...]:
        """Return how likely the clauses are; see `Recogniser`."""
        import torch
        import whisper

        model = self._model
        tokenizer = whisper.tokenizer.get_tokenizer(
            model.is_multilingual, num_languages=model.num_languages, language="zh", task="transcribe"
        )
        start = list(tokenizer.sot_sequence_including_notimestamps)
        parts = [tokenizer.encode(clause) for clause in clauses]
        text = [token for part in parts for token in part]
        mel = whisper.log_mel_spectrogram(whisper.pad_or_trim(samples), model.dims.n_mels)
        with torch.no_grad():
            features = model.embed_audio(mel[None].to(model.device))
            logits = model.logits(torch.tensor([start + text], device=model.device), features)[0]
            logs = torch.log_softmax(logits.float(), -1)
            found = logs[torch.arange(len(start) - 1, len(start) + len(text) - 1), torch.tensor(text)].cpu().numpy()
        return _means(found, parts)


def _means(logs: NDArray[np.float32], parts: Sequence[Sequence[int]]) -> tuple[float, ...]:
    """Return the mean of each part's share of a row of values."""
    ends = np.cumsum([len(part) for part in parts])
    return tuple(float(values.mean()) for values in np.split(logs, ends[:-1]))

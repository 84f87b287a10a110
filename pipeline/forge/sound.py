"""The sound of a plan: read from the takes piece by piece, brought to one form, encoded beside the pictures."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing
from fractions import Fraction
from typing import TYPE_CHECKING, cast

import av
import numpy as np

from pipeline.forge.plan import Plan, Sounds
from pipeline.forge.reading import SoundReader
from pipeline.media.audio import Samples

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import OutputContainer

SOUND_BITS = 96_000
"""Bits a second of AAC."""
_CHUNK_S = 0.5
_AAC_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)


class Hearing:
    """The sound of a plan, encoded as far as the pictures have come."""

    def __init__(self, plan: Plan, out: OutputContainer, open_files: ExitStack) -> None:
        take = plan.takes[0]
        self._plan, self._out = plan, out
        self._channels = take.channels
        self._rate_hz = take.rate_hz
        self._encoded_hz = self._rate_hz
        if plan.encoding.sound_codec == "aac":
            self._encoded_hz = next((rate for rate in _AAC_RATES if rate <= self._rate_hz), 8000)
        self._layout = "mono" if take.channels == 1 else "stereo"
        made = out.add_stream(plan.encoding.sound_codec, rate=self._encoded_hz, layout=self._layout)
        self._stream = cast("AudioStream", made)
        if plan.encoding.sound_codec == "aac":
            self._stream.bit_rate = SOUND_BITS
        form = "fltp" if plan.encoding.sound_codec == "aac" else "s16"
        self._convert = av.AudioResampler(format=form, layout=self._layout, rate=self._encoded_hz)
        self._readers = [open_files.enter_context(closing(SoundReader(t))) if t.rate_hz else None for t in plan.takes]
        self._chunks = self._heard()
        self._done = 0

    def until(self, time_s: Fraction) -> None:
        """Encode what is heard before `time_s`, give or take half a second."""
        while self._done < time_s * self._rate_hz and (chunk := next(self._chunks, None)) is not None:
            self._encode(chunk)

    def finish(self) -> None:
        """Encode the rest."""
        for chunk in self._chunks:
            self._encode(chunk)
        for frame in self._convert.resample(None):
            self._out.mux(self._stream.encode(frame))
        self._out.mux(self._stream.encode(None))

    def _encode(self, samples: Samples) -> None:
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples), "fltp", self._layout)
        frame.sample_rate, frame.pts, frame.time_base = self._rate_hz, self._done, Fraction(1, self._rate_hz)
        self._done += samples.shape[1]
        for converted in self._convert.resample(frame):
            self._out.mux(self._stream.encode(converted))

    def _heard(self) -> Iterator[Samples]:
        longest = max(1, int(_CHUNK_S * self._rate_hz))
        for run in self._plan.sound:
            reader = self._readers[run.take] if run.take >= 0 else None
            if reader is None:
                for at in range(0, run.count, longest):
                    yield np.zeros((self._channels, min(longest, run.count - at)), np.float32)
            else:
                yield from self._taken(run, reader, longest)

    def _taken(self, run: Sounds, reader: SoundReader, longest: int) -> Iterator[Samples]:
        """Yield a run of a take's sound in the channels and at the rate of the clip."""
        take = self._plan.takes[run.take]
        first = round(run.start_s * take.rate_hz)
        if take.rate_hz == self._rate_hz:
            for at in range(0, run.count, longest):
                yield self._spread(reader.read(first + at, min(longest, run.count - at)))
            return
        layout = "mono" if take.channels == 1 else "stereo"
        fit = av.AudioResampler(format="fltp", layout=layout, rate=self._rate_hz)
        left = run.count
        while left > 0:
            frame = av.AudioFrame.from_ndarray(reader.read(first, longest), "fltp", layout)
            frame.sample_rate = take.rate_hz
            first += longest
            for made in fit.resample(frame):
                samples = np.asarray(made.to_ndarray(), np.float32)[:, :left]
                left -= samples.shape[1]
                if samples.shape[1]:
                    yield self._spread(samples)

    def _spread(self, samples: Samples) -> Samples:
        if len(samples) == self._channels:
            return samples
        return np.repeat(samples[:1], self._channels, axis=0)

"""One second of sound taken out, the pictures untouched: whether it is told, and where.

    python -m benchmarks.sound_removed                prints Markdown, measured on `test`

Each recording is coded as a recorder does (48 kHz mono, 128 or 64 kb/s), loses a second at a random instant, is encoded
again at the same rate and put beside small pictures that last as long as the whole recording. Told apart: what follows
is moved earlier, and packets are left out while the others keep their times.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable
from fractions import Fraction
from pathlib import Path
from typing import Annotated

import av
import numpy as np
import typer

from benchmarks.sound_material import Coding, Sound, half, recorded, sources
from detectors.audio_break import audio_break
from detectors.audio_missing import audio_missing
from detectors.av_desync import av_desync
from detectors.timestamp_gap import timestamp_gap
from pipeline.features.extract import measure
from pipeline.features.schema import to_table
from pipeline.model import Features, Finding, Level
from pipeline.tuning.intervals import wilson

RATE = 25
_EDGE_S = 1.5
_NEAR_S = 0.25
_CODINGS = (Coding(48000, 1, 128, 128), Coding(48000, 1, 64, 64))


def write(path: Path, sound: Sound, coding: Coding, pictures: int) -> Path:
    """Write an MP4 file with `pictures` small pictures and this sound, which may end before them."""
    random = np.random.default_rng(0)
    with av.open(str(path), "w") as out:
        video = out.add_stream("mpeg4", rate=RATE)
        video.width, video.height, video.pix_fmt = 96, 64, "yuv420p"
        heard = out.add_stream("aac", rate=coding.rate_hz)
        heard.bit_rate, heard.layout = coding.again_kbps * 1000, "mono"
        step = coding.rate_hz // RATE
        for number in range(pictures):
            picture = random.integers(0, 255, (64, 96, 3), dtype=np.uint8)
            out.mux(video.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
            piece = np.ascontiguousarray(sound[:1, number * step : (number + 1) * step])
            if piece.shape[1]:
                frame = av.AudioFrame.from_ndarray(piece, "fltp", "mono")
                frame.sample_rate, frame.pts, frame.time_base = (
                    coding.rate_hz,
                    number * step,
                    Fraction(1, coding.rate_hz),
                )
                out.mux(heard.encode(frame))
        for stream in (video, heard):
            out.mux(stream.encode(None))
    return path


def without_packets(source: Path, path: Path, start_s: float) -> Path:
    """Copy a clip without the packets of one second of its sound; all others keep their times."""
    with av.open(str(source)) as opened, av.open(str(path), "w") as out:
        copies = {stream.index: out.add_stream_from_template(stream) for stream in opened.streams}
        for packet in opened.demux():
            if packet.dts is None:
                continue
            time_s = float(packet.pts * packet.time_base)
            if packet.stream.type == "audio" and start_s <= time_s < start_s + 1:
                continue
            packet.stream = copies[packet.stream_index]
            out.mux(packet)
    return path


def findings(clip: Path, detectors: Iterable[Callable[..., Iterable[Finding]]]) -> list[Finding]:
    """Measure a clip and return what is suspected of it."""
    with tempfile.TemporaryDirectory() as work:
        tables = measure(clip, Path(work), lambda _stage, _done: None, decoder_threads=1, sound_s=1.0).tables
    features = Features({name: to_table(name, rows) for name, rows in tables.items()})
    return [f for detector in detectors for f in detector(features) if f.level != Level.NOTE]


def main(
    side: Annotated[str, typer.Option(help="Half to judge on: test or tune.")] = "test",
) -> None:
    """Take a second of sound out of every recording."""
    about_sound = (audio_break, audio_missing, av_desync, timestamp_gap)
    print("| sound | clips | told | placed within 0.25 s | likeliest place | packets left out | untouched: suspects |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    found = [source for source in sources() if half(source[0]) == side or source[0].startswith("noise/")]
    for coding in _CODINGS:
        counts = dict.fromkeys(("clips", "told", "placed", "likeliest", "holed", "false"), 0)
        for name, taken, random in recorded(coding, found):
            seconds = taken.shape[1] / coding.rate_hz
            if half(name) != side or seconds < 2 * _EDGE_S + 1.5:
                continue
            start_s = random.uniform(_EDGE_S, seconds - _EDGE_S - 1)
            first = round(start_s * coding.rate_hz)
            cut = np.concatenate([taken[:, :first], taken[:, first + coding.rate_hz :]], axis=1)
            pictures = int(seconds * RATE)
            with tempfile.TemporaryDirectory() as folder:
                moved = findings(write(Path(folder, "moved.mp4"), cut, coding, pictures), about_sound)
                whole = write(Path(folder, "whole.mp4"), taken, coding, pictures)
                holed = findings(without_packets(whole, Path(folder, "holed.mp4"), start_s), about_sound)
                honest = findings(whole, about_sound)
            apart = [f for f in moved if f.kind == "av-desync"]
            counts["clips"] += 1
            counts["told"] += any(f.kind in {"av-desync", "audio-break"} for f in moved)
            counts["placed"] += any(f.kind == "audio-break" and abs(f.span.start_s - start_s) <= _NEAR_S for f in moved)
            counts["likeliest"] += any(_likeliest_near(f, start_s) for f in apart)
            counts["holed"] += any(
                f.kind == "timestamp-gap"
                and f.span.start_s <= start_s + _NEAR_S
                and f.span.stop_s >= start_s + 1 - _NEAR_S
                for f in holed
            )
            counts["false"] += len(honest)
        clips = counts["clips"]
        cells = []
        for what in ("told", "placed", "likeliest", "holed"):
            low, high = wilson(counts[what], clips)
            cells.append(f"{counts[what] / clips:.2f} ({low:.2f} to {high:.2f})")
        print(f"| {coding} | {clips} | {' | '.join(cells)} | {counts['false']} |")


def _likeliest_near(finding: Finding, at_s: float) -> bool:
    places = finding.evidence["likeliest_at_s"]
    return isinstance(places, list) and bool(places) and abs(float(str(places[0])) - at_s) <= _NEAR_S


if __name__ == "__main__":
    typer.run(main)

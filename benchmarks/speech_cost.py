"""What listening costs: the notice check, the whole transcript and an hour of noise, beside plain openai-whisper.

    python -m benchmarks.speech_cost ../shared/speech [--runs 1]

Every row is a process of its own, start-up and loading included, on one file of ten minutes: an introduction with the
notice, then talk and pauses as they come in an inspection, joined from the measuring material. Plain openai-whisper is
`model.transcribe(file, language="zh")` with the same weights and its own defaults.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import soundfile
import typer

RATE_HZ = 16_000
MINUTES = 10.0
PLAIN = "plain openai-whisper"
ROWS = {
    PLAIN: "plain",
    "notice check, faster-whisper": "opening faster-whisper",
    "notice check, openai-whisper": "opening openai-whisper",
    "whole transcript, faster-whisper": "whole faster-whisper",
    "whole transcript, openai-whisper": "whole openai-whisper",
    "an hour of noise": "noise auto",
}


@dataclass(frozen=True, slots=True)
class Cost:
    """What one process took."""

    cpu_s: float
    wall_s: float
    peak_mb: float


def inspection(shared: Path, path: Path, minutes: float) -> None:
    """Write a file of talk with pauses, the notice at its beginning."""
    draw = np.random.default_rng(3)
    files = sorted((shared / "real").glob("*.flac")) + sorted((shared / "tts").glob("near*.flac"))
    parts, seconds = [_read(shared / "tts" / "intro_kokoro_zm_yunyang.flac")], 0.0
    while seconds < 60 * minutes:
        parts += [np.zeros(round(draw.uniform(0.5, 4.0) * RATE_HZ)), _read(files[draw.integers(len(files))])]
        seconds = sum(map(len, parts)) / RATE_HZ
    samples = np.concatenate(parts)[: round(60 * minutes * RATE_HZ)]
    soundfile.write(path, samples + 1e-3 * draw.standard_normal(len(samples)), RATE_HZ, subtype="PCM_16")


def _read(path: Path) -> np.ndarray:
    samples, _ = soundfile.read(path)
    return np.asarray(samples)


def noise(shared: Path, path: Path, minutes: float) -> None:
    """Write an hour of a street in which nobody speaks, and of white noise."""
    street = np.concatenate([_read(shared / "nonspeech" / f"{n}.flac") for n in ("street_nospeech_20s", "white_60")])
    soundfile.write(path, np.tile(street, -(-round(60 * minutes * RATE_HZ) // len(street))), RATE_HZ, subtype="PCM_16")


def measure(path: Path, how: str) -> Cost:
    """Run one row in a process of its own."""
    before, began = os.times(), time.perf_counter()
    child = subprocess.Popen([sys.executable, "-m", "benchmarks.speech_cost", "child", str(path), *how.split()])
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{how}: failed")
    after = os.times()
    cpu_s = after.children_user + after.children_system - before.children_user - before.children_system
    return Cost(cpu_s, time.perf_counter() - began, used.ru_maxrss / 1024)


def child(path: Path, how: str, engine: str = "") -> None:
    """Do what one row says."""
    if how == "plain":
        from transcripts.weights import load, weights_in_use

        load(weights_in_use()).transcribe(_read(path).astype(np.float32), language="zh", fp16=False)
        return
    from transcripts.notice import STANDARD
    from transcripts.transcribe import transcribe

    extent = {"noise": "needed"}.get(how, how)
    transcribe(path, lambda _stage, _share: None, (STANDARD,), recogniser=engine, extent=extent)  # type: ignore[arg-type]


def main(
    shared: Annotated[Path, typer.Argument(help="Measuring material.")],
    runs: Annotated[int, typer.Option(help="Runs of every row; medians are shown.")] = 1,
    minutes: Annotated[float, typer.Option(help="Length of the file of talk.")] = MINUTES,
    only: Annotated[list[str] | None, typer.Option(help="Rows to run, by the beginning of their names.")] = None,
) -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder:
        talk, street = Path(folder, "talk.flac"), Path(folder, "street.flac")
        inspection(shared, talk, minutes)
        noise(shared, street, 6 * minutes)
        found: dict[str, Cost] = {}
        print("| what | CPU s | of plain openai-whisper | wall s | of real time | peak memory |")
        print("| --- " * 6 + "|")
        for name, how in ROWS.items():
            if only and not name.startswith(tuple(only)):
                continue
            path = street if how.startswith("noise") else talk
            costs = [measure(path, how) for _ in range(runs)]
            cpu_s, wall_s, peak = (
                statistics.median(getattr(c, f) for c in costs) for f in ("cpu_s", "wall_s", "peak_mb")
            )
            found[name] = Cost(cpu_s, wall_s, peak)
            share = f"{cpu_s / found[PLAIN].cpu_s:.3f}" if PLAIN in found else "-"
            length_s = soundfile.info(path).duration
            print(
                f"| {name} | {cpu_s:.1f} | {share} | {wall_s:.1f} | {wall_s / length_s:.3f} | {peak:.0f} MB |",
                flush=True,
            )


if __name__ == "__main__":
    if sys.argv[1:2] == ["child"]:
        child(Path(sys.argv[2]), *sys.argv[3:])
    else:
        typer.run(main)

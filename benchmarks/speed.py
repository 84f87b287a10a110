"""What a scan costs: CPU seconds side by side with FFmpeg's bare decode and PySceneDetect, triage, and peak memory.

    python -m benchmarks.speed --cache DIR [--only pass --only triage --only memory] [--runs 3]

Needs FFmpeg's command (Debian's package `ffmpeg`). All programs run in turn on the same file with one decoder thread;
medians of CPU seconds of whole processes with their children, start-up included.
"""

from __future__ import annotations

import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.footage import FOOTAGE
from benchmarks.overlay_material import render
from benchmarks.overlay_sets import cost_recipe

SECONDS = 120.0
SIZES = {480: "2M", 720: "4M", 1080: "8M"}
"""Height → bit rate."""
CODECS = {"h264": ["libx264", "-preset", "veryfast"], "hevc": ["libx265", "-preset", "ultrafast"]}
MOST_SHARE, LEAST_TRIAGE = 1.10, 300
PARTS = ("pass", "triage", "memory")
MEMORY_MINUTES = (5, 60)


def material(cache: Path, height: int, codec: str, footage: Path) -> Path:
    """Return two minutes of a busy street, noisy, 30 pictures a second, made once."""
    path = cache / f"street-{height}-{codec}-{SECONDS:g}s.mp4"
    if not path.exists():
        whole, _ = render(replace(cost_recipe(), seconds=SECONDS), cache / "clips", footage)
        made = path.with_suffix(".part.mp4")
        rate = ["-b:v", SIZES[height], "-maxrate", SIZES[height], "-bufsize", SIZES[height], "-g", "60"]
        _ffmpeg("-i", str(whole), "-vf", f"scale=-2:{height}", "-c:v", *CODECS[codec], *rate, str(made))
        made.rename(path)
    return path


def longer(source: Path, minutes: int) -> Path:
    """Return `minutes` of `source`, its packets copied over and over."""
    path = source.with_name(f"{source.stem}-{minutes}min.mp4")
    if not path.exists():
        made = path.with_suffix(".part.mp4")
        times = str(int(minutes * 60 / SECONDS) + 1)
        _ffmpeg("-stream_loop", times, "-i", str(source), "-t", str(minutes * 60), "-c", "copy", str(made))
        made.rename(path)
    return path


def _ffmpeg(*arguments: str) -> None:
    subprocess.run(["ffmpeg", "-nostdin", "-loglevel", "error", "-y", *arguments], check=True)


def cpu_s(command: Sequence[str]) -> tuple[float, float, float]:
    """Run a command; return its CPU seconds with all children, the seconds it took, and its peak memory in MiB."""
    reader, writer = os.pipe()
    began = time.monotonic()
    process = os.fork()
    if not process:  # a process of its own, so that the peak memory is that of this command alone
        os.close(reader)
        done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        os.write(writer, f"{used.ru_utime + used.ru_stime} {used.ru_maxrss} {done.returncode}".encode())
        os._exit(0)
    os.close(writer)
    os.waitpid(process, 0)
    spent, peak, code = os.read(reader, 200).decode().split()
    os.close(reader)
    if int(code) not in (0, 10, 11):  # what a scan ends with
        raise RuntimeError(f"{command[0]} ended with {code}: {' '.join(command)}")
    return float(spent), time.monotonic() - began, int(peak) / 1024


def passes(cache: Path, runs: int, footage: Path) -> list[str]:
    """Compare the complete visual pass with other programs on the same files."""
    programs = {
        "FFmpeg": ["ffmpeg", "-nostdin", "-loglevel", "error", "-threads", "1", "-i", "{}", "-f", "null", "-"],
        "Unbroken": [sys.executable, "-m", "benchmarks.speed_pass", "{}"],
    }
    if find_spec("scenedetect"):
        programs["PySceneDetect"] = [sys.executable, "-m", "benchmarks.speed_pass", "{}", "scenedetect"]
    rows = [
        "| file | " + " | ".join(f"{name}, CPU s" for name in programs) + " | Unbroken / FFmpeg | target | reached |",
        "| --- " * (4 + len(programs)) + "|",
    ]
    for codec in CODECS:
        for height in SIZES:
            path = material(cache, height, codec, footage)
            spent: dict[str, list[float]] = {name: [] for name in programs}
            for _ in range(runs):
                for name, command in programs.items():
                    spent[name].append(cpu_s([part.format(path) for part in command])[0])
            middle = {name: statistics.median(values) for name, values in spent.items()}
            share = middle["Unbroken"] / middle["FFmpeg"]
            told = " | ".join(f"{value:.1f}" for value in middle.values())
            reached = "yes" if share <= MOST_SHARE else "no"
            rows.append(f"| {height} lines, {codec} | {told} | {share:.2f} | ≤ {MOST_SHARE:.2f} | {reached} |")
    return rows


def triage(cache: Path, runs: int, footage: Path) -> list[str]:
    """Measure how much faster than real time structure and times are examined."""
    minutes = 10
    path = longer(material(cache, 1080, "h264", footage), minutes)
    command = [str(Path(sys.executable).with_name("unbroken")), "scan", str(path), "--json", "--triage"]
    spent = []
    for _ in range(runs):
        with tempfile.TemporaryDirectory() as kept:  # nothing measured before helps
            spent.append(cpu_s([*command, "--cache", kept])[:2])
    cpu, wall = (statistics.median(values) for values in zip(*spent, strict=True))
    speed = minutes * 60 / wall
    reached = "yes" if speed >= LEAST_TRIAGE else "no"
    return [
        "| triage | CPU s | seconds | times real time | target | reached |",
        "| --- | --- | --- | --- | --- | --- |",
        f"| {minutes} min of 1080p | {cpu:.1f} | {wall:.1f} | {speed:.0f} | ≥ {LEAST_TRIAGE} | {reached} |",
    ]


def memory(cache: Path, _runs: int, footage: Path) -> list[str]:
    """Measure the peak memory of the largest process of a scan of a short and of a long clip."""
    rows = ["| clip | peak memory of the pass, MiB |", "| --- | --- |"]
    for minutes in MEMORY_MINUTES:
        path = longer(material(cache, 480, "h264", footage), minutes)
        peak = cpu_s([sys.executable, "-m", "benchmarks.speed_pass", str(path)])[2]
        rows.append(f"| {minutes} min of 480p | {peak:.0f} |")
    return rows


def main(
    cache: Annotated[Path, typer.Option(help="Folder for made clips; outside the project.")],
    only: Annotated[list[str] | None, typer.Option(help=f"Of {', '.join(PARTS)}; all without it.")] = None,
    runs: Annotated[int, typer.Option(help="Take the median of so many runs.")] = 3,
    footage: Annotated[Path, typer.Option(help="Folder with INDEX.tsv.")] = FOOTAGE,
) -> None:
    """Print the tables of cost."""
    if not shutil.which("ffmpeg"):
        raise typer.BadParameter("the command ffmpeg is not installed (Debian: apt install ffmpeg)")
    cache.mkdir(parents=True, exist_ok=True)
    for name, part in {"pass": passes, "triage": triage, "memory": memory}.items():
        if not only or name in only:
            print("\n".join(part(cache, runs, footage)) + "\n", flush=True)


if __name__ == "__main__":
    typer.run(main)

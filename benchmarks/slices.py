"""What slicing a long clip gains and costs: one pass against slices in parallel, and whether their tables are equal.

    python -m benchmarks.slices --cache DIR [--clip CLIP] [--minutes 10] [--processes 2] [--slice-s 300] [--runs 3]

The clip is copied packet by packet, over and over, until it is as long as wanted. Every pass has one decoder thread.
Locating the clock is part of both; reading texts and speech, which slices do not change, of neither. The processes that
measure slices are started before the time is taken, as a worker of a cluster is.
"""

from __future__ import annotations

import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any

import av
import numpy as np
import typer

from benchmarks.footage import FOOTAGE
from pipeline import measuring, slicing
from pipeline.features.cache import Cache
from pipeline.features.cuts import Slice
from pipeline.features.extract import Measured, measure
from pipeline.features.schema import to_table
from pipeline.model import Footage
from pipeline.settings import Settings
from pipeline.stages import STAGES

CLIP = FOOTAGE / "dashcam" / "dashcam1.mp4"
SETTINGS = Settings({"media": {"decoder_threads": 1}})


def repeated(source: Path, path: Path, times: int) -> Path:
    """Write the packets of a clip's first pictures and first sound `times` times over; return the path."""
    with av.open(str(path), "w") as out:
        with av.open(str(source)) as first:
            streams = [*first.streams.video[:1], *first.streams.audio[:1]]
            copies = {stream.index: out.add_stream_from_template(stream) for stream in streams}
            bases = {stream.index: stream.time_base or Fraction(1) for stream in streams}
        begin_s = Fraction(0)
        for _ in range(times):
            begin_s = _copied(out, source, copies, bases, begin_s)
    return path


def _copied(out: Any, source: Path, copies: dict[int, Any], bases: dict[int, Fraction], begin_s: Fraction) -> Fraction:
    """Write a clip's packets from `begin_s` on; return when they end."""
    end_s = begin_s
    with av.open(str(source)) as take:
        for packet in take.demux(*(take.streams[index] for index in copies)):
            if packet.dts is None or packet.pts is None:
                continue
            index, base = packet.stream_index, bases[packet.stream_index]
            shift = round(begin_s / base)
            packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
            end_s = max(end_s, (packet.pts + packet.duration) * base)
            packet.stream = copies[index]
            out.mux(packet)
    return end_s


def equal(one: Measured, other: Measured) -> bool:
    """Tell whether all that was measured is equal to the last bit."""
    if one.tables.keys() != other.tables.keys() or not np.array_equal(one.strips, other.strips):
        return False
    for name, arrow in one.tables.items():
        left, right = to_table(name, arrow), to_table(name, other.tables[name])
        for column in left:
            if not np.array_equal(left[column], right[column], equal_nan=left[column].dtype.kind == "f"):
                return False
    contents = [[path.read_bytes() for path in _files(measured)] for measured in (one, other)]
    return contents[0] == contents[1]


def _files(measured: Measured) -> list[Path]:
    paths = [kept.path for kept in (*measured.pictures, *measured.lines)]
    return paths if measured.sound is None else [*paths, measured.sound]


def _timed(work: Callable[[], Any]) -> tuple[Any, float, float]:
    """Return what `work` returns, the seconds it took, and the CPU seconds of this process and of those that ended."""
    began, used = time.monotonic(), _cpu_s()
    found = work()
    return found, time.monotonic() - began, _cpu_s() - used


def _cpu_s() -> float:
    spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in spent)


def _warm(_: int) -> None:
    time.sleep(0.5)  # so that each process takes one


def _slice(footage: Footage, root: Path, part: Slice) -> float:
    return _timed(lambda: measuring.measure_slice(footage, SETTINGS, Cache(root), part))[2]


def main(
    cache: Annotated[Path, typer.Option(help="Where the long clip is kept.")],
    clip: Annotated[Path, typer.Option(help="The clip that is copied over and over.")] = CLIP,
    minutes: Annotated[float, typer.Option()] = 10.0,
    processes: Annotated[int, typer.Option()] = 2,
    slice_s: Annotated[float, typer.Option()] = 300.0,
    runs: Annotated[int, typer.Option(help="The least of so many runs counts: other programs only add.")] = 3,
) -> None:
    """Measure one clip in one pass and in slices, and print what both took."""
    cache.mkdir(parents=True, exist_ok=True)
    with av.open(str(clip)) as source:
        times = int(minutes * 60 / ((source.duration or 1) / 1e6)) + 1
    long = cache / f"{clip.stem}-{times}-times.mp4"
    if not long.exists():
        repeated(clip, long, times)
    footage = measuring.identify(long)
    found = [_run(footage, processes, slice_s) for _ in range(runs)]
    pictures, parts = found[0].pictures, found[0].parts
    print(f"{long.name}: {pictures} pictures, {parts} slices in {processes} processes, least of {runs} runs")
    whole, sliced = _least([one.whole for one in found]), _least([one.sliced for one in found])
    print(f"one pass  {whole[0]:7.1f} s  {whole[1]:7.1f} CPU s")
    print(f"slices    {sliced[0]:7.1f} s  {sliced[1]:7.1f} CPU s")
    print(f"ratio     {sliced[0] / whole[0]:7.2f}    {sliced[1] / whole[1]:7.2f}")
    same = all(one.same for one in found)
    print("equal" if same else "NOT EQUAL")
    sys.exit(0 if same else 1)


@dataclass(frozen=True, slots=True)
class Run:
    """What one comparison came to; times are seconds on the clock and CPU seconds."""

    pictures: int
    parts: int
    whole: tuple[float, float]
    sliced: tuple[float, float]
    same: bool


def _least(times: Sequence[tuple[float, float]]) -> tuple[float, float]:
    return min(seconds for seconds, _ in times), min(cpu for _, cpu in times)


def _run(footage: Footage, processes: int, slice_s: float) -> Run:
    with tempfile.TemporaryDirectory() as folder:
        work, kept = Path(folder), Cache(Path(folder) / "cache")
        (work / "whole").mkdir()
        (work / "joined").mkdir()
        one, other = (slicing.device_of(SETTINGS, Cache(work / name), measuring.silent, None) for name in ("a", "b"))
        one._engine()  # loading the text recogniser is part of neither
        used = STAGES["media"].used(SETTINGS)
        whole, *whole_took = _timed(lambda: measure(footage.path, work / "whole", measuring.silent, one.place, **used))
        with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn")) as pool:
            list(pool.map(_warm, range(processes)))
            parts, plan_s, plan_cpu_s = _timed(lambda: measuring.plan(footage, SETTINGS, kept, slice_s=slice_s))
            begun = time.monotonic()
            cpus = list(pool.map(_slice, *zip(*((footage, kept.root, part) for part in parts), strict=True)))
            slices_s = time.monotonic() - begun
        joined, join_s, join_cpu_s = _timed(
            lambda: slicing.joined(footage, SETTINGS, kept, measuring.silent, other, work / "joined")
        )
        took = (plan_s + slices_s + join_s, plan_cpu_s + sum(cpus) + join_cpu_s)
        same = joined is not None and equal(joined, whole)
        return Run(whole.tables["frames"].num_rows, len(parts), (whole_took[0], whole_took[1]), took, same)


if __name__ == "__main__":
    typer.run(main)

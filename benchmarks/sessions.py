"""Sessions of real pictures, split by a recorder: how many planted gaps are found, and how many splits called a gap.

python -m benchmarks.sessions FOOTAGE --cache DIR [--takes 20] [--clips 10] [--seed 0] [--overlay STYLE]

Each take is played forwards and backwards for as long as a session needs, so that pictures go on as they do in life,
and cut into files as a recorder does. Between some of them a stretch of more than 2 s is left out, or a whole file is
taken away. Without an overlay the names alone give the times, to the second; with one the names say nothing, and the
burned-in clock alone does.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fractions import Fraction
from pathlib import Path
from zoneinfo import ZoneInfo

import av
import numpy as np
from numpy.typing import NDArray

from benchmarks.footage import honest_takes
from detectors.session import session
from pipeline.case import CaseRecord
from pipeline.features.cache import Cache
from pipeline.features.schema import table
from pipeline.forge.overlay import Burner, Clock
from pipeline.measuring import identify, measure
from pipeline.model import Features
from pipeline.sessions.chain import chain
from pipeline.sessions.clips import Clip, clip_of
from pipeline.sessions.naming import read_name
from pipeline.sessions.tables import tables
from pipeline.settings import Settings
from pipeline.store import clips_in

RATE, MOST_PICTURES = 15, 150
SIZES, SECONDS = {False: (640, 360), True: (1280, 720)}, {False: (2, 4), True: (6, 10)}
"""Of the files without and with an overlay: a clock needs some seconds of legible figures."""
BEGIN = datetime(2026, 3, 4, 9, 0, 0)
ZONE = ZoneInfo("Asia/Shanghai")
PLACE = CaseRecord(Path("case.toml"), (("case_number", "2026-17"), ("place.names", "somewhere")))


@dataclass
class Made:
    """The files of one recorder, and what was planted between them."""

    paths: list[Path] = field(default_factory=list)
    gaps: set[tuple[str, str]] = field(default_factory=set)
    splits: set[tuple[str, str]] = field(default_factory=set)


def pictures(path: Path, size: tuple[int, int]) -> list[NDArray[np.uint8]]:
    """Return up to `MOST_PICTURES` pictures of a take, one for each 1/15 s: uint8, yuv420p."""
    found: list[NDArray[np.uint8]] = []
    with av.open(str(path)) as container:
        due_s = None
        for frame in container.decode(video=0):
            if frame.time is None:
                continue
            due_s = frame.time if due_s is None else due_s
            if frame.time >= due_s - 1e-6:
                found.append(frame.reformat(*size, "yuv420p").to_ndarray())
                due_s += 1 / RATE
            if len(found) == MOST_PICTURES:
                break
    return found


def make(
    shown: Sequence[NDArray[np.uint8]], count: int, draw: random.Random, out: Path, device: int, style: str
) -> Made:
    """Write the files of one session and return what was planted."""
    made = Made()
    there_and_back = [*range(len(shown)), *range(len(shown) - 2, 0, -1)]
    start = BEGIN + timedelta(days=device, seconds=draw.random())
    clock = Clock(style, start.replace(microsecond=0), start.microsecond / 1e6, device) if style else None
    at, number, what, before = 0, 1, "split", None
    while len(made.paths) < count:
        least, most = SECONDS[bool(style)]
        length = draw.randrange(least * RATE, most * RATE)
        moment = start + timedelta(seconds=at / RATE)
        name = f"part {number:04d}.mp4" if style else f"K7A{device:04d}_{moment:%Y%m%d%H%M%S}_{number:04d}.mp4"
        if what != "missing":
            path = out / f"{device:04d}" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            encode([shown[there_and_back[n % len(there_and_back)]] for n in range(at, at + length)], path, clock, at)
            if before is not None:
                (made.splits if what == "split" else made.gaps).add((before, name))
            made.paths.append(path)
            before = name
        at, number = at + length, number + 1
        what = "gap" if what == "missing" else draw.choices(["split", "gap", "missing"], [0.7, 0.2, 0.1])[0]
        if what == "gap" and made.paths[-1].name == name:
            at += round(draw.choice([draw.uniform(2.01, 4.0), draw.uniform(4.0, 600.0)]) * RATE)
    return made


def encode(shown: Sequence[NDArray[np.uint8]], path: Path, clock: Clock | None, at: int) -> None:
    """Write pictures as H.264, with the clock that they show."""
    size = SIZES[clock is not None]
    burner = Burner(clock, Fraction(RATE), size) if clock else None
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", RATE, options={"crf": "26", "preset": "veryfast"})
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        for number, planes in enumerate(shown):
            if burner:
                planes = planes.copy()
                burner.burn(planes, Fraction(at + number, RATE))
            container.mux(stream.encode(av.VideoFrame.from_ndarray(planes, "yuv420p")))
        container.mux(stream.encode())


def measured(path: Path, cache: Cache) -> Clip:
    """Return a clip as a chain sees it; nobody is listened to."""
    footage = identify(path)
    features, _, unreadable = measure(footage, Settings(), cache, speech=False)
    return clip_of(footage, features, read_name(path), PLACE, readable=unreadable is None)


def main() -> int:
    """Make the sessions, examine them, and print what was found of what was planted."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("footage", type=Path, help="folder of takes; with an index, honest takes of one half are used")
    parser.add_argument("--half", choices=("tune", "test"), default="test")
    parser.add_argument("--cache", type=Path, required=True, help="folder for the files and what is measured on them")
    parser.add_argument("--takes", type=int, default=20)
    parser.add_argument("--clips", type=int, default=10, help="files of each session")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--overlay", default="", help="style of the burned-in clock; none: names give the times")
    asked = parser.parse_args()
    draw = random.Random(asked.seed)
    if (asked.footage / "INDEX.tsv").is_file():
        honest = [take for take in honest_takes(asked.footage) if not (take.sped_up or take.overlay)]
        takes = [take.path for take in honest if take.half == asked.half]
    else:
        takes = clips_in([asked.footage])
    draw.shuffle(takes)
    cache = Cache(asked.cache / "measured")
    planted: list[Made] = []
    for take in takes:
        if len(planted) == asked.takes:
            break
        try:
            shown = pictures(take, SIZES[bool(asked.overlay)])
        except av.FFmpegError:
            continue
        if len(shown) < 2 * RATE:
            continue
        folder = asked.cache / f"files-{asked.seed}{asked.overlay and '-' + asked.overlay}"
        planted.append(make(shown, asked.clips, draw, folder, len(planted), asked.overlay))
    began = time.monotonic()
    clips = {path: measured(path, cache) for made in planted for path in made.paths}
    took_s = time.monotonic() - began
    report(planted, clips, took_s)
    return 0


def report(planted: Sequence[Made], clips: dict[Path, Clip], took_s: float) -> None:
    """Print what was found of what was planted, and how alike the pictures on either side are."""
    began = time.monotonic()
    found = chain(list(clips.values()))
    gaps, explained, ratios = set(), set(), {}
    for path in clips:
        others = tables(found, path)
        if "joins" not in others:
            continue
        for finding in session(Features({**others, "findings": table("findings", [])})):
            if "before" not in finding.evidence:
                continue
            pair = (path.parent, Path(str(finding.evidence["before"])).name, Path(str(finding.evidence["after"])).name)
            ratios[pair] = float(finding.evidence.get("picture_ratio", np.nan))
            (gaps if finding.kind == "recording-gap" else explained).add(pair)
    chained_s = time.monotonic() - began
    all_gaps = {(made.paths[0].parent, *pair) for made in planted for pair in made.gaps}
    all_splits = {(made.paths[0].parent, *pair) for made in planted for pair in made.splits}
    timed = sum(clip.recording.started_at is not None for clip in clips.values())
    sources = sorted({clip.recording.time_from or "-" for clip in clips.values()})
    print(f"clips {len(clips)} of {len(planted)} takes; sessions {len(found.sessions)}")
    print(f"time known {timed}, from {', '.join(sources)}")
    print(f"gaps over 2 s found {len(all_gaps & gaps)} of {len(all_gaps)}")
    print(f"splits called a gap {len(all_splits & gaps)} of {len(all_splits)}, explained {len(all_splits & explained)}")
    for name, pairs in (("splits", all_splits), ("gaps", all_gaps)):
        values = np.array([ratios[pair] for pair in pairs if pair in ratios])
        told = (
            " ".join(f"{q} %: {np.nanpercentile(values, q):.1f}" for q in (0, 5, 50, 95, 100)) if len(values) else "-"
        )
        print(f"difference of the pictures at {name}, in usual differences: {told}")
    print(f"measuring {took_s:.0f} s, chaining {chained_s:.2f} s")


if __name__ == "__main__":
    sys.exit(main())

"""Clips of a recorder as a chain sees them, made without footage: names, times and case records."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from pipeline.case import CaseRecord
from pipeline.features.schema import table
from pipeline.model import Features, Finding, Footage
from pipeline.sessions.clips import Clip, clip_of
from pipeline.sessions.naming import read_name

ZONE = ZoneInfo("Asia/Shanghai")
BEGIN = datetime(2026, 3, 4, 9, 0, 0, tzinfo=ZONE)
FPS = 10


def clip(
    name: str,
    *,
    seconds: float = 60.0,
    look: int = 100,
    case: CaseRecord | None = None,
    created_at: str | None = None,
    findings: tuple[Finding, ...] = (),
    readable: bool = True,
    sha256: str | None = None,
) -> Clip:
    """Return a clip of still pictures of one brightness, which lasts so many seconds."""
    rows = []
    if readable:
        frames = max(2, round(min(seconds, 4.0) * FPS))
        step_s = seconds / frames
        packed = int(np.full(8, look, np.uint8).view("<i8")[0])
        rows = [
            {"time_s": n * step_s, "duration_s": step_s, **{f"look_{row}": packed for row in range(1, 9)}}
            for n in range(frames)
        ]
    tables = {"frames": table("frames", rows), "container": table("container", [{"created_at": created_at}])}
    footage = Footage(Path("/store") / name, sha256 or f"{name:0<64.64}", 1)
    return clip_of(footage, Features(tables), read_name(name), case, findings, readable=readable)


@dataclass
class Planted:
    """A session with what was planted in it."""

    clips: list[Clip] = field(default_factory=list)
    gaps: set[tuple[str, str]] = field(default_factory=set)
    """Labels of the clips before and after every gap of more than 2 s."""
    splits: set[tuple[str, str]] = field(default_factory=set)
    missing: set[tuple[str, str]] = field(default_factory=set)
    """Labels around every place where a clip was taken away."""


def planted(seed: int, count: int, case: CaseRecord | None = None) -> Planted:
    """Return a session of `count` clips that the recorder split, with gaps and clips taken away at random places.

    The recorder names its files by the second in which they begin, the true times are finer.
    """
    draw = random.Random(seed)
    made = Planted()
    at, number = BEGIN + timedelta(seconds=draw.random()), 1
    before: str | None = None
    what = "split"
    while len(made.clips) < count:
        seconds = draw.uniform(5.0, 1800.0)
        name = f"K7A0123_{at:%Y%m%d%H%M%S}_{number:04d}.mp4"
        if what == "missing" and before is not None:  # this file is taken away
            gone_s = seconds
        else:
            gone_s = 0.0
            look = draw.choice([100, 100, 103]) if what == "split" else draw.randrange(0, 250)
            made.clips.append(clip(name, seconds=seconds, look=look, case=case))
            if before is not None:
                pair = (before, name)
                {"split": made.splits, "gap": made.gaps, "after-missing": made.gaps}[what].add(pair)
                if what == "after-missing":
                    made.missing.add(pair)
            before = name
        at += timedelta(seconds=seconds)
        number += 1
        if gone_s:
            what = "after-missing"
            continue
        what = draw.choices(["split", "gap", "missing"], [0.8, 0.12, 0.08])[0]
        if what == "split":
            at += timedelta(seconds=draw.uniform(0.0, 0.05))
        elif what == "gap":
            at += timedelta(seconds=draw.choice([draw.uniform(2.001, 4.0), draw.uniform(4.0, 1500.0)]))
    return made

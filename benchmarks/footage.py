"""Measured clips to judge detectors on: which are honest takes, which half they belong to, and their tables."""

from __future__ import annotations

import csv
import hashlib
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

from pipeline.features.cache import Cache, CacheKey
from pipeline.features.extract import MEASURE_VERSION, libraries, measure
from pipeline.model import Features

FOOTAGE = Path(__file__).resolve().parents[2] / "shared" / "footage"
_NO_TAKE = re.compile(r"megamind", re.I)
"""Named by the index as a film with cuts, in a group of single takes."""
_TWIN = re.compile(r"_(vfr|subtitled|tracked)$")
"""Second versions of a take; they share its half."""


@dataclass(frozen=True, slots=True)
class Clip:
    """One honest take."""

    path: Path
    sha256: str
    half: str
    """`tune` or `test`, by a hash of the name of the take: thresholds are chosen on `tune` only."""
    fixed: bool
    """The camera stands still."""
    sped_up: bool
    """Published at several times its speed: pictures lack by nature."""
    seconds: float
    sound: bool
    overlay: bool
    """A clock is burned in already."""


def honest_takes(root: Path = FOOTAGE) -> list[Clip]:
    """Return the clips that the index of `root` calls one uncut take."""
    with (root / "INDEX.tsv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))
    return [
        Clip(
            path=root / row["path"],
            sha256=row["sha256"],
            half=_half(row["path"]),
            fixed="static" in row["camera"] and "handheld" not in row["camera"],
            sped_up=row["path"].startswith("lelan_handheld"),
            seconds=float(row["duration_s"]),
            sound=row["audio"] != "-",
            overlay=not row["overlay_timestamp"].startswith("no"),
        )
        for row in rows
        if row["single_take"].startswith(("yes", "one take")) and not _NO_TAKE.search(row["path"])
    ]


def _half(path: str) -> str:
    take = _TWIN.sub("", Path(path).stem)
    return "test" if hashlib.sha256(take.encode()).digest()[0] & 1 else "tune"


def features_of(cache: Cache, clip: Clip) -> Features:
    """Return the tables of a clip as it is, whole, from `cache` or by measuring it."""
    key = CacheKey(clip.sha256, "untouched", MEASURE_VERSION, {}, libraries())
    tables = cache.tables(key)
    if tables is None:
        with tempfile.TemporaryDirectory() as work:
            measured = measure(clip.path, Path(work), _silently, read_every_s=1e6, sound_s=1.0, decoder_threads=1)
            cache.put(key, measured.tables)
        tables = cache.tables(key)
        assert tables is not None
    return Features(tables)


def _silently(_stage: str, _done: float) -> None:
    return

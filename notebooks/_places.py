"""Where notebooks find clips, and where they put what they make: environment variables, and the samples without them."""

from __future__ import annotations

import csv
import hashlib
import os
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CACHE = Path(os.environ.get("UNBROKEN_CACHE", Path.home() / ".cache" / "unbroken")).expanduser()
"""The cache of `unbroken scan`; what was measured once is not measured again."""
FOOTAGE = Path(os.environ.get("UNBROKEN_FOOTAGE", ROOT / "data_samples" / "built_takes")).expanduser()
"""Honest takes: one uncut recording a file."""
SPEECH = Path(os.environ.get("UNBROKEN_SPEECH", ROOT / "data_samples" / "speech" / "voices" / "index.csv")).expanduser()
"""Index of labelled utterances, as `tune.read_speech` reads it."""
NOISE = Path(os.environ.get("UNBROKEN_NOISE", ROOT / "data_samples" / "speech" / "voices" / "noise")).expanduser()
"""Recordings of noise to lay them in."""
CLIPS = (".mp4", ".mov", ".avi", ".mkv", ".ts", ".mts", ".mpg", ".3gp")
_NO_TAKE = re.compile(r"megamind|lelan_handheld", re.I)
"""A film, and takes that were published at several times their speed."""
_TWIN = re.compile(r"_(vfr|subtitled|tracked)$")
"""Second versions of a take."""


def work(name: str) -> Path:
    """Return the folder in which a notebook puts what it makes; made if there is none."""
    folder = CACHE / "notebooks" / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def takes(most: int = int(os.environ.get("UNBROKEN_TAKES", "24"))) -> list[Path]:
    """Return at most so many honest takes of `FOOTAGE`, as many as can be of each folder below it.

    Where an `INDEX.tsv` lies there, its column `single_take` says which of the files of its column `path` are whole, those
    under 4 s are left out, and of two versions of one take the first is used. Which are drawn follows from their names
    alone.
    """
    index = FOOTAGE / "INDEX.tsv"
    found = sorted(path for path in FOOTAGE.rglob("*") if path.suffix.lower() in CLIPS)
    if index.is_file():
        with index.open(encoding="utf-8") as stream:
            rows = list(csv.DictReader(stream, delimiter="\t"))
        whole = [row for row in rows if row["single_take"].startswith(("yes", "one take"))]
        found = [FOOTAGE / row["path"] for row in whole if float(row["duration_s"]) >= 4 and _is_take(row["path"])]
    if len(found) <= most:
        return found
    folders: dict[Path, list[Path]] = {}
    for path in sorted(found, key=lambda path: hashlib.sha256(path.name.encode()).digest()):
        folders.setdefault(path.parent, []).append(path)
    drawn = sorted((place, path) for paths in folders.values() for place, path in enumerate(paths))
    return sorted(path for _, path in drawn[:most])


def _is_take(path: str) -> bool:
    return not _NO_TAKE.search(path) and not _TWIN.search(Path(path).stem)

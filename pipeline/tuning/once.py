"""Folders of clips that are made once: what a folder holds already is not made again."""

from __future__ import annotations

import csv
import hashlib
import json
from pathlib import Path

from pipeline.forge.folder import INDEX
from pipeline.tuning.label_files import TRUTH

RECORD = "made.json"
"""What a folder was filled with; written last, so that a folder without it is not whole."""


def kept(out: Path, asked: dict[str, object]) -> list[str] | None:
    """Return what could not be made the last time, where the folder holds what is asked for; None: it does not."""
    try:
        record = json.loads((out / RECORD).read_text(encoding="utf-8"))
        whole = record["asked"] == json.loads(json.dumps(asked)) and record["index_sha256"] == _digest(out / INDEX)
        files = [path for name in listed(out) for path in (out / name, (out / name).with_suffix(TRUTH))]
        problems: list[str] = record["problems"]
    except (OSError, ValueError, LookupError, TypeError):
        return None
    return problems if whole and all(path.is_file() for path in files) else None


def begin(out: Path) -> None:
    """Take a folder to be filled anew; made if there is none."""
    out.mkdir(parents=True, exist_ok=True)
    (out / RECORD).unlink(missing_ok=True)


def finish(out: Path, asked: dict[str, object], problems: list[str]) -> None:
    """Write down what a folder was filled with, after its clips, truth files and index."""
    record = {"asked": asked, "index_sha256": _digest(out / INDEX), "problems": problems}
    (out / RECORD).write_text(json.dumps(record, ensure_ascii=False, indent=1), encoding="utf-8")


def listed(out: Path) -> list[str]:
    """Return the names of the clips that a folder's index lists."""
    with (out / INDEX).open(encoding="utf-8", newline="") as stream:
        return list(dict.fromkeys(row["file"] for row in csv.DictReader(stream)))


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()

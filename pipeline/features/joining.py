"""Laying measured slices together, so that all is as one pass would have measured it.

A slice begins with pictures that the slice before has too. Their columns must be equal to the last bit; where they are
not, the decoder did not come to the same, and nothing is joined.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.features.cuts import CONTEXT, Slice, default_stream
from pipeline.features.extract import PICTURES, Measured, Report, examined, kept_pictures
from pipeline.features.kept import LINES, SIZE, STRIPS, Windows, kept_lines, read_strips, read_turn
from pipeline.features.schema import arrow_schema, to_arrow, to_table

SOUND = "sound.flac"
_SURVEYED = ("container", "boxes", "streams", "edits", "packets", "parameters", "encoder")
_ALIKE = ("width", "height")

Part = tuple[Slice, Path]
"""A slice, and the folder of its tables (Parquet) and files."""


def join(
    tables: Mapping[str, pa.Table], parts: Sequence[Part], work: Path, windows: Windows, isolation: Mapping[str, int]
) -> Measured | None:
    """Lay slices together.

    Parameters
    ----------
    tables : mapping
        Those of the whole clip that need no decoding.
    parts : sequence
        Every slice of the clip, in order.
    work : Path
        An existing folder, into which pictures, strips, lines and sound are copied; the caller's to remove.
    windows : Windows
        Of which stretches a picture is kept.
    isolation : mapping
        What held of the process that surveyed the clip.

    Returns
    -------
    Measured or None
        None where the slices do not fit.
    """
    pictures = [part for part in parts if not part[0].heard]
    heard = next((folder for part, folder in parts if part.heard), None)
    frames = _frames(pictures)
    turns = {read_turn(folder) for _, folder in pictures}
    if frames is None or len(turns) != 1 or not _strips(pictures, work):
        return None
    _lines(pictures, work)
    _sharpest(pictures, work, windows)
    joined = {name: tables[name] for name in _SURVEYED if name in tables}
    joined["streams"] = _turned(joined["streams"], turns.pop())
    joined["frames"] = frames
    joined["sound"] = _table(heard, "sound") if heard else to_arrow("sound", [])
    report = Report(ended=True, isolation=_weakest([isolation, *(isolation_of(folder) for _, folder in parts)]))
    joined["examined"] = to_arrow("examined", examined(joined, report))
    joined["gaps"] = _table(heard, "gaps") if heard else to_arrow("gaps", [])
    return Measured(joined, _sound(heard, work), kept_pictures(work), read_strips(work), tuple(kept_lines(work)))


def isolation_of(folder: Path) -> dict[str, int]:
    """Return what held of the process that measured a slice: layer → version."""
    rows = to_table("examined", _table(folder, "examined"))
    here = rows["stage"] == "isolation"
    return dict(zip(rows["measure"][here].tolist(), rows["value"][here].astype(int).tolist(), strict=True))


def _weakest(levels: Sequence[Mapping[str, int]]) -> dict[str, int]:
    """Return what held of all processes: slices may have been measured on several machines."""
    return {name: min(level[name] for level in levels) for name in levels[0] if all(name in level for level in levels)}


def _table(folder: Path, name: str) -> pa.Table:
    return pq.ParquetFile(folder / f"{name}.parquet").read().cast(arrow_schema(name))


def _frames(parts: Sequence[Part]) -> pa.Table | None:
    """Return table `frames` of the whole clip; None where what slices have in common is not equal."""
    joined = to_arrow("frames", [])
    for part, folder in parts:
        frames = _table(folder, "frames")
        lead = part.first_row - part.from_row
        if part.first_row != joined.num_rows or frames.num_rows != part.stop_row - part.from_row:
            return None
        common = frames.slice(CONTEXT, max(0, lead - CONTEXT))
        if part.first_row and not (common.num_rows and _equal(common, joined.slice(part.from_row + CONTEXT))):
            return None
        joined = pa.concat_tables([joined, frames.slice(lead)])
    same = all(len(joined[name].unique()) == 1 for name in _ALIKE)
    return joined.combine_chunks() if same else None


def _equal(one: pa.Table, other: pa.Table) -> bool:
    """Tell whether two stretches of table `frames` are equal, unknown values too."""
    left, right = to_table("frames", one), to_table("frames", other)
    return all(np.array_equal(left[name], right[name], equal_nan=left[name].dtype.kind == "f") for name in left)


def _turned(streams: pa.Table, turn_deg: float) -> pa.Table:
    """Write the turn that only the decoder could tell (outside MP4 and MOV) into the table of streams."""
    rows = streams.to_pylist()
    stream = default_stream(to_table("streams", streams), "video")
    for row in rows:
        if turn_deg and row["stream"] == stream and not row["rotation_deg"]:
            row["rotation_deg"] = turn_deg
    return to_arrow("streams", rows)


def _strips(parts: Sequence[Part], work: Path) -> bool:
    """Lay the strips of the clock one after the other; tell whether every picture has one, or none has."""
    sizes = {(folder / SIZE).read_text("utf-8") if (folder / SIZE).is_file() else "" for _, folder in parts}
    if len(sizes) != 1:
        return False
    size = sizes.pop()
    if not size:
        return True
    width, height = json.loads(size)
    (work / SIZE).write_text(size, "utf-8")
    with (work / STRIPS).open("wb") as strips:
        for part, folder in parts:
            with (folder / STRIPS).open("rb") as own:
                shutil.copyfileobj(own, strips, 1 << 22)
            if strips.tell() != part.stop_row * width * height:
                return False
    return True


def _lines(parts: Sequence[Part], work: Path) -> None:
    """Copy the clock's lines: each slice kept those that one pass would have kept."""
    with (work / LINES).open("w", encoding="utf-8") as listing:
        for _, folder in parts:
            for text, row in _rows(folder / LINES):
                shutil.copyfile(folder / row["name"], work / row["name"])
                listing.write(text + "\n")


def _sharpest(parts: Sequence[Part], work: Path, windows: Windows) -> None:
    """Copy the sharpest picture of every window; where a window lies in two slices, the first of the sharper ones."""
    kept: dict[int, tuple[str, dict[str, Any], Path]] = {}
    for _, folder in parts:
        for text, row in _rows(folder / PICTURES):
            window = windows.at(row["time_s"])
            if window not in kept or row["sharpness"] > kept[window][1]["sharpness"]:
                kept[window] = (text, row, folder)
    with (work / PICTURES).open("w", encoding="utf-8") as listing:
        for text, row, folder in kept.values():
            shutil.copyfile(folder / row["name"], work / row["name"])
            listing.write(text + "\n")


def _rows(listing: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for line in listing.read_text("utf-8").splitlines() if listing.is_file() else []:
        yield line, json.loads(line)


def _sound(folder: Path | None, work: Path) -> Path | None:
    if folder is None or not (folder / SOUND).is_file():
        return None
    return Path(shutil.copyfile(folder / SOUND, work / SOUND))

"""Long clips measured in slices, in parallel and on several machines: the plan, each slice, and the join, in the cache.

What is joined equals what one pass measures; how a clip is cut is therefore no part of any key but the slices' own.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.case import CaseRecord
from pipeline.features import joining, slices
from pipeline.features.cache import Cache, CacheKey
from pipeline.features.cuts import Slice, cuts
from pipeline.features.extract import PICTURES, Measured
from pipeline.features.kept import LINES, SIZE, STRIPS, TURN, ClockPlace, Windows
from pipeline.model import Footage
from pipeline.settings import Settings
from pipeline.signs import recorder
from pipeline.signs.layouts import Layouts
from pipeline.stages import STAGES, key_of

CUT, SLICE = "cut", "slice"
"""Names of what is kept in the cache until the clip is measured: the plan, and a slice."""
_NOTE = "cut.json"

Progress = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """How a clip is cut, and what was found before."""

    slices: tuple[Slice, ...]
    clock: ClockPlace | None
    overlay: Mapping[str, Any]
    """As `Recorder.note` gives it."""
    tables: Mapping[str, pa.Table]
    """Those that need no decoding."""
    folder: Path
    """Its entry in the cache."""


def device_of(settings: Settings, cache: Cache, progress: Progress, case: CaseRecord | None) -> recorder.Recorder:
    """Return what locates and reads the overlay of one clip."""
    layouts = Layouts(cache.root / "layouts", next(iter(case.all("device.id")), "") if case else "")
    return recorder.recorder(progress, layouts, **STAGES["overlay"].used(settings))


def cut(
    footage: Footage, settings: Settings, cache: Cache, progress: Progress, device: recorder.Recorder, slice_s: float
) -> Plan | None:
    """Survey a clip, decide how it is cut, and keep the plan; None where it is not cut. A plan that is kept stays.

    Parameters
    ----------
    footage, settings, cache, progress
        As for `pipeline.measuring.plan`.
    device : Recorder
        Locates the clock.
    slice_s : float
        Least length of a slice, in seconds.

    Raises
    ------
    FootageError
        As `pipeline.measuring.plan` does.
    """
    kept = planned(footage, settings, cache)
    if kept is not None:
        return kept
    places: list[ClockPlace | None] = [None]

    def locate(pictures: Any) -> ClockPlace | None:
        places.append(device.place(pictures))
        return places[-1]

    with tempfile.TemporaryDirectory(prefix="unbroken-") as work:
        used = STAGES["media"].used(settings)
        found = slices.survey(footage.path, Path(work), progress, locate, used)
        parts = cuts(found.tables, slice_s) if found.complete and found.unreadable is None else ()
        if not parts or not footage.is_unchanged():
            return None
        clock = places[-1]
        note = {
            "slices": [asdict(part) for part in parts],
            "clock": None if clock is None else asdict(clock),
            "overlay": device.note(),
        }
        path = Path(work) / _NOTE
        path.write_text(json.dumps(note), "utf-8")
        cache.put(_cut_key(footage, settings), found.tables, {_NOTE: path})
    return planned(footage, settings, cache)


def planned(footage: Footage, settings: Settings, cache: Cache) -> Plan | None:
    """Return the plan that is kept of a clip, None if there is none."""
    folder = cache.folder(_cut_key(footage, settings))
    try:
        note = json.loads((folder / _NOTE).read_text("utf-8"))
        tables = {path.stem: pq.ParquetFile(path).read() for path in folder.glob("*.parquet")}
    except OSError:  # none, or the clip was measured meanwhile
        return None
    if not folder.is_dir():
        return None
    clock = note["clock"]
    place = ClockPlace(tuple(clock["digits"]), tuple(clock["line"])) if clock else None
    return Plan(tuple(Slice(**part) for part in note["slices"]), place, note["overlay"], tables, folder)


def measure_one(
    footage: Footage, settings: Settings, cache: Cache, plan: Plan, part: Slice, progress: Progress
) -> None:
    """Measure a slice, unless it is measured already, and keep it.

    A slice that fails is kept too, without tables: then the clip is not joined.

    Raises
    ------
    FootageError
        If the file is no footage at all.
    """
    key = _slice_key(footage, settings, plan, part)
    if key in cache:
        return
    with tempfile.TemporaryDirectory(prefix="unbroken-") as folder:
        work = Path(folder)
        used = STAGES["media"].used(settings)
        found = slices.measure_slice(footage.path, work, progress, part, plan.tables, plan.clock, used)
        if not footage.is_unchanged():
            return
        if not found.complete or found.unreadable is not None:
            cache.put(key, {})
            return
        names = ("sound", "gaps", "examined") if part.heard else ("frames", "examined")
        cache.put(key, {name: found.tables[name] for name in names}, _files(found, work))


def joined(
    footage: Footage, settings: Settings, cache: Cache, progress: Progress, device: recorder.Recorder, work: Path
) -> Measured | None:
    """Return a planned clip as one pass would measure it, joined from its slices; those that lack are measured first.

    None where there is no plan, or where the slices do not fit: then the clip is to be measured in one pass.

    Parameters
    ----------
    footage, settings, cache, progress
        As for `pipeline.measuring.measure`.
    device : Recorder
        Told where the overlay was located.
    work : Path
        An existing folder for the files of the result; the caller's to remove.

    Raises
    ------
    FootageError
        As `measure_one` does.
    """
    plan = planned(footage, settings, cache)
    if plan is None:
        return None
    for part in plan.slices:
        measure_one(footage, settings, cache, plan, part, progress)
        if not any(entry_of(footage, settings, cache, plan, part).glob("*.parquet")):
            return None
    used = STAGES["media"].used(settings)
    windows = Windows(used["read_every_s"], used["dense_every_s"], used["dense_until_s"])
    parts = [(part, entry_of(footage, settings, cache, plan, part)) for part in plan.slices]
    try:
        laid = Path(tempfile.mkdtemp(dir=work))
        measured = joining.join(plan.tables, parts, laid, windows, joining.isolation_of(plan.folder))
    except OSError:  # another process that measures the clip came first and removed them
        return None
    if measured is None or not all(folder.is_dir() for _, folder in parts):  # as before, while files were copied
        return None
    device.recall(plan.overlay)
    return measured


def entry_of(footage: Footage, settings: Settings, cache: Cache, plan: Plan, part: Slice) -> Path:
    """Return where a slice is kept, or would be."""
    return cache.folder(_slice_key(footage, settings, plan, part))


def forget(footage: Footage, cache: Cache) -> None:
    """Remove plans and slices of a clip that is measured."""
    for stage in (CUT, SLICE):
        cache.drop(footage.sha256, stage)


def _files(found: Measured, work: Path) -> dict[str, Path]:
    """Return what of a slice's files is kept."""
    names = [PICTURES, STRIPS, SIZE, LINES, TURN]
    listed = [picture.path.name for picture in found.pictures] + [line.path.name for line in found.lines]
    paths = [work / name for name in (*names, *listed)]
    if found.sound is not None:
        paths.append(found.sound)
    return {path.name: path for path in paths if path.is_file()}


def _cut_key(footage: Footage, settings: Settings) -> CacheKey:
    overlay = key_of("overlay", footage, settings, media=key_of("media", footage, settings).digest())
    return CacheKey(footage.sha256, CUT, overlay.version, {"overlay": overlay.digest()})


def _slice_key(footage: Footage, settings: Settings, plan: Plan, part: Slice) -> CacheKey:
    media = key_of("media", footage, settings)
    clock = None if part.heard or plan.clock is None else asdict(plan.clock)
    return CacheKey(footage.sha256, SLICE, media.version, {**asdict(part), "media": media.digest(), "clock": clock})

"""Bring every table of a clip: each stage served from the cache where nothing that could change it has changed."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import astuple, replace
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa

from pipeline import slicing
from pipeline.case import CaseRecord
from pipeline.detector import REGISTRY
from pipeline.errors import FootageError
from pipeline.features import extract
from pipeline.features.cache import Cache, CacheKey
from pipeline.features.cuts import Slice
from pipeline.features.schema import to_table
from pipeline.media.evidence import evidence
from pipeline.model import Features, Footage, Message, Table
from pipeline.settings import Settings
from pipeline.signs import landmarks, reader
from pipeline.stages import STAGES, key_of
from transcripts import transcribe as speech_stage

MOST_GB = 256
"""Size of the largest clip that is hashed, in 10⁹ bytes: ten times what a recorder writes in a day at 2 Mbit/s. A file
with holes may claim any size and cost nothing; hashing what it claims would take hours."""
TOO_LARGE = (
    "{path}: the file claims {gb:.0f} GB, more than the {most_gb} GB that one recording may have; it was not read. "
    "Look whether its copy went wrong, and copy it again from the recorder."
)
SOUND = "sound.flac"
"""Name of the sound in a cache entry."""
UNREADABLE = "unreadable.json"
"""Name of what says why nothing could be examined, in the entry of a clip that the decoder gave up."""

Unfinished = Literal["drop", "keep", "keep all"]
Progress = Callable[[str, float], None]
"""Called with the stage's name and the share of it that is done, 0 to 1."""


def silent(stage: str, share: float) -> None:
    """Show no progress."""


def identify(path: Path, progress: Progress = silent) -> Footage:
    """Hash a clip.

    Raises
    ------
    FootageError
        If it is no regular file, is larger than `MOST_GB`, cannot be read, or changes while it is read.
    """
    if not path.exists():
        raise FootageError(Message("{path}: there is no such file.", {"path": str(path)}))
    if not path.is_file():
        raise FootageError(Message("{path}: not a regular file. Name the clips themselves.", {"path": str(path)}))
    digest = hashlib.sha256()
    try:
        before = path.stat()
        if before.st_size > MOST_GB * 1e9:
            raise FootageError(Message(TOO_LARGE, {"path": str(path), "gb": before.st_size / 1e9, "most_gb": MOST_GB}))
        with evidence(path) as stream:
            done = 0
            while done <= before.st_size and (block := stream.read(1 << 22)):  # one that grows would never end
                digest.update(block)
                done += len(block)
                progress("hash", done / max(before.st_size, done))
        footage = Footage(path, digest.hexdigest(), done, before.st_mtime_ns)
        _must_be_unchanged(footage)
    except OSError as error:
        raise FootageError(
            Message(
                "{path}: {problem}. May the account that runs this read the file?",
                {"path": str(path), "problem": error.strerror or str(error)},
            )
        ) from error
    return footage


def is_as_hashed(footage: Footage, path: Path) -> bool:
    """Tell whether a file still is, by size and time of change, what was hashed at this place before."""
    try:
        return footage.path == path and path.is_file() and footage.is_unchanged()
    except OSError:
        return False


def _must_be_unchanged(footage: Footage) -> None:
    """Refuse footage that is no longer what was hashed: what is measured on it would be told of another content."""
    try:
        unchanged = footage.is_unchanged()
    except OSError:  # it vanished
        unchanged = False
    if not unchanged:
        raise FootageError(
            Message(
                "{path}: the file changed while it was read. Scan it again when the copy is finished.",
                {"path": str(footage.path)},
            )
        )


def measure(
    footage: Footage,
    settings: Settings,
    cache: Cache,
    progress: Progress = silent,
    *,
    case: CaseRecord | None = None,
    speech: bool = True,
    unfinished: Unfinished = "drop",
) -> tuple[Features, Path | None, Message | None]:
    """Bring every table of a clip, from the cache or by decoding it once.

    Parameters
    ----------
    footage : Footage
    settings : Settings
    cache : Cache
    progress : callable
    case : CaseRecord, optional
        Its reference photos are looked for in the pictures, and its device's layouts are tried first.
    speech : bool
        Whether the sound is searched for speech, which takes longest; tables voice and words are absent otherwise.
    unfinished : "drop", "keep" or "keep all"
        Whether also what a crash of the decoder or a limit cut off is kept in the cache, and taken from there; what was
        cut off for a reason of `extract.PASSING` only with "keep all". Otherwise such a clip is tried again each time.

    Returns
    -------
    features : Features
        A table that could not be measured is absent; why stands in table `gaps`.
    sound : Path or None
        The sound, 16 kHz mono, kept in the cache; None if there is none.
    unreadable : Message or None
        Why nothing could be examined.

    Raises
    ------
    FootageError
        If the file is no footage at all, or changed since it was hashed.
    """
    keys = _keys(footage, settings, case)
    media = keys["media"]
    parts = {name: cache.tables(key) for name, key in keys.items()}
    sound = cache.file(media, SOUND)
    cut_off = {name: replace(key, params={**key.params, "unfinished": True}) for name, key in keys.items()}
    if None in parts.values() and unfinished != "drop" and cut_off["media"] in cache:
        parts = {name: cache.tables(key) for name, key in cut_off.items()}
        sound = cache.file(cut_off["media"], SOUND)
        if (why := cache.file(cut_off["media"], UNREADABLE)) is not None:
            return Features(parts["media"] or {}), None, Message(**json.loads(why.read_text(encoding="utf-8")))
        parts = {name: tables or {} for name, tables in parts.items()}
    with tempfile.TemporaryDirectory(prefix="unbroken-") as work:
        if None in parts.values():
            measured, written = _look(footage, settings, cache, progress, Path(work), case)
            if not measured.complete and (
                unfinished == "keep all" or (unfinished == "keep" and not _passing(measured))
            ):
                _keep_unfinished(cache, cut_off, measured, written, Path(work))
            parts = {name: _tables(tables) for name, tables in written.items()}
            if measured.unreadable is not None:
                return Features(parts["media"] or {}), None, measured.unreadable
            sound = measured.sound
            if measured.complete:
                for name, key in keys.items():
                    cache.put(key, written[name], {SOUND: sound} if sound and name == "media" else {})
                slicing.forget(footage, cache)
                sound = cache.file(media, SOUND)
        if speech and sound is not None:
            parts["speech"] = _listen(footage, settings, cache, progress, sound, keep=media in cache)
        if sound is not None and not sound.is_relative_to(cache.root):
            sound = None
    return Features(with_clock(_joined(*(part for part in parts.values() if part is not None)))), sound, None


def _passing(measured: extract.Measured) -> bool:
    """Tell whether another try may give more."""
    reasons = set(measured.tables["gaps"]["message"].to_pylist())
    if measured.unreadable is not None:
        reasons.add(measured.unreadable.template)
    return bool(reasons & extract.PASSING)


def _keep_unfinished(
    cache: Cache,
    keys: Mapping[str, CacheKey],
    measured: extract.Measured,
    written: Mapping[str, Mapping[str, pa.Table]],
    work: Path,
) -> None:
    """Keep what was measured until the decoder ended before its time; the entry `media` last, by which it is found."""
    files = {SOUND: measured.sound} if measured.sound else {}
    if (why := measured.unreadable) is not None:
        files[UNREADABLE] = work / UNREADABLE
        told = {"template": why.template, "values": dict(why.values)}
        files[UNREADABLE].write_text(json.dumps(told, ensure_ascii=False), encoding="utf-8")
    for name in sorted(written, key=lambda name: name == "media"):
        cache.put(keys[name], written[name], files if name == "media" else {})


def kept(
    footage: Footage, settings: Settings, cache: Cache, case: CaseRecord | None = None
) -> tuple[Features, Path | None] | None:
    """Bring what the cache holds of a clip, and measure nothing.

    Parameters
    ----------
    footage : Footage
        Only its hash counts: the file need not be there.
    settings : Settings
        As the clip was measured with.
    cache : Cache
    case : CaseRecord, optional
        Tells of the photos that landmarks were looked for by.

    Returns
    -------
    features : Features
        A table that is not kept is absent.
    sound : Path or None
        The sound, 16 kHz mono.
    None
        If nothing of its pictures and sound is kept.
    """
    keys = _keys(footage, settings, case)
    parts = {name: cache.tables(key) for name, key in keys.items()}
    media = keys["media"]
    if parts["media"] is None:
        keys = {name: replace(key, params={**key.params, "unfinished": True}) for name, key in keys.items()}
        parts, media = {name: cache.tables(key) for name, key in keys.items()}, keys["media"]
    if parts["media"] is None:
        return None
    heard = cache.tables(_speech_key(footage, settings)[0])
    found = [part for part in (*parts.values(), heard) if part is not None]
    return Features(with_clock(_joined(*found))), cache.file(media, SOUND)


def measured_alike(one: Settings, other: Settings) -> bool:
    """Tell whether two settings measure the same tables, so that what was kept under one serves the other."""
    heard = [
        REGISTRY["notice"].parameters.model_validate(each.section("detectors.notice")).model_dump()
        for each in (one, other)
    ]
    return all(stage.used(one) == stage.used(other) for stage in STAGES.values()) and all(
        heard[0][name] == heard[1][name] for name in ("notices", "opening_s")
    )


def listen(
    footage: Footage, settings: Settings, cache: Cache, progress: Progress = silent
) -> tuple[Features, Message | None]:
    """Bring what is said in a clip, from the cache or by decoding its sound; no picture is looked at.

    Returns
    -------
    features : Features
        The tables of container, sound and speech.
    unreadable : Message or None
        Why nothing could be examined.

    Raises
    ------
    FootageError
        If the file is no footage at all, or changed since it was hashed.
    """
    media = key_of("media", footage, settings)
    tables, sound, complete = cache.tables(media), cache.file(media, SOUND), True
    with tempfile.TemporaryDirectory(prefix="unbroken-") as work:
        if tables is None:
            used = STAGES["media"].used(settings)
            names = ("sound_s", "stall_s", "memory_mb", "cpu_s", "cpu_s_per_mb", "file_mb")
            asked = {name: used[name] for name in names}
            measured = extract.listen(footage.path, Path(work), progress, **asked)
            _must_be_unchanged(footage)
            tables, sound, complete = _tables(measured.tables), measured.sound, measured.complete
            if measured.unreadable is not None:
                return Features(tables), measured.unreadable
        heard = {} if sound is None else _listen(footage, settings, cache, progress, sound, keep=complete)
        return Features(_joined(tables, heard)), None


def measure_structure(
    footage: Footage, settings: Settings, cache: Cache, progress: Progress = silent
) -> tuple[Features, Message | None]:
    """Bring the tables of a clip that need no decoding, from the cache or by reading its packets (triage).

    Returns
    -------
    features : Features
        Without the tables of pictures, sound, overlay, texts and speech; table `gaps` says so.
    unreadable : Message or None
        Why nothing could be examined.

    Raises
    ------
    FootageError
        If the file is no footage at all, or changed since it was hashed.
    """
    key = key_of("structure", footage, settings)
    tables = cache.tables(key)
    if tables is not None:
        return Features(tables), None
    with tempfile.TemporaryDirectory(prefix="unbroken-") as work:
        measured = extract.probe(footage.path, Path(work), progress, **STAGES["structure"].used(settings))
        _must_be_unchanged(footage)
        if measured.complete and measured.unreadable is None:
            cache.put(key, measured.tables)
        return Features(_tables(measured.tables)), measured.unreadable


def plan(
    footage: Footage,
    settings: Settings,
    cache: Cache,
    progress: Progress = silent,
    case: CaseRecord | None = None,
    *,
    slice_s: float = 600.0,
) -> tuple[Slice, ...]:
    """Decide how a long clip is cut into slices that are decoded in parallel, and keep the plan in the cache.

    Each slice may be measured in a process of its own, on any machine that has the footage and the cache
    (`measure_slice`); `measure` joins them. What comes out is what one pass measures (`docs/slices.md`).

    Parameters
    ----------
    footage, settings, cache, progress, case
        As for `measure`.
    slice_s : float
        Least length of a slice, in seconds; more than 0. A plan that is kept already stays as it is.

    Returns
    -------
    tuple of Slice
        Small and picklable, in any order to be measured; none where the clip is measured already, shorter than two
        slices, or cannot be cut without effect on what is measured.

    Raises
    ------
    FootageError
        If the file is no footage at all, or changed since it was hashed.
    """
    if all(key in cache for key in _keys(footage, settings, case).values()):
        return ()
    device = slicing.device_of(settings, cache, progress, case)
    found = slicing.cut(footage, settings, cache, progress, device, slice_s)
    _must_be_unchanged(footage)
    return found.slices if found else ()


def measure_slice(footage: Footage, settings: Settings, cache: Cache, part: Slice, progress: Progress = silent) -> None:
    """Measure a slice of a planned clip, and keep it in the cache until the whole clip is measured.

    Nothing is done where it is kept already, or where there is no plan any more because the clip was measured.

    Parameters
    ----------
    footage, settings, cache, progress
        As for `measure`.
    part : Slice
        One of those that `plan` returned.

    Raises
    ------
    FootageError
        If the file is no footage at all, or changed since it was hashed.
    """
    found = slicing.planned(footage, settings, cache)
    if found is not None and part in found.slices:
        slicing.measure_one(footage, settings, cache, found, part, progress)
        _must_be_unchanged(footage)


def _keys(footage: Footage, settings: Settings, case: CaseRecord | None) -> dict[str, CacheKey]:
    """Return under what the tables are kept of every stage that looks at the pictures or hears the sound."""
    media = key_of("media", footage, settings)
    overlay = key_of("overlay", footage, settings, media=media.digest())
    keys = {"media": media, "overlay": overlay, "signs": key_of("signs", footage, settings, overlay=overlay.digest())}
    if case and case.photos():
        known = landmarks.identity(case.photos())
        keys["landmarks"] = key_of("landmarks", footage, settings, overlay=overlay.digest(), photos=known)
    return keys


def _look(
    footage: Footage, settings: Settings, cache: Cache, progress: Progress, work: Path, case: CaseRecord | None
) -> tuple[extract.Measured, dict[str, dict[str, pa.Table]]]:
    """Decode a clip, and read what its pictures show; return the tables of every stage that looks at pictures."""
    device = slicing.device_of(settings, cache, progress, case)
    measured = slicing.joined(footage, settings, cache, progress, device, work)
    if measured is None:
        measured = extract.measure(footage.path, work, progress, device.place, **STAGES["media"].used(settings))
    _must_be_unchanged(footage)
    written = {"media": measured.tables}
    if measured.unreadable is None:
        written["overlay"] = device.read(measured)
        areas = [astuple(area) for area in device.areas]
        written["signs"] = reader.read_texts(
            measured.pictures, progress, device.areas, **STAGES["signs"].used(settings)
        )
        if case and case.photos():
            used = STAGES["landmarks"].used(settings)
            written["landmarks"] = landmarks.find_landmarks(measured.pictures, case.photos(), areas, progress, **used)
    return measured, written


def _listen(
    footage: Footage, settings: Settings, cache: Cache, progress: Progress, sound: Path, *, keep: bool
) -> dict[str, Table]:
    """Return the tables of speech, from the cache or by listening to the sound; it is kept if the sound is whole."""
    key, notices, opening_s = _speech_key(footage, settings)
    heard = cache.tables(key)
    if heard is None:
        spoken = speech_stage.transcribe(sound, progress, notices, opening_s, **STAGES["speech"].used(settings))
        heard = _tables(spoken)
        if keep and "words" in heard:
            cache.put(key, spoken)
    return heard


def _speech_key(footage: Footage, settings: Settings) -> tuple[CacheKey, list[str], float]:
    """Return under what the tables of speech are kept, and what is listened for: the notices, and for how long."""
    asked = REGISTRY["notice"].parameters.model_validate(settings.section("detectors.notice")).model_dump()
    notices, opening_s = asked["notices"], asked["opening_s"]
    media = key_of("media", footage, settings).digest()
    key = key_of("speech", footage, settings, media=media, notices="\n".join(notices), opening_s=str(opening_s))
    return key, notices, opening_s


def _tables(arrows: Mapping[str, pa.Table]) -> dict[str, Table]:
    return {name: to_table(name, arrow) for name, arrow in arrows.items()}


def _joined(*parts: Mapping[str, Table]) -> dict[str, Table]:
    """Lay the tables of the stages side by side; those that several stages write are joined row by row."""
    joined: dict[str, Table] = {}
    for part in parts:
        for name, table in part.items():
            before = joined.get(name)
            joined[name] = table if before is None else Table({c: np.concatenate([before[c], table[c]]) for c in table})
    return joined


def with_clock(tables: dict[str, Table]) -> dict[str, Table]:
    """Put the columns of the burned-in clock, which is read after the pass, into the table of pictures."""
    clock = tables.pop("clock", None)
    if clock is not None and "frames" in tables and clock.rows == tables["frames"].rows:
        tables["frames"] = Table({**tables["frames"], **clock})
    return tables

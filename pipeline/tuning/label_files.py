"""Reading labels: truth files beside clips, forged or written by hand, and what people decided on the review page."""

from __future__ import annotations

import csv
import math
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipeline.errors import FootageError
from pipeline.forge.folder import INDEX
from pipeline.kinds import KINDS
from pipeline.measuring import Progress, identify, silent
from pipeline.report.spreadsheet import text_of
from pipeline.tuning.labels import BREAKS, WORDS, Label, LabelError, Labels, Word

TRUTH = ".truth.toml"
"""How the name of a truth file ends."""
NEEDED = ("sha256", "path", "kind", "start_s", "stop_s", "label", "counts", "reason", "decided_by", "decided_at")
"""Columns of review labels that are used."""
Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Clip(_Part):
    file: str
    made_from: list[str] | str | None = None
    recipe: str | None = None
    sha256: Hash | None = None
    source: list[Hash] | None = None
    device: str | None = None
    scene: str | None = None
    by: str | None = None
    at: str | None = None


class _True(_Part):
    forged: bool
    case: str | None = None
    complete: bool = True
    pictures: int | None = None
    duration_s: Annotated[float, Field(ge=0)] = math.inf


class _Event(_Part):
    start_s: Annotated[float, Field(ge=0)]
    stop_s: Annotated[float, Field(ge=0)]
    kinds: list[str]
    beside: list[str] = []
    what: str | None = None
    pictures: int | None = None
    seconds: float | None = None
    first_frame: int | None = None
    stop_frame: int | None = None
    label: Literal["true", "false", "unsure"] = "true"


class _Kinds(_Part):
    kinds: list[str] = []


class _Recipe(_Part):
    model_config = ConfigDict(extra="ignore", frozen=True)

    forger: int | None = None
    sha256: list[Hash] | None = None


class _Truth(_Part):
    clip: _Clip
    true: _True
    event: list[_Event] = []
    beside: _Kinds = _Kinds()
    absent: _Kinds | None = None
    recipe: _Recipe = _Recipe()


def read_truths(place: Path | Iterable[Path], progress: Progress = silent) -> Labels:
    """Read truth files: those that `unbroken forge` wrote, and those that a person wrote.

    Parameters
    ----------
    place : Path or iterable of Path
        Truth files, a forger's `index.csv`, or folders that are searched for `*.truth.toml`.
    progress : callable
        Told how far a clip is hashed, where neither the truth file nor `index.csv` beside it names its hash.

    Returns
    -------
    Labels
        A row for each event, and one for the whole clip where all of it is known.

    Raises
    ------
    LabelError
        If a file cannot be used; the text names it and says what is wrong.
    """
    places = [place] if isinstance(place, Path) else list(place)
    files: list[Path] = []
    for named in places:
        one = named.parent if named.name == INDEX else named
        found = sorted(one.rglob(f"*{TRUTH}")) if one.is_dir() else [one]
        if not found:
            raise LabelError(f"{one}: no {TRUTH} lies in this folder.")
        files += found
    indexes: dict[Path, dict[str, str]] = {}
    rows: list[Label] = []
    for file in files:
        if file.parent not in indexes:
            indexes[file.parent] = _index(file.parent / INDEX)
        rows += _truth(file, indexes[file.parent], progress)
    return Labels(tuple(rows))


def read_review(path: Path, sources: Mapping[str, Iterable[str]] | None = None) -> Labels:
    """Read what people decided on the review page, as `unbroken labels` exports it.

    Only decisions that count are read; one that waits for its second person is left out. A clip is its own source.

    Parameters
    ----------
    path : Path
        `.parquet` or `.csv`.
    sources : mapping, optional
        SHA-256 of a clip → of what it was made from, for clips that are not takes of their own.

    Raises
    ------
    LabelError
        If the file cannot be read, or a row of it cannot be.
    """
    rows = []
    for number, row in enumerate(_rows(path), 1):
        place = f"{path}, row {number}"
        if not _flag(row["counts"], place):
            continue
        if row["label"] not in WORDS:
            raise LabelError(f"{place}: label {row['label']!r}; known: {', '.join(WORDS)}.")
        start_s, stop_s = _seconds(row["start_s"], place), _seconds(row["stop_s"], place)
        if not start_s <= stop_s:
            raise LabelError(f"{place}: it ends before it starts.")
        _must_be_known([row["kind"]], place)
        sha256 = row["sha256"]
        rows.append(
            Label(
                sha256=sha256,
                path=row["path"],
                source=tuple(sorted((sources or {}).get(sha256, (sha256,)))),
                kinds=frozenset({row["kind"]}),
                start_s=start_s,
                stop_s=stop_s,
                label=row["label"],
                origin="review",
                detail=row["reason"] or None,
                who=row["decided_by"] or None,
                when=str(row["decided_at"] or "") or None,
            )
        )
    return Labels(tuple(rows))


def _truth(file: Path, index: Mapping[str, str], progress: Progress) -> list[Label]:
    told = _parsed(file)
    clip = file.parent / told.clip.file
    sha256 = told.clip.sha256 or index.get(told.clip.file)
    if sha256 is None:
        try:
            sha256 = identify(clip, progress).sha256
        except FootageError as error:
            raise LabelError(
                f"{file}: its clip cannot be hashed ({error}). Put the clip beside it, or state sha256 in [clip]."
            ) from error
    named = [*told.beside.kinds, *(told.absent.kinds if told.absent else ())]
    _must_be_known([*named, *(kind for event in told.event for kind in (*event.kinds, *event.beside))], str(file))
    if told.true.forged and not told.event:
        raise LabelError(f"{file}: the clip is said to be forged, but no [[event]] says where.")
    by_forger = told.recipe.forger is not None
    common: dict[str, Any] = {
        "sha256": sha256,
        "path": str(clip),
        "source": tuple(sorted(set(told.clip.source or told.recipe.sha256 or (sha256,)))),
        "origin": "forge" if by_forger else "truth",
        "device": told.clip.device,
        "scene": told.clip.scene,
        "who": told.clip.by or ("unbroken forge" if by_forger else None),
        "when": told.clip.at,
    }
    rows = [_event(event, told, common, file) for event in told.event if _says_something(event, told)]
    if told.true.complete:
        absent = frozenset(told.absent.kinds) if told.absent else BREAKS
        beside = frozenset(told.beside.kinds)
        rows.append(
            Label(
                **common,
                kinds=absent - beside,
                beside=beside,
                start_s=0.0,
                stop_s=told.true.duration_s,
                label="false",
                whole=True,
                detail=told.true.case,
            )
        )
    return rows


def _says_something(event: _Event, told: _Truth) -> bool:
    """Tell whether an event is a label: what a forger did to an honest control names no kind."""
    return told.true.forged or bool(event.kinds)


def _event(event: _Event, told: _Truth, common: Mapping[str, Any], file: Path) -> Label:
    if event.stop_s < event.start_s:
        raise LabelError(f"{file}: the event at {event.start_s} s ends before it starts.")
    word: Word = event.label
    return Label(
        **common,
        kinds=frozenset(event.kinds),
        beside=frozenset(event.beside),
        start_s=event.start_s,
        stop_s=event.stop_s,
        label=word,
        detail=told.true.case or event.what or told.clip.recipe,
    )


def _parsed(file: Path) -> _Truth:
    try:
        return _Truth.model_validate(tomllib.loads(file.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise LabelError(f"{file}: cannot be read ({error}).") from error
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise LabelError(f"{file}: {key}: {first['msg']}. docs/tuning.md states the form of truth files.") from error


def _index(path: Path) -> dict[str, str]:
    """Return the hash of each clip that a forger's table names; none where there is no such table."""
    if not path.is_file():
        return {}
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            return {row["file"]: row["sha256"] for row in csv.DictReader(stream)}
    except (OSError, UnicodeDecodeError, KeyError, csv.Error) as error:
        raise LabelError(f"{path}: no table that `unbroken forge` wrote ({error!r}).") from error


def _rows(path: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]]
    try:
        if path.suffix == ".parquet":
            rows = pq.read_table(path).to_pylist()
        elif path.suffix == ".csv":
            with path.open(encoding="utf-8-sig", newline="") as stream:
                rows = [{k: text_of(v or "") for k, v in row.items() if k} for row in csv.DictReader(stream)]
        else:
            raise LabelError(f"{path}: labels of the review come as .parquet or .csv.")
    except (OSError, UnicodeDecodeError, csv.Error, pa.ArrowInvalid) as error:
        raise LabelError(f"{path}: cannot be read ({error}).") from error
    if rows and (missing := [name for name in NEEDED if name not in rows[0]]):
        raise LabelError(f"{path}: no labels of the review; columns are missing: {', '.join(missing)}.")
    return rows


def _flag(value: Any, place: str) -> bool:
    word = str(value).lower()
    if word not in {"true", "false"}:
        raise LabelError(f"{place}: counts {value!r}; it must be true or false.")
    return word == "true"


def _seconds(value: Any, place: str) -> float:
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        seconds = math.nan
    if not math.isfinite(seconds):
        raise LabelError(f"{place}: {value!r} is no time in seconds.")
    return seconds


def _must_be_known(kinds: Iterable[str], place: str) -> None:
    if unknown := sorted(set(kinds) - KINDS.keys()):
        raise LabelError(f"{place}: unknown kinds of finding: {', '.join(unknown)}. docs/contract.md lists all.")

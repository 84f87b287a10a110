"""A case record as it was read: its values, each with its source, and what holds for the record as a whole."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pyarrow as pa

from pipeline.case.fields import BY_NAME, unit_of
from pipeline.errors import SettingsError

MAX_PHOTO_MEGAPIXELS = 120
"""Larger ones are refused: a small file can unfold to more memory than a machine has."""

_ORDER = {name: at for at, name in enumerate(BY_NAME)}
_NEVER_BEFORE = (("store.uploaded_at", "store.sorted_at"), ("closed_on", "archived_on"))
"""Fields of which the second cannot lie before the first."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a value is stated."""

    path: Path
    line: int | None = None
    """None where it was not found."""
    unit: str = "line"
    """What `line` counts: Parquet has rows."""

    def __str__(self) -> str:
        return str(self.path) if self.line is None else f"{self.path}, {self.unit} {self.line}"


Entry = tuple[str, str, Source]
"""Field, value and where it is stated."""


def path_of(source: str) -> Path:
    """Return the file that column `source` of the `case` table names."""
    return Path(re.sub(r", (line|row) \d+$", "", source))


@dataclass(frozen=True, slots=True)
class CaseRecord:
    """A case record, read from one file or merged from several."""

    path: Path
    """The nearest of its files."""
    values: tuple[tuple[str, str], ...]
    """Name of the field and value in the order of `FIELDS`; a list gives a pair for each entry."""
    sources: tuple[Source, ...] = ()
    """Where each of the values is stated; left out: in `path`."""

    def __post_init__(self) -> None:
        if not self.sources:
            object.__setattr__(self, "sources", (Source(self.path),) * len(self.values))
        if len(self.sources) != len(self.values):
            raise ValueError(f"{len(self.sources)} sources for {len(self.values)} values")

    def all(self, name: str) -> tuple[str, ...]:
        """Return every value of a field."""
        return tuple(value for field, value in self.values if field == name)

    def first(self, name: str) -> str | None:
        """Return the value of a field, the first of a list; None if it is not stated."""
        return next(iter(self.all(name)), None)

    def source(self, name: str) -> Source | None:
        """Return where a field is stated; None if it is not."""
        return next((source for field, _, source in self.entries() if field == name), None)

    def entries(self) -> Iterator[Entry]:
        """Yield every value with its field and source."""
        for (name, value), source in zip(self.values, self.sources, strict=True):
            yield name, value, source

    def files(self, name: str) -> tuple[tuple[str, Path], ...]:
        """Return the files that a field names: each as the record names it, and where it lies.

        A relative path is relative to the file that states it.
        """
        return tuple((value, source.path.parent / value) for field, value, source in self.entries() if field == name)

    def photos(self) -> tuple[tuple[str, Path], ...]:
        """Return the reference photos of the place, as `files` does."""
        return self.files("place.photos")

    def over(self, farther: CaseRecord) -> CaseRecord:
        """Lay this record over a farther one: what is stated here wins, sections as a whole."""
        stated = {unit_of(name) for name, _ in self.values}
        entries = [*self.entries(), *(entry for entry in farther.entries() if unit_of(entry[0]) not in stated)]
        return from_entries(self.path, entries)


def from_entries(path: Path, entries: Iterable[Entry]) -> CaseRecord:
    """Return the record of entries that come in any order; those of one field keep theirs."""
    entries = sorted(entries, key=lambda entry: _ORDER[entry[0]])
    return CaseRecord(path, tuple((name, value) for name, value, _ in entries), tuple(s for _, _, s in entries))


def case_table(record: CaseRecord | None) -> pa.Table | None:
    """Return the rows of the `case` table; None, so that the table is absent, without a record."""
    if record is None:
        return None
    rows = [(name, value, str(source)) for name, value, source in record.entries()]
    columns = zip(*rows, strict=True) if rows else ((), (), ())
    return pa.table(
        {
            name: pa.array(column, pa.string())
            for name, column in zip(("field", "value", "source"), columns, strict=True)
        }
    )


def contradiction(entries: Iterable[Entry]) -> str | None:
    """Return what two values of a record cannot both be, with the place of both; None if all can."""
    stated = {name: (value, source) for name, value, source in entries}
    for first, second in _NEVER_BEFORE:
        if first in stated and second in stated:
            (earlier, there), (later, here) = stated[first], stated[second]
            if _minute(later) < _minute(earlier):
                return f"{here}: {second} {later} lies before {first} {earlier} ({there})"
    return None


def checked(record: CaseRecord) -> CaseRecord:
    """Return the record itself.

    Raises
    ------
    SettingsError
        If it contradicts itself, or names a photo that is none.
    """
    if problem := contradiction(record.entries()):
        raise SettingsError(problem)
    for name, photo in record.photos():
        if problem := _photo_problem(photo):
            raise SettingsError(f"{record.source('place.photos')}: the photo {name} {problem}")
    return record


def _minute(text: str) -> datetime:
    """Return a time without its seconds, which may have been left out; of dates, their midnight."""
    return datetime.fromisoformat(text).replace(second=0, microsecond=0)


def _photo_problem(photo: Path) -> str | None:
    """Return why a file cannot serve as a reference photo, None if it can; its pixels are not decoded."""
    if not photo.is_file():
        return f"is no file ({photo})"
    from PIL import Image  # takes a moment to load, and most case records name no photo

    try:
        with warnings.catch_warnings(action="ignore"), Image.open(photo) as image:
            width, height = image.size
    except Image.DecompressionBombError:
        return f"has more than {MAX_PHOTO_MEGAPIXELS} megapixels. Make it smaller."
    except (OSError, SyntaxError, ValueError):  # what Pillow raises for a file that is no picture
        return "is no picture that can be read. Save it as JPEG or PNG."
    if width * height > MAX_PHOTO_MEGAPIXELS * 1_000_000:
        return f"has more than {MAX_PHOTO_MEGAPIXELS} megapixels. Make it smaller."
    return None

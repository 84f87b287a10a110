"""The case record of a clip: what the investigators say the footage should show, from a TOML file beside it.

Precedence, most exact first: `<clip>.mp4.case.toml`, `<clip>.case.toml`, `case.toml` in the clip's folder. One file is
read, never a mixture: an entry that is missing in the nearer file is not looked up in the other.
"""

from __future__ import annotations

import difflib
import re
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa

from pipeline.errors import SettingsError
from pipeline.settings import read_toml

Form = Literal["text", "texts"]


@dataclass(frozen=True, slots=True)
class Field:
    """One entry that a case record may hold."""

    name: str
    """As in the `case` table: `section.key`, or `key` alone at the top of the file."""
    form: Form
    meaning: str


FIELDS: tuple[Field, ...] = (
    Field("place.names", "texts", "names that a sign of the place may show, the official one first"),
    Field("place.aliases", "texts", "other names of the place: short forms, brands, former names"),
    Field("place.address", "text", "address in words"),
    Field("place.door_number", "text", "door or house number as the plate shows it"),
    Field("place.photos", "texts", "pictures of landmarks at the place: files beside the case record, or full paths"),
    Field("agency.name", "text", "agency that enforces"),
    Field("unit.name", "text", "unit of the agency"),
    Field("unit.number", "text", "number of the unit"),
    Field("device.id", "text", "serial number of the recorder"),
    Field("officers", "texts", "names or numbers of the officers"),
    Field("cause", "text", "matter of the enforcement (案由、执法事项)"),
    Field("parties", "texts", "parties and others who are recorded"),
)
"""Everything a case record may say; a new entry is a new line here."""

MAX_PHOTO_MEGAPIXELS = 120
"""Larger ones are refused: a small file can unfold to more memory than a machine has."""


@dataclass(frozen=True, slots=True)
class CaseRecord:
    """A case record as it was read."""

    path: Path
    values: tuple[tuple[str, str], ...]
    """Name of the field and value in the order of `FIELDS`; a list gives a pair for each entry."""

    def all(self, name: str) -> tuple[str, ...]:
        """Return every value of a field."""
        return tuple(value for field, value in self.values if field == name)

    def photos(self) -> tuple[tuple[str, Path], ...]:
        """Return the reference photos of the place: each as the record names it, and where it lies."""
        return tuple((name, self.path.parent / name) for name in self.all("place.photos"))


def case_file(clip: Path) -> Path | None:
    """Return the file that holds the case record of `clip`, None if there is none; see the module for precedence."""
    beside = (clip.with_name(f"{clip.name}.case.toml"), clip.with_suffix(".case.toml"), clip.with_name("case.toml"))
    return next((path for path in beside if path.is_file()), None)


def read_case(path: Path) -> CaseRecord:
    """Read a case record.

    Raises
    ------
    SettingsError
        If the file cannot be read, holds an entry that does not exist, or a value that is empty or of the wrong type,
        or names a photo that is none; the text names file, line and entry.
    """
    document = read_toml(path)
    known = {field.name: field for field in FIELDS}
    found: dict[str, tuple[str, ...]] = {}
    for name, value in _flat(document):
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f" Did you mean {close[0]}?" if close else ""
            raise SettingsError(f"{_place(path, name)}: unknown entry {name}.{hint} Known: {', '.join(known)}")
        found[name] = _checked(known[name], value, path)
    record = CaseRecord(path, tuple((field.name, value) for field in FIELDS for value in found.get(field.name, ())))
    for name, photo in record.photos():
        if problem := _photo_problem(photo):
            raise SettingsError(f"{_place(path, 'place.photos')}: the photo {name} {problem}")
    return record


def case_of(clip: Path) -> CaseRecord | None:
    """Return the case record of `clip`, None if there is none.

    Raises
    ------
    SettingsError
        As `read_case`.
    """
    path = case_file(clip)
    return read_case(path) if path else None


def case_table(record: CaseRecord | None) -> pa.Table | None:
    """Return the rows of the `case` table (field, value); None, so that the table is absent, without a record."""
    if record is None:
        return None
    names, values = [name for name, _ in record.values], [value for _, value in record.values]
    return pa.table({"field": pa.array(names, pa.string()), "value": pa.array(values, pa.string())})


def _flat(document: dict[str, Any]) -> list[tuple[str, Any]]:
    rows: list[tuple[str, Any]] = []
    for key, value in document.items():
        if isinstance(value, dict):
            rows.extend((f"{key}.{name}", entry) for name, entry in value.items())
        else:
            rows.append((key, value))
    return rows


def _checked(field: Field, value: Any, path: Path) -> tuple[str, ...]:
    wanted = "a text" if field.form == "text" else "a list of texts"
    values = [value] if field.form == "text" else value
    if not isinstance(values, list) or not all(isinstance(entry, str) for entry in values):
        raise SettingsError(f"{_place(path, field.name)}: {field.name} must be {wanted}, not {value!r}")
    if not all(entry.strip() for entry in values):
        raise SettingsError(
            f"{_place(path, field.name)}: {field.name} holds an empty text; leave the entry out instead"
        )
    return tuple(entry.strip() for entry in values)


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


def _place(path: Path, name: str) -> str:
    """Return file and, where the entry is found as `key = …` below its `[section]`, its line."""
    section, _, key = name.rpartition(".")
    current = ""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if header := re.match(r"\s*\[\s*([\w-]+)\s*\]", line):
            current = header[1]
        elif current == section and re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*[.=]", line):
            return f"{path}, line {number}"
    return str(path)

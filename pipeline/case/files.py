"""Case records in TOML files beside a clip, and the record of a clip from all its sources."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipeline.case.fields import BY_NAME
from pipeline.case.record import CaseRecord, Source, checked, from_entries
from pipeline.case.store import CaseTable
from pipeline.case.values import DEFAULT_ZONE, WrongValue, hint, stored
from pipeline.errors import SettingsError
from pipeline.settings import read_toml

_SECTIONS = {name.partition(".")[0] for name in BY_NAME if "." in name}
_KEY = r"""(?:[\w-]+|"[^"\\]*"|'[^']*')"""
_ENTRY = re.compile(rf"\s*({_KEY}(?:\s*\.\s*{_KEY})*)\s*=")
_HEADER = re.compile(rf"\s*\[{{1,2}}\s*({_KEY}(?:\s*\.\s*{_KEY})*)\s*\]{{1,2}}\s*(?:#.*)?$")
_QUOTES = re.compile(r'"{3}|\'{3}')


def case_files(clip: Path) -> tuple[Path, ...]:
    """Return the files beside `clip` that are its case record, nearest first; see the package for precedence."""
    beside = (clip.with_name(f"{clip.name}.case.toml"), clip.with_suffix(".case.toml"))
    nearest = next((path for path in beside if path.is_file()), None)
    folder = clip.with_name("case.toml")
    return tuple(path for path in (nearest, folder if folder.is_file() else None) if path is not None)


def case_file(clip: Path) -> Path | None:
    """Return the nearest of `case_files`, None if there is none."""
    return next(iter(case_files(clip)), None)


def case_of(clip: Path, table: CaseTable | None = None) -> CaseRecord | None:
    """Return the case record of `clip`, merged from the files beside it and its row in the store's table.

    Parameters
    ----------
    clip : Path
    table : CaseTable, optional
        What the store says of its clips.

    Returns
    -------
    record : CaseRecord or None
        None if no source says anything of the clip.

    Raises
    ------
    SettingsError
        If a source cannot be used, as `read_case`, or what two of them say cannot both be.
    """
    record = None if table is None else table.record(clip)
    for path in reversed(case_files(clip)):
        zone = record.first("timezone") if record else None
        nearer = read_case(path, zone or DEFAULT_ZONE)
        record = nearer if record is None else nearer.over(record)
    return None if record is None else checked(record)


def read_case(path: Path, zone: str = DEFAULT_ZONE) -> CaseRecord:
    """Read a case record from one TOML file.

    Parameters
    ----------
    path : Path
    zone : str
        Zone of times that give none, unless the file states another.

    Raises
    ------
    SettingsError
        If the file cannot be read, holds an entry that does not exist or a value that its entry does not take,
        contradicts itself, or names a photo that is none; the text names file, line and entry.
    """
    document = read_toml(path)
    lines = _lines(path.read_text(encoding="utf-8"))
    stated = dict(_flat(document))

    def place(name: str) -> Source:
        return Source(path, lines.get(name, lines.get(name.partition(".")[0])))

    def values(name: str) -> tuple[str, ...]:
        try:
            return stored(BY_NAME[name], stated[name], zone)
        except WrongValue as wrong:
            raise SettingsError(f"{place(name)}: {name} {wrong}") from wrong

    for name in stated:
        if name not in BY_NAME and not (name in _SECTIONS and stated[name] == {}):
            raise SettingsError(
                f"{place(name)}: unknown entry {name}.{hint(name, BY_NAME)} Known: {', '.join(BY_NAME)}"
            )
    if "timezone" in stated:
        (zone,) = values("timezone")
    entries = [(name, value, place(name)) for name in stated if name in BY_NAME for value in values(name)]
    return checked(from_entries(path, entries))


def _flat(document: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield each entry as `section.key` or `key`, a section without entries as it stands."""
    for key, value in document.items():
        if isinstance(value, dict) and value:
            yield from ((f"{key}.{name}", entry) for name, entry in value.items())
        else:
            yield key, value


def _lines(text: str) -> dict[str, int]:
    """Return the line of each section of a TOML document and of each entry outside inline tables."""
    found: dict[str, int] = {}
    section, quoted = "", False
    for number, line in enumerate(text.split("\n"), 1):
        if not quoted:
            if header := _HEADER.match(line):
                section = _name(header[1])
                found.setdefault(section, number)
            elif entry := _ENTRY.match(line):
                name = _name(entry[1])
                found.setdefault(f"{section}.{name}" if section else name, number)
                if not section:
                    found.setdefault(name.partition(".")[0], number)
        quoted ^= len(_QUOTES.findall(line)) % 2 == 1
    return found


def _name(key: str) -> str:
    return ".".join(part.strip("\"'") for part in re.findall(_KEY, key))

"""The case records of a whole store in one table: a row for each clip, CSV or Parquet."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import lru_cache
from itertools import chain, islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.case.fields import BY_NAME, FIELDS, Field
from pipeline.case.record import CaseRecord, Entry, Source, contradiction, from_entries
from pipeline.case.values import DEFAULT_ZONE, WrongValue, hint, stored
from pipeline.errors import SettingsError
from pipeline.sheet import read_sheet

CLIP = ("clip", "录像", "文件")
"""Headings of the column that names the clip."""
MOST_ERRORS = 10
"""How many are told of one table."""
CHUNK = 10_000
"""Rows that are taken out of Arrow at a time."""

_HEADINGS: dict[str, str] = {
    **{heading: CLIP[0] for heading in CLIP},
    **{heading: field.name for field in FIELDS for heading in (field.name, field.heading)},
}
_FLAGS = {"true": True, "是": True, "1": True, "false": False, "否": False, "0": False}
_SPREADSHEET_DATE = re.compile(r"(\d{4})/(\d{1,2})/(\d{1,2})(?:[T ](\d{1,2})(:.*))?", re.S)


@dataclass(frozen=True, slots=True, eq=False)
class CaseTable:
    """What a store says of its clips; every cell was checked when it was read, but no photo was opened."""

    path: Path
    rows: pa.Table
    """A column for each field that the file has, cells as they stand there, and `clip`."""
    places: Sequence[int]
    """Line of each row, or its number where the file has no lines."""
    by_path: Mapping[str, int]
    """Absolute path → row."""
    by_name: Mapping[str, int]
    """File name → row, for rows that name no folder and share their name with no other row."""

    def record(self, clip: Path) -> CaseRecord | None:
        """Return what the table says of a clip; None if no row names it.

        A row that names no folder means the file beside the table or, if there is none, that name in any folder.
        """
        row = self._row(clip)
        if row is None:
            return None
        (cells,) = self.rows.slice(row, 1).to_pylist()
        entries, _ = _read(cells, self._source(row))
        return from_entries(self.path, entries)

    def only(self, clip: Path) -> CaseTable | None:
        """Return a table that says of this clip what this one does, and of no other; None if it says nothing."""
        row = self._row(clip)
        if row is None:
            return None
        cells = pa.Table.from_pylist(self.rows.slice(row, 1).to_pylist(), self.rows.schema)
        return CaseTable(self.path, cells, [self.places[row]], {os.path.normpath(clip.absolute()): 0}, {})

    def clips(self) -> tuple[Path, ...]:
        """Return the clip of every row, also of those that do not exist; names without folder as beside the table."""
        return tuple(map(Path, self.by_path))

    def missing(self, scanned: Iterable[Path] = ()) -> tuple[Path, ...]:
        """Return the clips of rows that do not exist, and that no row's name finds among the clips scanned."""
        found = {self._row(clip) for clip in scanned}
        return tuple(Path(path) for path, row in self.by_path.items() if row not in found and not Path(path).exists())

    def must_tell_apart(self, clips: Iterable[Path]) -> None:
        """Hold the table against clips that are scanned together.

        Raises
        ------
        SettingsError
            If one row names two of them: a name without folder, and clips of that name in several.
        """
        seen: dict[int, Path] = {}
        for clip in clips:
            row = self._row(clip)
            if row is not None and (other := seen.setdefault(row, clip)).resolve() != clip.resolve():
                raise SettingsError(
                    f"{self._source(row)}: names both {other} and {clip}; name the clip with its folder"
                )

    def _row(self, clip: Path) -> int | None:
        absolute = clip.absolute()
        places = (absolute, absolute.parent.resolve() / clip.name, clip.resolve())
        for place in places:
            if (row := self.by_path.get(os.path.normpath(place))) is not None:
                return row
        row = self.by_name.get(clip.name)
        return None if row is None or (self.path.parent / clip.name).exists() else row

    def _source(self, row: int) -> Source:
        return Source(self.path, self.places[row], _unit(self.path))


def read_case_table(path: Path) -> CaseTable:
    """Read the table of a store.

    Parameters
    ----------
    path : Path
        Parquet if its name ends in `.parquet`, else CSV as UTF-8 or GB 18030. Column clip names the clip: its path
        relative to the table's folder, or absolute, or its file name alone. The others are headed by the name of a
        field or by its name in Chinese. Entries of a list in one text are parted by ;, ； or a new line. An empty cell
        states nothing.

    Raises
    ------
    SettingsError
        If the file cannot be read, a heading is unknown or doubled, a row names no clip or one that another row names,
        or has more cells than the heading, or a cell holds what its field does not take. The text has a line for each
        of the first ten errors, with file and line, or row of a Parquet file.
    """
    if _unit(path) == "row":
        rows, places, problems = _parquet(path)
    else:
        rows, places, problems = _csv(path)
    rows = rows.select(sorted(rows.column_names, key=lambda name: name != "timezone"))  # first: times need it
    by_path: dict[str, int] = {}
    _refuse(chain(problems, _problems(path, rows, places, by_path)))
    names = [_slashed(clip) for clip in rows[CLIP[0]].to_pylist()]
    count = Counter(name.rpartition("/")[2] for name in names)
    by_name = {name: row for row, name in enumerate(names) if "/" not in name and count[name] == 1}
    return CaseTable(path, rows, places, by_path, by_name)


def _csv(path: Path) -> tuple[pa.Table, Sequence[int], list[str]]:
    """Return the rows, the line of each, and what is wrong with the file."""
    lines = read_sheet(path)
    line, head = next(lines, (1, []))
    names = _fields(head, f"{path}, line {line}")
    columns: list[list[str | None]] = [[] for _ in names]
    places: list[int] = []
    problems: list[str] = []
    for line, cells in lines:
        if len(cells) > len(head):
            problems.append(f"{path}, line {line}: {len(cells)} cells under {len(head)} headings")
            continue
        places.append(line)
        for at, column in enumerate(columns):
            column.append(cells[at] or None if at < len(cells) else None)
    arrays = [pa.array(column, pa.string()) for column in columns]
    return pa.table(arrays, names), places, problems


def _parquet(path: Path) -> tuple[pa.Table, Sequence[int], list[str]]:
    """Return the rows, the number of each, and what is wrong with the file."""
    try:
        rows = pq.ParquetFile(path).read()
    except (OSError, pa.ArrowException) as error:
        raise SettingsError(f"{path}: {error}") from error
    rows = rows.rename_columns(_fields(rows.column_names, str(path)))
    for at, column in enumerate(rows.schema):
        if pa.types.is_timestamp(column.type):
            whole_us = rows[column.name].cast(pa.timestamp("us", column.type.tz), safe=False)
            rows = rows.set_column(at, column.name, whole_us)  # Python has no nanoseconds
        if pa.types.is_temporal(column.type):
            try:
                rows[column.name].to_pylist()
            except (OverflowError, ValueError) as error:  # years after 9999, zones that do not exist
                raise SettingsError(f"{path}: {column.name}: {error}") from error
    return rows, range(1, rows.num_rows + 1), []


def _fields(head: list[str], place: str) -> list[str]:
    """Return the field of each heading."""

    def problems() -> Iterator[str]:
        seen: dict[str, str] = {}
        for heading in head:
            name = _HEADINGS.get(heading.strip(), _HEADINGS.get(heading.strip().lower()))
            if not heading.strip():
                yield f"{place}: a column has no heading"
            elif name is None:
                yield f"{place}: unknown heading {heading}.{hint(heading, _HEADINGS)}"
            elif name in seen:
                yield f"{place}: {seen[name]} and {heading} say the same; keep one of them"
            else:
                seen[name] = heading
        if CLIP[0] not in seen:
            yield f"{place}: no column of clips; name it {' or '.join(CLIP)}"

    _refuse(problems())
    return [_HEADINGS.get(heading.strip()) or _HEADINGS[heading.strip().lower()] for heading in head]


def _problems(path: Path, rows: pa.Table, places: Sequence[int], by_path: dict[str, int]) -> Iterator[str]:
    """Yield what is wrong with the rows, and fill `by_path`."""
    folder = path.parent.resolve()
    cells_of = (cells for batch in rows.to_batches(max_chunksize=CHUNK) for cells in batch.to_pylist())
    for row, cells in enumerate(cells_of):
        source = Source(path, places[row], _unit(path))
        clip = cells[CLIP[0]]
        if _is_empty(clip) or not isinstance(clip, str):
            yield f"{source}: no clip" if _is_empty(clip) else f"{source}: clip must be a text, not {clip!r}"
            continue
        other = by_path.setdefault(os.path.normpath(folder / _slashed(clip)), row)
        if other != row:
            yield f"{source}: {clip} has a row already: {_unit(path)} {places[other]}"
        entries, wrong = _read(cells, source)
        yield from wrong
        if not wrong and (problem := contradiction(entries)):
            yield problem


def _read(cells: Mapping[str, Any], source: Source) -> tuple[list[Entry], list[str]]:
    """Return field, value and source of what a row states, and what is wrong with it."""
    zone = DEFAULT_ZONE
    entries: list[Entry] = []
    wrong: list[str] = []
    for name, cell in cells.items():
        if cell is None or name == CLIP[0] or _is_empty(cell):
            continue
        try:
            values = _stored(name, cell, zone) if isinstance(cell, str) else _stored.__wrapped__(name, cell, zone)
        except WrongValue as problem:
            wrong.append(f"{source}: {name} {problem}")
            continue
        if name == "timezone":
            (zone,) = values
        entries.extend((name, value, source) for value in values)
    return entries, wrong


@lru_cache(maxsize=10_000)  # most columns of a store repeat few values
def _stored(name: str, cell: Any, zone: str) -> tuple[str, ...]:
    return stored(BY_NAME[name], _value(BY_NAME[name], cell), zone)


def _is_empty(cell: Any) -> bool:
    return cell is None or cell == [] or (isinstance(cell, str) and not cell.strip())


def _value(field: Field, cell: Any) -> Any:
    """Return a cell as TOML would give it; what cannot be read so stays as it is."""
    if field.form in ("texts", "codes") and isinstance(cell, str):
        return [entry for part in re.split(r"[;；\n]", cell) if (entry := part.strip())] or cell
    if field.form == "flag":
        return cell if isinstance(cell, bool) else _FLAGS.get(str(cell).strip().lower(), cell)
    if field.form == "date" and isinstance(cell, datetime) and cell.time() == time():
        return date(cell.year, cell.month, cell.day)
    if field.form in ("date", "time") and isinstance(cell, str) and (at := _SPREADSHEET_DATE.fullmatch(cell.strip())):
        day = f"{at[1]}-{at[2]:0>2}-{at[3]:0>2}"  # as spreadsheets rewrite the dates of a CSV file
        return f"{day}T{at[4]:0>2}{at[5]}" if at[4] else day
    return cell


def _slashed(clip: str) -> str:
    return clip.strip().replace("\\", "/")


def _unit(path: Path) -> str:
    return "row" if path.suffix.lower() == ".parquet" else "line"


def _refuse(problems: Iterator[str]) -> None:
    """Raise the first problems as one error, if there are any."""
    if told := list(islice(problems, MOST_ERRORS + 1)):
        more = ["and more"] if len(told) > MOST_ERRORS else []
        raise SettingsError("\n".join([*told[:MOST_ERRORS], *more]))

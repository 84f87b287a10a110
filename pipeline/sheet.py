"""Rows of a CSV file as spreadsheets write it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from pipeline.errors import SettingsError

ENCODINGS = ("utf-8-sig", "gb18030")
"""UTF-8, with or without a byte order mark, or what spreadsheets write in China."""


def read_sheet(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows of a CSV file that are not blank, the heading first.

    Yields
    ------
    line : int
        First line of the row; a quoted cell may take several.
    cells : list of str
        Without the white space around them, and without empty ones at the end.

    Raises
    ------
    SettingsError
        If the file cannot be read or is no CSV; the text names file and line.
    """
    reader = csv.reader(io.StringIO(_text(path), newline=""), strict=True)
    line = 1
    try:
        for row in reader:
            cells = [cell.strip() for cell in row]
            while cells and not cells[-1]:
                cells.pop()
            if cells:
                yield line, cells
            line = reader.line_num + 1
    except csv.Error as error:
        raise SettingsError(f"{path}, line {line}: {error}") from error


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror or error}") from error
    for encoding in ENCODINGS:
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise SettingsError(f"{path}: neither UTF-8 nor GB 18030 text. Save it as CSV, UTF-8.")

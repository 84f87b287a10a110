"""Tables as CSV that spreadsheets open as they are."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TextIO

ENCODING = "utf-8-sig"
"""UTF-8 with the mark without which Excel in China takes it for GB 18030."""
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a text begins with that a spreadsheet would run as a formula."""


def cell(value: Any) -> Any:
    """Return a value as a cell; a text that would be run begins with an apostrophe: names of files may be hostile."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def text_of(cell: str) -> str:
    """Return the text of a cell that `cell` wrote."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(FORMULA) else cell


def write_sheet(rows: Iterable[Mapping[str, Any]], columns: Sequence[str], stream: TextIO) -> None:
    """Write rows as CSV, with a heading; the stream was opened with `newline=""`."""
    writer = csv.writer(stream)
    writer.writerow(columns)
    writer.writerows([cell(row[name]) for name in columns] for row in rows)

"""The registry of recorders: which device belongs to which unit and officer, from a CSV file that the user names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from pipeline.errors import SettingsError
from pipeline.sheet import read_sheet

HEADINGS: dict[str, tuple[str, ...]] = {
    "device_id": ("device_id", "device", "设备编号", "设备号", "执法记录仪编号"),
    "unit": ("unit", "单位", "所属单位", "部门"),
    "officer": ("officer", "使用人", "执法人员", "警号", "姓名"),
}
"""Column of the `registry` table → headings under which the file may give it; only the device is required."""


def read_registry(path: Path) -> pa.Table:
    """Read a registry: a CSV file whose first line names its columns.

    Parameters
    ----------
    path : Path
        Columns as in `HEADINGS`, in any order; other columns are left alone. A device that several officers carry has a
        line for each.

    Returns
    -------
    registry : pyarrow.Table
        Columns device_id, unit and officer, as table `registry` of `pipeline/features/schema.py`; empty cells are null.

    Raises
    ------
    SettingsError
        If the file cannot be read, names no column of devices, or a line has no device, more cells than the heading,
        or another unit than an earlier line gives the same device; the text names file and line.
    """
    rows = read_sheet(path)
    _, head = next(rows, (1, []))
    return _table(head, rows, path)


def _table(head: list[str], lines: Iterator[tuple[int, list[str]]], path: Path) -> pa.Table:
    places = {name: _place(head, headings, path) for name, headings in HEADINGS.items()}
    if places["device_id"] is None:
        raise SettingsError(f"{path}, line 1: no column of devices; name it {' or '.join(HEADINGS['device_id'])}")
    rows: dict[str, list[str | None]] = {name: [] for name in HEADINGS}
    units: dict[str, tuple[str | None, int]] = {}
    for line, cells in lines:
        if len(cells) > len(head):
            raise SettingsError(f"{path}, line {line}: {len(cells)} cells under {len(head)} headings")
        row = {name: (cells[at] or None) if at is not None and at < len(cells) else None for name, at in places.items()}
        device = row["device_id"]
        if device is None:
            raise SettingsError(f"{path}, line {line}: no device in column {head[places['device_id']]}")
        unit, earlier = units.setdefault(device, (row["unit"], line))
        if unit != row["unit"]:
            raise SettingsError(f"{path}, line {line}: {device} has another unit in line {earlier}")
        for name, value in row.items():
            rows[name].append(value)
    return pa.table({name: pa.array(values, pa.string()) for name, values in rows.items()})


def _place(head: list[str], headings: tuple[str, ...], path: Path) -> int | None:
    found = [at for at, cell in enumerate(head) if cell.casefold() in headings]
    if len(found) > 1:
        raise SettingsError(f"{path}, line 1: {head[found[0]]} and {head[found[1]]} say the same; keep one of them")
    return found[0] if found else None

"""The results of a batch as Parquet tables, for DuckDB and other programs that count."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.batch.documents import shown
from pipeline.batch.ledger import Ledger
from pipeline.batch.summary import Row, listing
from pipeline.errors import SettingsError
from pipeline.model import Message
from pipeline.report.grouping import KEYS, recorded
from pipeline.report.results import read_result
from pipeline.statistics import outcomes_of

TEXT, SECONDS, COUNT = pa.string(), pa.float64(), pa.int32()
TABLES = {
    "clips": pa.schema(
        [
            *((name, TEXT) for name in ("path", "sha256", "agency", "unit", "device", "case_number", "profile")),
            ("recorded_at", pa.timestamp("s")),  # local time, Asia/Shanghai
            ("month", TEXT),  # 2026-03
            ("claimed", pa.bool_()),  # the time is only what the file claims of itself
            ("counted", TEXT),  # pass, fail, undecided, not applicable or unreadable
            ("duration_s", SECONDS),  # 0: not measured
            ("violations", COUNT),
            ("suspects", COUNT),
            ("repeated", pa.bool_()),  # another clip before it has its content, case number and profile
        ]
    ),
    "rules": pa.schema([(name, TEXT) for name in ("path", "rule", "article", "outcome")] + [("violations", COUNT)]),
    "findings": pa.schema(
        [(name, TEXT) for name in ("path", "id", "kind", "level")] + [("start_s", SECONDS), ("stop_s", SECONDS)]
    ),
    "without": pa.schema([(name, TEXT) for name in ("path", "state", "reason")]),
}
"""File without its ending → columns. `docs/batch.md` says what they mean."""
ROWS = 2000
"""Clips of a row group: so many are held in memory."""
SPOILT = "the result in the ledger cannot be read: see `unbroken verify`"

Rows = dict[str, list[dict[str, Any]]]


def write_tables(ledger: Ledger, batch: int, folder: Path, progress: Callable[[int], None]) -> int:
    """Write what every clip of a batch came to; each file appears whole or not at all.

    Parameters
    ----------
    ledger : Ledger
    batch : int
        As of `summary.listing`.
    folder : Path
        Gets a file for each of `TABLES`; made if there is none, files of these names are replaced.
    progress : callable
        Told how many clips are written, now and then.

    Returns
    -------
    int
        How many clips have a result.

    Raises
    ------
    SettingsError
        If the folder cannot be written to.
    """
    known: set[str] = set()
    count = 0
    try:
        folder.mkdir(parents=True, exist_ok=True)
        parts = {name: folder / f".{name}.parquet.part" for name in TABLES}
        with ExitStack() as open_files:
            writers = {
                name: open_files.enter_context(pq.ParquetWriter(parts[name], schema, compression="zstd"))
                for name, schema in TABLES.items()
            }
            rows: Rows = {name: [] for name in TABLES}
            for number, row in enumerate(listing(ledger, batch), 1):
                _add(rows, ledger, row, known)
                if number % ROWS == 0:
                    count += _flush(writers, rows)
                    progress(count)
            count += _flush(writers, rows)
        for name, part in parts.items():
            part.replace(folder / f"{name}.parquet")
    except OSError as error:
        values = {"path": str(folder), "problem": error.strerror or str(error)}
        raise SettingsError(Message("{path}: cannot be written ({problem}).", values)) from error
    progress(count)
    return count


def _add(rows: Rows, ledger: Ledger, row: Row, known: set[str]) -> None:
    path = shown(row.path)
    if row.state != "done" or row.key is None:
        rows["without"].append(
            {"path": path, "state": row.state, "reason": None if row.reason is None else str(row.reason)}
        )
        return
    try:
        document = ledger.result(row.key) or ""
        result, told = read_result(document, path), json.loads(document)
    except (SettingsError, ValueError):
        rows["without"].append({"path": path, "state": "spoilt", "reason": SPOILT})
        return
    at, claimed = recorded(result)
    stated = {key: next(iter(KEYS[key](result)), None) for key in ("agency", "unit", "device", "month")}
    key = f"{result.key} {result.profile}"
    rows["clips"].append(
        {"path": path, "sha256": result.clip.sha256, "case_number": result.case_number, "profile": result.profile}
        | stated
        | {"recorded_at": at, "claimed": claimed, "counted": result.counted, "duration_s": result.clip.duration_s}
        | {"violations": len(result.violations), "suspects": sum(one.level == "suspect" for one in result.findings)}
        | {"repeated": key in known}
    )
    known.add(key)
    judged = [(rule.id, rule.article, rule.outcome, rule.violations) for rule in outcomes_of(result).rules]
    rows["rules"] += [{"path": path, **dict(zip(TABLES["rules"].names[1:], rule, strict=True))} for rule in judged]
    rows["findings"] += [
        {"path": path, **{name: finding[name] for name in ("id", "kind", "level")}, **finding["span"]}
        for finding in told["findings"]
    ]


def _flush(writers: dict[str, pq.ParquetWriter], rows: Rows) -> int:
    """Write rows, and forget them; return how many clips they are."""
    count = len(rows["clips"])
    for name, writer in writers.items():
        if rows[name]:
            writer.write_table(pa.Table.from_pylist(rows[name], TABLES[name]))
            rows[name].clear()
    return count

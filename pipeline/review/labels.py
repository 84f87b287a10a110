"""What people decided about findings, as labels for those who tune detectors.

A label says whether a finding was true. It comes from a decision that stands: of several about one finding the last;
one that was opened again gives none. One that still waits for its second person is marked as not yet counting.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.batch.ledger import Ledger
from pipeline.errors import SettingsError
from pipeline.model import Message
from pipeline.report.decisions import Choice
from pipeline.report.spreadsheet import ENCODING, write_sheet
from pipeline.review.decisions import ABOUT, Made, State, all_made

LABELS = {Choice.ACCEPTED: "true", Choice.DISMISSED: "false", Choice.UNSURE: "unsure"}
SCHEMA = pa.schema(
    [
        ("sha256", pa.string()),  # of the clip's content
        ("path", pa.string()),  # as the result names it
        ("kind", pa.string()),
        ("start_s", pa.float64()),  # of the finding, in the clip's presentation time
        ("stop_s", pa.float64()),
        ("label", pa.string()),  # true, false or unsure
        ("counts", pa.bool_()),  # false: a second person has yet to confirm it
        ("level", pa.string()),  # violation, suspect or note, as the detector said
        ("detector", pa.string()),
        ("version", pa.int64()),  # of the detector
        ("profile", pa.string()),  # name of the regulation
        ("result", pa.string()),  # key of the result in the ledger
        ("finding", pa.string()),  # id of the finding in that result
        ("reason", pa.string()),
        ("decided_by", pa.string()),
        ("decided_at", pa.string()),  # ISO 8601, UTC
        ("confirmed_by", pa.string()),  # null: nobody
        ("confirmed_at", pa.string()),
        ("event", pa.int64()),  # number of the decision in the audit log
    ]
)
"""Columns of the table; docs/labels.md."""


def labels(ledger: Ledger, results: Collection[str] | None = None) -> list[dict[str, Any]]:
    """Return a row of `SCHEMA` for each decision that stands, in the order in which they were made.

    Parameters
    ----------
    ledger : Ledger
    results : collection of str, optional
        Only decisions about these results, named by their keys.
    """
    made = ledger.database.read(all_made)
    last = {(one.subject, one.finding["finding"]): one for one in made}
    standing = (one for one in last.values() if one.state is not State.OPEN)
    chosen = (one for one in standing if results is None or one.subject in results)
    return [_row(one) for one in sorted(chosen, key=lambda one: one.seq)]


def write_labels(rows: Sequence[dict[str, Any]], path: Path) -> None:
    """Write labels as Parquet or CSV, by the name's ending.

    Raises
    ------
    SettingsError
        If the name ends otherwise, or the file cannot be written.
    """
    if path.suffix not in {".parquet", ".csv"}:
        raise SettingsError(Message("{path}: name it .parquet or .csv.", {"path": str(path)}))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".csv":
            with path.open("w", encoding=ENCODING, newline="") as stream:
                write_sheet(rows, SCHEMA.names, stream)
        else:
            pq.write_table(pa.Table.from_pylist(list(rows), SCHEMA), path)
    except OSError as error:
        problem = {"path": str(path), "problem": error.strerror or str(error)}
        raise SettingsError(Message("{path}: cannot be written ({problem}).", problem)) from error


def _row(made: Made) -> dict[str, Any]:
    told = made.decision
    return {
        **made.clip,
        **{name: made.finding[name] for name in ABOUT},
        "label": LABELS[told.decision],
        "counts": made.state is State.DECIDED,
        "result": made.subject,
        "reason": told.reason,
        "decided_by": told.by,
        "decided_at": told.at.isoformat(timespec="seconds"),
        "confirmed_by": told.confirmed_by,
        "confirmed_at": None if told.confirmed_at is None else told.confirmed_at.isoformat(timespec="seconds"),
        "event": made.seq,
    }

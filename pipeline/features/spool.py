"""Tables that grow on disk while they are measured, and stay readable if the measuring process dies."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any

import pyarrow as pa

from pipeline.features.schema import TABLES, arrow_schema

_UNKNOWN = {"f8": float("nan")}


class Spool:
    """A table written as an Arrow stream, one record batch for every `batch_rows` rows.

    Parameters
    ----------
    folder : Path
        Where `<name>.arrows` is made.
    name : str
        Name of the table in the schema.
    """

    def __init__(self, folder: Path, name: str, *, batch_rows: int = 1024) -> None:
        self._names = [(spec.name, _UNKNOWN.get(spec.type)) for spec in TABLES[name]]
        self._schema = arrow_schema(name)
        self._batch_rows = batch_rows
        self._held: list[dict[str, Any]] = []
        self._file = pa.OSFile(str(spool_path(folder, name)), "wb")
        self._writer = pa.ipc.new_stream(self._file, self._schema)
        self.rows = 0

    def append(self, row: dict[str, Any]) -> None:
        """Add a row, which is the spool's from now on; keys that it lacks become unknown."""
        self._held.append(row)
        self.rows += 1
        if len(self._held) >= self._batch_rows:
            self.flush()

    def flush(self) -> None:
        """Write the rows that are still held."""
        if self._held:
            columns = ([row.get(name, unknown) for row in self._held] for name, unknown in self._names)
            arrays = [pa.array(values, part.type) for values, part in zip(columns, self._schema, strict=True)]
            self._writer.write_batch(pa.record_batch(arrays, schema=self._schema))
            self._held = []

    def __enter__(self) -> Spool:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        self.flush()
        self._writer.close()
        self._file.close()


def spool_path(folder: Path, name: str) -> Path:
    """Return where the spool of a table lies."""
    return folder / f"{name}.arrows"


def write_spool(folder: Path, name: str, rows: list[dict[str, Any]]) -> None:
    """Write a small table at once, in the place of an earlier one."""
    with Spool(folder, name) as spool:
        for row in rows:
            spool.append(row)


def read_spool(folder: Path, name: str) -> pa.Table | None:
    """Return the rows that reached the disk; None if the table was never begun."""
    path = spool_path(folder, name)
    if not path.is_file() or not path.stat().st_size:
        return None
    batches = []
    with pa.OSFile(str(path), "rb") as file:
        try:
            reader = pa.ipc.open_stream(file)
            while True:
                batches.append(reader.read_next_batch())
        except StopIteration:
            pass
        except (pa.ArrowInvalid, OSError):
            pass  # the writer died within a batch: all before it is whole
    return pa.Table.from_batches(batches, schema=arrow_schema(name)).combine_chunks()

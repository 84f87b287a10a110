"""Measuring a clip in a test, with what must hold of every result checked."""

import json
import os
from pathlib import Path

import pyarrow as pa

from pipeline.features.extract import Measured, measure
from pipeline.features.schema import TABLES, arrow_schema, to_table
from pipeline.language import language
from pipeline.model import Message, Table


def measured(clip: Path, work: Path, **how) -> Measured:
    """Measure `clip` in a new folder under `work`; check the tables against the schema and the evidence for change."""
    folder = work / f"measured-{len(list(work.iterdir()))}"
    folder.mkdir()
    before = (clip.read_bytes(), clip.stat().st_mtime_ns)
    steps: list[tuple[str, float]] = []
    found = measure(clip, folder, lambda stage, done: steps.append((stage, done)), **how)
    assert (clip.read_bytes(), clip.stat().st_mtime_ns) == before
    assert all(0 <= done <= 1 for _, done in steps)
    assert found.tables.keys() <= TABLES.keys()
    for name, arrow in found.tables.items():
        valid(name, arrow)
    assert all(picture.path.stat().st_size for picture in found.pictures)
    return found


def valid(name: str, arrow: pa.Table) -> None:
    """Check an Arrow table against the schema."""
    assert arrow.schema.equals(arrow_schema(name)), name
    for field in arrow.schema:
        assert field.nullable or not arrow[field.name].null_count, f"{name}.{field.name}"


def table(found: Measured, name: str) -> Table:
    return to_table(name, found.tables[name])


def gaps(found: Measured) -> list[str]:
    """Return the gaps as English sentences, and check that they can be told in Chinese."""
    messages = [Message(row["message"], json.loads(row["values"])) for row in found.tables["gaps"].to_pylist()]
    for message in messages:
        assert language("zh-CN").tell(message) != str(message), f"no translation: {message.template}"
    return [str(message) for message in messages]


def counts(found: Measured) -> dict[str, float]:
    return {row["measure"]: row["value"] for row in found.tables["examined"].to_pylist()}


def child_of_this_process(clip: Path) -> int | None:
    """Return the process id of the child that measures `clip`."""
    for task in Path("/proc/self/task").iterdir():
        for child in (task / "children").read_text().split():
            command = Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")
            if b"pipeline.features.child" in command and os.fsencode(clip) in command:
                return int(child)
    return None

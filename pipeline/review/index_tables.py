"""The tables of the review page's index, a SQLite file of its own that can be made again from the ledger."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Double,
    Engine,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    create_engine,
    event,
)

VERSION = 5
"""Of the tables below; an index of another version is made again."""
TALLIES = ("violations", "suspects", "decided", "waiting")
"""Numbers of a clip by which lists are narrowed."""
metadata = MetaData()
outcomes = Table(
    # What clips come to, as statistics count it; clips that come to the same share a row.
    "outcomes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("told", Text, nullable=False, unique=True),  # JSON
)
clips = Table(
    "clips",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("key", Text, nullable=False, unique=True),  # of the result
    Column("seq", Integer, nullable=False),  # of the result in the chain
    Column("scope", Text, nullable=False),  # as in the ledger's jobs, as the next three
    Column("batch", Integer, nullable=False),
    Column("job", Integer, nullable=False),
    Column("path", LargeBinary, nullable=False),
    Column("shown", Text, nullable=False),
    Column("newest", Boolean, nullable=False),  # of the results of this path and scope
    Column("counted", Text, nullable=False),
    Column("sha256", Text),
    Column("device", Text),
    Column("agency", Text),
    Column("unit", Text),
    Column("case_number", Text),
    Column("classes", Text, nullable=False),
    Column("started_at", Double),
    Column("duration_s", Double, nullable=False),
    Column("violations", Integer, nullable=False),
    Column("suspects", Integer, nullable=False),
    Column("content", Text, nullable=False),  # as statistics and spot checks see a clip, as the next four
    Column("recorder", Text),
    Column("month", Text),
    Column("claimed", Boolean, nullable=False),  # the month is only what the file claims
    Column("outcomes", ForeignKey("outcomes.id"), nullable=False),
    Column("decided", Integer, nullable=False),  # violations and suspects about which people have decided
    Column("waiting", Integer, nullable=False),  # decisions that wait for a second person
    Index("by_path", "scope", "newest", "shown", "batch", "classes", "counted", "case_number"),
    Index("by_verdict", "scope", "newest", "counted", "batch", "unit", "classes", *TALLIES),
    Index("by_start", "scope", "newest", "started_at"),
    Index("by_unit", "scope", "newest", "unit", "batch", "classes", "counted"),
    Index("by_device", "scope", "newest", "device", "batch", "classes", "counted"),
    Index("by_violations", "scope", "newest", "violations", "shown"),
    Index("by_suspects", "scope", "newest", "suspects", "shown"),
    Index("by_content", "scope", "newest", "content"),
)
marks = Table(
    "marks",
    metadata,
    Column("clip", ForeignKey("clips.id"), primary_key=True),
    Column("about", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
    Index("by_name", "about", "name", "value", "clip"),
    sqlite_with_rowid=False,
)
taken = Table(
    # One row: the last event whose decisions are counted in `clips`.
    "taken",
    metadata,
    Column("event", Integer, primary_key=True),
)


def opened(path: Path) -> Engine:
    """Open the index, or make it; one of another version is made again."""
    path.parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(f"sqlite:///{path}")

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _: object) -> None:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")

    with engine.begin() as connection:
        if connection.exec_driver_sql("PRAGMA user_version").scalar() != VERSION:
            metadata.drop_all(connection)
            metadata.create_all(connection)
            connection.exec_driver_sql(f"PRAGMA user_version = {VERSION}")
    return engine

"""The database of the ledger: how it is opened, brought to the present schema, and waited for while it is locked."""

from __future__ import annotations

import random
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, make_url
from sqlalchemy import text as sql
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError

from pipeline.errors import SettingsError
from pipeline.model import Message

SCHEMA = "0002"
"""Version of the schema that this program writes; the last file in `pipeline/batch/migrations/versions`."""
OLDER: tuple[str, ...] = ("0001",)
"""Versions that it can migrate."""
BUSY_S = 60.0
"""How long SQLite itself waits for a lock, in seconds; after that the operation is tried again."""
LOCK = 0x756E62726F6B656E  # "unbroken"
"""The advisory lock under which PostgreSQL's chain of results and its schema are written."""
EVENTS_LOCK = LOCK + 1
"""The one under which its chain of events is written; who needs both takes this one first."""
AGAIN = {"40001", "40P01", "55P03", "57P01", "57P02", "57P03"}
"""PostgreSQL's codes of conflicts, deadlocks, locks and restarts, after which a transaction is worth another try."""

T = TypeVar("T")


class Database:
    """The database of one ledger.

    Parameters
    ----------
    place : str
        A file name or `sqlite:///FILE`, or `postgresql://…`.
    patience_s : float
        For how many seconds an operation is tried again while the database is locked or away.
    busy_s : float
        How long SQLite waits for a lock within one try, in seconds.

    Raises
    ------
    SettingsError
        If it cannot be opened, or was written by a newer program.
    """

    def __init__(self, place: str, *, patience_s: float = 600.0, busy_s: float = BUSY_S) -> None:
        self.url = _url(place)
        self.patience_s = patience_s
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self._joined = threading.local()
        try:
            if self.is_sqlite:
                Path(str(self.url.database)).parent.mkdir(parents=True, exist_ok=True)
            self.engine = self._engine(busy_s)
            if not self.is_sqlite:
                self.engine.connect().close()  # a wrong address is told at once, not after `patience_s`
            self.write(self._migrate)
        except (DBAPIError, OSError) as error:
            problem = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
            raise SettingsError(
                Message("The ledger {ledger} cannot be opened: {problem}", {"ledger": self.name, "problem": problem})
            ) from error

    @property
    def name(self) -> str:
        """The address without its password."""
        return str(self.url.database) if self.is_sqlite else self.url.render_as_string(hide_password=True)

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()

    def write(self, work: Callable[[Connection], T]) -> T:
        """Do `work` in one transaction that may write; again from its start while the database is locked or away.

        Raises
        ------
        sqlalchemy.exc.OperationalError
            If it still is after `patience_s`.
        """
        return self._patiently(self.engine, work)

    def together(self, work: Callable[[], T]) -> T:
        """Do `work` so that all it reads and writes here, in this thread, is one transaction that may write.

        It is done again from its start while the database is locked or away, so it must change nothing else.
        """

        def joined(connection: Connection) -> T:
            self._joined.connection, self._joined.now = connection, None
            try:
                return work()
            finally:
                del self._joined.connection, self._joined.now

        return self._patiently(self.engine, joined)

    @property
    def is_joined(self) -> bool:
        """Whether this thread is in what is done `together`."""
        return getattr(self._joined, "connection", None) is not None

    def read(self, work: Callable[[Connection], T]) -> T:
        """Do `work` in one transaction that only reads and sees one state of the database, as `write` does."""
        options: dict[str, Any] = {"reads": True}
        if not self.is_sqlite:
            options |= {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        return self._patiently(self.engine.execution_options(**options), work)

    def now(self, connection: Connection) -> float:
        """Return the time in seconds since 1970 by the one clock that all workers of this database share.

        It is asked for once in what is done `together`.
        """
        if self.is_sqlite:
            return clock(connection)
        if (known := getattr(self._joined, "now", None)) is not None:
            return float(known)
        now = clock(connection)
        if getattr(self._joined, "connection", None) is not None:
            self._joined.now = now
        return now

    def lock_chain(self, connection: Connection) -> None:
        """Wait until no other transaction adds results; SQLite has one writer anyway."""
        lock(connection, LOCK)

    def _patiently(self, engine: Engine, work: Callable[[Connection], T]) -> T:
        if (joined := getattr(self._joined, "connection", None)) is not None:
            return work(joined)
        start, pause_s = time.monotonic(), 0.05
        while True:
            try:
                with engine.begin() as connection:
                    return work(connection)
            except DBAPIError as error:
                if not _passes(error) or time.monotonic() - start > self.patience_s:
                    raise
            time.sleep(pause_s * random.uniform(0.5, 1.0))
            pause_s = min(2 * pause_s, 5.0)

    def _engine(self, busy_s: float) -> Engine:
        if not self.is_sqlite:
            return create_engine(self.url, pool_pre_ping=True)
        engine = create_engine(self.url, connect_args={"timeout": busy_s})

        @event.listens_for(engine, "connect")
        def prepare(connection: Any, _: object) -> None:
            connection.isolation_level = None  # transactions begin below, not when the driver thinks fit
            mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
            if mode != "wal":
                raise SettingsError(
                    Message("{ledger}: SQLite needs a local disk here. Move the ledger.", {"ledger": self.name})
                )
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")

        @event.listens_for(engine, "begin")
        def begin(connection: Connection) -> None:
            reads = connection.get_execution_options().get("reads")
            connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")

        return engine

    def _migrate(self, connection: Connection) -> None:
        self.lock_chain(connection)
        found = _schema(connection)
        if found == SCHEMA:
            return
        if found is not None and found not in OLDER:
            raise SettingsError(
                Message(
                    "The ledger {ledger} was written by a newer version of this program (schema {found}, known: "
                    "{known}). Update the program; the ledger was not touched.",
                    {"ledger": self.name, "found": found, "known": SCHEMA},
                )
            )
        from alembic import command  # slow to import, and needed once in a ledger's life
        from alembic.config import Config

        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
        config.set_main_option("path_separator", "os")
        config.attributes["connection"] = connection
        command.upgrade(config, SCHEMA)


def clock(connection: Connection) -> float:
    """Return the time in seconds since 1970 by the clock that all programs of a database share."""
    if connection.dialect.name == "sqlite":
        return time.time()  # its users are processes of one computer
    return float(connection.scalar(sql("SELECT extract(epoch FROM clock_timestamp())")) or 0.0)


def lock(connection: Connection, number: int) -> None:
    """Wait until no other transaction holds this lock; it is held to the end. SQLite has one writer anyway."""
    if connection.dialect.name != "sqlite":
        connection.execute(sql("SELECT pg_advisory_xact_lock(:lock)"), {"lock": number})


def _schema(connection: Connection) -> str | None:
    """Return the version of the schema that is there; None in an empty database."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.scalar(sql("SELECT version_num FROM alembic_version"))
    return found


def _url(place: str) -> URL:
    try:
        url = make_url(place) if "://" in place else URL.create("sqlite", database=place)
    except ArgumentError as error:
        raise SettingsError(
            Message("{ledger}: not an address of a ledger. Give a file, or postgresql://…", {"ledger": place})
        ) from error
    if url.get_backend_name() == "postgresql":
        return url.set(drivername="postgresql+psycopg")
    if url.get_backend_name() == "sqlite" and url.database not in {None, "", ":memory:"}:
        return url
    raise SettingsError(
        Message("{ledger}: not an address of a ledger. Give a file, or postgresql://…", {"ledger": place})
    )


def _passes(error: DBAPIError) -> bool:
    """Tell whether an error of the database is one that passes by itself."""
    if error.connection_invalidated:
        return True
    if isinstance(error.orig, sqlite3.Error):
        return error.orig.sqlite_errorcode & 0xFF in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
    code = getattr(error.orig, "sqlstate", None)
    return code in AGAIN or (code is None and isinstance(error, OperationalError))  # None: no server answers

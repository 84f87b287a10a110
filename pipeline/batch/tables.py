"""Tables of the batch's ledger, alike in SQLite and PostgreSQL; `pipeline/batch/migrations` makes them.

Times are seconds since 1970 (UTC), unless a comment says otherwise. SHA-256 sums are 64 small hexadecimal digits.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    column,
)

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)
REFUSED = column("refused").is_not(None)
ID = BigInteger().with_variant(Integer, "sqlite")  # SQLite numbers rows by itself only in a column INTEGER

batches = Table(
    # One row per run over a store.
    "batches",
    metadata,
    Column("id", ID, primary_key=True),
    Column("store", Text, nullable=False),  # folder, as text
    Column("profile", Text, nullable=False),  # name of the regulation
    Column("regulation", Text),  # JSON of that profile, rules and all; null: a batch of a release that kept none
    Column("settings", Text, nullable=False),  # JSON of every parameter that differs from its default
    Column("tool_version", Text, nullable=False),
    Column("scope", Text, nullable=False),  # batches of one scope ask for the same results of one store
    Column("host", Text, nullable=False),  # name of the computer that started it
    Column("owner", Text, nullable=False),  # the process that runs it, see `pipeline.batch.owner`
    Column("started_at", Double, nullable=False),
    Column("ended_at", Double),  # null: it runs, or was killed
)

files = Table(
    # One row per path that was ever seen in a store. The evidence itself is the content: see jobs.sha256.
    "files",
    metadata,
    Column("id", ID, primary_key=True),
    Column("store", Text, nullable=False),
    Column("path", LargeBinary, nullable=False),  # in the store, byte for byte as the file system has it
    Column("shown", Text, nullable=False),  # the same as text; bytes that are not UTF-8 as backslash escapes
    Column("bytes", BigInteger, nullable=False),
    Column("mtime_ns", BigInteger, nullable=False),  # time of the last change, nanoseconds since 1970
    Column("inode", Text, nullable=False),  # or what else names a version of it, "" where the store has none
    Column("sha256", Text),  # of the content; null until it is hashed, and again when the file has changed
    Column("refused", Text),  # why it cannot be examined: JSON {"template": …, "values": …}; null if it can be tried
    Column("seen_batch", ID, ForeignKey("batches.id"), nullable=False),  # the last batch that saw it
    UniqueConstraint("store", "path"),
    Index(None, "sha256"),
    Index(None, "store", "seen_batch"),
    Index("ix_files_refused", "store", "seen_batch", sqlite_where=REFUSED, postgresql_where=REFUSED),
)

jobs = Table(
    # One row per thing to do: to measure one file, or to judge one content under one regulation, version and context.
    "jobs",
    metadata,
    Column("id", ID, primary_key=True),
    Column("key", Text, nullable=False, unique=True),  # SHA-256 of the next four, see `Key.digest`
    Column("sha256", Text, nullable=False),  # of the clip's content; to measure: of the file's path, size and times
    Column("profile_sha256", Text, nullable=False),  # of the regulation with every setting
    Column("tool_version", Text, nullable=False),
    Column("context_sha256", Text, nullable=False),  # of path, case record and the clips around it; "" if none
    Column("path", LargeBinary, nullable=False),  # as in files
    Column("step", Text, nullable=False),  # measure or judge
    Column("scope", Text, nullable=False),  # of the last batch that asked for it
    Column("batch_id", ID, ForeignKey("batches.id"), nullable=False),  # the last batch that asked for it
    Column("state", Text, nullable=False),  # waiting, running, done or quarantined
    Column("due_at", Double),  # from when on a worker may take it: end of the back-off (0: now) or of the lease
    Column("worker", Text),  # who has, or last had, the lease
    Column("attempts", Integer, nullable=False),  # leases given so far; those of a batch that was ended do not count
    Column("starts", Integer, nullable=False),  # leases given so far, all of them
    Column("reason", Text),  # of the last failure: JSON {"template": …, "values": …}
    Column("updated_at", Double, nullable=False),  # of the clock that due_at was counted from
    Column("verdict", Text),  # copied from the result, for the summary
    Column("clip", Text),  # measured: what a chain of clips needs to know of it, JSON (`pipeline.batch.cards`)
    Column("footage_s", Double),  # length of the clip in seconds, for the summary
    Index(None, "scope", "step", "due_at", "id"),  # the next job; due_at is null once it is done or quarantined
    Index("ix_jobs_summary", "scope", "step", "state", "verdict", "batch_id", "footage_s"),
    Index(None, "sha256"),
    Index(None, "path"),
)

results = Table(
    # Exactly one row per job that is done, only ever added: each row's hash covers that of the row before.
    "results",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),  # 1, 2, 3 … without holes
    Column("key", Text, ForeignKey("jobs.key"), nullable=False, unique=True),
    Column("verdict", Text, nullable=False),
    Column("document", LargeBinary, nullable=False),  # the public JSON (docs/contract.md) as UTF-8, or that in zlib
    Column("encoding", Text, nullable=False),  # "json" or "zlib"
    Column("committed_at", Text, nullable=False),  # ISO 8601, UTC
    Column("previous_sha256", Text, nullable=False, unique=True),  # sha256 of row seq - 1; row 1: zeros
    Column("sha256", Text, nullable=False, unique=True),  # see `chain.row_sha256`
)

heads = Table(
    # The end of the chain of results at some moment, signed.
    "heads",
    metadata,
    Column("id", ID, primary_key=True),
    Column("seq", BigInteger, nullable=False),  # last row of results
    Column("sha256", Text, nullable=False),  # that row's sha256
    Column("signed_at", Text, nullable=False),  # ISO 8601, UTC
    Column("key_id", Text, nullable=False),  # SHA-256 of the raw public key
    Column("signature", Text, nullable=False),  # Ed25519, hexadecimal; see `chain.signed_bytes`
    Index(None, "seq"),
)

"""The first schema. What the columns mean stands in `pipeline/batch/tables.py`."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make every table."""
    op.create_table(
        "batches",
        sa.Column("id", ID, nullable=False),
        sa.Column("store", sa.Text, nullable=False),
        sa.Column("profile", sa.Text, nullable=False),
        sa.Column("settings", sa.Text, nullable=False),
        sa.Column("tool_version", sa.Text, nullable=False),
        sa.Column("scope", sa.Text, nullable=False),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("started_at", sa.Double, nullable=False),
        sa.Column("ended_at", sa.Double),
        sa.PrimaryKeyConstraint("id", name="pk_batches"),
    )
    op.create_table(
        "files",
        sa.Column("id", ID, nullable=False),
        sa.Column("store", sa.Text, nullable=False),
        sa.Column("path", sa.LargeBinary, nullable=False),
        sa.Column("shown", sa.Text, nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("mtime_ns", sa.BigInteger, nullable=False),
        sa.Column("inode", sa.Text, nullable=False),
        sa.Column("sha256", sa.Text),
        sa.Column("refused", sa.Text),
        sa.Column("seen_batch", ID, sa.ForeignKey("batches.id", name="fk_files_seen_batch"), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_files"),
        sa.UniqueConstraint("store", "path", name="uq_files_store_path"),
    )
    op.create_index("ix_files_sha256", "files", ["sha256"])
    op.create_index("ix_files_store_seen_batch", "files", ["store", "seen_batch"])
    refused = sa.column("refused").is_not(None)
    op.create_index(
        "ix_files_refused", "files", ["store", "seen_batch"], sqlite_where=refused, postgresql_where=refused
    )
    op.create_table(
        "jobs",
        sa.Column("id", ID, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("sha256", sa.Text, nullable=False),
        sa.Column("profile_sha256", sa.Text, nullable=False),
        sa.Column("tool_version", sa.Text, nullable=False),
        sa.Column("context_sha256", sa.Text, nullable=False),
        sa.Column("path", sa.LargeBinary, nullable=False),
        sa.Column("step", sa.Text, nullable=False),
        sa.Column("scope", sa.Text, nullable=False),
        sa.Column("batch_id", ID, sa.ForeignKey("batches.id", name="fk_jobs_batch_id"), nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("due_at", sa.Double),
        sa.Column("worker", sa.Text),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("starts", sa.Integer, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("updated_at", sa.Double, nullable=False),
        sa.Column("verdict", sa.Text),
        sa.Column("clip", sa.Text),
        sa.Column("footage_s", sa.Double),
        sa.PrimaryKeyConstraint("id", name="pk_jobs"),
        sa.UniqueConstraint("key", name="uq_jobs_key"),
    )
    op.create_index("ix_jobs_scope_step_due_at_id", "jobs", ["scope", "step", "due_at", "id"])
    op.create_index("ix_jobs_summary", "jobs", ["scope", "step", "state", "verdict", "batch_id", "footage_s"])
    op.create_index("ix_jobs_sha256", "jobs", ["sha256"])
    op.create_index("ix_jobs_path", "jobs", ["path"])
    op.create_table(
        "results",
        sa.Column("seq", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("key", sa.Text, sa.ForeignKey("jobs.key", name="fk_results_key"), nullable=False),
        sa.Column("verdict", sa.Text, nullable=False),
        sa.Column("document", sa.LargeBinary, nullable=False),
        sa.Column("encoding", sa.Text, nullable=False),
        sa.Column("committed_at", sa.Text, nullable=False),
        sa.Column("previous_sha256", sa.Text, nullable=False),
        sa.Column("sha256", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_results"),
        sa.UniqueConstraint("key", name="uq_results_key"),
        sa.UniqueConstraint("previous_sha256", name="uq_results_previous_sha256"),
        sa.UniqueConstraint("sha256", name="uq_results_sha256"),
    )
    op.create_table(
        "heads",
        sa.Column("id", ID, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("sha256", sa.Text, nullable=False),
        sa.Column("signed_at", sa.Text, nullable=False),
        sa.Column("key_id", sa.Text, nullable=False),
        sa.Column("signature", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_heads"),
    )
    op.create_index("ix_heads_seq", "heads", ["seq"])

"""Tables of the review page, in the database of the batch's ledger; `pipeline/batch/migrations` makes them.

Times are seconds since 1970 (UTC), unless a comment says otherwise. SHA-256 sums are 64 small hexadecimal digits.
"""

from sqlalchemy import BigInteger, Boolean, Column, Double, ForeignKey, Index, Integer, Table, Text

from pipeline.batch.tables import ID, metadata

accounts = Table(
    # One row per person who may log in; never deleted, so that a name in the audit log stays one person's.
    "accounts",
    metadata,
    Column("id", ID, primary_key=True),
    Column("name", Text, nullable=False, unique=True),  # as it is shown
    Column("folded", Text, nullable=False, unique=True),  # the name without regard to case
    Column("password_hash", Text, nullable=False),  # argon2id with its parameters, in PHC's form
    Column("roles", Text, nullable=False),  # JSON list, see `pipeline.review.rights`
    Column("all_units", Boolean, nullable=False),  # sees clips of every unit, and clips whose unit nobody stated
    Column("units", Text, nullable=False),  # JSON list: sees clips of these units
    Column("classes", Text, nullable=False),  # JSON list: sees clips of these access classes
    Column("created_at", Double, nullable=False),
    Column("disabled_at", Double),  # null: it may log in
)

logins = Table(
    # One row per session of a browser.
    "logins",
    metadata,
    Column("id", ID, primary_key=True),
    Column("account_id", ID, ForeignKey("accounts.id"), nullable=False),
    Column("token_sha256", Text, nullable=False, unique=True),  # the token itself is nowhere but in the browser
    Column("address", Text, nullable=False),  # from where
    Column("started_at", Double, nullable=False),
    Column("seen_at", Double, nullable=False),  # when it was last used, to the minute
    Column("ends_at", Double, nullable=False),  # the latest end
    Column("ended_at", Double),  # when it was ended: logged out, or the account was changed
    Index(None, "account_id", "ended_at"),
)

login_attempts = Table(
    # Failed log-ins in a row, of one account, one unknown name or one address.
    "login_attempts",
    metadata,
    Column("bucket", Text, primary_key=True),  # see `pipeline.review.limits`
    Column("failures", Integer, nullable=False),
    Column("last_at", Double, nullable=False),
    Index(None, "last_at"),
)

events = Table(
    # The audit log, only ever added: each row's hash covers that of the row before.
    "events",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),  # 1, 2, 3 … without holes
    Column("at", Text, nullable=False),  # ISO 8601, UTC, microseconds; by the database's clock
    Column("actor", Text, nullable=False),  # name of the account; "system:USER" on the command line; "" is nobody
    Column("action", Text, nullable=False),  # what was done: words-with-hyphens
    Column("subject", Text, nullable=False),  # to what: a result's key, an account's name …; "" if to nothing
    Column("details", Text, nullable=False),  # JSON object
    Column("previous_sha256", Text, nullable=False, unique=True),  # sha256 of row seq - 1; row 1: zeros
    Column("sha256", Text, nullable=False, unique=True),  # see `audit.event_sha256`
    Index(None, "at", "seq"),
    Index(None, "actor", "at", "seq"),
    Index(None, "action", "at", "seq"),
    Index(None, "subject", "at", "seq"),
)

event_heads = Table(
    # The end of the chain of events at some moment, signed.
    "event_heads",
    metadata,
    Column("id", ID, primary_key=True),
    Column("seq", BigInteger, nullable=False),  # last row of events
    Column("sha256", Text, nullable=False),  # that row's sha256
    Column("signed_at", Text, nullable=False),  # ISO 8601, UTC
    Column("key_id", Text, nullable=False),  # SHA-256 of the raw public key
    Column("signature", Text, nullable=False),  # Ed25519, hexadecimal; see `chain.signed_bytes`
    Index(None, "seq"),
)

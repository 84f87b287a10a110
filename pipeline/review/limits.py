"""How often a log-in may fail: after failures in a row an account, and an address, has to wait, longer each time."""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Iterable

from sqlalchemy import Connection, delete, insert, select, update

from pipeline.review.tables import login_attempts as attempts

FREE = {"account": 5, "name": 5, "address": 20}
"""Kind of bucket → failures in a row after which one has to wait."""
FIRST_WAIT_S = 30.0
"""The first wait; it doubles with each further failure."""
LONGEST_WAIT_S = 900.0
FORGET_S = 86400.0
"""After so long without an attempt the failures are forgotten."""
SKEW_S = 1.0


def of_account(account: int) -> str:
    """Return the bucket of an account, by its number."""
    return f"account:{account}"


def of_name(folded: str) -> str:
    """Return the bucket of a name that no account has.

    It is a short hash that many names share: people type their password where the name should stand.
    """
    return f"name:{hashlib.sha256(folded.encode()).hexdigest()[:6]}"


def of_address(address: str) -> str:
    """Return the bucket of an address; one of IPv6 stands for its /64, which one customer has for himself."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return f"address:{hashlib.sha256(address.encode('utf-8', 'backslashreplace')).hexdigest()[:16]}"
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped:
            return f"address:{found.ipv4_mapped}"
        return f"address:{ipaddress.ip_network((found, 64), strict=False)}"
    return f"address:{found}"


def wait_s(bucket: str, failures: int, elapsed_s: float) -> float:
    """Return how long to wait before the next attempt, in seconds; 0 if not at all.

    Parameters
    ----------
    bucket : str
    failures : int
        In a row.
    elapsed_s : float
        Since the last of them.
    """
    over = failures - FREE[bucket.partition(":")[0]]
    if over < 0:
        return 0.0
    whole = LONGEST_WAIT_S if over > 10 else min(FIRST_WAIT_S * 2**over, LONGEST_WAIT_S)
    return max(0.0, whole - max(0.0, elapsed_s))


def reserve(connection: Connection, now: float, buckets: Iterable[str]) -> float:
    """Count an attempt as failed before it is looked at, so that many at once are no way around the limit.

    Returns
    -------
    float
        0, and the attempt is counted; or for how many seconds to wait, and nothing is counted.
    """
    connection.execute(delete(attempts).where(attempts.c.last_at < now - FORGET_S))
    ahead = update(attempts).where(attempts.c.last_at > now + SKEW_S)  # the clock was set back: count from now
    connection.execute(ahead.values(last_at=now))
    named = sorted(set(buckets))
    rows = connection.execute(select(attempts).where(attempts.c.bucket.in_(named))).all()
    known = {row.bucket: row for row in rows}
    wait = max((wait_s(name, row.failures, now - row.last_at) for name, row in known.items()), default=0.0)
    if wait > 0:
        return wait
    for name in named:
        if name in known:
            more = update(attempts).where(attempts.c.bucket == name)
            connection.execute(more.values(failures=known[name].failures + 1, last_at=now))
        else:
            connection.execute(insert(attempts).values(bucket=name, failures=1, last_at=now))
    return 0.0


def forget(connection: Connection, bucket: str) -> None:
    """Forget every failure of a bucket."""
    connection.execute(delete(attempts).where(attempts.c.bucket == bucket))


def give_back(connection: Connection, bucket: str) -> None:
    """Take back one reserved attempt, which was none that failed; earlier failures stay."""
    this = attempts.c.bucket == bucket
    connection.execute(update(attempts).where(this).values(failures=attempts.c.failures - 1))
    connection.execute(delete(attempts).where(this, attempts.c.failures <= 0))

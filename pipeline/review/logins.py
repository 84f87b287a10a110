"""Logging in and out, and the sessions between; of a session's token only the hash is kept."""

from __future__ import annotations

import hashlib
import hmac
import math
import secrets
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, insert, select, update

from pipeline.batch.ledger import Ledger
from pipeline.errors import IntegrityError, SettingsError
from pipeline.model import Message
from pipeline.review import audit, limits, passwords
from pipeline.review.accounts import Account, account_of, folded, write_password
from pipeline.review.tables import accounts, logins

IDLE_S = 1800.0
"""A session ends when it was not used for so long."""
LONGEST_S = 12 * 3600.0
"""It ends after so long in any case."""
SEEN_EVERY_S = 60.0
"""That a session is used is written down this often, so that not every page writes to the disk."""
SKEW_S = 60.0
"""By how much a session may seem to begin in the future before it counts no more: the clock was set back."""
WRONG = Message("Name or password is wrong, or the account is disabled.")
WAIT = "Too many failed attempts. Try again in {wait} s."


class LogInRefused(IntegrityError):
    """A log-in, or a change of password, that was refused; the message says no more than everybody may know."""

    def __init__(self, message: Message, wait_s: int = 0) -> None:
        super().__init__(message)
        self.wait_s = wait_s
        """Seconds until another attempt will be looked at; 0: at once."""


@dataclass(frozen=True, slots=True)
class Login:
    """A session."""

    id: int
    account: Account
    token: str = field(repr=False)
    """What the browser holds, in a cookie; it stands in no table and in no log."""
    ends_at: float
    """The latest end, in seconds since 1970."""

    @property
    def csrf(self) -> str:
        """The token that every form of this session carries; it follows from `token`, which no form carries."""
        return hmac.new(self.token.encode(), b"csrf", hashlib.sha256).hexdigest()

    def is_csrf(self, given: str) -> bool:
        """Tell whether a form's token is that of this session; how long it takes says nothing."""
        return hmac.compare_digest(self.csrf.encode(), given.encode("utf-8", "backslashreplace"))


def log_in(ledger: Ledger, name: str, password: str, address: str) -> Login:
    """Start a session.

    Parameters
    ----------
    ledger : Ledger
    name, password : str
        As they were typed.
    address : str
        Of the other end of the connection: the browser's, or that of a proxy in front of this program.

    Raises
    ------
    LogInRefused
        If name or password is wrong, the account is disabled, or there were too many failures before.
    """
    address = audit.clean(address)
    row = ledger.database.read(lambda connection: _by_name(connection, name))
    by_name = limits.of_name(folded(name)) if row is None else limits.of_account(row.id)
    is_right, better = _looked_at(ledger, row, password, by_name, address)

    def work(connection: Connection) -> Login | None:
        audit.lock_events(connection)
        now = ledger.database.now(connection)
        known = None if row is None else _by_id(connection, row.id)  # it may have been changed since
        is_same = known is not None and known.password_hash == row.password_hash
        if known is None or not is_right or not is_same or known.disabled_at is not None:
            why = "unknown-name" if known is None else "disabled" if is_right and is_same else "wrong-password"
            told = {"address": address, "reason": why}
            audit.add(connection, "", "log-in-failed", "" if known is None else known.name, told)
            return None
        _was_right(connection, known.id, address)
        if better is not None:
            connection.execute(update(accounts).where(accounts.c.id == known.id).values(password_hash=better))
        token = secrets.token_urlsafe(32)
        values = {
            "account_id": known.id,
            "token_sha256": _kept(token),
            "address": address,
            "started_at": now,
            "seen_at": now,
            "ends_at": now + LONGEST_S,
        }
        made = connection.execute(insert(logins).values(values).returning(logins.c.id)).scalar_one()
        audit.add(connection, known.name, "log-in", known.name, {"address": address, "session": made})
        return Login(int(made), account_of(known), token, now + LONGEST_S)

    done = ledger.database.write(work)
    audit.sign_head(ledger)
    if done is None:
        raise LogInRefused(WRONG)
    return done


def of_token(ledger: Ledger, token: str) -> Login | None:
    """Return the session of a token, with the account as it is now; None if there is none, or it is over."""

    def work(connection: Connection) -> tuple[Any, float]:
        parts = (logins.c.id.label("login"), logins.c.started_at, logins.c.seen_at, logins.c.ends_at)
        joined = select(accounts, *parts).join_from(logins, accounts, accounts.c.id == logins.c.account_id)
        mine = joined.where(logins.c.token_sha256 == _kept(token), logins.c.ended_at.is_(None))
        return connection.execute(mine.where(accounts.c.disabled_at.is_(None))).first(), ledger.database.now(connection)

    row, now = ledger.database.read(work)
    if row is None or now >= row.ends_at or now - row.seen_at >= IDLE_S or now < row.started_at - SKEW_S:
        return None
    if now - row.seen_at >= SEEN_EVERY_S:
        used = update(logins).where(logins.c.id == row.login, logins.c.ended_at.is_(None)).values(seen_at=now)
        ledger.database.write(lambda connection: connection.execute(used))
    return Login(row.login, account_of(row), token, row.ends_at)


def log_out(ledger: Ledger, login: Login) -> None:
    """End a session; nothing happens if it is over."""

    def work(connection: Connection) -> None:
        audit.lock_events(connection)
        mine = update(logins).where(logins.c.id == login.id, logins.c.ended_at.is_(None))
        if connection.execute(mine.values(ended_at=ledger.database.now(connection))).rowcount:
            name = login.account.name
            audit.add(connection, name, "log-out", name, {"session": login.id})

    ledger.database.write(work)
    audit.sign_head(ledger)


def change_password(ledger: Ledger, login: Login, old: str, new: str, address: str) -> None:
    """Change one's own password; every session of the account ends, this one too.

    Raises
    ------
    LogInRefused
        If the old password is wrong, or there were too many failures before.
    SettingsError
        If the new one cannot be used.
    """
    row = ledger.database.read(lambda connection: _by_id(connection, login.account.id))
    is_right, _ = _looked_at(ledger, row, old, limits.of_account(row.id), address)
    problem: SettingsError | None = None
    hashed = ""
    if is_right:
        try:
            hashed = passwords.hashed(passwords.checked(row.name, new))
        except SettingsError as error:
            problem = error

    def work(connection: Connection) -> bool:
        audit.lock_events(connection)
        known = _by_id(connection, row.id)
        if not is_right or known.password_hash != row.password_hash or known.disabled_at is not None:
            audit.add(connection, row.name, "user-password-failed", row.name, {"address": address})
            return False
        _was_right(connection, row.id, address)
        if problem is None:
            write_password(connection, account_of(known), hashed, ledger.database.now(connection))
            audit.add(connection, row.name, "user-password", row.name, {"address": address})
        return True

    done = ledger.database.write(work)
    audit.sign_head(ledger)
    if not done:
        raise LogInRefused(WRONG)
    if problem is not None:
        raise problem


def _looked_at(ledger: Ledger, row: Any, password: str, by_name: str, address: str) -> tuple[bool, str | None]:
    """Tell whether a password is that of a row of accounts, unless it is too early to ask."""

    def work(connection: Connection) -> float:
        audit.lock_events(connection)  # two at once must not both count the same failures
        now = ledger.database.now(connection)
        return limits.reserve(connection, now, (by_name, limits.of_address(address)))

    wait = math.ceil(ledger.database.write(work))
    if wait:
        raise LogInRefused(Message(WAIT, {"wait": wait}), wait)
    return passwords.matches(password, None if row is None else row.password_hash)  # slow: in no transaction


def _was_right(connection: Connection, account: int, address: str) -> None:
    limits.forget(connection, limits.of_account(account))
    limits.give_back(connection, limits.of_address(address))


def _by_name(connection: Connection, name: str) -> Any:
    return connection.execute(select(accounts).where(accounts.c.folded == folded(name))).first()


def _by_id(connection: Connection, number: int) -> Any:
    return connection.execute(select(accounts).where(accounts.c.id == number)).first()


def _kept(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "backslashreplace")).hexdigest()

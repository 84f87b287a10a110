"""Accounts of the review page: who may log in, with which roles, for which units and access classes."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from pipeline.batch.ledger import Ledger
from pipeline.errors import SettingsError
from pipeline.model import Message
from pipeline.review import audit, passwords
from pipeline.review.rights import CLASSES, Role
from pipeline.review.tables import accounts, logins

NAME = re.compile(r"\w[\w.@-]{0,62}\w")
"""Letters of any script, digits, and . _ @ - within; 2 to 64 characters."""


@dataclass(frozen=True, slots=True)
class Account:
    """One person's account, without anything secret."""

    id: int
    name: str
    roles: frozenset[Role]
    all_units: bool
    """Whether it may see clips of every unit, and those whose unit nobody stated."""
    units: frozenset[str]
    """Units whose clips it may see; without these and `all_units` it sees none."""
    classes: frozenset[str]
    """Access classes that it may see; none if empty."""
    is_disabled: bool


@dataclass(frozen=True, slots=True)
class Listed:
    """An account as those who manage accounts see it; moments in seconds since 1970."""

    account: Account
    created_at: float
    last_log_in_at: float | None
    """None: nobody ever logged in."""


def add(
    ledger: Ledger,
    actor: str,
    name: str,
    password: str,
    roles: Iterable[Role | str],
    *,
    units: Iterable[str] = (),
    all_units: bool = False,
    classes: Iterable[str] = (),
) -> Account:
    """Add an account.

    Parameters
    ----------
    ledger : Ledger
    actor : str
        Who does it, for the audit log.
    name, password : str
    roles : iterable of Role or str
    units : iterable of str
        Units whose clips it may see.
    all_units : bool
        It may see clips of every unit.
    classes : iterable of str
        Of `rights.CLASSES`.

    Raises
    ------
    SettingsError
        If name, password, role or class cannot be used, the name is taken, or the first account is no admin's.
    """
    shown = unicodedata.normalize("NFKC", name).strip()
    if not NAME.fullmatch(shown):
        raise SettingsError(
            Message("{name}: no name of an account: 2 to 64 letters and digits, with . _ @ - within.", {"name": name})
        )
    new = Account(0, shown, _roles(roles), all_units, _units(units), _classes(classes), False)
    hashed = passwords.hashed(passwords.checked(shown, password))

    def work(connection: Connection) -> Account:
        audit.lock_events(connection)
        if connection.scalar(select(accounts.c.id).where(accounts.c.folded == folded(shown))) is not None:
            raise SettingsError(Message("{name}: there is an account of this name.", {"name": shown}))
        if Role.ADMIN not in new.roles and connection.scalar(select(accounts.c.id).limit(1)) is None:
            raise SettingsError(Message("The first account must have the role admin."))
        now = ledger.database.now(connection)
        row = {"name": shown, "folded": folded(shown), "password_hash": hashed, "created_at": now, **_kept(new)}
        made = connection.execute(insert(accounts).values(row).returning(accounts.c.id)).scalar_one()
        audit.add(connection, actor, "user-add", shown, _told(new))
        return replace(new, id=int(made))

    return _signed(ledger, ledger.database.write(work))


def all_accounts(ledger: Ledger) -> list[Account]:
    """Return every account, in the order of their names."""
    wanted = select(accounts).order_by(accounts.c.folded)
    return ledger.database.read(lambda connection: [account_of(row) for row in connection.execute(wanted)])


def listed(ledger: Ledger) -> list[Listed]:
    """Return every account with when it was made and last used, in the order of their names."""
    last = select(func.max(logins.c.started_at)).where(logins.c.account_id == accounts.c.id).scalar_subquery()
    wanted = select(accounts, last.label("last")).order_by(accounts.c.folded)

    def work(connection: Connection) -> list[Listed]:
        return [Listed(account_of(row), row.created_at, row.last) for row in connection.execute(wanted)]

    return ledger.database.read(work)


def find(ledger: Ledger, name: str) -> Account:
    """Return the account of a name.

    Raises
    ------
    SettingsError
        If there is none.
    """
    return account_of(ledger.database.read(lambda connection: _row(connection, name)))


def set_rights(
    ledger: Ledger,
    actor: str,
    name: str,
    *,
    roles: Iterable[Role | str] | None = None,
    units: Iterable[str] | None = None,
    all_units: bool | None = None,
    classes: Iterable[str] | None = None,
) -> Account:
    """Change what an account may do and see; what is None stays. Its sessions end.

    Raises
    ------
    SettingsError
        If there is no such account, role or class, or no admin would be left.
    """
    changed: dict[str, Any] = {
        "roles": None if roles is None else _roles(roles),
        "units": None if units is None else _units(units),
        "all_units": all_units,
        "classes": None if classes is None else _classes(classes),
    }
    changed = {field: value for field, value in changed.items() if value is not None}

    def work(connection: Connection) -> Account:
        audit.lock_events(connection)
        before = account_of(_row(connection, name))
        after = replace(before, **changed)
        if after == before:
            return before
        _must_leave_an_admin(connection, before, after)
        connection.execute(update(accounts).where(accounts.c.id == before.id).values(_kept(after)))
        end_logins(connection, before.id, ledger.database.now(connection))
        audit.add(connection, actor, "user-set", before.name, {**_told(after), "before": _told(before)})
        return after

    return _signed(ledger, ledger.database.write(work))


def disable(ledger: Ledger, actor: str, name: str) -> Account:
    """Disable an account: it cannot log in, and its sessions end. Its name stays taken.

    Raises
    ------
    SettingsError
        If there is no such account, or no admin would be left.
    """
    return _switch(ledger, actor, name, is_disabled=True)


def enable(ledger: Ledger, actor: str, name: str) -> Account:
    """Let a disabled account log in again.

    Raises
    ------
    SettingsError
        If there is no such account.
    """
    return _switch(ledger, actor, name, is_disabled=False)


def set_password(ledger: Ledger, actor: str, name: str, password: str) -> Account:
    """Give an account another password; its sessions end.

    Raises
    ------
    SettingsError
        If there is no such account, or the password cannot be used.
    """
    hashed = passwords.hashed(passwords.checked(find(ledger, name).name, password))

    def work(connection: Connection) -> Account:
        audit.lock_events(connection)
        account = account_of(_row(connection, name))
        write_password(connection, account, hashed, ledger.database.now(connection))
        audit.add(connection, actor, "user-password", account.name)
        return account

    return _signed(ledger, ledger.database.write(work))


def write_password(connection: Connection, account: Account, hashed: str, now: float) -> None:
    """Write a new hash, and end the account's sessions; the caller adds the event."""
    connection.execute(update(accounts).where(accounts.c.id == account.id).values(password_hash=hashed))
    end_logins(connection, account.id, now)


def end_logins(connection: Connection, account: int, now: float) -> None:
    """End every session of an account."""
    theirs = update(logins).where(logins.c.account_id == account, logins.c.ended_at.is_(None))
    connection.execute(theirs.values(ended_at=now))


def folded(name: str) -> str:
    """Return a name in the form in which names are told apart: without regard to case and width."""
    return unicodedata.normalize("NFKC", audit.clean(name)).strip().casefold()


def account_of(row: Any) -> Account:
    """Return the account of a row of the table; a role that this program does not know gives no right."""
    known = frozenset(Role(role) for role in json.loads(row.roles) if role in set(Role))
    units, classes = frozenset(json.loads(row.units)), frozenset(json.loads(row.classes))
    return Account(row.id, row.name, known, row.all_units, units, classes, row.disabled_at is not None)


def _switch(ledger: Ledger, actor: str, name: str, is_disabled: bool) -> Account:
    def work(connection: Connection) -> Account:
        audit.lock_events(connection)
        before = account_of(_row(connection, name))
        after = replace(before, is_disabled=is_disabled)
        if after == before:
            return before
        _must_leave_an_admin(connection, before, after)
        now = ledger.database.now(connection)
        this = update(accounts).where(accounts.c.id == before.id)
        connection.execute(this.values(disabled_at=now if is_disabled else None))
        end_logins(connection, before.id, now)
        audit.add(connection, actor, "user-disable" if is_disabled else "user-enable", before.name)
        return after

    return _signed(ledger, ledger.database.write(work))


def _signed(ledger: Ledger, account: Account) -> Account:
    if not ledger.database.is_joined:
        audit.sign_head(ledger)
    return account


def _row(connection: Connection, name: str) -> Any:
    row = connection.execute(select(accounts).where(accounts.c.folded == folded(name))).first()
    if row is None:
        raise SettingsError(Message("{name}: there is no account of this name.", {"name": name}))
    return row


def _must_leave_an_admin(connection: Connection, before: Account, after: Account) -> None:
    def is_admin(account: Account) -> bool:
        return Role.ADMIN in account.roles and not account.is_disabled

    if is_admin(before) and not is_admin(after):
        others = connection.execute(select(accounts).where(accounts.c.id != before.id))
        if not any(is_admin(account_of(row)) for row in others):
            raise SettingsError(
                Message("{name} is the last admin. Give another account the role admin first.", {"name": before.name})
            )


def _roles(given: Iterable[Role | str]) -> frozenset[Role]:
    named = [audit.clean(str(role)) for role in given]
    _must_be_known(named, [str(role) for role in Role], "{name}: there is no such role. Known: {known}")
    return frozenset(Role(role) for role in named)


def _units(given: Iterable[str]) -> frozenset[str]:
    return frozenset(unit for name in given if (unit := str(audit.clean(name)).strip()))


def _classes(given: Iterable[str]) -> frozenset[str]:
    named = [audit.clean(name) for name in given]
    _must_be_known(named, CLASSES, "{name}: there is no such access class. Known: {known}")
    return frozenset(named)


def _must_be_known(given: Iterable[str], known: Collection[str], problem: str) -> None:
    for name in given:
        if name not in known:
            raise SettingsError(Message(problem, {"name": name, "known": ", ".join(known)}))


def _kept(account: Account) -> dict[str, Any]:
    """Return what stands in the table of an account's rights."""
    lists = {"roles": account.roles, "units": account.units, "classes": account.classes}
    kept = {name: json.dumps(sorted(entries), ensure_ascii=False) for name, entries in lists.items()}
    return {**kept, "all_units": account.all_units}


def _told(account: Account) -> dict[str, Any]:
    """Return an account's rights as the audit log tells them."""
    return {
        "roles": sorted(account.roles),
        "all_units": account.all_units,
        "units": sorted(account.units),
        "classes": sorted(account.classes),
    }

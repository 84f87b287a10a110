"""The commands of `users`: accounts of the review page. A password is never an argument, and never shown."""

from __future__ import annotations

import getpass
import sys
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from pipeline.cli.shared import (
    CacheOption,
    JsonOption,
    LanguageOption,
    LedgerOption,
    folder_of,
    opened,
    operator,
    place_of,
    refusing,
    say,
    show,
)
from pipeline.errors import SettingsError
from pipeline.language import Language, language
from pipeline.model import Message

if TYPE_CHECKING:
    from pipeline.review.accounts import Account

NameArgument = Annotated[str, typer.Argument(help="Name of the account.", metavar="NAME")]
RoleOption = Annotated[
    list[str] | None, typer.Option(help="investigator, supervisor, auditor, analyst or admin; may be repeated.")
]
UnitOption = Annotated[
    list[str] | None, typer.Option(help="Unit whose clips it may see, as case records name it; may be repeated.")
]
ClassOption = Annotated[
    list[str] | None,
    typer.Option("--class", help="Access class that it may see (docs/review-access.md); may be repeated."),
]
StdinOption = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from the first line of stdin instead of asking.")
]
MOST_READ = 4096
"""Characters of a line of stdin that are read; longer ones are no password anyway."""

users_app = typer.Typer(
    no_args_is_help=True, help="Accounts of the review page: who may log in, and what they may see and do."
)


@users_app.command("add")
def add_user(
    name: NameArgument,
    lang: LanguageOption,
    cache: CacheOption,
    role: RoleOption = None,
    unit: UnitOption = None,
    all_units: Annotated[bool, typer.Option("--all-units", help="It may see clips of every unit.")] = False,
    access: ClassOption = None,
    password_stdin: StdinOption = False,
    ledger: LedgerOption = None,
) -> None:
    """Add an account; the password is asked for. The first account must have the role admin.

    Without a unit and an access class it sees no clip. Exit codes: 0 done, 2 bad arguments.
    """
    from pipeline.batch.ledger import Ledger
    from pipeline.review import accounts

    with refusing():
        spoken = language(lang)
    with refusing(spoken):
        place = place_of(ledger, cache)
        password = _password(password_stdin, spoken)
        with Ledger(place, folder_of(place, cache)) as book:
            made = accounts.add(
                book,
                operator(),
                name,
                password,
                role or (),
                units=unit or (),
                all_units=all_units,
                classes=access or (),
            )
    _tell("{name}: added.", made.name, spoken)


@users_app.command("list")
def list_users(
    lang: LanguageOption, cache: CacheOption, ledger: LedgerOption = None, as_json: JsonOption = False
) -> None:
    """List the accounts and what they may see. Exit codes: 0 done, 2 bad arguments."""
    from pipeline.review import accounts

    with refusing():
        spoken = language(lang)
    with refusing(spoken), opened(ledger, cache) as book:
        found = accounts.all_accounts(book)
    show({"format": 1, "accounts": [_document(account) for account in found]}, _table(found, spoken), as_json)


@users_app.command("set")
def set_user(
    name: NameArgument,
    lang: LanguageOption,
    cache: CacheOption,
    role: RoleOption = None,
    unit: UnitOption = None,
    all_units: Annotated[
        bool | None, typer.Option("--all-units/--named-units", help="Whether it may see clips of every unit.")
    ] = None,
    access: ClassOption = None,
    no_units: Annotated[bool, typer.Option("--no-units", help="Take every named unit away.")] = False,
    no_classes: Annotated[bool, typer.Option("--no-classes", help="Take every access class away.")] = False,
    enable: Annotated[bool, typer.Option("--enable", help="Let a disabled account log in again.")] = False,
    ledger: LedgerOption = None,
) -> None:
    """Change what an account may do and see; what is not named stays, and a list that is named is the whole list.

    Its sessions end. Exit codes: 0 done, 2 bad arguments.
    """
    from pipeline.review import accounts

    with refusing():
        spoken = language(lang)
    with refusing(spoken), opened(ledger, cache) as book:
        who = operator()
        made = accounts.set_rights(
            book,
            who,
            name,
            roles=role,
            units=() if no_units else unit,
            all_units=all_units,
            classes=() if no_classes else access,
        )
        if enable:
            made = accounts.enable(book, who, name)
    _tell("{name}: changed.", made.name, spoken)


@users_app.command("disable")
def disable_user(name: NameArgument, lang: LanguageOption, cache: CacheOption, ledger: LedgerOption = None) -> None:
    """Disable an account: it cannot log in, and its sessions end. The last admin stays.

    Exit codes: 0 done, 2 bad arguments.
    """
    from pipeline.review import accounts

    with refusing():
        spoken = language(lang)
    with refusing(spoken), opened(ledger, cache) as book:
        made = accounts.disable(book, operator(), name)
    _tell("{name}: disabled.", made.name, spoken)


@users_app.command("password")
def set_user_password(
    name: NameArgument,
    lang: LanguageOption,
    cache: CacheOption,
    password_stdin: StdinOption = False,
    ledger: LedgerOption = None,
) -> None:
    """Give an account another password, which is asked for; its sessions end. Exit codes: 0 done, 2 bad arguments."""
    from pipeline.review import accounts

    with refusing():
        spoken = language(lang)
    with refusing(spoken), opened(ledger, cache) as book:
        accounts.find(book, name)
        made = accounts.set_password(book, operator(), name, _password(password_stdin, spoken))
    _tell("{name}: the password was changed.", made.name, spoken)


def _password(from_stdin: bool, spoken: Language) -> str:
    """Return a password from stdin, or as it is typed twice without being shown."""
    if from_stdin:
        line = sys.stdin.readline(MOST_READ).rstrip("\r\n")
        if not line:
            raise SettingsError(Message("There is no password on stdin."))
        return line
    if not sys.stdin.isatty():
        raise SettingsError(Message("There is no terminal to ask for the password on. Use --password-stdin."))
    try:
        first = getpass.getpass(f"{spoken.text('Password')}: ")
        again = getpass.getpass(f"{spoken.text('The same again')}: ")
    except EOFError as error:
        raise SettingsError(Message("No password was typed.")) from error
    if first != again:
        raise SettingsError(Message("The two passwords differ. Nothing was changed."))
    return first


def _tell(template: str, name: str, spoken: Language) -> None:
    say(spoken.tell(Message(template, {"name": name})))


def _document(account: Account) -> dict[str, object]:
    return {
        "name": account.name,
        "roles": sorted(account.roles),
        "all_units": account.all_units,
        "units": sorted(account.units),
        "classes": sorted(account.classes),
        "disabled": account.is_disabled,
    }


def _table(found: list[Account], spoken: Language) -> Table:
    headings = ("Name", "Roles", "Units", "Access classes", "Standing")
    table = Table(*(spoken.text(heading) for heading in headings), box=None)
    for one in found:
        units = [spoken.text("all units")] if one.all_units else sorted(one.units)
        lists = (sorted(one.roles), units, sorted(one.classes))
        cells = [", ".join(entries) or "–" for entries in lists]
        table.add_row(one.name, *cells, spoken.text("disabled" if one.is_disabled else "may log in"))
    return table

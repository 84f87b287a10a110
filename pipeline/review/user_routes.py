"""The addresses at which accounts are managed; they do what `unbroken users` does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, Field

from pipeline.errors import SettingsError
from pipeline.model import Message
from pipeline.report.wording import N_
from pipeline.review import accounts
from pipeline.review.account_routes import Typed, checked_twice
from pipeline.review.account_views import class_boxes, listed_line, role_boxes
from pipeline.review.accounts import Account, Listed
from pipeline.review.rights import Right
from pipeline.review.web import (
    GuardedRoute,
    account_of,
    needs,
    not_found,
    office,
    page,
    to_log_in_again,
    words_of,
)

DONE = {
    "added": N_("The account was added."),
    "changed": N_("The account was changed. Its sessions have ended."),
    "disabled": N_("The account was disabled. Its sessions have ended."),
    "enabled": N_("The account may log in again."),
    "renewed": N_("The password was changed. The account's sessions have ended."),
}
OWN = Message("Change your own password on the page of your account: there the old one is asked for.")
router = APIRouter(route_class=GuardedRoute, prefix="/users")


class Rights(BaseModel):
    """What a form says an account may do and see."""

    roles: list[Annotated[str, Field(max_length=100)]] = []
    units: Annotated[str, Field(max_length=100_000)] = ""
    """One a line."""
    all_units: bool = False
    classes: list[Annotated[str, Field(max_length=100)]] = []

    @property
    def named(self) -> list[str]:
        """The units."""
        return self.units.splitlines()


class NewAccount(Rights):
    """The form of an account that is to be added."""

    name: Annotated[str, Field(max_length=1000)] = ""
    password: Annotated[str, Field(max_length=1000, repr=False)] = ""
    again: Annotated[str, Field(max_length=1000, repr=False)] = ""


def rights_of(account: Account) -> Rights:
    """Return the form of what an account may do and see."""
    return Rights(
        roles=sorted(account.roles),
        units="\n".join(sorted(account.units)),
        all_units=account.all_units,
        classes=sorted(account.classes),
    )


@router.get("", name="users")
@needs(Right.MANAGE_USERS)
def show_all(request: Request) -> Response:
    """List the accounts."""
    words = words_of(request)
    return page(
        request, "users.html", users=[listed_line(one, words) for one in accounts.listed(office(request).ledger)]
    )


@router.get("/new", name="user_new")
@needs(Right.MANAGE_USERS)
def new(request: Request) -> Response:
    """Ask for a new account."""
    return _new(request, NewAccount())


@router.post("/new", name="user_add")
@needs(Right.MANAGE_USERS)
def add(request: Request, form: Annotated[NewAccount, Form()]) -> Response:
    """Add an account."""
    try:
        made = accounts.add(
            office(request).ledger,
            account_of(request).name,
            form.name,
            checked_twice(form.password, form.again),
            form.roles,
            units=form.named,
            all_units=form.all_units,
            classes=form.classes,
        )
    except SettingsError as error:
        return _new(request, form, error.args[0])
    return _to(request, made, "added")


@router.get("/{number:int}", name="user")
@needs(Right.MANAGE_USERS)
def show(request: Request, number: int, done: str = "") -> Response:
    """Show an account, and what can be changed of it."""
    known = _of(request, number)
    return _page(request, known, done=done)


@router.post("/{number:int}/rights", name="user_rights")
@needs(Right.MANAGE_USERS)
def set_rights(request: Request, number: int, form: Annotated[Rights, Form()]) -> Response:
    """Change what an account may do and see."""

    def work(name: str) -> Account:
        return accounts.set_rights(
            office(request).ledger,
            account_of(request).name,
            name,
            roles=form.roles,
            units=form.named,
            all_units=form.all_units,
            classes=form.classes,
        )

    return _done(request, number, "changed", work, form)


@router.post("/{number:int}/disable", name="user_disable")
@needs(Right.MANAGE_USERS)
def disable(request: Request, number: int) -> Response:
    """Disable an account."""
    return _done(
        request,
        number,
        "disabled",
        lambda name: accounts.disable(office(request).ledger, account_of(request).name, name),
    )


@router.post("/{number:int}/enable", name="user_enable")
@needs(Right.MANAGE_USERS)
def enable(request: Request, number: int) -> Response:
    """Let a disabled account log in again."""
    return _done(
        request, number, "enabled", lambda name: accounts.enable(office(request).ledger, account_of(request).name, name)
    )


@router.post("/{number:int}/password", name="user_password")
@needs(Right.MANAGE_USERS)
def set_password(request: Request, number: int, password: Typed = "", again: Typed = "") -> Response:
    """Give another's account another password."""

    def work(name: str) -> Account:
        if number == account_of(request).id:
            raise SettingsError(OWN)
        return accounts.set_password(
            office(request).ledger, account_of(request).name, name, checked_twice(password, again)
        )

    return _done(request, number, "renewed", work)


def _of(request: Request, number: int) -> Listed:
    found = next((one for one in accounts.listed(office(request).ledger) if one.account.id == number), None)
    if found is None:
        raise not_found()
    return found


def _done(
    request: Request, number: int, done: str, work: Callable[[str], Account], form: Rights | None = None
) -> Response:
    """Do something to an account; go back to its page, or to the log-in if one's own session has ended by that."""
    known = _of(request, number)
    try:
        now = work(known.account.name)
    except SettingsError as error:
        return _page(request, known, 422, problem=error.args[0], about=done, form=form)
    if now.id == account_of(request).id and now != known.account:
        return to_log_in_again(request, "ended")
    return _to(request, now, done)


def _to(request: Request, account: Account, done: str) -> Response:
    return RedirectResponse(f"{request.app.url_path_for('user', number=account.id)}?done={done}", 303)


def _new(request: Request, form: NewAccount, problem: Message | None = None) -> Response:
    words = words_of(request)
    return page(
        request,
        "user_new.html",
        200 if problem is None else 422,
        form=form,
        roles=role_boxes(form.roles, words),
        classes=class_boxes(form.classes, words),
        problem="" if problem is None else words.tell(problem),
    )


def _page(
    request: Request,
    known: Listed,
    status: int = 200,
    *,
    done: str = "",
    problem: Message | None = None,
    about: str = "",
    form: Rights | None = None,
) -> Response:
    """Return the page of an account; `about` says at which form a problem is told."""
    words = words_of(request)
    form = form or rights_of(known.account)
    return page(
        request,
        "user.html",
        status,
        user=listed_line(known, words),
        is_own=known.account.id == account_of(request).id,
        form=form,
        roles=role_boxes(form.roles, words),
        classes=class_boxes(form.classes, words),
        done=words.text(DONE[done]) if done in DONE else "",
        problems={} if problem is None else {about: words.tell(problem)},
    )

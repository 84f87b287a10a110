"""The addresses of one's own account: what it may do and see, and its password."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response

from pipeline.errors import SettingsError
from pipeline.model import Message
from pipeline.review import logins
from pipeline.review.account_views import line
from pipeline.review.web import (
    Anyone,
    GuardedRoute,
    account_of,
    login_of,
    needs,
    office,
    page,
    to_log_in_again,
    words_of,
)

OLD = Message("The old password is wrong.")
DIFFER = Message("The two passwords differ. Nothing was changed.")
NO_PASSWORD = Message("No password was typed.")
Typed = Annotated[str, Form(max_length=1000)]
router = APIRouter(route_class=GuardedRoute, prefix="/account")


def checked_twice(password: str, again: str) -> str:
    """Return a password that was typed twice.

    Raises
    ------
    SettingsError
        If it was not, or not the same.
    """
    if not password:
        raise SettingsError(NO_PASSWORD)
    if password != again:
        raise SettingsError(DIFFER)
    return password


@router.get("", name="account")
@needs(Anyone.LOGGED_IN)
def show(request: Request) -> Response:
    """Show one's own account."""
    return _page(request)


@router.post("/password", name="account_password")
@needs(Anyone.LOGGED_IN)
def change_password(request: Request, old: Typed = "", password: Typed = "", again: Typed = "") -> Response:
    """Change one's own password; every session of the account ends with it."""
    address = request.client.host if request.client else ""
    try:
        if not old:
            raise SettingsError(OLD)
        new = checked_twice(password, again)
        logins.change_password(office(request).ledger, login_of(request), old, new, address)
    except logins.LogInRefused as refused:
        return _page(request, refused.args[0], 429) if refused.wait_s else _page(request, OLD, 422)
    except SettingsError as error:
        return _page(request, error.args[0], 422)
    return to_log_in_again(request, "renewed")


def _page(request: Request, problem: Message | None = None, status: int = 200) -> Response:
    words = words_of(request)
    told = "" if problem is None else words.tell(problem)
    return page(request, "account.html", status, mine=line(account_of(request), words), problem=told)

"""What every page of the review has in common: who asks, in which language, and how the answer is dressed."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

from fastapi import Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.routing import APIRoute
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.concurrency import run_in_threadpool

from pipeline.batch.ledger import Ledger
from pipeline.language import LANGUAGES, Language, language
from pipeline.model import Message
from pipeline.report.wording import N_
from pipeline.review import logins
from pipeline.review.accounts import Account
from pipeline.review.clip import Clips
from pipeline.review.exports import Exports
from pipeline.review.index import ReviewIndex, Visible
from pipeline.review.proxies import Proxies
from pipeline.review.rights import Right, has
from pipeline.review.stills import Stills

SESSION, BEFORE, LANG = "unbroken-session", "unbroken-before", "unbroken-language"
"""Cookies: of the session, of the log-in form before there is one, and of the language."""
SAFE = frozenset({"GET", "HEAD"})
NAMES = {"zh-CN": "中文", "en": "English"}
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "media-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # with none at all a browser sends forms from the origin "null"
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
STILLS, COPIES, EXPORTS = "review/stills", "review/copies", "review/exports"
"""Folders in the cache's folder."""
Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Office:
    """What the pages are served from."""

    ledger: Ledger
    index: ReviewIndex
    clips: Clips
    stills: Stills
    proxies: Proxies
    exports: Exports
    secure: bool = False
    """It is served by TLS, so cookies never go without."""
    language: str = "zh-CN"


def office_of(
    ledger: Ledger, index: ReviewIndex, cache: Path, *, secure: bool = False, language: str = "zh-CN"
) -> Office:
    """Return an office over a ledger and the cache of its batches."""
    stills, proxies, exports = Stills(cache / STILLS), Proxies(cache / COPIES), Exports(cache / EXPORTS, cache)
    return Office(ledger, index, Clips(cache), stills, proxies, exports, secure, language)


class Refused(Exception):
    """Something that is not answered with what was asked for.

    Parameters
    ----------
    status : int
        Of HTTP.
    heading, text : Message
        What is told instead.
    """

    def __init__(self, status: int, heading: Message, text: Message) -> None:
        self.status, self.heading, self.text = status, heading, text


def not_found() -> Refused:
    """Return the answer where there is nothing, or nothing that the account may know of."""
    return Refused(404, Message("Not found"), Message("There is no such page, or it is not for this account."))


def forbidden() -> Refused:
    """Return the answer where the account lacks a right."""
    return Refused(403, Message("Not allowed"), Message("This account may not do this. Ask whoever manages accounts."))


def stale() -> Refused:
    """Return the answer to a form that does not come from a page of this session."""
    return Refused(
        403, Message("Not allowed"), Message("This form is out of date. Go back, load the page again, and repeat it.")
    )


class Anyone(Enum):
    """What an endpoint needs instead of a right, if anyone with an account may use it."""

    LOGGED_IN = "any account"


def needs(right: Right | Anyone | None, *, leads_home: bool = False) -> Callable[[Endpoint], Endpoint]:
    """Say what an endpoint needs.

    Parameters
    ----------
    right : Right, Anyone or None
        None: no right, and no log-in either.
    leads_home : bool
        An account without the right is led to where it begins (`home_of`) instead of being refused.
    """

    def mark(endpoint: Endpoint) -> Endpoint:
        endpoint.__right__ = right  # type: ignore[attr-defined]
        endpoint.__leads_home__ = leads_home  # type: ignore[attr-defined]
        return endpoint

    return mark


class GuardedRoute(APIRoute):
    """A route that nobody passes without the right that its endpoint names; without a name it cannot be made."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **how: Any) -> None:
        if not hasattr(endpoint, "__right__"):
            raise TypeError(f"{path}: no right is named; see `needs`")
        self.right: Right | Anyone | None = endpoint.__right__
        self.leads_home: bool = endpoint.__leads_home__  # type: ignore[attr-defined]
        super().__init__(path, endpoint, **how)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler, behind the guard."""
        handle = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            login = await run_in_threadpool(_login, request)
            request.state.login = login
            if self.right is not None:
                if login is None:
                    return _to_log_in(request)
                if self.right is not Anyone.LOGGED_IN and not has(login.account, self.right):
                    if self.leads_home:
                        return RedirectResponse(request.app.url_path_for(home_of(login.account)), 303)
                    raise forbidden()
            if request.method not in SAFE:
                await _must_be_ours(request, login)
            return await handle(request)

        return guarded


def _login(request: Request) -> logins.Login | None:
    token = request.cookies.get(SESSION)
    return logins.of_token(office(request).ledger, token) if token else None


def _to_log_in(request: Request) -> Response:
    if request.method in SAFE and "text/html" in request.headers.get("accept", ""):
        asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return RedirectResponse(f"{request.url_for('log_in_page').path}?to={quote(asked)}", 303)
    return Response(status_code=401)


async def _must_be_ours(request: Request, login: logins.Login | None) -> None:
    """Refuse what another site may have made the browser send."""
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
        raise stale()
    given = request.headers.get("x-csrf-token") or str((await request.form()).get("csrf") or "")
    if login is not None:
        is_ours = login.is_csrf(given)
    else:
        before = request.cookies.get(BEFORE, "")
        is_ours = bool(before) and secrets.compare_digest(before.encode(), given.encode("utf-8", "backslashreplace"))
    if not is_ours:
        raise stale()


def office(request: Request) -> Office:
    """Return what the pages are served from."""
    found: Office = request.app.state.office
    return found


def login_of(request: Request) -> logins.Login:
    """Return the session of who asks; only where a right is needed, or any account."""
    login: logins.Login = request.state.login
    return login


def account_of(request: Request) -> Account:
    """Return who asks; only where a right is needed, or any account."""
    return login_of(request).account


def visible_to(account: Account) -> Visible:
    """Return which clips an account may see, for the lists; `rights.covers` says the same of one clip."""
    return Visible(None if account.all_units else account.units, account.classes)


def words_of(request: Request) -> Language:
    """Return the language of the reader: as chosen, else as the browser asks, else as the office speaks."""
    chosen = request.cookies.get(LANG)
    if chosen in LANGUAGES:
        return language(chosen)
    for part in request.headers.get("accept-language", "").split(","):
        tag = part.split(";")[0].strip().lower()
        for known in LANGUAGES:
            if tag and (known.lower() == tag or known.split("-")[0] == tag.split("-")[0]):
                return language(known)
    return language(office(request).language)


def is_local(address: str) -> bool:
    """Tell whether an address leads to a page of this server, and nowhere else."""
    return address.startswith("/") and not address.startswith(("//", "/\\")) and address.isprintable()


@dataclass(frozen=True, slots=True)
class Entry:
    """A page in the menu."""

    label: str
    link: str
    here: bool


MENU = {
    "night": (N_("Night"), Right.SEE_CLIPS),
    "statistics": (N_("Statistics"), Right.SEE_STATISTICS),
    "spot_checks": (N_("Spot checks"), Right.SPOT_CHECK),
    "audit_log": (N_("Audit log"), Right.SEE_AUDIT_LOG),
    "users": (N_("Users"), Right.MANAGE_USERS),
}
"""Name of a route → its words, and the right that it needs."""
TOLD = {
    "ended": N_("Your account was changed, and its sessions have ended. Log in again."),
    "renewed": N_("Your password was changed, and every session of your account has ended. Log in with the new one."),
}
"""What the page of the log-in tells somebody who was led there."""


def home_of(account: Account) -> str:
    """Return the name of the route where an account begins: the first of the menu that it may see, else its own."""
    return next((name for name, (_, right) in MENU.items() if has(account, right)), "account")


def to_log_in_again(request: Request, told: str) -> Response:
    """Lead to the log-in after one's session was ended; `told` is a key of `TOLD`."""
    answer = RedirectResponse(f"{request.app.url_path_for('log_in_page')}?told={told}", 303)
    answer.delete_cookie(SESSION, path="/")
    return answer


def page(request: Request, template: str, status: int = 200, **values: Any) -> HTMLResponse:
    """Return a page in the reader's language."""
    words = words_of(request)
    login: logins.Login | None = getattr(request.state, "login", None)
    account = None if login is None else login.account
    here = getattr(request.scope.get("route"), "name", "")

    def url(name: str, **parts: Any) -> str:
        return str(request.app.url_path_for(name, **parts))

    menu = [
        Entry(words.text(label), url(name), name == here)
        for name, (label, right) in MENU.items()
        if account is not None and has(account, right)
    ]
    other = next(tag for tag in LANGUAGES if tag != words.tag)
    asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    before = None if login is not None else request.cookies.get(BEFORE) or secrets.token_urlsafe(32)
    answer = HTMLResponse(
        _templates(words)
        .get_template(template)
        .render(
            words=words,
            url=url,
            account=account,
            home=url("log_in_page" if account is None else home_of(account)),
            own=Entry("", url("account"), here == "account"),
            menu=menu,
            csrf=before if login is None else login.csrf,
            other_language={
                "tag": other,
                "label": NAMES[other],
                "link": f"{url('language', tag=other)}?to={quote(asked if request.method in SAFE else '/')}",
            },
            **values,
        ),
        status,
        {"Cache-Control": "no-store"},
    )
    if before is not None:
        set_cookie(request, answer, BEFORE, before)
    return answer


def set_cookie(request: Request, answer: Response, name: str, value: str, seconds: int | None = None) -> None:
    """Set a cookie that no script reads and no other site sends."""
    answer.set_cookie(
        name, value, max_age=seconds, httponly=True, samesite="strict", secure=office(request).secure, path="/"
    )


def _templates(words: Language) -> Environment:
    made = Environment(
        loader=PackageLoader("pipeline.review"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals["_"] = words.text
    return made

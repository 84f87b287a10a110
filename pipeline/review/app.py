"""The review page as a web application."""

from __future__ import annotations

import logging
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, Form, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import PlainTextResponse, RedirectResponse
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from pipeline.language import LANGUAGES
from pipeline.report.html import style_sheet
from pipeline.review import (
    account_routes,
    audit,
    audit_routes,
    clip_routes,
    decision_routes,
    export_routes,
    label_routes,
    logins,
    session_routes,
    spotcheck_routes,
    statistics_routes,
    user_routes,
)
from pipeline.review.night import night as night_page
from pipeline.review.night import query_of
from pipeline.review.rights import Right, has
from pipeline.review.web import (
    BEFORE,
    HEADERS,
    LANG,
    SESSION,
    TOLD,
    GuardedRoute,
    Office,
    Refused,
    account_of,
    is_local,
    needs,
    not_found,
    office,
    page,
    set_cookie,
    visible_to,
    words_of,
)

LOOK_EVERY_S = 10.0
"""How often it is looked whether the ledger has something new."""
YEAR_S = 365 * 24 * 3600
LOCAL = ("127.0.0.1", "localhost", "[::1]")
router = APIRouter(route_class=GuardedRoute)
PARTS = (
    router,
    *(clip_routes.router, decision_routes.router, export_routes.router, label_routes.router),
    *(session_routes.router, statistics_routes.router, spotcheck_routes.router),
    *(account_routes.router, user_routes.router, audit_routes.router),
)
"""Every address."""


def create_app(served: Office, hosts: Sequence[str] = LOCAL) -> FastAPI:
    """Return the application.

    Parameters
    ----------
    served : Office
    hosts : sequence of str
        Names by which browsers may call this server; others are refused, so that no other site's name leads here.
    """
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, lifespan=_looking)
    app.state.office = served
    for part in PARTS:
        app.router.routes += part.routes  # as they are, so that each can be looked at
    app.mount("/static", StaticFiles(packages=[("pipeline.review", "static")]), name="static")
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(hosts))
    app.middleware("http")(_dressed)
    for kind in (Refused, HTTPException, RequestValidationError):
        app.add_exception_handler(kind, _told)
    _must_be_guarded(app)
    return app


def _must_be_guarded(app: FastAPI) -> None:
    for route in app.routes:
        if not isinstance(route, GuardedRoute) and not (isinstance(route, Mount) and route.name == "static"):
            raise TypeError(f"{route}: nothing guards it")


@asynccontextmanager
async def _looking(app: FastAPI) -> AsyncIterator[None]:
    """Take up what is new in the ledger as long as the pages are served."""
    served: Office = app.state.office
    over = threading.Event()

    def look() -> None:
        while not over.wait(LOOK_EVERY_S):
            try:
                served.index.refresh(served.ledger)
                audit.sign_head(served.ledger)
            except SQLAlchemyError:  # the database is away: the next look may find it again
                logging.getLogger(__name__).exception("the ledger could not be looked at")

    thread = threading.Thread(target=look, name="index", daemon=True)
    thread.start()
    yield
    over.set()
    thread.join(timeout=LOOK_EVERY_S)
    served.proxies.close()
    served.exports.close()
    audit.sign_head(served.ledger)


async def _dressed(request: Request, answer: Any) -> Response:
    response: Response = await answer(request)
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    return response


async def _told(request: Request, error: Exception) -> Response:
    if isinstance(error, HTTPException | RequestValidationError):
        error = not_found()
    assert isinstance(error, Refused)
    if "text/html" not in request.headers.get("accept", ""):
        return PlainTextResponse(str(error.text), error.status)
    words = words_of(request)
    return page(request, "problem.html", error.status, heading=words.tell(error.heading), text=words.tell(error.text))


@router.get("/style.css")
@needs(None)
def style() -> Response:
    """Send the style sheet of the reports, which the pages share."""
    return Response(style_sheet(), media_type="text/css", headers={"Cache-Control": "max-age=3600"})


@router.get("/language/{tag}")
@needs(None)
def language(request: Request, tag: str, to: str = "/") -> Response:
    """Choose a language, and go back."""
    if tag not in LANGUAGES:
        raise not_found()
    answer = RedirectResponse(to if is_local(to) else "/", 303)
    set_cookie(request, answer, LANG, tag, YEAR_S)
    return answer


@router.get("/log-in")
@needs(None)
def log_in_page(request: Request, to: str = "/", told: str = "") -> Response:
    """Ask for name and password."""
    why = words_of(request).text(TOLD[told]) if told in TOLD else ""
    return page(request, "login.html", to=to if is_local(to) else "/", name="", told=why, problem="")


@router.post("/log-in")
@needs(None)
def log_in(
    request: Request,
    name: Annotated[str, Form(max_length=200)],
    password: Annotated[str, Form(max_length=1000)],
    to: Annotated[str, Form(max_length=2000)] = "/",
) -> Response:
    """Begin a session, or say why not."""
    to = to if is_local(to) else "/"
    address = request.client.host if request.client else ""
    try:
        login = logins.log_in(office(request).ledger, name, password, address)
    except logins.LogInRefused as refused:
        status = 429 if refused.wait_s else 401
        told = words_of(request).tell(refused.args[0])
        return page(request, "login.html", status, to=to, name=name, told="", problem=told)
    answer = RedirectResponse(to, 303)
    set_cookie(request, answer, SESSION, login.token)
    answer.delete_cookie(BEFORE, path="/")
    return answer


@router.post("/log-out")
@needs(None)
def log_out(request: Request) -> Response:
    """End the session."""
    if (login := request.state.login) is not None:
        logins.log_out(office(request).ledger, login)
    answer = RedirectResponse("/log-in", 303)
    answer.delete_cookie(SESSION, path="/")
    return answer


@router.get("/")
@needs(Right.SEE_CLIPS, leads_home=True)
def night(request: Request, batch: int | None = None, part: Annotated[int, Query(ge=1, le=100_000)] = 1) -> Response:
    """Show what a batch brought."""
    try:
        query = query_of(request.query_params.multi_items())
    except ValueError as error:
        raise not_found() from error
    served, words = office(request), words_of(request)
    shown = visible_to(account_of(request))
    found = night_page(served.ledger, served.index, batch, query, shown, part, words)
    if found is None and batch is not None:
        raise not_found()
    chosen = next((one.value for one in found.batches if one.chosen), "") if found else ""
    labels = str(request.app.url_path_for("labels")) if has(account_of(request), Right.EXPORT_LABELS) else ""
    return page(request, "night.html", night=found, batch=chosen, labels=labels)

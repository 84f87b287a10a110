"""The addresses at which people decide about a finding, confirm what another decided, and open it again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from pipeline.model import Message
from pipeline.report.decisions import Choice
from pipeline.review.clip import Clip, clip_for
from pipeline.review.decisions import DecisionRefused, confirm, decide, reopen
from pipeline.review.rights import Right
from pipeline.review.web import GuardedRoute, Refused, account_of, needs, not_found, office

router = APIRouter(route_class=GuardedRoute, prefix="/clips/{key}/findings/{finding}")
Reason = Annotated[str, Form(max_length=20_000)]
Seen = Annotated[int, Form(ge=0)]


@router.post("/decision", name="decide")
@needs(Right.DECIDE)
def make(
    request: Request, key: str, finding: str, decision: Annotated[Choice, Form()], seen: Seen, reason: Reason = ""
) -> Response:
    """Decide about a finding."""
    book, actor = office(request).ledger, account_of(request).name

    def work(clip: Clip) -> None:
        decide(book, clip, finding, decision, reason, actor, seen)

    return _done(request, key, finding, Right.DECIDE, work)


@router.post("/confirmation", name="confirm")
@needs(Right.CONFIRM)
def second(request: Request, key: str, finding: str, seen: Seen) -> Response:
    """Confirm what another decided."""
    book, actor = office(request).ledger, account_of(request).name

    def work(clip: Clip) -> None:
        confirm(book, clip, finding, actor, seen)

    return _done(request, key, finding, Right.CONFIRM, work)


@router.post("/reopening", name="reopen")
@needs(Right.DECIDE)
def again(request: Request, key: str, finding: str, seen: Seen, reason: Reason = "") -> Response:
    """Open a decided finding again."""
    book, actor = office(request).ledger, account_of(request).name

    def work(clip: Clip) -> None:
        reopen(book, clip, finding, reason, actor, seen)

    return _done(request, key, finding, Right.DECIDE, work)


def _done(request: Request, key: str, finding: str, right: Right, work: Callable[[Clip], None]) -> Response:
    served = office(request)
    clip = clip_for(served.ledger, key, account_of(request), right)
    if clip is None:
        raise not_found()
    try:
        work(clip)
    except DecisionRefused as refused:
        raise Refused(409, Message("Not decided"), refused.args[0]) from refused
    served.index.take_decisions(served.ledger)
    return RedirectResponse(f"{request.app.url_path_for('clip', key=key)}#{finding}", 303)

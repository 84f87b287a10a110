"""The addresses at which copies are approved, made and fetched."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import FileResponse, JSONResponse, RedirectResponse

from pipeline.language import LANGUAGES
from pipeline.model import Message
from pipeline.report.wording import N_
from pipeline.review import audit
from pipeline.review.clip import Clip, clip_for
from pipeline.review.copies import CopyRefused, approval_of, approve
from pipeline.review.copy_views import file_views, wanted
from pipeline.review.exports import told_of
from pipeline.review.making import Kind
from pipeline.review.rights import Right
from pipeline.review.web import GuardedRoute, Refused, account_of, needs, not_found, office, words_of

EXPORTED = "exported"
"""Action in the audit log."""
TYPES = {".pdf": "application/pdf", ".zip": "application/zip"}
NOT_THERE = N_("This file is not there any more. Have it made again.")
NO_STORE = {"Cache-Control": "no-store"}
router = APIRouter(route_class=GuardedRoute, prefix="/clips/{key}")


@router.post("/approvals", name="approve_copy")
@needs(Right.APPROVE_COPIES)
def record(
    request: Request,
    key: str,
    article: Annotated[str, Form(max_length=2000)],
    given_to: Annotated[str, Form(max_length=2000)],
) -> Response:
    """Record that a copy is approved."""
    clip = _clip(request, key, Right.APPROVE_COPIES)
    try:
        approve(office(request).ledger, clip, article, given_to, account_of(request).name)
    except CopyRefused as refused:
        raise Refused(409, Message("Not approved"), refused.args[0]) from refused
    return _back(request, key)


@router.post("/exports", name="make_export")
@needs(Right.EXPORT)
def make(
    request: Request,
    key: str,
    kind: Annotated[Kind, Form()],
    language: Annotated[str, Form(max_length=20)],
    approval: Annotated[str, Form(max_length=20)] = "",
) -> Response:
    """Have a file made."""
    clip, served, who = _clip(request, key, Right.EXPORT), office(request), account_of(request)
    if language not in LANGUAGES or not (approval == "" or (approval.isascii() and approval.isdigit())):
        raise not_found()
    try:
        given = approval_of(served.ledger, clip, int(approval) if approval else None)
    except CopyRefused as refused:
        raise Refused(403, Message("Not allowed"), refused.args[0]) from refused
    standing = served.exports.ask(served.ledger, wanted(served, clip, kind, language, given, who))
    if standing.reason is not None:
        raise Refused(409, Message("Not made"), standing.reason)
    return _back(request, key)


@router.get("/exports", name="exports")
@needs(Right.EXPORT)
def standing(request: Request, key: str) -> Response:
    """Send how far the files of a clip are."""
    clip = _clip(request, key, Right.EXPORT)
    entries = [
        {"name": one.name, "state": one.state, "status": one.status, "percent": one.percent}
        for one in file_views(office(request), clip, account_of(request), words_of(request))
    ]
    return JSONResponse({"entries": entries}, headers=NO_STORE)


@router.get("/exports/{name}", name="export")
@needs(Right.EXPORT)
def fetch(request: Request, key: str, name: str) -> Response:
    """Hand a file over."""
    clip, served = _clip(request, key, Right.EXPORT), office(request)
    file = served.exports.fetch(key, name)
    if file is None:
        raise Refused(404, Message("Not found"), Message(NOT_THERE))
    try:
        approval_of(served.ledger, clip, file.approval)
    except CopyRefused as refused:
        raise Refused(403, Message("Not allowed"), refused.args[0]) from refused
    audit.add(served.ledger, account_of(request).name, EXPORTED, key, told_of(clip, file))
    return FileResponse(file.path, media_type=TYPES[file.path.suffix], filename=file.path.name, headers=NO_STORE)


def _clip(request: Request, key: str, right: Right) -> Clip:
    clip = clip_for(office(request).ledger, key, account_of(request), right)
    if clip is None:
        raise not_found()
    return clip


def _back(request: Request, key: str) -> Response:
    return RedirectResponse(f"{request.app.url_path_for('clip', key=key)}#copies", 303)

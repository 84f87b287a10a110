"""The address of a recording session: the clips of one recorder at one place, on one line of time."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from pipeline.review import audit
from pipeline.review.clip import clip_for
from pipeline.review.coverage import sees_all
from pipeline.review.rights import Right
from pipeline.review.session import session_of
from pipeline.review.session_page import session_page
from pipeline.review.web import GuardedRoute, account_of, needs, not_found, office, page, visible_to, words_of

router = APIRouter(route_class=GuardedRoute)


@router.get("/sessions/{key}", name="session")
@needs(Right.SEE_CLIPS)
def show(request: Request, key: str) -> Response:
    """Show the session that a clip belongs to; the clip is named by the key of its result."""
    served, account = office(request), account_of(request)
    clip = clip_for(served.ledger, key, account, Right.SEE_CLIPS)
    if clip is None:
        raise not_found()
    found = session_of(served.ledger, served.index, clip, visible_to(account))
    about = {"path": clip.document["clip"]["path"], "sha256": clip.document["clip"]["sha256"]}
    audit.add(served.ledger, account.name, "session-viewed", key, {**about, "clips": [one.key for one in found.clips]})
    told = session_page(found, words_of(request))
    return page(request, "session.html", session=told, key=key, is_partial=not sees_all(account))

"""The addresses of the audit log: the log itself, its verification, and its export."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from pipeline.batch.chain import key_id, read_public_key
from pipeline.batch.ledger import Ledger
from pipeline.batch.links import Extent
from pipeline.errors import SettingsError
from pipeline.language import Language
from pipeline.report.wording import NOTHING
from pipeline.review import accounts, audit
from pipeline.review.audit_views import (
    ACTIONS,
    Asked,
    Seen,
    address_of,
    asked_of,
    event_document,
    event_line,
    verified,
)
from pipeline.review.night import Option, figure, moment
from pipeline.review.rights import Right
from pipeline.review.web import GuardedRoute, account_of, needs, not_found, office, page, words_of

ROWS = 50
"""Events of one page."""
AT_ONCE = 1000
"""Events that the export reads at once."""
router = APIRouter(route_class=GuardedRoute, prefix="/audit")


@router.get("", name="audit_log")
@needs(Right.SEE_AUDIT_LOG)
def show(request: Request, before: Annotated[int | None, Query(ge=1)] = None) -> Response:
    """Show the log, the newest events first."""
    served, words, account = office(request), words_of(request), account_of(request)
    asked = asked_of(request.query_params)
    found = audit.page(served.ledger, **_narrowed(asked), before=before, limit=ROWS)
    seen = Seen(account, served.index, found.events)
    reach = audit.extent(served.ledger, _public_key(served.ledger))
    if before is None:
        audit.add(served.ledger, account.name, "audit-viewed", details=asked.said)
    known = {asked.action: asked.action, **ACTIONS} if asked.action not in {"", *ACTIONS} else ACTIONS
    actions = [Option(name, words.text(label), name == asked.action) for name, label in known.items()]
    return page(
        request,
        "audit.html",
        lines=[event_line(event, seen, words) for event in found.events],
        asked=asked,
        actions=[Option("", words.text("anything"), not asked.action), *actions],
        people=[one.name for one in accounts.all_accounts(served.ledger)],
        facts=_facts(reach, words),
        newest=address_of(asked) or "?",
        older="" if found.next is None else address_of(asked, found.next),
        is_first=before is None,
        export=f"{request.app.url_path_for('audit_export')}{address_of(asked)}",
    )


@router.post("/verification", name="audit_verify")
@needs(Right.SEE_AUDIT_LOG)
def verify(request: Request) -> Response:
    """Follow the chain of events, and tell whether anything was done to it."""
    served, words = office(request), words_of(request)
    key = _public_key(served.ledger)
    reach = audit.extent(served.ledger, key)
    problems = audit.verify(served.ledger, key)
    told = {"last": reach.last, "signed": reach.signed.seq if reach.signed else None, "problems": len(problems)}
    audit.add(served.ledger, account_of(request).name, "audit-verified", details=told)
    return page(
        request,
        "audit_verified.html",
        found=verified(reach, problems, words),
        facts=_facts(reach, words),
        key="" if key is None else key_id(key),
    )


@router.get("/log.jsonl", name="audit_export")
@needs(Right.SEE_AUDIT_LOG)
def export(request: Request) -> Response:
    """Send the events that are asked for, one a line, with what their hashes rest on."""
    served, account = office(request), account_of(request)
    asked = asked_of(request.query_params)
    narrowed = _narrowed(asked)
    audit.add(served.ledger, account.name, "audit-exported", details=asked.said)

    def lines() -> Iterator[str]:
        before: int | None = None
        while True:
            found = audit.page(served.ledger, **narrowed, before=before, limit=AT_ONCE)
            seen = Seen(account, served.index, found.events)
            for event in found.events:
                yield json.dumps(event_document(event, seen), ensure_ascii=False) + "\n"
            if found.next is None:
                return
            before = found.next

    headers = {"Content-Disposition": "attachment; filename=audit-log.jsonl", "Cache-Control": "no-store"}
    return StreamingResponse(lines(), media_type="application/x-ndjson", headers=headers)


def _narrowed(asked: Asked) -> dict[str, Any]:
    try:
        return asked.narrowed
    except ValueError as error:
        raise not_found() from error


def _public_key(ledger: Ledger) -> Ed25519PublicKey | None:
    """Return the key beside the ledger; None if there is none that can be read."""
    try:
        return read_public_key(ledger.keys.public)
    except SettingsError:
        return None


def _facts(reach: Extent, words: Language) -> tuple[tuple[str, str], ...]:
    """Return how far the log goes, and how far it is signed."""
    head = reach.signed
    return (
        (words.text("Events"), figure(reach.last, words)),
        (words.text("Signed up to event"), NOTHING if head is None else figure(head.seq, words)),
        (
            words.text("Signed at"),
            NOTHING if head is None else moment(datetime.fromisoformat(head.signed_at).timestamp(), words, "medium"),
        ),
    )

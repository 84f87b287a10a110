"""The address of the labels: what people decided about findings, for those who tune detectors."""

from __future__ import annotations

import io

from fastapi import APIRouter, Request, Response

from pipeline.report.spreadsheet import ENCODING, write_sheet
from pipeline.review import audit
from pipeline.review.labels import SCHEMA, labels
from pipeline.review.rights import Right
from pipeline.review.web import GuardedRoute, account_of, needs, office, visible_to

router = APIRouter(route_class=GuardedRoute)


@router.get("/labels.csv", name="labels")
@needs(Right.EXPORT_LABELS)
def table(request: Request) -> Response:
    """Send the labels of the clips that the account may see, as `unbroken labels export` writes them."""
    served, account = office(request), account_of(request)
    rows = labels(served.ledger, served.index.keys(visible_to(account)))
    audit.add(served.ledger, account.name, "labels-exported", "", {"count": len(rows)})
    text = io.StringIO(newline="")
    write_sheet(rows, SCHEMA.names, text)
    headers = {"Content-Disposition": "attachment; filename=labels.csv", "Cache-Control": "no-store"}
    return Response(text.getvalue().encode(ENCODING), media_type="text/csv", headers=headers)

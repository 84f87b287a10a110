"""The addresses of the statistics: the page, and its table as CSV."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response

from pipeline.batch.summary import Batch, batches_of
from pipeline.report.spreadsheet import ENCODING, write_sheet
from pipeline.review import audit
from pipeline.review.counting import Span, counted
from pipeline.review.coverage import coverage
from pipeline.review.night import batch_options
from pipeline.review.rights import Right
from pipeline.review.statistics_view import GROUPS, statistics_page
from pipeline.review.web import GuardedRoute, account_of, needs, not_found, office, page, visible_to, words_of
from pipeline.statistics import group_rows, kind_rows

MONTH = re.compile(r"\d{4}-\d{2}")
router = APIRouter(route_class=GuardedRoute)


@dataclass(frozen=True, slots=True)
class _Asked:
    batch: Batch
    by: str
    span: Span


def _asked(request: Request, batch: int | None, by: str, unit: str, since: str, until: str) -> _Asked | None:
    """Return what is asked for; None if no batch was run yet."""
    run = batches_of(office(request).ledger)
    if by not in GROUPS or not all(not month or MONTH.fullmatch(month) for month in (since, until)):
        raise not_found()
    chosen = next((one for one in run if batch is None or one.id == batch), None)
    if chosen is None and batch is not None:
        raise not_found()
    return None if chosen is None else _Asked(chosen, by, Span(unit, since, until))


@router.get("/statistics", name="statistics")
@needs(Right.SEE_STATISTICS)
def show(
    request: Request, batch: int | None = None, by: str = "unit", unit: str = "", since: str = "", until: str = ""
) -> Response:
    """Show what the clips of a batch come to, by unit, recorder, month, rule or kind of finding."""
    served, words, account = office(request), words_of(request), account_of(request)
    asked = _asked(request, batch, by, unit, since, until)
    if asked is None:
        return page(request, "statistics.html", told=None)
    scope = served.index.scope(served.ledger, asked.batch.id)
    told = statistics_page(served.index, scope, asked.batch.id, visible_to(account), by, asked.span, words)
    query = {"batch": asked.batch.id, "by": by, "unit": unit, "since": since, "until": until}
    table = f"{request.app.url_path_for('statistics_table')}?{urlencode({n: v for n, v in query.items() if v})}"
    options = batch_options(served.ledger, asked.batch.id, words)
    covered = coverage(account, words)
    return page(request, "statistics.html", told=told, batches=options, table=table, covered=covered)


@router.get("/statistics.csv", name="statistics_table")
@needs(Right.SEE_STATISTICS)
def table(
    request: Request, batch: int | None = None, by: str = "unit", unit: str = "", since: str = "", until: str = ""
) -> Response:
    """Send the table as `unbroken statistics --out` writes it; of kinds as its JSON has them."""
    served, account = office(request), account_of(request)
    asked = _asked(request, batch, by, unit, since, until)
    if asked is None:
        raise not_found()
    scope = served.index.scope(served.ledger, asked.batch.id)
    keys = () if by == "kind" else (by,)
    found = counted(served.index, scope, asked.batch.id, visible_to(account), keys, asked.span)
    rows = kind_rows(found) if by == "kind" else group_rows(found)
    names = [
        *("kind", "clips", "violation", "suspect", "note", "examined", "share", "share_low", "share_high"),
    ] if by == "kind" else [by, *found.total.row()]  # fmt: skip
    details = {"batch": asked.batch.id, "by": by, "unit": unit, "since": since, "until": until, "count": len(rows)}
    audit.add(served.ledger, account.name, "statistics-exported", "", details)
    text = io.StringIO(newline="")
    write_sheet(rows, names, text)
    headers = {"Content-Disposition": f"attachment; filename=statistics-{by}.csv", "Cache-Control": "no-store"}
    return Response(text.getvalue().encode(ENCODING), media_type="text/csv", headers=headers)

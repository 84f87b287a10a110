"""The addresses of spot checks: draw clips, see the draws, and note what a person found in each clip."""

from __future__ import annotations

import secrets
from typing import Annotated, Literal

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from pipeline import spotcheck
from pipeline.batch.summary import batches_of
from pipeline.errors import SettingsError
from pipeline.model import Message
from pipeline.review import audit
from pipeline.review.coverage import coverage
from pipeline.review.night import batch_options
from pipeline.review.rights import Right
from pipeline.review.spot_checks import STRATA, Drawn, drawn_from, draws, keep, note, place
from pipeline.review.spotcheck_view import drawn_row, drawn_view, outcomes
from pipeline.review.statistics_view import GROUPS
from pipeline.review.web import GuardedRoute, Refused, account_of, needs, not_found, office, page, visible_to, words_of

LONGEST = 2000
"""Characters of a text that a person notes."""
Text = Annotated[str, Form(max_length=LONGEST)]
router = APIRouter(route_class=GuardedRoute, prefix="/spot-checks")


def _draws(request: Request) -> list[Drawn]:
    served, account = office(request), account_of(request)
    try:
        return draws(served.ledger, served.index, account, visible_to(account))
    except SettingsError as error:
        raise Refused(409, Message("Not shown"), error.args[0]) from error


def _draw(request: Request, name: str) -> Drawn:
    found = next((one for one in _draws(request) if one.id == name), None)
    if found is None:
        raise not_found()
    return found


@router.get("", name="spot_checks")
@needs(Right.SPOT_CHECK)
def show(request: Request) -> Response:
    """Show the draws, and the form of a new one."""
    served, words, account = office(request), words_of(request), account_of(request)
    run = batches_of(served.ledger)
    return page(
        request,
        "spot_checks.html",
        rows=[drawn_row(one, words) for one in _draws(request)],
        batches=batch_options(served.ledger, run[0].id, words) if run else (),
        strata=[(name, words.text(GROUPS[name])) for name in STRATA],
        most=spotcheck.MOST_SEED,
        covered=coverage(account, words),
        place=place(served.ledger).name,
    )


@router.post("", name="draw_spot_check")
@needs(Right.SPOT_CHECK)
def make(
    request: Request,
    batch: Annotated[int, Form()],
    by: Annotated[list[Literal["unit", "device", "month"]] | None, Form()] = None,
    measure: Annotated[Literal["share", "count"], Form()] = "share",
    size: Annotated[str, Form(max_length=12)] = "5",
    seed: Annotated[str, Form(max_length=12)] = "",
) -> Response:
    """Draw clips of a batch at random."""
    served, account = office(request), account_of(request)
    if all(one.id != batch for one in batches_of(served.ledger)):
        raise not_found()
    try:
        wanted = _wanted(by or [], measure, size.strip(), seed.strip())
        scope = served.index.scope(served.ledger, batch)
        drawn = drawn_from(served.index, served.ledger, scope, batch, visible_to(account), wanted)
        if not drawn.sample:
            raise SettingsError(Message("There is no clip to draw from."))
        keep(served.ledger, drawn, account, batch)
    except SettingsError as error:
        raise Refused(409, Message("Not drawn"), error.args[0]) from error
    audit.sign_head(served.ledger)
    return RedirectResponse(request.app.url_path_for("spot_check", draw=drawn.id), 303)


def _wanted(by: list[Literal["unit", "device", "month"]], measure: str, size: str, seed: str) -> spotcheck.Parameters:
    """Return the parameters of a draw; without a seed one is drawn by lot."""
    number = secrets.randbelow(spotcheck.MOST_SEED + 1) if not seed else _whole(seed)
    keys = [one for one in STRATA if one in by]
    if measure == "count":
        return spotcheck.parameters(number, keys, count=_whole(size))
    try:
        share = float(size)
    except ValueError:
        raise SettingsError(Message("“{text}” is no number.", {"text": size})) from None
    if not 0 < share <= 100:
        raise SettingsError(Message("Give a share above 0 and up to 100 %."))
    return spotcheck.parameters(number, keys, share=share / 100)


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdecimal()):
        raise SettingsError(Message("“{text}” is no whole number.", {"text": text}))
    return int(text)


@router.get("/{draw}", name="spot_check")
@needs(Right.SPOT_CHECK)
def one(request: Request, draw: str) -> Response:
    """Show one draw with its clips."""
    words = words_of(request)
    return page(request, "spot_check.html", draw=drawn_view(_draw(request, draw), words), outcomes=outcomes(words))


@router.post("/{draw}/lines/{line}", name="note_spot_check")
@needs(Right.SPOT_CHECK)
def check(
    request: Request,
    draw: str,
    line: int,
    seen: Annotated[str, Form(max_length=64)],
    outcome: Annotated[Literal["in order", "not in order", "cannot tell"], Form()],
    playback: Text = "",
    remarks: Text = "",
) -> Response:
    """Note what a person found in a clip."""
    served, found = office(request), _draw(request, draw)
    drawn = next((one for one in found.lines if one.number == line), None)
    if drawn is None:
        raise not_found()
    if drawn.seen != seen:
        told = Message("Somebody wrote to this row meanwhile. Go back, load the page again, and look at it.")
        raise Refused(409, Message("Not noted"), told)
    texts = {"outcome": outcome, "playback": playback.strip(), "remarks": remarks.strip()}
    try:
        note(served.ledger, found, drawn, account_of(request), texts)
    except SettingsError as error:
        raise Refused(409, Message("Not noted"), error.args[0]) from error
    return RedirectResponse(f"{request.app.url_path_for('spot_check', draw=draw)}#line-{line}", 303)

"""The addresses of one clip: its page, its timeline, its exact frames, and its footage."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import FileResponse, JSONResponse

from pipeline.errors import FootageError
from pipeline.language import Language
from pipeline.model import Features, Footage, Message
from pipeline.report.stills import GONE
from pipeline.report.wording import N_
from pipeline.review import audit
from pipeline.review.clip import Clip, clip_for
from pipeline.review.clip_view import clip_view
from pipeline.review.copy_views import copies_view
from pipeline.review.decision_views import choices, decision_views
from pipeline.review.frames import FrameFacts, Frames, hidden_times
from pipeline.review.playable import playable
from pipeline.review.rights import Right, may
from pipeline.review.stills import must_be_as_examined
from pipeline.review.timeline import Timeline
from pipeline.review.web import (
    GuardedRoute,
    Refused,
    account_of,
    needs,
    not_found,
    office,
    page,
    words_of,
)
from pipeline.store import must_stay_inside

AROUND = 5
"""Exact frames that are shown before and after."""
NOT_MEASURED = N_("The cache does not hold the measurements of this clip any more. Run the batch again.")
BEHIND = N_("This clip lies behind an address, or was not hashed: its pictures and sound cannot be shown here.")
MAKING = N_("A copy for viewing is being made: {percent} %. Load the page again in a moment.")
router = APIRouter(route_class=GuardedRoute, prefix="/clips/{key}")


def _clip(request: Request, key: str, right: Right) -> Clip:
    """Return a clip that the account may see; for others it does not exist."""
    found = clip_for(office(request).ledger, key, account_of(request), right)
    if found is None:
        raise not_found()
    return found


def _tables(request: Request, clip: Clip) -> tuple[Features, Timeline]:
    found = office(request).clips.tables(clip)
    if found is None:
        raise Refused(404, Message("Not found"), Message(NOT_MEASURED))
    return found


def _footage(clip: Clip) -> Footage:
    """Return the file of a clip, which may have been exchanged for a link since it was examined.

    Raises
    ------
    Refused
        If there is no file that may be shown.
    """
    footage = clip.footage
    if footage is None:
        raise Refused(404, Message("Not found"), Message(BEHIND))
    try:
        must_stay_inside(footage.path, (Path(clip.store),))
        must_be_as_examined(footage)
    except FootageError as error:
        raise Refused(409, Message("Not shown"), error.args[0]) from error
    return footage


def _note(request: Request, action: str, clip: Clip, **details: Any) -> None:
    told = {"path": clip.document["clip"]["path"], "sha256": clip.document["clip"]["sha256"], **details}
    audit.add(office(request).ledger, account_of(request).name, action, clip.key, told)


@router.get("", name="clip")
@needs(Right.SEE_CLIPS)
def show(request: Request, key: str) -> Response:
    """Show a clip with all that was found."""
    clip = _clip(request, key, Right.SEE_CLIPS)
    words, served = words_of(request), office(request)
    view = clip_view(clip, words)
    found = served.clips.tables(clip)
    source, offset_s, unplayable = "", None, ""
    if not may(account_of(request), Right.SEE_FOOTAGE, clip.facts):
        unplayable = words.text("This account may not see pictures and sound.")
    else:
        source, offset_s, unplayable = _player(request, clip, found[0] if found else None, words)
    _note(request, "clip-viewed", clip)

    def link(name: str) -> str:
        return str(request.app.url_path_for(name, key=key))

    data = {
        "duration_s": view.duration_s,
        "offset_s": offset_s,
        "links": {"timeline": link("timeline"), "frames": link("frames")},
        "words": {
            "unread": words.text("the clock could not be read"),
            "loading": words.text("The frames are being made …"),
            "frame": words.text("Frame"),
            "none": words.text("There is no picture."),
            "hidden": words.text("Kept in the file, not shown; time of the media"),
            "difference": words.text("Difference, eight times as bright"),
        },
    }
    told = {name: getattr(view, name) for name in view.__slots__}
    told |= {"source": source, "proxy": offset_s is not None, "unplayable": unplayable}
    told["decisions"] = decision_views(served.ledger, clip, account_of(request), words)
    told["choices"] = choices(words)
    told["key"] = key
    told["copies"] = copies_view(served, clip, account_of(request), words)
    told["back"] = f"{request.app.url_path_for('night')}?batch={clip.batch}"
    return page(request, "clip.html", clip=told, data=data)


def _player(request: Request, clip: Clip, features: Features | None, words: Language) -> tuple[str, float | None, str]:
    """Return where the player finds the clip, how much later a copy shows it (s), and why there is nothing to play."""
    try:
        footage = _footage(clip)
    except Refused as refused:
        return "", None, words.tell(refused.text)
    if features is None:
        return "", None, words.text(NOT_MEASURED)
    if playable(features).direct:
        return str(request.app.url_path_for("media", key=clip.key)), None, ""
    try:
        standing = office(request).proxies.ask(footage, features)
    except FootageError as error:
        return "", None, words.tell(error.args[0])
    if standing.copy is not None:
        return str(request.app.url_path_for("copy", key=clip.key)), standing.copy.time_in_copy(0.0), ""
    if standing.reason is not None:
        return "", None, words.tell(standing.reason)
    return "", None, words.tell(Message(MAKING, {"percent": round(100 * standing.share)}))


@router.get("/timeline", name="timeline")
@needs(Right.SEE_CLIPS)
def timeline(
    request: Request,
    key: str,
    start: float,
    stop: float,
    points: Annotated[int, Query(ge=1, le=4000)] = 1000,
) -> Response:
    """Send what a stretch of the timeline shows."""
    clip = _clip(request, key, Right.SEE_CLIPS)
    if not (math.isfinite(start) and math.isfinite(stop) and start < stop):
        raise not_found()
    _, line = _tables(request, clip)
    return JSONResponse(line.window(start, stop, points, words_of(request)), headers={"Cache-Control": "no-store"})


@router.get("/frames", name="frames")
@needs(Right.SEE_FOOTAGE)
def frames(
    request: Request,
    key: str,
    at: float | None = None,
    frame: int | None = None,
    finding: str | None = None,
) -> Response:
    """Send what is known of the pictures around a time, a picture or a finding, and where each is."""
    clip = _clip(request, key, Right.SEE_FOOTAGE)
    features, _ = _tables(request, clip)
    known = Frames(features)
    told = next((one for one in clip.document["findings"] if one["id"] == finding), None)
    if told is not None:
        around = known.around(told, AROUND, AROUND)
        chosen = next((one.frame for one in around if one.place != "before"), None)
    elif frame is not None:
        if not 0 <= frame < known.count:
            raise not_found()
        first = max(0, frame - AROUND)
        rows = range(first, min(known.count, frame + AROUND + 1))
        around = [known.facts(row, "before" if row < frame else "in" if row == frame else "after") for row in rows]
        chosen = frame
    elif at is not None and math.isfinite(at):
        around = known.at(at, AROUND, AROUND)
        chosen = next((one.frame for one in around if one.place == "in"), None)
    else:
        raise not_found()
    words = words_of(request)
    reason = None if around else words.text("There is no picture here.")
    entries = [
        _frame(request, key, one, around[place - 1] if place else None, words) for place, one in enumerate(around)
    ]
    hidden = [] if told is None else _hidden(request, key, told)
    shown = {"chosen": chosen, "frames": entries, "hidden": hidden, "reason": reason}
    return JSONResponse(shown, headers={"Cache-Control": "no-store"})


def _hidden(request: Request, key: str, told: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return where the pictures are that the file holds and its edit list hides, if a finding tells of such."""

    def link(number: int) -> str:
        return str(request.app.url_path_for("hidden", key=key, finding=told["id"], number=number))

    return [{"time_s": time_s, "still": link(number)} for number, time_s in enumerate(hidden_times(told))]


def _frame(request: Request, key: str, one: FrameFacts, before: FrameFacts | None, words: Language) -> dict[str, Any]:
    def link(name: str, **parts: Any) -> str:
        return str(request.app.url_path_for(name, key=key, **parts))

    packet = one.packet
    facts = [
        ("PTS", one.pts),
        (words.text("Picture type"), one.picture_type),
        (words.text("Key frame"), words.text("yes") if one.key else words.text("no")),
        (words.text("Damaged"), words.text("yes") if one.damaged else words.text("no")),
    ]
    if packet is not None:
        facts += [
            ("DTS", packet.dts),
            (words.text("Bytes"), packet.size_bytes),
            (words.text("Position in the file"), packet.position_bytes),
        ]
    return {
        "frame": one.frame,
        "place": one.place,
        "time_s": one.time_s,
        "key": one.key,
        "type": one.picture_type,
        "still": link("still", frame=one.frame),
        "difference": None if before is None else link("difference", first=before.frame, second=one.frame),
        "facts": [(name, "–" if entry is None else str(entry)) for name, entry in facts],
    }


def _picture(request: Request, make: Callable[[], tuple[Any, Message | None]]) -> Response:
    try:
        path, reason = make()
    except FootageError as error:
        raise Refused(409, Message("Not shown"), error.args[0]) from error
    except IndexError as error:
        raise not_found() from error
    if path is None:
        raise Refused(404, Message("Not shown"), reason or Message(GONE))
    return FileResponse(path, media_type="image/png", headers={"Cache-Control": "private, max-age=3600"})


@router.get("/stills/{frame}.png", name="still")
@needs(Right.SEE_FOOTAGE)
def still(request: Request, key: str, frame: int) -> Response:
    """Send one picture as it was decoded."""
    clip = _clip(request, key, Right.SEE_FOOTAGE)
    features, _ = _tables(request, clip)

    def make() -> tuple[Any, Message | None]:
        taken = office(request).stills.take(_footage(clip), features, [frame])[frame]
        return taken.path, taken.reason

    return _picture(request, make)


@router.get("/hidden/{finding}/{number}.png", name="hidden")
@needs(Right.SEE_FOOTAGE)
def hidden(request: Request, key: str, finding: str, number: int) -> Response:
    """Send one of the pictures that the file holds and its edit list hides."""
    clip = _clip(request, key, Right.SEE_FOOTAGE)
    told = next((one for one in clip.document["findings"] if one["id"] == finding), None)
    times = hidden_times(told) if told is not None else []
    if not 0 <= number < len(times):
        raise not_found()
    features, _ = _tables(request, clip)

    def make() -> tuple[Any, Message | None]:
        taken = office(request).stills.take_hidden(_footage(clip), features, times)[times[number]]
        return taken.path, taken.reason

    return _picture(request, make)


@router.get("/difference/{first}/{second}.png", name="difference")
@needs(Right.SEE_FOOTAGE)
def difference(request: Request, key: str, first: int, second: int) -> Response:
    """Send where two pictures differ."""
    clip = _clip(request, key, Right.SEE_FOOTAGE)
    features, _ = _tables(request, clip)

    def make() -> tuple[Any, Message | None]:
        compared = office(request).stills.compare(_footage(clip), features, first, second)
        return compared.path, compared.reason

    return _picture(request, make)


@router.get("/media", name="media")
@needs(Right.SEE_FOOTAGE)
def media(request: Request, key: str) -> Response:
    """Send the file itself, or a range of it."""
    clip = _clip(request, key, Right.SEE_FOOTAGE)
    footage = _footage(clip)
    features, _ = _tables(request, clip)
    media_type = playable(features).media_type
    if media_type is None:
        raise not_found()
    _note_played(request, clip)
    return FileResponse(footage.path, media_type=media_type, headers={"Cache-Control": "no-store"})


@router.get("/copy", name="copy")
@needs(Right.SEE_FOOTAGE)
def copy(request: Request, key: str) -> Response:
    """Send the copy for viewing, or a range of it."""
    clip = _clip(request, key, Right.SEE_FOOTAGE)
    try:
        standing = office(request).proxies.standing(_footage(clip))
    except FootageError as error:
        raise Refused(409, Message("Not shown"), error.args[0]) from error
    if standing.copy is None:
        raise not_found()
    _note_played(request, clip)
    path = standing.copy.path
    return FileResponse(path, media_type=f"video/{path.suffix[1:]}", headers={"Cache-Control": "no-store"})


def _note_played(request: Request, clip: Clip) -> None:
    """Note that footage was played: with the first range of it, for a player asks for many."""
    asked = request.headers.get("range", "")
    if not asked or asked.replace(" ", "").startswith("bytes=0-"):
        _note(request, "footage-played", clip)

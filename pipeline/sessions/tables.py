"""The tables that tell a clip of the others: `recording`, `siblings`, `joins`."""

from __future__ import annotations

import math
from pathlib import Path

from pipeline.features.schema import table
from pipeline.model import Table
from pipeline.sessions.chain import Chain
from pipeline.sessions.clips import Clip
from pipeline.sessions.joins import Join


def tables(found: Chain, path: Path) -> dict[str, Table]:
    """Return the tables `recording`, `siblings` and `joins` of a clip; the last two only if there are other clips.

    Parameters
    ----------
    found : Chain
    path : Path
        The clip; a copy of another clip stands where that one stands.
    """
    of = next((original.path for copy, original in found.copies if copy.path == path), path)
    session = found.by_path.get(of)
    if session is None:
        return {}
    at = next(n for n, clip in enumerate(session.clips) if clip.path == of)
    clip = session.clips[at]
    kin: list[tuple[Clip, int | None]] = [
        (other, number - at) for number, other in enumerate(session.clips) if number != at
    ]
    inside = {other.path for other in session.clips}
    for case in clip.stated("case_number"):
        kin += [(other, None) for other in found.by_case[case] if other.path not in inside]
    result = {"recording": clip.recording.table()}
    if kin:
        result["siblings"] = table("siblings", [_sibling(clip, other, position) for other, position in kin])
    listed = set(clip.stated("clips"))
    alone = bool(listed) and listed <= {clip.path.name, *(other.path.name for other, _ in kin)}
    if len(session.clips) > 1 or alone:
        result["joins"] = table("joins", [_row(one, clip) for one in session.joins])
    return result


def _sibling(clip: Clip, other: Clip, position: int | None) -> dict[str, object]:
    start, own = other.recording.started_at, clip.recording.started_at
    start_s = (start - own).total_seconds() if start and own else math.nan
    number = clip.stated("case_number")
    return {
        "clip": other.label,
        "session": position is not None,
        "case": bool(number) and other.stated("case_number") == number,
        "start_s": start_s,
        "stop_s": start_s + other.duration_s,
        "phases": " ".join(other.stated("phases_recorded")),
        "position": position,
        "notice": other.notice.kind if other.notice else None,
        "notice_s": other.notice.span.start_s if other.notice else math.nan,
        "place": other.place.kind if other.place else None,
        "place_s": other.place.span.start_s if other.place else math.nan,
    }


def _row(one: Join, clip: Clip) -> dict[str, object]:
    here = "before" if one.before is clip else "after" if one.after is clip else None
    return {
        "before": one.before.label,
        "after": one.after.label,
        "here": here,
        "gap_s": one.gap_s,
        "within_s": one.within_s,
        "before_s": one.before.duration_s,
        "after_s": one.after.duration_s,
        "time_from": one.time_from,
        "conflict_s": one.conflict_s,
        "numbers": one.numbers,
        "same_place": None if one.same_place is None else "yes" if one.same_place else "no",
        "picture_ratio": one.picture_ratio,
        "sound_step_db": one.sound_step_db,
        "unread": ", ".join(one.unread) or None,
        "stated": one.stated,
    }

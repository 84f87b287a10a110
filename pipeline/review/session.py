"""The recording session of a clip: the results that belong to one recording, as far as an account may see them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from sqlalchemy import select, true

from detectors.overlay_identity import folded
from pipeline.batch.documents import shown
from pipeline.batch.ledger import Ledger
from pipeline.case import CaseRecord
from pipeline.report.grouping import ZONE
from pipeline.review.clip import Clip, settings_of
from pipeline.review.index import ReviewIndex, Visible
from pipeline.review.index_tables import clips
from pipeline.sessions.chain import BETWEEN, chain
from pipeline.sessions.clips import Clip as Link
from pipeline.sessions.naming import read_name
from pipeline.sessions.recording import Recording
from pipeline.stages import NAMES, SESSIONS

MOST = 400
"""Clips of a session that are shown: those nearest to the one that was asked for."""
GAP_MIN = 30.0
"""Minutes without a recording after which a session ends, where the settings name no other number."""


@dataclass(frozen=True, slots=True)
class _Kin:
    """A clip that may be of the same recorder, as the index has it."""

    key: str
    shown: str
    device: str | None
    started_at: float | None
    duration_s: float
    case_number: str | None


@dataclass(frozen=True, slots=True)
class Told:
    """One clip of a session."""

    key: str
    document: Mapping[str, Any]
    started_at: float | None
    """Seconds since 1970, like the next."""
    ended_at: float | None


@dataclass(frozen=True, slots=True)
class Across:
    """A finding of what lies between clips, or of when one was recorded."""

    finding: Mapping[str, Any]
    before: int | None
    """Place of the clip before, in the session; None: it is of another session."""
    after: int | None
    clip: int
    """Place of the clip that has the finding."""


@dataclass(frozen=True, slots=True)
class SessionOf:
    """The session of a clip."""

    clips: tuple[Told, ...]
    """In the order in which they were recorded."""
    here: int
    """Place of the clip that was asked for."""
    across: tuple[Across, ...]
    """In the order of the clips."""
    is_cut: bool
    """There are more than `MOST`."""


def session_of(ledger: Ledger, index: ReviewIndex, clip: Clip, visible: Visible) -> SessionOf:
    """Return the session of a clip, of the results that its batch, or a later one of its scope, asked for.

    Sessions are parted by `pipeline.sessions.chain.chain`, as everywhere, from what the results tell of each clip. What
    lies between clips is what was found when the batch judged them: findings that name a clip which may not be seen
    are left out.

    Parameters
    ----------
    ledger : Ledger
    index : ReviewIndex
    clip : Clip
        It may be seen.
    visible : Visible
        Other clips are left out, as if there were none.
    """
    kin = _of_recorder(index, ledger, clip, visible)
    near, is_cut = _near(kin, clip, _gap_min(clip))
    documents = {row.key: json.loads(ledger.result(row.key) or "null") for row in near}
    told = {key: document for key, document in documents.items() if document is not None and key != clip.key}
    links = {key: _link(document, clip) for key, document in {clip.key: clip.document, **told}.items()}
    found = chain(list(links.values()), session_gap_min=_gap_min(clip))
    own = links[clip.key].path
    first_of = {copy.path: of.path for copy, of in found.copies}
    session = found.by_path[first_of.get(own, own)]
    keys = {link.path: key for key, link in links.items()}
    keys[first_of.get(own, own)] = clip.key  # of copies, the one that was asked for is shown
    chosen = [keys[link.path] for link in session.clips]
    shown_clips = tuple(_told(key, clip.document if key == clip.key else told[key]) for key in chosen)
    known = [_full(clip, row.shown) for row in kin] + [clip.document["clip"]["path"]]
    return SessionOf(shown_clips, chosen.index(clip.key), tuple(_across(shown_clips, known)), is_cut)


def _gap_min(clip: Clip) -> float:
    return float(settings_of(clip).section(SESSIONS).get("session_gap_min", GAP_MIN))


def _of_recorder(index: ReviewIndex, ledger: Ledger, clip: Clip, visible: Visible) -> list[_Kin]:
    """Return the clips that may be of the same recorder, without this one, in order of time."""
    of = index.conditions(index.scope(ledger, clip.batch), clip.batch, visible)
    wanted = select(clips.c.key, clips.c.shown, clips.c.device, clips.c.started_at, clips.c.duration_s,
                    clips.c.case_number).where(*of, clips.c.path != clip.path)  # fmt: skip
    with index.engine.connect() as connection:
        every = connection.scalars(select(clips.c.device).distinct().where(*of, clips.c.device.is_not(None)))
        devices: dict[str, list[str]] = {}
        for device in every:
            devices.setdefault(folded(device) or device, []).append(device)

        def those(*conditions: Any) -> list[_Kin]:
            return [_Kin(*row) for row in connection.execute(wanted.where(*conditions))]

        def in_folder(folder: str) -> list[_Kin]:
            inside = clips.c.shown.startswith(f"{folder}/", autoescape=True) if folder else true()
            return [row for row in those(inside) if _folder(row.shown) == folder]

        mine = device_of(clip.document)
        folder = _folder(shown(clip.path))
        if mine is None:
            beside = in_folder(folder)
            named = {folded(row.device) or row.device for row in beside if row.device}
            if len(named) != 1:
                return _by_time([row for row in beside if not row.device])
            mine = named.pop()
        alike = devices.get(folded(mine) or mine, [])
        found = {row.key: row for row in those(clips.c.device.in_(alike))}
        unnamed = connection.execute(wanted.where(clips.c.device.is_(None)).limit(1)).first() is not None
        for one in {folder, *(_folder(row.shown) for row in found.values())} if unnamed else ():
            found |= {row.key: row for row in in_folder(one) if not row.device}
    return _by_time(list(found.values()))


def _by_time(rows: list[_Kin]) -> list[_Kin]:
    return sorted(rows, key=lambda row: (row.started_at is None, row.started_at or 0.0, row.shown))


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


def _near(kin: list[_Kin], clip: Clip, gap_min: float) -> tuple[list[_Kin], bool]:
    """Return the clips that can be of one session with a clip, going by their times alone, and whether some are cut."""
    told = clip.document["clip"]
    case = (told.get("case") or {}).get("case_number")
    start, _ = _times(clip.document)
    own = _Kin(clip.key, shown(clip.path), device_of(clip.document), start, told["duration_s"], case)
    timeless = [row for row in kin if row.started_at is None]
    runs: list[list[_Kin]] = []
    end = 0.0
    for row in _by_time([own, *kin]):
        at = row.started_at
        if at is None:
            break
        if not runs or (at - end > 60 * gap_min and not _same_day(runs[-1][-1], row)):
            runs.append([])
        runs[-1].append(row)
        end = max(end, at + row.duration_s)
    run = next((run for run in runs if own in run), runs[-1] if runs else [])
    near = [row for row in run if row is not own] + (timeless if not runs or run is runs[-1] else [])
    if start is not None:
        near.sort(key=lambda row: (row.started_at is None, abs((row.started_at or 0.0) - start)))
    return near[: MOST - 1], len(near) >= MOST


def _same_day(before: _Kin, after: _Kin) -> bool:
    """Tell whether two clips are of one case and of one day: then no gap parts them."""
    if not before.case_number or before.case_number != after.case_number:
        return False
    return _day(before.started_at or 0.0) == _day(after.started_at or 0.0)


def _day(seconds: float) -> object:
    return datetime.fromtimestamp(seconds, ZONE).date()


def device_of(document: Mapping[str, Any]) -> str | None:
    """Return the recorder that a result names."""
    told = document["clip"]
    device: str | None = (told.get("recording") or {}).get("device_id") or told.get("device_id")
    return device


def _times(document: Mapping[str, Any]) -> tuple[float | None, float | None]:
    """Return when a clip begins and ends, in seconds since 1970, as it was determined."""
    recording = document["clip"].get("recording") or {}
    start, end = _moment(recording.get("started_at")), _moment(recording.get("ended_at"))
    return (None if start is None else start.timestamp()), (None if end is None else end.timestamp())


def _moment(text: str | None) -> datetime | None:
    try:
        read = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return read if read.tzinfo else read.replace(tzinfo=ZONE)


def _told(key: str, document: Mapping[str, Any]) -> Told:
    start, end = _times(document)
    if start is not None and (end is None or end < start):
        end = start + float(document["clip"]["duration_s"])
    return Told(key, document, start, end)


def _link(document: Mapping[str, Any], asked: Clip) -> Link:
    """Return what a chain needs to know of a clip, from its result."""
    told = document["clip"]
    recording, case = told.get("recording") or {}, told.get("case") or {}
    path = Path(told["path"])
    within_s = recording.get("time_within_s")
    named = (("case_number", case.get("case_number")), ("place.names", case.get("place")))
    return Link(
        path=path,
        sha256=told["sha256"] or "",
        label=path.name,
        recording=Recording(
            device_of(document),
            recording.get("device_from"),
            _moment(recording.get("started_at")),
            _moment(recording.get("ended_at")),
            recording.get("time_from"),
            float("nan") if within_s is None else within_s,
            recording.get("number"),
        ),
        name=read_name(path, **settings_of(asked).section(NAMES)),
        case=CaseRecord(path, tuple((field, value) for field, value in named if value)),
        duration_s=told["duration_s"],
        readable=document["unreadable"] is None,
    )


def _full(clip: Clip, path: str) -> str:
    return f"{os.fspath(clip.store).rstrip('/')}/{path}"


def _across(told: tuple[Told, ...], known: list[str]) -> Iterator[Across]:
    """Yield each finding of what lies between clips once; `known` are the paths of all clips that may be named."""
    paths = [one.document["clip"]["path"] for one in told]
    seen: set[tuple[Any, ...]] = set()
    found = []
    for place, one in enumerate(told):
        for finding in one.document["findings"]:
            if finding["kind"] not in BETWEEN:
                continue
            evidence = finding.get("evidence") or {}
            names = [evidence[name] for name in ("before", "after") if evidence.get(name)]
            names += [name for name in (evidence.get("unread") or "").split(", ") if name]
            if not all(any(_is(path, name) for path in known) for name in names):
                continue
            about = (finding["kind"], *names) if names else (finding["kind"], place, finding["id"])
            if about in seen:
                continue
            seen.add(about)
            ends = [next((n for n, path in enumerate(paths) if _is(path, evidence.get(name))), None)
                    for name in ("before", "after")]  # fmt: skip
            found.append(Across(finding, ends[0], ends[1], place))
    yield from sorted(found, key=lambda one: one.after if one.after is not None else one.clip)


def _is(path: str, label: str | None) -> bool:
    """Tell whether a chain's label, a file name with as many folders as it takes, names a path."""
    return bool(label) and (path == label or path.endswith(f"/{label}"))


def lanes(told: tuple[Told, ...]) -> list[int | None]:
    """Return a row for each clip so that none lies over another; None: nothing says when it was recorded."""
    free: list[float] = []
    rows: list[int | None] = []
    for one in told:
        if one.started_at is None or one.ended_at is None:
            rows.append(None)
            continue
        start = one.started_at
        row = next((n for n, until in enumerate(free) if until <= start), len(free))
        free[row:row + 1] = [one.ended_at]  # fmt: skip
        rows.append(row)
    return rows


def overlaps(told: tuple[Told, ...]) -> list[tuple[float, float]]:
    """Return the stretches in which two clips that follow each other both run, in seconds since 1970."""
    found = []
    timed = [one for one in told if one.started_at is not None and one.ended_at is not None]
    for before, after in pairwise(timed):
        assert before.ended_at is not None and after.started_at is not None and after.ended_at is not None
        if after.started_at < before.ended_at:
            found.append((after.started_at, min(before.ended_at, after.ended_at)))
    return found

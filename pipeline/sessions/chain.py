"""Clips of one recorder in the order in which they were taken, parted into recording sessions, and what joins them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Annotated

import numpy as np
from annotated_types import Gt

from detectors.overlay_identity import folded
from pipeline.sessions.clips import Clip
from pipeline.sessions.joins import Join, join, joins_of, same

BETWEEN = frozenset({"recording-gap", "sequence-missing", "overlap", "gap-explained", "late-recording"})
"""Kinds of finding that tell of what lies between two clips."""


@dataclass(frozen=True, slots=True, eq=False)
class Session:
    """Clips of one recorder at one place, in order; those that could not be examined are among them."""

    clips: tuple[Clip, ...]
    joins: tuple[Join, ...]

    @property
    def device_id(self) -> str | None:
        """The recorder, None if no clip names it."""
        return next((clip.recording.device_id for clip in self.clips if clip.recording.device_id), None)


@dataclass(frozen=True, slots=True, eq=False)
class Chain:
    """All clips that were examined together."""

    sessions: tuple[Session, ...]
    copies: tuple[tuple[Clip, Clip], ...] = ()
    """Each clip whose content is that of another one, and that one: it takes no part in a session."""
    by_path: Mapping[Path, Session] = field(default_factory=dict)
    """The session of each clip; copies are in none."""
    by_case: Mapping[str, tuple[Clip, ...]] = field(default_factory=dict)
    """The clips of each case, by its number."""


def chain(clips: Sequence[Clip], *, session_gap_min: Annotated[float, Gt(0)] = 30.0) -> Chain:
    """Put clips together by recorder, order them, and part them into recording sessions.

    A session ends where the case records name another place or another case, and otherwise where nothing was recorded
    for `session_gap_min` unless both clips are stated to be of one case and are of one day: that they are of another
    place nobody says. A clip whose recorder is not known goes to the only recorder of its folder; where there are
    several or none, such clips are put together by folder and naming scheme.

    Parameters
    ----------
    clips : sequence of Clip
        In any order; of equal contents the first counts.
    session_gap_min : float
        Minutes without a recording after which a new session begins where nothing says that it is the same.
    """
    own, copies = _without_copies(clips)
    own = _labelled(own)
    only = _only_recorders(own)
    groups: dict[tuple[object, ...], list[Clip]] = {}
    for clip in own:
        groups.setdefault(_recorder(clip) or only.get(clip.path.parent) or _unknown(clip), []).append(clip)
    sessions = [
        session
        for _, group in sorted(groups.items(), key=lambda one: repr(one[0]))
        for session in _sessions(group, session_gap_min)
    ]
    labels = {clip.path: clip.label for clip in own}
    named = tuple((copy, replace(of, label=labels[of.path])) for copy, of in copies)
    sessions.sort(key=_begin)
    by_case: dict[str, list[Clip]] = {}
    for session in sessions:
        for clip in session.clips:
            for number in clip.stated("case_number"):
                by_case.setdefault(number, []).append(clip)
    return Chain(
        tuple(sessions),
        named,
        {clip.path: session for session in sessions for clip in session.clips},
        {number: tuple(group) for number, group in by_case.items()},
    )


def _begin(session: Session) -> tuple[bool, float, str]:
    start = next((clip.recording.started_at for clip in session.clips if clip.recording.started_at), None)
    return start is None, start.timestamp() if start else 0.0, session.clips[0].label


def _without_copies(clips: Sequence[Clip]) -> tuple[list[Clip], list[tuple[Clip, Clip]]]:
    first: dict[str, Clip] = {}
    own: list[Clip] = []
    copies: list[tuple[Clip, Clip]] = []
    for clip in clips:
        if clip.sha256 and clip.sha256 in first:
            copies.append((clip, first[clip.sha256]))
        else:
            first.setdefault(clip.sha256, clip)
            own.append(clip)
    return own, copies


def _labelled(clips: list[Clip]) -> list[Clip]:
    """Return the clips with labels that differ: the file name, and as many folders before it as that takes."""
    names: dict[str, list[Clip]] = {}
    for clip in clips:
        names.setdefault(clip.path.name, []).append(clip)
    labels: dict[Path, str] = {}
    for name, alike in names.items():
        most = max(len(clip.path.parts) for clip in alike)
        parts = next(n for n in range(1, most + 1) if n == most or len({_tail(c.path, n) for c in alike}) == len(alike))
        labels |= {clip.path: _tail(clip.path, parts) if len(alike) > 1 else name for clip in alike}
    return [replace(clip, label=labels[clip.path]) for clip in clips]


def _tail(path: Path, parts: int) -> str:
    return "/".join(path.parts[-parts:])


def _recorder(clip: Clip) -> tuple[object, ...] | None:
    device = clip.recording.device_id
    return ("device", folded(device) or device) if device else None


def _only_recorders(clips: Sequence[Clip]) -> dict[Path, tuple[object, ...]]:
    """Return the folders in which all clips that name a recorder name the same, and that recorder."""
    named: dict[Path, set[tuple[object, ...]]] = {}
    for clip in clips:
        if (recorder := _recorder(clip)) is not None:
            named.setdefault(clip.path.parent, set()).add(recorder)
    return {folder: next(iter(found)) for folder, found in named.items() if len(found) == 1}


def _unknown(clip: Clip) -> tuple[object, ...]:
    return ("unknown", str(clip.path.parent), clip.name.scheme if clip.name else "")


def _sessions(group: Sequence[Clip], session_gap_min: float) -> list[Session]:
    ordered = sorted(_by_metadata(group), key=_order)
    runs: list[list[Clip]] = []
    for clip in ordered:
        if runs and not _parted(runs[-1], clip, session_gap_min):
            runs[-1].append(clip)
        else:
            runs.append([clip])
    found, before = [], None
    for run in runs:
        joins = joins_of(run)
        readable = [clip for clip in run if clip.readable]
        if before is not None and readable and (across := join(before, readable[0])).numbers not in (None, 1):
            joins.insert(0, replace(across, same_place=False))  # a number that lacks between two sessions
        found.append(Session(tuple(run), tuple(joins)))
        before = readable[-1] if readable else before
    return found


def _order(clip: Clip) -> tuple[bool, float, int, int, str]:
    start = clip.recording.started_at
    number, chapter = (clip.name.number, clip.name.chapter) if clip.name else (None, None)
    return start is None, start.timestamp() if start else 0.0, number or 0, chapter or 0, clip.label


def _by_metadata(group: Sequence[Clip]) -> list[Clip]:
    """Return the clips with their creation times taken for their ends, if they follow each other better so.

    Recorders write the creation time when they begin or when they end a file. Where the clips of one recorder have no
    better time, that reading is taken by which the holes between them come out smallest; where two clips alone leave
    it open, their times are only as sure as the two readings agree.
    """
    told = [clip for clip in group if clip.times and clip.times[0].source == "metadata" and clip.readable]
    if len(told) < 2:
        return list(group)
    begun = sorted(told, key=lambda clip: clip.times[0].started_at)
    as_start = [(b.times[0].started_at - a.times[0].ended_at).total_seconds() for a, b in pairwise(begun)]
    as_end = [
        (b.times[0].started_at - a.times[0].started_at).total_seconds() - b.duration_s for a, b in pairwise(begun)
    ]
    ends = float(np.median(np.abs(as_end))) < float(np.median(np.abs(as_start)))
    apart_s = max(abs(one - other) for one, other in zip(as_start, as_end, strict=True))
    doubt_s = apart_s if len(told) == 2 else 0.0
    changed = {clip.path: _moved(clip, ends, doubt_s) for clip in told}
    return [changed.get(clip.path, clip) for clip in group]


def _moved(clip: Clip, ends: bool, doubt_s: float) -> Clip:
    back = timedelta(seconds=clip.duration_s if ends else 0.0)
    best = clip.times[0]
    within_s = best.within_s + doubt_s / 2
    best = replace(best, started_at=best.started_at - back, ended_at=best.ended_at - back, within_s=within_s)
    recording = replace(clip.recording, started_at=best.started_at, ended_at=best.ended_at, within_s=within_s)
    return replace(clip, times=(best, *clip.times[1:]), recording=recording)


def _parted(run: Sequence[Clip], clip: Clip, session_gap_min: float) -> bool:
    """Tell whether a clip begins a new session."""
    before = run[-1]
    place, number = same(before, clip, "place.names"), same(before, clip, "case_number")
    if place is False or number is False:
        return True
    if clip.recording.started_at is None or before.recording.started_at is None:
        return False  # by their numbers alone they follow each other
    ended = [c.recording.ended_at for c in run if c.recording.ended_at]
    gap = clip.recording.started_at - max(ended, default=clip.recording.started_at)
    if gap <= timedelta(minutes=session_gap_min):
        return False
    return not (number and before.recording.started_at.date() == clip.recording.started_at.date())

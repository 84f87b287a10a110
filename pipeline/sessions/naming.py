"""What the file name of a clip says, by the naming schemes of recorders and by patterns of the user's own."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path, PurePath
from typing import Annotated

from pydantic import AfterValidator

GROUPS = frozenset({"device", "user", "unit", "date", "time", "start", "stop", "number", "chapter", "mark"})
"""Named groups that a pattern may have."""


@dataclass(frozen=True, slots=True)
class Name:
    """What a file name says; None where it says nothing."""

    scheme: str
    device: str | None = None
    user: str | None = None
    unit: str | None = None
    started_at: datetime | None = None
    """Local time, to the second; without a zone."""
    stopped_at: datetime | None = None
    number: int | None = None
    """In the recorder's sequence of files."""
    digits: int = 0
    """With how many figures the number is written: it wraps after the largest."""
    chapter: int | None = None
    """Part of one recording, which the recorder split by itself."""
    mark: str | None = None
    """The recorder's mark for a file of weight (IMP)."""


def _compiled(pattern: str) -> str:
    try:
        groups = re.compile(pattern).groupindex.keys()
    except re.error as error:
        raise ValueError(f"{pattern!r} is no regular expression: {error}") from error
    if unknown := sorted(groups - GROUPS):
        raise ValueError(f"{pattern!r} has unknown groups {', '.join(unknown)}. Known: {', '.join(sorted(GROUPS))}")
    if not groups & {"device", "date", "start", "number"}:
        raise ValueError(
            f"{pattern!r} names neither a device nor a time nor a number: write (?P<device>…), for example"
        )
    return pattern


Pattern = Annotated[str, AfterValidator(_compiled)]


@cache
def schemes() -> tuple[tuple[str, str, str], ...]:
    """Return name, example and pattern of the schemes that come with the product."""
    entries = tomllib.loads(Path(__file__).with_name("schemes.toml").read_text(encoding="utf-8"))["scheme"]
    return tuple((entry["name"], entry["example"], _compiled(entry["pattern"])) for entry in entries)


def read_name(path: PurePath | str, *, patterns: tuple[Pattern, ...] = ()) -> Name | None:
    """Return what a file name says; None if no scheme fits it.

    Parameters
    ----------
    path : path or str
        Only its last part counts, without its ending.
    patterns : tuple of str
        Regular expressions that are tried before the schemes that come with the product; they must fit the whole name
        without its ending. Named groups: device, user, unit, date, time, start, stop, number, chapter, mark.
    """
    stem = PurePath(path).stem
    own = [("own pattern", pattern) for pattern in patterns]
    for scheme, pattern in (*own, *((name, pattern) for name, _, pattern in schemes())):
        found = re.fullmatch(pattern, stem)
        name = _name(scheme, found.groupdict()) if found else None
        if name is not None:
            return name
    return None


def _name(scheme: str, groups: dict[str, str | None]) -> Name | None:
    """Return what the groups of a match say; None if what should be a time is none."""
    date, time, stop = groups.get("date"), groups.get("time"), groups.get("stop")
    text = groups.get("start") or (f"{date}{time}" if date and time else None)
    started = _moment(text)
    if text and started is None:
        return None
    stopped = None
    if started and stop:
        stopped = _moment(stop) or _moment(f"{started:%Y%m%d}{stop}")
        if stopped is not None and stopped < started:
            stopped += timedelta(days=1)
    number, chapter = groups.get("number"), groups.get("chapter")
    return Name(
        scheme=scheme,
        device=groups.get("device"),
        user=groups.get("user"),
        unit=groups.get("unit"),
        started_at=started,
        stopped_at=stopped,
        number=int(number) if number else None,
        digits=len(number or ""),
        chapter=int(chapter) if chapter else None,
        mark=groups.get("mark"),
    )


def _moment(text: str | None) -> datetime | None:
    figures = re.sub(r"\D", "", text or "")
    form = {14: "%Y%m%d%H%M%S", 12: "%y%m%d%H%M%S"}.get(len(figures))
    if form is None:
        return None
    try:
        return datetime.strptime(figures, form)
    except ValueError:
        return None

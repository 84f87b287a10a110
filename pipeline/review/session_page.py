"""The page of a recording session: its clips on one line of real time, a table, and what lies between them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pipeline.language import Language
from pipeline.model import Level, Message
from pipeline.report.grouping import ZONE
from pipeline.report.page import Badge
from pipeline.report.results import UNREADABLE
from pipeline.report.wording import LEVELS, N_, NOTHING, clock, shown, title
from pipeline.report.wording import figure as digits
from pipeline.review.clip_view import sentence_of
from pipeline.review.night import counted_badge, moment
from pipeline.review.session import Across, SessionOf, Told, device_of, lanes, overlaps

SOURCES = {
    "overlay": N_("the clock in the picture"),
    "metadata": N_("the file’s own metadata"),
    "name": N_("the file name"),
    "case": N_("the case record"),
}
"""What says when a clip was recorded."""
STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400, 172800, 604800)
TICKS = 4
EDGE, LEAST, NUMBERED = 1.0, 0.4, 3.5
"""Per cent of the picture's width: free at either side; least length of a clip, and of one that shows its number."""
TOP, ROW, BAR = 24, 34, 24
"""Pixels: room for the hours, height of a row, and of a clip in it."""


@dataclass(frozen=True, slots=True)
class Box:
    """A stretch of time in the picture: per cent of its width, and pixels."""

    style: str
    x: float
    width: float
    y: int
    height: int
    number: str
    is_here: bool
    tells: str


@dataclass(frozen=True, slots=True)
class Sign:
    """A mark at one moment."""

    style: str
    x: float
    tells: str


@dataclass(frozen=True, slots=True)
class Tick:
    """A moment of the axis."""

    x: float
    label: str
    anchor: str


@dataclass(frozen=True, slots=True)
class Figure:
    """The picture."""

    height: int
    clips: tuple[Box, ...]
    gaps: tuple[Box, ...]
    overlaps: tuple[Box, ...]
    missing: tuple[Sign, ...]
    ticks: tuple[Tick, ...]
    tells: str


@dataclass(frozen=True, slots=True)
class Line:
    """One clip of the table."""

    number: int
    key: str
    name: str
    start: str
    end: str
    source: str
    file_number: str
    length: str
    verdict: Badge
    is_here: bool


@dataclass(frozen=True, slots=True)
class Between:
    """What lies between clips, in words."""

    title: str
    level: Badge
    text: str
    clips: tuple[int, ...]
    """Numbers of the clips in the table."""


@dataclass(frozen=True, slots=True)
class SessionPage:
    """All that the page shows."""

    recorder: str
    facts: tuple[tuple[str, str], ...]
    figure: Figure | None
    """None: nothing says when any of the clips was recorded."""
    lines: tuple[Line, ...]
    between: tuple[Between, ...]
    is_cut: bool


def session_page(found: SessionOf, words: Language) -> SessionPage:
    """Return a session in the reader's language."""
    recorders = [device_of(one.document) for one in found.clips]
    return SessionPage(
        recorder=next((shown(one) for one in recorders if one), words.text("recorder not known")),
        facts=tuple(_facts(found, words)),
        figure=_figure(found, words),
        lines=tuple(_line(number, one, found, words) for number, one in enumerate(found.clips, 1)),
        between=tuple(_between(one, words) for one in found.across),
        is_cut=found.is_cut,
    )


def _recording(told: Told) -> dict[str, object]:
    return told.document["clip"].get("recording") or {}


def _facts(found: SessionOf, words: Language) -> list[tuple[str, str]]:
    _ = words.text
    starts = [one.started_at for one in found.clips if one.started_at is not None]
    ends = [one.ended_at for one in found.clips if one.ended_at is not None]
    facts = [
        (_("Clips"), str(len(found.clips))),
        (_("Recorded from"), moment(min(starts, default=None), words, "medium")),
        (_("Recorded until"), moment(max(ends, default=None), words, "medium")),
        (_("Recorded in all"), clock(sum(one.document["clip"]["duration_s"] for one in found.clips), 0)),
    ]
    for name, label in (
        ("case_number", N_("Case number")),
        ("unit", N_("Unit")),
        ("place", N_("Place of enforcement")),
    ):
        stated = dict.fromkeys((one.document["clip"].get("case") or {}).get(name) for one in found.clips)
        if told := [shown(one) for one in stated if one]:
            facts.append((_(label), "、".join(told) if words.tag == "zh-CN" else ", ".join(told)))
    return facts


def _line(number: int, told: Told, found: SessionOf, words: Language) -> Line:
    recording, document = _recording(told), told.document
    source, within_s = recording.get("time_from"), recording.get("time_within_s")
    named = words.text(SOURCES[str(source)]) if source in SOURCES else shown(str(source)) if source else NOTHING
    if source and isinstance(within_s, int | float):
        named += f" (± {digits(float(within_s))} s)"
    counted = UNREADABLE if document["unreadable"] is not None else document["verdict"]
    file_number = recording.get("number")
    return Line(
        number=number,
        key=told.key,
        name=shown(document["clip"]["path"].rpartition("/")[2]),
        start=moment(told.started_at, words, "medium"),
        end=moment(told.ended_at, words, "medium"),
        source=named,
        file_number=NOTHING if file_number is None else str(file_number),
        length=clock(document["clip"]["duration_s"], 0),
        verdict=counted_badge(counted, words),
        is_here=number - 1 == found.here,
    )


def _between(one: Across, words: Language) -> Between:
    finding = one.finding
    level = Level(finding["level"])
    places = dict.fromkeys(place for place in (one.before, one.after) if place is not None)
    return Between(
        title(finding["kind"], words),
        Badge(words.text(LEVELS[level]), str(level), ""),
        sentence_of(finding, "summary", words),
        tuple(place + 1 for place in (places or {one.clip: None})),
    )


def _figure(found: SessionOf, words: Language) -> Figure | None:
    rows = lanes(found.clips)
    starts = [one.started_at for one in found.clips if one.started_at is not None]
    ends = [one.ended_at for one in found.clips if one.ended_at is not None]
    if not starts:
        return None
    first, whole = min(starts), max(max(ends) - min(starts), 1.0)

    def at(seconds: float) -> float:
        return EDGE + (100 - 2 * EDGE) * (seconds - first) / whole

    boxes = []
    for number, (one, row) in enumerate(zip(found.clips, rows, strict=True), 1):
        if row is None or one.started_at is None or one.ended_at is None:
            continue
        width = max(at(one.ended_at) - at(one.started_at), LEAST)
        counted = UNREADABLE if one.document["unreadable"] is not None else one.document["verdict"]
        name = shown(one.document["clip"]["path"].rpartition("/")[2])
        told = f"{number} · {name} · {_hour(one.started_at)}–{_hour(one.ended_at)}"
        label = str(number) if width >= NUMBERED else ""
        style = counted.replace("not applicable", "other")
        is_here = number - 1 == found.here
        boxes.append(Box(style, at(one.started_at), width, TOP + row * ROW + 4, BAR, label, is_here, told))
    height = max(row for row in rows if row is not None) + 1
    bottom = TOP + height * ROW
    gaps, missing = [], []
    for told_of in found.across:
        stretch, finding = _hole(told_of, found), told_of.finding
        if stretch is None:
            continue
        level, text = str(finding["level"]), sentence_of(finding, "summary", words)
        x, width = at(stretch[0]), at(stretch[1]) - at(stretch[0])
        if finding["kind"] in ("recording-gap", "gap-explained") and width > 0:
            gaps.append(Box(level, x, max(width, LEAST), TOP + 2, bottom - TOP - 4, "", False, text))
        elif finding["kind"] == "sequence-missing":
            missing.append(Sign(level, min(max(x + width / 2, EDGE), 100 - EDGE), text))
    return Figure(
        height=bottom + 4,
        clips=tuple(boxes),
        gaps=tuple(gaps),
        overlaps=tuple(
            Box("overlap", at(start), max(at(stop) - at(start), LEAST), TOP, bottom - TOP, "", False, "")
            for start, stop in overlaps(found.clips)
        ),
        missing=tuple(missing),
        ticks=tuple(_ticks(first, whole)),
        tells=words.tell(
            Message(
                N_("The clips of the session from {start} to {stop}, as the table below tells"),
                {"start": moment(first, words, "medium"), "stop": moment(first + whole, words, "medium")},
            )
        ),
    )


def _hole(one: Across, found: SessionOf) -> tuple[float, float] | None:
    """Return the stretch between two clips, in seconds since 1970; None where no time says where it is."""
    if one.before is None or one.after is None:
        return None
    start, stop = found.clips[one.before].ended_at, found.clips[one.after].started_at
    return None if start is None or stop is None else (start, stop)


def _hour(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, ZONE):%H:%M:%S}"


def _ticks(first: float, whole: float) -> list[Tick]:
    step = next((one for one in STEPS_S if whole / one <= TICKS), STEPS_S[-1])
    offset = datetime.fromtimestamp(first, ZONE).utcoffset()
    shift = offset.total_seconds() if offset else 0.0
    moments: list[float] = []
    at = -(-(first + shift) // step) * step - shift
    while at <= first + whole and len(moments) <= 4 * TICKS:
        moments.append(at)
        at += step
    ticks = []
    for one in moments:
        x = EDGE + (100 - 2 * EDGE) * (one - first) / whole
        form = "%m-%d" if step >= 86400 else "%H:%M" if step >= 60 else "%H:%M:%S"
        anchor = "start" if x < 8 else "end" if x > 92 else "middle"
        ticks.append(Tick(x, format(datetime.fromtimestamp(one, ZONE), form), anchor))
    return ticks

"""The page of a night: what a batch brought, as numbers and as a list that can be narrowed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from typing import Literal
from urllib.parse import urlencode

from babel.dates import format_datetime
from babel.numbers import format_decimal

from pipeline.batch.documents import shown as shown_path
from pipeline.batch.ledger import Ledger
from pipeline.batch.summary import Batch, Standing, Summary, batches_of, standing
from pipeline.kinds import TITLES
from pipeline.language import Language
from pipeline.model import Level, Outcome
from pipeline.report.grouping import ZONE
from pipeline.report.page import Badge, badge
from pipeline.report.results import COUNTED, UNREADABLE
from pipeline.report.wording import LEVELS, N_, NOTHING, clock, title
from pipeline.review.index import SORTS, Choice, Query, ReviewIndex, Visible

ROWS = 100
"""Clips on one page of the list."""
BATCHES = 60
"""Batches that can be chosen."""
STANDINGS: dict[Standing, str] = {
    "ended": N_("ended"),
    "running": N_("running"),
    "stopped": N_("stopped"),
    "unknown": N_("unknown"),
}
DECIDED_WORDS = {
    "open": N_("findings are open"),
    "waiting": N_("waits for a second person"),
    "decided": N_("all findings are decided"),
}
"""How far people are with a clip, by what the index calls it."""
COLUMNS = {
    "clip": N_("Clip"),
    "unit": N_("Unit"),
    "recorder": N_("Recorder"),
    "recorded": N_("Recorded"),
    "length": N_("Length"),
    "verdict": N_("Verdict"),
    "violations": N_("Violations"),
    "suspects": N_("Suspects"),
}
"""Heads of the list, by what it is sorted by."""


@dataclass(frozen=True, slots=True)
class Option:
    """One choice of a list."""

    value: str
    label: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Tile:
    """A number of the night, and where it leads."""

    badge: Badge
    count: str
    share: float
    """Of all clips, 0 to 1."""
    link: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Line:
    """One clip of the list."""

    key: str
    name: str
    unit: str
    recorder: str
    recorded: str
    length: str
    verdict: Badge
    violations: int
    suspects: int
    decided: int
    """Violations and suspects about which people have decided."""
    waiting: int
    """Decisions that wait for a second person."""
    case_number: str


@dataclass(frozen=True, slots=True)
class Head:
    """Head of a column: sorts the list."""

    label: str
    link: str
    order: str
    """For `aria-sort`: ascending, descending or none."""


@dataclass(frozen=True, slots=True)
class Without:
    """Clips without a result for one reason."""

    reason: str
    count: str
    path: str


@dataclass(frozen=True, slots=True)
class NightPage:
    """All that the page shows."""

    batches: tuple[Option, ...]
    facts: tuple[tuple[str, str], ...]
    tiles: tuple[Tile, ...]
    without: tuple[Without, ...]
    filters: dict[str, tuple[Option, ...]]
    query: Query
    heads: tuple[Head, ...]
    lines: tuple[Line, ...]
    total: str
    first: int
    last: int
    previous: str
    next: str
    """Addresses of the parts before and after this one; empty if there is none."""


def night(
    ledger: Ledger,
    index: ReviewIndex,
    number: int | None,
    query: Query,
    visible: Visible,
    part: int,
    words: Language,
) -> NightPage | None:
    """Put together the page of a batch.

    Parameters
    ----------
    ledger : Ledger
    index : ReviewIndex
        Of that ledger, refreshed.
    number : int or None
        Of the batch; None: the last one.
    query : Query
    visible : Visible
        What the account may see; the list and its counts hold nothing else.
    part : int
        Part of the list, from 1.
    words : Language

    Returns
    -------
    NightPage or None
        None if there is no such batch.
    """
    run = batches_of(ledger)
    batch = next((one for one in run if number is None or one.id == number), None)
    if batch is None:
        return None
    scope = index.scope(ledger, batch.id)
    found = index.page(scope, batch.id, query, visible, (part - 1) * ROWS, ROWS)
    address = _Address(batch.id, query)
    choices = {about: index.choices(about, scope, batch.id, visible) for about in ("unit", "device", "rule", "kind")}
    first = (part - 1) * ROWS + 1 if found.rows else 0
    told = index.summary(ledger, batch.id)
    return NightPage(
        batches=_options_of(run, batch.id, words),
        facts=_facts(standing(ledger, batch), batch, told, words),
        tiles=_tiles(found.counts, address, words),
        without=_without(told, words) if visible.units is None else (),
        filters=_filters(query, choices, words),
        query=query,
        heads=tuple(_head(name, address, words) for name in COLUMNS),
        lines=tuple(
            Line(
                key=row.key,
                name=row.shown,
                unit=row.unit or NOTHING,
                recorder=row.device or NOTHING,
                recorded=moment(row.started_at, words),
                length=clock(row.duration_s, 0),
                verdict=counted_badge(row.counted, words),
                violations=row.violations,
                suspects=row.suspects,
                decided=row.decided,
                waiting=row.waiting,
                case_number=row.case_number or "",
            )
            for row in found.rows
        ),
        total=figure(found.total, words),
        first=first,
        last=first + len(found.rows) - 1 if found.rows else 0,
        previous=address.to(part=part - 1) if part > 1 else "",
        next=address.to(part=part + 1) if part * ROWS < found.total else "",
    )


def counted_badge(counted: str, words: Language) -> Badge:
    """Return a verdict, or that nothing could be examined, as it is shown."""
    if counted == UNREADABLE:
        return Badge(words.text("Unreadable"), "unreadable", "!")
    return badge(Outcome(counted), words)


def figure(number: float, words: Language) -> str:
    """Return a number in the reader's form."""
    return str(format_decimal(number, locale=_locale(words)))


def moment(seconds: float | None, words: Language, form: Literal["short", "medium"] = "short") -> str:
    """Return a moment, given in seconds since 1970, in China's time and the reader's form; `medium` has seconds."""
    if seconds is None:
        return NOTHING
    return str(format_datetime(datetime.fromtimestamp(seconds, UTC).astimezone(ZONE), form, locale=_locale(words)))


def _locale(words: Language) -> str:
    return "zh_Hans_CN" if words.tag == "zh-CN" else "en_GB"


@dataclass(frozen=True, slots=True)
class _Address:
    """Makes addresses of this page."""

    batch: int
    query: Query

    def to(self, part: int = 1, **changed: object) -> str:
        asked = asdict(replace(self.query, **changed))  # type: ignore[arg-type]
        said = {name: value for name, value in asked.items() if value and value != getattr(Query(), name)}
        said = {name: "1" if value is True else value for name, value in said.items()}
        return "?" + urlencode({"batch": self.batch, **said, **({"part": part} if part > 1 else {})})


def batch_options(ledger: Ledger, chosen: int, words: Language) -> tuple[Option, ...]:
    """Return the batches that can be chosen, the last one first."""
    return _options_of(batches_of(ledger), chosen, words)


def _options_of(run: Sequence[Batch], chosen: int, words: Language) -> tuple[Option, ...]:
    return tuple(Option(str(one.id), _named(one, words), one.id == chosen) for one in run[:BATCHES])


def _named(batch: Batch, words: Language) -> str:
    return f"{moment(batch.started_at, words)} · {batch.profile} · {batch.store}"


def _facts(state: Standing, batch: Batch, found: Summary, words: Language) -> tuple[tuple[str, str], ...]:
    _ = words.text
    ended = NOTHING if batch.ended_at is None else moment(batch.ended_at, words)
    told = (
        (_("State"), _(STANDINGS[state])),
        (_("Began"), moment(batch.started_at, words)),
        (_("Ended"), ended),
        (_("Clips seen"), figure(found.files, words)),
        (_("Clips with a result"), figure(found.states.get("done", 0), words)),
        (_("Clips without a result"), figure(found.without, words)),
        (_("Still to do"), figure(found.waiting + found.running, words)),
        (_("Hours of footage"), figure(round(found.footage_hours, 1), words)),
    )
    return tuple(told)


def _tiles(counts: dict[str, int], address: _Address, words: Language) -> tuple[Tile, ...]:
    order = ("fail", "undecided", UNREADABLE, "pass", "not applicable")
    whole = sum(counts.values()) or 1
    chosen = address.query.counted
    return tuple(
        Tile(
            counted_badge(name, words),
            figure(counts.get(name, 0), words),
            counts.get(name, 0) / whole,
            address.to(counted="" if chosen == name else name),
            chosen == name,
        )
        for name in order
        if counts.get(name) or name in ("fail", "undecided", "pass")
    )


def _without(found: Summary, words: Language) -> tuple[Without, ...]:
    return tuple(
        Without(words.tell(one.reason), figure(one.count, words), shown_path(one.path)) for one in found.failures
    )


def _filters(query: Query, choices: dict[str, list[Choice]], words: Language) -> dict[str, tuple[Option, ...]]:
    _ = words.text

    def options(name: str, labels: dict[str, str], anything: str) -> tuple[Option, ...]:
        now = getattr(query, name)
        known = labels if not now or now in labels else {**labels, now: now}
        return (Option("", anything, not now), *(Option(value, label, value == now) for value, label in known.items()))

    counted = {one.name: f"{one.name} ({figure(one.count, words)})" for one in choices["unit"]}
    return {
        "counted": options("counted", {name: counted_badge(name, words).word for name in COUNTED}, _("any verdict")),
        "unit": options("unit", counted, _("any unit")),
        "device": options("device", {one.name: one.name for one in choices["device"]}, _("any recorder")),
        "rule": options("rule", {one.name: one.name for one in choices["rule"]}, _("any rule")),
        "outcome": options("outcome", {str(one): badge(one, words).word for one in Outcome}, _("any outcome")),
        "kind": options(
            "kind",
            {one.name: title(one.name, words) for one in choices["kind"] if one.name in TITLES},
            _("any finding"),
        ),
        "decided": options("decided", {name: _(label) for name, label in DECIDED_WORDS.items()}, _("any")),
        "level": options("level", {str(level): _(LEVELS[level]) for level in Level}, _("any level")),
    }


def _head(name: str, address: _Address, words: Language) -> Head:
    now = address.query.sort == name
    falls_first = name in ("recorded", "length", "violations", "suspects")
    down = not address.query.down if now else falls_first
    order = ("descending" if address.query.down else "ascending") if now else "none"
    return Head(words.text(COLUMNS[name]), address.to(sort=name, down=down), order)


def query_of(given: Sequence[tuple[str, str]]) -> Query:
    """Read what is asked from the parameters of an address; what is not known is passed over.

    Raises
    ------
    ValueError
        If the list is to be sorted by something that it has no column for.
    """
    names = {field.name for field in fields(Query)}
    asked = {name: value.strip() for name, value in given if name in names}
    down = asked.pop("down", "") == "1"
    if asked.get("sort") not in {None, "", *SORTS}:
        raise ValueError(asked["sort"])
    asked["sort"] = asked.get("sort") or "clip"
    return Query(**asked, down=down)

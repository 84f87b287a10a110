"""The index of the review page: every result of a ledger as one row that can be filtered and sorted.

It is derived from the ledger, holds nothing that the ledger does not, and is made again if it is deleted. Only the
ledger is evidence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from sqlalchemy import func, or_, select

from pipeline.batch.ledger import Ledger
from pipeline.batch.summary import Summary, summary
from pipeline.batch.tables import batches
from pipeline.review.facts import About
from pipeline.review.index_filling import Standing, standing, take_decisions, take_results
from pipeline.review.index_tables import clips, marks, opened

MOST_CHOICES = 500
"""Units, recorders, rules or kinds that a list offers to choose from."""
SORTS = {
    "clip": clips.c.shown,
    "unit": clips.c.unit,
    "recorder": clips.c.device,
    "recorded": clips.c.started_at,
    "length": clips.c.duration_s,
    "verdict": clips.c.counted,
    "violations": clips.c.violations,
    "suspects": clips.c.suspects,
}
"""What a list can be sorted by."""


TO_DECIDE = clips.c.violations + clips.c.suspects
DECIDED = {
    "open": clips.c.decided < TO_DECIDE,
    "waiting": clips.c.waiting > 0,
    "decided": (TO_DECIDE > 0) & (clips.c.decided >= TO_DECIDE) & (clips.c.waiting == 0),
}
"""How far people are with the violations and suspects of a clip."""


@dataclass(frozen=True, slots=True)
class Visible:
    """Which clips an account may see."""

    units: frozenset[str] | None = None
    """None: those of every unit, and those of none."""
    classes: frozenset[str] | None = None
    """Access classes; a clip of several is seen only with all of them. None: all."""


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked of the clips of a batch; empty: all of them."""

    counted: str = ""
    unit: str = ""
    device: str = ""
    rule: str = ""
    outcome: str = ""
    """Of the rule, if one is named."""
    kind: str = ""
    level: str = ""
    """Of the kind, if one is named."""
    decided: str = ""
    """How far people are: one of `DECIDED`."""
    text: str = ""
    """Part of the clip's path, or the number of its case."""
    sort: str = "clip"
    down: bool = False
    """In falling order."""


@dataclass(frozen=True, slots=True)
class Row:
    """One clip of a list."""

    key: str
    shown: str
    counted: str
    device: str | None
    unit: str | None
    case_number: str | None
    started_at: float | None
    duration_s: float
    violations: int
    suspects: int
    decided: int
    waiting: int


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list, and what the whole list comes to."""

    rows: tuple[Row, ...]
    counts: dict[str, int]
    """Verdict → clips, of all that the query asks for, whatever verdict it names."""
    total: int
    """Clips that the query asks for."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A value that a list can be narrowed to."""

    name: str
    count: int


class ReviewIndex:
    """The index of one ledger.

    Parameters
    ----------
    path : Path
        A file of its own; it is made, or made again, as needed.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.engine = opened(path)
        self._standing: Standing | None = None
        self._summaries: dict[int, Summary] = {}
        self._choices: dict[tuple[Any, ...], list[Choice]] = {}
        self._sets: list[str] | None = None

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()

    def refresh(self, ledger: Ledger, progress: Callable[[int, int], None] = lambda done, total: None) -> bool:
        """Take up what the ledger holds and the index does not; return whether that was anything.

        Parameters
        ----------
        ledger : Ledger
        progress : callable
            Told how many of how many new results were read.
        """
        now = ledger.database.read(standing)
        if now == self._standing:
            return self.take_decisions(ledger)
        take_results(self.engine, ledger, now.last, progress)
        self.take_decisions(ledger)
        self._standing = now
        self._choices.clear()
        self._summaries.clear()
        self._sets = None
        return True

    def take_decisions(self, ledger: Ledger) -> bool:
        """Count the decisions that people made since the last time; return whether there were any."""
        return take_decisions(self.engine, ledger)

    def scope(self, ledger: Ledger, batch: int) -> str:
        """Return the scope of a batch."""
        wanted = select(batches.c.scope).where(batches.c.id == batch)
        return str(ledger.database.read(lambda connection: connection.scalar(wanted)))

    def summary(self, ledger: Ledger, batch: int) -> Summary:
        """Return what a batch comes to, as the ledger stood at the last `refresh`; counted anew while a batch runs."""
        if self._standing is None or self._standing.asked is not None:
            return summary(ledger, batch)
        if batch not in self._summaries:
            self._summaries[batch] = summary(ledger, batch)
        return self._summaries[batch]

    def page(self, scope: str, batch: int, query: Query, visible: Visible, first: int = 0, count: int = 100) -> Page:
        """Return a part of the clips of a batch.

        Parameters
        ----------
        scope, batch : str, int
            Of the batch: what it, or a later one of its scope, asked for.
        query : Query
        visible : Visible
        first, count : int
            Which part: rows to pass over, and rows to return.

        Raises
        ------
        ValueError
            If it is to be sorted by something that is not in `SORTS`.
        """
        if query.sort not in SORTS:
            raise ValueError(f"cannot be sorted by {query.sort!r}")
        of_batch = self.conditions(scope, batch, visible)
        narrowed = [*of_batch, *_narrowed(query)]
        # Not by the bare column where names are searched: its index does not hold them, that of the paths does.
        verdict = clips.c.counted.concat("") if query.text else clips.c.counted
        counted = select(verdict, func.count()).where(*narrowed).group_by(verdict)
        column = SORTS[query.sort]
        order = (column.desc() if query.down else column.asc(), clips.c.shown, clips.c.id)
        if query.counted:
            narrowed.append(clips.c.counted == query.counted)
        columns = [clips.c[field.name] for field in fields(Row)]
        part = select(clips.c.id).where(*narrowed).order_by(*order).limit(count).offset(first)  # from an index alone
        wanted = select(*columns).where(clips.c.id.in_(part)).order_by(*order)
        with self.engine.connect() as connection:
            counts = {str(name): int(number) for name, number in connection.execute(counted)}
            rows = tuple(Row(*row) for row in connection.execute(wanted))
        total = counts.get(query.counted, 0) if query.counted else sum(counts.values())
        return Page(rows, counts, total)

    def keys(self, visible: Visible) -> frozenset[str]:
        """Return the keys of all results, of whatever batch, of clips that an account may see."""
        with self.engine.connect() as connection:
            return frozenset(connection.scalars(select(clips.c.key).where(*self.allowed(visible))))

    def names(self, keys: Iterable[str], visible: Visible) -> dict[str, str]:
        """Return the paths of those of these results, of whatever batch, whose clips an account may see."""
        wanted = select(clips.c.key, clips.c.shown).where(clips.c.key.in_(list(keys)), *self.allowed(visible))
        with self.engine.connect() as connection:
            return {str(key): str(name) for key, name in connection.execute(wanted)}

    def choices(self, about: About | str, scope: str, batch: int, visible: Visible) -> list[Choice]:
        """Return which units, recorders (`device`), rules or kinds there are to narrow a batch's list to, by name."""
        asked = (about, scope, batch, visible)
        if asked not in self._choices:
            self._choices[asked] = self._counted(*asked)
        return self._choices[asked]

    def conditions(self, scope: str, batch: int, visible: Visible) -> list[Any]:
        """Return what the clips of a batch are chosen by: the newest result of each path, as far as an account sees."""
        newest = clips.c.newest.is_(True)  # a bare column is compared with nothing, so no index would be used
        return [clips.c.scope == scope, newest, clips.c.batch >= batch, *self.allowed(visible)]

    def allowed(self, visible: Visible) -> list[Any]:
        """Return what the clips are chosen by that an account may see."""
        found: list[Any] = []
        if visible.units is not None:
            found.append(clips.c.unit.in_(visible.units))
        if visible.classes is not None:
            found.append(
                clips.c.classes.in_([one for one in self._classes() if visible.classes.issuperset(one.split())])
            )
        return found

    def _classes(self) -> list[str]:
        """Return every set of access classes that clips have."""
        if self._sets is None:
            with self.engine.connect() as connection:
                self._sets = [str(one) for one in connection.scalars(select(clips.c.classes).distinct())]
        return self._sets

    def _counted(self, about: str, scope: str, batch: int, visible: Visible) -> list[Choice]:
        of_batch = self.conditions(scope, batch, visible)
        if about in ("unit", "device"):
            name = clips.c[about]
            wanted = select(name, func.count()).where(*of_batch, name.is_not(None))
        else:
            name = marks.c.name
            wanted = select(name, func.count()).join_from(marks, clips).where(marks.c.about == about, *of_batch)
        with self.engine.connect() as connection:
            rows = connection.execute(wanted.group_by(name).order_by(name).limit(MOST_CHOICES))
            return [Choice(str(name), int(count)) for name, count in rows]


def _narrowed(query: Query) -> Iterator[Any]:
    if query.unit:
        yield clips.c.unit == query.unit
    if query.device:
        yield clips.c.device == query.device
    few = bool(query.unit or query.device)
    if query.rule:
        yield _marked("rule", query.rule, query.outcome, few=few)
    if query.kind:
        yield _marked("kind", query.kind, query.level, few=few)
    if query.decided in DECIDED:
        yield DECIDED[query.decided]
    if query.text:
        yield or_(clips.c.shown.contains(query.text, autoescape=True), clips.c.case_number == query.text)


def _marked(about: About, name: str, value: str, *, few: bool) -> Any:
    """Return the condition that a clip has a mark; `few`: it is asked of few clips, so that each is looked up."""
    named = (marks.c.about == about, marks.c.name == name, *((marks.c.value == value,) if value else ()))
    wanted = select(marks.c.clip).where(*named)
    return wanted.where(marks.c.clip == clips.c.id).exists() if few else clips.c.id.in_(wanted)

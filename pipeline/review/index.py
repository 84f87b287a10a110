"""The index of the review page: every result of a ledger as one row that can be filtered and sorted.

It is derived from the ledger, holds nothing that the ledger does not, and is made again if it is deleted. Only the
ledger is evidence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Double,
    Engine,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Select,
    Table,
    Text,
    bindparam,
    create_engine,
    delete,
    event,
    func,
    insert,
    or_,
    select,
    update,
)

from pipeline.batch.chain import unpacked
from pipeline.batch.documents import shown
from pipeline.batch.ledger import Ledger, any_scope
from pipeline.batch.tables import batches, jobs, results
from pipeline.errors import IntegrityError
from pipeline.model import Level
from pipeline.review.decisions import Made, State, all_made, last_event
from pipeline.review.facts import About, Facts, Mark, facts_of, spoilt

VERSION = 5
"""Of the tables below; an index of another version is made again."""
ROWS = 500
MOST_CHOICES = 500
"""Units, recorders, rules or kinds that a list offers to choose from."""
TALLIES = ("violations", "suspects", "decided", "waiting")
"""Numbers of a clip by which lists are narrowed."""
metadata = MetaData()
outcomes = Table(
    # What clips come to, as statistics count it; clips that come to the same share a row.
    "outcomes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("told", Text, nullable=False, unique=True),  # JSON
)
clips = Table(
    "clips",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("key", Text, nullable=False, unique=True),  # of the result
    Column("seq", Integer, nullable=False),  # of the result in the chain
    Column("scope", Text, nullable=False),  # as in the ledger's jobs, as the next three
    Column("batch", Integer, nullable=False),
    Column("job", Integer, nullable=False),
    Column("path", LargeBinary, nullable=False),
    Column("shown", Text, nullable=False),
    Column("newest", Boolean, nullable=False),  # of the results of this path and scope
    Column("counted", Text, nullable=False),
    Column("sha256", Text),
    Column("device", Text),
    Column("agency", Text),
    Column("unit", Text),
    Column("case_number", Text),
    Column("classes", Text, nullable=False),
    Column("started_at", Double),
    Column("duration_s", Double, nullable=False),
    Column("violations", Integer, nullable=False),
    Column("suspects", Integer, nullable=False),
    Column("content", Text, nullable=False),  # as statistics and spot checks see a clip, as the next four
    Column("recorder", Text),
    Column("month", Text),
    Column("claimed", Boolean, nullable=False),  # the month is only what the file claims
    Column("outcomes", ForeignKey("outcomes.id"), nullable=False),
    Column("decided", Integer, nullable=False),  # violations and suspects about which people have decided
    Column("waiting", Integer, nullable=False),  # decisions that wait for a second person
    Index("by_path", "scope", "newest", "shown", "batch", "classes", "counted", "case_number"),
    Index("by_verdict", "scope", "newest", "counted", "batch", "unit", "classes", *TALLIES),
    Index("by_start", "scope", "newest", "started_at"),
    Index("by_unit", "scope", "newest", "unit", "batch", "classes", "counted"),
    Index("by_device", "scope", "newest", "device", "batch", "classes", "counted"),
    Index("by_violations", "scope", "newest", "violations", "shown"),
    Index("by_suspects", "scope", "newest", "suspects", "shown"),
    Index("by_content", "scope", "newest", "content"),
)
marks = Table(
    "marks",
    metadata,
    Column("clip", ForeignKey("clips.id"), primary_key=True),
    Column("about", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
    Index("by_name", "about", "name", "value", "clip"),
    sqlite_with_rowid=False,
)
taken = Table(
    # One row: the last event whose decisions are counted in `clips`.
    "taken",
    metadata,
    Column("event", Integer, primary_key=True),
)
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
        self.engine = _opened(path)
        self._token: tuple[Any, ...] | None = None
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
        token = ledger.database.read(_token)
        if token == self._token:
            return self.take_decisions(ledger)
        with self.engine.connect() as connection:
            known = connection.scalar(select(func.max(clips.c.seq))) or 0
        total = max(0, token[0] - known)
        for done, some in _counted(_new(ledger, known)):
            with self.engine.begin() as connection:
                _add(connection, some)
            progress(done, total)
        asked = ledger.database.read(_asked)
        with self.engine.begin() as connection:
            _place(connection, asked)
        self.take_decisions(ledger)
        self._token = token
        self._choices.clear()
        self._sets = None
        return True

    def take_decisions(self, ledger: Ledger) -> bool:
        """Count the decisions that people made since the last time; return whether there were any."""
        with self.engine.connect() as connection:
            known = connection.scalar(select(taken.c.event)) or 0
        last, made = ledger.database.read(partial(_decided, after=known))
        if last == known:
            return False
        counts: dict[str, list[int]] = {one.subject: [0, 0] for one in made}
        for one in made:
            if one.state is not State.OPEN and one.finding["level"] != Level.NOTE:
                counts[one.subject][0] += 1
            counts[one.subject][1] += one.state is State.WAITING
        rows = [{"of_key": key, "decided": decided, "waiting": waiting} for key, (decided, waiting) in counts.items()]
        with self.engine.begin() as connection:
            if rows:
                connection.execute(update(clips).where(clips.c.key == bindparam("of_key")), rows)
            connection.execute(delete(taken))
            connection.execute(insert(taken), {"event": last})
        return True

    def scope(self, ledger: Ledger, batch: int) -> str:
        """Return the scope of a batch."""
        wanted = select(batches.c.scope).where(batches.c.id == batch)
        return str(ledger.database.read(lambda connection: connection.scalar(wanted)))

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
        counted = select(clips.c.counted, func.count()).where(*narrowed).group_by(clips.c.counted)
        column = SORTS[query.sort]
        order = (column.desc() if query.down else column.asc(), clips.c.shown, clips.c.id)
        if query.counted:
            narrowed.append(clips.c.counted == query.counted)
        columns = [clips.c[field.name] for field in fields(Row)]
        wanted = select(*columns).where(*narrowed).order_by(*order).limit(count).offset(first)
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
    if query.rule:
        yield _marked("rule", query.rule, query.outcome)
    if query.kind:
        yield _marked("kind", query.kind, query.level)
    if query.decided in DECIDED:
        yield DECIDED[query.decided]
    if query.text:
        yield or_(clips.c.shown.contains(query.text, autoescape=True), clips.c.case_number == query.text)


def _marked(about: About, name: str, value: str) -> Any:
    wanted = select(marks.c.clip).where(marks.c.about == about, marks.c.name == name)
    return clips.c.id.in_(wanted.where(marks.c.value == value) if value else wanted)


def _opened(path: Path) -> Engine:
    path.parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(f"sqlite:///{path}")

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _: object) -> None:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")

    with engine.begin() as connection:
        if connection.exec_driver_sql("PRAGMA user_version").scalar() != VERSION:
            metadata.drop_all(connection)
            metadata.create_all(connection)
            connection.exec_driver_sql(f"PRAGMA user_version = {VERSION}")
    return engine


def _token(connection: Connection) -> tuple[Any, ...]:
    """Return what changes with the ledger: its last result, and what batches asked for."""
    last = connection.scalar(select(func.max(results.c.seq))) or 0
    run = connection.execute(select(func.max(batches.c.id), func.count(batches.c.ended_at))).one()
    asked = select(func.count(), func.sum(jobs.c.batch_id)).where(*any_scope(), jobs.c.step == "judge")
    return last, *run, *connection.execute(asked).one()


def _new(ledger: Ledger, after: int) -> Iterator[tuple[str, int, Facts]]:
    """Yield key, number and facts of every result after one."""
    while True:
        wanted = select(results).where(results.c.seq > after).order_by(results.c.seq).limit(ROWS)
        rows = ledger.database.read(partial(_all, wanted=wanted))
        for row in rows:
            yield row.key, row.seq, _facts(row)
        if not rows:
            return
        after = rows[-1].seq


def _facts(row: Any) -> Facts:
    try:
        return facts_of(unpacked(row.document, row.encoding).decode())
    except (IntegrityError, AttributeError, LookupError, TypeError, ValueError):
        return spoilt(row.key)


def _decided(connection: Connection, after: int) -> tuple[int, list[Made]]:
    """Return the number of the last event that is about a decision, and what came of all results with newer ones."""
    return last_event(connection), all_made(connection, after)


def _all(connection: Connection, wanted: Select[Any]) -> Sequence[Any]:
    return connection.execute(wanted).all()


def _counted(found: Iterable[Any]) -> Iterator[tuple[int, list[Any]]]:
    rest, done = iter(found), 0
    while some := list(islice(rest, ROWS)):
        done += len(some)
        yield done, some


def _add(connection: Connection, found: Sequence[tuple[str, int, Facts]]) -> None:
    """Add results that are not there yet; which batch asked for them is not known here."""
    there = set(connection.scalars(select(clips.c.key).where(clips.c.key.in_([key for key, _, _ in found]))))
    fresh = [one for one in found if one[0] not in there]
    if not fresh:
        return
    names = [field.name for field in fields(Facts) if field.name not in ("marks", "outcomes")]
    told = _outcomes(connection, {facts.outcomes for _, _, facts in fresh})
    unplaced = {"scope": "", "batch": 0, "job": 0, "path": b"", "shown": "", "newest": False}
    unplaced |= {"decided": 0, "waiting": 0}
    rows = [
        {"key": key, "seq": seq, **unplaced, **{n: getattr(facts, n) for n in names}, "outcomes": told[facts.outcomes]}
        for key, seq, facts in fresh
    ]
    ids = connection.scalars(insert(clips).returning(clips.c.id, sort_by_parameter_order=True), rows).all()
    marked = [_mark(clip, mark) for clip, (_, _, facts) in zip(ids, fresh, strict=True) for mark in facts.marks]
    if marked:
        connection.execute(insert(marks), marked)


def _outcomes(connection: Connection, told: set[str]) -> dict[str, int]:
    """Return the number of each text in table `outcomes`; what is not there is added."""
    wanted = select(outcomes.c.told, outcomes.c.id).where(outcomes.c.told.in_(told))
    there = {row.told for row in connection.execute(wanted)}
    if fresh := sorted(told - there):
        connection.execute(insert(outcomes), [{"told": one} for one in fresh])
    return {row.told: row.id for row in connection.execute(wanted)}


def _mark(clip: int, mark: Mark) -> dict[str, Any]:
    return {"clip": clip, "about": mark.about, "name": mark.name, "value": mark.value}


def _asked(connection: Connection) -> list[Any]:
    """Return key, scope, batch, number and path of every job that was judged."""
    names = ("key", "scope", "batch_id", "id", "path")
    wanted = select(*(jobs.c[name] for name in names)).where(
        *any_scope(), jobs.c.step == "judge", jobs.c.state == "done"
    )
    return list(connection.execute(wanted))


def _place(connection: Connection, asked: Sequence[Any]) -> None:
    """Note which batch asked for each result, and which is the newest of its path."""
    newest: dict[tuple[str, bytes], tuple[int, int]] = {}
    for row in asked:
        place = row.scope, bytes(row.path)
        newest[place] = max(newest.get(place, (0, 0)), (row.batch_id, row.id))
    held = select(clips.c.key, clips.c.scope, clips.c.batch, clips.c.newest)
    known = {row.key: (row.scope, row.batch, row.newest) for row in connection.execute(held)}
    changed = []
    for row in asked:
        path = bytes(row.path)
        is_newest = newest[row.scope, path] == (row.batch_id, row.id)
        if row.key in known and known[row.key] != (row.scope, row.batch_id, is_newest):
            values = {"scope": row.scope, "batch": row.batch_id, "job": row.id, "newest": is_newest}
            changed.append({"of_key": row.key, **values, "path": path, "shown": shown(path)})
    if changed:
        connection.execute(update(clips).where(clips.c.key == bindparam("of_key")), changed)

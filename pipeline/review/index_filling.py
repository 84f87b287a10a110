"""How the review page's index follows the ledger: results as they are committed, decisions as people make them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from functools import partial
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Engine, Select, bindparam, delete, func, insert, select, update

from pipeline.batch.chain import unpacked
from pipeline.batch.documents import shown
from pipeline.batch.ledger import Ledger, any_scope
from pipeline.batch.owner import fate
from pipeline.batch.tables import batches, jobs, results
from pipeline.errors import IntegrityError
from pipeline.model import Level
from pipeline.review.decisions import Made, State, all_made, last_event
from pipeline.review.facts import Facts, Mark, facts_of, spoilt
from pipeline.review.index_tables import clips, marks, outcomes, taken

ROWS = 500
"""Results that are taken up at a time."""


def take_results(engine: Engine, ledger: Ledger, last: int, progress: Callable[[int, int], None]) -> None:
    """Take up the results that the index does not hold, and note which batch asked for which.

    Parameters
    ----------
    engine : Engine
        Of the index.
    ledger : Ledger
    last : int
        Number of the ledger's last result.
    progress : callable
        Told how many of how many new results were read.
    """
    with engine.connect() as connection:
        known = connection.scalar(select(func.max(clips.c.seq))) or 0
    total = max(0, last - known)
    for done, some in _counted(_new(ledger, known)):
        with engine.begin() as connection:
            _add(connection, some)
        progress(done, total)
    asked = ledger.database.read(_asked)
    with engine.begin() as connection:
        _place(connection, asked)


def take_decisions(engine: Engine, ledger: Ledger) -> bool:
    """Count the decisions that people made since the last time; return whether there were any."""
    with engine.connect() as connection:
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
    with engine.begin() as connection:
        if rows:
            connection.execute(update(clips).where(clips.c.key == bindparam("of_key")), rows)
        connection.execute(delete(taken))
        connection.execute(insert(taken), {"event": last})
    return True


@dataclass(frozen=True, slots=True)
class Standing:
    """What changes with the ledger."""

    last: int
    """Its last result."""
    batches: tuple[int, int]
    """The last one, and how many came to their end."""
    set_aside: int
    """Jobs; `unbroken retry` changes it outside batches."""
    asked: tuple[Any, ...] | None
    """What batches asked for; None where none runs, so that nothing but what stands above can change."""


def standing(connection: Connection) -> Standing:
    """Return how the ledger stands."""
    last = connection.scalar(select(func.max(results.c.seq))) or 0
    newest, ended = connection.execute(select(func.max(batches.c.id), func.count(batches.c.ended_at))).one()
    aside = select(func.count()).where(*any_scope(), jobs.c.state == "quarantined")
    running = connection.scalars(select(batches.c.owner).where(batches.c.ended_at.is_(None)).distinct())
    asked = None
    if not all(fate(owner) == "gone" for owner in running):
        own = select(func.count(), func.sum(jobs.c.batch_id)).where(*any_scope(), jobs.c.step == "judge")
        asked = tuple(connection.execute(own).one())
    return Standing(last, (newest or 0, ended), connection.scalar(aside) or 0, asked)


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

"""Statistics of a batch from the review page's index: the tables of `unbroken statistics`, without its documents."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, case, func, select

from pipeline.model import Message
from pipeline.review.index import ReviewIndex, Visible
from pipeline.review.index_tables import clips, outcomes
from pipeline.statistics import Count, JudgedRule, Outcomes, Statistics, notes

COLUMNS = {
    "agency": clips.c.agency,
    "unit": clips.c.unit,
    "device": clips.c.recorder,
    "case": clips.c.case_number,
    "month": clips.c.month,
}
"""Keys of `pipeline.report.grouping.KEYS` for which the index has a column; `rule` is the other one that it knows."""
DIFFERENT = (
    "{count} contents lie in the store several times under one case number and did not come out alike each time: of "
    "each the clip whose path is the first counts."
)


@dataclass(frozen=True, slots=True)
class Span:
    """Which clips are counted; empty: all."""

    unit: str = ""
    since: str = ""
    """First month, `2026-03`; a clip without a month is in no period."""
    until: str = ""
    """Last month."""


def counted(
    index: ReviewIndex, scope: str, batch: int, visible: Visible, by: Sequence[str] = (), span: Span | None = None
) -> Statistics:
    """Count what the clips of each group come to, as `pipeline.statistics.statistics` counts documents.

    Parameters
    ----------
    index : ReviewIndex
    scope, batch : str, int
        As in `ReviewIndex.page`.
    visible : Visible
        Only these clips are counted.
    by : sequence of str
        What makes a group, of `COLUMNS` and `rule`.
    span : Span, optional
    """
    of = _of(index, scope, batch, visible, span or Span())
    keys = [COLUMNS[key] for key in by if key != "rule"]
    timed = func.sum(case((clips.c.duration_s > 0, 1), else_=0))
    sums = (func.count(), func.sum(clips.c.duration_s), timed, func.sum(case((clips.c.claimed, 1), else_=0)))
    count = Count(by)
    claimed = unmeasured = 0
    with index.engine.connect() as connection:
        twins = twins_of(connection, scope, of)
        wanted = select(*keys, clips.c.outcomes, *sums).where(*of, *twins.without())
        rows = connection.execute(wanted.group_by(*keys, clips.c.outcomes)).all()
        known = _outcomes(connection, {row.outcomes for row in rows})
    for *values, told, number, seconds, with_length, only_claimed in rows:
        stated = dict(zip((key for key in by if key != "rule"), values, strict=True))
        named = {key: (value,) if value else () for key, value in stated.items()}
        count.add(named, known[told], float(seconds), int(number), int(with_length))
        claimed += int(only_claimed)
        unmeasured += int(number) - int(with_length)
    remarks = notes(
        by,
        repeated=len(twins.repeated),
        other_cases=twins.other_cases,
        claimed=claimed if "month" in by else 0,
        unmeasured=unmeasured,
    )
    return count.done((*((Message(DIFFERENT, {"count": twins.different}),) if twins.different else ()), *remarks))


def months(index: ReviewIndex, scope: str, batch: int, visible: Visible) -> list[str]:
    """Return the months in which clips were recorded, in their order."""
    of = index.conditions(scope, batch, visible)
    wanted = select(clips.c.month).distinct().where(*of, clips.c.month.is_not(None)).order_by(clips.c.month)
    with index.engine.connect() as connection:
        return [str(one) for one in connection.scalars(wanted)]


def _of(index: ReviewIndex, scope: str, batch: int, visible: Visible, span: Span) -> list[Any]:
    of = index.conditions(scope, batch, visible)
    if span.unit:
        of.append(clips.c.unit == span.unit)
    if span.since:
        of.append(clips.c.month >= span.since)
    if span.until:
        of.append(clips.c.month <= span.until)
    return of


def _outcomes(connection: Connection, wanted: set[int]) -> dict[int, Outcomes]:
    found = {}
    for row in connection.execute(select(outcomes.c.id, outcomes.c.told)):
        if row.id in wanted:
            told = json.loads(row.told)
            rules = tuple(JudgedRule(**rule) for rule in told.pop("rules"))
            kinds = tuple((kind, level) for kind, level in told.pop("kinds"))
            found[row.id] = Outcomes(**told, rules=rules, kinds=kinds)
    return found


@dataclass(frozen=True, slots=True)
class Twins:
    """Clips of the same content."""

    repeated: tuple[int, ...] = ()
    """Those that do not count, as another of the same content and case number lies before them in order of paths."""
    other_cases: int = 0
    """Those that count although another has the same content."""
    different: int = 0
    """Contents under one case number that did not come out alike."""

    def without(self) -> list[Any]:
        """Return what leaves out those that do not count; one value, however many they are."""
        left_out = func.json_each(json.dumps(self.repeated)).table_valued("value")
        return [clips.c.id.not_in(select(left_out.c.value))] if self.repeated else []


def twins_of(connection: Connection, scope: str, of: list[Any]) -> Twins:
    """Return the clips of the same content among those of a scope that conditions choose."""
    several = (
        select(clips.c.content)
        .where(clips.c.scope == scope, clips.c.newest.is_(True))
        .group_by(clips.c.content)
        .having(func.count() > 1)
    )
    wanted = select(clips.c.id, clips.c.content, clips.c.case_number, clips.c.outcomes)
    alike: dict[str, dict[str, list[Any]]] = {}
    for row in connection.execute(wanted.where(*of, clips.c.content.in_(several)).order_by(clips.c.shown, clips.c.id)):
        alike.setdefault(row.content, {}).setdefault(row.case_number or "", []).append(row)
    cases = [rows for by_case in alike.values() for rows in by_case.values()]
    return Twins(
        tuple(row.id for rows in cases for row in rows[1:]),
        sum(len(by_case) - 1 for by_case in alike.values()),
        sum(len({row.outcomes for row in rows}) > 1 for rows in cases),
    )

"""Varying one or two parameters over measured clips, and choosing by a stated criterion."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Literal, get_args

from pydantic import ValidationError

from pipeline.errors import SettingsError
from pipeline.model import Criterion, Level
from pipeline.settings import Settings
from pipeline.stages import STAGES, sections
from pipeline.tuning.clips import Clips
from pipeline.tuning.labels import LabelError, Labels, html_table
from pipeline.tuning.progress import shown
from pipeline.tuning.score import ALL, Score, score
from pipeline.tuning.split import must_not_leak

Aim = Literal["f1", "recall", "precision"]


@dataclass(frozen=True, slots=True, eq=False)
class Point:
    """One try of a sweep."""

    values: Mapping[str, Any]
    """Parameter → value."""
    score: Score


@dataclass(frozen=True, slots=True, eq=False)
class Sweep:
    """All tries of a sweep, in the order of their values."""

    section: str
    points: tuple[Point, ...]

    def sources(self) -> dict[str, frozenset[str]]:
        """Return SHA-256 of each clip that was tuned on → of what it was made from."""
        return self.points[0].score.sources()

    def table(self, kind: str = ALL) -> list[dict[str, Any]]:
        """Return a row for each try: its values, and what they come to for a kind."""
        return [{**point.values, **_told(point.score, kind)} for point in self.points]

    def precision_recall(self, kind: str = ALL) -> list[dict[str, Any]]:
        """Return the points of the precision-recall curve, by recall: values, recall, precision."""
        rows = [
            {**point.values, "recall": one.recall, "precision": one.precision}
            for point in self.points
            if (one := point.score[kind]).recall is not None and one.precision is not None
        ]
        return sorted(rows, key=lambda row: (row["recall"], row["precision"]))

    def _repr_html_(self) -> str:
        return f"<p><b>[{self.section}]</b></p>{html_table(self.table())}"


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """The try that a criterion chooses."""

    point: Point
    criterion: Criterion

    @property
    def settings(self) -> Settings:
        """All settings of the try."""
        return self.point.score.settings

    def confirm(self, test: Labels, clips: Clips, *, bar: bool = True) -> Score:
        """Score the chosen settings on labels of other sources, by the same rules.

        Raises
        ------
        LeakageError
            If a clip shares a source with one that was tuned on.
        """
        tuned_on = self.point.score
        must_not_leak(tuned_on, test)
        rules = tuned_on.rules
        return score(
            test,
            clips,
            self.settings,
            kinds=rules.kinds,
            tolerance_s=rules.tolerance_s,
            least=rules.least,
            bar=bar,
        )

    def _repr_html_(self) -> str:
        told = {"section": self.criterion.section, **self.point.values, "criterion": in_words(self.criterion)}
        return html_table([{**told, **_told(self.point.score, ALL)}])


def in_words(criterion: Criterion) -> str:
    """Return a criterion as an English phrase."""
    measure = "F1" if criterion.highest == "f1" else criterion.highest
    words = f"highest {measure} of {'all kinds' if criterion.kind == ALL else criterion.kind}"
    if criterion.alarms_an_hour is None:
        return words
    return f"{words}, {'surely ' if criterion.sure else ''}at most {criterion.alarms_an_hour:g} false alarms an hour"


def sweep(
    tune: Labels,
    clips: Clips,
    section: str,
    settings: Settings | None = None,
    *,
    test: Labels | None = None,
    kinds: Collection[str] | None = None,
    least: Level = Level.SUSPECT,
    bar: bool = True,
    **values: Sequence[Any],
) -> Sweep:
    """Score every value of a parameter, or every pair of values of two.

    sweep(parts.tune, clips, "detectors.frozen-picture", min_hold_s=[0.3, 0.5, 0.8])

    Parameters
    ----------
    tune : Labels
        To tune on.
    clips : Clips
    section : str
        Section of the settings, as `unbroken settings` prints it: `detectors.NAME`, `fusion`, …
    settings : Settings, optional
        What else is set; what the clips were loaded with if left out.
    test : Labels, optional
        Labels that are kept to test on: named here, it is made sure that none of their sources is tuned on.
    kinds, least
        As for `score`.
    bar : bool
        Show a bar.
    **values : sequences
        One or two parameters of the section, each with its values.

    Raises
    ------
    SettingsError
        If section or parameter do not exist, a value does not fit, or what is measured would change with it.
    LeakageError
        If `test` shares a source with `tune`.
    """
    if test is not None:
        must_not_leak(tune, test)
    base = settings or clips.settings
    tries = [Settings({section: given}).over(base) for given in _grid(section, values)]
    for one in tries:
        clips.must_be_measured(one)
    scored = [
        Point(dict(given), score(tune, clips, one, kinds=kinds, least=least, bar=False))
        for given, one in shown(list(zip(_grid(section, values), tries, strict=True)), f"Sweeping {section}", bar)
    ]
    return Sweep(section, tuple(scored))


def choose(
    swept: Sweep, highest: Aim = "f1", *, kind: str = ALL, alarms_an_hour: float | None = None, sure: bool = False
) -> Choice:
    """Choose the try with the highest F1, recall or precision.

    Of tries that are equal the middle one is taken, the fewest steps of the grid away from all the others: it is the
    farthest from where the answer changes.

    Parameters
    ----------
    swept : Sweep
    highest : "f1", "recall" or "precision"
    kind : str
        Of this kind; of all that are scored if left out.
    alarms_an_hour : float, optional
        Only tries with no more false alarms an hour than this.
    sure : bool
        The upper end of the interval of false alarms must not exceed that, rather than what was counted.

    Raises
    ------
    LabelError
        If no try fulfils the criterion.
    """
    if highest not in get_args(Aim):
        raise LabelError(f"highest={highest!r}; known: {', '.join(get_args(Aim))}.")
    tries = [p for p in swept.points if alarms_an_hour is None or _rate(p.score, sure) <= alarms_an_hour]
    best = [(value, point) for point in tries if (value := getattr(point.score[kind], highest)) is not None]
    if not best:
        asked = in_words(Criterion(swept.section, {}, highest, kind, alarms_an_hour, sure))
        raise LabelError(f"no try of [{swept.section}] fulfils this: {asked}. Try other values, or ask for less.")
    top = max(value for value, _ in best)
    equal = [point for value, point in best if value == top]
    chosen = _middle(equal, swept.points)
    return Choice(chosen, Criterion(swept.section, chosen.values, highest, kind, alarms_an_hour, sure))


def _middle(equal: Sequence[Point], points: Sequence[Point]) -> Point:
    """Return the medoid of some points of a grid; of several the last."""
    known: dict[str, list[Any]] = {name: [] for name in points[0].values}
    for point in points:
        for name, value in point.values.items():
            if value not in known[name]:
                known[name].append(value)
    places = [[known[name].index(value) for name, value in point.values.items()] for point in equal]
    steps = [sum(abs(a - b) for other in places for a, b in zip(place, other, strict=True)) for place in places]
    return equal[max(n for n, count in enumerate(steps) if count == min(steps))]


def _rate(found: Score, sure: bool) -> float:
    rate = found.alarms[0]
    if rate.an_hour is None:
        return math.inf
    return rate.interval[1] if sure else rate.an_hour


def _told(found: Score, kind: str) -> dict[str, Any]:
    rate = found.alarms[0]
    row = found[kind].row()
    del row["kind"]
    return row | {"alarms": rate.alarms, "an_hour": rate.an_hour}


def _grid(section: str, values: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    """Return every combination of values, checked against what the section takes."""
    known = sections()
    if section not in known:
        raise SettingsError(f"unknown section [{section}]. Known: {', '.join(sorted(known))}")
    if section in STAGES:
        raise SettingsError(f"[{section}] measures: its parameters cannot be varied over what was measured already.")
    if not 1 <= len(values) <= 2 or not all(len(some) for some in values.values()):
        raise SettingsError("name one or two parameters, each with its values.")
    grid = []
    for combined in product(*values.values()):
        given = dict(zip(values, combined, strict=True))
        try:
            checked = known[section].model_validate(given).model_dump(exclude_unset=True)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"])
            raise SettingsError(
                f"[{section}] {place}: {first['msg']}. Known: {', '.join(known[section].model_fields)}"
            ) from error
        grid.append(checked)
    return grid

"""How well findings fit labels: shares found, shares that are true, false alarms an hour, each with its interval."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.model import Level
from pipeline.settings import Settings
from pipeline.tuning.clips import Clips
from pipeline.tuning.intervals import bootstrap_f1, bootstrap_gain, f1, garwood, wilson
from pipeline.tuning.judging import Judged, Rules, judge
from pipeline.tuning.labels import LabelError, Labels, html_table
from pipeline.tuning.matching import TOLERANCE_S
from pipeline.tuning.progress import shown
from pipeline.tuning.split import groups

ALL = "all"
"""In place of a kind: all that are scored, together."""
NOT_STATED = "not stated"
Counts = tuple[int, int, int, int]
"""Found, of how many; right, of how many told."""


@dataclass(frozen=True, slots=True)
class KindScore:
    """What was found and told of one kind."""

    kind: str
    found: int
    """Labels that the kind names and that a finding of any kind that names them tells."""
    of: int
    own: int
    """Of these, told by a finding of this very kind, or with one among its grounds."""
    right: int
    """Findings of this kind that are true."""
    told: int
    """Findings of this kind of which it is known whether they are true."""
    f1_low: float | None
    f1_high: float | None

    @property
    def recall(self) -> float | None:
        """Share found, 0 to 1; None if nothing was to be found."""
        return self.found / self.of if self.of else None

    @property
    def precision(self) -> float | None:
        """Share of the findings that are true, 0 to 1; None if nothing was told."""
        return self.right / self.told if self.told else None

    @property
    def f1(self) -> float | None:
        """Harmonic mean of both; None where nothing was told and nothing was missed."""
        return f1(self.found, self.of, self.right, self.told)

    @property
    def recall_interval(self) -> tuple[float, float]:
        """95 %, Wilson."""
        return wilson(self.found, self.of)

    @property
    def precision_interval(self) -> tuple[float, float]:
        """95 %, Wilson."""
        return wilson(self.right, self.told)

    def row(self) -> dict[str, Any]:
        """Return it as a row of a table."""
        recall, precision = self.recall_interval, self.precision_interval
        return {
            **{"kind": self.kind, "found": self.found, "of": self.of, "own": self.own},
            **{"recall": self.recall, "recall_low": recall[0], "recall_high": recall[1]},
            **{"right": self.right, "told": self.told},
            **{"precision": self.precision, "precision_low": precision[0], "precision_high": precision[1]},
            **{"f1": self.f1, "f1_low": self.f1_low, "f1_high": self.f1_high},
        }


@dataclass(frozen=True, slots=True)
class Rate:
    """False alarms where all is known of a clip."""

    by: str
    """all, device or scene."""
    name: str
    alarms: int
    hours: float

    @property
    def an_hour(self) -> float | None:
        """How many an hour; None where nothing was watched."""
        return self.alarms / self.hours if self.hours else None

    @property
    def interval(self) -> tuple[float, float]:
        """95 %, exact (Garwood)."""
        return garwood(self.alarms, self.hours)


@dataclass(frozen=True, slots=True, eq=False)
class Score:
    """What settings come to on labelled clips."""

    settings: Settings
    labels: Labels
    rules: Rules
    judged: tuple[Judged, ...]
    kinds: tuple[KindScore, ...]
    """All together first, then each kind of which anything was to be found or was told."""
    alarms: tuple[Rate, ...]
    """Of all clips first, then by device and by scene."""

    def __getitem__(self, kind: str) -> KindScore:
        found = next((one for one in self.kinds if one.kind == kind), None)
        return found or KindScore(kind, 0, 0, 0, 0, 0, None, None)

    @property
    def total(self) -> KindScore:
        """All kinds together."""
        return self[ALL]

    def sources(self) -> dict[str, frozenset[str]]:
        """Return SHA-256 of each clip → of what it was made from."""
        return self.labels.sources()

    def gain(self, before: Score, kind: str = ALL, *, seed: int = 0) -> tuple[float, float | None, float | None]:
        """Return by how much F1 of a kind is higher than it was, and the ends of its 95 % interval.

        Both must be of the same labels and rules; the interval is by bootstrap over groups of clips, the same for both.

        Raises
        ------
        LabelError
            If they are not.
        """
        if before.labels != self.labels or before.rules != self.rules:
            raise LabelError("a gain is that of two scores of the same labels by the same rules.")
        found = [self._by_group(kind), before._by_group(kind)]
        low, high = bootstrap_gain(found[1], found[0], seed=seed)
        return (self[kind].f1 or 0.0) - (before[kind].f1 or 0.0), low, high

    def _by_group(self, kind: str) -> list[Counts]:
        return [_counts(group, None if kind == ALL else kind) for group in _together(self.labels, self.judged)]

    def table(self) -> list[dict[str, Any]]:
        """Return a row for each kind: counts, shares, and the ends of their 95 % intervals."""
        return [one.row() for one in self.kinds]

    def alarms_table(self) -> list[dict[str, Any]]:
        """Return a row of false alarms for all clips, each device and each scene."""
        return [
            {"by": one.by, "name": one.name, "alarms": one.alarms, "hours": one.hours, "an_hour": one.an_hour}
            | {"an_hour_low": one.interval[0], "an_hour_high": one.interval[1]}
            for one in self.alarms
        ]

    def by_detail(self) -> list[dict[str, Any]]:
        """Return how much was found of each thing that was done (case of a forgery, words of a truth file)."""
        counts: dict[str, list[bool]] = defaultdict(list)
        for one in self.judged:
            for sought in one.sought:
                counts[sought.label.detail or NOT_STATED].append(bool(sought.by))
        rows = []
        for detail, hits in sorted(counts.items()):
            low, high = wilson(sum(hits), len(hits))
            row = {"done": detail, "found": sum(hits), "of": len(hits), "recall": sum(hits) / len(hits)}
            rows.append(row | {"recall_low": low, "recall_high": high})
        return rows

    def _repr_html_(self) -> str:
        parts = {
            "Kinds": self.table(),
            "False alarms where all of a clip is known": self.alarms_table(),
            "What was done": self.by_detail(),
        }
        tables = (f"<p><b>{heading}</b></p>{html_table(rows)}" for heading, rows in parts.items())
        return f"{''.join(tables)}<p>In brackets: 95 % intervals.</p>"


def score(
    labels: Labels,
    clips: Clips,
    settings: Settings | None = None,
    *,
    kinds: Collection[str] | None = None,
    tolerance_s: float = TOLERANCE_S,
    least: Level = Level.SUSPECT,
    seed: int = 0,
    rounds: int = 2000,
    bar: bool = True,
) -> Score:
    """Detect with settings on measured clips, and hold what is found against their labels.

    Parameters
    ----------
    labels : Labels
    clips : Clips
        Loaded clips, those of the labels among them.
    settings : Settings, optional
        What `--settings` would set; those that the clips were loaded with if left out.
    kinds : collection of str, optional
        Kinds of finding that are scored; every kind that a label names if left out.
    tolerance_s : float
        A finding this near to a label is told of it.
    least : Level
        Findings below this level do not count.
    seed, rounds : int
        Of the bootstrap of F1 (`pipeline.tuning.intervals.bootstrap_f1`).
    bar : bool
        Show a bar.

    Raises
    ------
    LabelError
        If there are no labels, or a labelled clip was not loaded.
    SettingsError
        If the settings ask for other measurements than were loaded.
    """
    if not len(labels):
        raise LabelError("there are no labels to score against.")
    named = frozenset().union(*(row.kinds for row in labels if row.label != "unsure"))
    rules = Rules(named if kinds is None else frozenset(kinds), tolerance_s, least)
    used = settings or clips.settings
    clips.must_be_measured(used)
    rows = labels.by_clip()
    judged = tuple(
        judge(clip, clips.detect(clip, used), rows[clip.sha256], rules)
        for clip in shown(clips.of(labels), "Scoring", bar)
    )
    return Score(used, labels, rules, judged, _kinds(labels, judged, rules, seed, rounds), _alarms(judged))


def _kinds(labels: Labels, judged: Sequence[Judged], rules: Rules, seed: int, rounds: int) -> tuple[KindScore, ...]:
    together = _together(labels, judged)
    made = []
    for kind in (None, *sorted(rules.kinds)):
        found, of, right, told = _counts(judged, kind)
        if kind is not None and not of and not told:
            continue
        low, high = bootstrap_f1([_counts(group, kind) for group in together], seed=seed, rounds=rounds)
        own = found if kind is None else sum(s.found_by(kind) for one in judged for s in one.sought)
        made.append(KindScore(kind or ALL, found, of, own, right, told, low, high))
    return tuple(made)


def _together(labels: Labels, judged: Sequence[Judged]) -> list[list[Judged]]:
    """Return the clips of each group that is drawn as a whole."""
    by_clip = {one.clip.sha256: one for one in judged}
    return [[by_clip[sha256] for sha256 in sorted(group)] for group in groups(labels)]


def _counts(judged: Iterable[Judged], kind: str | None) -> Counts:
    """Count for one kind, None: for all that are scored."""
    found = of = right = told = 0
    for one in judged:
        sought = [s for s in one.sought if kind is None or kind in s.label.kinds]
        known = [t for t in one.told if t.judgement != "open" and (kind is None or t.finding.kind == kind)]
        of += len(sought)
        found += sum(bool(s.by) for s in sought)
        told += len(known)
        right += sum(t.judgement == "right" for t in known)
    return found, of, right, told


def _alarms(judged: Sequence[Judged]) -> tuple[Rate, ...]:
    watched = [one for one in judged if one.watched_s > 0]
    alarms: dict[tuple[str, str], list[tuple[int, float]]] = defaultdict(list)
    for one in watched:
        counted = sum(t.judgement == "false alarm" for t in one.told), one.watched_s
        alarms[ALL, ALL].append(counted)
        alarms["device", one.clip.device or NOT_STATED].append(counted)
        alarms["scene", one.clip.scene or NOT_STATED].append(counted)
    if not watched:
        return (Rate(ALL, ALL, 0, 0.0),)
    return tuple(
        Rate(by, name, sum(n for n, _ in counted), math.fsum(s for _, s in counted) / 3600)
        for (by, name), counted in sorted(alarms.items())
    )

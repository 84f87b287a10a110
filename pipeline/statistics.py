"""Statistics over the results of many clips: what each group comes to, and which rules its clips fail."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.errors import SettingsError
from pipeline.model import Level, Message
from pipeline.report.grouping import KEYS, checked_keys, month
from pipeline.report.results import COUNTED, UNREADABLE, Result, Results
from pipeline.report.spreadsheet import ENCODING, write_sheet
from pipeline.report.wording import N_

Names = tuple[str | None, ...]
"""Values of the keys that make a group; None: not stated."""
SEVERAL_OFFICERS = N_(
    "A clip with several officers counts for each of them, so the rows add up to more than the total, which counts "
    "each clip once."
)
SMALL_GROUP = N_(
    "Where a group is small its share says nothing about a person: the interval shows how little is known."
)
LEVELS = tuple(str(level) for level in Level)
"""Of findings, the gravest first."""
Z = 1.959963984540054
"""Quantile of the normal distribution for 95 %."""
NOTHING_STATED: tuple[str | None, ...] = (None,)


@dataclass(slots=True)
class Measures:
    """What is counted of one group of clips."""

    clips: int = 0
    seconds: float = 0.0
    counts: Counter[str] = field(default_factory=Counter)
    """How many clips are counted as what (`COUNTED`); together `clips`."""
    violations: int = 0
    """Findings at level violation."""
    timed_violations: int = 0
    """Those of them in clips whose length was measured."""

    def add(self, seconds: float, counted: str, violations: int, clips: int = 1, timed: int | None = None) -> None:
        """Count clips that come to the same.

        Parameters
        ----------
        seconds : float
            Length of all of them together.
        counted : str
            What each counts as.
        violations : int
            Of each.
        clips : int
        timed : int, optional
            How many of them have a length that was measured; left out: all, if `seconds` is not 0.
        """
        self.clips += clips
        self.seconds += seconds
        self.counts[counted] += clips
        self.violations += violations * clips
        self.timed_violations += violations * (timed if timed is not None else clips if seconds else 0)

    @property
    def decided(self) -> int:
        """Clips that passed or failed."""
        return self.counts["pass"] + self.counts["fail"]

    @property
    def share_passed(self) -> float | None:
        """Share that passed of the clips that were decided; None if none was."""
        return self.counts["pass"] / self.decided if self.decided else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """95 % interval of that share."""
        return wilson(self.counts["pass"], self.decided) if self.decided else None

    @property
    def hours(self) -> float:
        """Length of the clips."""
        return self.seconds / 3600

    @property
    def violations_per_hour(self) -> float | None:
        """Findings at level violation in an hour of the clips whose length was measured; None if there is none."""
        return self.timed_violations / self.hours if self.seconds else None

    def row(self) -> dict[str, Any]:
        """Return the measures as columns of the table."""
        low, high = self.interval or (None, None)
        return {
            "clips": self.clips,
            "hours": self.hours,
            **{column(counted): self.counts[counted] for counted in COUNTED},
            "decided": self.decided,
            "share_passed": self.share_passed,
            "share_passed_low": low,
            "share_passed_high": high,
            "violations": self.violations,
            "violations_per_hour": self.violations_per_hour,
        }


@dataclass(frozen=True, slots=True)
class RuleName:
    """A rule: rules of different profiles share their short names."""

    profile: str
    id: str
    article: str


@dataclass(frozen=True, slots=True)
class JudgedRule:
    """How a rule came out for a clip."""

    id: str
    article: str
    outcome: str
    """One of `COUNTED`."""
    violations: int
    """Findings at level violation that it rests on."""


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What a clip comes to under a profile, as far as it is counted."""

    profile: str
    counted: str
    violations: int
    rules: tuple[JudgedRule, ...]
    kinds: tuple[tuple[str, str], ...]
    """Each kind of finding with its gravest level, in the order of their names."""


@dataclass(frozen=True, slots=True)
class Statistics:
    """Tables over the results of many clips."""

    by: tuple[str, ...]
    total: Measures
    """Every clip once, whatever the groups are."""
    groups: dict[Names, Measures]
    """In order of their names, what is not stated last."""
    rules: dict[tuple[Names, RuleName], Counter[str]]
    """How a rule came out for the clips of a group (`COUNTED`)."""
    rules_total: dict[RuleName, Counter[str]]
    kinds: dict[str, Counter[str]]
    """Kind of finding → gravest level → clips, over all clips; in the order of their names."""
    notes: tuple[Message, ...]
    """What a reader must know to read the tables."""


def wilson(hits: int, count: int) -> tuple[float, float]:
    """Return the 95 % Wilson score interval of the share `hits` of `count`; (0, 1) if `count` is 0.

    References
    ----------
    E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927), 209-212.
    """
    return wilson_of_share(hits / count, count) if count else (0.0, 1.0)


def wilson_of_share(share: float, count: float) -> tuple[float, float]:
    """Return the interval as `wilson`, of a share of a number that need not be whole: an effective one."""
    scale, middle = 1 + Z**2 / count, share + Z**2 / (2 * count)
    half = Z * math.sqrt(share * (1 - share) / count + Z**2 / (4 * count**2))
    low = (middle - half) / scale if share > 0 else 0.0
    high = (middle + half) / scale if share < 1 else 1.0
    return max(0.0, low), min(1.0, high)


def statistics(read: Results, by: Sequence[str] = ()) -> Statistics:
    """Count what the clips of each group come to.

    Parameters
    ----------
    read : Results
        One result for each clip and profile.
    by : sequence of str
        What makes a group, of `KEYS`; several cross each other. With `rule` the outcomes of each rule are counted in
        place of the clips' verdicts, and of the findings only those that the rule rests on.

    Returns
    -------
    Statistics

    Raises
    ------
    SettingsError
        If clips cannot be grouped so.
    """
    keys = checked_keys(by)
    count = Count(keys)
    for result in read.results:
        values = {key: KEYS[key](result) for key in keys if key != "rule"}
        count.add(values, outcomes_of(result), result.clip.duration_s)
    return count.done(_notes(read, keys))


def outcomes_of(result: Result) -> Outcomes:
    """Return what a result comes to."""
    gravest: dict[str, str] = {}
    for finding in result.findings:
        known = gravest.get(finding.kind, finding.level)
        gravest[finding.kind] = min(known, finding.level, key=LEVELS.index)
    rules = tuple(
        JudgedRule(
            rule.id,
            rule.article,
            rule.outcome if result.unreadable is None else result.counted,
            len(result.violations & set(rule.findings)),
        )
        for rule in result.rules
    )
    return Outcomes(result.profile, result.counted, len(result.violations), rules, tuple(sorted(gravest.items())))


class Count:
    """Counts clips into groups.

    Parameters
    ----------
    keys : sequence of str
        What makes a group, of `KEYS`.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        self.keys = tuple(keys)
        self.total = Measures()
        self._groups: dict[Names, Measures] = {}
        self._rules: dict[tuple[Names, RuleName], Counter[str]] = {}
        self._rules_total: dict[RuleName, Counter[str]] = {}
        self._kinds: dict[str, Counter[str]] = {}

    def add(
        self,
        values: Mapping[str, Sequence[str | None]],
        of: Outcomes,
        seconds: float,
        clips: int = 1,
        timed: int | None = None,
    ) -> None:
        """Count clips that come to the same and have the same values.

        Parameters
        ----------
        values : mapping
            Key, all of `keys` but `rule` → values; none: not stated.
        of : Outcomes
        seconds, clips, timed : float, int, int
            As in `Measures.add`.
        """
        self.total.add(seconds, of.counted, of.violations, clips, timed)
        named = [(RuleName(of.profile, rule.id, rule.article), rule) for rule in of.rules]
        for name, rule in named:
            self._rules_total.setdefault(name, Counter())[rule.outcome] += clips
        for kind, level in of.kinds:
            self._kinds.setdefault(kind, Counter())[level] += clips
        judged = {f"{of.profile} {rule.id}": rule for rule in of.rules}
        crossed = [tuple(judged) if key == "rule" else values[key] for key in self.keys]
        for names in itertools.product(*(one or NOTHING_STATED for one in crossed)):
            by_rule = names[self.keys.index("rule")] if "rule" in self.keys else None
            counted, violations = of.counted, of.violations
            if by_rule is not None:
                counted, violations = judged[by_rule].outcome, judged[by_rule].violations
            self._groups.setdefault(names, Measures()).add(seconds, counted, violations, clips, timed)
            for name, rule in named:
                if "rule" not in self.keys or by_rule == f"{name.profile} {name.id}":
                    self._rules.setdefault((names, name), Counter())[rule.outcome] += clips

    def done(self, notes: Sequence[Message]) -> Statistics:
        """Return the tables."""
        return Statistics(
            self.keys,
            self.total,
            {names: self._groups[names] for names in sorted(self._groups, key=_order)},
            {key: self._rules[key] for key in sorted(self._rules, key=lambda key: _order(key[0]))},
            self._rules_total,
            {kind: self._kinds[kind] for kind in sorted(self._kinds)},
            tuple(notes),
        )


def _order(names: Names) -> tuple[tuple[bool, str], ...]:
    return tuple((name is None, name or "") for name in names)


def _notes(read: Results, keys: Sequence[str]) -> tuple[Message, ...]:
    count = len(read.results)
    return notes(
        keys,
        repeated=read.repeated,
        other_cases=count - len({(result.content, result.profile) for result in read.results}),
        more_profiles=count - len({result.key for result in read.results}),
        several_officers="officer" in keys and any(len(KEYS["officer"](result)) > 1 for result in read.results),
        claimed=sum(claimed for _, claimed in map(month, read.results)) if "month" in keys else 0,
        unmeasured=sum(not result.clip.duration_s for result in read.results),
    )


def notes(
    keys: Sequence[str],
    *,
    repeated: int = 0,
    other_cases: int = 0,
    more_profiles: int = 0,
    several_officers: bool = False,
    claimed: int = 0,
    unmeasured: int = 0,
) -> tuple[Message, ...]:
    """Return what a reader must know to read the tables.

    Parameters
    ----------
    keys : sequence of str
        What makes a group.
    repeated, other_cases, more_profiles : int
        Results that were left out as another tells of the same clip; clips with the content of another one under
        another case number; results that judge a clip by one more profile.
    several_officers : bool
        Whether a clip counts for several officers.
    claimed : int
        Clips whose month is only what the file claims.
    unmeasured : int
        Clips whose length was not measured.
    """
    return tuple(_told(keys, repeated, other_cases, more_profiles, several_officers, claimed, unmeasured))


def _told(
    keys: Sequence[str],
    repeated: int,
    other_cases: int,
    more_profiles: int,
    several_officers: bool,
    claimed: int,
    unmeasured: int,
) -> Iterator[Message]:
    if repeated:
        yield Message(
            "{count} results tell of a clip that another tells of too (content, case number and profile agree). Each "
            "clip counts once.",
            {"count": repeated},
        )
    if other_cases:
        message = "{count} clips have the content of another clip under another case number. Each of them counts."
        yield Message(message, {"count": other_cases})
    if more_profiles:
        message = "{count} results judge a clip by one more profile. A clip counts once for each."
        yield Message(message, {"count": more_profiles})
    if several_officers:
        yield Message(SEVERAL_OFFICERS)
    if "rule" in keys:
        yield Message(
            "A row counts the outcomes of one rule, and of the violations those that it rests on; the total counts the "
            "verdicts of the clips."
        )
    if claimed:
        yield Message("For {count} clips the month is only what the file claims of itself.", {"count": claimed})
    if unmeasured:
        yield Message(
            "The length of {count} clips was not measured (triage, or unreadable): hours and violations an hour leave "
            "them out.",
            {"count": unmeasured},
        )
    yield Message(
        "The share is that of the clips that passed among those that passed or failed, with its 95 % interval "
        "(Wilson). Undecided clips are in neither part: a person has yet to look."
    )
    if keys:
        yield Message(SMALL_GROUP)


# ---- tables as files and JSON ------------------------------------------------------------------------------------


def column(counted: str) -> str:
    """Return the name of the column for what a clip is counted as."""
    return {"pass": "passed", "fail": "failed"}.get(counted, counted.replace(" ", "_"))


def group_rows(found: Statistics) -> list[dict[str, Any]]:
    """Return one row for each group: its names, then its measures."""
    return [{**dict(zip(found.by, names, strict=True)), **measures.row()} for names, measures in found.groups.items()]


def rule_rows(found: Statistics) -> list[dict[str, Any]]:
    """Return one row for each group and rule: how many clips the rule came out how for."""
    return [
        {
            **dict(zip(found.by, names, strict=True)),
            "rule_profile": rule.profile,
            "rule_id": rule.id,
            "rule_article": rule.article,
            "clips": counts.total(),
            **{column(counted): counts[counted] for counted in COUNTED},
        }
        for (names, rule), counts in found.rules.items()
    ]


def kind_rows(found: Statistics) -> list[dict[str, Any]]:
    """Return one row for each kind of finding: in how many clips it was found, by its gravest level there.

    The share is that of the clips in which it is a violation or suspect, of those of which anything could be examined.
    """
    examined = found.total.clips - found.total.counts[UNREADABLE]
    rows = []
    for kind, counts in found.kinds.items():
        hits = min(counts["violation"] + counts["suspect"], examined)
        low, high = wilson(hits, examined) if examined else (None, None)
        levels = {level: counts[level] for level in LEVELS}
        share = hits / examined if examined else None
        shares = {"share": share, "share_low": low, "share_high": high}
        rows.append({"kind": kind, "clips": counts.total(), **levels, "examined": examined, **shares})
    return rows


def document(found: Statistics) -> dict[str, Any]:
    """Return the tables as one JSON object."""
    return {
        "by": list(found.by),
        "total": found.total.row(),
        "groups": group_rows(found),
        "rules": rule_rows(found),
        "kinds": kind_rows(found),
        "notes": [str(note) for note in found.notes],
    }


def write(found: Statistics, path: Path) -> tuple[Path, Path]:
    """Write the groups to `path` and the rules beside it (`<stem>-rules`), as Parquet or CSV by the name's ending.

    Raises
    ------
    SettingsError
        If the name ends otherwise, or a file cannot be written.
    """
    if path.suffix not in {".parquet", ".csv"}:
        raise SettingsError(Message("{path}: name it .parquet or .csv.", {"path": str(path)}))
    beside = path.with_name(f"{path.stem}-rules{path.suffix}")
    counts = [column(counted) for counted in COUNTED]
    rule_columns = [*found.by, "rule_profile", "rule_id", "rule_article", "clips", *counts]
    for file, rows, columns in (
        (path, group_rows(found), [*found.by, *found.total.row()]),
        (beside, rule_rows(found), rule_columns),
    ):
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            if path.suffix == ".csv":
                _write_csv(rows, columns, file)
            else:
                pq.write_table(_arrow(rows, columns), file)
        except OSError as error:
            problem = {"path": str(file), "problem": error.strerror or str(error)}
            raise SettingsError(Message("{path}: cannot be written ({problem}).", problem)) from error
    return path, beside


_FLOATS = {"hours", "share_passed", "share_passed_low", "share_passed_high", "violations_per_hour"}
_TEXTS = {*KEYS, "rule_profile", "rule_id", "rule_article"}


def _arrow(rows: list[dict[str, Any]], columns: list[str]) -> pa.Table:
    types = {**dict.fromkeys(_FLOATS, pa.float64()), **dict.fromkeys(_TEXTS, pa.string())}
    return pa.table({name: pa.array([row[name] for row in rows], types.get(name, pa.int64())) for name in columns})


def _write_csv(rows: list[dict[str, Any]], columns: list[str], file: Path) -> None:
    with file.open("w", encoding=ENCODING, newline="") as stream:
        write_sheet(rows, columns, stream)

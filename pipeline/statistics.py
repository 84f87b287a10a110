"""Statistics over the results of many clips: what each group comes to, and which rules its clips fail."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.errors import SettingsError
from pipeline.model import Message
from pipeline.report.grouping import KEYS, checked_keys, month
from pipeline.report.results import COUNTED, Result, Results
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

    def add(self, seconds: float, counted: str, violations: int) -> None:
        """Count one clip."""
        self.clips += 1
        self.seconds += seconds
        self.counts[counted] += 1
        self.violations += violations
        self.timed_violations += violations if seconds else 0

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
    notes: tuple[Message, ...]
    """What a reader must know to read the tables."""


def wilson(hits: int, count: int) -> tuple[float, float]:
    """Return the 95 % Wilson score interval of the share `hits` of `count`; (0, 1) if `count` is 0.

    References
    ----------
    E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927), 209-212.
    """
    from scipy.stats import binomtest

    if not count:
        return 0.0, 1.0
    low, high = binomtest(hits, count).proportion_ci(confidence_level=0.95, method="wilson")
    return float(low), float(high)


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
    total = Measures()
    groups: dict[Names, Measures] = {}
    rules: dict[tuple[Names, RuleName], Counter[str]] = {}
    rules_total: dict[RuleName, Counter[str]] = {}
    for result in read.results:
        total.add(result.clip.duration_s, result.counted, len(result.violations))
        for name, outcome in _rules(result):
            rules_total.setdefault(name, Counter())[outcome] += 1
        for names, counted, violations in _groups(result, keys):
            groups.setdefault(names, Measures()).add(result.clip.duration_s, counted, violations)
            for name, outcome in _rules(result):
                if "rule" not in keys or names[keys.index("rule")] == f"{name.profile} {name.id}":
                    rules.setdefault((names, name), Counter())[outcome] += 1
    ordered = sorted(groups, key=_order)
    return Statistics(
        keys,
        total,
        {names: groups[names] for names in ordered},
        {key: rules[key] for key in sorted(rules, key=lambda key: _order(key[0]))},
        rules_total,
        tuple(_notes(read, keys, total, groups)),
    )


def _order(names: Names) -> tuple[tuple[bool, str], ...]:
    return tuple((name is None, name or "") for name in names)


def _rules(result: Result) -> Iterator[tuple[RuleName, str]]:
    for rule in result.rules:
        outcome = rule.outcome if result.unreadable is None else result.counted
        yield RuleName(result.profile, rule.id, rule.article), outcome


def _groups(result: Result, keys: Sequence[str]) -> Iterator[tuple[Names, str, int]]:
    """Yield each group that a result belongs to, what it counts as there, and how many violations."""
    values = [KEYS[key](result) or NOTHING_STATED for key in keys]
    judged = {f"{name.profile} {name.id}": outcome for name, outcome in _rules(result)}
    rests = {f"{result.profile} {rule.id}": result.violations & set(rule.findings) for rule in result.rules}
    for names in itertools.product(*values):
        rule = names[keys.index("rule")] if "rule" in keys else None
        if rule is None:
            yield names, result.counted, len(result.violations)
        else:
            yield names, judged[rule], len(rests[rule])


def _notes(read: Results, keys: Sequence[str], total: Measures, groups: dict[Names, Measures]) -> Iterator[Message]:
    if read.repeated:
        yield Message(
            "{count} results tell of a clip that another tells of too (content, case number and profile agree). Each "
            "clip counts once.",
            {"count": read.repeated},
        )
    if count := total.clips - len({(result.content, result.profile) for result in read.results}):
        message = "{count} clips have the content of another clip under another case number. Each of them counts."
        yield Message(message, {"count": count})
    if count := total.clips - len({result.key for result in read.results}):
        message = "{count} results judge a clip by one more profile. A clip counts once for each."
        yield Message(message, {"count": count})
    if "officer" in keys and any(len(KEYS["officer"](result)) > 1 for result in read.results):
        yield Message(SEVERAL_OFFICERS)
    if "rule" in keys:
        yield Message(
            "A row counts the outcomes of one rule, and of the violations those that it rests on; the total counts the "
            "verdicts of the clips."
        )
    if "month" in keys and (count := sum(claimed for _, claimed in map(month, read.results))):
        yield Message("For {count} clips the month is only what the file claims of itself.", {"count": count})
    if count := sum(not result.clip.duration_s for result in read.results):
        yield Message(
            "The length of {count} clips was not measured (triage, or unreadable): hours and violations an hour leave "
            "them out.",
            {"count": count},
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


def document(found: Statistics) -> dict[str, Any]:
    """Return the tables as one JSON object."""
    return {
        "by": list(found.by),
        "total": found.total.row(),
        "groups": group_rows(found),
        "rules": rule_rows(found),
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

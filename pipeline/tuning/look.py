"""Looking at one clip: everything that was measured of it, and what was found, on one axis of time."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline import run
from pipeline.features.cache import Cache
from pipeline.model import Examination, Finding, Level, Outcome
from pipeline.report.stills import by_gravity
from pipeline.report.wording import stretch
from pipeline.rules.profile import DEFAULT_PROFILE, load_profile
from pipeline.settings import Settings
from pipeline.stages import sections
from pipeline.tuning.labels import html_table

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """One examined clip; shows itself in a notebook as the table of its findings."""

    examination: Examination

    @property
    def findings(self) -> list[Finding]:
        """What was found, the gravest first."""
        return by_gravity(self.examination.findings)

    def table(self, least: Level = Level.NOTE) -> list[dict[str, Any]]:
        """Return a row for each finding of a level or above, with the clauses that rest on it and apply."""
        order = list(Level)
        rules = self.examination.rules
        return [
            {
                "id": finding.id,
                "level": finding.level.value,
                "kind": finding.kind,
                "start_s": finding.span.start_s,
                "stop_s": finding.span.stop_s,
                "score": finding.score,
                "article": "; ".join(
                    f"{r.article} ({r.outcome.value})"
                    for r in rules
                    if finding.id in r.findings and r.outcome is not Outcome.NOT_APPLICABLE
                ),
                "summary": finding.summary,
            }
            for finding in self.findings
            if order.index(finding.level) <= order.index(least)
        ]

    def curves(self) -> Figure:
        """Return all curves over one axis of time, findings as bands, and a strip of pictures above."""
        from pipeline.tuning.look_figures import curves

        with tempfile.TemporaryDirectory(prefix="unbroken-look-") as folder:
            return curves(self.examination, Path(folder))

    def stills(self, most: int = 4) -> Figure:
        """Return the pictures before, in and after the gravest findings, a row each."""
        from pipeline.tuning.look_figures import stills

        with tempfile.TemporaryDirectory(prefix="unbroken-look-") as folder:
            return stills(self.examination, self.findings, Path(folder), most)

    def _repr_html_(self) -> str:
        rows: list[dict[str, Any]] = []
        duration_s = self.examination.features.duration_s()
        for row, finding in zip(self.table(), self.findings, strict=True):
            del row["start_s"], row["stop_s"]
            whole = finding.span.start_s <= 0 and finding.span.stop_s >= duration_s
            rows.append({"at": "whole clip" if whole else stretch(finding.span), **row})
        return html_table(rows)


def look(clip: Path, cache: Path, settings: Settings | None = None, *, profile: str | Path = DEFAULT_PROFILE) -> Look:
    """Examine one clip by itself, as `unbroken scan` does.

    Parameters
    ----------
    clip : Path
        Opened read-only; measured once, then served from the cache.
    cache : Path
        Folder of the cache.
    settings : Settings, optional
        What `--settings` would set.
    profile : str or Path
        Regulation, as `--profile` names it.
    """
    return Look(run.examine(clip, load_profile(profile, sections()), Cache(cache), settings))

"""Spot checks of the review page: drawn from the index, kept in the same CSV ledger as those of the command line.

The file lies beside the batch's ledger. What it does not say, from which clips an account drew, stands in the audit
log; a draw is shown to who may see all of these.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from pipeline import spotcheck_ledger as sheet
from pipeline.batch.ledger import Ledger
from pipeline.report.grouping import ZONE
from pipeline.report.spreadsheet import cell
from pipeline.review import audit
from pipeline.review.accounts import Account
from pipeline.review.counting import COLUMNS, twins_of
from pipeline.review.coverage import sees_all
from pipeline.review.index import ReviewIndex, Visible
from pipeline.review.index_tables import clips
from pipeline.spotcheck import Clip, Draw, Parameters, clip_of, draw_from
from pipeline.spotcheck_estimate import Checked, Estimate, estimate

DRAWN, NOTED = "spot-check-drawn", "spot-check-noted"
"""Actions in the audit log; their subject is the name of the draw."""
STRATA = ("unit", "device", "month")
"""What strata can be made of on the page, of `pipeline.spotcheck.STRATA`."""


@dataclass(frozen=True, slots=True)
class Line:
    """One clip that was drawn, as the ledger of spot checks has it."""

    number: int
    """Line of the file."""
    row: Mapping[str, str]
    """Cells by the names of `pipeline.spotcheck_ledger.HEADINGS`."""
    key: str | None
    """Of its result, for its page; None: no result of it is in the index."""

    @property
    def seen(self) -> str:
        """What tells whether the row was changed since somebody saw it."""
        return hashlib.sha256(json.dumps(self.row, sort_keys=True).encode()).hexdigest()

    @property
    def outcome(self) -> str | None:
        """What the check came to, one of `OUTCOMES`; None: nobody looked, or it is in words of their own."""
        return next((name for name, text in sheet.OUTCOMES.items() if text == self.row["outcome"]), None)

    @property
    def is_checked(self) -> bool:
        """Whether somebody wrote what the check came to."""
        return bool(self.row["outcome"].strip())


@dataclass(frozen=True, slots=True)
class Drawn:
    """A draw of the ledger."""

    id: str
    lines: tuple[Line, ...]

    def told(self, column: str) -> str:
        """Return what the ledger says of the whole draw."""
        return self.lines[0].row[column]

    @property
    def estimate(self) -> Estimate:
        """What the checks say of all clips that it was drawn from."""
        return estimate(
            Checked(
                line.row["stratum"],
                int(line.row["stratum_clips"]),
                line.outcome if line.outcome in ("in order", "not in order") else None,
                line.row["verdict"] == sheet.VERDICTS["pass"],
            )
            for line in self.lines
        )


def place(ledger: Ledger) -> Path:
    """Return the file of the spot checks, beside the batch's ledger."""
    return ledger.keys.folder / f"{ledger.keys.name}.spotchecks.csv"


def drawn_from(
    index: ReviewIndex, ledger: Ledger, scope: str, batch: int, visible: Visible, wanted: Parameters
) -> Draw:
    """Draw a sample of the clips of a batch that an account may see, as the command line draws from their documents.

    Raises
    ------
    SettingsError
        As `pipeline.spotcheck.draw`.
    """
    of = index.conditions(scope, batch, visible)
    needed = (clips.c.key, clips.c.content, clips.c.sha256, clips.c.case_number, clips.c.counted, clips.c.shown)
    columns = [COLUMNS[key].label(f"by_{key}") for key in wanted.by]
    with index.engine.connect() as connection:
        without = twins_of(connection, scope, of).without()
        rows = connection.execute(select(*needed, *columns).where(*of, *without)).all()
    keys: dict[str, str] = {}
    population = []
    for key, content, sha256, case_number, counted, shown, *values in rows:
        named = f"{content} {case_number}" if case_number else content
        stated = [(value,) if value else () for value in values]
        clip = clip_of(named, stated, sha256, case_number or None, shown if sha256 else content, (("", counted),))
        population.append(clip)
        keys[clip.key] = key
    found = draw_from(population, wanted)
    return replace(found, sample=tuple(_named(ledger, clip, keys[clip.key]) for clip in found.sample))


def _named(ledger: Ledger, clip: Clip, key: str) -> Clip:
    """Return a clip with the path and profile that its document states."""
    told = json.loads(ledger.result(key) or "{}")
    return (
        replace(clip, path=told["clip"]["path"], verdicts=((told["profile"], clip.verdicts[0][1]),)) if told else clip
    )


def keep(ledger: Ledger, drawn: Draw, account: Account, batch: int) -> bool:
    """Append a draw to the ledger of spot checks, and tell the audit log; False: it stands there already.

    Raises
    ------
    SettingsError
        If the file is no such ledger or cannot be written; then nothing is done.
    """
    file, at = place(ledger), datetime.now(ZONE)
    is_new = not file.exists() or all(row["draw"] != drawn.id for _, row in sheet.read_ledger(file))
    details = {
        "batch": batch,
        "seed": drawn.parameters.seed,
        "parameters": drawn.parameters.text,
        "population": len(drawn.population),
        "population_sha256": drawn.population_sha256,
        "clips": len(drawn.sample),
        "units": None if account.all_units else sorted(account.units),
        "classes": sorted(account.classes),
        "is_new": is_new,
    }

    def work(connection: Connection) -> None:
        audit.add(connection, account.name, DRAWN, drawn.id, details)
        sheet.append(drawn, file, at)  # nothing happens where it stands there already: this may be done again

    ledger.database.write(work)
    return is_new


def draws(ledger: Ledger, index: ReviewIndex, account: Account, visible: Visible) -> list[Drawn]:
    """Return the draws of which an account may see all that they were drawn from, the newest first.

    Raises
    ------
    SettingsError
        If the file is no ledger of spot checks, or cannot be read.
    """
    file = place(ledger)
    if not file.exists():
        return []
    found: dict[str, list[tuple[int, dict[str, str]]]] = {}
    for line, row in sheet.read_ledger(file):
        found.setdefault(row["draw"], []).append((line, row))
    events = ledger.database.read(lambda connection: list(audit.events_of(connection, (DRAWN,))))
    allowed = {event.subject for event in events if _covers(account, event.details)}
    shown = []
    for name, rows in found.items():
        if name not in allowed and not sees_all(account):
            continue
        known = _keys(index, visible, rows)
        if known is not None:
            lines = tuple(Line(number, row, known.get(_content(row))) for number, row in rows)
            shown.append(Drawn(name, lines))
    return sorted(shown, key=lambda one: one.told("drawn_at"), reverse=True)


def _covers(account: Account, told: Mapping[str, Any]) -> bool:
    of_units = account.all_units or (told["units"] is not None and account.units.issuperset(told["units"]))
    return of_units and account.classes.issuperset(told["classes"])


def _content(row: Mapping[str, str]) -> str:
    return row["sha256"] or row["path"].removeprefix("'")


def _keys(index: ReviewIndex, visible: Visible, rows: Sequence[tuple[int, dict[str, str]]]) -> dict[str, str] | None:
    """Return the result of each content; None if an account may not see one of the clips any more."""
    of_rows = clips.c.content.in_([_content(row) for _, row in rows])
    wanted = (
        select(clips.c.content, clips.c.key)
        .where(of_rows, clips.c.newest.is_(True))
        .order_by(clips.c.batch, clips.c.id)
    )
    with index.engine.connect() as connection:
        known = {row.content: row.key for row in connection.execute(wanted)}
        allowed = wanted.where(*index.allowed(visible))
        seen = {row.content: row.key for row in connection.execute(allowed)}
    return seen if seen == known else None


def note(ledger: Ledger, drawn: Drawn, line: Line, account: Account, told: Mapping[str, str]) -> None:
    """Note what a person found in a clip that was drawn; an earlier note stays in the audit log.

    Parameters
    ----------
    ledger : Ledger
    drawn : Drawn
    line : Line
        As the person saw it.
    account : Account
    told : mapping
        `playback`, `outcome` (one of `OUTCOMES`) and `remarks`.

    Raises
    ------
    SettingsError
        If the row was changed meanwhile, or the file cannot be written; then nothing is noted.
    """
    file = place(ledger)
    filled = {
        "checked_by": account.name,
        "checked_on": f"{datetime.now(ZONE):%Y-%m-%d}",
        "playback": told["playback"],
        "outcome": sheet.OUTCOMES[told["outcome"]],
        "remarks": told["remarks"],
    }
    details: dict[str, Any] = {name: line.row[name] for name in ("path", "sha256", "verdict")}
    details |= {"line": line.number, **{name: told[name] for name in ("playback", "outcome", "remarks")}}
    before = {name: line.row[name] for name in sheet.FILLED_IN}
    if any(before.values()):
        details["before"] = before
    with sheet.lock(file):
        content = sheet.filled_in(file, line.number, line.row, filled)

        def work(connection: Connection) -> None:
            audit.add(connection, account.name, NOTED, drawn.id, details)
            sheet.replace(file, content)  # the same content, should this be done again

        ledger.database.write(work)


def own_words(text: str) -> str:
    """Return a text of a cell as it was written, without the apostrophe that keeps spreadsheets from running it."""
    return text[1:] if text.startswith("'") and cell(text[1:]) == text else text

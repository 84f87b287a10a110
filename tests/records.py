"""Tables of what lies beside a clip, from a few values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.calendar import working_calendar
from pipeline.features.schema import table, to_table
from pipeline.model import Features

Stated = str | Sequence[str] | None


def recorded(
    case: Mapping[str, Stated],
    *,
    examined_at: str | None = "2026-12-01T12:00:00+08:00",
    ended_at: str | None = None,
    within_s: float = 0.0,
    name: str | None = "a.mp4",
    sha256: str | None = None,
    siblings: Sequence[str] | None = None,
    findings: Sequence[Mapping[str, object]] = (),
    **agency: Any,
) -> Features:
    """Return the tables beside a clip of 10 s.

    Parameters
    ----------
    case : mapping
        Field of the case record → its value or values; None: not stated.
    examined_at : str, optional
        The moment for which periods are judged.
    ended_at, within_s : str, float
        End of the recording, and how far off that may be; None: nothing says when it ended.
    name, sha256 : str, optional
        Of the file.
    siblings : sequence of str, optional
        Names of the clips that were examined with it; None: no such table.
    findings : sequence of mapping
        Rows of that table.
    **agency
        Own days of the agency, as `working_calendar` takes them.
    """
    values = {field: [value] if isinstance(value, str) else value or [] for field, value in case.items()}
    rows = [{"field": field, "value": value} for field, entries in values.items() for value in entries]
    tables = {
        "sound": table("sound", [{"time_s": 0.0, "duration_s": 10.0}]),
        "case": table("case", rows),
        "file": table("file", [{"examined_at": examined_at, "name": name, "sha256": sha256}]),
        "calendar": to_table("calendar", working_calendar(**agency)),
        "findings": table("findings", [{"level": "note", **row} for row in findings]),
    }
    tables["recording"] = table("recording", [{"ended_at": ended_at, "time_within_s": within_s}])
    if siblings is not None:
        tables["siblings"] = table(
            "siblings", [{"clip": clip, "session": False, "case": True, "joined": False} for clip in siblings]
        )
    return Features(tables)

"""What lies beside the clips: case records, registry of recorders, transcripts, subtitles, the calendar, the moment."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa

from pipeline.calendar import working_calendar
from pipeline.case import CaseRecord, CaseTable, case_of, case_table
from pipeline.errors import SettingsError
from pipeline.features.schema import to_arrow, to_table
from pipeline.model import Features, Footage
from pipeline.sessions.recording import CHINA
from pipeline.settings import Settings
from pipeline.stages import CALENDAR
from transcripts.head import read_head

SUBTITLES = (".srt", ".vtt", ".ass")
MOST_SUBTITLE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Beside:
    """What lies beside all clips of one run."""

    registry: pa.Table | None = None
    """Which device belongs to whom, as `pipeline.registry.read_registry` gives it."""
    cases: CaseTable | None = None
    """Case records of a whole store."""
    at: datetime = field(default_factory=lambda: datetime.now(UTC).astimezone())
    """The moment for which periods are judged."""

    def case(self, clip: Path) -> CaseRecord | None:
        """Return the case record of a clip, None if there is none.

        Raises
        ------
        SettingsError
            If it cannot be used as it stands.
        """
        return case_of(clip, self.cases)

    def tables(self, features: Features, footage: Footage, case: CaseRecord | None, settings: Settings) -> Features:
        """Return what was measured with the tables of what lies beside the clip."""
        tables = dict(features.tables)
        if footage.modified_ns:
            changed = datetime.fromtimestamp(footage.modified_ns // 10**9, UTC)
            row: dict[str, object] = {
                "modified_at": changed.isoformat(),
                "name": footage.path.name,
                "sha256": footage.sha256,
                "subtitles": subtitles(footage.path),
                "examined_at": self.at.isoformat(),
            }
            tables["file"] = to_table("file", to_arrow("file", [row]))
            named = next((where for _, where in case.files("transcript")), None) if case else None
            tables["transcript"] = to_table("transcript", read_head(footage.path, footage.sha256, named))
        if (record := case_table(case)) is not None:
            tables["case"] = to_table("case", record)
        if self.registry is not None:
            tables["registry"] = to_table("registry", self.registry)
        tables["calendar"] = to_table("calendar", working_calendar(**settings.section(CALENDAR)))
        return Features(tables)


def subtitles(clip: Path) -> str | None:
    """Return the text of the subtitle files beside a clip, None if there is none."""
    found = [path for ending in SUBTITLES if (path := clip.with_suffix(ending)).is_file()]
    texts = []
    for path in found:
        with path.open("rb") as stream:
            texts.append(stream.read(MOST_SUBTITLE_BYTES).decode("utf-8", "replace"))
    return "\n".join(texts) or None


def moment(text: str) -> datetime:
    """Return the moment that a user names, in China's time if it gives no zone; a day alone is its end.

    Raises
    ------
    SettingsError
        If it is no ISO 8601 date or time.
    """
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise SettingsError(f"{text!r} is no time: write 2026-03-04 or 2026-03-04T18:00") from error
    if len(text) <= len("2026-03-04"):
        at += timedelta(days=1, seconds=-1)
    return at if at.tzinfo else at.replace(tzinfo=ZoneInfo(CHINA))

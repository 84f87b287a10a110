"""What results of scans are grouped by: unit, device, officer, month and others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from pipeline.errors import SettingsError
from pipeline.model import Message
from pipeline.report.results import Recording, Result

ZONE = ZoneInfo("Asia/Shanghai")
"""Months are those of this zone; so are times that state none."""


def _officers(result: Result) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(None, result.clip.case.officers))) if result.clip.case else ()


def _device(result: Result) -> tuple[str, ...]:
    recording = result.clip.recording.device_id if result.clip.recording else None
    return _stated(result.clip.device_id or recording)


def _month(result: Result) -> tuple[str, ...]:
    return _stated(month(result)[0])


def month(result: Result) -> tuple[str | None, bool]:
    """Return the month in which a clip was recorded (`2026-03`, local time), and whether only the file claims it."""
    at, claimed = recorded(result)
    return (None if at is None else f"{at:%Y-%m}"), claimed


def recorded(result: Result) -> tuple[datetime | None, bool]:
    """Return when a clip was recorded, local time of `ZONE` without a zone, and whether only the file claims it."""
    recording = result.clip.recording or Recording()
    for text, claimed in ((recording.started_at, recording.time_from == "metadata"), (result.clip.recorded_at, True)):
        try:
            at = datetime.fromisoformat(text or "")
            return (at if at.tzinfo is None else at.astimezone(ZONE).replace(tzinfo=None)), claimed
        except (ValueError, OverflowError):
            continue
    return None, False


def _stated(value: str | None) -> tuple[str, ...]:
    return (value,) if value else ()


def _case(*names: str) -> Callable[[Result], tuple[str, ...]]:
    """Return the first of these fields that the case record states."""

    def values(result: Result) -> tuple[str, ...]:
        return _stated(next((found for name in names if (found := getattr(result.clip.case, name, None))), None))

    return values


KEYS: Mapping[str, Callable[[Result], tuple[str, ...]]] = {
    "agency": _case("agency"),
    "unit": _case("unit", "unit_number"),
    "device": _device,
    "officer": _officers,
    "case": _case("case_number"),
    "cause": _case("cause"),
    "place": _case("place"),
    "month": _month,
    "profile": lambda result: (result.profile,),
    "rule": lambda result: tuple(dict.fromkeys(f"{result.profile} {rule.id}" for rule in result.rules)),
}
"""What results can be grouped by → its values for a result, several or none."""


def checked_keys(by: Sequence[str], known: Iterable[str] = KEYS) -> tuple[str, ...]:
    """Return what to group by, each once.

    Raises
    ------
    SettingsError
        If results cannot be grouped by one of them.
    """
    for key in by:
        if key not in known:
            raise SettingsError(Message("--by {key}: unknown. Known: {known}", {"key": key, "known": ", ".join(known)}))
    return tuple(dict.fromkeys(by))

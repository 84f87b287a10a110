"""Whose recording a clip is, and when it was taken: by its overlay, its metadata, its name and its case record."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from detectors._clock import Clock, read_clock
from detectors._timeline import extent
from detectors.overlay_identity import folded, likeness
from pipeline.case import CaseRecord
from pipeline.features.schema import table
from pipeline.model import Features, Table
from pipeline.sessions.naming import Name

CHINA = "Asia/Shanghai"
MIN_KNOWN, MIN_AGREEMENT, SAME = 0.6, 0.6, 80.0
"""Share of the pictures whose clock must have been read; of the readings of a line that must agree; likeness, 0 to 100,
from which a line of the overlay is the device that case record or registry name."""
TICKS = 5
"""Changes of the clock at either end that its phase is taken from."""
FIRST_YEAR = 2005
"""A clock before this year was never set."""
WHOLE_SECOND_S = 1.0
METADATA_S = 2.0
"""Creation times are whole seconds, and written a moment after the first picture or the last."""


@dataclass(frozen=True, slots=True)
class Recording:
    """The row of table `recording`: whose it is, and when it was taken; None where nothing says so."""

    device_id: str | None = None
    device_from: str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    time_from: str | None = None
    within_s: float = float("nan")
    number: int | None = None

    def table(self) -> Table:
        """Return table `recording`."""
        row: dict[str, object] = {
            "device_id": self.device_id,
            "device_from": self.device_from,
            "started_at": self.started_at and self.started_at.isoformat(),
            "ended_at": self.ended_at and self.ended_at.isoformat(),
            "time_from": self.time_from,
            "time_within_s": self.within_s,
            "number": self.number,
        }
        return table("recording", [row])


@dataclass(frozen=True, slots=True)
class Times:
    """When a clip was taken, as one source says."""

    source: str
    started_at: datetime
    ended_at: datetime
    within_s: float


def recording_of(features: Features, name: Name | None, case: CaseRecord | None) -> tuple[Recording, tuple[Times, ...]]:
    """Return whose recording a clip is and when it was taken.

    The device is the first that is named by: the overlay, the container's metadata, the file name, the case record. An
    overlay line that is like the device which another of these or the registry names is taken for that device: readers
    mistake single characters. Times are those of the first of: the overlay's clock, the file name, the metadata, the
    case record. A file name says when a recording began; a creation time may be of its beginning or of its end, and so
    it comes after.

    Parameters
    ----------
    features : Features
        What was measured; tables may be absent.
    name : Name or None
        What the file name says.
    case : CaseRecord or None

    Returns
    -------
    recording : Recording
    times : tuple of Times
        What each source says, best first; clips are compared by a source that both have.
    """
    zone = ZoneInfo((case and next(iter(case.all("timezone")), None)) or CHINA)
    times = tuple(_times(features, name, case, zone))
    device, source = _device(features, name, case)
    best = times[0] if times else None
    recording = Recording(
        device_id=device,
        device_from=source,
        started_at=best.started_at if best else None,
        ended_at=best.ended_at if best else None,
        time_from=best.source if best else None,
        within_s=best.within_s if best else float("nan"),
        number=name.number if name else None,
    )
    return recording, times


def _device(features: Features, name: Name | None, case: CaseRecord | None) -> tuple[str | None, str | None]:
    stated = next(iter(case.all("device.id")), None) if case else None
    tags = features["container"]["device"].tolist() if features.has("container.device") else []
    written = next((str(tag) for tag in tags if tag), None)
    known = [entry for entry in (stated, written, name.device if name else None) if entry]
    if features.has("registry.device_id"):
        known += [str(entry) for entry in features["registry"]["device_id"] if entry]
    if (shown := _shown_device(features)) is not None:
        scored = [(likeness(shown, entry) or 0.0, entry) for entry in known]
        score, entry = max(scored, default=(0.0, ""))
        return (entry if score >= SAME else shown), "overlay"
    if written:
        return written, "metadata"
    if name and name.device:
        return name.device, "name"
    return (stated, "case") if stated else (None, None)


def _shown_device(features: Features) -> str | None:
    """Return the overlay's device, None if it shows none or none that was read alike each time."""
    if not features.has("overlay.field"):
        return None
    overlay = features["overlay"]
    rows = np.flatnonzero((overlay["field"] == "device") & (overlay["agreement"] >= MIN_AGREEMENT))
    if not len(rows):
        return None
    text = overlay["text"][rows[np.argmax(overlay["readings"][rows])]]
    return str(text) if text and folded(str(text)) else None


def _times(features: Features, name: Name | None, case: CaseRecord | None, zone: ZoneInfo) -> Iterator[Times]:
    long = timedelta(seconds=extent(features)[1])
    clock_needs = ("frames.clock_s", "frames.damaged", "overlay.field", "overlay.form")
    clock = read_clock(features, MIN_KNOWN) if all(features.has(column) for column in clock_needs) else None
    if clock is not None and clock.face.dated and (shown := _clock_times(clock, long, zone)) is not None:
        yield shown
    if name and name.started_at:
        start = name.started_at.replace(tzinfo=zone)
        yield Times("name", start, start + long, WHOLE_SECOND_S)
    created = _created(features, zone)
    if created is not None:
        yield Times("metadata", created, created + long, METADATA_S)
    stated = next(iter(case.all("recorded_at")), None) if case else None
    if stated is not None:
        start = datetime.fromisoformat(stated)
        start = start if start.tzinfo else start.replace(tzinfo=zone)
        yield Times("case", start, start + long, WHOLE_SECOND_S)


def _clock_times(clock: Clock, long: timedelta, zone: ZoneInfo) -> Times | None:
    """Return what the clock shows, or would show by the stream's time, at either end of the clip."""
    base_s = clock.first.shown_s - clock.first.start_s
    unit_s = clock.face.unit_s
    ahead = clock.ahead_s[clock.sharp] if clock.sharp.any() else clock.ahead_s
    width = clock.width_s[clock.sharp] if clock.sharp.any() else clock.width_s
    if len(ahead):
        first_s, last_s = float(np.median(ahead[:TICKS])), float(np.median(ahead[-TICKS:]))
        within_s = float(np.median(width)) / 2
    else:
        first_s = last_s = unit_s / 2
        within_s = unit_s
    start_s, stop_s = base_s + first_s, base_s + last_s + long.total_seconds()
    start, stop = (_local(shown_s, zone) for shown_s in (start_s, stop_s))
    if start is None or stop is None or start.year < FIRST_YEAR or stop < start:
        return None
    return Times("overlay", start, stop, max(within_s, 0.05))


def _local(shown_s: float, zone: ZoneInfo) -> datetime | None:
    try:
        return (datetime(1970, 1, 1) + timedelta(seconds=shown_s)).replace(tzinfo=zone)
    except OverflowError:
        return None


def _created(features: Features, zone: ZoneInfo) -> datetime | None:
    if not features.has("container.created_at") or not features["container"].rows:
        return None
    text = features["container"]["created_at"][0]
    try:
        created = datetime.fromisoformat(str(text)) if text else None
    except ValueError:
        return None
    if created is None or created.year < FIRST_YEAR:
        return None
    return created.astimezone(zone) if created.tzinfo else created.replace(tzinfo=zone)


def parsed(text: str | None) -> datetime | None:
    """Return a moment out of a table (ISO 8601), in UTC if it gives no zone; None if it is none."""
    try:
        moment = datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment and moment.tzinfo is None else moment

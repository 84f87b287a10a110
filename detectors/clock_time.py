"""The burned-in clock against the times that the file itself carries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

import numpy as np

from detectors._clock import DAY_S, Clock, read_clock
from detectors._timeline import extent, span_of
from pipeline.detector import detector
from pipeline.model import Column, Curve, Features, Finding, Level, Message, Scalar, Span

_HALF_HOUR_S = 1800.0
_HOUR_S = 3600.0
_CURVES = (Curve("frames.clock_s"),)


@detector(
    "clock-time",
    version=1,
    needs=(
        "frames.time_s",
        "frames.damaged",
        "frames.clock_s",
        "overlay.field",
        "overlay.form",
        "container.created_at",
    ),
    emits=("clock-offset",),
)
def clock_time(
    features: Features,
    *,
    min_known: float = 0.6,
    max_offset_s: float = 120.0,
    least_utc_offset_h: float = -12.0,
    most_utc_offset_h: float = 14.0,
    first_year: int = 2005,
) -> Iterator[Finding]:
    """Yield a finding where the clock fits neither the container's creation time nor the time of the file.

    Recorders write the creation time at the start or at the end of a recording, in UTC or in local time, and the
    overlay does not say its zone; so the clock fits if it lies, at the start or at the end of the clip, within
    `max_offset_s` of the creation time moved by any whole number of half hours that a time zone can make. What does not
    fit is a note: an export writes a new time. Only a clock that shows a time at which the file had long been closed
    makes a person look. A clock without a date is compared within half an hour only, and never with the file's time.

    Parameters
    ----------
    min_known : float
        Share of the pictures whose clock must have been read (0 to 1).
    max_offset_s : float
        Largest difference that is no difference (seconds).
    least_utc_offset_h : float
        Least offset of local time from UTC that is possible; China has 8 and 8 (hours).
    most_utc_offset_h : float
        Largest offset of local time from UTC that is possible (hours).
    first_year : int
        A clock or a creation time before this year was never set: 1904, 1970 and 2000 are where clocks begin.

    References
    ----------
    ISO/IEC 14496-12:2022, 8.2.2: creation and modification time, in seconds since 1904-01-01, UTC.
    """
    clock = read_clock(features, min_known)
    if clock is None:
        return
    start_s, stop_s = _shown_at_ends(features, clock)
    span = span_of(features, *extent(features))
    if clock.face.dated and _year(start_s) < first_year:
        said = "The clock shows {shown}: it was never set."
        yield _finding(span, Level.NOTE, said, {"shown": clock.face.written(start_s)}, {})
        return
    created = _seconds(features["container"]["created_at"])
    if created is not None and _year(created) < first_year:
        said = "The container's creation time is {created}: the recorder's clock was not set, or the time was not kept."
        yield _finding(span, Level.NOTE, said, {"created": _written(created)}, {})
    elif created is not None:
        zones = (least_utc_offset_h, most_utc_offset_h)
        off_s = min((_off(clock, shown_s - created, *zones) for shown_s in (start_s, stop_s)), key=abs)
        if abs(off_s) > max_offset_s:
            said = (
                "The clock shows {shown} at the start, and the container gives {created} (UTC) as its creation time: "
                "whatever the time zone, {minutes:.0f} minutes lie between them."
            )
            values: dict[str, Scalar] = {
                "shown": clock.face.written(start_s),
                "created": _written(created),
                "minutes": abs(off_s) / 60,
            }
            yield _finding(span, Level.NOTE, said, values, {"offset_s": off_s})
    modified = _seconds(features["file"]["modified_at"]) if features.has("file.modified_at") else None
    if modified is not None and clock.face.dated and _year(modified) >= first_year:
        late_s = stop_s - most_utc_offset_h * _HOUR_S - modified
        if late_s > max_offset_s:
            said = (
                "The clock shows {shown} at the end, but the file was last changed at {modified} (UTC): in no time "
                "zone had that moment come. The clock, or the time of the file, is wrong."
            )
            values = {"shown": clock.face.written(stop_s), "modified": _written(modified)}
            yield _finding(span, Level.SUSPECT, said, values, {"late_s": late_s})


def _shown_at_ends(features: Features, clock: Clock) -> tuple[float, float]:
    """Return what the clock shows, or would show by the stream's time, at the start and at the end of the clip."""
    base_s = clock.first.shown_s - clock.first.start_s
    ahead_s = base_s + float(np.median(clock.ahead_s)) if len(clock.ahead_s) else base_s
    low_s, high_s = extent(features)
    return ahead_s + low_s, ahead_s + high_s


def _off(clock: Clock, difference_s: float, least_h: float, most_h: float) -> float:
    """Return by how much a difference misses the nearest one that time zones make (seconds)."""
    if not clock.face.dated:
        return (difference_s + _HALF_HOUR_S / 2) % _HALF_HOUR_S - _HALF_HOUR_S / 2
    nearest_s = np.clip(
        round(difference_s / _HALF_HOUR_S) * _HALF_HOUR_S, min(least_h, 0.0) * _HOUR_S, most_h * _HOUR_S
    )
    return difference_s - float(nearest_s)


def _seconds(column: Column) -> float | None:
    """Return the first time of a column in seconds since 1970-01-01, as UTC where it names no zone; None if none."""
    try:
        moment = datetime.fromisoformat(str(column[0]))
    except (IndexError, ValueError):
        return None
    try:
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except OverflowError:
        return None


def _year(seconds: float) -> int:
    return 1970 + int(seconds // (365.2425 * DAY_S))


def _written(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _finding(
    span: Span, level: Level, said: str, values: Mapping[str, Scalar], evidence: Mapping[str, Scalar]
) -> Finding:
    return Finding("clock-offset", level, span, Message(said, values), evidence={**values, **evidence}, curves=_CURVES)

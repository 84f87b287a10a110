"""Whether the footage reflects when it was taken: by the burned-in clock, or by the times in the file."""

from __future__ import annotations

from collections.abc import Iterator

from detectors._record import finding, moment
from pipeline.detector import detector
from pipeline.model import Features, Finding, Level, Scalar
from pipeline.signs.fields import read_clock, read_date

BURNED_IN = "The burned-in clock shows the time: {text} at its first reading, read {readings} times."
BURNED_IN_APART = "The burned-in clock and date show the time: {date} and {text} at their first reading."
STATED = "The file states when it was made: {text}."

_FIRST_YEAR = 2000
"""Earlier times are those of clocks that were never set."""


@detector("time-shown", version=1, needs=("container.created_at",), emits=("time-shown",))
def time_shown(features: Features, *, min_agreement: float = 0.6, min_readings: int = 2) -> Iterator[Finding]:
    """Yield where date and time of day can be read from the footage itself.

    A clock without a date shows no time that a case could be held against.

    Parameters
    ----------
    min_agreement : float
        Share of the readings of the burned-in clock that must be clocks of its form (0 to 1).
    min_readings : int
        How often it must have been read.

    Yields
    ------
    Finding
        One for the burned-in clock, and one for the time that the file states.

    References
    ----------
    行政执法全过程记录制度（石家庄市安全生产监督管理局）第十二条（三）: what is recorded must reflect the time.
    """
    lines = _lines(features, min_agreement, min_readings)
    dates = [text for field, text, _ in lines if field == "date" and read_date(text) is not None]
    for field, text, readings in lines:
        reading = read_clock(text) if field == "clock" else None
        if reading is not None and reading.day is not None:
            said: dict[str, Scalar] = {"text": text, "readings": readings}
            yield finding(features, "time-shown", Level.NOTE, BURNED_IN, said, clock=text)
            break
        if reading is not None and dates:
            said = {"date": dates[0], "text": text}
            yield finding(features, "time-shown", Level.NOTE, BURNED_IN_APART, said, clock=text, date=dates[0])
            break
    for created_at in features["container"]["created_at"]:
        at = moment(created_at)
        if at is not None and at.year >= _FIRST_YEAR:
            text = str(created_at)
            yield finding(features, "time-shown", Level.NOTE, STATED, {"text": text}, created_at=text)


def _lines(features: Features, min_agreement: float, min_readings: int) -> list[tuple[str, str, int]]:
    """Return field, text and number of readings of what the recorder burned in, as far as it was read well."""
    if not features.has("overlay.field"):
        return []
    overlay = features["overlay"]
    columns = (overlay["field"], overlay["text"], overlay["agreement"], overlay["readings"])
    return [
        (str(field), str(text), int(readings))
        for field, text, agreement, readings in zip(*columns, strict=True)
        if text and agreement >= min_agreement and readings >= min_readings
    ]

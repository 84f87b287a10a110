"""Whether a clip was recorded after the event that it is to show (事后补录)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from detectors._record import day, first, moment
from detectors._timeline import extent, span_of
from pipeline.detector import detector
from pipeline.model import Features, Finding, Level, Message, Scalar

AFTER_RETURN = "The clip was begun at {started_at}, after the return to the unit at {returned_at}."
AFTER_END = "The clip was begun at {started_at}; the enforcement had ended on {ended_on}."


@detector(
    "late-recording", version=1, needs=("recording.started_at", "case.field", "case.value"), emits=("late-recording",)
)
def late_recording(features: Features, *, max_late_s: float = 60.0) -> Iterator[Finding]:
    """Yield a finding where a clip was begun after the enforcement had ended, or after the return to the unit.

    A clip of a day after the enforcement had ended is a violation. One that was begun after the return is for a person:
    a case may have several stages, and its record names one return.

    Parameters
    ----------
    max_late_s : float
        How long after the return a clip may begin: times of records are written to the minute (seconds).

    References
    ----------
    行政执法全过程记录制度（石家庄市安全生产监督管理局）第十二条（五）: 不得事后补录.
    """
    recording = features["recording"]
    started = moment(recording["started_at"][0]) if recording.rows else None
    if started is None:
        return
    span = span_of(features, *extent(features))
    ended, returned = day(first(features, "ended_on")), moment(first(features, "returned_at"))
    values: dict[str, Scalar] = {"started_at": f"{started:%Y-%m-%d %H:%M:%S}"}
    if ended is not None and started.date() > ended:
        values["ended_on"] = ended.isoformat()
        yield Finding("late-recording", Level.VIOLATION, span, Message(AFTER_END, values), evidence=dict(values))
    elif returned is not None and started > returned + timedelta(seconds=max_late_s):
        values["returned_at"] = f"{returned.astimezone(started.tzinfo):%Y-%m-%d %H:%M:%S}"
        yield Finding("late-recording", Level.SUSPECT, span, Message(AFTER_RETURN, values), evidence=dict(values))

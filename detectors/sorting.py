"""Whether the recording was sorted in time after its upload."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from annotated_types import Ge, Le

from detectors._periods import Calendar, examined_at, told, told_end, working_days_after
from detectors._record import finding, first, moment
from pipeline.detector import detector
from pipeline.model import Features, Finding, Level, Scalar

_IN_TIME = (
    "The recording was uploaded at {uploaded_at} and sorted at {sorted_at}; the {limit_working_days} working days for "
    "it were not over before {deadline}."
)
_LATE = (
    "The recording was uploaded at {uploaded_at} and sorted only at {sorted_at}; the {limit_working_days} working days "
    "for it were over at {deadline}."
)
_NOT_SORTED = (
    "The recording was uploaded at {uploaded_at}, and the case record states no sorting, though the "
    "{limit_working_days} working days for it were over at {deadline}."
)
_BEFORE_UPLOAD = (
    "The case record states the sorting at {sorted_at}, before the upload at {uploaded_at}: one of them must be wrong."
)
_TO_COME = "The case record states the sorting at {sorted_at}, which was still to come at {examined_at}."
_DAYS_UNKNOWN = (
    "Whether the recording was sorted in time cannot be told: the {limit_working_days} working days from its upload at "
    "{uploaded_at} run into days of which it is not known whether they work."
)


@detector(
    "sorting",
    version=1,
    needs=("case.value", "file.examined_at", "calendar.date"),
    emits=("sorted-in-time", "sorted-late", "sorting-unknown"),
)
def sorting(features: Features, *, limit_working_days: Annotated[int, Ge(0), Le(366)] = 0) -> Iterator[Finding]:
    """Yield whether the recording was sorted within the working days allowed from its upload: at most one finding.

    Article 17 of Shijiazhuang and the county allows 2 working days. That no sorting is on record is no proof that there
    was none: a person must look, and so where the times contradict each other.

    Parameters
    ----------
    limit_working_days : int
        Working days allowed from the upload; 0: the regulation sets no limit.
    """
    uploaded = moment(first(features, "store.uploaded_at"))
    done = moment(first(features, "store.sorted_at"))
    examined = examined_at(features)
    if not limit_working_days or uploaded is None:
        return
    limit = working_days_after(Calendar.of(features), uploaded, limit_working_days)
    said: dict[str, Scalar] = {
        "uploaded_at": told(uploaded),
        "limit_working_days": limit_working_days,
        "deadline": told_end(limit.at_least),
    }
    if done is not None:
        said |= {"sorted_at": told(done)}
    if examined is not None:
        said |= {"examined_at": told(examined)}

    def found(kind: str, level: Level, template: str) -> Finding:
        return finding(features, kind, level, template, said, **said)

    if done is None and examined is None:
        return
    if done is not None and done < uploaded:
        yield found("sorted-late", Level.SUSPECT, _BEFORE_UPLOAD)
    elif done is not None and examined is not None and done > examined:
        yield found("sorted-late", Level.SUSPECT, _TO_COME)
    elif (kept := limit.kept(done or examined)) is None:  # type: ignore[arg-type]
        yield found("sorting-unknown", Level.SUSPECT, _DAYS_UNKNOWN)
    elif done is None:
        if not kept:
            yield found("sorted-late", Level.SUSPECT, _NOT_SORTED)
    elif kept:
        yield found("sorted-in-time", Level.NOTE, _IN_TIME)
    else:
        yield found("sorted-late", Level.VIOLATION, _LATE)

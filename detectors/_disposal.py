"""Days between which a recording must be kept, and the day on which it is to be disposed of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from detectors._periods import day_of, recording_end
from detectors._record import day, first, moment
from pipeline.model import Features


@dataclass(frozen=True, slots=True)
class Kept:
    """What the records say of keeping and disposal; None: nothing."""

    begin: str
    """What `earliest` and `latest` rest on: store.uploaded_at or recording.ended_at."""
    earliest: date | None
    latest: date | None
    """Day from which the recording is kept; two days where only the recording's own time tells, and not exactly."""
    dispose: date | None
    elsewhere: str | None
    """Disc, drive or medium of the archive that also keeps the recording, whatever happens to the store's copy."""

    @classmethod
    def of(cls, features: Features) -> Kept:
        """Read what the case record states, and the recording's end where it states no upload."""
        uploaded = moment(first(features, "store.uploaded_at"))
        days = None if uploaded is None else (day_of(uploaded), day_of(uploaded))
        begin = "store.uploaded_at"
        if days is None and (ended := recording_end(features)):
            days, begin = (day_of(ended[0]), day_of(ended[1])), "recording.ended_at"
        elsewhere = first(features, "archive.long_term") or first(features, "archive.medium")
        earliest, latest = days or (None, None)
        return cls(begin, earliest, latest, day(first(features, "store.dispose_on")), elsewhere)

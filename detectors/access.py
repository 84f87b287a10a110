"""Whether everybody who opened or copied the recording may do so."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from detectors._record import NONE, finding, stated
from pipeline.detector import detector
from pipeline.model import Features, Finding, Level

_NOBODY = "The access log names nobody who opened or copied the recording."
_ACCOUNTED = "Everybody whom the access log names may open the recording: {names}."
_UNAPPROVED = (
    "The access log names people who are not among those who may open or copy the recording: {names}. Whether they had "
    "leave, a person must say."
)
_UNSTATED = (
    "The access log names people who opened or copied the recording ({names}), and the case record does not state "
    "who may."
)


@detector("access", version=1, needs=("case.value",), emits=("access-accounted", "access-unapproved"))
def access(features: Features) -> Iterator[Finding]:
    """Yield whether the people of the access log are among those who may open the recording: at most one finding.

    Article 26 (2) of Shijiazhuang and the county, 17 (2) of the housing pilot, 14 (3) of Panjin, 31 (3) of Laixi, 24
    (3) of Nandagang and 34 (2) of Changzhi forbid to disclose recordings, or to copy and keep them privately. A log
    shows who opened a file, not what became of it, so it accuses nobody.
    """
    named = stated(features, "access.by")
    people = [name for name in named if _plain(name) != NONE]
    allowed = {_plain(name) for name in stated(features, "access.allowed")}
    strangers = [name for name in people if _plain(name) not in allowed]
    if not named:
        return
    if not people:
        yield finding(features, "access-accounted", Level.NOTE, _NOBODY, by=named)
    elif not strangers:
        yield finding(features, "access-accounted", Level.NOTE, _ACCOUNTED, {"names": ", ".join(people)}, by=people)
    else:
        template = _UNAPPROVED if allowed else _UNSTATED
        said = {"names": ", ".join(strangers)}
        yield finding(features, "access-unapproved", Level.SUSPECT, template, said, by=people, unapproved=strangers)


def _plain(name: str) -> str:
    return unicodedata.normalize("NFKC", name).replace(" ", "").casefold()

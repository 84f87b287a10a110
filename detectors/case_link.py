"""Whether the recording belongs to a case."""

from __future__ import annotations

from collections.abc import Iterator

from detectors._record import finding, first
from pipeline.detector import detector
from pipeline.model import Features, Finding, Level

_LINKED = "The recording belongs to the case {case_number}."
_MISSING = (
    "The case record states no case to which the recording belongs; whether it shows enforcement, a person must say."
)


@detector("case-link", version=1, needs=("case.value",), emits=("case-linked", "case-missing"))
def case_link(features: Features) -> Iterator[Finding]:
    """Yield the case that the recording belongs to, or that none is stated.

    Article 14 (4) of Panjin, 31 (4) of Laixi and 24 (4) of Nandagang forbid to record what has nothing to do with
    enforcement. What a recording shows, a case number does not prove; without one a person must look.
    """
    number = first(features, "case_number")
    if number:
        yield finding(features, "case-linked", Level.NOTE, _LINKED, {"case_number": number}, case_number=number)
    else:
        yield finding(features, "case-missing", Level.SUSPECT, _MISSING)

"""Whether every copy or viewing of the recording was approved."""

from __future__ import annotations

from collections.abc import Iterator

from detectors._record import NONE, codes, finding, stated
from pipeline.case import SECRECIES
from pipeline.detector import detector
from pipeline.model import Features, Finding, Level, Scalar

_NO_COPY = "The case record states that nobody asked for a copy of the recording or to see it."
_APPROVED = "The recording was copied for or shown to {given_to}, as approved by {approved_by}."
_UNAPPROVED = "The recording was copied for or shown to {given_to}; the case record states nobody who approved it."
_TOO_FEW = (
    "The recording was copied for or shown to {given_to}, {given} in all; the case record states {approved} who "
    "approved it: {approved_by}."
)
_SECRET = (
    "The recording was copied for or shown to {given_to}, as approved by {approved_by}. The case record states that it "
    "touches secrets ({secrecy}); whether law keeps them from being copied, a person must say."
)


@detector("copies", version=1, needs=("case.value",), emits=("copy-approved", "copy-unapproved", "no-copy"))
def copies(features: Features) -> Iterator[Finding]:
    """Yield whether those who got a copy, or saw the recording, had an approval: at most one finding.

    Article 23 of Shijiazhuang and the county, 15 of the housing pilot and 29 of Changzhi ask for the consent of the
    agency's head to copies, and except what law keeps secret; Article 32 of Laixi asks for it where a party wants to
    see records, and Article 34 of Fushun points to the rules on open government information. One approval counts for
    all, or there must be one for each.
    """
    stated_to = stated(features, "copies.given_to")
    given = [name for name in stated_to if name.casefold() != NONE]
    approved = [name for name in stated(features, "copies.approved_by") if name.casefold() != NONE]
    secrecy = codes(features, "secrecy", SECRECIES)
    said: dict[str, Scalar] = {
        "given_to": ", ".join(given),
        "given": len(given),
        "approved_by": ", ".join(approved),
        "approved": len(approved),
        "secrecy": ", ".join(secrecy or ()),
    }
    if not stated_to:
        return
    if not given:
        kind, level, template = "no-copy", Level.NOTE, _NO_COPY
    elif not approved:
        kind, level, template = "copy-unapproved", Level.VIOLATION, _UNAPPROVED
    elif 1 < len(approved) < len(given):
        kind, level, template = "copy-unapproved", Level.VIOLATION, _TOO_FEW
    elif secrecy:
        kind, level, template = "copy-unapproved", Level.SUSPECT, _SECRET
    else:
        kind, level, template = "copy-approved", Level.NOTE, _APPROVED
    yield finding(features, kind, level, template, said, **said)

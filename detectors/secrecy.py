"""Whether the store restricts access to a recording that touches secrets."""

from __future__ import annotations

from collections.abc import Iterator

from detectors._record import codes, finding, first
from pipeline.case import SECRECIES
from pipeline.detector import detector
from pipeline.model import Features, Finding, Level

_RESTRICTED = "The recording touches secrets ({secrecy}), and the store restricts who may see it."
_NO_SECRET = "The case record states that the recording touches no secret."
_OPEN = "The recording touches secrets ({secrecy}), and the store leaves it open to everybody who uses it."
_UNSTATED = "The recording touches secrets ({secrecy}), and the case record does not state who may see it in the store."
_EXEMPT_OPEN = (
    "The case record states secrecy as the reason why something was not recorded, yet the store leaves open to "
    "everybody what was."
)


@detector("secrecy", version=1, needs=("case.value",), emits=("access-restricted", "access-open"))
def secrecy(features: Features) -> Iterator[Finding]:
    """Yield whether the store's access fits the secrets that the case record states: at most one finding.

    Article 24 of Shijiazhuang and the county, 16 of the housing pilot, 32 of Laixi, 30 of Changzhi and 35 of Fushun ask
    that recordings with state secrets, business secrets or privacy be managed by the rules of confidentiality and by
    who may see them.
    """
    secrets = codes(features, "secrecy", SECRECIES)
    access = first(features, "store.access")
    if secrets:
        said = {"secrecy": ", ".join(secrets)}
        if access == "open":
            yield finding(features, "access-open", Level.VIOLATION, _OPEN, said, access=access, **said)
        elif access == "restricted":
            yield finding(features, "access-restricted", Level.NOTE, _RESTRICTED, said, access=access, **said)
        else:
            yield finding(features, "access-open", Level.SUSPECT, _UNSTATED, said, **said)
    elif access == "open" and first(features, "exemption.code") == "secrecy":
        yield finding(features, "access-open", Level.SUSPECT, _EXEMPT_OPEN, access=access, exemption="secrecy")
    elif secrets is not None:
        yield finding(features, "access-restricted", Level.NOTE, _NO_SECRET, secrecy="none")

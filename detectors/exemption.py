"""Whether a reason for not recording is claimed, and whether the recording keeps to it."""

from __future__ import annotations

from collections.abc import Iterator

from detectors._phases import Claim, Exemption, claim_of, names_of
from detectors._record import NONE, finding
from detectors._record import codes as codes_of
from pipeline.case import EXEMPTIONS, PHASES
from pipeline.detector import detector
from pipeline.model import Features, Finding, Level

NOTHING_FORBIDDEN = "The case record claims no reason against recording."
OBSERVED = "The case record claims a reason against recording ({code}), and this clip shows nothing of what it covers."
IN_SPITE = (
    "The case record claims a reason against recording ({code}), and this clip is said to show what it covers: {names}."
    " Access to it should be restricted; whether recording was allowed a person must say."
)
SHOWS_UNSTATED = (
    "The case record claims a reason against recording ({code}) and does not state which phases this clip shows, so "
    "whether it keeps to that cannot be told."
)
RECORDED_WHOLE = "The case record claims no reason for leaving anything out."
FOUNDED = "The recording is not of the whole, for a stated reason ({code}: {reason}), approved by {approved_by}."
UNFOUNDED = "The case record claims a reason for not recording the whole ({code}), but does not state: {fields}."
UNKNOWN = "The case record claims {code}, which this regulation does not know as a reason for not recording."


@detector(
    "exemption",
    version=1,
    needs=("case.value",),
    emits=("exemption-observed", "recorded-in-spite", "exemption-founded", "exemption-unfounded"),
)
def exemption(
    features: Features, *, codes: tuple[Exemption, ...] = EXEMPTIONS, reasons_forbid: bool = True
) -> Iterator[Finding]:
    """Yield whether the recording keeps to the exemption that the case record claims, or claims for a stated reason.

    Parameters
    ----------
    codes : tuple of str
        Codes of `exemption.code` that the regulation knows.
    reasons_forbid : bool
        Whether the regulation forbids to record for these reasons (Shijiazhuang, Article 8), so that recording all
        the same is what needs a look. Else it lets recording be left out for them (Panjin, Article 8; Nandagang,
        Article 11), so that a reason and an approval are asked for. That the important phases are recorded all the
        same is the matter of the check phases.

    Yields
    ------
    Finding
        One if the case record states `exemption.code`.

    References
    ----------
    行政执法全过程记录制度（石家庄市安全生产监督管理局）第八条: what must not be recorded.
    盘锦市气象局行政执法全过程记录制度第八条: recording as a whole where conditions allow.
    """
    kind_for, kind_against = (
        ("exemption-observed", "recorded-in-spite") if reasons_forbid else ("exemption-founded", "exemption-unfounded")
    )
    code = codes_of(features, "exemption.code", EXEMPTIONS)
    if code is None:
        return
    claim = claim_of(features)
    if claim is None:
        said = NOTHING_FORBIDDEN if reasons_forbid else RECORDED_WHOLE
        yield finding(features, kind_for, Level.NOTE, said, code=NONE)
    elif claim.code not in codes:
        yield finding(features, kind_against, Level.SUSPECT, UNKNOWN, {"code": claim.code}, code=claim.code)
    elif reasons_forbid:
        yield _obeyed(features, claim)
    else:
        yield _founded(features, claim)


def _obeyed(features: Features, claim: Claim) -> Finding:
    """Return whether this clip leaves out what must not be recorded."""
    shown = codes_of(features, "phases_recorded", PHASES)
    if shown is None:
        values = {"code": claim.code}
        return finding(features, "recorded-in-spite", Level.SUSPECT, SHOWS_UNSTATED, values, code=claim.code)
    against = tuple(phase for phase in shown if phase in claim.covered)
    if against:
        values = {"code": claim.code, "names": names_of(against)}
        return finding(features, "recorded-in-spite", Level.SUSPECT, IN_SPITE, values, code=claim.code, phases=against)
    return finding(features, "exemption-observed", Level.NOTE, OBSERVED, {"code": claim.code}, code=claim.code)


def _founded(features: Features, claim: Claim) -> Finding:
    """Return whether the reason for leaving something out is stated and approved."""
    if claim.lacking:
        values = {"code": claim.code, "fields": ", ".join(claim.lacking)}
        return finding(features, "exemption-unfounded", Level.SUSPECT, UNFOUNDED, values, code=claim.code)
    facts = {"code": claim.code, "reason": claim.reason, "approved_by": claim.approved_by}
    return finding(features, "exemption-founded", Level.NOTE, FOUNDED, facts, **facts)

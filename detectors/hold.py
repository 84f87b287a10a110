"""Whether circumstances ask for long keeping, and whether it is arranged."""

from __future__ import annotations

import math
from collections.abc import Iterator

from detectors._circumstances import Circumstance, stated_flags
from detectors._record import finding, first
from detectors._timeline import extent, span_of
from pipeline.detector import detector
from pipeline.model import Features, Finding, Level, Message, Scalar, Table

_HINTS = {
    "said-coercion": "coercive-measure",
    "said-objection": "objection",
    "said-complaint": "complaint",
    "said-refusal": "refusal",
    "said-insult": "insult",
}
"""Kind of finding about words → circumstance that they suggest."""
_SET = (
    "The case record states circumstances that ask for long keeping ({flags}), and where it is kept for long: {medium}."
)
_MISSING = (
    "The case record states circumstances that ask for long keeping ({flags}), and names no medium that keeps it for "
    "long."
)
_NOT_DUE = "The case record states none of the circumstances for which this regulation asks for long keeping."
_HINTED = (
    "What was said suggests a circumstance that asks for long keeping ({flag}), which the case record does not state; "
    "first at {start_s:.2f} s: {words}. Findings that suggest it: {count}."
)


@detector(
    "hold",
    version=1,
    needs=("case.value", "findings.kind"),
    emits=("hold-set", "hold-missing", "hold-hinted", "hold-not-due"),
)
def hold(features: Features, *, flags: tuple[Circumstance, ...] = ()) -> Iterator[Finding]:
    """Yield whether the recording must be kept for long, and is.

    Article 21 of Shijiazhuang and the county, 12 of Panjin, 29 of Laixi, 23 of Nandagang and 32 of Changzhi name the
    circumstances. Words alone never set one: an objection in the transcript that the case record does not state is for
    a person, who decides whether it was one.

    Parameters
    ----------
    flags : tuple of str
        Circumstances that the regulation names, as codes of the case record's field flags; none: it asks for no long
        keeping.
    """
    if not flags:
        return
    stated = stated_flags(features)
    named = [flag for flag in stated or () if flag in flags]
    if named:
        medium = first(features, "archive.long_term")
        said: dict[str, Scalar] = {"flags": ", ".join(named)}
        if medium:
            said |= {"medium": medium}
            yield finding(features, "hold-set", Level.NOTE, _SET, said, flags=named, medium=medium)
        else:
            yield finding(features, "hold-missing", Level.VIOLATION, _MISSING, said, flags=named)
        return
    hinted = False
    for kind, flag in _HINTS.items():
        rows = features["findings"].where(features["findings"]["kind"] == kind)
        if rows.rows and flag in flags:
            hinted = True
            yield _hinted(features, rows, kind, flag)
    if stated is not None and not hinted:
        yield finding(features, "hold-not-due", Level.NOTE, _NOT_DUE, flags=list(stated), named=list(flags))


def _hinted(features: Features, rows: Table, kind: str, flag: str) -> Finding:
    """Return the finding that points at the first of the words that suggest a circumstance."""
    starts = [start if math.isfinite(start) else math.inf for start in rows["start_s"].tolist()]
    at = starts.index(min(starts))
    low, high = extent(features)
    start_s = starts[at] if math.isfinite(starts[at]) else low
    stop_s = float(rows["stop_s"][at])
    span = span_of(features, start_s, stop_s if math.isfinite(stop_s) else high)
    words = str(rows["words"][at] or rows["summary"][at] or "")
    said: dict[str, Scalar] = {"flag": flag, "start_s": span.start_s, "words": words, "count": rows.rows}
    return Finding("hold-hinted", Level.SUSPECT, span, Message(_HINTED, said), evidence={**said, "kind": kind})

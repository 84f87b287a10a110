"""Whether the footage reflects the officers: burned in by the recorder, named aloud, or read in the picture."""

from __future__ import annotations

from collections.abc import Iterator

from detectors._named import first_of_each, heard, naming, read
from detectors._record import finding, stated
from detectors.overlay_identity import likeness
from pipeline.detector import detector
from pipeline.model import Features, Finding, Level

BURNED_IN = 'The recorder burned in the officer "{name}": {text}.'
HEARD = 'The officer "{name}" was named at {start_s:.1f} s: “{text}”.'
READ = 'The officer "{name}" is read in the picture at {start_s:.1f} s: “{text}”.'


@detector("officers-shown", version=1, needs=("case.value",), emits=("officers-shown",))
def officers_shown(
    features: Features,
    *,
    min_overlay_score: float = 80.0,
    min_agreement: float = 0.6,
    min_confidence: float = 0.8,
    min_score: float = 90.0,
) -> Iterator[Finding]:
    """Yield where an officer of the case record (`officers`: names or numbers) is named.

    Parameters
    ----------
    min_overlay_score : float
        Likeness, 0 to 100, from which the overlay's line of the officer names him, as in the check overlay-identity.
    min_agreement : float
        Share of the readings of that line that must agree (0 to 1).
    min_confidence : float
        Confidence of the reader, 0 to 1, below which a text of the scene was not read.
    min_score : float
        Score of such a text, 0 to 100, from which it bears a name that is neither a person's nor a number.

    Yields
    ------
    Finding
        One for each officer that is named; its evidence lists the officers that are not.

    References
    ----------
    行政执法全过程记录制度（石家庄市安全生产监督管理局）第十二条（三）: what is recorded must reflect the officers.
    """
    names = stated(features, "officers")
    burned_in = {
        name: line
        for name in names
        for line in _overlay_lines(features, min_agreement)
        if (likeness(line, name) or 0.0) >= min_overlay_score
    }
    others = [name for name in names if name not in burned_in]
    found = first_of_each([*heard(features, others), *read(features, others, min_confidence, min_score)])
    missing = tuple(name for name in others if name not in {one.name for one in found})
    for name, line in burned_in.items():
        values = {"name": name, "text": line}
        facts = {"name": name, "shown": line, "not_shown": missing}
        yield finding(features, "officers-shown", Level.NOTE, BURNED_IN, values, **facts)
    yield from (naming("officers-shown", HEARD, READ, one, not_shown=missing) for one in found)


def _overlay_lines(features: Features, min_agreement: float) -> list[str]:
    if not features.has("overlay.field"):
        return []
    overlay = features["overlay"]
    rows = zip(overlay["field"], overlay["text"], overlay["agreement"], strict=True)
    return [str(text) for field, text, agreement in rows if field == "officer" and text and agreement >= min_agreement]

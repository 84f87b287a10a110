"""Whether the footage reflects the matter of the enforcement: spoken, or read in the picture."""

from __future__ import annotations

from collections.abc import Iterator

from detectors._named import matter_heard, matter_parts, matter_read, naming
from detectors._record import first
from pipeline.detector import detector
from pipeline.model import Features, Finding

HEARD = 'The matter "{name}" was spoken of at {start_s:.1f} s: “{text}”.'
READ = 'The matter "{name}" is read in the picture at {start_s:.1f} s: “{text}”.'


@detector("matter-shown", version=1, needs=("case.value",), emits=("matter-shown",))
def matter_shown(
    features: Features,
    *,
    min_spoken_score: float = 85.0,
    min_read_score: float = 90.0,
    min_confidence: float = 0.8,
) -> Iterator[Finding]:
    """Yield where the matter that the case record states (`cause`) is heard or read.

    A matter of several parts is shown where every part is; one with a part of less than four characters cannot be told
    from other talk. What the recorder burned in, and what the case record or a catalogue says, is no footage.

    Parameters
    ----------
    min_spoken_score : float
        Agreement of the syllables, 0 to 100, from which the matter counts as spoken; no two neighbouring syllables
        may both be others.
    min_read_score : float
        Likeness of the text, 0 to 100, from which it counts as read.
    min_confidence : float
        Confidence of the reader, 0 to 1, below which a text was not read.

    Yields
    ------
    Finding
        One for each part, if all are shown.

    References
    ----------
    行政执法全过程记录制度（石家庄市安全生产监督管理局）第十二条（三）: what is recorded must reflect the matter
    (执法事项).
    """
    found = []
    for part in matter_parts(first(features, "cause") or ""):
        shown = matter_heard(features, part, min_spoken_score)
        shown = shown or matter_read(features, part, min_confidence, min_read_score)
        if shown is None:
            return
        found.append(shown)
    yield from (naming("matter-shown", HEARD, READ, shown) for shown in found)

"""Whether the footage reflects the parties: named aloud, or read in the picture."""

from __future__ import annotations

from collections.abc import Iterator

from detectors._named import first_of_each, heard, naming, read
from detectors._record import stated
from pipeline.detector import detector
from pipeline.model import Features, Finding

HEARD = 'The party "{name}" was named at {start_s:.1f} s: “{text}”.'
READ = 'The party "{name}" is read in the picture at {start_s:.1f} s: “{text}”.'


@detector("parties-shown", version=1, needs=("case.value",), emits=("parties-shown",))
def parties_shown(features: Features, *, min_confidence: float = 0.8, min_score: float = 90.0) -> Iterator[Finding]:
    """Yield where a party of the case record (`parties`) is named.

    Names of enterprises are looked for as those of places are (`transcripts/place_spoken.py`,
    `pipeline/signs/matching.py`), names of people as they are written and with words beside them that go with names.

    Parameters
    ----------
    min_confidence : float
        Confidence of the reader, 0 to 1, below which a text was not read.
    min_score : float
        Score of a text, 0 to 100, from which it names an enterprise.

    Yields
    ------
    Finding
        One for each party that is named; its evidence lists the parties that are not.

    References
    ----------
    行政执法全过程记录制度（石家庄市安全生产监督管理局）第十二条（三）: what is recorded must reflect the parties and
    others concerned.
    """
    names = stated(features, "parties")
    found = first_of_each([*heard(features, names), *read(features, names, min_confidence, min_score)])
    missing = tuple(name for name in names if name not in {one.name for one in found})
    yield from (naming("parties-shown", HEARD, READ, one, not_shown=missing) for one in found)

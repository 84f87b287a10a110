"""Whether every clip that the case record names is there."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from pathlib import PurePosixPath

from detectors._record import finding, stated
from pipeline.detector import detector
from pipeline.model import Features, Finding, Level, Scalar

_COMPLETE = "Every clip that the case record names is there (number of clips: {count})."
_ABSENT = (
    "Of {count} clips that the case record names, {absent} were not examined together with this one: {names}. Whether "
    "they are lost, a person must say."
)


@detector(
    "case-clips",
    version=1,
    needs=("case.value", "file.name", "findings.kind"),  # the second round, when the other clips are known
    emits=("manifest-complete", "manifest-absent"),
)
def case_clips(features: Features) -> Iterator[Finding]:
    """Yield whether the clips of the case are this one and those examined with it; nothing where it names none.

    Article 26 (4) of Shijiazhuang and the county, 17 (4) of the housing pilot, 14 (5) of Panjin, 31 (5) of Laixi, 24
    (5) of Nandagang and 34 (4) of Changzhi forbid to destroy records or to lose them. A clip that was not examined with
    this one may lie elsewhere, so its absence is for a person.
    """
    named = stated(features, "clips")
    own = [name for name in features["file"]["name"] if name][:1]
    if not named or not own:
        return
    others = features["siblings"]["clip"] if features.has("siblings.clip") else ()
    there = {_plain(str(name)) for name in [*own, *others] if name}
    absent = [name for name in named if _plain(name) not in there]
    said: dict[str, Scalar] = {"count": len(named), "absent": len(absent), "names": ", ".join(absent)}
    if absent:
        yield finding(features, "manifest-absent", Level.SUSPECT, _ABSENT, said, clips=named, absent=absent)
    else:
        yield finding(features, "manifest-complete", Level.NOTE, _COMPLETE, said, clips=named)


def _plain(name: str) -> str:
    """Return a file name as it is compared: without folder, and the same for every way to write its characters."""
    return unicodedata.normalize("NFC", PurePosixPath(name.replace("\\", "/")).name).casefold()

"""Whether the file is the same as at its upload."""

from __future__ import annotations

import re
from collections.abc import Iterator

from detectors._record import finding, first
from pipeline.detector import detector
from pipeline.model import Features, Finding, Level

_MATCH = "The file is the one that was uploaded: both have the SHA-256 {sha256}."
_MISMATCH = (
    "The file is not the one that was uploaded: it has the SHA-256 {found}, and the one uploaded had {uploaded}."
)


@detector("manifest", version=1, needs=("case.value", "file.sha256"), emits=("manifest-match", "manifest-mismatch"))
def manifest(features: Features) -> Iterator[Finding]:
    """Yield whether the file's hash is the one that the manifest of the upload states; nothing where it states none.

    Article 26 (3) of Shijiazhuang and the county, 17 (3) of the housing pilot, 14 (2) of Panjin, 31 (2) of Laixi, 24
    (2) of Nandagang and 34 (3) of Changzhi forbid to delete from recordings or to alter them. A single changed byte
    changes the hash; what was changed, and whether on purpose, it does not tell.
    """
    texts = features["file"]["sha256"]
    found, uploaded = _sha256(texts[0] if len(texts) else None), _sha256(first(features, "store.sha256"))
    if found is None or uploaded is None:
        return
    hashes = {"found": found, "uploaded": uploaded}
    if found == uploaded:
        yield finding(features, "manifest-match", Level.NOTE, _MATCH, {"sha256": found}, **hashes)
    else:
        yield finding(features, "manifest-mismatch", Level.VIOLATION, _MISMATCH, hashes, **hashes)


def _sha256(text: str | None) -> str | None:
    """Return a SHA-256 in lower case, None if the text is none."""
    plain = (text or "").strip().lower()
    return plain if re.fullmatch(r"[0-9a-f]{64}", plain) else None

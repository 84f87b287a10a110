"""Which device, unit and officer the overlay names, against the case record and a registry of recorders."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz

from detectors._timeline import extent, span_of
from pipeline.detector import detector
from pipeline.model import Features, Finding, Level, Message, Scalar

_LOOKALIKES = str.maketrans("OQDILZSB", "00011258")
"""Letters that readers take for figures, and figures for them."""
_LABEL = re.compile(r"^(?:设备(?:编?号)?|机号|序列号|警号|警员|姓名|执法人?员|单位|ID|DEV(?:ICE)?|SN|NO)[.:]+", re.I)
_WHOLE = 4
"""Shorter texts are compared as a whole, or must stand whole in the line."""
_CASE_FIELDS = {"device": ("device.id",), "unit": ("unit.name", "agency.name"), "officer": ("officers",)}
_REGISTRY_COLUMNS = {"device": "device_id", "unit": "unit", "officer": "officer"}
_AGREES = {
    "device": "The overlay shows the device {text}; the case record names {wanted}.",
    "unit": "The overlay shows the unit {text}; the case record names {wanted}.",
    "officer": "The overlay shows the officer {text}; the case record names {wanted}.",
}
_DIFFERS = {
    "device": "The overlay shows the device {text}, but the case record names {wanted}.",
    "unit": "The overlay shows the unit {text}, but the case record names {wanted}.",
    "officer": "The overlay shows the officer {text}, but the case record names {wanted}.",
}
_REGISTERED = "The overlay shows the device {text}, which the registry lists as {entry}."


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of the overlay."""

    text: str
    readings: int
    agreement: float


@dataclass(frozen=True, slots=True)
class _Limits:
    """See the parameters of `overlay_identity`."""

    min_score: float
    far_score: float
    min_margin: float
    min_agreement: float
    min_readings: int

    def accuses(self, line: _Line) -> bool:
        """Tell whether a line was read so well that it may accuse somebody."""
        return line.agreement >= self.min_agreement and line.readings >= self.min_readings


@detector(
    "overlay-identity",
    version=1,
    needs=("overlay.field", "overlay.text", "overlay.agreement", "overlay.readings"),
    emits=("device-shown", "device-mismatch"),
)
def overlay_identity(
    features: Features,
    *,
    min_score: float = 80.0,
    far_score: float = 50.0,
    min_margin: float = 5.0,
    min_agreement: float = 0.6,
    min_readings: int = 3,
) -> Iterator[Finding]:
    """Yield what the overlay's device, unit and officer say of the case record, and of the registry if one is given.

    Texts are compared by their likeness, letters and figures that readers take for each other being the same. Between
    `far_score` and `min_score` nothing is said, nor where two entries of the registry fit about as well, nor against
    anybody by a line that was read seldom or differently each time. A name and a number are never held against each
    other. A unit is written in many ways: that it differs is said only if the registry knows the one shown.

    Parameters
    ----------
    min_score : float
        Likeness from which two texts are taken for the same (0 to 100).
    far_score : float
        Likeness below which two texts are clearly different (0 to 100).
    min_margin : float
        By how much an entry of the registry must fit better than every other, and than the case record (0 to 100).
    min_agreement : float
        Share of the readings of a line that must agree before it accuses anybody (0 to 1).
    min_readings : int
        How often a line must have been read before it accuses anybody.

    References
    ----------
    V. I. Levenshtein, "Binary codes capable of correcting deletions, insertions, and reversals", Soviet Physics Doklady
    10 (1966), 707-710; likeness is the normalised Indel similarity of rapidfuzz.
    """
    limits = _Limits(min_score, far_score, min_margin, min_agreement, min_readings)
    overlay = features["overlay"]
    for field in _CASE_FIELDS:
        rows = overlay.where(overlay["field"] == field)
        columns = (rows["text"], rows["readings"], rows["agreement"])
        lines = [_Line(str(t), int(n), float(a)) for t, n, a in zip(*columns, strict=True) if t]
        entries = _entries(features, field)
        wanted = _wanted(features, field)
        if wanted:
            yield from _against_case(features, field, lines, wanted, entries, limits)
        elif field == "device":
            yield from _in_registry(features, lines, entries, limits)


def _wanted(features: Features, field: str) -> list[str]:
    if not features.has("case.field"):
        return []
    case = features["case"]
    return [str(v) for f, v in zip(case["field"], case["value"], strict=True) if f in _CASE_FIELDS[field] and v]


def _entries(features: Features, field: str) -> list[str]:
    column = _REGISTRY_COLUMNS[field]
    if not features.has(f"registry.{column}"):
        return []
    return sorted({str(entry) for entry in features["registry"][column] if entry})


def _against_case(
    features: Features, field: str, lines: Sequence[_Line], wanted: list[str], entries: list[str], limits: _Limits
) -> Iterator[Finding]:
    """Yield at most one finding: that a line agrees with the case record, or else that one clearly does not."""
    scored = [(likeness(line.text, name), line, name) for line in lines for name in wanted]
    comparable = [(score, line, name) for score, line, name in scored if score is not None]
    if not comparable:
        return
    score, line, name = max(comparable, key=lambda one: (one[0], one[1].readings))
    entry, entry_score = _best_entry(line.text, entries, limits.min_margin)
    other = (
        entry is not None
        and entry_score >= max(limits.min_score, score + limits.min_margin)
        and all(folded(entry) != folded(other) for other in wanted)
    )
    evidence: dict[str, Scalar] = {"shown": line.text, "wanted": name, "score": round(score, 1)}
    if other:
        evidence |= {"registry": entry, "registry_score": round(entry_score, 1)}
    far = field != "unit" and score < limits.far_score
    if score >= limits.min_score and not other:
        yield _finding(
            features, "device-shown", Level.NOTE, _AGREES[field], {"text": line.text, "wanted": name}, evidence
        )
    elif (other or far) and limits.accuses(line):
        said: dict[str, Scalar] = {"text": line.text, "wanted": name}
        yield _finding(features, "device-mismatch", Level.SUSPECT, _DIFFERS[field], said, evidence)


def _in_registry(features: Features, lines: Sequence[_Line], entries: list[str], limits: _Limits) -> Iterator[Finding]:
    for line in lines:
        entry, score = _best_entry(line.text, entries, limits.min_margin)
        if entry is not None and score >= limits.min_score:
            said: dict[str, Scalar] = {"text": line.text, "entry": entry}
            evidence: dict[str, Scalar] = {"shown": line.text, "registry": entry, "score": round(score, 1)}
            yield _finding(features, "device-shown", Level.NOTE, _REGISTERED, said, evidence)


def _best_entry(text: str, entries: list[str], margin: float) -> tuple[str | None, float]:
    """Return the entry that fits a text best, None if another fits about as well, and how well it fits."""
    scored = sorted(((likeness(text, entry) or 0.0, entry) for entry in entries), reverse=True)
    if not scored:
        return None, 0.0
    score, entry = scored[0]
    rivals = [rival for rival, other in scored[1:] if folded(other) != folded(entry)]
    return (None if rivals and score - rivals[0] < margin else entry), score


def folded(text: str) -> str:
    """Return a text as it is compared: without label, signs and spaces, lookalikes made one."""
    plain = _LABEL.sub("", unicodedata.normalize("NFKC", text).replace(" ", ""))
    return re.sub(r"[\W_]", "", plain).upper().translate(_LOOKALIKES)


def likeness(shown: str, wanted: str) -> float | None:
    """Return how like a line of the overlay is to a name or number, 0 to 100; None where they cannot be compared.

    The line may hold more than what is wanted; what is shorter than four characters must then stand in it whole.
    """
    line, name = folded(shown), folded(wanted)
    if not line or not name or not _sorts(shown) & _sorts(wanted):
        return None
    score = float(fuzz.ratio(line, name))
    if len(line) > len(name):
        score = max(
            score, 100.0 if name in line else float(fuzz.partial_ratio(name, line)) if len(name) >= _WHOLE else 0.0
        )
    return score


def _sorts(text: str) -> set[str]:
    """Return what a text is made of: figures, Chinese characters, or letters; letters among figures are figures."""
    plain = re.sub(r"[\W_]", "", _LABEL.sub("", unicodedata.normalize("NFKC", text).replace(" ", "")))
    sorts = set()
    if re.search(r"\d", plain):
        sorts.add("figures")
    if re.search(r"[^\W\d_A-Za-z]", plain):
        sorts.add("characters")
    if re.search(r"[A-Za-z]", plain) and "figures" not in sorts:
        sorts.add("letters")
    return sorts


def _finding(
    features: Features, kind: str, level: Level, said: str, values: dict[str, Scalar], evidence: dict[str, Scalar]
) -> Finding:
    return Finding(kind, level, span_of(features, *extent(features)), Message(said, values), evidence=evidence)

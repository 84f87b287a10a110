"""What the lists of the review page need to know of a result, taken from its public document."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

from pipeline.report.grouping import KEYS, ZONE, month
from pipeline.report.results import UNREADABLE, read_result
from pipeline.review.rights import CLASSES, ClipFacts
from pipeline.statistics import Outcomes, outcomes_of

About = Literal["rule", "kind"]


@dataclass(frozen=True, slots=True)
class Mark:
    """A rule that was judged, or a kind of finding that was found."""

    about: About
    name: str
    """Id of the rule, or the kind."""
    value: str
    """Outcome of the rule, or the gravest level of that kind: violation, suspect or note."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is listed of one clip."""

    counted: str
    """Verdict, or `unreadable`."""
    sha256: str | None
    device: str | None
    agency: str | None
    unit: str | None
    case_number: str | None
    classes: str
    """Access classes that one must have to see it, in the order of the alphabet, with spaces between."""
    started_at: float | None
    """When it was recorded: seconds since 1970."""
    duration_s: float
    violations: int
    suspects: int
    content: str
    """SHA-256, or the path where the file could not be read to its end."""
    recorder: str | None
    """As statistics name it: by the case record, else as it was determined."""
    month: str | None
    """In which it was recorded, as statistics count it: `2026-03`."""
    claimed: bool
    """The month is only what the file claims of itself."""
    outcomes: str
    """What statistics count of it, as JSON (`pipeline.statistics.Outcomes`)."""
    marks: tuple[Mark, ...]


def facts_of(document: str) -> Facts:
    """Read the facts of a document of the contract, format 1."""
    told: dict[str, Any] = json.loads(document)
    clip = told["clip"]
    case, recording = clip.get("case") or {}, clip.get("recording") or {}
    levels = [finding["level"] for finding in told["findings"]]
    result = read_result(document, "")
    of_month, claimed = month(result)
    return Facts(
        counted=UNREADABLE if told["unreadable"] is not None else told["verdict"],
        sha256=clip["sha256"],
        device=recording.get("device_id") or clip.get("device_id"),
        agency=case.get("agency"),
        unit=case.get("unit") or case.get("unit_number"),
        case_number=case.get("case_number"),
        classes=joined(may_be_seen_by(told).classes),
        started_at=seconds_of(recording.get("started_at")) or seconds_of(clip.get("recorded_at")),
        duration_s=clip["duration_s"],
        violations=levels.count("violation"),
        suspects=levels.count("suspect"),
        content=result.content,
        recorder=next(iter(KEYS["device"](result)), None),
        month=of_month,
        claimed=claimed,
        outcomes=json.dumps(asdict(outcomes_of(result)), ensure_ascii=False, separators=(",", ":")),
        marks=tuple(_marks(told)),
    )


def spoilt(key: str) -> Facts:
    """Return what is listed of a result whose document cannot be read; only who may see everything sees it.

    Somebody changed the row, or a newer release wrote it: `unbroken verify` tells which.
    """
    return Facts(
        counted=UNREADABLE,
        sha256=None,
        device=None,
        agency=None,
        unit=None,
        case_number=None,
        classes=joined(CLASSES),
        started_at=None,
        duration_s=0.0,
        violations=0,
        suspects=0,
        content=key,
        recorder=None,
        month=None,
        claimed=False,
        outcomes=json.dumps(asdict(Outcomes("", UNREADABLE, 0, (), ()))),
        marks=(),
    )


def may_be_seen_by(told: Mapping[str, Any]) -> ClipFacts:
    """Return what of a document counts for who may see its clip."""
    case = told["clip"].get("case") or {}
    secrets = frozenset(case.get("secrecy") or ()) - {"none"}
    return ClipFacts(case.get("unit") or case.get("unit_number"), case.get("access"), secrets)


def joined(classes: Iterable[str]) -> str:
    """Return access classes as the index keeps them."""
    return " ".join(sorted(classes))


def _marks(told: dict[str, Any]) -> list[Mark]:
    rules = [Mark("rule", rule["id"], rule["outcome"]) for rule in told["rules"]]
    gravest: dict[str, str] = {}
    order = ("violation", "suspect", "note")
    for finding in told["findings"]:
        kind, level = finding["kind"], finding["level"]
        if kind not in gravest or order.index(level) < order.index(gravest[kind]):
            gravest[kind] = level
    return rules + [Mark("kind", kind, level) for kind, level in sorted(gravest.items())]


def seconds_of(moment: str | None) -> float | None:
    """Return a moment as seconds since 1970; a time without a zone is taken as China's, where the recorders are."""
    if not moment:
        return None
    try:
        read = datetime.fromisoformat(moment)
    except ValueError:
        return None
    return (read if read.tzinfo else read.replace(tzinfo=ZONE)).timestamp()

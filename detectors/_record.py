"""What the case record states, as several detectors read it: a value that makes no sense counts as not stated."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime

from detectors._timeline import extent, span_of
from pipeline.model import Features, Finding, Level, Message, Scalar

NONE = "none"
"""The code that states that there is nothing of the kind, which silence does not."""


def stated(features: Features, field: str) -> list[str]:
    """Return the values that the case record gives a field, blank ones left out."""
    if not (features.has("case.field") and features.has("case.value")):
        return []
    case = features["case"]
    values = (value for name, value in zip(case["field"], case["value"], strict=True) if name == field)
    return [str(value).strip() for value in values if value and str(value).strip()]


def first(features: Features, field: str) -> str | None:
    """Return the first value of a field, None if it is not stated."""
    return next(iter(stated(features, field)), None)


def codes(features: Features, field: str, known: Collection[str]) -> tuple[str, ...] | None:
    """Return the codes of a field that are known; empty if it states that there are none, None if it states nothing."""
    values = stated(features, field)
    found = tuple(dict.fromkeys(value for value in values if value in known and value != NONE))
    return found if found or NONE in values else None


def flag(features: Features, field: str) -> bool | None:
    """Return whether a flag is set, None if it is not stated."""
    return {"true": True, "false": False}.get(first(features, field) or "")


def moment(text: str | None) -> datetime | None:
    """Return an ISO 8601 time; None if it is none, or says nothing of its offset from UTC."""
    try:
        at = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return at if at.utcoffset() is not None else None


def day(text: str | None) -> date | None:
    """Return an ISO 8601 date, None if it is none."""
    try:
        return date.fromisoformat(text or "")
    except ValueError:
        return None


def finding(
    features: Features,
    kind: str,
    level: Level,
    template: str,
    values: Mapping[str, Scalar] | None = None,
    **evidence: Scalar | Sequence[Scalar],
) -> Finding:
    """Return a finding about the clip as a whole."""
    message = Message(template, dict(values or {}))
    return Finding(kind, level, span_of(features, *extent(features)), message, evidence=evidence)

"""A result of the ledger as the examination that it tells of, so that a report can be made of it.

Findings, rules and verdict are those of the document in the ledger; no detector runs again. Only what was measured
comes from the cache. `docs/reports.md` says why.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pipeline.case import CaseRecord
from pipeline.errors import FootageError
from pipeline.features.cache import Cache
from pipeline.features.schema import table
from pipeline.measuring import kept
from pipeline.model import (
    Curve,
    Examination,
    Examined,
    Features,
    Finding,
    Footage,
    Level,
    Message,
    Outcome,
    RuleResult,
    Skipped,
    Span,
    Table,
)
from pipeline.report import json_v1
from pipeline.report.wording import N_
from pipeline.review.clip import Clip, case_of, settings_of
from pipeline.run import examined_of
from pipeline.settings import tuned_of

BEHIND = N_("This clip lies behind an address, or was not hashed: no report of it can be made here.")
GONE = N_("The cache does not hold the measurements of this result any more. Run the batch again.")
OTHER = N_("The measurements in the cache are not those of this result ({where}). Run the batch again.")
RECORD = N_("The case record of this clip was changed since it was examined ({fields}). Run the batch again.")
RELEASE = N_("This result is of another release, which told it in another form. Run the batch again.")
STATED = {
    "case_number": "case_number",
    "agency": "agency.name",
    "unit": "unit.name",
    "unit_number": "unit.number",
    "officers": "officers",
    "cause": "cause",
    "parties": "parties",
    "place": "place.names",
    "access": "store.access",
    "secrecy": "secrecy",
}
"""What a document tells of the case record → field of the case record."""
PHOTOS = "place.photos"


def examination_of(clip: Clip, cache: Cache) -> Examination:
    """Return the examination that a result tells of; nothing is decoded and nothing is judged.

    Parameters
    ----------
    clip : Clip
        Of a store that is a folder.
    cache : Cache
        Of the batch.

    Raises
    ------
    FootageError
        If it cannot be told exactly as the ledger holds it: its measurements are gone or are others, its case record
        says something else by now, or another release wrote it. Its only argument is a `Message`.
    """
    told, footage = clip.document, clip.footage
    if footage is None:
        raise FootageError(Message(BEHIND))
    case = case_of(clip)
    _must_agree(told["clip"], case)
    found = kept(footage, settings_of(clip), cache, case)
    if found is None and told["unreadable"] is None:
        raise FootageError(Message(GONE))
    measured, sound = found or (Features(), None)
    try:
        tables = {**measured.tables, **_beside(told["clip"], case)}
        examination = _examination(told, footage, Features(tables), sound, found is not None)
        again = json_v1.document(examination)
    except (
        LookupError,
        TypeError,
        ValueError,
    ) as error:  # it lacks something, or holds what this release does not know
        raise FootageError(Message(RELEASE)) from error
    _must_be_the_same(again, told)
    return examination


def _must_agree(told: Mapping[str, Any], case: CaseRecord | None) -> None:
    """Refuse a clip beside which something else is stated than was.

    A table of the whole store may have stated more; but what lies nearer to the clip counts before it.
    """
    known = told["case"] or {}
    changed = []
    for name, field in STATED.items():
        now = case.all(field) if case else ()
        then = known.get(name)
        before = tuple(then) if isinstance(then, list) else () if then is None else (then,)
        if now and (now if isinstance(then, list) else now[:1]) != before:
            changed.append(field)
    if case is not None and case.first("device.id") not in (None, told["device_id"]):
        changed.append("device.id")
    if changed:
        raise FootageError(Message(RECORD, {"fields": ", ".join(changed)}))


def _beside(told: Mapping[str, Any], case: CaseRecord | None) -> dict[str, Table]:
    """Return the tables that a report and its document show besides what was measured, as the document tells them."""
    tables = {}
    if told["case"] is not None:
        stated: list[tuple[str, str, str | None]] = [(field, value, None) for field, value in _entries(told)]
        if case is not None:  # the findings name the photos; the record says where they lie
            stated += [(field, value, str(source)) for field, value, source in case.entries() if field == PHOTOS]
        rows: list[dict[str, object]] = [dict(zip(("field", "value", "source"), one, strict=True)) for one in stated]
        tables["case"] = table("case", rows)
    if told["recording"] is not None:
        known = {name: value for name, value in told["recording"].items() if value is not None}
        tables["recording"] = table("recording", [known])
    return tables


def _entries(told: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what a document tells of a case record: field and value, a pair for each entry of a list."""
    if told["device_id"] is not None:
        yield "device.id", told["device_id"]
    for name, field in STATED.items():
        value = told["case"][name]
        for entry in value if isinstance(value, list) else [value] if value is not None else []:
            yield field, entry


def _examination(
    told: Mapping[str, Any], footage: Footage, features: Features, sound: Path | None, measured: bool
) -> Examination:
    """Return what a document tells, over tables; of a clip that nothing was measured of, what was examined, too.

    Raises
    ------
    LookupError, TypeError, ValueError
        If the document is not as this release writes it.
    """
    unreadable = told["unreadable_message"]
    return Examination(
        footage=footage,
        profile=told["profile"],
        features=features,
        examined=examined_of(features) if measured else _examined(told["examined"]),
        findings=tuple(_finding(one) for one in told["findings"]),
        rules=tuple(
            RuleResult(
                id=one["id"],
                article=one["article"],
                text=one["text"],
                gloss=one["gloss"],
                outcome=Outcome(one["outcome"]),
                reason=json_v1.message_of(one["message"]),
                findings=tuple(one["findings"]),
            )
            for one in told["rules"]
        ),
        verdict=Outcome(told["verdict"]),
        skipped=tuple(Skipped(one["detector"], tuple(one["missing"])) for one in told["skipped"]),
        unreadable=None if unreadable is None else json_v1.message_of(unreadable),
        versions={json_v1.TOOL: told["tool"]["version"], **told["tool"]["libraries"]},
        settings=told["settings"],
        tuned=None if told.get("tuned") is None else tuned_of(told["tuned"]),
        sound=sound,
    )


def _examined(told: Mapping[str, Any]) -> Examined:
    known = {name: value for name, value in told.items() if name not in ("gaps", "gap_messages")}
    return Examined(**known, gaps=tuple(json_v1.message_of(gap) for gap in told["gap_messages"]))


def _finding(told: Mapping[str, Any]) -> Finding:
    """Return a finding, or a ground of one, of which less is told."""
    span = told["span"]
    return Finding(
        kind=told["kind"],
        level=Level(told["level"]),
        span=Span(span["start_s"], span["stop_s"], span["first_frame"], span["stop_frame"]),
        message=json_v1.message_of(told["message"]),
        score=told.get("score"),
        evidence=told["evidence"],
        curves=tuple(Curve(one["column"], one["threshold"]) for one in told.get("curves", ())),
        grounds=tuple(_finding(one) for one in told.get("grounds", ())),
        id=told.get("id", ""),
        detector=told["detector"],
        version=told["version"],
        params=told.get("params", {}),
    )


def _must_be_the_same(again: Mapping[str, Any], told: Mapping[str, Any]) -> None:
    """Refuse what would not be told as the ledger holds it.

    What this release adds to documents of an older one counts for nothing: inside a format keys are only ever added.
    """
    other = sorted(name for name in told if _differs(again.get(name), told[name]))
    if other:
        raise FootageError(Message(OTHER, {"where": ", ".join(other)}))


def _differs(again: Any, told: Any) -> bool:
    if isinstance(told, dict) and isinstance(again, dict):
        return any(_differs(again.get(name), entry) for name, entry in told.items())
    if isinstance(told, list) and isinstance(again, list):
        return len(told) != len(again) or any(_differs(one, two) for one, two in zip(again, told, strict=True))
    return bool(again != told)

"""The public JSON form of an examination, format 1: a promise to scripts, and so not the inner types themselves.

`docs/contract.md` says what each key means, `docs/contract.schema.json` states the form. Inside format 1 keys are only
ever added.
"""

from __future__ import annotations

import base64
import json
import math
import os
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date, datetime
from enum import Enum
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.model import Examination, Examined, Features, Finding, Footage, Message, RuleResult

FORMAT = 1
TOOL = "unbroken"
GROUND = ("kind", "level", "span", "detector", "version", "evidence", "summary", "message")
"""What is told of a finding that is a ground of another."""


def document(examination: Examination) -> dict[str, Any]:
    """Return the public document of one examined clip, as values that JSON can hold.

    Numbers that are not finite become None; texts that UTF-8 cannot hold are shown with backslash escapes.

    Parameters
    ----------
    examination : Examination
        What one scan of one clip came to.

    Returns
    -------
    dict
        Keys in the order of the contract; valid under `docs/contract.schema.json`.
    """
    libraries = {name: version for name, version in examination.versions.items() if name != TOOL}
    whole = {
        "format": FORMAT,
        "tool": {"version": tool_version(examination), "libraries": libraries},
        "profile": examination.profile,
        "clip": _clip(examination.footage, examination.features),
        "examined": _examined(examination.examined),
        "findings": [_finding(finding) for finding in examination.findings],
        "rules": [_rule(rule) for rule in examination.rules],
        "verdict": examination.verdict,
        "unreadable": None if examination.unreadable is None else str(examination.unreadable),
        "unreadable_message": None if examination.unreadable is None else parts(examination.unreadable),
        "skipped": [{"detector": skip.detector, "missing": skip.missing} for skip in examination.skipped],
        "settings": examination.settings,
        "tuned": None if examination.tuned is None else asdict(examination.tuned),
    }
    result: dict[str, Any] = plain(whole)
    return result


def text(documents: dict[str, Any] | list[dict[str, Any]]) -> str:
    """Return one document, or a list of them, as JSON text (UTF-8 characters kept, indented)."""
    return json.dumps(documents, ensure_ascii=False, indent=2, allow_nan=False)


def tool_version(examination: Examination) -> str:
    """Return the version of the product that made `examination`."""
    return examination.versions.get(TOOL) or metadata.version(TOOL)


def display_path(path: Path) -> str:
    """Return a path as text; bytes of its name that are not UTF-8 appear as backslash escapes."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def claimed_start(features: Features) -> str | None:
    """Return the creation time that the header claims (ISO 8601), None if it claims none."""
    if not features.has("container.created_at") or not features["container"].rows:
        return None
    return features["container"]["created_at"][0] or None


def case_value(features: Features, field: str) -> str | None:
    """Return a field of the case record, None if there is none; of a list, its first entry."""
    return next(iter(case_values(features, field)), None)


def case_values(features: Features, field: str) -> list[str]:
    """Return every entry of a field of the case record; none if there is no record."""
    if "case" not in features:
        return []
    case = features["case"]
    return [str(value) for value in case["value"][case["field"] == field]]


def plain(value: Any) -> Any:
    """Return `value` as what JSON can hold: dict, list, str, int, finite float, bool or None."""
    match value:
        case Enum():
            return plain(value.value)
        case None | bool() | int():
            return value
        case float() | np.floating():
            return float(value) if math.isfinite(value) else None
        case str():
            return value.encode("utf-8", "backslashreplace").decode("utf-8")
        case np.generic() | np.ndarray():
            return plain(value.tolist())
        case Mapping():
            return {plain(str(key)): plain(entry) for key, entry in value.items()}
        case list() | tuple():
            return [plain(entry) for entry in value]
        case set() | frozenset():
            return sorted((plain(entry) for entry in value), key=str)
        case Path():
            return display_path(value)
        case date() | datetime():
            return value.isoformat()
        case _:
            return plain(str(value))


def parts(message: Message) -> dict[str, Any]:
    """Return a sentence as what translates it: template, and the values that fill it.

    Filling in the values gives the sentence again, word for word. Where JSON cannot hold one so that it does (a date
    can be, as text), they are filled in already.
    """
    values = {name: plain(value) for name, value in message.values.items()}
    said = str(plain(str(message)))
    if not _says(message.template, values, said):
        return {"template": said.replace("{", "{{").replace("}", "}}"), "values": {}}
    return {"template": message.template, "values": values}


def _says(template: str, values: dict[str, Any], said: str) -> bool:
    try:
        return template.format(**values) == said
    except (TypeError, ValueError):  # a date or None that the template asks to write in some way of its own
        return False


def message_of(told: Mapping[str, Any]) -> Message:
    """Return a sentence from its parts."""
    template, values = told["template"], told["values"]
    return Message(template, values)


def _clip(footage: Footage, features: Features) -> dict[str, Any]:
    clip = {
        "path": display_path(footage.path),
        "sha256": footage.sha256 or None,
        "bytes": footage.bytes,
        "duration_s": features.duration_s(),
        "device_id": case_value(features, "device.id"),
        "recorded_at": claimed_start(features),
        "case": _case(features),
        "recording": _recording(features),
    }
    raw = os.fsencode(footage.path)
    if clip["path"] != raw.decode("utf-8", "replace"):
        clip["path_base64"] = base64.b64encode(raw).decode("ascii")
    return clip


def _case(features: Features) -> dict[str, Any] | None:
    """Return what the case record says of the clip's case, None without a record."""
    if "case" not in features:
        return None
    return {
        "case_number": case_value(features, "case_number"),
        "agency": case_value(features, "agency.name"),
        "unit": case_value(features, "unit.name"),
        "unit_number": case_value(features, "unit.number"),
        "officers": case_values(features, "officers"),
        "cause": case_value(features, "cause"),
        "parties": case_values(features, "parties"),
        "place": case_value(features, "place.names"),
        "access": case_value(features, "store.access"),
        "secrecy": case_values(features, "secrecy"),
    }


def _recording(features: Features) -> dict[str, Any] | None:
    """Return which recorder made the clip, when, and how that is known; None where it was not asked."""
    if "recording" not in features or not features["recording"].rows:
        return None
    found = {name: column[0] for name, column in features["recording"].items()}
    number = found["number"]
    return {
        "device_id": found["device_id"],
        "device_from": found["device_from"],
        "started_at": found["started_at"],
        "ended_at": found["ended_at"],
        "time_from": found["time_from"],
        "time_within_s": found["time_within_s"],
        "number": int(number) if np.isfinite(number) else None,
    }


def _examined(examined: Examined) -> dict[str, Any]:
    return {
        "packets": examined.packets,
        "frames_in_header": examined.frames_in_header,
        "frames_decoded": examined.frames_decoded,
        "frames_failed": examined.frames_failed,
        "audio_s": examined.audio_s,
        "speech_s": examined.speech_s,
        "pictures_read": examined.pictures_read,
        "gaps": [str(gap) for gap in examined.gaps],
        "gap_messages": [parts(gap) for gap in examined.gaps],
        "isolation": examined.isolation,
    }


def _finding(finding: Finding) -> dict[str, Any]:
    span = finding.span
    return {
        "id": finding.id,
        "kind": finding.kind,
        "level": finding.level,
        "score": finding.score,
        "span": {
            "start_s": span.start_s,
            "stop_s": span.stop_s,
            "first_frame": span.first_frame,
            "stop_frame": span.stop_frame,
        },
        "detector": finding.detector,
        "version": finding.version,
        "params": finding.params,
        "evidence": finding.evidence,
        "summary": finding.summary,
        "message": parts(finding.message),
        "curves": [{"column": curve.column, "threshold": curve.threshold} for curve in finding.curves],
        "grounds": [_ground(ground) for ground in finding.grounds],
    }


def _ground(finding: Finding) -> dict[str, Any]:
    """Return what another detector told of the same break, in short."""
    told = _finding(finding)
    return {name: told[name] for name in GROUND}


def _rule(rule: RuleResult) -> dict[str, Any]:
    return {
        "id": rule.id,
        "article": rule.article,
        "outcome": rule.outcome,
        "reason": str(rule.reason),
        "message": parts(rule.reason),
        "findings": rule.findings,
        "text": rule.text,
        "gloss": rule.gloss,
    }

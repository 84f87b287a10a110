"""Public documents as results have them, with what lists show: for the benchmark and the tests of the review page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def document(
    path: str,
    verdict: str = "pass",
    *,
    device: str | None = None,
    unit: str | None = None,
    case_number: str | None = None,
    access: str | None = None,
    secrecy: Sequence[str] = (),
    started_at: str | None = None,
    duration_s: float = 60.0,
    unreadable: str | None = None,
    rules: Mapping[str, str] | None = None,
    findings: Sequence[tuple[str, str]] = (),
) -> dict[str, Any]:
    """Return a document of the contract with what lists show; findings as kind and level."""
    case = {"case_number": case_number, "agency": None, "unit": unit, "unit_number": None, "officers": [],
            "cause": None, "parties": [], "place": None, "access": access, "secrecy": list(secrecy)}  # fmt: skip
    recording = {"device_id": device, "device_from": None, "started_at": started_at, "ended_at": None,
                 "time_from": None, "time_within_s": None, "number": None}  # fmt: skip
    span = {"start_s": 0.0, "stop_s": 1.0, "first_frame": None, "stop_frame": None}
    return {
        "format": 1,
        "profile": "shijiazhuang-safety",
        "clip": {"path": path, "sha256": None, "bytes": 1, "duration_s": duration_s, "device_id": None,
                 "recorded_at": None, "case": case, "recording": recording},
        "findings": [
            {"id": f"f{number}", "kind": kind, "level": level, "score": None, "span": span, "detector": "made-up",
             "version": 1, "evidence": {}, "summary": f"A {kind}.", "curves": []}
            for number, (kind, level) in enumerate(findings, 1)
        ],
        "rules": [{"id": name, "article": "", "text": "", "outcome": outcome, "reason": "", "findings": []}
                  for name, outcome in (rules or {}).items()],
        "verdict": verdict,
        "unreadable": unreadable,
    }  # fmt: skip

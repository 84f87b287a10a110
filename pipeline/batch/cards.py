"""What a chain of clips needs to know of one clip, as JSON that the ledger keeps between measuring and judging."""

from __future__ import annotations

import base64
import json
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.case import CaseRecord
from pipeline.model import Finding, Level, Message, Span
from pipeline.sessions.clips import Clip, Edge
from pipeline.sessions.naming import Name
from pipeline.sessions.recording import Recording, Times


def card(clip: Clip) -> str:
    """Return a clip as JSON, without its path and its case record, which whoever reads the card has."""
    return json.dumps(
        {
            "sha256": clip.sha256,
            "label": clip.label,
            "recording": asdict(clip.recording),
            "times": [asdict(times) for times in clip.times],
            "name": None if clip.name is None else asdict(clip.name),
            "duration_s": clip.duration_s,
            "readable": clip.readable,
            "first": _edge(clip.first),
            "last": _edge(clip.last),
            "notice": _finding(clip.notice),
            "place": _finding(clip.place),
        },
        separators=(",", ":"),
        default=datetime.isoformat,
    )


def clip_from(text: str, path: Path, case: CaseRecord | None) -> Clip:
    """Return the clip of a card; of notice and place only kind, level and time are kept.

    Raises
    ------
    ValueError, KeyError, TypeError
        If it is no card.
    """
    held = json.loads(text)
    return Clip(
        path=path,
        sha256=held["sha256"],
        label=held["label"],
        recording=Recording(**_timed(held["recording"])),
        times=tuple(Times(**_timed(times)) for times in held["times"]),
        name=None if held["name"] is None else Name(**_timed(held["name"])),
        case=case,
        duration_s=held["duration_s"],
        readable=held["readable"],
        first=_edge_from(held["first"]),
        last=_edge_from(held["last"]),
        notice=_finding_from(held["notice"]),
        place=_finding_from(held["place"]),
    )


def _timed(fields: dict[str, Any]) -> dict[str, Any]:
    """Return fields with their moments (`…_at`) as such."""
    return {
        name: datetime.fromisoformat(value) if name.endswith("_at") and value is not None else value
        for name, value in fields.items()
    }


def _edge(edge: Edge) -> dict[str, Any]:
    look = None if edge.look is None else base64.b64encode(edge.look.astype("<f4").tobytes()).decode()
    return {"look": look, "usual": edge.usual, "level_dbfs": edge.level_dbfs}


def _edge_from(held: dict[str, Any]) -> Edge:
    look = held["look"]
    read = None if look is None else np.frombuffer(base64.b64decode(look), "<f4").astype(np.float32)
    return Edge(read, held["usual"], held["level_dbfs"])


def _finding(finding: Finding | None) -> dict[str, Any] | None:
    if finding is None:
        return None
    return {
        "kind": finding.kind,
        "level": finding.level,
        "start_s": finding.span.start_s,
        "stop_s": finding.span.stop_s,
    }


def _finding_from(held: dict[str, Any] | None) -> Finding | None:
    if held is None:
        return None
    return Finding(held["kind"], Level(held["level"]), Span(held["start_s"], held["stop_s"]), Message(""))

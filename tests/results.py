"""Results of scans made by hand and written by the code that writes every document."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from pipeline.features.schema import table
from pipeline.model import (
    Examination,
    Examined,
    Features,
    Finding,
    Footage,
    Level,
    Message,
    Outcome,
    RuleResult,
    Span,
)
from pipeline.report import json_v1
from pipeline.report.results import Results, read_results


def document(
    name: str = "a.mp4",
    verdict: str = "pass",
    *,
    content: str | None = None,
    hours: float = 1.0,
    profile: str = "shijiazhuang-safety",
    rules: dict[str, str] | None = None,
    violations: int = 0,
    unreadable: bool = False,
    case: dict[str, str | Sequence[str]] | None = None,
    recording: dict[str, object] | None = None,
    claimed: str | None = None,
) -> dict[str, Any]:
    """Return the document of a clip; what its content is follows from its name unless `content` says otherwise.

    The first rule rests on all violations.
    """
    tables = {"sound": table("sound", [{"time_s": 0.0, "duration_s": 3600.0 * hours}])}
    if case is not None:
        pairs = [(field, [value] if isinstance(value, str) else value) for field, value in case.items()]
        tables["case"] = table("case", [{"field": f, "value": value} for f, values in pairs for value in values])
    if recording is not None:
        tables["recording"] = table("recording", [recording])
    if claimed is not None:
        tables["container"] = table("container", [{"format": "mp4", "bytes": 5, "created_at": claimed}])
    found = tuple(
        Finding("picture-cut", Level.VIOLATION, Span(1, 2), Message("cut"), id=f"f{n}", detector="cut", version=1)
        for n in range(1, violations + 1)
    )
    judged = tuple(
        RuleResult(rule, f"第{n}条", "…", "…", Outcome(outcome), Message("so"), tuple(f.id for f in found if n == 1))
        for n, (rule, outcome) in enumerate((rules or {"CONT-1": verdict}).items(), 1)
    )
    sha256 = hashlib.sha256((content or name).encode()).hexdigest() if content != "" else ""
    return json_v1.document(
        Examination(
            footage=Footage(Path("/evidence") / name, sha256, 5),
            profile=profile,
            features=Features(tables),
            examined=Examined(),
            findings=found,
            rules=judged,
            verdict=Outcome.UNDECIDED if unreadable else Outcome(verdict),
            unreadable=Message("broken") if unreadable else None,
        )
    )


def written(folder: Path, *documents: dict[str, Any], name: str = "results.json") -> Path:
    """Write documents as `unbroken scan --json` prints them."""
    path = folder / name
    whole = list(documents) if len(documents) != 1 else documents[0]
    path.write_text(json_v1.text(whole), encoding="utf-8")
    return path


def read(folder: Path, *documents: dict[str, Any], name: str = "results.json") -> Results:
    """Write documents and read them back."""
    return read_results([written(folder, *documents, name=name)])


def report(folder: Path, of: dict[str, Any]) -> Path:
    """Write a document into a report folder of its own; return that folder."""
    folder.mkdir(parents=True)
    (folder / "report.v1.json").write_text(json.dumps(of), encoding="utf-8")
    return folder


@st.composite
def many(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Draw documents of different clips."""
    units = st.sampled_from([None, "监察支队", "危化科", "应急科 / 二组"])
    clips = st.tuples(
        st.sampled_from(["pass", "fail", "undecided", "not applicable"]),
        units,
        st.sets(st.sampled_from(["张三", "李四", "王五"]), max_size=3),
        st.integers(0, 3),
        st.booleans(),
        st.floats(0.0, 20.0),
    )
    documents = []
    for number, (verdict, unit, officers, month, broken, hours) in enumerate(
        draw(st.lists(clips, min_size=1, max_size=25))
    ):
        case: dict[str, str | Sequence[str]] = {"officers": sorted(officers)}
        if unit is not None:
            case["unit.name"] = unit
        claimed = f"2026-0{month}-15T09:00:00+08:00" if month else None
        made = document(
            f"{number}.mp4", verdict, case=case, claimed=claimed, unreadable=broken, hours=hours, violations=number % 3
        )
        documents.append(made)
    return documents

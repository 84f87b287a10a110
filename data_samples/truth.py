"""What is true of a sample clip and what a scan of it must say; holding a scan's document against it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Expected:
    """A finding that a scan must report."""

    kind: str
    level: str
    start_s: float
    stop_s: float
    tolerance_s: float

    def fits(self, finding: Mapping[str, Any]) -> bool:
        """Tell whether a finding of a document is this one."""
        span = finding["span"]
        return (
            finding["kind"] == self.kind
            and finding["level"] == self.level
            and abs(span["start_s"] - self.start_s) <= self.tolerance_s
            and abs(span["stop_s"] - self.stop_s) <= self.tolerance_s
        )


@dataclass(frozen=True, slots=True)
class Truth:
    """One `<clip>.truth.toml`."""

    clip: str
    verdict: str
    exit_code: int
    findings: tuple[Expected, ...]
    absent: tuple[str, ...]
    """Kinds that no finding may have."""
    beside: tuple[str, ...]
    """Kinds that may be found too: they follow from what was done, but are not the point."""
    done: str
    """What was done to the clip, in words."""

    def differences(self, document: Mapping[str, Any]) -> list[str]:
        """Return where a scan's document departs from the truth, one sentence each; empty: nowhere.

        Besides what the truth expects or lets stand beside it, no finding may be a violation or a suspicion.
        """
        found = document["findings"]
        grounds = [*found, *(ground for finding in found for ground in finding.get("grounds", ()))]
        said = [f"verdict {document['verdict']}, not {self.verdict}"] if document["verdict"] != self.verdict else []
        for wanted in self.findings:
            if not any(wanted.fits(finding) for finding in grounds):
                said.append(f"missing: {wanted.level} {wanted.kind} at {wanted.start_s:.2f} to {wanted.stop_s:.2f} s")
        for finding in found:
            expected = finding["kind"] in self.beside or any(wanted.fits(finding) for wanted in self.findings)
            if finding["kind"] in self.absent or (finding["level"] != "note" and not expected):
                span = finding["span"]
                said.append(
                    f"wrong: {finding['level']} {finding['kind']} at {span['start_s']:.2f} to {span['stop_s']:.2f} s"
                )
        return said


def read_truth(path: Path) -> Truth:
    """Read a `<clip>.truth.toml`."""
    document = tomllib.loads(path.read_text(encoding="utf-8"))
    return Truth(
        clip=document["clip"]["file"],
        verdict=document["expect"]["verdict"],
        exit_code=document["expect"]["exit_code"],
        findings=tuple(Expected(**entry) for entry in document.get("finding", ())),
        absent=tuple(document["absent"]["kinds"]),
        beside=tuple(document.get("beside", {}).get("kinds", ())),
        done=document["true"]["done"],
    )


def truths(folder: Path = Path(__file__).parent) -> list[Truth]:
    """Return what is true of every sample clip, the whole take first."""
    read = [read_truth(path) for path in sorted(folder.glob("*.truth.toml"))]
    return sorted(read, key=lambda truth: truth.clip != "whole_take.mp4")

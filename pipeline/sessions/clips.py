"""What a chain needs to know of one clip: whose it is, when it was taken, and how it begins and ends."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detectors._looks import COLUMNS, distance, looks
from detectors._timeline import extent
from pipeline.case import CaseRecord
from pipeline.model import Features, Finding, Footage, Table
from pipeline.sessions.naming import Name
from pipeline.sessions.recording import Recording, Times, recording_of

EDGE_PICTURES = 12
"""Pictures at either end over which their usual difference is taken."""
EDGE_SOUND_S = 0.2


@dataclass(frozen=True, slots=True, eq=False)
class Edge:
    """One end of a clip."""

    look: NDArray[np.float32] | None = None
    """Brightness of the 8 x 8 parts of the outermost picture, 0..255, shape (64,)."""
    usual: float = math.nan
    """Difference between neighbouring pictures there."""
    level_dbfs: float = math.nan
    """Level of the outermost 0.2 s of sound."""


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """What a chain needs to know of one clip."""

    path: Path
    sha256: str
    label: str
    """File name, with its folder where another clip has the same."""
    recording: Recording
    times: tuple[Times, ...] = ()
    name: Name | None = None
    case: CaseRecord | None = None
    duration_s: float = 0.0
    """End of its timeline; of its packets where nothing was decoded."""
    readable: bool = True
    first: Edge = field(default_factory=Edge)
    last: Edge = field(default_factory=Edge)
    notice: Finding | None = None
    place: Finding | None = None

    def stated(self, name: str) -> tuple[str, ...]:
        """Return what its case record states of a field."""
        return self.case.all(name) if self.case else ()


def clip_of(
    footage: Footage,
    features: Features,
    name: Name | None,
    case: CaseRecord | None,
    findings: Iterable[Finding] = (),
    *,
    readable: bool = True,
) -> Clip:
    """Return what a chain needs to know of a clip."""
    recording, times = recording_of(features, name, case)
    told = list(findings)
    return Clip(
        path=footage.path,
        sha256=footage.sha256,
        label=footage.path.name,
        recording=recording,
        times=times,
        name=name,
        case=case,
        duration_s=extent(features)[1],
        readable=readable,
        first=_edge(features, last=False),
        last=_edge(features, last=True),
        notice=_weightiest(told, "notice-heard", "notice-"),
        place=_weightiest(told, "place-shown", "place-"),
    )


def _weightiest(findings: Sequence[Finding], best: str, prefix: str) -> Finding | None:
    found = [finding for finding in findings if finding.kind.startswith(prefix) and finding.kind != "place-spoken"]
    return next((finding for finding in found if finding.kind == best), found[0] if found else None)


def _edge(features: Features, *, last: bool) -> Edge:
    look, usual, level = None, math.nan, math.nan
    if all(features.has(column) for column in COLUMNS) and features["frames"].rows:
        frames = features["frames"]
        rows = slice(-EDGE_PICTURES, None) if last else slice(0, EDGE_PICTURES)
        ends = looks(Table({column.partition(".")[2]: frames[column.partition(".")[2]][rows] for column in COLUMNS}))
        look = ends[-1 if last else 0]
        usual = float(np.median(distance(ends[1:], ends[:-1]))) if len(ends) > 1 else math.nan
    if features.has("sound.rms_dbfs") and features["sound"].rows:
        sound = features["sound"]
        time_s = sound["time_s"]
        near = time_s >= time_s.max() - EDGE_SOUND_S if last else time_s <= time_s.min() + EDGE_SOUND_S
        level = float(np.mean(sound["rms_dbfs"][near]))
    return Edge(look, usual, level)

"""Breaks that detectors tell of labelled clips, before the fusion weighs them: what its model is trained on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.fusion import INPUTS, Break, breaks, inputs_of
from pipeline.settings import Settings
from pipeline.stages import FUSION, sections
from pipeline.tuning.clips import Clips
from pipeline.tuning.labels import Label, Labels, html_table
from pipeline.tuning.matching import TOLERANCE_S, touches
from pipeline.tuning.progress import shown
from pipeline.tuning.split import groups

SHARES = (0.1, 0.5, 0.9)


@dataclass(frozen=True, slots=True, eq=False)
class Breaks:
    """Breaks of which it is known whether they are real."""

    labels: Labels
    inputs: NDArray[np.float64]
    """Shape (breaks, 5): what `pipeline.fusion.inputs_of` gives, in the order of `INPUTS`."""
    real: NDArray[np.bool_]
    group: NDArray[np.int64]
    """Number of the group of clips that hang together by their sources."""
    open: int
    """Breaks of which nobody knows whether they are real; left out."""

    def __len__(self) -> int:
        return len(self.real)

    def of(self, rows: NDArray[np.int64]) -> Breaks:
        """Return the breaks in these rows."""
        return Breaks(self.labels, self.inputs[rows], self.real[rows], self.group[rows], self.open)

    def sources(self) -> dict[str, frozenset[str]]:
        """Return SHA-256 of each labelled clip → of what it was made from."""
        return self.labels.sources()

    def table(self) -> list[dict[str, Any]]:
        """Return a row for each input: quantiles of the real breaks and of the others."""
        sides = {"real": self.inputs[self.real], "not real": self.inputs[~self.real]}
        return [
            {"input": name}
            | {f"{side}: {share:.0%}": quantile(rows[:, n], share) for side, rows in sides.items() for share in SHARES}
            for n, name in enumerate(INPUTS)
        ]

    def _repr_html_(self) -> str:
        there = f"{len(self)} breaks of {len(np.unique(self.group))} groups of clips"
        told = f"{int(self.real.sum())} real, {int((~self.real).sum())} not real, {self.open} open and left out"
        return f"<p>{there}: {told}.</p>{html_table(self.table())}"


def quantile(values: NDArray[np.float64], share: float) -> float | None:
    """Return a quantile; None of no values."""
    return float(np.quantile(values, share)) if len(values) else None


def breaks_of(
    labels: Labels,
    clips: Clips,
    settings: Settings | None = None,
    *,
    tolerance_s: float = TOLERANCE_S,
    bar: bool = True,
) -> Breaks:
    """Return every break that detectors tell of labelled clips, with what the fusion weighs of it.

    A break is real if a `true` label near it names a kind that tells it. It is not real if nothing true is near and a
    `false` label names such a kind, or all of the clip is known. All others are open: nobody knows, or something is
    true there that no finding names.

    Parameters
    ----------
    labels : Labels
    clips : Clips
        Loaded clips, those of the labels among them.
    settings : Settings, optional
        What detectors run with; what the clips were loaded with if left out.
    tolerance_s : float
        A break this near to a label is about it.
    bar : bool
        Show a bar.

    Raises
    ------
    LabelError
        If a labelled clip was not loaded.
    """
    used = settings or clips.settings
    reach_s = sections()[FUSION].model_validate(dict(used.section(FUSION))).model_dump()["reach_s"]
    rows = labels.by_clip()
    number = {sha256: n for n, group in enumerate(groups(labels)) for sha256 in group}
    inputs, real, group, left = [], [], [], 0
    for clip in shown(clips.of(labels), "Detecting", bar):
        features, found = clips.unjoined(clip, used)
        for each in breaks(found, reach_s)[0]:
            is_real = _is_real(each, rows[clip.sha256], tolerance_s)
            if is_real is None:
                left += 1
                continue
            inputs.append(inputs_of(each, features))
            real.append(is_real)
            group.append(number[clip.sha256])
    return Breaks(
        labels,
        np.array(inputs, np.float64).reshape(-1, len(INPUTS)),
        np.array(real, np.bool_),
        np.array(group, np.int64),
        left,
    )


def _is_real(each: Break, labels: Iterable[Label], tolerance_s: float) -> bool | None:
    near = [row for row in labels if touches(each.leader.span, row.span, tolerance_s)]
    kinds = {found.kind for found in each.findings}
    naming = [row for row in near if row.kinds & kinds]
    if any(row.label == "true" for row in naming):
        return True
    if any(row.label != "false" or kinds <= row.beside for row in near):
        return None
    return False if naming else None

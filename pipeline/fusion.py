"""One finding for one break: what several detectors tell of the same instant is joined, and judged together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated

import numpy as np
from annotated_types import Ge, Interval
from numpy.typing import NDArray
from scipy.special import expit

from detectors._sound import break_evidence
from pipeline.model import Evidence, Features, Finding, Level

INPUTS = ("motion", "cut", "inserted", "repeated", "sound")
"""What the model weighs, in order: see `inputs_of`. The weight of each is the parameter `weight_…` of `fuse`."""

_LEADERS = (
    "inserted-frames",
    "repeated-frames",
    "picture-cut",
    "missing-frames",
    "clock-jump",
    "clock-rate",
    "clock-missing",
    "audio-break",
)
"""Kinds that tell of a break, the one that says most about it first."""
_WEIGHED = frozenset({"motion-jump", "audio-break"})
"""Detectors that give a degree rather than a verdict: alone or together, the model decides the level."""
_CLOCK_RUNS = frozenset({"clock-jump", "clock-rate"})
_CLOCKS = _CLOCK_RUNS | {"clock-missing"}
_STRENGTH = {Level.NOTE: 0, Level.SUSPECT: 1, Level.VIOLATION: 2}
_LONGEST_S = 2.5
"""Findings that span more than this tell of a stretch, not of an instant, and stand alone."""
_TOUCH_S = 0.05
"""A weak jump of the motion must be this near to the span of a finding of the clock to be of the same break."""
_FAINT = 0.8
"""Below this probability of the motion model the clock says better where a break is."""
_INSTANT_S = 0.2
"""A finding that spans more does not say where in the sound to look for a cut."""
_SOUND_MOST = 15.0
"""No break of the sound counts for more than this: so far reach the recordings that the model was trained on."""
_MOTION_LEAST = 0.01
"""No lower probability of the motion model is weighed, and a tenth as near to 1 at most: logits stay finite."""
_MOST_SURE = 0.999
"""No higher probability is told: it was calibrated on about a thousand breaks."""


@dataclass(frozen=True, slots=True)
class Break:
    """Findings of one instant, the leading one first."""

    findings: tuple[Finding, ...]

    @property
    def leader(self) -> Finding:
        """The finding that says most about the break."""
        return self.findings[0]


def fuse(
    findings: Sequence[Finding],
    features: Features,
    *,
    reach_s: Annotated[float, Ge(0)] = 0.25,
    suspect_probability: Annotated[float, Interval(ge=0, le=1)] = 0.92,
    suspect_probability_calm: Annotated[float, Interval(ge=0, le=1)] = 0.95,
    calm_speed_px: Annotated[float, Ge(0)] = 0.15,
    violation_probability: Annotated[float, Interval(ge=0, le=1)] = 0.995,
    weight_motion: Annotated[float, Ge(0)] = 1.1279527820744577,
    weight_cut: Annotated[float, Ge(0)] = 2.5057695574871555,
    weight_inserted: Annotated[float, Ge(0)] = 0.42070671001146237,
    weight_repeated: Annotated[float, Ge(0)] = 3.2009338931223272,
    weight_sound: Annotated[float, Ge(0)] = 0.7911356591101186,
    intercept: float = -0.7390284388793616,
) -> list[Finding]:
    """Join the findings that tell of the same break into one each, with all its grounds and a probability.

    A joined finding keeps kind, span and evidence of the one that says most; the others are its `grounds`. Jumps of the
    motion that are weak by themselves are told only where something else bears them out. Jumps of the motion and breaks
    of the sound are as grave as the model says; any other finding keeps its own level at least.

    Parameters
    ----------
    findings : sequence of Finding
        Of all detectors.
    features : Features
    reach_s : float
        Findings this near to each other are of one break (seconds).
    suspect_probability : float
        From this probability on a person must look (0 to 1).
    suspect_probability_calm : float
        The same in a clip whose camera hardly moves: what moves before it begins and stops abruptly.
    calm_speed_px : float
        A clip's camera hardly moves if the median of `flow_speed` is below this (pixels of a 160 px wide picture).
    violation_probability : float
        From this probability on, and with two independent grounds, it is a violation (0 to 1).
    weight_motion : float
        What the model of motion adds to the logarithm of the odds that a break is real, times its own logit
        (`inputs_of`). This and the other weights were trained with `benchmarks/train_breaks.py`; for your own
        footage use `pipeline.tune.train_fusion`. None is negative: more evidence never makes a break less likely.
    weight_cut : float
        The same for how far a picture cut exceeds what is asked of it.
    weight_inserted : float
        The same for foreign pictures.
    weight_repeated : float
        The same for repeated pictures.
    weight_sound : float
        The same for how much the sound speaks for a cut.
    intercept : float
        The logarithm of the odds where all inputs are 0.

    References
    ----------
    Logistic regression as a calibrated combination of experts: J. Platt, "Probabilistic outputs for support vector
    machines", Advances in Large Margin Classifiers (1999), 61-74.
    """
    weights = np.array([weight_motion, weight_cut, weight_inserted, weight_repeated, weight_sound])
    joined, alone = breaks(findings, reach_s)
    told = list(alone)
    suspect = suspect_probability_calm if _speed_px(features) < calm_speed_px else suspect_probability
    for each in joined:
        score = float(probability(inputs_of(each, features), weights, intercept))
        found = _joined(each, score, suspect, violation_probability)
        if found is not None:
            told.append(found)
    return sorted(told, key=lambda finding: (finding.span.start_s, finding.span.stop_s, finding.kind))


def _speed_px(features: Features) -> float:
    """Return the usual speed of a clip's pictures; 0.0 if it was not measured."""
    if not features.has("frames.flow_speed"):
        return 0.0
    speed = features["frames"]["flow_speed"]
    return float(np.median(speed[np.isfinite(speed)])) if np.isfinite(speed).any() else 0.0


def breaks(findings: Sequence[Finding], reach_s: float) -> tuple[list[Break], list[Finding]]:
    """Return the breaks that findings tell of, and the findings that tell of none."""
    of_breaks = [
        f
        for f in findings
        if f.kind in _LEADERS and (f.level != Level.NOTE or f.kind == "missing-frames") and _length(f) <= _LONGEST_S
    ]
    left = sorted(of_breaks, key=lambda f: (_rank(f), -_motion(f), _length(f), f.span.start_s))
    joined: list[Break] = []
    while left:
        leader = left[0]
        near = [f for f in left if _apart_s(leader, f) <= (_TOUCH_S if _placed(leader, f) else reach_s)]
        joined.append(Break(tuple(near)))
        left = [f for f in left if f not in near]
    kept = {id(f) for f in of_breaks}
    return joined, [f for f in findings if id(f) not in kept]


def _rank(finding: Finding) -> int:
    """Return a finding's turn to lead; a faint jump of the motion says no better than the clock where a break is."""
    faint = finding.detector == "motion-jump" and finding.level == Level.NOTE and _motion(finding) < _FAINT
    return len(_LEADERS) if faint else _LEADERS.index(finding.kind)


def _motion(finding: Finding) -> float:
    return _number(finding.evidence, "model_probability")


def _placed(one: Finding, other: Finding) -> bool:
    """Tell whether one finding is the clock's and the other a jump of the motion that is weak by itself.

    It may say where in a second of the clock the break is, but only of its own second: one beside it is another matter.
    """
    weak = [f for f in (one, other) if f.detector == "motion-jump" and f.level == Level.NOTE]
    return len(weak) == 1 and any(f.detector in _CLOCKS for f in (one, other))


def _length(finding: Finding) -> float:
    return finding.span.stop_s - finding.span.start_s


def _apart_s(one: Finding, other: Finding) -> float:
    """Return the time between two spans; 0 where they touch."""
    return max(0.0, other.span.start_s - one.span.stop_s, one.span.start_s - other.span.stop_s)


def inputs_of(each: Break, features: Features) -> NDArray[np.float64]:
    """Return what the model weighs of a break: float64, shape (5,).

    The logit of the motion model's probability, the logarithm of how far a picture cut exceeds what is asked of it
    (plus one), whether foreign or repeated pictures were found, and how much the sound speaks for a cut at that
    instant. The clock is not weighed: how far it can be trusted was measured apart (`docs/accuracy.md`), and what it
    tells keeps its own level.
    """
    kinds = {f.kind for f in each.findings}
    motion = max((_motion(f) for f in each.findings), default=0.0)
    motion = min(max(motion, _MOTION_LEAST), 1 - _MOTION_LEAST / 10)
    cut = max((_cut(f) for f in each.findings if f.kind == "picture-cut"), default=0.0)
    return np.array(
        [
            math.log(motion / (1 - motion)),
            cut,
            float("inserted-frames" in kinds),
            float("repeated-frames" in kinds),
            _sound(each.leader, features),
        ]
    )


def _cut(finding: Finding) -> float:
    ratio, needed = (_number(finding.evidence, name) for name in ("ratio_to_neighbours", "ratio_needed"))
    return 1.0 + math.log(max(ratio, 1e-3) / max(needed, 1e-3)) if needed else 1.0


def _number(evidence: Evidence, name: str) -> float:
    value = evidence.get(name)
    return float(value) if isinstance(value, int | float) else 0.0


def _sound(finding: Finding, features: Features) -> float:
    """Return how much the sound speaks for a cut where a finding points to an instant, 0 to 15."""
    span = finding.span
    if _length(finding) > _INSTANT_S:
        return 0.0
    evidence = break_evidence(features, (span.start_s + span.stop_s) / 2)
    return 0.0 if evidence is None else min(max(evidence, 0.0), _SOUND_MOST)


def probability(inputs: NDArray[np.float64], weights: NDArray[np.float64], intercept: float) -> NDArray[np.float64]:
    """Return the model's probability that each break is real: float64, shape (…,), 0 to 1.

    A logistic function of the weighed `inputs`, shape (…, 5).
    """
    return np.asarray(expit(inputs @ weights + intercept), np.float64)


def _joined(each: Break, score: float, suspect: float, violation: float) -> Finding | None:
    """Return the finding that a break comes to; None where it is too weak to be told."""
    strongest = max((f.level for f in each.findings), key=_STRENGTH.__getitem__)
    level = strongest
    if {f.detector for f in each.findings} <= _WEIGHED:
        level = Level.SUSPECT if score >= suspect else Level.NOTE
    if score >= violation and len(_witnesses(each)) >= 2:
        level = Level.VIOLATION
    if level == Level.NOTE and each.leader.detector == "motion-jump":
        return None
    weighed = any(f.detector not in _CLOCKS for f in each.findings)  # else the number says nothing about the clock
    return replace(
        each.leader,
        level=level,
        score=round(min(score, _MOST_SURE), 4) if weighed else None,
        grounds=each.findings[1:],
    )


def _witnesses(each: Break) -> set[str]:
    """Return the independent witnesses of a break: the picture, the clock, the sound.

    That the clock is not there is part of what the picture shows: black pictures and foreign ones bear none.
    """
    return {
        "clock" if f.kind in _CLOCK_RUNS else "sound" if f.kind == "audio-break" else "picture" for f in each.findings
    }

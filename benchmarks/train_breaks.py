"""Train the models that find breaks on takes of the half `tune`, and judge them on takes that they were not trained on.

The model behind `motion-jump` tells how likely pictures are missing before a picture; that of `pipeline/fusion.py` how
likely a break is real that several detectors tell of.

    python -m benchmarks.train_breaks --cache DIR [--save]

Takes are forged with `pipeline.forge`; every sixth take in turn is left out of the training and judged by the model of
the others (cross-validation by take), so that what is printed, and the thresholds chosen by it, hold for takes that the
model never saw. The half `test` is not touched.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.tree._tree import Tree

from benchmarks.footage import Clip
from benchmarks.forged import Forged, Forger
from detectors import _motion_model
from detectors._motion_windows import windows
from pipeline.detector import REGISTRY
from pipeline.forge.wish import Wish
from pipeline.fusion import INPUTS, breaks, inputs_of
from pipeline.tuning.matching import touches

CASES = {"re-encoded": 2, "light": 1, "removed-3": 2, "removed-10": 2, "removed-30": 1, "splice": 1}
"""Case → how often every take is forged so."""
MORE = {"inserted-1": 1, "repeated-0.5s": 1}
"""Cases that only the model that joins evidence learns from."""
CLOCKED = {"re-encoded": 1, "removed-3": 1}
"""The same, under a burned-in clock."""
WISH = Wish(crf=(20, 23, 26, 28), edits=8)
WISH_CLOCKED = replace(WISH, overlay=("any",))
HONEST = ("re-encoded", "light")
FOLDS = 6
EDGE = 4
"""Pictures at either end of a clip that have too little beside them to be judged."""
BESIDE = 10
"""Pictures around an edit that are neither edit nor honest."""


REACH_S = 0.25
_TELLING = (
    *("picture-cut", "motion-jump", "inserted-frames", "repeated-frames", "audio-break"),
    *("clock-jump", "clock-rate", "clock-missing"),
)


@dataclass(frozen=True, slots=True)
class Samples:
    """Pictures to learn from."""

    inputs: NDArray[np.float64]
    case: NDArray[np.str_]
    """What was done right before each picture; "" if nothing was."""
    take: NDArray[np.str_]
    fixed: NDArray[np.bool_]
    whole: NDArray[np.bool_]
    """From an honest take: only encoded anew, or in changing light."""


def take_of(clip: Clip) -> str:
    """Return what all versions of one take are called."""
    return clip.path.stem.removesuffix("_vfr").removesuffix("_subtitled").removesuffix("_tracked")


def _made(forger: Forger, cases: Mapping[str, int] = CASES, wish: Wish = WISH) -> Iterator[Forged]:
    for name, times in cases.items():
        yield from forger.make((name,), wish, range(times))


def samples(forger: Forger) -> Samples:
    """Return all pictures of the forged takes."""
    parts: list[tuple[NDArray[np.float64], list[str], str, bool, bool]] = []
    for made in _made(forger):
        frames = made.features["frames"]
        labels = np.full(frames.rows, "", "U16")
        events = made.truth.events if made.truth.forged else ()
        for event in events:
            row = int(np.nanargmin(np.abs(frames["time_s"] - event.span.stop_s)))
            labels[max(0, row - BESIDE) : row + BESIDE + 1] = "beside"
        for event in events:
            labels[int(np.nanargmin(np.abs(frames["time_s"] - event.span.stop_s)))] = made.truth.case
        labels[:EDGE] = labels[-EDGE:] = "beside"
        kept = labels != "beside"
        parts.append(
            (
                windows(frames)[kept],
                labels[kept].tolist(),
                take_of(made.source),
                made.source.fixed,
                not made.truth.forged,
            )
        )
    counts = [len(part[1]) for part in parts]
    return Samples(
        np.concatenate([part[0] for part in parts]),
        np.concatenate([np.array(part[1], "U16") for part in parts]),
        np.repeat([part[2] for part in parts], counts),
        np.repeat([part[3] for part in parts], counts),
        np.repeat([part[4] for part in parts], counts),
    )


def classifier() -> ExtraTreesClassifier:
    """Return the untrained model.

    Boosted trees told a few honest jolts apart less well on takes that they had not seen.
    """
    return ExtraTreesClassifier(
        200, min_samples_leaf=5, max_features=0.3, class_weight="balanced_subsample", n_jobs=2, random_state=0
    )


def cross_validated(data: Samples) -> NDArray[np.float64]:
    """Return for every picture the probability that a model gives it which saw nothing of its take."""
    takes = np.unique(data.take)
    np.random.default_rng(0).shuffle(takes)
    found = np.zeros(len(data.case))
    for fold in range(FOLDS):
        left_out = np.isin(data.take, takes[fold::FOLDS])
        model = classifier().fit(data.inputs[~left_out], data.case[~left_out] != "")
        found[left_out] = model.predict_proba(data.inputs[left_out])[:, 1]
    return found


def table(data: Samples, found: NDArray[np.float64]) -> list[str]:
    """Return Markdown: which share of the edits is found at thresholds that so many honest pictures exceed."""
    cases = [case for case in CASES if case not in HONEST]
    rows = [f"| camera | honest pictures above | threshold | {' | '.join(cases)} |", "| --- " * (3 + len(cases)) + "|"]
    for fixed in (False, True):
        own = data.fixed == fixed
        honest = np.sort(found[own & (data.case == "") & data.whole])[::-1]
        for above in (0, 1, 2, 5, 10):
            threshold = float(honest[above])
            shares = [f"{(found[own & (data.case == case)] > threshold).mean():.3f}" for case in cases]
            camera = "fixed" if fixed else "moving"
            rows.append(f"| {camera} | {above} of {len(honest)} | {threshold:.3f} | {' | '.join(shares)} |")
    return rows


def weigher() -> LogisticRegression:
    """Return the untrained model that joins the evidence of one instant."""
    return LogisticRegression(C=1.0, max_iter=1000)


@dataclass(frozen=True, slots=True)
class Joined:
    """Breaks to learn from: what the detectors told together, by models that saw nothing of the take."""

    inputs: NDArray[np.float64]
    true: NDArray[np.bool_]
    take: NDArray[np.str_]
    honest_s: float
    """Length of the takes in which nothing was done."""
    whole: NDArray[np.bool_]
    """From an honest take: only encoded anew, or in changing light."""


def joined(forger: Forger, data: Samples) -> Joined:
    """Return every break that is told of the forged takes."""
    rows: list[NDArray[np.float64]] = []
    true: list[bool] = []
    whole: list[bool] = []
    names: list[str] = []
    honest_s = 0.0
    takes = np.unique(data.take)
    np.random.default_rng(0).shuffle(takes)
    for fold in range(FOLDS):
        left_out = np.isin(data.take, takes[fold::FOLDS])
        model = classifier().fit(data.inputs[~left_out], data.case[~left_out] != "")
        _motion_model._trees = lambda model=model: _trees(model)  # type: ignore[assignment]
        for made in chain(_made(forger), _made(forger, MORE), _made(forger, CLOCKED, WISH_CLOCKED)):
            if take_of(made.source) not in takes[fold::FOLDS]:
                continue
            honest_s += 0.0 if made.truth.forged else made.features.duration_s()
            told = [found for name in _TELLING for found in REGISTRY[name](made.features)]
            for each in breaks(told, REACH_S)[0]:
                done = made.truth.events if made.truth.forged else ()
                near = [event for event in done if touches(each.leader.span, event.span, REACH_S)]
                rows.append(inputs_of(each, made.features))
                true.append(bool(near))
                whole.append(not made.truth.forged)
                names.append(take_of(made.source))
    return Joined(np.stack(rows), np.array(true), np.array(names), honest_s, np.array(whole))


def levels(data: Joined, score: NDArray[np.float64]) -> list[str]:
    """Return Markdown: precision and false alarms an hour at some probabilities."""
    rows = ["| probability | breaks told | precision | false alarms an hour of takes only encoded anew |"]
    rows.append("| --- | --- | --- | --- |")
    for least in (0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995):
        told = score >= least
        precision = data.true[told].mean() if told.any() else float("nan")
        alarms = (told & data.whole).sum() / (data.honest_s / 3600)
        rows.append(f"| {least} | {told.sum()} | {precision:.3f} | {alarms:.1f} |")
    return rows


def main(
    cache: Annotated[Path, typer.Option(help="Folder for measured tables; outside the project.")],
    save: Annotated[bool, typer.Option(help="Train on all takes of the half and write the motion model.")] = False,
) -> None:
    """Print how well the models do on takes that they did not see."""
    forger = Forger(cache, "tune")
    data = samples(forger)
    print("\n".join(table(data, cross_validated(data))), flush=True)
    told = joined(forger, data)
    by_take = GroupKFold(FOLDS)
    score = cross_val_predict(weigher(), told.inputs, told.true, groups=told.take, cv=by_take, method="predict_proba")[
        :, 1
    ]
    print("\n".join(levels(told, score)))
    fitted = weigher().fit(told.inputs, told.true)
    print("Defaults of pipeline.fusion.fuse:")
    for name, weight in zip(INPUTS, fitted.coef_[0].tolist(), strict=True):
        print(f"    weight_{name} = {weight!r}")
    print(f"    intercept = {float(fitted.intercept_[0])!r}")
    if save:
        _motion_model.write(_trees(classifier().fit(data.inputs, data.case != "")), _motion_model.MODEL)


def _trees(model: ExtraTreesClassifier) -> list[Tree]:
    return [one.tree_ for one in model.estimators_]


if __name__ == "__main__":
    typer.run(main)

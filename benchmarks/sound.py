"""How well a cut is heard, after it was encoded again: `break_score` on real sound, and a removed second of sound.

    python -m benchmarks.sound --cache DIR                  prints Markdown, measured on `test`
    python -m benchmarks.sound --cache DIR --thresholds     prints what thresholds give on `tune`
    python -m benchmarks.sound --cache DIR --fit            fits the weights on `tune` and prints their module

Recordings are split in two halves by a hash of their name. The weights and thresholds come from `tune`; what is printed
is measured on `test`.
"""

from __future__ import annotations

import pickle
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from scipy.optimize import minimize

from benchmarks.sound_material import CODINGS, MATERIAL_VERSION, Coding, Judged, judged, sources
from detectors._sound import excess
from detectors.audio_break import audio_break
from pipeline.features.break_weights import WEIGHTS
from pipeline.features.breaks import NARROW_HZ, WIDE_HZ, mark_names
from pipeline.features.schema import table
from pipeline.model import Features, Level
from pipeline.tuning.intervals import wilson

TOLERANCE_S = 0.1
NEAR_S = 0.03
"""The score of a cut is the highest of the blocks that begin or end this near."""
SHARES = (1e-2, 1e-3, 1e-4)
_HONEST_WEIGHT = 40.0
_RIDGE = 5e-3

Floats = NDArray[np.float64]


def material(cache: Path) -> dict[Coding, list[Judged]]:
    """Return the marks of all sound, measured or kept from the last time."""
    cache.mkdir(parents=True, exist_ok=True)
    kept: dict[Coding, list[Judged]] = {}
    found = None
    for coding in CODINGS:
        names = len(mark_names(coding.rate_hz))
        path = cache / f"sound-{MATERIAL_VERSION}-{names}-{str(coding).replace('/', '-').replace(' ', '_')}.pickle"
        if not path.is_file():
            found = found or sources()
            pieces = list(judged(coding, found, lambda text: print(text, file=sys.stderr)))
            path.write_bytes(pickle.dumps(pieces))
        kept[coding] = pickle.loads(path.read_bytes())
    return kept


def scores(piece: Judged, coding: Coding) -> Floats:
    """Return the score of every block."""
    weights = WEIGHTS["wide" if coding.rate_hz >= WIDE_HZ else "narrow"]
    return piece.marks @ np.array([weights[name] for name in mark_names(coding.rate_hz)]) + weights["constant"]


def near(piece: Judged, cut_s: float) -> NDArray[np.bool_]:
    """Tell which blocks lie at a cut."""
    return np.abs(piece.at_s - cut_s) <= NEAR_S


def fit(pieces: Iterable[Judged]) -> tuple[Floats, float]:
    """Return weights and constant of a logistic regression; of each cut, the block that looks most like one counts."""
    honest, cuts = [], []
    for piece in pieces:
        if not piece.cuts:
            honest.append(piece.marks)
        cuts += [piece.marks[near(piece, at)] for at, _ in piece.cuts if near(piece, at).any()]
    plain = np.concatenate(honest).astype(np.float64)
    mean, spread = plain.mean(axis=0), plain.std(axis=0) + 1e-6
    plain = (plain - mean) / spread
    groups = [(group - mean) / spread for group in cuts]
    w = np.zeros(plain.shape[1] + 1)
    for round_ in range(4):
        chosen = np.stack([g[(g[:, :6].mean(axis=1) if round_ == 0 else g @ w[:-1]).argmax()] for g in groups])

        def loss(w: Floats, chosen: Floats = chosen) -> tuple[float, Floats]:
            value, slope = _RIDGE * float(np.sum(w[:-1] ** 2)), np.append(2 * _RIDGE * w[:-1], 0.0)
            for rows, sign, weight in ((plain, 1.0, _HONEST_WEIGHT), (chosen, -1.0, 1.0)):
                z = sign * (rows @ w[:-1] + w[-1])
                value += weight * float(np.logaddexp(0, z).mean())
                pull = weight * sign / (1 + np.exp(-z)) / len(rows)
                slope += np.append(pull @ rows, pull.sum())
            return value, slope

        w = minimize(loss, w, jac=True, method="L-BFGS-B", options={"maxiter": 300}).x
    return w[:-1] / spread, float(w[-1] - np.sum(w[:-1] * mean / spread))


def print_weights(kept: dict[Coding, list[Judged]]) -> None:
    """Print the module `pipeline/features/break_weights.py`."""
    print('"""What each mark of `pipeline.features.breaks` weighs: printed by `python -m benchmarks.sound --fit`."""\n')
    print("WEIGHTS: dict[str, dict[str, float]] = {")
    for key, low, high in (("wide", WIDE_HZ, 1 << 30), ("narrow", NARROW_HZ, WIDE_HZ)):
        codings = [coding for coding in CODINGS if low <= coding.rate_hz < high]
        weights, constant = fit(piece for coding in codings for piece in kept[coding] if piece.half == "tune")
        print(f'    "{key}": {{\n        "constant": {constant:.4f},')
        for name, weight in zip(mark_names(codings[0].rate_hz), weights, strict=True):
            print(f'        "{name}": {weight:.4f},')
        print("    },")
    print("}")


def print_roc(kept: dict[Coding, list[Judged]], side: str) -> None:
    """Print the area under the curve, and the recall at given shares of honest blocks, for each coding and length."""
    print("| sound | removed | cuts | AUC | recall at 1 % of blocks | at 0.1 % | at 0.01 % |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for coding, pieces in kept.items():
        own = [piece for piece in pieces if piece.half == side]
        honest = np.sort(np.concatenate([scores(piece, coding) for piece in own if not piece.cuts]))
        for label, lengths in (("3 pictures", (3,)), ("10 pictures", (10,)), ("25 or 30 pictures", (25, 30))):
            found = np.array(
                [
                    scores(piece, coding)[near(piece, at)].max()
                    for piece in own
                    for at, pictures in piece.cuts
                    if pictures in lengths and near(piece, at).any()
                ]
            )
            auc = np.searchsorted(honest, found).mean() / len(honest)
            limits = [honest[int(len(honest) * (1 - share))] for share in SHARES]
            recalls = " | ".join(f"{np.mean(found > limit):.2f}" for limit in limits)
            print(f"| {coding} | {label} | {len(found)} | {auc:.3f} | {recalls} |")


def print_beside(kept: dict[Coding, list[Judged]], side: str) -> None:
    """Print what the sound adds beside another witness: the highest excess within 0.1 s of an instant."""
    print("| sound | passed by 5 % of honest instants | by 1 % | by 0.1 % | cuts above the first | second | third |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for coding, pieces in kept.items():
        honest, cuts = [], []
        for piece in (piece for piece in pieces if piece.half == side):
            above = excess(scores(piece, coding))
            if not piece.cuts:
                honest.append(np.lib.stride_tricks.sliding_window_view(above, 11).max(axis=1))
            cuts += [above[np.abs(piece.at_s - at) <= TOLERANCE_S].max() for at, _ in piece.cuts]
        limits = np.quantile(np.concatenate(honest), [0.95, 0.99, 0.999])
        recalls = [f"{np.mean(np.array(cuts) > limit):.2f}" for limit in limits]
        print(f"| {coding} | {' | '.join(f'{limit:.1f}' for limit in limits)} | {' | '.join(recalls)} |")


def features_of(piece: Judged, coding: Coding) -> Features:
    """Return the table of sound that the detector reads."""
    values = scores(piece, coding)
    rows = [
        {
            "time_s": 0.25 + 0.02 * number,
            "duration_s": 0.02,
            "break_after_s": at - 0.25 - 0.02 * number,
            "break_score": score,
            "rms_dbfs": -40.0,
            "zero_fraction": 0.0,
        }
        for number, (at, score) in enumerate(zip(piece.at_s.tolist(), values.tolist(), strict=True))
    ]
    return Features({"sound": table("sound", rows)})


def print_detector(kept: dict[Coding, list[Judged]], side: str) -> None:
    """Print what `audio-break` finds by itself, and its false alarms per hour."""
    print("| sound | untouched | suspects per hour | notes per hour | 3 pictures | 10 | 25 or 30 |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for coding, pieces in kept.items():
        seconds, alarms, cuts = 0.0, {Level.SUSPECT: 0, Level.NOTE: 0}, {3: [0, 0], 10: [0, 0], 30: [0, 0]}
        for piece in (piece for piece in pieces if piece.half == side):
            findings = list(audio_break(features_of(piece, coding)))
            if not piece.cuts:
                seconds += 0.02 * len(piece.at_s)
                for finding in findings:
                    alarms[finding.level] += 1
                continue
            suspects = np.array([f.span.start_s for f in findings if f.level == Level.SUSPECT])
            for at, pictures in piece.cuts:
                count = cuts[min(30, pictures if pictures != 25 else 30)]
                count[0] += bool(len(suspects) and np.abs(suspects - at).min() <= TOLERANCE_S)
                count[1] += 1
        hours = seconds / 3600
        recalls = []
        for hits, count in cuts.values():
            low, high = wilson(hits, count)
            recalls.append(f"{hits} of {count} = {hits / count:.2f} ({low:.2f} to {high:.2f})")
        rates = f"{alarms[Level.SUSPECT] / hours:.1f} ({alarms[Level.SUSPECT]})"
        notes = f"{alarms[Level.NOTE] / hours:.0f}"
        print(f"| {coding} | {seconds / 60:.1f} min | {rates} | {notes} | {' | '.join(recalls)} |")


def print_thresholds(kept: dict[Coding, list[Judged]]) -> None:
    """Print, for the tuning half, false alarms per hour and recall at thresholds of the detector."""
    for key, low, high in (("wide", WIDE_HZ, 1 << 30), ("narrow", NARROW_HZ, WIDE_HZ)):
        honest, found = [], []
        for coding, pieces in kept.items():
            if not low <= coding.rate_hz < high:
                continue
            for piece in (piece for piece in pieces if piece.half == "tune"):
                above = excess(scores(piece, coding))
                if piece.cuts:
                    found += [above[near(piece, at)].max() for at, _ in piece.cuts if near(piece, at).any()]
                else:
                    honest.append(above)
        plain, cuts = np.concatenate(honest), np.array(found)
        hours = len(plain) * 0.02 / 3600
        print(f"{key}: {hours * 60:.0f} min")
        for limit in np.arange(4, 24):
            print(f"  {limit:4}  {np.sum(plain > limit) / hours:6.1f} per hour  recall {np.mean(cuts > limit):.3f}")


def main(
    cache: Annotated[Path, typer.Option(help="Folder for measured marks; outside the project.")],
    fit_weights: Annotated[bool, typer.Option("--fit", help="Fit the weights and print their module.")] = False,
    thresholds: Annotated[bool, typer.Option(help="Print what thresholds give on the tuning half.")] = False,
    side: Annotated[str, typer.Option(help="Half to judge on: test or tune.")] = "test",
) -> None:
    """Judge the marks of cuts in sound."""
    kept = material(cache)
    if fit_weights:
        print_weights(kept)
    elif thresholds:
        print_thresholds(kept)
    else:
        print_roc(kept, side)
        print()
        print_beside(kept, side)
        print()
        print_detector(kept, side)


if __name__ == "__main__":
    typer.run(main)

"""Training the model that weighs the evidence of one break, and calibrating it, by cross-validation over sources.

A scaled logistic regression with a Platt calibration on top is a logistic function of the inputs: so the model is
exported as what it is, five weights and an intercept of section `fusion` of a settings file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pipeline.fusion import INPUTS, probability
from pipeline.model import Criterion
from pipeline.settings import Settings
from pipeline.stages import FUSION, sections
from pipeline.tuning.breaks import Breaks, breaks_of
from pipeline.tuning.clips import Clips
from pipeline.tuning.intervals import wilson
from pipeline.tuning.labels import LabelError, Labels, html_table
from pipeline.tuning.score import ALL, score
from pipeline.tuning.sweep import Choice, Point

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

LIKELIHOOD = "likelihood"
PENALTIES = (0.01, 0.1, 1.0, 10.0, 100.0)
"""Inverse strengths of the regularisation that are tried."""
DIGITS = 6


@dataclass(frozen=True, slots=True)
class Weights:
    """The model of `pipeline.fusion.fuse`."""

    weights: tuple[float, ...]
    """In the order of `INPUTS`."""
    intercept: float

    def of(self, inputs: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the probability that each break is real: float64, shape (breaks,), 0 to 1."""
        return probability(inputs, np.array(self.weights), self.intercept)

    def parameters(self) -> dict[str, float]:
        """Return the parameters of section `fusion`."""
        named = {f"weight_{name}": weight for name, weight in zip(INPUTS, self.weights, strict=True)}
        return named | {"intercept": self.intercept}


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """A trained model, and how well it does on sources that it was not trained on."""

    breaks: Breaks
    model: Weights
    penalty: float
    """Inverse strength of the regularisation, chosen by cross-validation."""
    held_out: NDArray[np.float64]
    """Probability of each break by a model that was trained and calibrated without the break's group."""
    held_out_raw: NDArray[np.float64]
    """The same without calibration."""
    before: Weights
    """The model of the settings that it started from."""
    choice: Choice
    """The settings with the new model; for `sweep`, `confirm` and `tuned`."""

    def scores(self) -> list[dict[str, Any]]:
        """Return how well each model tells real breaks from others: log loss, Brier score, area under the ROC curve."""
        told = {
            "before": self.before.of(self.breaks.inputs),
            "trained, each source by a model that never saw it": self.held_out_raw,
            "the same, calibrated": self.held_out,
        }
        return [{"model": name, **quality(self.breaks.real, found)} for name, found in told.items()]

    def calibration(self, bins: int = 8) -> list[dict[str, Any]]:
        """Return the reliability of the held-out probabilities: a row for each bin of about as many breaks."""
        return reliability(self.breaks.real, self.held_out, bins)

    def importance(self, rounds: int = 20, seed: int = 0) -> list[dict[str, Any]]:
        """Return what each input is worth: how much worse the log loss gets where the input is shuffled.

        With it the weight in standard deviations of the input. Taken over all breaks that the model was trained on: it
        says what the model looks at, not how good it is.

        References
        ----------
        A. Fisher, C. Rudin, F. Dominici, "All models are wrong, but many are useful", Journal of Machine Learning
        Research 20 (2019), 177.
        """
        draws = np.random.default_rng(seed)
        whole = quality(self.breaks.real, self.model.of(self.breaks.inputs))["log_loss"]
        rows = []
        for n, name in enumerate(INPUTS):
            worse = []
            for _ in range(rounds):
                shuffled = self.breaks.inputs.copy()
                shuffled[:, n] = draws.permutation(shuffled[:, n])
                worse.append(quality(self.breaks.real, self.model.of(shuffled))["log_loss"] - whole)
            low, high = np.quantile(worse, (0.025, 0.975))
            rows.append(
                {"input": name, "weight": self.model.weights[n]}
                | {"weight_per_sd": self.model.weights[n] * float(self.breaks.inputs[:, n].std())}
                | {"log_loss": float(np.mean(worse)), "log_loss_low": float(low), "log_loss_high": float(high)}
            )
        return rows

    def _repr_html_(self) -> str:
        return f"{html_table(self.scores())}{html_table([self.model.parameters()])}"


def quality(real: NDArray[np.bool_], found: NDArray[np.float64]) -> dict[str, float]:
    """Return log loss (nats), Brier score (0 to 1) and area under the ROC curve (0 to 1) of probabilities."""
    from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score

    return {
        "log_loss": float(log_loss(real, found, labels=[False, True])),
        "brier": float(brier_score_loss(real, found)),
        "roc_auc": float(roc_auc_score(real, found)) if 0 < real.sum() < len(real) else float("nan"),
    }


def reliability(real: NDArray[np.bool_], found: NDArray[np.float64], bins: int = 8) -> list[dict[str, Any]]:
    """Return a row for each bin of about as many probabilities: their mean, and the share that is real (Wilson).

    References
    ----------
    M. DeGroot, S. Fienberg, "The comparison and evaluation of forecasters", The Statistician 32 (1983), 12-22.
    """
    inner = np.unique(np.quantile(found, np.linspace(0, 1, bins + 1)[1:-1])) if len(found) else np.empty(0)
    number = np.searchsorted(inner, found, side="left")
    rows = []
    for own in (number == n for n in np.unique(number)):
        hits, of = int(real[own].sum()), int(own.sum())
        low, high = wilson(hits, of)
        rows.append(
            {"breaks": of, "probability": float(found[own].mean()), "real": hits / of, "real_low": low}
            | {"real_high": high}
        )
    return rows


def estimator(kept: tuple[int, ...], penalty: float) -> Pipeline:
    """Return the untrained model over the inputs with these numbers: scaled, then weighed (scikit-learn)."""
    from sklearn.compose import ColumnTransformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import StandardScaler

    return Pipeline(
        [
            ("scaled", ColumnTransformer([("kept", StandardScaler(), list(kept))])),
            ("weighed", LogisticRegression(C=penalty, max_iter=10_000)),
        ]
    )


def train_fusion(
    tune: Labels,
    clips: Clips,
    settings: Settings | None = None,
    *,
    number: int = 5,
    bar: bool = True,
) -> Trained:
    """Train and calibrate the model of the fusion on labelled clips, and tell how it does on sources it never saw.

    Inputs that would make a break less likely are left out of the model one by one (weight 0): more evidence never
    speaks against a break. The strength of the regularisation is the one with the least log loss, of `PENALTIES`.

    Parameters
    ----------
    tune : Labels
        To train on; of what is kept to test on nothing may be in it (`split`).
    clips : Clips
    settings : Settings, optional
        What else is set; what the clips were loaded with if left out.
    number : int
        Folds of the cross-validation, by group of clips (`groups`); as many as there are groups, at most.
    bar : bool
        Show a bar.

    Raises
    ------
    LabelError
        If there are fewer than two groups, or too few breaks of either kind to learn from.

    References
    ----------
    J. Platt, "Probabilistic outputs for support vector machines", Advances in Large Margin Classifiers (1999), 61-74;
    scikit-learn's `LogisticRegression`, `GroupKFold`.
    """
    base = settings or clips.settings
    known = breaks_of(tune, clips, base, bar=bar)
    model, penalty, raw, calibrated = fit(known, number)
    weighed = Settings({FUSION: model.parameters()}).over(base)
    found = score(tune, clips, weighed, bar=bar)
    criterion = Criterion(FUSION, model.parameters(), LIKELIHOOD, ALL)
    choice = Choice(Point(model.parameters(), found), criterion)
    return Trained(known, model, penalty, calibrated, raw, weights_of(base), choice)


def fit(known: Breaks, number: int = 5) -> tuple[Weights, float, NDArray[np.float64], NDArray[np.float64]]:
    """Return the calibrated model, its penalty, and what models that never saw a break's group give it.

    The last two are float64, shape (breaks,), 0 to 1: as fitted, and calibrated. Penalty, weights and calibration of
    these models, too, come from the other groups alone.

    Raises
    ------
    LabelError
        As `train_fusion`.
    """
    raw, calibrated = np.empty(len(known)), np.empty(len(known))
    for rest, own in _parts(known, number):
        there = known.of(rest)
        fitted, adjusted = _calibrated(there, _penalty(there, number), number)
        raw[own], calibrated[own] = fitted.of(known.inputs[own]), adjusted.of(known.inputs[own])
    penalty = _penalty(known, number)
    return _calibrated(known, penalty, number)[1], penalty, raw, calibrated


def weights_of(settings: Settings) -> Weights:
    """Return the model that settings name; the default's where they name none."""
    chosen = sections()[FUSION].model_validate(dict(settings.section(FUSION))).model_dump()
    return Weights(tuple(chosen[f"weight_{name}"] for name in INPUTS), chosen["intercept"])


Part = tuple[NDArray[np.int64], NDArray[np.int64]]


def _parts(known: Breaks, number: int) -> list[Part]:
    """Return folds by group: rows of the other groups, and rows of the fold's own."""
    from sklearn.model_selection import GroupKFold

    there = len(np.unique(known.group))
    parts = list(GroupKFold(min(number, there)).split(known.inputs, known.real, known.group)) if there > 1 else []
    if not parts or any(not 0 < known.real[rest].sum() < len(rest) for rest, _ in parts):
        real, count = int(known.real.sum()), len(known)
        raise LabelError(
            f"{real} real breaks and {count - real} others of {there} group(s) of clips are too few to learn from: "
            "both must be there in several groups. Label or forge more takes."
        )
    return parts


def _kept(known: Breaks, penalty: float) -> tuple[int, ...]:
    """Return the inputs whose weights are not negative; the most negative one is left out first."""
    kept = tuple(range(len(INPUTS)))
    while kept:
        slopes = estimator(kept, penalty).fit(known.inputs, known.real)["weighed"].coef_[0]
        if slopes.min() >= 0:
            return kept
        kept = tuple(n for n in kept if n != kept[int(slopes.argmin())])
    raise LabelError("no input speaks for the real breaks: labels or detectors must be wrong.")


def _penalty(known: Breaks, number: int) -> float:
    """Return the inverse strength of regularisation with the least log loss on groups that a model never saw."""
    parts = _parts(known, number)

    def loss(penalty: float) -> float:
        found = np.empty(len(known))
        for rest, own in parts:
            there = known.of(rest)
            model = estimator(_kept(there, penalty), penalty).fit(there.inputs, there.real)
            found[own] = model.predict_proba(known.inputs[own])[:, 1]
        return quality(known.real, found)["log_loss"]

    return min(PENALTIES, key=loss)


def _calibrated(known: Breaks, penalty: float, number: int) -> tuple[Weights, Weights]:
    """Return the model as it was fitted, and as it was then calibrated by what it gives groups that it never saw."""
    from sklearn.calibration import CalibratedClassifierCV

    kept = _kept(known, penalty)
    whole = CalibratedClassifierCV(
        estimator(kept, penalty), method="sigmoid", cv=_parts(known, number), ensemble=False
    ).fit(known.inputs, known.real)
    (fitted,) = whole.calibrated_classifiers_
    (platt,) = fitted.calibrators  # the probability is 1 / (1 + exp(a x + b))
    scaler, weighed = fitted.estimator["scaled"].named_transformers_["kept"], fitted.estimator["weighed"]
    slopes = weighed.coef_[0] / scaler.scale_
    intercept = float(weighed.intercept_[0] - slopes @ scaler.mean_)
    raw = _weights(kept, slopes, intercept)
    return raw, _weights(kept, -platt.a_ * slopes, -platt.a_ * intercept - platt.b_) if platt.a_ < 0 else raw


def _weights(kept: tuple[int, ...], slopes: NDArray[np.float64], intercept: float) -> Weights:
    whole = np.zeros(len(INPUTS))
    whole[list(kept)] = slopes
    return Weights(tuple(round(float(weight), DIGITS) for weight in whole), round(float(intercept), DIGITS))

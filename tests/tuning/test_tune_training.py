"""Training the model of the fusion: what it learns, how it is calibrated, how it is exported."""

from dataclasses import replace

import numpy as np
import pytest

from pipeline import tune
from pipeline.fusion import INPUTS
from pipeline.tuning.training import fit
from tests.tuning.labelled import forge, takes

TRUE_WEIGHTS = np.array([1.0, 2.0, 0.0, 0.5, 0.3])


def simulated(count=900, groups=6, seed=0, weights=TRUE_WEIGHTS, intercept=-1.0) -> tune.Breaks:
    draws = np.random.default_rng(seed)
    inputs = draws.normal(0, [2, 1, 1, 1, 4], (count, 5))
    odds = inputs @ weights + intercept
    real = draws.random(count) < 1 / (1 + np.exp(-odds))
    return tune.Breaks(tune.Labels(), inputs, real, np.arange(count) % groups, 0)


class TestFit:
    def test_it_finds_the_weights_that_made_the_data(self):
        model, _, _, _ = fit(simulated(3000))
        assert model.weights == pytest.approx(TRUE_WEIGHTS, abs=0.25)
        assert model.intercept == pytest.approx(-1.0, abs=0.25)

    def test_what_it_tells_of_groups_it_never_saw_is_calibrated(self):
        known = simulated(3000)
        held_out = fit(known)[3]
        for row in tune.reliability(known.real, held_out):
            assert row["real_low"] - 0.02 <= row["probability"] <= row["real_high"] + 0.02

    def test_an_input_that_would_speak_against_a_break_is_left_out(self):
        weights = np.array([1.0, -2.0, 0.0, 0.5, 0.3])
        model = fit(simulated(weights=weights))[0]
        assert min(model.weights) == 0.0 == model.weights[INPUTS.index("cut")]
        assert model.weights[INPUTS.index("motion")] > 0.3

    def test_a_group_is_judged_by_models_that_never_saw_it(self):
        known = simulated(900)
        there = known.group == 2
        lies = replace(known, real=known.real ^ there)  # the opposite is said of one group alone
        told, told_of_lies = fit(known)[3], fit(lies)[3]
        assert np.array_equal(told[there], told_of_lies[there])
        assert not np.array_equal(told[~there], told_of_lies[~there])

    def test_the_same_data_give_the_same_model(self):
        assert fit(simulated())[0] == fit(simulated())[0]

    @pytest.mark.parametrize("groups", [1, 2])
    def test_too_few_groups_are_refused(self, groups):
        with pytest.raises(tune.LabelError, match="too few to learn from"):
            fit(simulated(groups=groups))

    def test_breaks_of_one_kind_are_refused(self):
        known = simulated()
        with pytest.raises(tune.LabelError, match="900 real breaks and 0 others"):
            fit(replace(known, real=np.ones(900, bool)))

    def test_labels_that_say_the_opposite_of_everything_are_refused(self):
        known = simulated(weights=-TRUE_WEIGHTS - 0.5)
        with pytest.raises(tune.LabelError, match="no input speaks"):
            fit(known)


class TestQuality:
    def test_it_is_that_of_the_textbook(self):
        told = tune.quality(np.array([True, False]), np.array([0.8, 0.4]))
        assert told["log_loss"] == pytest.approx(-(np.log(0.8) + np.log(0.6)) / 2)
        assert told["brier"] == pytest.approx((0.2**2 + 0.4**2) / 2)
        assert told["roc_auc"] == 1.0

    def test_every_break_lies_in_one_bin(self):
        found = np.random.default_rng(0).random(503)
        rows = tune.reliability(found > 0.5, found, bins=7)
        assert sum(row["breaks"] for row in rows) == 503
        assert [row["real"] for row in rows] == sorted(row["real"] for row in rows)

    def test_equal_probabilities_are_one_bin(self):
        (row,) = tune.reliability(np.array([True, False, True]), np.full(3, 0.6))
        assert (row["breaks"], row["probability"], row["real"]) == (3, pytest.approx(0.6), pytest.approx(2 / 3))


class TestDrift:
    def test_the_same_population_has_not_moved(self):
        assert not any(row["moved"] for row in tune.drift(simulated(seed=1), simulated(seed=2)))

    def test_an_input_that_moved_is_named(self):
        now = simulated(seed=2)
        now.inputs[:, INPUTS.index("sound")] += 4
        assert [row["input"] for row in tune.drift(simulated(seed=1), now) if row["moved"]] == ["sound"]

    def test_the_index_is_that_of_its_definition(self):
        then, now = simulated(400), simulated(400)
        then.inputs[:] = now.inputs[:] = 0
        then.inputs[:200, 2], now.inputs[:100, 2] = 1, 1  # half of them, then a quarter
        row = next(row for row in tune.drift(then, now) if row["input"] == "inserted")
        expected = (0.75 - 0.5) * np.log(0.75 / 0.5) + (0.25 - 0.5) * np.log(0.25 / 0.5)
        assert row["psi"] == pytest.approx(expected, abs=0.01)  # half a count in each bin


@pytest.fixture(scope="module")
def cut(tmp_path_factory):
    """Return five takes, each with pictures removed in three places, and encoded anew without an edit; measured."""
    root = tmp_path_factory.mktemp("training")
    paths = takes(root / "takes", 5)
    forge(paths, ("splice", "re-encoded", "light"), root / "forged")
    labels = tune.read_truths(root / "forged")
    return labels, tune.load(labels, root / "cache", speech=False, bar=False)


def test_breaks_are_held_against_labels(cut):
    labels, clips = cut
    known = tune.breaks_of(labels, clips, bar=False)
    assert known.inputs.shape == (len(known), len(INPUTS)) and len(known.group) == len(known)
    assert known.real.any()
    spliced = labels.of({row.sha256 for row in labels if row.label == "true"})
    honest = labels.of(set(labels.clips) - set(spliced.clips))
    assert not tune.breaks_of(honest, clips, bar=False).real.any()
    assert len(np.unique(tune.breaks_of(honest, clips, bar=False).group)) <= 5


def test_what_nobody_knows_is_open(cut):
    labels, clips = cut
    unsure = tune.Labels(tuple(replace(row, label="unsure", whole=False) for row in labels))
    known = tune.breaks_of(unsure, clips, bar=False)
    assert (len(known), known.open) == (0, len(tune.breaks_of(labels, clips, bar=False)))


def test_weights_in_settings_are_what_the_scan_weighs_by(cut):
    _, clips = cut
    deaf = tune.Settings({"fusion": {**{f"weight_{name}": 0.0 for name in INPUTS}, "intercept": -5.0}})
    told = [f for clip in clips for f in clips.detect(clip, deaf) if f.kind == "picture-cut" and f.score is not None]
    assert told and {f.score for f in told} == {round(float(1 / (1 + np.exp(5))), 4)}

import numpy as np

from benchmarks.sound import fit, near
from benchmarks.sound_material import CODINGS, Judged, cut, half


def test_a_cut_takes_out_what_it_says():
    rate = 1000
    sound = np.arange(20 * rate, dtype=np.float32)[None]
    left, cuts = cut(sound, rate, np.random.default_rng(3))
    assert len(cuts) >= 4
    jumps = np.flatnonzero(np.diff(left[0]) != 1)
    assert [round(at * rate) for at, _ in cuts] == (jumps + 1).tolist()
    assert [round(pictures / 25 * rate) for _, pictures in cuts] == (np.diff(left[0])[jumps] - 1).astype(int).tolist()
    assert min(np.diff([at for at, _ in cuts])) >= 2.0


def test_every_recording_has_one_half_whatever_the_coding():
    names = [f"clip{i}.mp4" for i in range(200)]
    assert {half(name) for name in names} == {"tune", "test"}
    assert [half(name) for name in names] == [half(name) for name in names]
    assert len({str(coding) for coding in CODINGS}) == len(CODINGS)


def test_blocks_near_a_cut():
    piece = Judged("a", "tune", np.array([0.95, 0.98, 1.02, 1.04]), np.zeros((4, 1), np.float32), ((1.0, 3),))
    assert near(piece, 1.0).tolist() == [False, True, True, False]


def test_the_fit_finds_the_mark_that_tells_cuts():
    random = np.random.default_rng(0)
    honest = Judged("a", "tune", np.arange(4000) * 0.02, random.normal(size=(4000, 8)).astype(np.float32))
    marks = random.normal(size=(4000, 8)).astype(np.float32)
    cuts = tuple((float(row * 0.02), 3) for row in range(50, 3950, 50))
    for at, _ in cuts:
        marks[round(at / 0.02), 2] += 5
    forged = Judged("b", "tune", np.arange(4000) * 0.02, marks, cuts)
    weights, constant = fit([honest, forged])
    assert weights.argmax() == 2 and weights[2] > 3 * np.abs(np.delete(weights, 2)).max()
    scored = honest.marks @ weights + constant
    at_cuts = np.array([(marks[near(forged, at)] @ weights + constant).max() for at, _ in cuts])
    assert np.mean(at_cuts > np.quantile(scored, 0.99)) > 0.9
    assert scored.mean() < at_cuts.mean() - 3

"""The trained model behind `motion-jump`: how likely pictures were removed right before a picture."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors._motion_windows import names, windows
from pipeline.model import Table

MODEL = Path(__file__).parent / "data" / "motion_jump.npz"
"""Written by `benchmarks/train_breaks.py`: the nodes and values of all trees one after another, and where each ends."""


def probabilities(frames: Table) -> NDArray[np.float64]:
    """Return the model's probability for each picture: float64, shape (pictures,), 0 to 1, not yet calibrated.

    References
    ----------
    P. Geurts, D. Ernst, L. Wehenkel, "Extremely randomized trees", Machine Learning 63 (2006), 3-42; scikit-learn's
    `ExtraTreesClassifier`.
    """
    if not frames.rows:
        return np.empty(0)
    inputs, trees = np.asarray(windows(frames), np.float32), _trees()
    total = np.zeros(len(inputs))
    for tree in trees:
        total += tree.predict(inputs)[:, 1]
    return total / len(trees)


def write(trees: Sequence[Any], path: Path) -> None:
    """Write trees of scikit-learn (`sklearn.tree._tree.Tree`) as plain arrays."""
    states = [tree.__getstate__() for tree in trees]
    path.parent.mkdir(exist_ok=True)
    np.savez_compressed(
        path,
        nodes=np.concatenate([state["nodes"] for state in states]),
        values=np.concatenate([state["values"] for state in states]),
        ends=np.cumsum([state["node_count"] for state in states]),
    )


@cache
def _trees() -> tuple[Any, ...]:
    """Return the trees alone: the classifier around them takes as long to load as a clip of minutes to measure."""
    from sklearn.tree._tree import Tree

    with np.load(MODEL) as kept:
        nodes, values = (np.split(kept[name], kept["ends"][:-1]) for name in ("nodes", "values"))
    trees = []
    for of_nodes, of_values in zip(nodes, values, strict=True):
        trees.append(tree := Tree(len(names()), np.array([of_values.shape[2]]), 1))
        state = {"max_depth": 0, "node_count": len(of_nodes), "nodes": of_nodes, "values": of_values}
        tree.__setstate__(state)  # the depth is of no use to who asks
    return tuple(trees)

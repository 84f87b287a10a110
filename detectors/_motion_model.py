"""The trained model behind `motion-jump`: how likely pictures were removed right before a picture."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors._motion_windows import windows
from pipeline.model import Table

MODEL = Path(__file__).parent / "data" / "motion_jump.skops"
"""Written by `benchmarks/train_breaks.py`."""

_TRUSTED = ["sklearn.tree._tree.Tree"]
"""Numbers that nothing checks: safe in a file that comes with the product."""


def probabilities(frames: Table) -> NDArray[np.float64]:
    """Return the model's probability for each picture: float64, shape (pictures,), 0 to 1, not yet calibrated.

    References
    ----------
    P. Geurts, D. Ernst, L. Wehenkel, "Extremely randomized trees", Machine Learning 63 (2006), 3-42; scikit-learn's
    `ExtraTreesClassifier`.
    """
    if not frames.rows:
        return np.empty(0)
    return np.asarray(_model().predict_proba(windows(frames))[:, 1], np.float64)


@cache
def _model() -> Any:
    import skops.io

    # by one thread: several add up the trees in the order in which they happen to end, and the last digit varies
    return skops.io.load(MODEL, trusted=_TRUSTED).set_params(n_jobs=1)

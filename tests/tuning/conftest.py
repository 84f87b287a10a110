import pytest

from pipeline import tune
from tests.tuning.labelled import CASES, Made, forge, takes


@pytest.fixture(scope="session")
def made(tmp_path_factory) -> Made:
    """Return four takes, each encoded anew and with half a second frozen, measured."""
    root = tmp_path_factory.mktemp("tuning")
    paths = takes(root / "takes", 4)
    forge(paths, CASES, root / "forged")
    labels = tune.read_truths(root / "forged")
    return Made(root / "forged", paths, root / "cache", labels, tune.load(labels, root / "cache", bar=False))

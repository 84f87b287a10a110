import pytest

from pipeline import tune
from tests.tuning.labelled import Made, forge, takes


@pytest.fixture(scope="session")
def made(tmp_path_factory) -> Made:
    """Return four takes, each with half a second frozen, two also encoded anew without any edit; measured."""
    root = tmp_path_factory.mktemp("tuning")
    paths = takes(root / "takes", 4)
    forge(paths, ("frozen-0.5s",), root / "forged" / "frozen")
    forge(paths[:2], ("re-encoded",), root / "forged" / "honest")
    labels = tune.read_truths(root / "forged")
    return Made(paths, root / "cache", labels, tune.load(labels, root / "cache", bar=False))

"""What several tests need: the sample clips, built once."""

import subprocess
import sys
from pathlib import Path

import pytest

DATA_SAMPLES = Path(__file__).resolve().parents[1] / "data_samples"


@pytest.fixture(scope="session")
def samples() -> Path:
    """Return the folder of the sample clips; they are built if they are not there yet."""
    subprocess.run([sys.executable, str(DATA_SAMPLES / "build.py")], check=True)
    return DATA_SAMPLES / "built"

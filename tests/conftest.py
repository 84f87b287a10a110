"""What several tests need: the sample clips, built once, and a browser."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.shared import SHARED
from tests.system import need_program

settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")  # how long an example takes depends on the machine, and says nothing of the code
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # or each of a thousand processes compiles the whole program
DATA_SAMPLES = Path(__file__).resolve().parents[1] / "data_samples"
SWITCHES = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--no-first-run",
]  # fmt: skip


@pytest.fixture(scope="session")
def samples() -> Path:
    """Return the folder of the sample clips; they are built if they are not there yet."""
    subprocess.run([sys.executable, str(DATA_SAMPLES / "build.py")], check=True)
    return DATA_SAMPLES / "built"


@pytest.fixture(scope="session", autouse=True)
def evidence():
    """Check that no test changed footage, samples or real one: content, size, times, place on the disk.

    Tests that make their own evidence check that too.
    """
    folders = (DATA_SAMPLES / "built", DATA_SAMPLES / "built_takes", SHARED)
    before = {path: _state(path) for folder in folders for path in sorted(folder.rglob("*")) if path.is_file()}
    yield
    assert {path: _state(path) for path in before} == before


def _state(path: Path) -> tuple[object, ...]:
    status = path.stat()
    sums = hashlib.sha256(path.read_bytes()).hexdigest()
    return status.st_size, status.st_mtime_ns, status.st_mode, status.st_ino, sums


@pytest.fixture(scope="module")
def browser():
    """Yield a Chromium that asks for nothing by itself."""
    program = need_program("chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=str(program), args=SWITCHES)
        yield opened
        opened.close()

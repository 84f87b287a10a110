"""What several tests need: the sample clips, built once, and a browser."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.system import need_program

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


@pytest.fixture(scope="module")
def browser():
    """Yield a Chromium that asks for nothing by itself."""
    program = need_program("chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=str(program), args=SWITCHES)
        yield opened
        opened.close()

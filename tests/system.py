"""Programs that a test needs and pip cannot bring."""

import os
import shutil
from pathlib import Path

import pytest


def need_program(name: str) -> Path:
    """Return the path of a program; without it skip the test, but fail where CI must run everything."""
    found = shutil.which(name)
    if found is None:
        reason = f"{name} is not installed (Debian: apt-get install {name})"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return Path(found)

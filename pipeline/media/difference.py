"""Where two pictures differ, as a picture; made in a confined process, because the pictures came from a decoder."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np

from pipeline.media.sandbox import confine

MEMORY_MB = 2048.0
"""Memory that the process may ask for, in MiB."""
FIRST, SECOND, MADE = "first.png", "second.png", "difference.png"


@dataclass(frozen=True, slots=True)
class Difference:
    """How much two pictures differ, before it is amplified."""

    mean: float
    """Mean absolute difference over all pixels and colours, 0 to 255."""
    largest: int
    """Largest absolute difference, 0 to 255."""
    changed: float
    """Share of the pixels that differ in any colour, 0 to 1."""
    width_px: int
    height_px: int


def difference(first: Path, second: Path, made: Path, factor: float, *, timeout_s: float = 60.0) -> Difference | None:
    """Write the absolute difference of two pictures, times `factor`, as PNG.

    Parameters
    ----------
    first, second : Path
        Pictures of the same size, in a form without loss.
    made : Path
        The file to write; black where both are equal.
    factor : float
        Differences are multiplied by this and cut off at 255; more than 0.
    timeout_s : float
        The process is ended after this long.

    Returns
    -------
    Difference or None
        None, and no file, if the pictures cannot be read, differ in size, or it took too long.
    """
    with tempfile.TemporaryDirectory(prefix="unbroken-") as folder:
        work = Path(folder)
        shutil.copyfile(first, work / FIRST)
        shutil.copyfile(second, work / SECOND)
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)}
        environment["OMP_NUM_THREADS"] = "1"  # threads that start with the libraries would run outside the sandbox
        command = [sys.executable, "-P", "-m", __name__, str(work), str(factor)]
        try:
            done = subprocess.run(
                command, capture_output=True, timeout=timeout_s, env=environment, check=False, stdin=subprocess.DEVNULL
            )
        except subprocess.TimeoutExpired:
            return None
        if done.returncode or not (work / MADE).is_file():
            return None
        shutil.copyfile(work / MADE, made)
        return Difference(**json.loads(done.stdout))


def main(folder: str, factor: str) -> None:
    """Compare the two pictures in `folder`; print the numbers as JSON."""
    work = Path(folder)
    cv2.setNumThreads(0)
    confine(work / FIRST, work, memory_mb=MEMORY_MB)
    one, other = (cv2.imread(str(work / name), cv2.IMREAD_COLOR) for name in (FIRST, SECOND))
    if one is None or other is None or one.shape != other.shape:
        sys.exit("no two pictures of one size")
    apart = cv2.absdiff(one, other)
    changed = float(np.count_nonzero(apart.max(axis=2))) / (apart.shape[0] * apart.shape[1])
    amplified = np.minimum(np.rint(apart.astype(np.float32) * float(factor)), 255).astype(np.uint8)
    cv2.imwrite(str(work / MADE), amplified, [cv2.IMWRITE_PNG_COMPRESSION, 3])
    found = Difference(float(apart.mean()), int(apart.max()), changed, apart.shape[1], apart.shape[0])
    print(json.dumps(asdict(found)), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:3])

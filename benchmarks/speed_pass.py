"""One program's pass over one clip, run by `benchmarks.speed` in a process of its own.

python -m benchmarks.speed_pass CLIP [scenedetect]
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path


def complete_pass(clip: Path) -> None:
    """Decode a clip and take every measurement of its pictures; no text is read."""
    from pipeline.features.extract import measure

    with tempfile.TemporaryDirectory() as work:
        measure(
            clip,
            Path(work),
            lambda _stage, _done: None,
            read_every_s=1e6,
            dense_until_s=0.0,
            sound_s=0.0,
            peeks=0,
            decoder_threads=1,
        )


def scenedetect(clip: Path) -> None:
    """Run PySceneDetect's content detector."""
    import cv2
    from scenedetect import ContentDetector, detect

    cv2.setNumThreads(1)
    detect(str(clip), ContentDetector())


if __name__ == "__main__":
    (scenedetect if sys.argv[2:] else complete_pass)(Path(sys.argv[1]))

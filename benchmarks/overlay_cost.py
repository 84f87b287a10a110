"""What the overlay and the signs cost on top of decoding, in CPU seconds of whole processes and their children.

python -m benchmarks.overlay_cost decode|plain|whole CLIP
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks.footage import FOOTAGE

LANDMARKS = FOOTAGE.parent / "signs" / "landmarks"
PHOTOS = ("DSC_0410.JPG", "sacre_coeur1.jpg")
"""Reference photos that are looked for, where they are there."""
MODES = ("decode", "plain", "whole")
"""Bare decoding with PyAV; measuring pictures without looking at any text; measuring all that a scan measures."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Medians of CPU seconds."""

    decode_s: float
    plain_s: float
    whole_s: float

    @property
    def share(self) -> float:
        """What reading adds, in shares of the bare decoding."""
        return (self.whole_s - self.plain_s) / self.decode_s


def measured_cost(clip: Path, runs: int = 3) -> Cost:
    """Run every mode `runs` times in turn, in processes of their own; take the medians."""
    spent: dict[str, list[float]] = {mode: [] for mode in MODES}
    for _ in range(runs):
        for mode in MODES:
            spent[mode].append(_cpu_s(mode, clip))
            print(f"  {mode}: {spent[mode][-1]:.1f} CPU s", file=sys.stderr)
    return Cost(*(statistics.median(spent[mode]) for mode in MODES))


def _cpu_s(mode: str, clip: Path) -> float:
    def used() -> float:
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        return children.ru_utime + children.ru_stime

    before = used()
    subprocess.run([sys.executable, "-m", "benchmarks.overlay_cost", mode, str(clip)], check=True, env=os.environ)
    return used() - before


def _decode(clip: Path) -> None:
    import av

    with av.open(str(clip)) as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 2  # as many as the product uses
        for _ in container.decode(stream):
            pass


def _plain(clip: Path) -> None:
    from pipeline.features.extract import measure

    with tempfile.TemporaryDirectory() as work:
        measure(clip, Path(work), _silently, read_every_s=1e6, dense_every_s=1e6, sound_s=0.0)


def _whole(clip: Path) -> None:
    from pipeline.case import CaseRecord
    from pipeline.features.cache import Cache
    from pipeline.measuring import measure
    from pipeline.model import Footage
    from pipeline.settings import Settings

    stat = clip.stat()
    footage = Footage(clip, "0" * 64, stat.st_size, stat.st_mtime_ns)  # hashing is no part of what is compared
    photos = [("place.photos", name) for name in PHOTOS if (LANDMARKS / name).is_file()]
    case = CaseRecord(LANDMARKS / "case.toml", tuple(photos))
    with tempfile.TemporaryDirectory() as cache:  # nothing is known of this recorder yet
        measure(footage, Settings(), Cache(Path(cache)), case=case, speech=False)


def _silently(_stage: str, _done: float) -> None:
    return


if __name__ == "__main__":
    {"decode": _decode, "plain": _plain, "whole": _whole}[sys.argv[1]](Path(sys.argv[2]))

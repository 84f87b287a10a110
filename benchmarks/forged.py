"""Forged and honest clips with their tables and their truth, made once and kept."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from benchmarks.footage import FOOTAGE, Clip, honest_takes
from benchmarks.rivals import Spans, rivals
from pipeline.errors import FootageError
from pipeline.features.cache import Cache, CacheKey
from pipeline.features.extract import MEASURE_VERSION, libraries, measure
from pipeline.forge.cases import case
from pipeline.forge.forgery import FORGER_VERSION, plan, render
from pipeline.forge.take import Take, read_take
from pipeline.forge.truth import Truth, read_truth, to_toml
from pipeline.forge.wish import Wish
from pipeline.measuring import with_clock
from pipeline.model import Features
from pipeline.signs.recorder import OVERLAY_VERSION, recorder

ALL = "all"
"""In place of a half: every take."""
LONGEST_S = 20.0
"""Longer takes are cut off."""
SHORTEST_S = 4.0
"""Shorter clips are not forged: an edit would leave no take around it."""


@dataclass(frozen=True, slots=True, eq=False)
class Forged:
    """One made clip."""

    source: Clip
    truth: Truth
    features: Features
    others: Mapping[str, Spans]
    """Program → what it tells of the same file, if that was asked for."""


class Forger:
    """Makes clips from the takes of one half and measures them, or takes them from the cache."""

    def __init__(self, cache: Path, half: str, footage: Path = FOOTAGE, others: Sequence[str] = ()) -> None:
        """Take the takes of `half`, and the programs named in `others` beside the product."""
        self._cache, self._others = Cache(cache), tuple(others)
        self.clips = sorted(
            (
                clip
                for clip in honest_takes(footage)
                if half in {clip.half, ALL} and clip.seconds >= SHORTEST_S and not clip.sped_up
            ),
            key=lambda clip: clip.sha256,
        )
        self._takes: dict[Path, Take] = {}

    def _take(self, clip: Clip) -> Take:
        if clip.path not in self._takes:
            self._takes[clip.path] = read_take(clip.path, seconds=LONGEST_S)
        return self._takes[clip.path]

    def make(self, names: Sequence[str], wish: Wish, seeds: Sequence[int]) -> Iterator[Forged]:
        """Yield every take forged in every way as often as there are seeds; ways that a take is too short for lack."""
        for number, clip in enumerate(self.clips):
            for name in names:
                for seed in seeds:
                    made = self._made(clip, self.clips[number - 1 - seed % (len(self.clips) - 1)], name, wish, seed)
                    if made is not None:
                        yield made

    def _made(self, clip: Clip, other: Clip, name: str, wish: Wish, seed: int) -> Forged | None:
        chosen = case(name)
        key = CacheKey(
            footage=clip.sha256,
            stage="forged",
            version=MEASURE_VERSION,
            params={"case": name, "seed": seed, "wish": str(wish), "other": other.sha256, "forger": FORGER_VERSION}
            | {"longest_s": LONGEST_S}
            | ({} if wish.overlay == ("none",) else {"overlay": OVERLAY_VERSION})
            | ({"others": self._others} if self._others else {}),
            libraries=libraries(),
        )
        tables = self._cache.tables(key)
        if tables is None:
            if (clip.seconds < SHORTEST_S) or (chosen.sound and not (clip.sound and (other.sound or not chosen.other))):
                return None
            with tempfile.TemporaryDirectory() as folder:
                path, work = Path(folder, "clip.mp4"), Path(folder, "work")
                work.mkdir()
                try:
                    forgery = plan(chosen, [self._take(clip), self._take(other)], seed, wish)
                    path = path.with_suffix(f".{forgery.plan.encoding.container}")
                    truth = render(forgery, path)
                except FootageError as error:
                    print(f"left out: {error}")
                    return None
                note = Path(folder, "truth.toml")
                note.write_text(to_toml(truth, path.name), encoding="utf-8")
                told_by = Path(folder, "others.json")
                told_by.write_text(json.dumps({name: rivals()[name](path) for name in self._others}), encoding="utf-8")
                self._cache.put(key, _tables(path, work), {"truth.toml": note, "others.json": told_by})
            tables = self._cache.tables(key)
        truth_file, others_file = self._cache.file(key, "truth.toml"), self._cache.file(key, "others.json")
        assert tables is not None and truth_file is not None and others_file is not None
        others = json.loads(others_file.read_text(encoding="utf-8"))
        return Forged(clip, read_truth(truth_file), Features(with_clock(tables)), others)


def _tables(path: Path, work: Path) -> dict[str, pa.Table]:
    """Measure pictures, sound and burned-in clock; no text of the scene is read."""
    device = recorder(_silently)
    measured = measure(
        path, work, _silently, device.place, read_every_s=1e6, dense_until_s=0.0, sound_s=1.0, decoder_threads=1
    )
    return measured.tables | device.read(measured)


def _silently(_stage: str, _done: float) -> None:
    return

"""Small takes, forgeries of them, and their labels: made once, measured once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pipeline import tune
from pipeline.forge.cases import case
from pipeline.forge.folder import forge_folder
from pipeline.forge.take import read_take
from pipeline.forge.wish import Wish
from tests.footage import make_clip

SIZE = (160, 128)
FRAMES = 75
FROZEN = "detectors.frozen-picture"


@dataclass(frozen=True)
class Made:
    """What the tests work on."""

    takes: tuple[Path, ...]
    cache: Path
    labels: tune.Labels
    clips: tune.Clips


def takes(folder: Path, count: int) -> tuple[Path, ...]:
    folder.mkdir()
    return tuple(make_clip(folder / f"take{n}.mp4", frames=FRAMES, size=SIZE, seed=n) for n in range(count))


def forge(paths, cases, out: Path, seed: int = 1, wish: Wish | None = None) -> list[Path]:
    read = [read_take(path) for path in paths]
    made = list(forge_folder(read, [case(name) for name in cases], out, seed, wish or Wish(), lambda _: None))
    assert [one.problem for one in made if one.problem] == []
    return [one.path for one in made]

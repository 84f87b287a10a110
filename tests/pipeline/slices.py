"""Measuring a clip in slices and in one pass, and holding every table, picture, strip and sample against each other."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline import measuring, slicing
from pipeline.features.cache import Cache
from pipeline.features.cuts import Slice
from pipeline.features.extract import Measured, measure
from pipeline.features.schema import to_table
from pipeline.model import Table
from pipeline.settings import Settings
from pipeline.stages import STAGES


@dataclass
class Both:
    """One clip, measured in slices and in one pass."""

    parts: tuple[Slice, ...]
    joined: Measured
    whole: Measured
    layouts_agree: bool

    def check(self) -> None:
        """Check that both came to the same."""
        assert list(self.joined.tables) == list(self.whole.tables)
        for name, arrow in self.whole.tables.items():
            alike(name, to_table(name, self.joined.tables[name]), to_table(name, arrow))
        assert kept(self.joined) == kept(self.whole)
        assert np.array_equal(self.joined.strips, self.whole.strips)
        assert (self.joined.sound is None) == (self.whole.sound is None)
        if self.joined.sound and self.whole.sound:
            assert self.joined.sound.read_bytes() == self.whole.sound.read_bytes()
        assert self.joined.complete and self.layouts_agree


def alike(name: str, one: Table, other: Table) -> None:
    """Check that two tables are equal to the last bit; unknown is equal to unknown."""
    assert one.keys() == other.keys(), name
    for column in one:
        known = one[column].dtype.kind == "f"
        assert np.array_equal(one[column], other[column], equal_nan=known), f"{name}.{column}"


def kept(found: Measured) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]]]:
    pictures = [(one.path.name, one.frame, one.time_s, one.sharpness, one.path.read_bytes()) for one in found.pictures]
    lines = [(one.path.name, one.frame, one.time_s, one.path.read_bytes()) for one in found.lines]
    return pictures, lines


def both(clip: Path, work: Path, slice_s: float, **media: float) -> Both:
    """Measure `clip` both ways in new folders under `work`; every slice must fit."""
    settings, cache = Settings({"media": media}), Cache(work / "cache")
    footage = measuring.identify(clip)
    parts = measuring.plan(footage, settings, cache, slice_s=slice_s)
    for part in reversed(parts):  # in any order
        measuring.measure_slice(footage, settings, cache, part)
    folders = [work / name for name in ("joined", "whole")]
    for folder in folders:
        folder.mkdir()
    devices = [slicing.device_of(settings, Cache(folder), measuring.silent, None) for folder in folders]
    joined = slicing.joined(footage, settings, cache, measuring.silent, devices[0], folders[0])
    assert joined is not None, "the slices were not joined"
    used = STAGES["media"].used(settings)
    whole = measure(footage.path, folders[1], measuring.silent, devices[1].place, **used)
    return Both(parts, joined, whole, devices[0].note() == devices[1].note())

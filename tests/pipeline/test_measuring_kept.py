"""What the cache holds of a clip is brought without measuring, and is what was measured."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.features.cache import Cache
from pipeline.measuring import identify, kept, measure
from pipeline.settings import Settings
from tests.footage import make_clip

SETTINGS = Settings({"media": {"decoder_threads": 1}})


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kept")
    footage = identify(make_clip(folder / "a.mp4", frames=30, audio="aac"))
    cache = Cache(folder / "cache")
    return footage, cache, measure(footage, SETTINGS, cache)


def test_what_is_kept_is_what_was_measured(measured):
    footage, cache, (features, sound, _) = measured
    found = kept(footage, SETTINGS, cache)
    assert found is not None
    again, same_sound = found
    assert same_sound == sound and sound is not None
    assert again.tables.keys() == features.tables.keys() and "frames" in again
    for name, table in features.tables.items():
        for column, values in table.items():
            np.testing.assert_array_equal(again[name][column], values)


def test_the_file_need_not_be_there(measured):
    footage, cache, _ = measured
    content = footage.path.read_bytes()
    footage.path.unlink()
    try:
        assert kept(footage, SETTINGS, cache) is not None
    finally:
        footage.path.write_bytes(content)


def test_nothing_is_measured_for_other_settings(measured):
    footage, cache, _ = measured
    other = Settings({"media": {"decoder_threads": 1, "memory_mb": 4321}})
    before = sorted(cache.root.rglob("*"))
    assert kept(footage, other, cache) is None
    assert sorted(cache.root.rglob("*")) == before


def test_what_a_limit_cut_off_is_kept_under_its_own_key(tmp_path):
    short = Settings({"media": {"decoder_threads": 1, "file_mb": 0.06}})
    footage = identify(make_clip(tmp_path / "long.mp4", frames=200))
    cache = Cache(tmp_path / "cache")
    features, _, unreadable = measure(footage, short, cache, unfinished="keep all")
    assert unreadable is not None or features["gaps"].rows, "nothing was cut off"
    found = kept(footage, short, cache)
    assert found is not None and found[0].tables.keys() <= features.tables.keys()
    assert kept(footage, SETTINGS, cache) is None

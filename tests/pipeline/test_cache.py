import dataclasses
import os
import time

import numpy as np
import pytest

from pipeline.features.cache import Cache, CacheKey
from pipeline.features.schema import TABLES, table, to_arrow, to_table, write_tables

KEY = CacheKey("ab" * 32, "media", 1, {"x": 1.0}, {"av": "18"})
PLAIN = {"stream": 0, "size_bytes": 7, "key": False, "corrupt": False, "discard": False}
PACKETS = to_arrow(
    "packets", [{**PLAIN, "pts": None, "dts": 2**60, "key": True}, {**PLAIN, "pts": 5, "dts": 6, "time_s": 0.5}]
)


def test_what_is_put_comes_back(tmp_path):
    cache = Cache(tmp_path)
    assert cache.tables(KEY) is None
    extra = tmp_path / "sound"
    extra.write_bytes(b"flac")
    cache.put(KEY, {"packets": PACKETS}, {"opening.flac": extra})
    found = cache.tables(KEY)
    assert found is not None
    np.testing.assert_array_equal(found["packets"]["time_s"], [np.nan, 0.5])
    np.testing.assert_array_equal(found["packets"]["pts"], [np.nan, 5])
    assert found["packets"]["key"].dtype == np.bool_
    sound = cache.file(KEY, "opening.flac")
    assert sound is not None and sound.read_bytes() == b"flac"
    assert cache.file(KEY, "other") is None


@pytest.mark.parametrize(
    "change",
    [
        {"footage": "cd" * 32},
        {"stage": "speech"},
        {"version": 2},
        {"params": {"x": 1.5}},
        {"libraries": {"av": "19"}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_everything_that_could_change_the_answer_changes_the_key(tmp_path, change):
    cache = Cache(tmp_path)
    cache.put(KEY, {"packets": PACKETS})
    assert cache.tables(dataclasses.replace(KEY, **change)) is None


def test_a_second_put_of_the_same_key_leaves_one_whole_entry(tmp_path):
    cache = Cache(tmp_path)
    cache.put(KEY, {"packets": PACKETS})
    cache.put(KEY, {"packets": PACKETS})
    assert [path.name for path in cache.folder(KEY).parent.iterdir()] == [cache.folder(KEY).name]


def test_a_put_that_fails_leaves_nothing(tmp_path):
    cache = Cache(tmp_path)
    with pytest.raises(FileNotFoundError):
        cache.put(KEY, {"packets": PACKETS}, {"opening.flac": tmp_path / "absent"})
    assert cache.tables(KEY) is None
    assert list(cache.folder(KEY).parent.iterdir()) == []


def test_dropping_a_stage_leaves_the_others(tmp_path):
    cache = Cache(tmp_path)
    others = [dataclasses.replace(KEY, stage="other"), dataclasses.replace(KEY, footage="ff" + KEY.footage[2:])]
    gone = [KEY, dataclasses.replace(KEY, version=KEY.version + 1)]
    for key in (*gone, *others):
        cache.put(key, {"packets": PACKETS})
    cache.drop(KEY.footage, KEY.stage)
    cache.drop(KEY.footage, KEY.stage)
    assert [key in cache for key in (*gone, *others)] == [False, False, True, True]
    assert [path.name.split("-")[0] for path in cache.folder(KEY).parent.iterdir()] == ["other"]


def test_written_tables_read_back_equal(tmp_path):
    tables = {"packets": to_table("packets", PACKETS), "words": table("words", [])}
    assert [path.name for path in write_tables(tables, tmp_path)] == ["packets.parquet", "words.parquet"]
    cache = Cache(tmp_path / "c")
    cache.put(KEY, {"packets": PACKETS})
    again = cache.tables(KEY)
    assert again is not None
    for column in tables["packets"]:
        np.testing.assert_array_equal(again["packets"][column], tables["packets"][column])


@pytest.mark.parametrize("name", TABLES)
def test_every_table_can_be_empty(name):
    empty = table(name, [])
    assert empty.rows == 0
    assert list(empty) == [spec.name for spec in TABLES[name]]


def test_a_table_is_read_only():
    column = table("voice", [{"start_s": 1.0, "stop_s": 2.0, "probability": 0.9}])["start_s"]
    with pytest.raises(ValueError, match="read-only"):
        column[0] = 5.0


def test_a_missing_column_is_an_error():
    with pytest.raises(ValueError, match="words lacks column speaker"):
        to_table("words", to_arrow("words", []).drop_columns(["speaker"]))


def test_an_entry_that_cannot_be_read_is_put_aside(tmp_path):
    cache = Cache(tmp_path)
    cache.put(KEY, {"packets": PACKETS})
    path = cache.folder(KEY) / "packets.parquet"
    path.write_bytes(path.read_bytes()[:-20])
    assert cache.tables(KEY) is None and KEY not in cache
    cache.put(KEY, {"packets": PACKETS})
    assert cache.tables(KEY) is not None


def test_what_a_killed_process_left_is_removed_after_a_day(tmp_path):
    cache = Cache(tmp_path)
    folder = cache.folder(KEY).parent
    for name, age_s in ((".new-old", 2 * 86_400), (".new-young", 60)):
        (folder / name).mkdir(parents=True)
        (folder / name / "packets.parquet").write_bytes(b"half")
        then = time.time() - age_s
        os.utime(folder / name, (then, then))
    cache.put(KEY, {"packets": PACKETS})
    assert sorted(path.name for path in folder.iterdir()) == [".new-young", cache.folder(KEY).name]

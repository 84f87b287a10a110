"""What file names say: every scheme by its own example, and patterns of the user's."""

from datetime import datetime

import pytest

from pipeline.errors import SettingsError
from pipeline.sessions.naming import read_name, schemes
from pipeline.settings import settings_from
from pipeline.stages import NAMES, sections

START = datetime(2026, 3, 4, 10, 15, 0)


@pytest.mark.parametrize(("scheme", "example"), [(name, example) for name, example, _ in schemes()])
def test_the_example_of_a_scheme_is_read_by_that_scheme(scheme: str, example: str) -> None:
    name = read_name(example)
    assert name is not None and name.scheme == scheme
    assert name.started_at in (START, None)
    assert name.number in (7, 123, None)


@pytest.mark.parametrize(
    ("file", "device", "started_at", "number"),
    [
        ("DCAM_K7A0123_130102_20260304_101500.mp4", "K7A0123", START, None),
        ("DCAM_K7A0123_130102_20260304_101500_IMP.mp4", "K7A0123", START, None),
        ("K7A0123_130102_20260304101500_0007.mp4", "K7A0123", START, 7),
        ("0317255_20260304_101500_0007_IMP.MP4", "0317255", START, 7),
        ("20260304_101500.mp4", None, START, None),
        ("2026-03-04 10-15-00.mp4", None, START, None),
        ("GX020123.MP4", None, None, 123),
        ("MOVI0042.avi", None, None, 42),
    ],
)
def test_names_of_recorders(file: str, device: str | None, started_at: datetime | None, number: int | None) -> None:
    name = read_name(f"/store/2026/{file}")
    assert name is not None
    assert (name.device, name.started_at, name.number) == (device, started_at, number)


def test_a_chapter_is_a_part_of_a_recording() -> None:
    name = read_name("GX020123.MP4")
    assert name is not None and (name.chapter, name.number, name.digits) == (2, 123, 4)


def test_a_name_may_give_the_end_after_midnight() -> None:
    name = read_name("20260304-235500-000500_CH2.mp4")
    assert name is not None and name.stopped_at == datetime(2026, 3, 5, 0, 5, 0)


@pytest.mark.parametrize("file", ["和平东路检查.mp4", "clip.mp4", "20261399_256199.mp4", "", "a_20260304.mp4"])
def test_other_names_say_nothing(file: str) -> None:
    assert read_name(file) is None


def test_an_own_pattern_is_tried_first() -> None:
    own = (r"(?P<unit>\d{4})号-(?P<device>\w+)-(?P<date>\d{8})(?P<time>\d{6})",)
    name = read_name("1301号-A77-20260304101500.mp4", patterns=own)
    assert name is not None
    assert (name.scheme, name.unit, name.device, name.started_at) == ("own pattern", "1301", "A77", START)


@pytest.mark.parametrize(
    ("pattern", "told"),
    [("(", "no regular expression"), ("(?P<when>.*)", "unknown groups when"), ("(?P<mark>x)", "names neither")],
)
def test_a_pattern_that_cannot_be_used_is_told(pattern: str, told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        settings_from({NAMES: {"patterns": [pattern]}}, sections(), "own.toml")

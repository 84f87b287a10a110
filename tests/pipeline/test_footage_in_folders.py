"""Finding clips in folders."""

import os
from pathlib import Path

import pytest

from pipeline.errors import SettingsError
from pipeline.store import clips_in


def filled(folder: Path, *names: str) -> list[Path]:
    """Make empty files, and return their paths."""
    paths = [folder / name for name in names]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return paths


def test_a_folder_is_searched_however_deep_and_in_order(tmp_path):
    wanted = filled(tmp_path, "a/1/DSJ_0002.MP4", "a/DSJ_0001.mp4", "b/x.h264")
    filled(tmp_path, "a/DSJ_0001.mp4.case.toml", "a/case.toml", "b/x.jpg", "mp4", "b/notes")
    (tmp_path / "folder.mp4").mkdir()
    assert clips_in([tmp_path]) == sorted(wanted)


def test_files_are_taken_as_they_are_and_each_once(tmp_path):
    one, two, other = filled(tmp_path, "one.mp4", "two.mp4", "recording")
    assert clips_in([two, other, tmp_path, two]) == [two, other, one]


def test_a_clip_that_is_not_there_is_left_to_be_told_of(tmp_path):
    gone = tmp_path / "gone.mp4"
    assert clips_in([gone]) == [gone]


@pytest.mark.parametrize(
    ("name", "said"), [("gone", "gone: there is no such file or folder"), ("", "No clip was found")]
)
def test_a_folder_without_clips_or_that_is_not_there_is_an_error(name, said, tmp_path):
    with pytest.raises(SettingsError) as error:
        clips_in([tmp_path / name])
    assert said in str(error.value.args[0])


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="the administrator may read every folder")
def test_a_folder_that_may_not_be_read_is_an_error(tmp_path):
    filled(tmp_path, "open/a.mp4", "closed/b.mp4")
    (tmp_path / "closed").chmod(0)
    try:
        with pytest.raises(SettingsError) as error:
            clips_in([tmp_path])
    finally:
        (tmp_path / "closed").chmod(0o700)
    assert "closed" in str(error.value.args[0])

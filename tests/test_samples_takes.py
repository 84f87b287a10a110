"""The honest takes that notebooks forge from: nothing is told of them, and those of one piece share their source."""

import subprocess
import sys
from pathlib import Path

import pytest

from pipeline import tune
from pipeline.model import Level

DATA_SAMPLES = Path(__file__).resolve().parents[1] / "data_samples"


@pytest.fixture(scope="module")
def takes(samples) -> Path:
    return samples.with_name("built_takes")


@pytest.fixture(scope="module")
def labels(takes) -> tune.Labels:
    return tune.read_truths(takes)


def test_each_piece_of_footage_is_one_source(labels):
    assert len(labels.clips) == 8 and {row.label for row in labels} == {"false"}
    together = [sorted(Path(labels.of([clip]).rows[0].path).stem for clip in group) for group in tune.groups(labels)]
    assert len(together) == 7 and ["yard", "yard_again"] in together


def test_nothing_is_told_of_them(labels, tmp_path):
    clips = tune.load(labels, tmp_path, speech=False, bar=False)
    told = {clip.path.name: [f for f in clips.detect(clip) if f.level != Level.NOTE] for clip in clips}
    assert {name: [str(f.message) for f in found] for name, found in told.items() if found} == {}
    assert all(4.0 <= clip.duration_s <= 6.1 and clip.device and clip.scene for clip in clips)


def test_they_are_not_built_twice(takes):
    before = {path: path.stat().st_mtime_ns for path in takes.iterdir()}
    done = subprocess.run([sys.executable, str(DATA_SAMPLES / "takes.py")], capture_output=True, text=True, check=True)
    assert "is up to date" in done.stderr
    assert {path: path.stat().st_mtime_ns for path in takes.iterdir()} == before

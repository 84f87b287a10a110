import numpy as np
import pytest

from detectors.av_desync import av_desync
from pipeline.features.schema import table
from pipeline.model import Features
from tests.packets import drawn_sound, kinds, stream

CLIP = stream("IPPPPPPPPP" * 10)


def found(seconds, **features):
    return list(av_desync(CLIP.features(sound=drawn_sound("-" * round(seconds * 10)), **features)))


def test_sound_and_pictures_that_end_together():
    assert list(av_desync(CLIP.features())) == []


@pytest.mark.parametrize(("seconds", "level"), [(3.8, None), (3.6, "note"), (3.4, "suspect"), (3.0, "suspect")])
def test_sound_that_ends_before_the_pictures(seconds, level):
    assert kinds(found(seconds)) == ([("av-desync", level)] if level else [])


def test_a_missing_second_is_told_with_the_likeliest_place():
    sound = drawn_sound("-" * 30)
    score = np.full(sound.rows, -6.0)
    score[75] = 9.0
    (finding,) = av_desync(CLIP.features(sound=table("sound", [
        {**{name: float(values[i]) for name, values in sound.items()}, "break_score": float(score[i])}
        for i in range(sound.rows)
    ])))  # fmt: skip
    assert finding.evidence["lacking_s"] == pytest.approx(1.0)
    assert finding.evidence["likeliest_at_s"][0] == pytest.approx(1.5)
    assert (finding.span.start_s, finding.span.stop_s) == (0.0, pytest.approx(4.0))


@pytest.mark.parametrize(("seconds", "level"), [(4.2, None), (4.6, "note"), (5.4, "suspect")])
def test_sound_that_outlasts_the_pictures(seconds, level):
    assert kinds(found(seconds)) == ([("av-desync", level)] if level else [])


def test_a_file_that_is_broken_off_may_end_anywhere():
    assert found(3.0, container={"bytes": 60_000, "bytes_expected": 100_000}) == []


def sound_at(times_s):
    steady = drawn_sound("-" * (len(times_s) // 5))
    rows = [{name: float(values[i]) for name, values in steady.items()} for i in range(steady.rows)]
    return table("sound", [{**row, "time_s": t} for row, t in zip(rows, times_s, strict=True)])


def test_times_that_drift_from_the_samples():
    slow = sound_at([i * 0.02 * 1.15 for i in range(200)])
    findings = [f for f in av_desync(CLIP.features(sound=slow)) if "drift" in f.summary]
    assert len(findings) == 1 and findings[0].evidence["drift_s"] == pytest.approx(0.6, abs=0.02)


def test_a_hole_in_the_times_is_no_drift():
    holed = sound_at([i * 0.02 + (0.5 if i >= 80 else 0.0) for i in range(150)])
    assert [f for f in av_desync(CLIP.features(sound=holed)) if "drift" in f.summary] == []


def test_no_pictures_no_comparison():
    footage = CLIP.features()
    assert list(av_desync(Features({**footage.tables, "frames": table("frames", [])}))) == []

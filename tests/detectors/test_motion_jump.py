import numpy as np
import pytest

from detectors.motion_jump import motion_jump
from pipeline.features.schema import TABLES, table
from pipeline.model import Features, Level


def take(shifts, *, response=0.7, damaged=(), hole_at=None):
    """Frames that move to the right by `shifts`, in picture widths, one a picture, 25 a second."""
    rows = []
    for i, shift in enumerate(shifts):
        row = {spec.name: 0.0 for spec in TABLES["frames"] if spec.type == "f8"}
        row |= {"pts": i, "time_s": i / 25, "duration_s": 0.04, "key": i == 0, "picture_type": "P", "interlaced": False}
        if hole_at is not None and i >= hole_at:
            row["time_s"] += 1.0
        row |= {"damaged": i in damaged, "width": 640, "height": 360}
        row |= {"shift_x": shift, "shift_y": 0.0, "shift_response": response}
        rows.append(row)
    return {"frames": table("frames", rows)}


def jumps(*arguments, **keywords):
    return [(f.span.first_frame, f.span.stop_frame) for f in motion_jump(Features(take(*arguments, **keywords)))]


STEADY = [np.nan] + [0.004] * 29


def with_jump(at, size):
    return [size if i == at else shift for i, shift in enumerate(STEADY)]


def test_a_steady_pan_has_no_jump():
    assert jumps(STEADY) == []


def test_a_jump_of_the_scene_is_found_between_its_two_pictures():
    assert jumps(with_jump(15, 0.17)) == [(14, 15)]


def test_the_finding_asks_a_person_to_look():
    (found,) = motion_jump(Features(take(with_jump(15, 0.17))))
    assert found.level is Level.SUSPECT
    assert found.evidence["ratio_to_neighbours"] == pytest.approx(0.17 / 0.004, rel=0.1)
    assert "17 %" in found.summary


@pytest.mark.parametrize(("size", "found"), [(0.014, 0), (0.016, 0), (0.021, 1)])
def test_a_jump_must_be_large_and_five_times_its_surroundings(size, found):
    assert len(jumps(with_jump(15, size))) == found


def test_a_whip_pan_raises_its_own_neighbours():
    assert jumps([0.004] * 12 + [0.05, 0.12, 0.2, 0.12, 0.05] + [0.004] * 12) == []


def test_stutter_is_no_jump():
    assert jumps([np.nan, *([0.02] * 10), 0.0, 0.04, *([0.02] * 10)]) == []


def test_where_the_motion_is_not_known_nothing_is_said():
    assert jumps(with_jump(15, 0.17), response=0.1) == []


def test_a_damaged_picture_is_no_evidence():
    assert jumps(with_jump(15, 0.17), damaged=[15]) == []


def test_both_ends_of_a_clip_have_too_few_neighbours():
    assert jumps(with_jump(2, 0.17)[:5]) == []


def test_over_a_hole_in_time_the_scene_may_jump():
    assert jumps(with_jump(15, 0.17), hole_at=15) == []

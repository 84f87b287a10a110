import pytest

from detectors.frozen_picture import frozen_picture
from tests.packets import drawn, drawn_sound, kinds, mark, stream

CLIP = stream("IPPPPPPPPPPPPPPPPPPP" * 4)


def clip(start, stop, still=0.02, moving=5.0, pulse=None, **others):
    diff = [still if start <= i < stop else moving for i in range(80)]
    if pulse is not None:
        diff[40] = pulse
    return CLIP.features(luma_diff=diff, luma_diff_max=[4 * d for d in diff], **others)


def test_a_moving_picture_is_not_frozen():
    assert list(frozen_picture(clip(0, 0))) == []


def test_a_freeze_is_marked_from_the_picture_that_is_held():
    findings = list(frozen_picture(clip(30, 50)))
    assert kinds(findings) == [("frozen-picture", "suspect")]
    assert mark(CLIP, findings) == "." * 29 + "x" * 21 + "." * 30


def test_a_camera_that_comes_to_rest_and_moves_off_again_is_not_frozen():
    ramp = [5.0] * 20 + [3.0, 1.5, 0.9, 0.7, 0.5, 0.4] + [0.2] * 20 + [0.4, 0.5, 0.7, 0.9, 1.5, 3.0] + [5.0] * 28
    assert list(frozen_picture(CLIP.features(luma_diff=ramp))) == []


@pytest.mark.parametrize(("stop", "count"), [(39, 0), (40, 1)])
def test_the_shortest_hold(stop, count):
    assert len(list(frozen_picture(clip(30, stop, pulse=None), min_hold_s=0.44))) == count


@pytest.mark.parametrize(
    ("first", "stop", "moving", "count"),
    [(0, 30, 0.8, 0), (1, 30, 0.8, 0), (50, 80, 0.8, 0), (0, 30, 5.0, 1), (20, 50, 0.8, 1)],
)
def test_at_the_ends_of_a_clip_a_scene_at_rest_may_be_just_that(first, stop, moving, count):
    assert len(list(frozen_picture(clip(first, stop, still=0.003, moving=moving)))) == count


def test_a_long_freeze_of_a_moving_camera_is_a_violation():
    assert kinds(frozen_picture(clip(15, 70))) == [("frozen-picture", "violation")]


def test_the_pulse_of_a_key_frame_does_not_end_a_freeze():
    (finding,) = frozen_picture(clip(30, 52, pulse=1.5))
    assert finding.evidence["pictures"] == 23


def test_a_fixed_camera_is_quiet_but_not_frozen():
    assert list(frozen_picture(clip(20, 60, still=0.1, moving=0.25))) == []
    assert list(frozen_picture(clip(20, 60, still=0.01, moving=0.25))) == []


def test_a_copy_is_stiller_than_a_fixed_camera():
    assert kinds(frozen_picture(clip(20, 60, still=0.001, moving=0.25))) == [("frozen-picture", "suspect")]


def test_a_black_picture_is_blank_and_not_frozen():
    assert list(frozen_picture(clip(30, 50, luma_std=[0.0] * 80))) == []


def test_a_still_scene_throughout_cannot_be_told_from_a_freeze():
    assert list(frozen_picture(clip(0, 80, still=0.02))) == []


def test_duplicates_of_frame_rate_conversion_are_no_freeze():
    diff = drawn("d....." * 14, rest=5.0, d=0.0)[:80]
    assert list(frozen_picture(CLIP.features(luma_diff=diff))) == []


def test_it_says_whether_sound_runs_on():
    (finding,) = frozen_picture(clip(30, 50))
    assert finding.evidence["sound_runs_on"] is True
    (finding,) = frozen_picture(clip(30, 50, sound=drawn_sound("-----------__________-----------")))
    assert finding.evidence["sound_runs_on"] is False


def test_even_in_an_empty_room_a_copy_is_stiller_than_the_scene():
    empty = [0.002 + 0.01 * (i % 3) for i in range(80)]
    held = [0.0 if 20 <= i < 60 else diff for i, diff in enumerate(empty)]
    assert list(frozen_picture(CLIP.features(luma_diff=empty))) == []
    assert kinds(frozen_picture(CLIP.features(luma_diff=held))) == [("frozen-picture", "suspect")]

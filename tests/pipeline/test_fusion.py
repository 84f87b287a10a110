"""What several detectors tell of one instant becomes one finding."""

from dataclasses import replace

import numpy as np
import pytest
from pydantic import ValidationError

from pipeline.fusion import INPUTS, breaks, fuse, inputs_of
from pipeline.model import Features, Finding, Level, Message, Span, Table
from pipeline.settings import parameters_of

NOTHING = Features({})
BY = {"missing-frames": "motion-jump"}


def found(kind, start_s, stop_s=None, level=Level.SUSPECT, **evidence):
    span = Span(start_s, start_s + 0.04 if stop_s is None else stop_s)
    return Finding(kind, level, span, Message(f"{kind} was told."), evidence=evidence, detector=BY.get(kind, kind))


JUMP = found("missing-frames", 5.0, model_probability=0.97)
CLOCK = found("clock-jump", 4.9, 5.1)
CUT = found("picture-cut", 5.0, ratio_to_neighbours=6.0, ratio_needed=2.0)


def test_one_break_is_one_finding_with_all_its_grounds():
    (joined,) = fuse([CLOCK, CUT, JUMP], NOTHING)
    assert (joined.kind, joined.span) == ("picture-cut", CUT.span)
    assert joined.evidence == CUT.evidence
    assert [ground.kind for ground in joined.grounds] == ["missing-frames", "clock-jump"]
    assert 0 < joined.score <= 1


def test_breaks_apart_stay_apart():
    later = replace(CUT, span=Span(5.4, 5.44))
    assert [f.span.start_s for f in fuse([CUT, later], NOTHING)] == [5.0, 5.4]


def test_what_tells_of_no_instant_stays_as_it_is():
    others = [found("truncated", 9.0), found("frozen-picture", 4.0, 6.0), found("place-shown", 5.0, level=Level.NOTE)]
    assert [f for f in fuse([*others, CUT], NOTHING) if f.kind != "picture-cut"] == sorted(
        others, key=lambda f: (f.span.start_s, f.span.stop_s)
    )


def test_a_long_disagreement_of_the_clock_is_no_instant():
    slow = found("clock-rate", 0.0, 30.0)
    assert slow in fuse([slow, CUT], NOTHING)


def test_a_weak_jump_is_told_only_where_something_bears_it_out():
    weak = replace(JUMP, level=Level.NOTE, evidence={"model_probability": 0.85})
    assert fuse([weak], NOTHING) == []
    (joined,) = fuse([weak, CLOCK], NOTHING)
    assert (joined.kind, joined.level) == ("missing-frames", Level.SUSPECT)


def test_of_the_weak_jumps_in_a_second_of_the_clock_the_likeliest_says_where():
    short = found("clock-rate", 4.5, 5.4)
    weak = [
        replace(JUMP, level=Level.NOTE, span=Span(at_s, at_s + 0.04), evidence={"model_probability": odds})
        for at_s, odds in ((4.7, 0.31), (5.1, 0.85), (5.5, 0.9))
    ]
    (joined,) = fuse([*weak, short], NOTHING)
    assert joined.span == weak[1].span
    (alone,) = fuse([weak[2], short], NOTHING)
    assert (alone.kind, alone.span, alone.score) == ("clock-rate", short.span, None)
    (faint,) = fuse([weak[0], short], NOTHING)
    assert (faint.kind, faint.span, [f.kind for f in faint.grounds]) == ("clock-rate", short.span, ["missing-frames"])


@pytest.mark.parametrize(("speed_px", "count"), [(0.05, 0), (0.5, 1)])
def test_a_camera_that_hardly_moves_takes_more_to_be_suspect(speed_px, count):
    jump = replace(JUMP, evidence={"model_probability": 0.95})
    found = fuse([jump], frames_at(speed_px))
    assert [0.9 < joined.score < 0.95 for joined in found] == [True] * count


def frames_at(speed_px):
    return Features({"frames": Table({"time_s": np.arange(500) / 25, "flow_speed": np.full(500, speed_px)})})


def test_sound_beside_a_jump_raises_its_probability():
    sound = {"time_s": np.arange(500) / 50, "duration_s": np.full(500, 0.02), "break_score": np.full(500, -4.0)}
    sound["break_score"][250] = 12.0
    (quiet,) = fuse([JUMP], NOTHING)
    (broken,) = fuse([JUMP], Features({"sound": Table(sound)}))
    assert broken.score > quiet.score


def test_a_break_of_the_sound_alone_is_as_grave_as_the_model_says():
    click = found("audio-break", 5.0)
    for score, level in ((0.0, Level.NOTE), (14.0, Level.SUSPECT)):
        sound = {"time_s": np.arange(500) / 50, "duration_s": np.full(500, 0.02), "break_score": np.full(500, -4.0)}
        sound["break_score"][250] = score
        (told,) = fuse([click], Features({"sound": Table(sound)}))
        assert told.level is level


def test_missing_pictures_that_the_coding_tells_keep_their_level():
    rhythm = replace(found("missing-frames", 5.0), detector="re-encoded")
    assert [f.level for f in fuse([rhythm], NOTHING)] == [Level.SUSPECT]


def test_the_level_is_never_below_the_strongest_ground():
    (joined,) = fuse([replace(CUT, level=Level.VIOLATION), JUMP], NOTHING)
    assert joined.level is Level.VIOLATION


def test_every_input_has_a_weight_that_cannot_lower_the_probability():
    parameters = parameters_of(fuse)
    weights = [f"weight_{name}" for name in INPUTS]
    assert set(weights) == {name for name in parameters.model_fields if name.startswith("weight_")}
    for name in weights:
        with pytest.raises(ValidationError, match="greater than or equal to 0"):
            parameters(**{name: -0.1})


def test_weights_are_the_ones_that_are_set():
    even = {f"weight_{name}": 0.0 for name in INPUTS}
    assert [f.score for f in fuse([CUT, JUMP], NOTHING, **even, intercept=0.0)] == [0.5]
    (cut,) = fuse([CUT], NOTHING, **{**even, "weight_cut": 1.0}, intercept=-1.0)
    assert cut.score == pytest.approx(6 / 2 / (1 + 6 / 2), abs=1e-4)  # 1 + ln(6/2) - 1: odds of 3


@pytest.mark.parametrize("probability", [0.0, 1.0])
def test_inputs_are_finite(probability):
    (each,), _ = breaks([replace(JUMP, evidence={"model_probability": probability})], 0.25)
    assert np.isfinite(inputs_of(each, NOTHING)).all()


def test_nothing_told_is_nothing_joined():
    assert fuse([], NOTHING) == []

import pytest

from detectors.picture_cut import picture_cut
from tests.packets import drawn, kinds, mark, stream

#        01234567890123456789
CLIP = stream("IPPPPPPPPPIPPPPPPPPP")


def clip(shape, **changed):
    """Draw `residual`, response, histogram and skip difference: letters are levels, "." is calm."""
    curves = {
        "residual": drawn(shape, rest=4.0, c=40.0, b=15.0, w=25.0, p=7.0, e=30.0, o=40.0),
        "luma_diff": drawn(shape, rest=5.0, c=50.0, b=20.0, w=40.0, p=8.0, e=32.0, o=50.0),
        "shift_response": drawn(shape, rest=0.8, c=0.03, b=0.4, w=0.03, p=0.7, e=0.8, o=0.03),
        "hist_distance": drawn(shape, rest=0.03, c=0.5, b=0.2, w=0.2, p=0.03, e=0.6, o=0.4),
        "flow_residual": drawn(shape, rest=3.0, c=28.0, b=20.0, w=20.0, p=4.0, e=5.0, o=28.0),
        "skip_diff": drawn(shape, rest=8.0, c=50.0, b=22.0, w=50.0, p=8.0, e=32.0, o=45.0),
    }
    return CLIP.features(**{**curves, **changed})


def test_a_calm_take_has_no_cut():
    assert list(picture_cut(clip("...................."))) == []


def test_two_takes_joined_are_a_violation_at_the_joint():
    findings = list(picture_cut(clip("..........c.........")))
    assert kinds(findings) == [("picture-cut", "violation")]
    assert mark(CLIP, findings) == ".........xx........."


def test_a_lamp_changes_the_light_and_not_the_outlines():
    lit = drawn("..........c.........", rest=3.0, c=9.0)
    assert list(picture_cut(clip("..........c.........", flow_residual=lit))) == []


def test_a_weaker_break_is_suspect():
    assert kinds(picture_cut(clip("..........b........."))) == [("picture-cut", "suspect")]


@pytest.mark.parametrize(
    "shape",
    ["........wwwww.......", "...p...p...p...p....", "..........e.........", "c..................."],
    ids=["whip pan", "pulses of key frames", "exposure step", "the first picture has none before it"],
)
def test_what_honest_footage_does(shape):
    assert list(picture_cut(clip(shape))) == []


def test_a_foreign_picture_is_told_on_both_its_sides():
    skip = drawn("..........o.........", rest=8.0, o=45.0)
    findings = list(picture_cut(clip("..........oo........", skip_diff=skip)))
    assert mark(CLIP, findings) == ".........xxx........"
    assert all(f.evidence["single_odd_picture"] for f in findings)
    assert {f.level.value for f in findings} == {"suspect"}


@pytest.mark.parametrize(("residual", "response", "count"), [(7.0, 0.1, 1), (7.0, 0.6, 0), (9.0, 0.6, 1)])
def test_the_more_is_left_in_common_the_more_must_the_change_stand_out(residual, response, count):
    curve, peak = (
        drawn("..........c.........", rest=4.0, c=residual),
        drawn("..........c.........", rest=0.8, c=response),
    )
    left = drawn("..........c.........", rest=3.0, c=22.0)
    found = picture_cut(clip("....................", residual=curve, shift_response=peak, flow_residual=left))
    assert len(list(found)) == count


def test_light_that_goes_out_is_no_proof_of_a_second_take():
    dark = [45.0] * 10 + [0.5] * 10
    assert kinds(picture_cut(clip("..........c.........", luma_std=dark))) == [("picture-cut", "suspect")]


@pytest.mark.parametrize("damaged", ["..........x.........", ".........x.........."])
def test_what_a_decoder_made_up_is_no_cut(damaged):
    marks = [letter == "x" for letter in damaged]
    assert list(picture_cut(clip("..........c.........", damaged=marks))) == []

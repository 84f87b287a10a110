"""Foreign pictures between two halves of one take, on drawn takes."""

import numpy as np
import pytest

from detectors.inserted_frames import inserted_frames
from tests.drawn import measured, path, take

OWN = take(path(100, speed=1.5, shake=0.2), seed=1)
FOREIGN = [picture / 4 for picture in take(path(100, speed=1.5, shake=0.2, seed=9), seed=7)]


def told(pictures):
    return [(f.span.first_frame, f.span.stop_frame) for f in inserted_frames(measured(pictures))]


@pytest.mark.parametrize("count", [1, 5, 30])
def test_foreign_pictures_are_found_to_the_picture(count):
    assert told(OWN[:50] + FOREIGN[:count] + OWN[50 + count :]) == [(50, 50 + count)]


def test_an_honest_walk_holds_none():
    assert told(OWN) == []


def test_a_splice_does_not_come_back():
    assert told(OWN[:50] + FOREIGN[:50]) == []


def test_a_black_stretch_is_left_to_another_detector():
    assert told(OWN[:50] + [np.zeros_like(OWN[0])] * 10 + OWN[60:]) == []


def test_two_insertions_are_two_findings():
    assert told(OWN[:30] + FOREIGN[:2] + OWN[32:60] + FOREIGN[10:13] + OWN[63:]) == [(30, 32), (60, 63)]

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors._timeline import examined_stream, extent, neighbours, runs, slots, span_of
from pipeline.model import Features
from tests.packets import EMPTY, stream

CLIP = stream("IPPPIPPP")


@given(st.lists(st.booleans(), max_size=30))
def test_runs_cover_the_mask_and_nothing_else(mask):
    covered = np.zeros(len(mask), dtype=bool)
    for first, stop in runs(np.array(mask, dtype=bool)):
        assert first < stop and not covered[first:stop].any()
        covered[first:stop] = True
    assert covered.tolist() == mask


def test_neighbours_leave_the_value_itself_out():
    around = neighbours(np.array([1.0, 2.0, 3.0]), 1)
    np.testing.assert_array_equal(around, [[np.nan, 2.0], [1.0, 3.0], [2.0, np.nan]])


def test_a_span_is_held_inside_the_footage_and_names_its_pictures():
    span = span_of(CLIP.features(), 0.08, 0.16)
    assert (span.start_s, span.stop_s, span.first_frame, span.stop_frame) == (0.08, 0.16, 2, 4)
    outside = span_of(CLIP.features(), -5.0, 99.0)
    assert (outside.start_s, outside.first_frame, outside.stop_frame) == (0.0, 0, 8)
    assert outside.stop_s == pytest.approx(extent(CLIP.features())[1])


def test_hidden_packets_do_not_lengthen_the_footage():
    hidden = CLIP.later(6, 50.0)
    footage = hidden.features(packets={"discard": [False] * 6 + [True] * 2})
    only_packets = Features({"packets": footage["packets"].where(footage["packets"]["stream"] == 0)})
    assert extent(only_packets) == (0.0, pytest.approx(0.24))


def test_nothing_measured_has_no_extent():
    assert extent(Features({})) == (0.0, 0.0)
    assert examined_stream(EMPTY, "video") is None


def test_slots_count_the_ticks_from_first_to_last_picture():
    assert slots(CLIP.drop(3, 4).features(), 0) == 8
    assert slots(CLIP.features(video={"rate_in_header_hz": float("nan")}), 0) is None

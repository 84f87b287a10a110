import math

import pytest

from detectors.header_mismatch import header_mismatch
from tests.packets import kinds, mark, stream

CLIP = stream("IPPPPPPPPP" * 10)


def test_a_true_header_is_borne_out():
    assert list(header_mismatch(CLIP.features())) == []


@pytest.mark.parametrize(("claimed", "levels"), [(103, []), (104, ["note"]), (120, ["suspect"]), (80, ["suspect"])])
def test_the_count_of_pictures(claimed, levels):
    found = header_mismatch(CLIP.features(video={"frames_in_header": claimed}))
    assert [level for _, level in kinds(found)] == levels


@pytest.mark.parametrize("claimed", [None, 0])
def test_no_count_is_no_claim(claimed):
    assert list(header_mismatch(CLIP.features(video={"frames_in_header": claimed}))) == []


@pytest.mark.parametrize(("claimed_s", "levels"), [(4.4, []), (5.0, ["note"]), (9.0, ["suspect"]), (math.nan, [])])
def test_the_duration_of_the_pictures(claimed_s, levels):
    found = header_mismatch(CLIP.features(video={"duration_in_header_s": claimed_s}))
    assert [level for _, level in kinds(found)] == levels


def test_the_duration_of_the_container():
    (finding,) = header_mismatch(CLIP.features(container={"duration_in_header_s": 12.0}))
    assert finding.level == "suspect"
    assert finding.evidence == {"container_s": 12.0, "measured_s": pytest.approx(4.0, abs=0.05)}


def test_hidden_media_makes_a_duration_true_either_way():
    discard = [True] * 50 + [False] * 50
    for claimed_s in (4.0, 2.0):
        footage = CLIP.features(video={"duration_in_header_s": claimed_s}, packets={"discard": discard})
        assert list(header_mismatch(footage)) == []


def test_pictures_of_another_size_are_marked_where_they_stand():
    clip = stream("IPPPIPPPIPPP")
    width = [1280] * 4 + [640] * 4 + [1280] * 4
    (finding,) = header_mismatch(clip.features(width=width))
    assert mark(clip, [finding]) == "....xxxx...."
    assert finding.evidence["pictures"] == 4


def test_rows_that_fill_up_a_macroblock_are_no_other_size():
    assert list(header_mismatch(CLIP.features(height=[736] * 100))) == []


def test_an_avi_counts_the_ticks_between_its_pictures():
    sparse = stream("I" * 100).drop(*[i for i in range(1, 99) if i % 4])
    assert list(header_mismatch(sparse.features(video={"frames_in_header": 100}))) == []


HIDDEN_2_S = [{"stream": 0, "entry": 0, "duration_s": 4.0, "media_start_s": 2.0, "rate": 1.0, "media_s": 6.0}]


@pytest.mark.parametrize(("claimed", "claimed_s", "count"), [(150, 6.0, 0), (190, 6.0, 1), (150, 9.0, 1)])
def test_what_an_edit_list_hides_need_not_be_handed_out(claimed, claimed_s, count):
    header = {"frames_in_header": claimed, "duration_in_header_s": claimed_s}
    assert len(list(header_mismatch(CLIP.features(video=header, edits=HIDDEN_2_S)))) == count

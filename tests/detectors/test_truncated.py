import pytest

from detectors.truncated import truncated
from pipeline.detector import REGISTRY
from pipeline.model import Features
from tests.packets import kinds, stream

CLIP = stream("IPPPPPPPPP" * 10)


def test_a_whole_file_is_whole():
    assert list(truncated(CLIP.features())) == []


def test_a_missing_index_is_suspect_and_says_what_to_do():
    (finding,) = truncated(CLIP.features(container={"index_found": False}))
    assert finding.level == "suspect"
    assert "Copy the clip from the recorder again" in finding.summary


@pytest.mark.parametrize(("expected", "count"), [(100_000, 0), (100_001, 1), (99_000, 0), (None, 0)])
def test_the_lengths_of_the_container(expected, count):
    assert len(list(truncated(CLIP.features(container={"bytes_expected": expected})))) == count


@pytest.mark.parametrize(("expected", "told"), [(None, "bytes shorter"), (100_000, "(mdat) is incomplete")])
def test_a_last_box_cut_short(expected, told):
    boxes = [{"path": "mdat", "type": "mdat", "offset_bytes": 0, "size_bytes": 130_000, "complete": False}]
    (finding,) = truncated(CLIP.features(boxes=boxes, container={"bytes_expected": expected}))
    assert told in finding.summary


def test_damaged_packets_count_at_the_end_only():
    middle = [i in range(40, 45) for i in range(100)]
    assert list(truncated(CLIP.features(packets={"corrupt": middle}))) == []
    end = [i >= 97 for i in range(100)]
    (finding,) = truncated(CLIP.features(packets={"corrupt": end}))
    assert finding.evidence["damaged_packets"] == 3


@pytest.mark.parametrize(("claimed", "count"), [(100, 0), (105, 0), (111, 1)])
def test_far_fewer_pictures_than_the_header_counts(claimed, count):
    assert len(list(truncated(CLIP.features(video={"frames_in_header": claimed})))) == count


def test_pictures_that_stay_are_not_stored_in_avi():
    sparse = stream("I" * 100).drop(*[i for i in range(1, 99) if i % 4])
    assert list(truncated(sparse.features(video={"frames_in_header": 100}))) == []


def test_hidden_pictures_are_not_lost():
    clip = CLIP.features(video={"frames_in_header": 150}, packets={"discard": [True] * 50 + [False] * 50})
    assert kinds(truncated(clip)) == []


def test_a_file_without_index_needs_no_packets_to_be_told():
    tables = CLIP.features(container={"index_found": False}).tables
    bare = Features({name: tables[name] for name in ("container", "boxes")})
    (finding,) = REGISTRY["truncated"](bare)
    assert "never finished" in finding.summary


def test_stray_bytes_behind_the_last_box_are_no_missing_end():
    boxes = [
        {"path": "mdat", "type": "mdat", "offset_bytes": 0, "size_bytes": 99_000, "complete": True},
        {
            "path": r"\x00\x01",
            "type": r"\x00\x01\x00\x00",
            "offset_bytes": 99_000,
            "size_bytes": 9**9,
            "complete": False,
        },
    ]
    findings = list(truncated(CLIP.features(boxes=boxes, container={"bytes_expected": 99_000 + 9**9})))
    assert kinds(findings) == [("header-mismatch", "note")]
    assert findings[0].evidence["bytes"] == 1000


def test_pictures_that_are_there_but_not_decoded_are_no_matter_of_copying():
    footage = CLIP.features()
    few = Features({**footage.tables, "frames": footage["frames"].where(footage["frames"]["time_s"] < 1)})
    (finding,) = truncated(few)
    assert "damaged or encrypted" in finding.summary


@pytest.mark.parametrize(("claimed", "count"), [(150, 0), (200, 1)])
def test_pictures_that_an_edit_list_hides_are_not_lost(claimed, count):
    hidden_2_s = {"stream": 0, "entry": 0, "duration_s": 4.0, "media_start_s": 2.0, "rate": 1.0, "media_s": 6.0}
    clip = stream("IPPPPPPPPP" * 10).features(video={"frames_in_header": claimed}, edits=[hidden_2_s])
    assert len(list(truncated(clip))) == count

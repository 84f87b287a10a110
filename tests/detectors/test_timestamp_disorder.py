from detectors.timestamp_disorder import timestamp_disorder
from tests.packets import kinds, mark, stream


def test_time_that_rises_is_in_order():
    assert list(timestamp_disorder(stream("IPPPIPPP").features())) == []


def test_two_swapped_pictures_are_marked():
    footage = stream("IPPPIPPP").swap(3, 4)
    findings = list(timestamp_disorder(footage.features()))
    assert {f.level.value for f in findings} == {"suspect"}
    assert mark(footage, findings) == "...xx..."


def test_a_second_recording_behind_the_first_is_a_violation():
    footage = stream("IPPPPPPPPP" * 6).later(30, -1.2)
    assert sorted(level for _, level in kinds(timestamp_disorder(footage.features()))) == ["suspect", "violation"]


def test_what_leads_up_to_an_edit_is_no_second_recording():
    footage = stream("IPPPPPPPPP" * 6).later(30, -0.4)
    discard = [30 <= i < 40 for i in range(60)]
    assert "decoding time" not in " ".join(
        f.summary for f in timestamp_disorder(footage.features(packets={"discard": discard}))
    )


def test_a_repeated_time_is_suspect():
    times = [0.0, 0.04, 0.08, 0.08, 0.16, 0.2]
    (finding,) = timestamp_disorder(stream("IPPPPP").at(*times).features())
    assert finding.level == "suspect"
    assert finding.evidence["frames"] == [3]


def test_many_places_are_told_as_one():
    footage = stream("IP" * 40)
    for i in range(0, 80, 4):
        footage = footage.swap(i, i + 1)
    findings = list(timestamp_disorder(footage.features()))
    assert [f.evidence["places"] for f in findings] == [20, 20]  # of pictures, and of packets
    assert {f.level.value for f in findings} == {"note"}  # every other picture: the writer's fault, not an edit


def test_many_places_in_a_long_clip_are_suspect():
    footage = stream("IP" * 100)
    for i in range(0, 48, 4):
        footage = footage.swap(i, i + 1)
    assert {f.level.value for f in timestamp_disorder(footage.features())} == {"suspect"}


def test_rounding_of_the_container_is_ignored():
    footage = stream("IPPPPP").at(0.0, 0.04, 0.08, 0.1205, 0.12, 0.2)
    packets = timestamp_disorder(footage.features())
    assert "jumps back" not in " ".join(f.summary for f in packets)

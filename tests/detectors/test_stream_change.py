"""Streams drawn with the numbers that an encoder writes; cut, and what marks the place."""

import math

import numpy as np
import pytest

from detectors.stream_change import stream_change
from pipeline.features.schema import table
from pipeline.model import Features
from tests.packets import kinds, stream

WRAP = 16
X264 = "x264 - core 164 - H.264/MPEG-4 AVC codec - options: keyint=10 keyint_min=1 scenecut={}"


def coded(types, *, poc_step=2, idr_ids=(0, 1)):
    """Return the columns of packets that an encoder gives to pictures; B pictures are not referred to."""
    number = order = 0
    groups = -1
    rows = []
    for kind in types:
        if kind == "I":
            groups, number, order = groups + 1, 0, 0
        rows.append(
            {
                "slice_type": kind,
                "nal_type": 5 if kind == "I" else 1,
                "reference": 3 if kind == "I" else 0 if kind == "B" else 2,
                "frame_num": number % WRAP,
                "idr_pic_id": idr_ids[groups % len(idr_ids)] if kind == "I" else None,
                "poc": order % 64,
                "params": 0,
            }
        )
        number += kind != "B"
        order += poc_step
    return rows


SET = {
    "stream": 0,
    "params": 0,
    "sequence_sha256": "aa",
    "picture_sha256": "bb",
    "place": "header",
    "time_s": 0.0,
    "frame_num_bits": 4,
    "poc_bits": 6,
    "gaps_allowed": False,
}
GROUP = "IPPPPPPPPP"


def features_of(types, rows, *, sets=(SET,), texts=(), sound=None, times=None):
    drawn = stream("".join(types))
    if times is not None:
        drawn = drawn.at(*times)
    columns = {name: [row.get(name) for row in rows] for name in rows[0]}
    made = drawn.features(packets=columns, sound_packets=sound)
    extra = {"parameters": table("parameters", list(sets)), "encoder": table("encoder", list(texts))}
    return Features({**made.tables, **extra})


def cut(types, *dropped, **how):
    """Encode pictures, take some out, and close the times up."""
    rows = coded(types, **how)
    kept = [i for i in range(len(types)) if i not in dropped]
    return features_of([types[i] for i in kept], [rows[i] for i in kept])


def found(features, **how):
    return list(stream_change(features, **how))


def grounds(features):
    return [finding.evidence["grounds"] for finding in found(features)]


def test_what_one_encoder_writes_goes_on():
    assert found(cut(GROUP * 8)) == []
    assert found(cut("IPBBPBBPBB" * 8)) == []


def test_pictures_taken_out_of_a_group():
    (finding,) = found(cut(GROUP * 8, 24, 25, 26))
    assert finding.level == "suspect"
    assert finding.evidence["grounds"][0] == "picture-number"
    assert "picture-order" in finding.evidence["grounds"]
    assert (finding.span.first_frame, finding.span.stop_frame) == (23, 24)
    assert finding.evidence["pictures_lacking"] == 3


def test_a_picture_that_no_other_refers_to_leaves_a_hole_in_the_order_only():
    (finding,) = found(cut("IPBBPBBPBB" * 8, 25))
    assert finding.evidence["grounds"] == ["picture-order"]
    assert finding.level == "suspect"


def test_a_hole_that_the_times_show_is_left_to_another_detector():
    types = GROUP * 8
    rows = coded(types)
    kept = [i for i in range(80) if i not in (24, 25)]
    features = features_of([types[i] for i in kept], [rows[i] for i in kept], times=[i / 25 for i in kept])
    assert grounds(features) == [["picture-number"]]


def test_one_group_taken_out_of_an_alternating_row_of_key_frames():
    (finding,) = found(cut(GROUP * 8, *range(30, 40)))
    assert finding.evidence["grounds"] == ["key-frame-number"]
    assert finding.span.stop_s == pytest.approx(30 / 25)


def test_two_groups_taken_out_of_an_alternating_row_leave_no_trace():
    assert found(cut(GROUP * 8, *range(30, 50))) == []


def test_two_groups_taken_out_of_a_row_that_counts_up():
    assert grounds(cut(GROUP * 9, *range(30, 50), idr_ids=range(16))) == [["key-frame-number"]]


@pytest.mark.parametrize(("lawful", "expected"), [(False, [["picture-number"]]), (True, [])])
def test_an_encoder_that_may_leave_numbers_out_is_not_accused(lawful, expected):
    types = "I" + "P" * 79
    rows = [row | {"poc": None} for row in coded(types)]
    kept = [i for i in range(80) if i not in (24, 25)]
    sets = [SET | {"gaps_allowed": lawful}]
    assert grounds(features_of([types[i] for i in kept], [rows[i] for i in kept], sets=sets)) == expected


def test_another_parameter_set_from_here_on():
    rows = coded(GROUP * 8)
    for row in rows[40:]:
        row["params"] = 1
    other = SET | {"params": 1, "sequence_sha256": "cc", "width": 640, "height": 480}
    (finding,) = found(features_of(GROUP * 8, rows, sets=[SET, other]))
    assert (finding.level, finding.evidence["grounds"]) == ("suspect", ["parameter-set"])
    assert finding.span.stop_s == pytest.approx(40 / 25)
    assert finding.evidence["width"] == 640


def test_parameter_sets_that_take_turns_are_a_habit():
    rows = coded(GROUP * 8)
    for place, row in enumerate(rows):
        row["params"] = place // 10 % 2
    assert found(features_of(GROUP * 8, rows, sets=[SET, SET | {"params": 1, "sequence_sha256": "cc"}])) == []


def said(time_s, text, place="sei", stream=0):
    return {"stream": stream, "place": place, "text": text, "time_s": time_s}


def test_two_encoders_in_one_stream_are_a_violation():
    texts = [said(0.0, X264.format(40)), said(1.6, "x264 - core 157 - options: keyint=10 scenecut=40")]
    (finding,) = found(features_of(GROUP * 8, coded(GROUP * 8), texts=texts))
    assert (finding.level, finding.evidence["grounds"]) == ("violation", ["other-encoder"])


def test_an_encoder_that_names_itself_twice_was_started_twice():
    texts = [said(0.0, X264.format(40)), said(1.6, X264.format(40))]
    (finding,) = found(features_of(GROUP * 8, coded(GROUP * 8), texts=texts))
    assert (finding.level, finding.evidence["grounds"]) == ("suspect", ["encoder-restart"])


def test_an_encoder_that_names_itself_with_every_key_frame_says_nothing():
    texts = [said(0.4 * n, X264.format(40)) for n in range(8)]
    assert found(features_of(GROUP * 8, coded(GROUP * 8), texts=texts)) == []


def test_the_name_of_an_earlier_encoder_that_is_handed_on_is_no_second_encoder():
    texts = [said(0.0, X264.format(40)), said(0.0, "x264 - core 120 - options: crf=20")]
    assert found(features_of(GROUP * 8, coded(GROUP * 8), texts=texts)) == []


def test_one_odd_group_where_key_frames_come_by_count():
    short = GROUP * 5 + "IPPP" + GROUP * 5
    (finding,) = found(features_of(short, coded(short)))
    assert (finding.level, finding.evidence["grounds"]) == ("suspect", ["key-frame-cadence"])
    assert finding.evidence["pictures_in_group"] == 4 and finding.evidence["usual"] == 10
    few = GROUP * 3 + "IPPP" + GROUP * 4
    assert [f.level for f in found(features_of(few, coded(few)))] == ["note"]


@pytest.mark.parametrize(("scenecut", "levels"), [("40", ["note"]), ("0", ["suspect"])])
def test_the_encoder_itself_says_whether_it_looks_at_the_content(scenecut, levels):
    short = GROUP * 5 + "IPPP" + GROUP * 5
    features = features_of(short, coded(short), texts=[said(0.0, X264.format(scenecut))])
    assert [finding.level for finding in found(features)] == levels


def test_the_end_of_a_recording_is_no_broken_cadence():
    types = GROUP * 10 + "IPP"
    assert found(features_of(types, coded(types))) == []


def steps(count, *, odd_at, step_s):
    interval_s = np.full(count - 1, 1024 / 48000)
    interval_s[odd_at] += step_s
    time_s = np.concatenate(([0.0], np.cumsum(interval_s))).tolist()
    packet = {
        "stream": 1,
        "duration_s": 1024 / 48000,
        "size_bytes": 300,
        "key": True,
        "corrupt": False,
        "discard": False,
    }
    return [{**packet, "time_s": t, "dts_s": t} for t in time_s]


def test_a_step_of_the_sound_at_a_key_frame_is_suspect_elsewhere_a_note():
    types = GROUP * 10
    at_key = steps(180, odd_at=round(2.0 * 48000 / 1024), step_s=0.009)
    beside = steps(180, odd_at=round(2.2 * 48000 / 1024), step_s=0.009)
    (finding,) = found(features_of(types, coded(types), sound=at_key))
    assert (finding.level, finding.evidence["grounds"]) == ("suspect", ["sound-seam"])
    assert kinds(found(features_of(types, coded(types), sound=beside))) == [("stream-change", "note")]
    assert found(features_of(types, coded(types), sound=steps(180, odd_at=94, step_s=0.00001))) == []


def test_the_names_of_the_sound_encoder_come_every_256_packets():
    types = GROUP * 60
    sound = steps(1100, odd_at=0, step_s=0.0)
    every = [said(sound[n]["time_s"], "Lavc61.3.100", "fill element", 1) for n in (7, 263, 519, 775)]
    assert found(features_of(types, coded(types), texts=every, sound=sound)) == []
    early = [said(sound[n]["time_s"], "Lavc61.3.100", "fill element", 1) for n in (7, 263, 400, 656)]
    (finding,) = found(features_of(types, coded(types), texts=early, sound=sound))
    assert finding.evidence["grounds"] == ["sound-encoder-restart"]


def test_mpeg4_pictures_bear_their_own_times():
    types = GROUP * 8
    times = [n / 25 for n in range(80)]
    plain = [{"slice_type": kind, "params": 0, "coded_s": t} for kind, t in zip(types, times, strict=True)]
    assert found(features_of(types, plain)) == []
    jumped = [row | {"coded_s": row["coded_s"] + (1.2 if n >= 40 else 0)} for n, row in enumerate(plain)]
    (finding,) = found(features_of(types, jumped))
    assert finding.evidence["grounds"] == ["own-time"] and finding.evidence["jump_s"] == pytest.approx(1.2)


def test_key_frames_of_hevc_that_own_up_to_a_join():
    types = GROUP * 8
    rows = [
        {"slice_type": k, "nal_type": 19 if k == "I" else 1, "reference": 1, "poc": n % 10 * 1, "params": 0}
        for n, k in enumerate(types)
    ]
    assert found(features_of(types, rows, sets=[SET | {"poc_bits": 8}])) == []
    rows[40]["nal_type"] = 17
    assert grounds(features_of(types, rows, sets=[SET | {"poc_bits": 8}])) == [["broken-link"]]


def test_a_stream_whose_headers_were_not_read_tells_nothing():
    assert found(features_of(GROUP * 3, [{"slice_type": None} for _ in range(30)], sets=())) == []
    assert math.isnan(features_of("IP", [{"slice_type": None}] * 2)["packets"]["frame_num"][0])

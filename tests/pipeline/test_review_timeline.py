"""What stands below the player: no spike is lost however far it is zoomed out, and zoomed in every sample is exact."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.features.schema import TABLES
from pipeline.language import language
from pipeline.model import Features, Table
from pipeline.report.json_v1 import document
from pipeline.review import timeline as module
from pipeline.review.thinning import thin
from pipeline.review.timeline import LABELS, STREAMS, Timeline, timeline
from tests.examinations import CUT, FPS, FRAMES, HOSTILE, SAID, UNREAD, example

NUMBERS = st.floats(-1e6, 1e6) | st.just(math.nan)
ZH = language("zh-CN")


@pytest.fixture(scope="module")
def examination(tmp_path_factory):
    return example(tmp_path_factory.mktemp("clip"))


@pytest.fixture(scope="module")
def told(examination):
    return json.loads(json.dumps(document(examination)))


@settings(deadline=None)
@given(
    samples=st.lists(st.tuples(st.floats(-5, 30), NUMBERS), max_size=60),
    start=st.floats(0, 10),
    length=st.floats(0.01, 20),
    points=st.integers(1, 25),
)
def test_every_sample_lies_between_the_extremes_of_its_bucket(samples, start, length, points):
    samples.sort(key=lambda sample: sample[0])
    times, values = (np.array([sample[side] for sample in samples], np.float64) for side in (0, 1))
    stop = start + length
    shown = thin(times, values, start, stop, points)
    inside = [(t, v) for t, v in zip(times, values, strict=True) if start <= t <= stop]
    if shown["exact"]:
        assert len(inside) <= points
        pairs = list(zip(shown["times_s"], shown["values"], strict=True))
        assert [pair for pair in pairs if start <= pair[0] <= stop] == [
            (time, None if math.isnan(value) else value) for time, value in inside
        ]
        return
    assert len(shown["times_s"]) <= points < len(inside)
    assert sum(shown["counts"]) == len(inside)
    assert all(start <= time <= stop for time in shown["times_s"])
    at = 0
    for number, count in enumerate(shown["counts"]):
        own = inside[at : at + count]
        at += count
        known = [value for _, value in own if not math.isnan(value)]
        assert shown["low"][number] == (min(known) if known else None)
        assert shown["high"][number] == (max(known) if known else None)
        for extreme, place in (("low", "low_at_s"), ("high", "high_at_s")):
            first = next((t for t, v in own if v == shown[extreme][number]), None)
            assert shown[place][number] == first
        # A bucket holds the samples near its middle and no others (half a bucket, and what rounding may add).
        assert all(abs(time - shown["times_s"][number]) <= shown["width_s"] * 0.5001 + 1e-9 for time, _ in own)


@settings(deadline=None, max_examples=25)
@given(spike=st.integers(0, 429_999), points=st.integers(1, 3000))
def test_a_single_picture_among_four_hours_of_them_is_seen_and_found(spike, points):
    times = np.arange(430_000) / 30
    values = np.full(430_000, 3.0)
    values[spike] = 77.0
    shown = thin(times, values, 0.0, 14_400.0, points)
    bucket = shown["high"].index(77.0)
    assert shown["high_at_s"][bucket] == times[spike]
    assert shown["high"].count(77.0) == 1


def test_zooming_in_gives_the_very_samples(examination, told):
    shown = timeline(examination.features, told, (CUT - 2) / FPS, (CUT + 2) / FPS, 50)
    residual = next(curve for curve in shown["curves"] if curve["column"] == "frames.residual")
    frames = examination.features["frames"]
    assert residual["samples"]["exact"]
    assert residual["samples"]["times_s"] == frames["time_s"][CUT - 3 : CUT + 4].tolist()
    assert residual["samples"]["values"] == frames["residual"][CUT - 3 : CUT + 4].tolist()
    whole = timeline(examination.features, told, 0.0, 10.0, 20)
    residual = next(curve for curve in whole["curves"] if curve["column"] == "frames.residual")
    assert not residual["samples"]["exact"]
    assert max(value for value in residual["samples"]["high"] if value is not None) == 61.0
    assert residual["samples"]["high_at_s"][residual["samples"]["high"].index(61.0)] == CUT / FPS


def test_it_is_json_and_unknown_numbers_are_null(examination, told):
    shown = timeline(examination.features, told, 0.0, 10.0, 1000, ZH)
    again = json.loads(json.dumps(shown, allow_nan=False))
    residual = next(curve for curve in again["curves"] if curve["column"] == "frames.residual")
    assert residual["samples"]["values"][0] is None  # the first picture has none before it
    assert residual["unit"] == ""


def test_curves_are_those_that_findings_rest_on_with_their_thresholds(examination, told):
    shown = timeline(examination.features, told, 0.0, 10.0)
    curves = {curve["name"]: curve for curve in shown["curves"]}
    assert list(curves) == ["frames.residual", "frames.luma_diff", "sound.rms_dbfs"]
    (line,) = curves["frames.residual"]["thresholds"]
    assert (line["value"], line["detector"], line["findings"]) == (8.0, "picture-cut", ["f3"])
    assert [line["findings"] for line in curves["frames.luma_diff"]["thresholds"]] == [["f4"]]
    assert curves["sound.rms_dbfs"]["thresholds"] == []


def test_other_curves_come_when_they_are_asked_for(examination, told):
    asked = ["frames.time_s", "frames.nothing", "nowhere.x", "frames.clock_score"]
    shown = timeline(examination.features, told, 0.0, 10.0, columns=asked)["curves"]
    assert [curve["column"] for curve in shown] == ["frames.time_s", "frames.clock_score"]
    assert shown[0]["interval"] and not shown[1]["interval"]
    assert shown[0]["samples"]["values"][1:] == pytest.approx([1 / FPS] * (FRAMES - 1))


def test_packets_have_a_curve_for_each_stream(examination, told):
    streams = [0, 0, 1, 0, 1]
    rows = {"stream": np.array(streams), "time_s": np.array([0.0, 0.04, 0.0, 0.08, 0.02])}
    features = Features({**examination.features.tables, "packets": Table(rows)})
    shown = timeline(features, told, 0.0, 1.0, words=ZH, columns=["packets.time_s"])["curves"]
    assert [curve["label"] for curve in shown] == ["包与包之间的显示时间 (画面)", "包与包之间的显示时间 (声音)"]
    assert shown[0]["samples"]["times_s"] == [0.0, 0.04, 0.08]
    assert shown[1]["samples"]["values"] == [None, 0.02]


def test_findings_are_told_in_the_readers_language(examination, told):
    shown = timeline(examination.features, told, 0.0, 10.0, words=ZH)["findings"]
    assert [finding["id"] for finding in shown] == ["f2", "f1", "f3", "f5", "f4"]
    frozen = shown[-1]
    assert (frozen["score"], frozen["start_s"], frozen["stop_s"], frozen["level_name"]) == (0.8123, 6.0, 8.0, "可疑")
    assert frozen["title"] != "Frozen picture" and frozen["columns"] == ["frames.luma_diff", "frames.not_measured"]
    assert [f["id"] for f in timeline(examination.features, told, 6.5, 7.0)["findings"]] == ["f4"]


def test_the_gravest_findings_are_kept_where_there_are_too_many(examination, told, monkeypatch):
    monkeypatch.setattr(module, "MOST_FINDINGS", 3)
    shown = timeline(examination.features, told, 0.0, 10.0)
    assert [finding["id"] for finding in shown["findings"]] == ["f3", "f5", "f4"]
    assert shown["findings_left_out"] == 2


def test_words_carry_their_probability_and_the_notice_is_marked(examination, told):
    words = timeline(examination.features, told, 0.0, 10.0)["words"]
    assert words["exact"] and "".join(entry["text"] for entry in words["entries"]) == SAID
    assert words["entries"][8]["probability"] == 0.3
    assert words["entries"][0]["notice"] and not words["entries"][-1]["notice"]
    few = timeline(examination.features, told, 0.0, 10.0, 5)["words"]
    assert not few["exact"] and len(few["entries"]) <= 5
    assert "".join(entry["text"] for entry in few["entries"]) == SAID
    assert min(entry["probability"] for entry in few["entries"]) == 0.3
    assert sum(entry["count"] for entry in few["entries"]) == len(SAID)


def test_texts_of_the_scene_and_not_of_the_overlay(examination, told):
    texts = timeline(examination.features, told, 0.0, 10.0)["texts"]["entries"]
    assert [entry["text"] for entry in texts] == ["平安化工有限公司", HOSTILE, "检查记录表"]
    assert texts[0]["time_s"] == 2.0 and texts[0]["left"] == 0.3
    few = timeline(examination.features, told, 0.0, 10.0, 2)["texts"]
    assert [(entry["text"], entry["count"]) for entry in few["entries"]] == [("平安化工有限公司", 3)]


def test_the_clock_runs_against_the_stream(examination, told):
    clock = timeline(examination.features, told, 0.0, 10.0)["clock"]
    steps = {round(value) for value in clock["samples"]["values"]}
    assert len(steps) == 2 and max(steps) - min(steps) == 3
    (unread,) = clock["unread"]
    assert (unread["start_s"], unread["stop_s"]) == pytest.approx((UNREAD.start / FPS, UNREAD.stop / FPS))


def test_key_frames_are_counted_where_they_lie_too_close(examination, told):
    keys = timeline(examination.features, told, 0.0, 10.0)["key_frames"]
    assert keys["exact"] and keys["times_s"] == [n / FPS for n in range(0, FRAMES, 12)]
    few = timeline(examination.features, told, 0.0, 10.0, 4)["key_frames"]
    assert not few["exact"] and sum(few["counts"]) == len(keys["times_s"])


def test_the_waveform_is_the_level_of_the_sound(examination, told):
    wave = timeline(examination.features, told, 0.0, 10.0)["waveform"]
    assert wave["peak"]["values"] == pytest.approx([0.1] * 500)
    assert wave["rms"]["values"][0] == pytest.approx(10 ** (-30 / 20))


def test_absent_is_not_empty(told):
    nothing = timeline(Features({}), {"findings": []}, 0.0, 10.0)
    assert {nothing[name] for name in ("words", "texts", "landmarks", "clock", "waveform", "key_frames")} == {None}
    empty = {name: Table({spec.name: np.empty(0) for spec in TABLES[name]}) for name in ("words", "texts", "landmarks")}
    shown = timeline(Features(empty), {"findings": []}, 0.0, 10.0)
    assert all(shown[name]["entries"] == [] for name in empty)


@pytest.mark.parametrize("stretch", [(1.0, 1.0), (2.0, 1.0), (0.0, math.inf), (math.nan, 1.0)])
def test_no_stretch_is_refused(told, stretch):
    with pytest.raises(ValueError, match="no stretch"):
        timeline(Features({}), told, *stretch)


def test_findings_without_a_place_or_level_do_not_stop_it():
    odd = [
        {"id": "a", "kind": "picture-cut", "level": "violation", "span": {"start_s": None, "stop_s": 1.0}},
        {"id": "b", "kind": "picture-cut", "level": "new-level", "span": {"start_s": 0.0, "stop_s": 1.0}},
        {"id": "c", "kind": "new-kind", "level": "note", "span": {"start_s": 0.0, "stop_s": 1.0}},
    ]
    shown = timeline(Features({}), {"findings": odd}, 0.0, 2.0)
    assert [finding["id"] for finding in shown["findings"]] == ["c"]


def test_four_hours_in_few_buckets_keep_their_only_spike():
    count = 430_000
    times = np.arange(count) / 30
    random = np.random.default_rng(3)
    columns = {name: random.random(count) for name in ("luma_diff", "residual", "flow_residual", "skip_diff")}
    columns["residual"][123_456] = 99.0
    frames = {"time_s": times, "duration_s": np.full(count, 1 / 30), "key": np.arange(count) % 30 == 0}
    clock = np.floor(times + 0.3) + 1_772_352_000
    features = Features({"frames": Table({**frames, **columns, "clock_s": clock})})
    found = {"id": "f1", "kind": "picture-cut", "level": "violation", "detector": "picture-cut", "score": None}
    found |= {
        "span": {"start_s": 4115.2, "stop_s": 4115.3},
        "curves": [{"column": "frames.residual", "threshold": 8.0}],
    }
    prepared = Timeline(features, {"findings": [found]})
    shown = prepared.window(0.0, 14_400.0, 800)
    residual = shown["curves"][0]
    assert residual["samples"]["high_at_s"][residual["samples"]["high"].index(99.0)] == times[123_456]
    assert max(map(len, (curve["samples"]["times_s"] for curve in shown["curves"]))) <= 800
    assert len(json.dumps(shown)) < 1_000_000


@pytest.mark.parametrize("sentence", sorted({*LABELS.values(), *STREAMS.values()}))
def test_legends_are_translated(sentence):
    assert ZH.sentences.get(sentence)


def test_labels_name_columns_that_exist():
    known = {f"{name}.{spec.name}" for name, specs in TABLES.items() for spec in specs}
    assert LABELS.keys() <= known

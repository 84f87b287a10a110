"""Pictures by number: exactly the one that was measured, with its packet, made once however many ask."""

import json
import os
import threading
from dataclasses import replace

import cv2
import numpy as np
import pytest

from detectors.edit_list import edit_list
from pipeline.errors import FootageError
from pipeline.features.schema import table
from pipeline.language import language
from pipeline.media.stills import pictures_at
from pipeline.model import Features, Table
from pipeline.review import stills as module
from pipeline.review.frames import Frames, hidden_times
from pipeline.review.kept import Kept
from pipeline.review.stills import Stills
from tests.footage import make_clip
from tests.pipeline.reviewing import examined, number_of, numbered, trimmed

ZH = language("zh-CN")
UNEVEN = [n / 25 + (0.4 if n > 20 else 0) + (n % 3) * 0.004 for n in range(60)]


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clip")
    path = make_clip(folder / "a.mp4", frames=60, gop=12, bframes=2, picture=numbered)
    return examined(path, folder / "work")


@pytest.fixture
def stills(tmp_path):
    return Stills(tmp_path / "kept")


ODD = {
    "b-frames.mp4": {"bframes": 3, "gop": 30},
    "uneven.mp4": {"timestamps": UNEVEN},
    "late.mp4": {"timestamps": [1.5 + n / 25 for n in range(60)]},
    "matroska.mkv": {"timestamps": UNEVEN, "bframes": 2},
    "transport.ts": {"bframes": 2},
    "chunks.avi": {"codec": "mpeg4", "audio": "mp3"},
    "jpeg.mov": {"codec": "mjpeg", "pixel_format": "yuvj420p", "audio": "pcm_s16le"},
    "program.mpg": {"codec": "mpeg2video", "audio": "mp2", "bframes": 2},
    "nine.webm": {"codec": "vp9", "audio": None},
}


@pytest.mark.parametrize("name", ODD)
def test_a_picture_is_the_one_that_was_measured_under_its_number(tmp_path, stills, name):
    path = make_clip(tmp_path / name, **{"frames": 60, "gop": 15, "picture": numbered, **ODD[name]})
    found = examined(path, tmp_path / "work")
    wanted = [0, 1, 14, 15, 16, 40, Frames(found.features).count - 1]
    shown = stills.take(found.footage, found.features, wanted)
    first = number_of(shown[0].path)  # some encoders and muxers leave a first picture out
    assert first <= 1
    assert {frame: number_of(still.path) - first for frame, still in shown.items()} == {n: n for n in wanted}
    frames = found.features["frames"]
    assert [shown[n].pts for n in wanted] == [int(frames["pts"][n]) for n in wanted]
    assert [shown[n].time_s for n in wanted] == pytest.approx([frames["time_s"][n] for n in wanted])


def test_stills_have_every_pixel_as_it_was_decoded(clip, stills):
    import av

    shown = stills.take(clip.footage, clip.features, [17])[17]
    with av.open(str(clip.footage.path)) as opened:
        decoded = [frame.to_ndarray(format="bgr24") for frame in opened.decode(video=0)]
    assert (cv2.imread(str(shown.path)) == decoded[17]).all()
    assert not shown.scaled
    small = Stills(stills._kept.root, longest_px=160).take(clip.footage, clip.features, [17])[17]
    assert (small.width_px, small.height_px, small.scaled) == (160, 120, True)
    assert small.path != shown.path


def test_stills_stand_upright(tmp_path, stills):
    path = make_clip(tmp_path / "turned.mp4", frames=5, rotate=90, audio=None)
    found = examined(path, tmp_path / "work")
    shown = stills.take(found.footage, found.features, [0])[0]
    assert (shown.width_px, shown.height_px) == (240, 320)


def test_each_picture_carries_its_packet(clip):
    frames = Frames(clip.features)
    packets = clip.features["packets"]
    content = clip.footage.path.read_bytes()
    rows = [frames.facts(n) for n in range(frames.count)]
    assert [facts.frame for facts in rows if facts.key] == [facts.frame for facts in rows if facts.packet.key]
    assert {facts.picture_type for facts in rows} == {"I", "P", "B"} == {facts.packet.slice_type for facts in rows}
    assert all(facts.picture_type == facts.packet.slice_type for facts in rows)
    assert sorted(facts.packet.number for facts in rows) == list(range(60))
    assert [facts.packet.number for facts in rows] != list(range(60))  # B pictures are decoded later than shown
    video = packets.where(packets["stream"] == 0)
    for facts in rows:
        assert facts.packet.size_bytes == video["size_bytes"][facts.packet.number]
        assert facts.packet.dts_s <= facts.time_s + 1e-9
        unit = content[facts.packet.position_bytes : facts.packet.position_bytes + 4]
        assert 0 < int.from_bytes(unit) < facts.packet.size_bytes  # the length of its first NAL unit


def test_packets_of_avi_are_found_by_their_decoding_time(tmp_path):
    path = make_clip(tmp_path / "a.avi", codec="mpeg4", frames=20, picture=numbered, audio="mp3")
    frames = Frames(examined(path, tmp_path / "work").features)
    found = [frames.facts(n).packet for n in range(1, frames.count)]
    assert [packet.number for packet in found] == list(range(found[0].number, found[0].number + len(found)))


@pytest.mark.parametrize(
    ("time_s", "places"),
    [
        (1.0, {23: "before", 24: "before", 25: "in", 26: "after", 27: "after"}),
        (1.02, {23: "before", 24: "before", 25: "in", 26: "after", 27: "after"}),
        (0.0, {0: "in", 1: "after", 2: "after"}),
        (-1.0, {0: "after", 1: "after"}),
        (99.0, {57: "before", 58: "before", 59: "in"}),
    ],
)
def test_pictures_around_a_time(clip, time_s, places):
    assert {facts.frame: facts.place for facts in Frames(clip.features).at(time_s, 2, 2)} == places


@pytest.mark.parametrize(
    ("span", "places"),
    [
        ((20, 21), {19: "before", 20: "before", 21: "after", 22: "after"}),  # a cut
        ((20, 20), {19: "before", 20: "before", 21: "after", 22: "after"}),
        ((20, 23), {18: "before", 19: "before", 20: "in", 21: "in", 22: "in", 23: "after", 24: "after"}),
        ((10, 50), {8: "before", 9: "before", 10: "in", 11: "in", 48: "in", 49: "in", 50: "after", 51: "after"}),
        ((0, 60), {0: "in", 1: "in", 58: "in", 59: "in"}),
        ((58, 99), {56: "before", 57: "before", 58: "in", 59: "in"}),
    ],
)
def test_pictures_around_a_finding(clip, span, places):
    finding = {"span": {"start_s": 0.0, "stop_s": 1.0, "first_frame": span[0], "stop_frame": span[1]}}
    assert {facts.frame: facts.place for facts in Frames(clip.features).around(finding, 2, 2)} == places


def test_a_finding_about_the_sound_shows_the_pictures_of_its_time(clip):
    finding = {"span": {"start_s": 1.0, "stop_s": 1.08, "first_frame": None, "stop_frame": None}}
    found = {facts.frame: facts.place for facts in Frames(clip.features).around(finding, 1, 1)}
    assert found == {24: "before", 25: "in", 26: "in", 27: "after"}
    assert Frames(Features({})).around(finding) == [] == Frames(Features({})).at(1.0)


def test_pictures_that_share_a_time_are_not_guessed(clip, stills):
    frames = clip.features["frames"]
    times = frames["time_s"].copy()
    times[11], times[30] = times[10], np.nan
    pts = frames["pts"].copy()
    pts[30] = np.nan
    odd = Features({**clip.features.tables, "frames": Table({**frames, "time_s": times, "pts": pts})})
    shown = stills.take(clip.footage, odd, [10, 11, 30, 12])
    reasons = {frame: ZH.tell(still.reason) if still.reason else None for frame, still in shown.items()}
    assert shown[12].path and reasons[12] is None
    assert reasons[10] == reasons[11] == ZH.text(module.NOT_ALONE) != module.NOT_ALONE
    assert reasons[30] == ZH.text(module.NO_TIME) != module.NO_TIME


def test_another_picture_than_the_one_that_was_measured_is_refused(clip, stills):
    frames = clip.features["frames"]
    times, pts = frames["time_s"] + 0.01, frames["pts"] + 1
    odd = Features({**clip.features.tables, "frames": Table({**frames, "time_s": times, "pts": pts})})
    (still,) = stills.take(clip.footage, odd, [10]).values()
    assert still.path is None and str(still.reason) == module.NOT_EXACT
    assert ZH.tell(still.reason) != module.NOT_EXACT


def test_hidden_pictures_are_shown_by_the_time_of_the_media(tmp_path, stills):
    found = examined(trimmed(tmp_path), tmp_path / "work")
    (finding,) = edit_list(found.features)
    times = hidden_times(json.loads(json.dumps({"evidence": dict(finding.evidence)})), 4)
    shown = stills.take_hidden(found.footage, found.features, times)
    assert [number_of(shown[time_s].path) for time_s in times] == [6, 18, 31, 43]
    assert [shown[time_s].time_s for time_s in times] == pytest.approx([6 / 25, 18 / 25, 31 / 25, 43 / 25])
    first = stills.take(found.footage, found.features, [0])[0]
    assert number_of(first.path) == 50 and first.path not in {still.path for still in shown.values()}
    assert hidden_times({"evidence": {"stream_kind": "audio", "hidden_from_s": 0.0, "hidden_to_s": 1.0}}) == []


def test_the_difference_is_that_of_the_pixels_times_its_factor(clip, stills):
    shown = stills.take(clip.footage, clip.features, [3, 4])
    one, other = (cv2.imread(str(shown[n].path)).astype(int) for n in (3, 4))
    found = stills.compare(clip.footage, clip.features, 3, 4, factor=2)
    assert (cv2.imread(str(found.path)) == np.minimum(2 * np.abs(one - other), 255)).all()
    assert found.mean == pytest.approx(np.abs(one - other).mean())
    assert (found.largest, found.factor) == (np.abs(one - other).max(), 2)
    assert found.changed == pytest.approx((one != other).any(axis=2).mean())
    same = stills.compare(clip.footage, clip.features, 5, 5)
    assert (same.mean, same.largest, same.changed) == (0.0, 0, 0.0)
    assert stills.compare(clip.footage, clip.features, 3, 4, factor=2).path == found.path
    with pytest.raises(ValueError, match="factor"):
        stills.compare(clip.footage, clip.features, 3, 4, factor=0.5)


def test_pictures_of_two_sizes_are_not_compared(tmp_path, clip):
    from pipeline.media.difference import difference

    for name, size in (("a", 8), ("b", 9)):
        cv2.imwrite(str(tmp_path / f"{name}.png"), np.zeros((size, 8, 3), np.uint8))
    (tmp_path / "c.png").write_bytes(b"no picture")
    for other in ("b", "c"):
        assert difference(tmp_path / "a.png", tmp_path / f"{other}.png", tmp_path / "made.png", 8) is None
    assert not (tmp_path / "made.png").exists()


def test_a_picture_is_made_once_however_many_ask(clip, stills, monkeypatch):
    calls, together = [], threading.Barrier(6)

    def counted(*args, **how):
        calls.append(args[1])
        return pictures_at(*args, **how)

    monkeypatch.setattr(module, "pictures_at", counted)
    found = []

    def ask():
        together.wait()
        found.append(stills.take(clip.footage, clip.features, [7, 8]))

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(calls) == 1 and len(found) == 6
    assert all(shown == found[0] for shown in found)
    assert number_of(found[0][7].path) == 7


def test_what_cannot_be_made_has_a_reason_and_is_tried_again(clip, tmp_path):
    slow = Stills(tmp_path, still_timeout_s=0.05)
    (still,) = slow.take(clip.footage, clip.features, [3]).values()
    assert still.path is None and ZH.tell(still.reason) != str(still.reason)
    assert Stills(tmp_path).take(clip.footage, clip.features, [3])[3].path is not None
    bare = Features({**clip.features.tables, "streams": table("streams", [])})
    (still,) = Stills(tmp_path).take(clip.footage, bare, [3]).values()
    assert str(still.reason) == module.NO_PICTURES


def test_somebody_else_at_work_for_too_long_is_told(clip, tmp_path):
    with Kept(tmp_path, 10**9).lock(clip.footage.sha256):
        (still,) = Stills(tmp_path, still_timeout_s=0.1).take(clip.footage, clip.features, [3]).values()
    assert str(still.reason) == module.BUSY and ZH.tell(still.reason) != module.BUSY


def test_a_clip_that_is_no_longer_what_was_examined_is_refused(tmp_path, stills):
    path = make_clip(tmp_path / "a.mp4", frames=5, audio=None)
    found = examined(path, tmp_path / "work")
    assert stills.take(found.footage, found.features, [0])[0].path
    os.utime(path, ns=(1, found.footage.modified_ns + 1))
    with pytest.raises(FootageError, match="was changed"):
        stills.take(found.footage, found.features, [0])
    with pytest.raises(FootageError, match="not hashed"):
        stills.take(replace(found.footage, sha256=""), found.features, [0])
    path.unlink()
    with pytest.raises(FootageError, match="no longer lay"):
        stills.take_hidden(found.footage, found.features, [0.0])
    with pytest.raises(IndexError):
        Frames(found.features).facts(5)


def test_what_was_looked_at_longest_ago_goes_first(clip, tmp_path):
    kept = Kept(tmp_path, 2500)
    for age, name in ((300, "a"), (200, "b"), (100, "c")):
        with kept.new(clip.footage.sha256) as new:
            (new / "picture.png").write_bytes(bytes(1000))
            entry = kept.put(new, clip.footage.sha256, name)
        os.utime(entry, (entry.stat().st_mtime - age,) * 2)
    assert kept.find(clip.footage.sha256, "a")
    kept.trim()
    assert [name for name in "abc" if kept.find(clip.footage.sha256, name)] == ["a", "c"]
    assert [path.name for path in kept.folder(clip.footage.sha256).iterdir() if path.name.startswith(".")] == []


def test_what_a_killed_process_left_goes_after_a_day(clip, tmp_path):
    kept = Kept(tmp_path, 1000)
    folder = kept.folder(clip.footage.sha256)
    for name in (".new-old", ".new-young"):
        (folder / name).mkdir(parents=True)
    os.utime(folder / ".new-old", (1, 1))
    kept.trim()
    assert [path.name for path in folder.iterdir()] == [".new-young"]


@pytest.mark.parametrize("name", ["", "..", "A" * 64, "../" + "a" * 61, "a" * 63])
def test_only_a_hash_names_a_folder(tmp_path, name):
    with pytest.raises(ValueError, match="no SHA-256"):
        Kept(tmp_path, 1).folder(name)

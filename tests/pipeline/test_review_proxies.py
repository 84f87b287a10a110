"""Viewing copies: the same pictures at the same times, marked as copies, made once; and when none is needed."""

import sys
import threading
from contextlib import suppress
from pathlib import Path

import av
import numpy as np
import pytest

from pipeline.errors import FootageError
from pipeline.features.schema import table
from pipeline.language import language
from pipeline.media.copy_mark import TEXT, copy_strip
from pipeline.media.viewing_copy import FORMS, Bounds, make_copy
from pipeline.model import Features, Table
from pipeline.review import playable as playing
from pipeline.review import proxies as module
from pipeline.review.playable import playable
from pipeline.review.proxies import Copy, Proxies
from tests.footage import make_clip, murmur
from tests.pipeline.reviewing import examined, number_in, numbered, trimmed

ZH = language("zh-CN")
UNEVEN = [n / 25 + (3.0 if n > 20 else 0) + (n % 3) * 0.004 for n in range(60)]
NEGATIVE_S = 0.5
BOUNDS = Bounds(60, 4096, 600, 1000)

ODD = {
    "plain.mp4": {},
    "b-frames.mp4": {"bframes": 3, "gop": 30},
    "uneven.mp4": {"timestamps": UNEVEN},
    "late.mp4": {"timestamps": [1.5 + n / 25 for n in range(60)]},
    "matroska.mkv": {"timestamps": UNEVEN, "bframes": 2},
    "transport.ts": {"bframes": 2},
    "chunks.avi": {"codec": "mpeg2video", "audio": "mp3"},
    "visual.avi": {"codec": "mpeg4", "audio": "pcm_mulaw", "rate_hz": 8000},
    "jpeg.mov": {"codec": "mjpeg", "pixel_format": "yuvj420p", "audio": "pcm_alaw", "rate_hz": 8000},
    "program.mpg": {"codec": "mpeg2video", "audio": "mp2", "bframes": 2},
    "phone.3gp": {"codec": "mpeg4", "audio": "amr"},
    "nine.webm": {"codec": "vp9", "audio": "libopus"},
    "hevc.mp4": {"codec": "hevc"},
    "ten-bit.mp4": {"pixel_format": "yuv420p10le"},
    "interlaced.mp4": {"interlaced": True},
    "silent.mp4": {"audio": None},
    "uneven-size.mp4": {"size": (322, 242), "pixel_format": "yuv444p"},
    "odd-size.mkv": {"size": (321, 243), "pixel_format": "yuv444p"},
}


@pytest.fixture(scope="module")
def proxies(tmp_path_factory):
    made = Proxies(tmp_path_factory.mktemp("copies"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def long(tmp_path_factory):
    """Return a clip that takes more than a second to copy."""
    folder = tmp_path_factory.mktemp("long")
    return make_clip(folder / "a.avi", codec="mpeg4", frames=700, size=(640, 360), audio=None)


def clip_of(folder: Path, name: str, **how):
    size = how.get("size", (320, 240))
    folder.mkdir(exist_ok=True)
    path = make_clip(
        folder / name, **{"frames": 60, "gop": 15, "picture": lambda n: numbered(n, size), **how, "size": size}
    )
    return examined(path, folder / "work")


def shown_by(path: Path, strip_px: int = 0):
    """Return times and pictures (luma, without the strip) that a copy shows."""
    with av.open(str(path)) as opened:
        frames = list(opened.decode(video=0))
    lumas = [frame.to_ndarray(format="gray") for frame in frames]
    return [frame.time for frame in frames], [luma[: luma.shape[0] - strip_px] for luma in lumas]


@pytest.mark.parametrize("name", ODD)
def test_every_picture_stands_at_its_own_time(tmp_path, proxies, name):
    found = clip_of(tmp_path, name, **ODD[name])
    before = (found.footage.path.read_bytes(), found.footage.path.stat().st_mtime_ns)
    standing = proxies.make(found.footage, found.features)
    assert standing.state == "ready", standing.reason
    copy = standing.copy
    frames = found.features["frames"]
    strip = len(copy_strip(copy.made.width_px))
    times, pictures = shown_by(copy.path, strip)
    if copy.made.lead_s:
        assert (times[0], pictures[0].max() < 30) == (0.0, True)
        assert copy.made.lead_s == pytest.approx(frames["time_s"][0], abs=0.001)
        times, pictures = times[1:], pictures[1:]
    assert len(times) == frames.rows == copy.made.pictures
    assert np.abs(np.array(times) - frames["time_s"]).max() <= 0.001
    first = number_in(pictures[0])
    assert first <= 1  # some muxers leave a first picture out
    assert [number_in(picture) - first for picture in pictures] == list(range(frames.rows))
    assert (copy.made.offset_s, copy.made.pictures_left_out, copy.made.pictures_failed) == (0.0, 0, 0)
    assert (found.footage.path.read_bytes(), found.footage.path.stat().st_mtime_ns) == before
    if sys.platform.startswith("linux"):
        assert {"limits", "seccomp"} <= set(copy.isolation)


def test_it_is_what_browsers_play_from_its_beginning_on(tmp_path, proxies):
    found = clip_of(tmp_path, "a.avi", codec="mpeg4", audio="mp3")
    copy = proxies.make(found.footage, found.features).copy
    of_copy = examined(copy.path, tmp_path / "copy")
    assert playable(of_copy.features).media_type == copy.made.media_type == "video/mp4"
    types = [box for box in of_copy.features["boxes"]["type"] if box in {"moov", "mdat"}]
    assert types == ["moov", "mdat"]  # fast start


def test_it_says_that_it_is_a_copy_below_the_picture_and_in_its_metadata(tmp_path, proxies):
    found = clip_of(tmp_path, "a.avi", codec="mpeg4", size=(640, 360))
    copy = proxies.make(found.footage, found.features).copy
    strip = copy_strip(640)
    _, pictures = shown_by(copy.path)
    assert pictures[0].shape == (360 + len(strip), 640) == (copy.made.height_px, copy.made.width_px)
    for picture in (pictures[0], pictures[-1]):
        assert np.abs(picture[360:].astype(int) - (strip.astype(int) - 16) * 255 / 219).mean() < 12
    with av.open(str(copy.path)) as opened:
        assert opened.metadata["title"] == TEXT
        assert TEXT in opened.metadata["comment"] and found.footage.sha256 in opened.metadata["comment"]


@pytest.mark.parametrize("width", [16, 96, 176, 320, 720, 1280, 1920])
def test_the_mark_fits_every_width(width):
    strip = copy_strip(width)
    assert strip.shape[1] == width and strip.shape[0] % 2 == 0
    assert strip.shape[0] <= 72 and strip.min() == 16
    if width >= 96:
        assert strip.max() > 150 and strip[:, -1].max() == 16


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_it_stands_upright(tmp_path, proxies, turn):
    found = clip_of(tmp_path, "a.mp4", rotate=turn, codec="hevc", frames=20)
    copy = proxies.make(found.footage, found.features).copy
    _, pictures = shown_by(copy.path, len(copy_strip(copy.made.width_px)))
    assert pictures[0].shape == ((240, 320) if turn == 180 else (320, 240))
    assert [number_in(np.rot90(picture, turn // 90)) for picture in pictures] == list(range(20))


def test_a_large_picture_has_at_most_1080_lines_and_its_pixels_become_square(tmp_path, proxies):
    found = clip_of(tmp_path, "a.avi", codec="mpeg4", size=(2560, 1440), frames=3)
    made = proxies.make(found.footage, found.features).copy.made
    assert (made.width_px, made.height_px - len(copy_strip(1920))) == (1920, 1080)
    found = clip_of(tmp_path, "portrait.mp4", codec="hevc", size=(1080, 1920), frames=3)
    made = proxies.make(found.footage, found.features).copy.made
    assert (made.width_px, made.height_px - len(copy_strip(608))) == (608, 1080)


def test_what_an_edit_list_hides_is_not_shown(tmp_path, proxies):
    found = examined(trimmed(tmp_path), tmp_path / "work")
    assert [str(reason) for reason in playable(found.features).reasons] == [playing.EDITS]
    copy = proxies.make(found.footage, found.features).copy
    times, pictures = shown_by(copy.path, len(copy_strip(320)))
    assert [number_in(picture) for picture in pictures] == list(range(50, 120))
    assert times == pytest.approx(found.features["frames"]["time_s"].tolist(), abs=0.001)


def test_times_below_zero_stay_and_the_copy_says_by_how_much_it_is_later(tmp_path):
    """No muxer here writes pictures before 0 s; so the tables say so, and the copy is made as they ask."""
    found = clip_of(tmp_path, "a.mkv", audio=None)
    frames = found.features["frames"]
    early = Features({**found.features.tables, "frames": Table({**frames, "time_s": frames["time_s"] - NEGATIVE_S})})
    assert module._offset_s(early) == NEGATIVE_S and module._offset_s(found.features) == 0.0
    assert [reason.template for reason in playable(early).reasons] == [playing.CONTAINER, playing.STARTS]
    outcome = make_copy(found.footage.path, tmp_path, BOUNDS, lambda _share: None, offset_s=NEGATIVE_S)
    copy = Copy(tmp_path / outcome.made.name, outcome.made, ())
    times, pictures = shown_by(copy.path, len(copy_strip(320)))
    assert (times[0], pictures[0].max() < 30, copy.made.lead_s) == (0.0, True, NEGATIVE_S)
    assert times[1:] == pytest.approx([copy.time_in_copy(time_s) for time_s in frames["time_s"]], abs=0.001)
    assert [number_in(picture) for picture in pictures[1:]] == list(range(60))


def beeps(start: int, count: int, rate_hz: int = 48_000):
    """Return silence with a burst of 50 ms at every whole second."""
    time_s = (start + np.arange(count)) / rate_hz
    return np.where(time_s % 1.0 < 0.05, 0.8 * np.sin(2 * np.pi * 1000 * time_s), 0).astype(np.float32)


def onsets(path: Path) -> list[float]:
    """Return when each burst begins, in seconds of the file's timeline."""
    times, levels = [], []
    with av.open(str(path)) as opened:
        for frame in opened.decode(audio=0):
            samples = np.abs(frame.to_ndarray().reshape(len(frame.layout.channels), -1)[0])
            times.append(frame.time + np.arange(len(samples)) / frame.sample_rate)
            levels.append(samples)
    time_s, level = np.concatenate(times), np.concatenate(levels)
    loud = time_s[level > 0.3]
    return [float(loud[0]), *loud[1:][np.diff(loud) > 0.5].tolist()]


@pytest.mark.parametrize("name", ["a.avi", "b.mkv", "c.mov"])
def test_the_sound_stands_at_its_own_time(tmp_path, proxies, name):
    how = {"codec": "mpeg4", "audio": "pcm_s16le", "sound": beeps, "frames": 100}
    found = clip_of(tmp_path, name, **how)
    copy = proxies.make(found.footage, found.features).copy
    assert onsets(copy.path) == pytest.approx([0, 1, 2, 3], abs=0.004)
    assert copy.made.sound_s == pytest.approx(4.0, abs=0.01)


def test_a_hole_in_the_sound_stays_a_hole(tmp_path, proxies):
    whole = make_clip(tmp_path / "whole.mkv", frames=150, picture=numbered, audio="pcm_s16le", sound=beeps)
    path = tmp_path / "hole.mkv"
    with av.open(str(whole)) as taken, av.open(str(path), "w") as made:
        streams = {stream.index: made.add_stream_from_template(stream) for stream in taken.streams}
        for packet in taken.demux():
            gone = packet.stream.type == "audio" and packet.size and 1.5 <= float(packet.pts * packet.time_base) < 3.5
            if packet.size and not gone:
                packet.stream = streams[packet.stream_index]
                made.mux(packet)
    found = examined(path, tmp_path / "work")
    assert playing.HOLES in [str(reason) for reason in playable(found.features).reasons]
    copy = proxies.make(found.footage, found.features).copy
    assert onsets(copy.path) == pytest.approx([0, 1, 4, 5], abs=0.004)
    assert copy.made.silence_s == pytest.approx(2.0, abs=1.1)  # packets of this muxer are up to a second long


def test_without_pictures_there_is_sound(tmp_path, proxies):
    for name, audio in (("a.wav", "pcm_mulaw"), ("b.mp4", "aac")):
        path = make_clip(tmp_path / name, codec=None, audio=audio, sound=beeps, sound_s=3.0, frames=75)
        found = examined(path, tmp_path / f"work-{name}")
        copy = proxies.make(found.footage, found.features).copy
        assert (copy.made.media_type, copy.made.pictures, copy.made.width_px) == ("audio/mp4", 0, 0)
        assert onsets(copy.path) == pytest.approx([0, 1, 2], abs=0.03 if audio == "aac" else 0.004)


def test_of_a_damaged_clip_what_decodes_is_shown(tmp_path, proxies):
    whole = make_clip(tmp_path / "whole.mkv", frames=120, gop=12, picture=numbered)
    content = bytearray(whole.read_bytes())
    path = tmp_path / "cut.mkv"
    path.write_bytes(content[: len(content) * 2 // 3])
    found = examined(path, tmp_path / "work")
    copy = proxies.make(found.footage, found.features).copy
    times, pictures = shown_by(copy.path, len(copy_strip(320)))
    assert 40 < len(times) == found.features["frames"].rows < 120
    assert [number_in(picture) for picture in pictures[:40]] == list(range(40))
    middle = len(content) // 2
    content[middle : middle + 4000] = np.random.default_rng(1).bytes(4000)
    path = tmp_path / "holed.mkv"
    path.write_bytes(content)
    found = examined(path, tmp_path / "work2")
    assert not playable(found.features).direct
    copy = proxies.make(found.footage, found.features).copy
    assert np.array(shown_by(copy.path)[0]) == pytest.approx(found.features["frames"]["time_s"], abs=0.001)


def test_pictures_whose_times_run_back_are_left_out_and_counted(tmp_path, proxies):
    whole = make_clip(tmp_path / "whole.mkv", frames=40, gop=1, picture=numbered, audio=None)
    path = tmp_path / "back.avi.mkv"
    with av.open(str(whole)) as taken, av.open(str(path), "w", format="mpegts") as made:
        stream = taken.streams.video[0]
        copy = made.add_stream_from_template(stream)
        for number, packet in enumerate(packet for packet in taken.demux(stream) if packet.size):
            if number >= 20:
                packet.pts -= round(0.4 / packet.time_base)
            packet.dts, packet.stream = packet.pts, copy
            with suppress(av.FFmpegError):  # the muxer takes no time that runs back
                made.mux(packet)
    found = examined(path, tmp_path / "work")
    copy = proxies.make(found.footage, found.features).copy
    times, _ = shown_by(copy.path)
    assert all(step > 0 for step in np.diff(times))
    assert copy.made.pictures + copy.made.pictures_left_out == found.features["frames"].rows


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.container)
def test_either_way_of_coding_keeps_pictures_and_times(tmp_path, form):
    found = clip_of(tmp_path, "a.mkv", timestamps=UNEVEN)
    shares: list[float] = []
    outcome = make_copy(found.footage.path, tmp_path, BOUNDS, shares.append, duration_s=5.4, form=form)
    times, pictures = shown_by(tmp_path / outcome.made.name, len(copy_strip(320)))
    assert times == pytest.approx(found.features["frames"]["time_s"].tolist(), abs=0.001)
    assert [number_in(picture) for picture in pictures] == list(range(60))
    assert shares[-1] == 1.0 and shares == sorted(shares)


@pytest.mark.parametrize(
    ("bounds", "problem"),
    [
        (Bounds(60, 4096, 600, 0.02), "file"),
        (Bounds(60, 4096, 1, 1000), "cpu"),
        (Bounds(60, 8, 600, 1000), "memory"),
        (Bounds(0.01, 4096, 600, 1000), "hung"),
    ],
)
def test_going_over_a_bound_is_told(long, tmp_path, bounds, problem):
    outcome = make_copy(long, tmp_path, bounds, lambda _share: None)
    assert (outcome.made, outcome.problem) == (None, problem)


def test_a_foreign_file_gives_no_copy(tmp_path):
    path = tmp_path / "list.mp4"
    path.write_text("ffconcat version 1.0\nfile /etc/passwd\n")
    assert make_copy(path, tmp_path, BOUNDS, lambda _share: None).problem == "nothing"


def test_a_failure_is_told_in_the_readers_language_and_may_be_tried_again(tmp_path):
    found = clip_of(tmp_path, "a.avi", codec="mpeg4")
    tight = Proxies(tmp_path / "copies", file_mb=0.01)
    first = tight.ask(found.footage, found.features)
    assert first.state == "waiting"
    tight._jobs[found.footage.sha256].result()
    standing = tight.standing(found.footage)
    assert (standing.state, ZH.tell(standing.reason)) == ("failed", ZH.text(module.FILE).format(file_mb=0.01))
    tight.close()
    wide = Proxies(tmp_path / "copies")
    assert wide.standing(found.footage).state == "absent"
    assert wide.make(found.footage, found.features).state == "ready"
    assert sorted(path.name for path in (tmp_path / "copies").glob("??/*/.new-*")) == []
    wide.close()


@pytest.mark.parametrize("template", [*module.PROBLEMS.values(), module.NO_ENCODER, module.MANY])
def test_reasons_are_translated(template):
    assert ZH.text(template) != template


def test_it_is_made_once_however_many_ask(tmp_path, monkeypatch):
    found = clip_of(tmp_path, "a.avi", codec="mpeg4")
    calls = []

    def counted(*args, **how):
        calls.append(args)
        return make_copy(*args, **how)

    monkeypatch.setattr(module, "make_copy", counted)
    servers = [Proxies(tmp_path / "copies") for _ in range(3)]  # as in several processes
    standings = []
    threads = [
        threading.Thread(target=lambda server=server: standings.append(server.make(found.footage, found.features)))
        for server in servers
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(calls) == 1
    assert {standing.state for standing in standings} == {"ready"}
    assert len({standing.copy.path for standing in standings}) == 1
    assert servers[0].ask(found.footage, found.features).state == "ready"
    for server in servers:
        server.close()


def test_more_than_may_wait_are_refused(tmp_path):
    clips = [clip_of(tmp_path / name, "a.avi", codec="mpeg4", frames=3 + n) for n, name in enumerate("abc")]
    server = Proxies(tmp_path / "copies", most_waiting=1)
    with server._kept.lock(clips[0].footage.sha256, module.LOCK):  # the first cannot go on
        standings = [server.ask(clip.footage, clip.features) for clip in clips]
        assert [standing.state for standing in standings] == ["waiting", "waiting", "failed"]
        assert str(standings[2].reason) == module.MANY.format(count=2)
    server.close()


def test_progress_is_told_and_closing_ends_what_is_under_way(tmp_path):
    path = make_clip(tmp_path / "a.avi", codec="mpeg4", frames=300, size=(1280, 720), audio=None, gop=30)
    found = examined(path, tmp_path / "work")
    server, other = Proxies(tmp_path / "copies"), Proxies(tmp_path / "copies")
    server.ask(found.footage, found.features)
    while (standing := other.standing(found.footage)).state != "making" or not standing.share:
        assert server.standing(found.footage).state in {"waiting", "making"}
    assert 0 < standing.share < 1
    server.close()
    assert server.standing(found.footage).reason.template == module.STOPPED
    assert other.standing(found.footage).state == "absent"
    assert list((tmp_path / "copies").glob("??/*/copy-*")) == []
    other.close()


def test_what_is_no_longer_what_was_examined_is_refused(tmp_path, proxies):
    found = clip_of(tmp_path, "a.avi", codec="mpeg4", frames=5)
    with found.footage.path.open("ab") as clip:
        clip.write(b"more")
    for asked in (proxies.ask, proxies.make):
        with pytest.raises(FootageError, match="was changed"):
            asked(found.footage, found.features)


DIRECT = {
    "plain.mp4": ({}, "video/mp4"),
    "b-frames.mp4": ({"bframes": 2}, "video/mp4"),
    "uneven.mp4": ({"timestamps": UNEVEN, "audio": None}, "video/mp4"),
    "turned.mp4": ({"rotate": 90}, "video/mp4"),
    "nine.webm": ({"codec": "vp9", "audio": "libopus"}, "video/webm"),
    "nine.mp4": ({"codec": "vp9"}, "video/mp4"),
    "sound.mp4": ({"codec": None}, "audio/mp4"),
    "a-lie.avi": ({"container": "mp4"}, "video/mp4"),
}


@pytest.mark.parametrize("name", DIRECT)
def test_what_browsers_play_needs_no_copy(tmp_path, name):
    how, media_type = DIRECT[name]
    found = playable(clip_of(tmp_path, name, **how).features)
    assert (found.media_type, found.direct, found.reasons) == (media_type, True, ())


NEEDS_A_COPY = {
    "a.avi": ({"codec": "mpeg4", "audio": "mp3"}, playing.CONTAINER),
    "a-lie.mp4": ({"container": "avi", "codec": "mpeg4", "audio": "mp3"}, playing.CONTAINER),
    "b.mov": ({}, playing.CONTAINER),
    "c.mkv": ({}, playing.CONTAINER),
    "d.mp4": ({"codec": "hevc"}, playing.CODEC),
    "e.mp4": ({"pixel_format": "yuv422p"}, playing.CODEC),
    "f.mp4": ({"pixel_format": "yuv420p10le"}, playing.CODEC),
    "g.mp4": ({"audio": "alac"}, playing.CODEC),
    "h.mp4": ({"container_options": {"movflags": "frag_keyframe+empty_moov"}}, playing.FRAGMENTS),
    "i.mp4": ({"timestamps": [1.5 + n / 25 for n in range(60)]}, playing.STARTS),
}


@pytest.mark.parametrize("name", NEEDS_A_COPY)
def test_what_browsers_do_not_play_alike_needs_a_copy(tmp_path, name):
    how, template = NEEDS_A_COPY[name]
    found = playable(clip_of(tmp_path, name, **how).features)
    assert not found.direct and template in [reason.template for reason in found.reasons]
    for reason in found.reasons:
        assert ZH.tell(reason) != str(reason)


def test_a_cut_off_clip_needs_a_copy(tmp_path):
    whole = make_clip(tmp_path / "a.mp4", frames=60, container_options={"movflags": "+faststart"})
    path = tmp_path / "cut.mp4"
    path.write_bytes(whole.read_bytes()[:-20_000])
    assert playing.UNFINISHED in [str(r) for r in playable(examined(path, tmp_path / "work").features).reasons]


def test_two_streams_of_sound_need_a_copy_and_no_tables_do_too(tmp_path):
    found = clip_of(tmp_path, "a.mp4", frames=5)
    rows = [
        {"stream": n, "kind": kind, "codec": codec, "profile": profile, "default": n < 2, "rotation_deg": 0.0}
        for n, (kind, codec, profile) in enumerate([("video", "h264", "High"), *[("audio", "aac", "LC")] * 2])
    ]
    two = Features({**found.features.tables, "streams": table("streams", rows)})
    assert [str(reason) for reason in playable(two).reasons] == [playing.SEVERAL]
    assert [str(reason) for reason in playable(Features({})).reasons] == [playing.NO_STREAMS]


def test_every_reason_is_translated():
    templates = [value for name, value in vars(playing).items() if name.isupper() and isinstance(value, str)]
    assert len(templates) >= 12
    assert [template for template in templates if ZH.text(template) == template] == []


PLAYER = """
async ([time_s]) => {
  const video = document.querySelector('video');
  const shown = new Promise(done => video.requestVideoFrameCallback((now, frame) => done(frame.mediaTime)));
  const sought = new Promise(done => video.addEventListener('seeked', done, {once: true}));
  video.currentTime = time_s;
  await sought;
  return await Promise.race([shown, new Promise(done => setTimeout(() => done(-1), 5000))]);
}
"""


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.container)
def test_a_browser_plays_and_seeks_it_to_the_very_picture(browser, tmp_path, form):
    import cv2

    found = clip_of(tmp_path, "a.avi.mkv", timestamps=UNEVEN, bframes=2)
    outcome = make_copy(found.footage.path, tmp_path, BOUNDS, lambda _share: None, form=form)
    (tmp_path / "page.html").write_text(
        f'<body style="margin:0"><video muted style="display:block" preload="auto" src="{outcome.made.name}"></video>'
    )
    page = browser.new_page(viewport={"width": 400, "height": 300})
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.goto((tmp_path / "page.html").as_uri())
    page.wait_for_function("() => document.querySelector('video').readyState >= 2")
    assert page.evaluate("document.querySelector('video').duration") == pytest.approx(UNEVEN[-1] + 0.04, abs=0.1)
    for number in (30, 3, 59, 21, 20, 45):
        time_s = page.evaluate(PLAYER, [UNEVEN[number] + 0.018])
        assert time_s == pytest.approx(UNEVEN[number], abs=0.001)
        seen = cv2.imdecode(np.frombuffer(page.locator("video").screenshot(), np.uint8), cv2.IMREAD_COLOR)
        assert number_in(seen[:240, :320]) == number
    page.evaluate("() => { const v = document.querySelector('video'); v.currentTime = 0; return v.play(); }")
    page.wait_for_function("() => document.querySelector('video').ended")
    assert said == []
    page.close()


def test_stereo_stays_stereo_and_many_channels_become_one(tmp_path, proxies):
    def write(path, layout):
        with av.open(str(path), "w") as out:
            stream = out.add_stream("pcm_s16le", rate=16_000)
            stream.codec_context.layout = layout
            count = len(stream.codec_context.layout.channels)
            tones = np.stack([murmur(0, 32_000, rate_hz=16_000, seed=n) for n in range(count)])
            frame = av.AudioFrame.from_ndarray((tones.T.reshape(1, -1) * 20_000).astype(np.int16), "s16", layout)
            frame.sample_rate, frame.pts = 16_000, 0
            out.mux(stream.encode(frame))
            out.mux(stream.encode(None))

    for layout, count in (("stereo", 2), ("5.1", 1)):
        path = tmp_path / f"{layout}.wav"
        write(path, layout)
        found = examined(path, tmp_path / f"work-{layout}")
        copy = proxies.make(found.footage, found.features).copy
        with av.open(str(copy.path)) as opened:
            assert len(opened.streams.audio[0].codec_context.layout.channels) == count
            assert opened.streams.audio[0].rate == 48_000
        assert copy.made.sound_s == pytest.approx(2.0, abs=0.01)

import os
import subprocess
import sys

import cv2
import numpy as np
import pytest
import soundfile

from pipeline.features.extract import MEASURE_VERSION, libraries
from tests.footage import make_clip, view
from tests.pipeline.measuring import counts, gaps, measured, table

FORMS = {
    "mp4 h264 aac": ("a.mp4", {}),
    "mp4 h264 B pictures": ("a.mp4", {"bframes": 2}),
    "mp4 hevc aac": ("a.mp4", {"codec": "hevc"}),
    "mp4 10 bit": ("a.mp4", {"codec": "hevc", "pixel_format": "yuv420p10le"}),
    "mp4 mpeg4 mp3": ("a.mp4", {"codec": "mpeg4", "audio": "mp3"}),
    "mp4 fragmented": ("a.mp4", {"container_options": {"movflags": "frag_keyframe+empty_moov+delay_moov"}}),
    "mov adpcm": ("a.mov", {"audio": "adpcm_ima_qt"}),
    "mov pcm": ("a.mov", {"audio": "pcm_s16le"}),
    "3gp amr": ("a.3gp", {"codec": "mpeg4", "audio": "amr"}),
    "avi mjpeg pcm": ("a.avi", {"codec": "mjpeg", "pixel_format": "yuvj420p", "audio": "pcm_s16le"}),
    "avi mjpeg adpcm": ("a.avi", {"codec": "mjpeg", "pixel_format": "yuvj422p", "audio": "adpcm_ima_wav"}),
    "avi mpeg4 mp3": ("a.avi", {"codec": "mpeg4", "audio": "mp3"}),
    "avi h264 alaw": ("a.avi", {"audio": "pcm_alaw", "rate_hz": 8000}),
    "mkv opus": ("a.mkv", {"audio": "libopus"}),
    "mkv hevc aac": ("a.mkv", {"codec": "hevc"}),
    "webm vp9": ("a.webm", {"codec": "vp9", "audio": "libopus"}),
    "ts": ("a.ts", {"bframes": 2}),
    "m2ts": ("a.m2ts", {"container": "mpegts", "container_options": {"mpegts_m2ts_mode": "1"}}),
    "mpg": ("a.mpg", {"container": "vob", "codec": "mpeg2video", "audio": "mp2"}),
    "flv": ("a.flv", {}),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_container_and_codec_gives_the_same_clip(form, tmp_path):
    name, how = FORMS[form]
    found = measured(make_clip(tmp_path / name, frames=50, **how), tmp_path)
    assert gaps(found) == [] and found.unreadable is None
    frames, sound, streams = (table(found, name) for name in ("frames", "sound", "streams"))
    assert frames.rows == counts(found)["frames_decoded"] == 50
    # FFmpeg's AVI writer puts an empty packet behind the first picture of MPEG-4: one step of two.
    steps = np.diff(frames["time_s"])[1 if form == "avi mpeg4 mp3" else 0 :]
    assert steps == pytest.approx(np.full(len(steps), 0.04), abs=0.0011)
    assert 0 <= frames["time_s"][0] < 0.1
    assert sound["time_s"][0] == pytest.approx(0, abs=0.05)
    assert counts(found)["audio_s"] == pytest.approx(2, abs=0.1)
    assert sound["duration_s"].sum() == pytest.approx(counts(found)["audio_s"])
    assert not frames["damaged"].any() and frames["luma_std"].min() > 10
    assert np.isnan(frames["luma_diff"][0]) and (frames["luma_diff"][1:] > 0).all()
    assert sorted(streams["kind"][streams["default"]]) == ["audio", "video"]
    packets = table(found, "packets")
    assert (packets["stream"] == streams["stream"][streams["kind"] == "video"][0]).sum() in {50, 51}
    assert table(found, "container")["bytes"][0] == (tmp_path / name).stat().st_size
    assert found.sound is not None and len(soundfile.read(found.sound)[0]) == pytest.approx(32000, abs=2500)
    assert [picture.frame for picture in found.pictures] == [int(np.argmax(frames["sharpness"]))]


@pytest.mark.parametrize("name", ["现场 第1段.mp4", "-x.mp4", "a:b|c%03d.mp4", b"caf\xe9.mp4"])
def test_any_name_is_measured(name, tmp_path):
    clip = tmp_path / os.fsdecode(name)
    make_clip(tmp_path / "plain.mp4", frames=3, audio=None).rename(clip)
    assert table(measured(clip, tmp_path), "frames").rows == 3


def test_sound_alone(tmp_path):
    found = measured(make_clip(tmp_path / "a.mp3", codec=None, audio="mp3"), tmp_path)
    assert table(found, "frames").rows == 0 and table(found, "sound").rows == 100
    assert found.pictures == () and found.sound is not None and gaps(found) == []


def test_pictures_alone(tmp_path):
    found = measured(make_clip(tmp_path / "a.mp4", audio=None), tmp_path)
    assert table(found, "sound").rows == 0 and table(found, "frames").rows == 50
    assert found.sound is None and gaps(found) == []


def test_variable_frame_rate_keeps_its_times(tmp_path):
    times = [0, 0.04, 0.08, 0.5, 0.54, 0.6, 1.2, 1.21, 1.3]
    frames = table(measured(make_clip(tmp_path / "a.mp4", frames=9, timestamps=times), tmp_path), "frames")
    assert frames["time_s"] == pytest.approx(times, abs=1e-4)


def test_a_turned_clip_is_measured_as_stored_and_shown_upright(tmp_path):
    found = measured(make_clip(tmp_path / "a.mp4", frames=5, rotate=90, audio=None), tmp_path)
    plain = measured(make_clip(tmp_path / "b.mp4", frames=5, audio=None), tmp_path)
    assert table(found, "streams")["rotation_deg"].tolist() == [90]
    assert table(found, "frames")["width"].tolist() == [320] * 5
    assert table(found, "frames")["luma_mean"].tolist() == table(plain, "frames")["luma_mean"].tolist()
    turned = cv2.imread(str(found.pictures[0].path))
    expected = cv2.rotate(cv2.imread(str(plain.pictures[0].path)), cv2.ROTATE_90_CLOCKWISE)
    assert turned.shape == (320, 240, 3)
    assert np.abs(turned.astype(int) - expected).mean() < 3


def test_the_turn_of_other_containers_comes_from_the_pictures(tmp_path):
    found = measured(make_clip(tmp_path / "a.mkv", frames=5, rotate=270, audio=None), tmp_path)
    assert table(found, "streams")["rotation_deg"].tolist() == [270]
    assert cv2.imread(str(found.pictures[0].path)).shape == (320, 240, 3)


def test_interlaced_pictures_are_marked_and_shown_without_combing(tmp_path):
    def woven(number: int) -> np.ndarray:
        picture = view(2 * number).copy()
        picture[1::2] = view(2 * number + 30)[1::2]
        return picture

    found = measured(make_clip(tmp_path / "a.mp4", frames=5, interlaced=True, picture=woven, audio=None), tmp_path)
    assert table(found, "frames")["interlaced"].all() and gaps(found) == []
    shown = cv2.imread(str(found.pictures[0].path), cv2.IMREAD_GRAYSCALE).astype(int)
    stored = cv2.cvtColor(woven(found.pictures[0].frame), cv2.COLOR_RGB2GRAY).astype(int)
    assert np.abs(np.diff(shown, axis=0)).mean() < 0.5 * np.abs(np.diff(stored, axis=0)).mean()


def test_a_transport_stream_begins_at_zero_whatever_its_clock_says(tmp_path):
    early = measured(make_clip(tmp_path / "a.ts"), tmp_path)
    late = measured(make_clip(tmp_path / "b.ts", container_options={"output_ts_offset": "3600"}), tmp_path)
    for name in ("frames", "sound", "packets"):
        assert table(late, name)["time_s"] == pytest.approx(table(early, name)["time_s"], abs=1e-4)
    assert table(late, "frames")["pts"][0] >= 3600 * 90_000 > table(early, "frames")["pts"][0]
    assert min(table(late, name)["time_s"][0] for name in ("frames", "sound")) == pytest.approx(0, abs=1e-6)


def test_pictures_that_start_late_stay_late_where_the_format_has_a_zero(tmp_path):
    times = [2 + number / 25 for number in range(25)]
    found = measured(make_clip(tmp_path / "a.mp4", frames=25, timestamps=times, sound_s=3), tmp_path)
    assert table(found, "frames")["time_s"][0] == pytest.approx(2)
    assert table(found, "sound")["time_s"][0] == pytest.approx(0)


def test_a_change_of_size_within_the_stream(tmp_path):
    small = make_clip(tmp_path / "a.h264", frames=10, container="h264", audio=None)
    large = make_clip(tmp_path / "b.h264", frames=10, container="h264", audio=None, size=(640, 360))
    (tmp_path / "both.h264").write_bytes(small.read_bytes() + large.read_bytes())
    frames = table(measured(tmp_path / "both.h264", tmp_path), "frames")
    assert frames["width"].tolist() == [320] * 10 + [640] * 10
    assert np.isfinite(frames["luma_diff"][1:]).all()


def test_one_sharpest_picture_for_each_window(tmp_path):
    def focus(number: int) -> np.ndarray:
        return view(number) if number in {3, 30, 31, 70} else cv2.GaussianBlur(view(number), (0, 0), 3)

    clip = make_clip(tmp_path / "a.mp4", frames=75, picture=focus, audio=None)
    found = measured(clip, tmp_path, read_every_s=1.0, dense_until_s=0.0)
    assert [picture.frame for picture in found.pictures] in ([3, 30, 70], [3, 31, 70])
    frames = table(found, "frames")
    for picture in found.pictures:
        assert picture.sharpness == frames["sharpness"][picture.frame]
        assert picture.time_s == frames["time_s"][picture.frame]


def test_what_the_header_claims(tmp_path):
    clip = make_clip(tmp_path / "a.mp4", metadata={"creation_time": "2024-05-06T07:08:09Z"})
    found = measured(clip, tmp_path)
    container, streams, edits = (table(found, name) for name in ("container", "streams", "edits"))
    assert container["created_at"][0] == "2024-05-06T07:08:09Z"
    assert container["writer"][0].startswith("Lavf")
    assert (container["format"][0], container["brand"][0], bool(container["index_found"][0])) == ("mp4", "isom", True)
    assert container["bytes"][0] == container["bytes_expected"][0]
    assert container["duration_in_header_s"][0] == pytest.approx(2)
    assert streams["frames_in_header"][0] == 50 and streams["rate_in_header_hz"][0] == 25
    assert streams["tag"].tolist() == ["avc1", "mp4a"] and streams["codec"].tolist() == ["h264", "aac"]
    assert len(streams["extradata_sha256"][0]) == 64
    assert edits["media_start_s"][1] == pytest.approx(1024 / 48000)


def test_versions_are_known_without_loading_a_decoder():
    program = (
        "import sys; from pipeline.features.extract import libraries; found = libraries();"
        "print(sorted({'av', 'cv2', 'soundfile'} & set(sys.modules)), found['libavcodec'])"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    import av

    assert said.split() == ["[]", ".".join(map(str, av.library_versions["libavcodec"]))]
    assert {"av", "opencv-python-headless", "numpy", "scipy", "libavformat"} <= libraries().keys()
    assert MEASURE_VERSION >= 1

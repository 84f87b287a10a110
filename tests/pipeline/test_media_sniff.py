import os
from pathlib import Path

import av
import pytest

from pipeline.errors import FootageError
from pipeline.language import language
from pipeline.media.evidence import demuxer
from pipeline.media.sniff import sniff
from pipeline.model import Message
from tests.footage import make_clip

BOX = b"\x00\x00\x00\x10free" + b"\x00" * 8
FTYP = b"\x00\x00\x00\x14ftypisom\x00\x00\x02\x00isom"
MDAT = b"\x00\x00\x00\x0cmdat\x00\x00\x00\x00"

FOOTAGE = {
    "ftyp first": (FTYP + MDAT, "mp4"),
    "free first": (BOX + FTYP + MDAT, "mp4"),
    "wide and mdat first": (b"\x00\x00\x00\x08wide" + MDAT, "mov"),
    "unknown boxes first": (b"\x00\x00\x00\x10frea" + bytes(8) + b"\x00\x00\x00\x0cskip\x00\x00\x00\x00" + FTYP, "mp4"),
    "64-bit size first": (b"\x00\x00\x00\x01free" + (24).to_bytes(8) + bytes(8) + FTYP, "mp4"),
    "quicktime": (b"\x00\x00\x00\x14ftypqt  \x00\x00\x02\x00qt  " + MDAT, "mov"),
    "3gp": (b"\x00\x00\x00\x14ftyp3gp4\x00\x00\x02\x003gp4" + MDAT, "3gp"),
    "avi": (b"RIFF\x00\x01\x00\x00AVI LIST", "avi"),
    "wav": (b"RIFF\x00\x01\x00\x00WAVEfmt ", "wav"),
    "matroska": (b"\x1a\x45\xdf\xa3\x93\x42\x82\x88matroska", "matroska"),
    "webm": (b"\x1a\x45\xdf\xa3\x93\x42\x82\x84webm", "webm"),
    "transport stream": ((b"\x47" + bytes(187)) * 10, "mpegts"),
    "transport stream cut at its start": (bytes(100) + (b"\x47" + bytes(187)) * 10, "mpegts"),
    "m2ts": ((b"\x01\x02\x03\x04\x47" + bytes(187)) * 10, "mpegts"),
    "annex b h264": (b"\x00\x00\x00\x01\x67\x42\x00\x1e", "h264"),
    "annex b hevc": (b"\x00\x00\x00\x01\x40\x01\x0c\x01", "hevc"),
    "amr": (b"#!AMR\n\x3c", "amr"),
    "flv": (b"FLV\x01\x05\x00\x00\x00\x09", "flv"),
}

REFUSED = {
    "empty": (b"", "is empty"),
    "zeros": (bytes(5000), "nothing but zeros"),
    "ffconcat": (b"ffconcat version 1.0\nfile 'other.mp4'\n", "play list"),
    "m3u8": (b"#EXTM3U\n#EXTINF:4,\nhttp://example.org/a.ts\n", "play list"),
    "sdp": (b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\n", "play list"),
    "mpd": (b"<?xml version='1.0'?>\n<MPD xmlns='urn:mpeg:dash:schema:mpd:2011'/>", "play list"),
    "text": ("现场执法记录\n".encode(), "text file"),
    "utf-16 text": ("notes".encode("utf-16"), "text file"),
    "jpeg": (b"\xff\xd8\xff\xe0\x00\x10JFIF", "still picture"),
    "heic": (b"\x00\x00\x00\x14ftypheic\x00\x00\x00\x00heic" + MDAT, "still picture"),
    "png": (b"\x89PNG\r\n\x1a\n", "still picture"),
    "zip": (b"PK\x03\x04\x14\x00", "archive"),
    "pdf": (b"%PDF-1.7\n", "document"),
    "noise": (bytes(range(128, 250)) * 9, "no footage format"),
}


@pytest.mark.parametrize("name", FOOTAGE)
def test_container_by_its_bytes(name, tmp_path):
    data, expected = FOOTAGE[name]
    path = tmp_path / "clip.txt"  # names lie
    path.write_bytes(data)
    assert sniff(path).name == expected


@pytest.mark.parametrize("name", REFUSED)
def test_no_footage_is_refused_with_what_it_is(name, tmp_path):
    data, words = REFUSED[name]
    path = tmp_path / "clip.mp4"
    path.write_bytes(data)
    with pytest.raises(FootageError, match=words) as caught:
        sniff(path)
    message = caught.value.args[0]
    assert isinstance(message, Message)
    chinese = language("zh-CN").tell(message)
    assert str(path) in chinese and chinese != str(message)


def test_missing_folder_and_pipe_are_refused_at_once(tmp_path):
    with pytest.raises(FootageError, match="no such file"):
        sniff(tmp_path / "absent.mp4")
    with pytest.raises(FootageError, match="folder"):
        sniff(tmp_path)
    os.mkfifo(tmp_path / "pipe.mp4")
    with pytest.raises(FootageError, match="pipe"):
        sniff(tmp_path / "pipe.mp4")


@pytest.mark.parametrize(
    ("file", "expected", "how"),
    [
        ("a.ts", "mpegts", {}),
        ("a.m2ts", "mpegts", {"container": "mpegts", "container_options": {"mpegts_m2ts_mode": "1"}}),
        ("a.mpg", "mpegps", {"container": "vob", "codec": "mpeg2video", "audio": "mp2"}),
        ("a.wmv", "asf", {"container": "asf", "codec": "wmv2", "audio": None}),
        ("a.dv", "dv", {"container": "dv", "codec": "dvvideo", "size": (720, 576), "audio": None}),
        ("a.aac", "aac", {"codec": None, "container": "adts"}),
        ("a.mp3", "mp3", {"codec": None, "audio": "mp3"}),
        ("a.flac", "flac", {"codec": None, "audio": "flac"}),
        ("a.ogg", "ogg", {"codec": None, "audio": "libopus"}),
        ("a.h264", "h264", {"container": "h264", "audio": None}),
    ],
)
def test_containers_that_ffmpeg_writes(file, expected, how, tmp_path):
    assert sniff(make_clip(tmp_path / file, frames=10, **how)).name == expected


def test_a_name_is_never_a_protocol_and_other_files_stay_closed(tmp_path, monkeypatch):
    make_clip(tmp_path / "good.mp4", frames=5, audio=None)
    (tmp_path / "concat:good.mp4|good.mp4").write_bytes((tmp_path / "good.mp4").read_bytes())
    monkeypatch.chdir(tmp_path)
    with demuxer(Path("concat:good.mp4|good.mp4"), "mov") as opened:
        assert sum(1 for packet in opened.demux() if packet.size) == 5
    (tmp_path / "list.mp4").write_text("ffconcat version 1.0\nfile 'good.mp4'\n")
    with pytest.raises(av.ArgumentError), demuxer(Path("list.mp4"), "concat") as opened:
        list(opened.demux())

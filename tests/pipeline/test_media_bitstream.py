"""Headers of coded pictures: drawn bit by bit, and as real encoders write them."""

import math

import av
import pytest
from av.video.frame import PictureType
from hypothesis import given
from hypothesis import strategies as st

from pipeline.media import bitstream_h264, bitstream_mpeg4
from pipeline.media.bitstream import reader_of, user_data
from tests.footage import make_clip
from tests.pipeline.test_media_bits import golomb, packed


def sps(poc_bits=6, frame_num_bits=4) -> bytes:
    """Draw a baseline sequence parameter set of 320 x 240."""
    g = golomb
    drawn = f"01000010 00000000 00011110 {g(0)} {g(frame_num_bits - 4)} {g(0)} {g(poc_bits - 4)} {g(1)} 0"
    return b"\x67" + packed(f"{drawn} {g(19)} {g(14)} 1 0 0 0 1")


def test_a_drawn_sequence_parameter_set():
    read = bitstream_h264.parse_sps(sps(poc_bits=7, frame_num_bits=5))
    assert (read.profile, read.level, read.width, read.height) == (66, 30, 320, 240)
    assert (read.frame_num_bits, read.poc_bits, read.gaps, read.frames_only) == (5, 7, False, True)


def test_drawn_slices():
    known = bitstream_h264.parse_sps(sps())
    g = golomb
    key = b"\x65" + packed(f"{g(0)} {g(7)} {g(0)} 0000 {g(3)} 000000 1")
    after = b"\x41" + packed(f"{g(0)} {g(5)} {g(0)} 0110 001100 1")
    assert bitstream_h264.parse_slice(key, known) == bitstream_h264.Slice("I", 0, 0, 3, 0)
    assert bitstream_h264.parse_slice(after, known) == bitstream_h264.Slice("P", 0, 6, None, 12)


def test_user_data_stands_behind_other_messages():
    words = b"x264 - core 164"
    message = bytes([5, 16 + len(words)]) + bytes(16) + words
    assert list(user_data(b"\x01\x02\xaa\xbb" + message + b"\x80")) == [words]
    long = bytes([5, 255, 16 + 300 - 255]) + bytes(16) + b"n" * 300
    assert list(user_data(long)) == [b"n" * 300]


def test_a_group_of_mpeg4_bears_a_time_code():
    assert bitstream_mpeg4.parse_group(b"\xb3" + packed("00001 000010 1 000011 0 0")) == 3600 + 120 + 3


def test_a_drawn_picture_of_mpeg4():
    assert bitstream_mpeg4.parse_vop(b"\xb6" + packed("01 110 1 01010 1"), 25) == ("P", 2, 10)


@pytest.mark.parametrize("codec", ["h264", "hevc", "mpeg4", "mjpeg", "aac", "vp9"])
@given(header=st.binary(max_size=60), packet=st.binary(max_size=120))
def test_no_bytes_make_a_reader_fail(codec, header, packet):
    for data in (header, b"\x01" + header, b""):
        read = reader_of(codec, data).read(packet, 0.0)
        assert set(read) <= {
            "slice_type",
            "nal_type",
            "reference",
            "frame_num",
            "idr_pic_id",
            "poc",
            "coded_s",
            "params",
        }


def packets_of(path):
    """Return (rows, what was found, key flags, times) of the video packets of a file, in its order."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        reader = reader_of(stream.codec_context.codec.canonical_name, stream.codec_context.extradata)
        packets = [packet for packet in container.demux(stream) if packet.size]
        rows = [reader.read(memoryview(p), math.nan if p.pts is None else float(p.pts * p.time_base)) for p in packets]
        return rows, reader.found, [p.is_keyframe for p in packets], [p.pts for p in packets]


def pictures_of(path):
    """Return the decoder's word on the types of the pictures, in the order of showing."""
    with av.open(str(path)) as container:
        return [PictureType(frame.pict_type).name for frame in container.decode(container.streams.video[0])]


@pytest.mark.parametrize("container", ["mp4", "h264", "mkv"])
def test_x264(tmp_path, container):
    clip = make_clip(
        tmp_path / f"clip.{container}",
        frames=40,
        bframes=2,
        audio=None,
        options={"preset": "veryfast", "sc_threshold": "0"},
    )
    rows, found, key, _ = packets_of(clip)
    assert len(rows) == 40 and all(row["params"] == 0 for row in rows)
    assert sorted(row["slice_type"] for row in rows) == sorted(pictures_of(clip))
    keys = [row for row, is_key in zip(rows, key, strict=True) if is_key]
    assert [row["nal_type"] for row in keys] == [5] * 4
    assert [row["idr_pic_id"] for row in keys] == [0, 1, 0, 1]
    assert all(row["frame_num"] == row["poc"] == 0 for row in keys)
    (text,) = {text.text.split(" - ")[0] for text in found.texts}
    assert text == "x264"
    assert (found.parameters[0]["width"], found.parameters[0]["height"]) == (320, 240)


def test_the_order_of_showing_is_that_of_the_times(tmp_path):
    clip = make_clip(tmp_path / "clip.mp4", frames=12, bframes=2, audio=None, options={"preset": "veryfast"})
    rows, _, _, pts = packets_of(clip)
    order = sorted(range(12), key=lambda i: pts[i])
    assert [rows[i]["poc"] for i in order] == list(range(0, 24, 2))


def test_x265(tmp_path):
    clip = make_clip(
        tmp_path / "clip.mp4",
        codec="hevc",
        frames=40,
        audio=None,
        options={"preset": "ultrafast", "x265-params": "keyint=16:open-gop=1:bframes=2:log-level=none"},
    )
    rows, found, _, _ = packets_of(clip)
    assert sorted(row["slice_type"] for row in rows) == sorted(pictures_of(clip))
    assert rows[0]["nal_type"] in (19, 20) and rows[0]["poc"] is None
    shown = sorted(row["poc"] for row in rows[1:])
    assert shown == list(range(1, 40))
    assert any(text.text.startswith("x265") for text in found.texts)
    assert found.parameters[0]["width"] == 320


def test_mpeg4_bears_the_times_of_the_file(tmp_path):
    clip = make_clip(tmp_path / "clip.avi", codec="mpeg4", frames=60, bframes=2, audio=None)
    rows, found, _, _ = packets_of(clip)
    assert {row["slice_type"] for row in rows} == {"I", "P", "B"}
    shown = sorted(row["coded_s"] for row in rows)
    assert shown == pytest.approx([n / 25 for n in range(60)])
    assert any(text.text.startswith("Lavc") for text in found.texts)


def test_mjpeg_tables(tmp_path):
    tables = []
    for scale in ("3", "12"):
        how = {"qmin": scale, "qmax": scale, "strict": "-1"}
        clip = make_clip(tmp_path / f"{scale}.avi", codec="mjpeg", frames=3, audio=None, options=how)
        rows, found, _, _ = packets_of(clip)
        assert all(row["slice_type"] == "I" and row["params"] is not None for row in rows)
        assert found.parameters[0]["width"] == 320
        assert found.texts[0].text.startswith("Lavc")
        tables.append(found.parameters[0]["picture_sha256"])
    assert tables[0] != tables[1]


def test_a_parameter_set_that_changes_gets_a_number_of_its_own(tmp_path):
    parts = []
    for number, crop in enumerate(((320, 240), (160, 120))):
        clip = make_clip(tmp_path / f"{number}.h264", frames=6, size=crop, audio=None)
        parts.append(clip.read_bytes())
    joined = tmp_path / "joined.h264"
    joined.write_bytes(b"".join(parts))
    rows, found, _, _ = _raw(joined)
    assert [row["params"] for row in rows] == [0] * 6 + [1] * 6
    assert [set_["width"] for set_ in found.parameters] == [320, 160]
    assert [set_["place"] for set_ in found.parameters][1] == "in band"
    assert len({set_["sequence_sha256"] for set_ in found.parameters}) == 2


def _raw(path):
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        reader = reader_of("h264", stream.codec_context.extradata)
        rows = [reader.read(memoryview(p), math.nan) for p in container.demux(stream) if p.size]
        return rows, reader.found, [], []


def test_the_sound_encoder_names_itself_where_it_starts(tmp_path):
    clip = make_clip(tmp_path / "clip.mp4", frames=25)
    with av.open(str(clip)) as container:
        stream = container.streams.audio[0]
        reader = reader_of("aac", stream.codec_context.extradata)
        for packet in container.demux(stream):
            if packet.size:
                reader.read(memoryview(packet), float(packet.pts * packet.time_base))
    (text,) = reader.found.texts
    assert text.text.startswith("Lavc") and text.time_s <= 0

import io
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.media import boxes, ebml, riff
from pipeline.media.movie import EPOCH_1904_S, creation_time, read_movie
from tests.footage import make_clip


def box(kind: bytes, *inside: bytes) -> bytes:
    body = b"".join(inside)
    return (8 + len(body)).to_bytes(4) + kind + body


def walked(data: bytes) -> list[boxes.Box]:
    return list(boxes.walk(io.BytesIO(data), len(data)))


def u32(*numbers: int) -> bytes:
    return b"".join((number & 0xFFFFFFFF).to_bytes(4) for number in numbers)


def u64(*numbers: int) -> bytes:
    return b"".join((number & 0xFFFFFFFFFFFFFFFF).to_bytes(8) for number in numbers)


def movie(*tracks: bytes, created: int = 0) -> bytes:
    return box(b"moov", box(b"mvhd", u32(0, created, 0, 1000, 12_500), bytes(80)), *tracks)


def track(number: int, elst: bytes = b"", matrix: tuple[int, int] = (1 << 16, 0)) -> bytes:
    turn = u32(matrix[0], matrix[1], 0, -matrix[1], matrix[0], 0, 0, 0, 1 << 30)
    head = box(b"tkhd", u32(7, 0, 0, number, 0, 12_500), bytes(16), turn, u32(320 << 16, 240 << 16))
    media = box(b"mdia", box(b"mdhd", u32(0, 0, 0, 90_000, 1_125_000, 0)))
    return box(b"trak", head, box(b"edts", box(b"elst", elst)) if elst else b"", media)


def read(data: bytes):
    return read_movie(io.BytesIO(data), walked(data))


def test_paths_name_the_tree():
    data = box(b"ftyp", b"isom") + box(b"moov", box(b"trak", box(b"tkhd")), box(b"trak", box(b"tkhd")))
    assert [found.path for found in walked(data)] == [
        "ftyp",
        "moov",
        "moov/trak",
        "moov/trak/tkhd",
        "moov/trak[1]",
        "moov/trak[1]/tkhd",
    ]
    assert boxes.stated_bytes(walked(data)) == len(data)


def test_sizes_of_64_bits_and_to_the_end():
    data = u32(1) + b"mdat" + u64(24) + bytes(8) + u32(0) + b"mdat" + bytes(100)
    first, second = walked(data)
    assert (first.size_bytes, first.header_bytes, first.complete) == (24, 16, True)
    assert (second.offset_bytes, second.size_bytes, second.complete) == (24, 108, True)


def test_a_box_cut_off_by_the_end_of_the_file_is_incomplete_and_says_what_is_missing():
    data = box(b"ftyp", b"isom") + box(b"mdat", bytes(1000))[:300]
    assert [found.complete for found in walked(data)] == [True, False]
    assert boxes.stated_bytes(walked(data)) == 12 + 1008


@pytest.mark.parametrize("size", [2, 7, 0xFFFFFFFF])
def test_hostile_sizes_end_the_level_and_not_the_walk(size):
    inner = size.to_bytes(4) + b"trak" + bytes(40)
    data = box(b"moov", inner) + box(b"mdat", b"x")
    found = walked(data)
    assert [(part.path, part.complete) for part in found if part.path in {"moov/trak", "mdat"}] == [
        ("moov/trak", False),
        ("mdat", True),
    ]


def test_depth_and_number_are_bounded(monkeypatch):
    deep = b""
    for _ in range(100):
        deep = box(b"moov", deep)
    assert len(walked(deep)) <= boxes.MAX_DEPTH + 1
    monkeypatch.setattr(boxes, "MAX_BOXES", 50)
    assert len(walked(box(b"free") * 1000)) == 50


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=300), st.integers(0, 60))
def test_no_bytes_can_stop_the_readers(noise, cut):
    base = movie(track(1, u32(0, 1, 12_500, 0, 1 << 16)))
    data = base[:cut] + noise + base[cut:]
    read(data)
    list(riff.walk(io.BytesIO(b"RIFF" + data), len(data) + 4))
    ebml.stated_bytes(io.BytesIO(b"\x1a\x45\xdf\xa3" + data))


def test_edit_lists_of_both_versions():
    short = u32(0, 2, 5000, -1, 1 << 16, 12_500, 45_000, 1 << 16)
    wide = u32(1 << 24, 1) + u64(7_500, 90_000 * 5_000_000) + u32(1 << 15)
    first, second = read(movie(track(1, short), track(2, wide))).tracks
    assert first.media_s == second.media_s == 12.5
    empty, shown = first.edits
    assert (empty.duration_s, shown.duration_s, shown.media_start_s, shown.rate) == (5.0, 12.5, 0.5, 1.0)
    assert math.isnan(empty.media_start_s)
    assert (second.edits[0].duration_s, second.edits[0].media_start_s, second.edits[0].rate) == (7.5, 5e6, 0.5)


@pytest.mark.parametrize(
    ("matrix", "turn"), [((1, 0), 0), ((0, 1), 90), ((-1, 0), 180), ((0, -1), 270)], ids=["0", "90", "180", "270"]
)
def test_rotation_of_the_track_header(matrix, turn):
    assert read(movie(track(1, matrix=(matrix[0] << 16, matrix[1] << 16)))).tracks[0].rotation_deg == turn


def test_creation_times():
    assert creation_time(0) is None
    assert creation_time(EPOCH_1904_S) == "1970-01-01T00:00:00Z"
    assert creation_time(EPOCH_1904_S + 1_557_141_088) == "2019-05-06T11:11:28Z"
    assert creation_time(1_557_141_088) == "2019-05-06T11:11:28Z"  # counted from 1970 by mistake
    assert creation_time(1 << 63) is None
    assert read(movie(created=EPOCH_1904_S + 60)).created_at == "1970-01-01T00:01:00Z"


def test_boxes_of_a_real_clip_add_up(tmp_path):
    path = make_clip(tmp_path / "a.mp4", frames=30, rotate=90, bframes=2)
    with path.open("rb") as file:
        found = list(boxes.walk(file, path.stat().st_size))
        read_back = read_movie(file, found)
    assert all(part.complete for part in found)
    assert boxes.stated_bytes(found) == path.stat().st_size
    assert [part.handler for part in read_back.tracks] == ["vide", "soun"]
    assert [part.codec_tag for part in read_back.tracks] == ["avc1", "mp4a"]
    assert read_back.tracks[0].samples == 30
    assert read_back.tracks[0].rotation_deg == 90
    assert read_back.duration_s == pytest.approx(1.2)


def test_a_fragmented_clip_counts_the_samples_of_its_fragments(tmp_path):
    how = {"movflags": "frag_keyframe+empty_moov"}
    path = make_clip(tmp_path / "a.mp4", frames=40, audio=None, container_options=how)
    with path.open("rb") as file:
        assert read_movie(file, list(boxes.walk(file, path.stat().st_size))).tracks[0].samples == 40


def test_riff_chunks_of_a_real_clip(tmp_path):
    path = make_clip(tmp_path / "a.avi", frames=10, codec="mjpeg", pixel_format="yuvj420p", audio="pcm_s16le")
    data = path.read_bytes()
    found = list(riff.walk(io.BytesIO(data), len(data)))
    paths = [part.path for part in found]
    assert "RIFF:AVI /LIST:hdrl/avih" in paths and "RIFF:AVI /LIST:hdrl/LIST:strl[1]/strh" in paths
    assert riff.stated_bytes(found) == len(data) and riff.indexed(found)
    half = list(riff.walk(io.BytesIO(data[: len(data) // 2]), len(data) // 2))
    assert riff.stated_bytes(half) == len(data) and not riff.indexed(half)
    unfinished = data[:4] + bytes(4) + data[8:]
    assert riff.stated_bytes(list(riff.walk(io.BytesIO(unfinished), len(data)))) is None


def test_several_riff_parts_add_up():
    part = b"RIFF" + (14).to_bytes(4, "little") + b"AVI " + b"JUNK" + (2).to_bytes(4, "little") + b"ab"
    both = part + part.replace(b"AVI ", b"AVIX")
    assert riff.stated_bytes(list(riff.walk(io.BytesIO(both), len(both)))) == len(both)


def test_matroska_says_how_long_it_is(tmp_path):
    path = make_clip(tmp_path / "a.mkv", frames=10, audio=None)
    data = path.read_bytes()
    assert ebml.stated_bytes(io.BytesIO(data)) == len(data)
    assert ebml.stated_bytes(io.BytesIO(data[: len(data) // 2])) == len(data)
    live = make_clip(tmp_path / "live.mkv", frames=10, audio=None, container_options={"live": "1"})
    assert ebml.stated_bytes(io.BytesIO(live.read_bytes())) is None

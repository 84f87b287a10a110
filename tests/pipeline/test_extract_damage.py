"""Damaged clips, and decoders that crash or hang: always a result that says what could not be examined."""

import os
import signal
import sys
from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import FootageError
from pipeline.features.extract import measure
from tests.footage import make_clip
from tests.pipeline.measuring import child_of_this_process, counts, gaps, measured, table

FASTSTART = {"movflags": "faststart"}


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> bytes:
    """A clip whose index comes first."""
    folder = tmp_path_factory.mktemp("whole")
    return make_clip(folder / "a.mp4", frames=100, container_options=FASTSTART).read_bytes()


@pytest.fixture(scope="module")
def long(tmp_path_factory) -> Path:
    """A clip that takes some seconds to decode, and is cheap to make: a short take, many times over."""
    folder = tmp_path_factory.mktemp("long")
    take = make_clip(folder / "take.ts", frames=24, size=(1280, 720), container="mpegts", audio=None).read_bytes()
    clip = folder / "long.ts"
    clip.write_bytes(take * 40)
    return clip


def test_index_first_and_cut_in_half(whole, tmp_path):
    (tmp_path / "half.mp4").write_bytes(whole[: len(whole) // 2])
    found = measured(tmp_path / "half.mp4", tmp_path)
    container, streams = table(found, "container"), table(found, "streams")
    assert container["bytes_expected"][0] == len(whole) and container["bytes"][0] == len(whole) // 2
    assert container["index_found"][0] and streams["frames_in_header"][0] == 100
    assert not table(found, "boxes")["complete"].all()
    assert 20 < table(found, "frames").rows < 80 and found.unreadable is None
    assert table(found, "sound").rows > 20 and len(found.pictures) == 1


def test_index_missing(tmp_path):
    data = make_clip(tmp_path / "a.mp4").read_bytes()
    (tmp_path / "unfinished.mp4").write_bytes(data[: data.rindex(b"moov") - 4])
    found = measured(tmp_path / "unfinished.mp4", tmp_path)
    assert "moov" in str(found.unreadable) and gaps(found) == [str(found.unreadable)]
    assert not table(found, "container")["index_found"][0]
    assert table(found, "boxes")["type"].tolist()[:1] == ["ftyp"]
    assert "frames" not in found.tables and counts(found)["frames_decoded"] == 0


def test_header_only(whole, tmp_path):
    (tmp_path / "head.mp4").write_bytes(whole[: whole.index(b"mdat") + 4])
    found = measured(tmp_path / "head.mp4", tmp_path)
    assert table(found, "frames").rows == 0 and table(found, "streams")["frames_in_header"][0] == 100


@pytest.mark.parametrize(("name", "how"), [("a.mp4", {}), ("a.ts", {}), ("a.mkv", {}), ("a.avi", {"codec": "mpeg4"})])
def test_flipped_bits_are_seen_and_the_rest_is_measured(name, how, tmp_path):
    clip = make_clip(tmp_path / name, frames=100, audio=None, **how)
    data = bytearray(clip.read_bytes())
    random = np.random.default_rng(7)
    for at in random.integers(len(data) // 4, len(data) // 2, 60):
        data[at] ^= 0xFF
    clip.write_bytes(data)
    found = measured(clip, tmp_path)
    frames = table(found, "frames")
    assert 50 < frames.rows <= 101 and gaps(found) != []
    assert bool(frames["damaged"].any()) == any("made up parts" in gap for gap in gaps(found))
    assert not frames["damaged"][-20:].any()


@pytest.mark.parametrize("name", ["a.mp4", "a.avi", "a.mkv", "a.ts", "a.mpg", "a.flv"])
def test_any_cut_is_survived(name, tmp_path):
    how = {"a.avi": {"codec": "mjpeg", "pixel_format": "yuvj420p", "audio": "pcm_s16le"}}.get(name, {})
    how = {"codec": "mpeg2video", "audio": "mp2", "container": "vob"} if name == "a.mpg" else how
    data = make_clip(tmp_path / name, frames=30, **how).read_bytes()
    for share in (0.02, 0.6):
        clip = tmp_path / f"{share}-{name}"
        clip.write_bytes(data[: int(len(data) * share)])
        found = measured(clip, tmp_path)
        assert found.unreadable is None or gaps(found)
        assert counts(found)["frames_decoded"] < 31


def test_no_footage_raises_in_the_parent(tmp_path):
    (tmp_path / "list.mp4").write_text("ffconcat version 1.0\nfile 'other.mp4'\n")
    with pytest.raises(FootageError, match=r"list\.mp4.*play list") as caught:
        measure(tmp_path / "list.mp4", tmp_path, lambda stage, done: None)
    assert caught.value.args[0].values["path"].endswith("list.mp4")


def _measure_and_signal(clip: Path, work: Path, number: int, **how):
    """Measure `clip`, and send a signal to the measuring child when it has begun with the pictures."""
    sent: list[int] = []

    def strike(stage: str, done: float) -> None:
        child = child_of_this_process(clip)
        if stage == "pictures" and done > 0.1 and not sent and child is not None:
            os.kill(child, number)
            sent.append(child)

    found = measure(clip, work, strike, **how)
    assert sent, "the child was never seen at work"
    assert not Path(f"/proc/{sent[0]}").exists()
    return found


linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="finds the child in /proc")


@linux
@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGKILL])
def test_a_crash_keeps_what_was_measured(long, number, tmp_path):
    found = _measure_and_signal(long, tmp_path, number)
    assert 0 < table(found, "frames").rows < 960
    assert any(f"crashed ({number.name})" in sentence for sentence in gaps(found))
    assert found.unreadable is None and table(found, "packets").rows == 960
    assert counts(found)["frames_decoded"] == table(found, "frames").rows


@linux
def test_a_hang_is_ended(long, tmp_path):
    found = _measure_and_signal(long, tmp_path, signal.SIGSTOP, stall_s=8.0)
    assert 0 < table(found, "frames").rows < 960
    assert any("no sign of life for 8.0 s" in sentence for sentence in gaps(found))


@linux
def test_an_interrupted_parent_leaves_no_child_behind(long, tmp_path):
    seen: list[int] = []

    def interrupt(stage: str, done: float) -> None:
        if stage == "pictures":
            seen.append(child_of_this_process(long) or 0)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        measure(long, tmp_path, interrupt)
    assert seen[0] and not Path(f"/proc/{seen[0]}").exists()

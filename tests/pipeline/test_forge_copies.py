"""Forgeries that encode nothing anew: packets are joined, left out, hidden; read back from the clips themselves."""

import random

import av
import numpy as np
import pytest

from pipeline.errors import FootageError
from pipeline.forge.cases import case
from pipeline.forge.encoding import Encoding
from pipeline.forge.forgery import read_take, record
from pipeline.forge.overlay import later, random_clock
from pipeline.media import boxes
from pipeline.media.movie import read_movie
from tests.pipeline.forging import forged, heard, numbered_clip, seen

MINE = [(0, number) for number in range(200)]


@pytest.fixture(scope="module")
def takes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("takes")
    return [
        read_take(numbered_clip(folder / "mine.mp4", 0, bframes=2)),
        read_take(numbered_clip(folder / "other.mp4", 1, frames=100)),
    ]


@pytest.fixture(params=["mp4", "mov", "mkv", "ts"])
def container(request):
    return request.param


def times(path):
    with av.open(str(path)) as opened:
        shown = sorted(float(p.pts * p.time_base) for p in opened.demux(video=0) if p.pts is not None)
    return np.array(shown) - shown[0]


def seam(truth, path):
    """Return the first picture behind the one seam, which stands where the file's own packets have it."""
    (event,) = truth.events
    shown = times(path)
    assert len(shown) == truth.pictures
    assert event.span.stop_frame == event.span.first_frame + 1
    assert shown[event.span.first_frame] == pytest.approx(event.span.start_s, abs=0.002)
    assert shown[event.span.stop_frame] == pytest.approx(event.span.stop_s, abs=0.002)
    return event.span.stop_frame


def test_re_muxing_changes_no_packet(takes, tmp_path, container):
    path = tmp_path / f"forged.{container}"
    truth = forged(case("re-muxed"), takes, path, container=(container,))
    assert seen(path) == MINE
    assert not truth.forged and truth.events == ()
    assert heard(path, 4.0)[1] == pytest.approx(4.0, abs=0.06)
    if container == "mp4":
        with av.open(str(takes[0].path)) as before, av.open(str(path)) as after:
            given = [bytes(p) for p in before.demux(video=0)]
            assert [bytes(p) for p in after.demux(video=0)] == given


@pytest.mark.parametrize("seconds", [2.0, 2.04, 2.08, 2.12])
def test_a_shortened_copy_ends_with_all_pictures_of_a_reordered_group(takes, tmp_path, seconds):
    take = read_take(takes[0].path, seconds=seconds)
    path = tmp_path / "forged.mp4"
    truth = forged(case("re-muxed"), [take, takes[1]], path, container=("mp4",))
    pictures = seen(path)
    assert pictures == MINE[: len(pictures)] and truth.pictures == len(pictures)
    assert take.pictures - 4 <= len(pictures) <= take.pictures


def test_a_join_of_two_recordings(takes, tmp_path, container):
    path = tmp_path / f"forged.{container}"
    truth = forged(case("joined-copied"), takes, path, container=(container,))
    at, pictures = seam(truth, path), seen(path)
    assert pictures == MINE[:at] + [(1, number) for number in range(100)]
    assert np.ptp(np.diff(times(path))) < 0.002
    take, time_s = heard(path, at / 25 + 0.5)
    assert take == 1 and time_s == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize("seed", range(3))
def test_a_gap_that_is_closed(takes, tmp_path, container, seed):
    path = tmp_path / f"forged{seed}.{container}"
    truth = forged(case("gap-closed-copied"), takes, path, container=(container,), seed=seed)
    at, pictures = seam(truth, path), seen(path)
    count = truth.events[0].pictures
    assert 25 <= count <= 30 and pictures == MINE[:at] + MINE[at + count :]
    assert (at + count) % 30 == 0  # a key picture
    assert np.ptp(np.diff(times(path))) < 0.002
    assert heard(path, at / 25 + 0.5)[1] == pytest.approx((at + count) / 25 + 0.5, abs=0.1)


def test_a_gap_whose_times_are_kept(takes, tmp_path, container):
    path = tmp_path / f"forged.{container}"
    truth = forged(case("gap-kept-copied"), takes, path, container=(container,))
    at, count = seam(truth, path), truth.events[0].pictures
    assert seen(path) == MINE[:at] + MINE[at + count :]
    span = truth.events[0].span
    assert span.stop_s - span.start_s == pytest.approx((count + 1) / 25)
    assert "timestamp-gap" in truth.kinds


@pytest.mark.parametrize(("name", "count"), [("dropped-5-copied", 5), ("dropped-1s-copied", 25)])
def test_dropped_packets_leave_the_times(takes, tmp_path, name, count):
    path = tmp_path / "forged.mp4"
    truth = forged(case(name), takes, path)
    at = seam(truth, path)
    assert truth.events[0].pictures == count
    assert times(path) == pytest.approx(np.array([*range(at), *range(at + count, 200)]) / 25, abs=0.002)
    assert seen(path)[:at] == MINE[:at]
    assert heard(path, (at + count / 2) / 25)[1] == pytest.approx((at + count / 2) / 25, abs=0.06)
    if count == 5:
        assert not {at + lost for lost in range(5)} & set(range(0, 200, 30))


@pytest.mark.parametrize("name", ["mp4", "mov"])
def test_what_an_edit_list_hides_is_still_in_the_file(takes, tmp_path, name):
    path = tmp_path / f"forged.{name}"
    truth = forged(case("edit-list-copied"), takes, path, container=(name,))
    (event,) = truth.events
    assert event.pictures == 50 and truth.kinds == {"edit-list"}
    assert truth.pictures == 150 and seen(path) == MINE[50:]
    with path.open("rb") as file:
        movie = read_movie(file, list(boxes.walk(file, path.stat().st_size)))
    assert max(track.samples for track in movie.tracks) >= 200


def test_containers_that_cannot_hold_a_copy_give_way(takes, tmp_path):
    truth = forged(case("gap-kept-copied"), takes, tmp_path / "forged.mp4", container=("avi",))
    assert truth.recipe["container"] == "mp4"
    truth = forged(case("edit-list-copied"), takes, tmp_path / "forged.mov", container=("mkv",))
    assert truth.recipe["container"] == "mp4"


def test_recordings_bear_the_clock(takes, tmp_path):
    truth = forged(case("joined-copied"), takes, tmp_path / "forged.mp4", overlay=("dots-5x7",))
    assert truth.recipe["overlay"] == "dots-5x7" and "clock-jump" in truth.kinds


def test_recordings_are_forged_without_a_second_recording(takes, tmp_path):
    first = random_clock(random.Random(5), "dots-5x7")
    clocks = (first, later(random.Random(6), first))
    pairs = enumerate(zip(takes, clocks, strict=True))
    made = [record(take, tmp_path / f"{n}.mp4", clock=clock) for n, (take, clock) in pairs]
    assert [take.pictures for take in made] == [200, 100] and list(made[0].keys) == list(range(0, 200, 30))
    path = tmp_path / "forged.mp4"
    truth = forged(case("joined-copied"), made, path, direct=True, clocked=True)
    at = seam(truth, path)
    assert seen(path) == MINE[:at] + [(1, number) for number in range(100)]
    assert "clock-jump" in truth.kinds and truth.recipe["codec"] == "copied"
    with av.open(str(made[0].path)) as before, av.open(str(path)) as after:
        given = [bytes(packet) for packet in before.demux(video=0)]
        assert [bytes(packet) for packet in after.demux(video=0)][:at] == given[:at]
    assert "clock-jump" in forged(case("removed-3"), made, path, clocked=True).kinds


def test_takes_that_were_encoded_otherwise_cannot_be_joined_directly(takes, tmp_path):
    with pytest.raises(FootageError, match="was not encoded like the take before it"):
        other = record(takes[1], tmp_path / "other.mp4", encoding=Encoding(gop=12, bframes=0))
        forged(case("joined-copied"), [takes[0], other], tmp_path / "forged.mp4", direct=True)

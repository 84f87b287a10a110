"""Slices of a clip, decoded apart and joined, are what one pass measures."""

import multiprocessing
import os
import signal
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline import measuring, run, slicing
from pipeline.features.cache import Cache
from pipeline.features.cuts import OVERLAP
from pipeline.rules.profile import load_profile
from pipeline.settings import Settings
from tests.footage import make_clip, view
from tests.overlays import burned
from tests.pipeline.measuring import child_of_this_process
from tests.pipeline.slices import alike, both
from tests.shared import shared

SPAWN = multiprocessing.get_context("spawn")
SETTINGS = Settings()
X265 = "log-level=none:keyint=12:min-keyint=12:bframes=3"
VARYING = [n / 25 + (0.011 if n % 3 else 0.0) for n in range(200)]
CLIPS = {
    "plain.mp4": {},
    "bframes.mp4": {"bframes": 3, "options": {"preset": "fast"}},
    "references.mp4": {"bframes": 3, "options": {"preset": "medium", "x264-params": "ref=5:b-pyramid=normal"}},
    "intra.mp4": {"gop": 1},
    "turned.mp4": {"rotate": 90, "bframes": 2},
    "varying.mp4": {"timestamps": VARYING, "bframes": 2},
    "hevc.mp4": {"codec": "hevc", "options": {"x265-params": f"{X265}:open-gop=0"}},
    "hevc open.mp4": {"codec": "hevc", "options": {"x265-params": f"{X265}:open-gop=1"}},
    "matroska.mkv": {"bframes": 2},
    "silent.mov": {"audio": None, "bframes": 2},
    "late.mp4": {"bframes": 2, "sound_s": 5.0},
}


@pytest.mark.parametrize("name", CLIPS)
def test_a_clip_in_slices_is_the_whole_clip(name, tmp_path):
    how = {"frames": 200, "gop": 12, **CLIPS[name]}
    found = both(make_clip(tmp_path / name, **how), tmp_path, 2.0, read_every_s=1.7, dense_every_s=0.9, dense_until_s=3)
    pictures = [part for part in found.parts if not part.heard]
    assert len(pictures) >= 3 and len(found.parts) - len(pictures) == (how.get("audio", "aac") is not None)
    assert len(found.whole.pictures) > len(pictures)
    found.check()


def test_a_burned_in_clock_in_slices_is_the_whole_clock(tmp_path):
    clip = burned(tmp_path / "clock.mp4", range(400))
    found = both(clip.path, tmp_path, 3.0)
    assert len(found.parts) >= 4 and len(found.whole.strips) == 400 and len(found.whole.lines) > 12
    found.check()


@pytest.mark.parametrize(
    "name",
    [
        "cameras/cup.mp4",
        "cctv/tests__resources__traffic_camera.mp4",
        "dashcam/dashcam1.mp4",
        "dashcam/test_videos__solidWhiteRight.mp4",
        "gnm_handheld/static__videos__lauri_IMG_2869_pr_sliding.mov_small.mp4",
        "gopro/samples__hero7.mp4",
        "gopro/samples__karma.mp4",
        "gopro/samples__max-heromode.mp4",
        "labelled_scenedetect/tests__resources__issue-134-rotate.mp4",
        "stab_handheld/assets__outdoor1.mp4",
    ],
)
def test_a_real_clip_in_slices_is_the_whole_clip(name, tmp_path):
    found = both(shared("footage", *name.split("/")), tmp_path, 2.0)
    assert len([part for part in found.parts if not part.heard]) >= 3
    found.check()


def _take(picture: int, cut: int) -> np.ndarray:
    """Return a picture of a clip that goes on at another place from picture `cut` on."""
    return view(picture, seed=int(picture >= cut))


def _told(clip: Path, cache: Cache, slice_s: float | None = None) -> tuple[list[str], object]:
    """Examine a clip, in slices if their length is given; return what was found, and the verdict."""
    profile = load_profile("shijiazhuang-safety")
    if slice_s is not None:
        used = Settings().over(run.profile_settings(profile))
        footage = measuring.identify(clip)
        parts = measuring.plan(footage, used, cache, slice_s=slice_s)
        assert len(parts) > 1
        for part in parts:
            measuring.measure_slice(footage, used, cache, part)
    found = run.examine(clip, profile, cache)
    return [repr(finding) for finding in found.findings], found.verdict


@pytest.mark.parametrize("beside", [-2, -1, 0, 1, 2])
def test_a_cut_at_a_seam_is_found_as_in_one_pass(beside, tmp_path):
    clip = make_clip(
        tmp_path / "cut.mp4", frames=150, gop=25, audio=None, picture=lambda number: _take(number, 75 + beside)
    )
    footage = measuring.identify(clip)
    parts = measuring.plan(footage, SETTINGS, Cache(tmp_path / "any"), slice_s=2.9)
    assert [(part.first_row, part.stop_row) for part in parts] == [(0, 75), (75, 150)]
    sliced, whole = _told(clip, Cache(tmp_path / "sliced"), 2.9), _told(clip, Cache(tmp_path / "whole"))
    assert sliced == whole
    assert any("kind='picture-cut'" in finding for finding in whole[0])


@pytest.mark.parametrize("name", ["dashcam/dashcam1.mp4", "gopro/samples__karma.mp4"])
def test_findings_of_a_real_clip_are_those_of_one_pass(name, tmp_path):
    clip = shared("footage", *name.split("/"))
    assert _told(clip, Cache(tmp_path / "sliced"), 3.0) == _told(clip, Cache(tmp_path / "whole"))


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> Path:
    """A clip of 8 s with sound."""
    return make_clip(tmp_path_factory.mktemp("clip") / "a.mp4", frames=200, gop=12, bframes=2)


@pytest.fixture(scope="module")
def whole(clip, tmp_path_factory):
    """The tables of that clip, measured in one pass."""
    return _measured(clip, Cache(tmp_path_factory.mktemp("whole")))


def _measured(clip: Path, cache: Cache):
    return measuring.measure(measuring.identify(clip), SETTINGS, cache, speech=False)[0].tables


def _same(one, other) -> None:
    assert one.keys() == other.keys()
    for name in one:
        alike(name, one[name], other[name])


def _planned(clip: Path, cache: Cache):
    footage = measuring.identify(clip)
    parts = measuring.plan(footage, SETTINGS, cache, slice_s=1.9)
    assert len(parts) == 5 and parts[0].heard
    return footage, parts, slicing.planned(footage, SETTINGS, cache)


def _work(clip: Path, root: Path, parts, ready) -> None:
    ready.wait()
    for part in parts:
        measuring.measure_slice(measuring.identify(clip), SETTINGS, Cache(root), part)


def test_several_processes_measure_into_one_cache(clip, whole, tmp_path):
    _, parts, plan = _planned(clip, Cache(tmp_path))
    ready = SPAWN.Barrier(3)
    shares = (parts[:3], parts[3:], parts[2:])  # two of them measure the same
    workers = [SPAWN.Process(target=_work, args=(clip, tmp_path, share, ready)) for share in shares]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    entry = plan.folder.parent
    assert len(list(entry.glob("slice-*"))) == len(parts) and not list(entry.glob(".new-*"))
    _same(_measured(clip, Cache(tmp_path)), whole)
    assert {path.name.split("-")[0] for path in entry.iterdir()} == {"media", "overlay", "signs"}


def test_slices_that_lack_are_measured_on_the_spot(clip, whole, tmp_path):
    footage, parts, _ = _planned(clip, Cache(tmp_path))
    measuring.measure_slice(footage, SETTINGS, Cache(tmp_path), parts[2])
    _same(_measured(clip, Cache(tmp_path)), whole)


def test_a_measured_clip_is_not_planned_and_its_slices_are_not_measured(clip, tmp_path):
    cache = Cache(tmp_path)
    footage, parts, plan = _planned(clip, cache)
    assert measuring.plan(footage, SETTINGS, cache, slice_s=3.5) == parts
    _measured(clip, cache)
    assert measuring.plan(footage, SETTINGS, cache, slice_s=2.0) == ()
    measuring.measure_slice(footage, SETTINGS, cache, parts[0])
    assert not list(plan.folder.parent.glob("slice-*"))


def test_slices_whose_common_pictures_differ_are_not_joined(clip, whole, tmp_path):
    cache = Cache(tmp_path)
    footage, parts, plan = _planned(clip, cache)
    for part in parts:
        measuring.measure_slice(footage, SETTINGS, cache, part)
    path = slicing.entry_of(footage, SETTINGS, cache, plan, parts[2]) / "frames.parquet"
    frames = pq.ParquetFile(path).read()
    lead = parts[2].first_row - parts[2].from_row
    assert lead >= OVERLAP
    values = frames["sharpness"].to_numpy().copy()
    values[lead - 1] = np.nextafter(values[lead - 1], np.inf)
    place = frames.schema.get_field_index("sharpness")
    pq.write_table(frames.set_column(place, frames.schema.field(place), pa.array(values)), path)
    device = slicing.device_of(SETTINGS, cache, measuring.silent, None)
    assert slicing.joined(footage, SETTINGS, cache, measuring.silent, device, tmp_path) is None
    _same(_measured(clip, cache), whole)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="finds the child in /proc")
def test_a_slice_that_crashes_leaves_the_clip_to_one_pass(clip, whole, tmp_path):
    cache = Cache(tmp_path)
    footage, parts, plan = _planned(clip, cache)
    killed: list[int] = []

    def kill(stage: str, done: float) -> None:
        child = child_of_this_process(clip)
        if not killed and child is not None:
            os.kill(child, signal.SIGKILL)
            killed.append(child)

    measuring.measure_slice(footage, SETTINGS, cache, parts[2], kill)
    assert killed and not list(slicing.entry_of(footage, SETTINGS, cache, plan, parts[2]).glob("*.parquet"))
    _same(_measured(clip, cache), whole)


def test_a_damaged_clip_is_measured_in_one_pass(clip, tmp_path):
    damaged = tmp_path / "damaged.mp4"
    data = bytearray(clip.read_bytes())
    start = data.index(b"mdat")
    for at in np.random.default_rng(7).integers(start + len(data) // 3, start + len(data) // 2, 40):
        data[at] ^= 0xFF
    damaged.write_bytes(data)
    footage = measuring.identify(damaged)
    cache = Cache(tmp_path / "sliced")
    parts = measuring.plan(footage, SETTINGS, cache, slice_s=2.0)
    assert parts
    for part in parts:
        measuring.measure_slice(footage, SETTINGS, cache, part)
    tables = _measured(damaged, cache)
    assert tables["gaps"].rows and tables["frames"]["damaged"].any()
    _same(tables, _measured(damaged, Cache(tmp_path / "whole")))


UNCUT = {
    "no index.ts": {},
    "fragments.mp4": {"container_options": {"movflags": "frag_keyframe+empty_moov"}},
    "one key frame.mp4": {"gop": 400},
    "another decoder.mp4": {"codec": "mpeg4"},
    "recovery points.mp4": {"options": {"preset": "fast", "x264-params": "intra-refresh=1:keyint=12"}},
    "open groups.mp4": {"bframes": 3, "options": {"preset": "fast", "x264-params": "open-gop=1:keyint=12"}},
    "times in disorder.mp4": {"edit": True},
    "cut off.mp4": {"cut": True, "container_options": {"movflags": "faststart"}},
}


@pytest.mark.parametrize("name", UNCUT)
def test_what_cannot_be_cut_is_not(name, tmp_path):
    how = {"frames": 200, "gop": 12, **UNCUT[name]}
    path, shortened = tmp_path / name, how.pop("cut", False)
    if how.pop("edit", False):
        path = shared("footage", "containers_fate", "video__h264__mov-3elist.mp4")
    else:
        make_clip(path, **how)
    if shortened:
        path.write_bytes(path.read_bytes()[:-2000])
    assert measuring.plan(measuring.identify(path), SETTINGS, Cache(tmp_path / "cache"), slice_s=0.5) == ()


def test_a_clip_shorter_than_two_slices_is_not_cut(clip, tmp_path):
    footage = measuring.identify(clip)
    assert measuring.plan(footage, SETTINGS, Cache(tmp_path), slice_s=4.1) == ()
    assert len(measuring.plan(footage, SETTINGS, Cache(tmp_path), slice_s=3.9)) == 3

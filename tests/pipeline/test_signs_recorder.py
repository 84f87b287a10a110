"""The burned-in overlay of real clips: found before the pass, its clock read in every picture after it."""

from dataclasses import dataclass

import numpy as np
import pytest

from pipeline.features.extract import measure
from pipeline.features.schema import to_table
from pipeline.signs.layouts import Layouts
from pipeline.signs.recorder import recorder
from tests.footage import view
from tests.overlays import DEVICE, SIZE, burned, write
from tests.pipeline.measuring import valid
from tests.shared import shared


@dataclass
class Read:
    overlay: object
    clock: object
    texts: object
    frames: object

    def field(self, name):
        rows = np.flatnonzero(self.overlay["field"] == name)
        return str(self.overlay["text"][rows[0]]) if len(rows) else None


def read(path, tmp_path, layouts=None, **settings):
    work = tmp_path / f"work-{len(list(tmp_path.iterdir()))}"
    work.mkdir()
    device = recorder(lambda *_: None, layouts, **settings)
    found = measure(path, work, lambda *_: None, device.place, sound_s=1.0)
    tables = device.read(found)
    for name, arrow in tables.items():
        valid(name, arrow)
    return Read(
        *(to_table(n, tables[n]) for n in ("overlay", "clock", "texts")), to_table("frames", found.tables["frames"])
    )


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return burned(tmp_path_factory.mktemp("whole") / "whole.mp4", range(300))


def test_the_clock_is_read_in_every_picture(whole, tmp_path):
    found = read(whole.path, tmp_path)
    assert found.clock.rows == found.frames.rows == 300
    assert np.mean(found.clock["clock_s"] == whole.clock_s) >= 0.99
    assert np.nanmin(found.clock["clock_score"]) > 0.5
    assert found.field("device").replace(" ", "") == DEVICE.replace(" ", "")
    assert found.overlay["form"][found.overlay["field"] == "clock"][0].startswith("0000-00-00")
    assert found.texts["overlay"].all()


def test_pictures_that_were_cut_out_leave_a_short_second(tmp_path):
    numbers = [n for n in range(300) if not 141 <= n < 147]
    clip = burned(tmp_path / "cut.mp4", numbers)
    found = read(clip.path, tmp_path)
    assert np.mean(found.clock["clock_s"] == clip.clock_s) >= 0.99
    ticks = np.flatnonzero(np.diff(found.clock["clock_s"])) + 1
    assert 25 - 6 in np.diff(ticks)


def test_a_clock_that_leaps_is_read_behind_the_leap(tmp_path):
    clip = burned(tmp_path / "leap.mp4", range(300), shift=lambda number: 3725.0 if number >= 150 else 0.0)
    found = read(clip.path, tmp_path)
    assert np.mean(found.clock["clock_s"] == clip.clock_s) >= 0.98


def test_a_picture_without_overlay_stands_out(tmp_path):
    clip = burned(tmp_path / "foreign.mp4", range(300), plain=[170, *range(220, 250)])
    found = read(clip.path, tmp_path)
    without = np.isnan(clip.clock_s)
    scores = found.clock["clock_score"]
    assert scores[without].max() < 0.5 < np.percentile(scores[~without], 1)
    assert np.isnan(found.clock["clock_s"][without]).all()


def test_twelve_hours_and_midday(tmp_path):
    clip = burned(tmp_path / "noon.mp4", range(250), form="%m-%d-%Y %I:%M:%S %p", shift=lambda _: 2 * 3600 + 63)
    found = read(clip.path, tmp_path)
    assert np.mean(found.clock["clock_s"] == clip.clock_s) >= 0.98


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_a_clip_that_is_stored_turned_is_read_upright(rotation, tmp_path):
    clip = burned(tmp_path / "turned.mp4", range(150), rotation=rotation)
    found = read(clip.path, tmp_path)
    assert found.overlay["bottom"][found.overlay["field"] == "clock"][0] < 0.2
    assert np.mean(found.clock["clock_s"] == clip.clock_s) >= 0.95


def test_no_overlay_is_no_clock(tmp_path):
    clip = burned(tmp_path / "plain.mp4", range(100), plain=range(100))
    found = read(clip.path, tmp_path)
    assert found.overlay.rows == 0
    assert np.isnan(found.clock["clock_s"]).all()
    assert np.isnan(found.clock["clock_score"]).all()
    assert found.clock.rows == 100


def test_a_remembered_layout_is_used_and_gives_the_same(whole, tmp_path):
    layouts = Layouts(tmp_path / "layouts", "A7")
    first = read(whole.path, tmp_path, layouts)
    assert len(layouts.known(*SIZE)) == 1
    again = read(whole.path, tmp_path, layouts, edge=0.0101)  # strips too thin to find anything in
    assert again.field("clock") == first.field("clock")
    assert np.array_equal(again.clock["clock_s"], first.clock["clock_s"])


def test_a_remembered_layout_that_lacks_a_line_is_not_used(whole, tmp_path):
    layouts = Layouts(tmp_path / "layouts", "A7")
    first = read(whole.path, tmp_path, layouts)
    [known] = layouts.known(*SIZE)
    assert len(known) > 1
    poorer = Layouts(tmp_path / "poorer", "A7")
    poorer.remember(*SIZE, known[:1])
    again = read(whole.path, tmp_path, poorer)
    assert again.overlay["field"].tolist() == first.overlay["field"].tolist()
    assert poorer.known(*SIZE)[0] == known


def test_a_remembered_layout_that_does_not_fit_is_not_used(tmp_path):
    layouts = Layouts(tmp_path / "layouts", "A7")
    layouts.remember(*SIZE, [next(iter(read_areas(tmp_path)))])
    clip = burned(tmp_path / "whole.mp4", range(100))
    found = read(clip.path, tmp_path, layouts)
    assert found.field("clock") is not None
    assert len(layouts.known(*SIZE)) == 2


def read_areas(tmp_path):
    from pipeline.signs.locate import Area

    return [Area(0.6, 0.02, 0.95, 0.09)]


def test_a_broken_memory_is_no_memory(tmp_path):
    layouts = Layouts(tmp_path, "A7")
    layouts.remember(*SIZE, read_areas(tmp_path))
    next(tmp_path.glob("*.json")).write_text("[[1, 2")
    assert layouts.known(*SIZE) == []


def test_writing_leaves_the_edge_of_the_picture_alone():
    picture = view(0, size=SIZE).copy()
    write(picture, DEVICE, 20, SIZE[1] - 40)
    assert np.array_equal(picture[: SIZE[1] - 41], view(0, size=SIZE)[: SIZE[1] - 41])


@pytest.mark.parametrize("name", ["A_1080_32", "C_720_32", "E_720_35"])
def test_drawn_clips_of_the_measuring_material(name, tmp_path):
    clip = shared("signs", "clips", f"{name}.mp4")
    found = read(clip, tmp_path)
    seconds = found.clock["clock_s"]
    assert np.isfinite(seconds).all()
    assert np.array_equal(np.unique(seconds) - seconds[0], np.arange(10))
    assert found.field("device").startswith("DSJ-K7A0123")


def test_a_dashcam_of_the_measuring_material(tmp_path):
    found = read(shared("footage", "dashcam", "dashcam1.mp4"), tmp_path)
    ticks = np.flatnonzero(np.diff(found.clock["clock_s"])) + 1
    assert len(ticks) == 17
    assert (np.diff(found.clock["clock_s"][ticks]) == 1).all()

"""What the report shows of the recorder's overlay: its fields, how the clock runs, and the curve drawn from it."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.features.schema import table
from pipeline.language import language
from pipeline.media.stills import Still
from pipeline.model import Features, Finding, Level, Message, Span
from pipeline.report.offsets import LEAST_S, MOST_BANDS, Readings, offsets, readings
from pipeline.report.page_findings import Assets
from pipeline.report.page_overlay import build_overlay, written
from pipeline.report.plots import draw, draw_offsets
from pipeline.report.stills import OVERLAY, ShownStill, overlay_still
from tests.examinations import CLOCK_S, CUT, FPS, MISSING_S, UNREAD, findings, tables

ENGLISH = language("en")


def shown(seconds: float, *, start: float = CLOCK_S, phase: float = 0.3, fps: float = FPS, ahead=lambda t: 0.0):
    """Return readings of a clock that is `ahead` of the stream."""
    time_s = np.arange(int(seconds * fps)) / fps
    clock_s = np.array([np.floor(start + phase + t + ahead(t) + 1e-6) for t in time_s])
    return Readings(time_s, clock_s, np.full(len(time_s), 1 / fps))


def view(features: Features, assets: Assets | None = None, words=ENGLISH):
    return build_overlay(features, findings(), assets or Assets(), words)


def without(*names: str) -> Features:
    return Features({name: values for name, values in tables().items() if name not in names})


class TestFields:
    def test_each_line_has_its_name_its_text_and_how_often_it_was_read_so(self):
        told = view(Features(tables()))
        assert [(f.name, f.text, f.agreement, f.height) for f in told.fields] == [
            ("Clock", "2026-03-01 08:00:00", "6 of 6 readings", "16"),
            ("Device number", "A1234567", "4 of 5 readings", "16"),
        ]
        assert view(Features(tables()), words=language("zh-CN")).fields[1].name == "设备编号"

    def test_each_line_is_cut_out_of_the_picture(self):
        features = Features(tables())
        still = ShownStill(overlay_still(features), Still(0.0, 0.0, Path("still-0.jpg"), 320, 240))
        told = view(features, Assets(stills={OVERLAY: [still]}))
        assert told.picture.source == "stills/still-0.jpg"
        assert told.fields[1].box == "left:3.00%;top:87.00%;width:29.00%;height:7.00%"
        assert all(field.closeup and field.closeup_ratio for field in told.fields)

    def test_not_found_is_told_apart_from_not_looked_for(self):
        nothing = Features({**tables(), "overlay": table("overlay", [])})
        device = tables()["overlay"].where(np.array([False, True]))
        unread = {**tables()["frames"], "clock_s": np.full(250, np.nan)}
        said = [
            view(features).missing
            for features in (
                without("overlay"),
                nothing,
                Features({**tables(), "overlay": device}),
                Features({**tables(), "frames": type(tables()["frames"])(unread)}),
                Features(tables()),
            )
        ]
        assert said == [
            "What the recorder burned in was not looked for.",
            "No burned-in line was found, and so no clock.",
            "No burned-in clock was found.",
            "A burned-in clock was found, but what it shows could not be read.",
            "",
        ]

    def test_the_picture_is_one_in_which_the_clock_was_read_well(self):
        frames = dict(tables()["frames"])
        frames["clock_score"] = np.where(np.arange(250) < 60, 0.5, 0.9)
        assert overlay_still(Features({**tables(), "frames": type(tables()["frames"])(frames)})).time_s == 60 / FPS


class TestClock:
    def test_it_says_what_was_read_and_how_the_clock_runs(self):
        told = {entry.name: entry.value for entry in view(Features(tables())).clock}
        assert told == {
            "First reading": "2026-03-01 08:00:00 at 0:00.000",
            "Last reading": "2026-03-01 08:00:13 at 0:09.960",
            "Read in": "220 of 250 pictures (88 %), 8.8 s of 10 s",
            "How it runs": "9 ticks; clock minus presentation time from -3.00 s to 0.00 s about its median",
            "Largest step": "+3.00 s between 0:03.700 and 0:04.700",
            "Leaps": "2026-03-01 08:00:04 → 2026-03-01 08:00:07 at 0:04.000",
        }

    def test_a_clock_that_stands_still_is_said_to(self):
        frames = {**tables()["frames"], "clock_s": np.full(250, 7.0)}
        told = view(Features({**tables(), "frames": type(tables()["frames"])(frames)}))
        assert told.clock[-1].value == "It never changes in what was read."
        assert told.offsets == ""

    def test_a_cut_that_the_clock_bears_out_is_linked(self):
        cut, jump = findings()[0], findings()[4]
        joined = replace(cut, kind="picture-cut", grounds=(jump,))
        found = build_overlay(Features(tables()), [joined], Assets(), ENGLISH)
        assert [entry.name for entry in found.findings] == [joined.id]

    def test_findings_about_it_are_linked(self):
        assert [entry.name for entry in view(Features(tables())).findings] == ["f5"]

    @pytest.mark.parametrize(
        ("seconds", "dated", "told"),
        [(CLOCK_S, True, "2026-03-01 08:00:00"), (3600.0, False, "01:00:00"), (1e30, True, "1e+30")],
    )
    def test_it_is_written_as_a_reader_knows_it(self, seconds, dated, told):
        assert written(seconds, dated) == told


class TestOffsets:
    def test_missing_time_is_a_step_of_as_much(self):
        curve = offsets(readings(Features(tables())))
        before = curve.times_s < CUT / FPS
        assert np.median(curve.values_s[~before]) - np.median(curve.values_s[before]) == pytest.approx(MISSING_S)
        assert curve.unread == ((UNREAD.start / FPS, UNREAD.stop / FPS),)
        assert curve.undated == 1
        assert len(curve.bands) == 2
        assert not curve.outside.any()

    def test_ten_missing_pictures_are_a_step_on_one_axis(self):
        curve = offsets(shown(40, ahead=lambda t: 0.4 * (t >= 20.2)))
        assert np.ptp(curve.values_s) == pytest.approx(0.4)
        assert len(curve.bands) == 1
        assert not curve.outside.any()
        assert curve.bands[0].high_s - curve.bands[0].low_s < 0.6

    def test_an_even_clock_is_level_and_not_drawn_larger_than_it_is(self):
        curve = offsets(shown(30))
        assert np.abs(curve.values_s).max() < 0.5 / FPS
        assert curve.bands[0].high_s - curve.bands[0].low_s >= 2 * LEAST_S

    def test_a_jump_of_hours_leaves_small_steps_visible(self):
        curve = offsets(shown(60, ahead=lambda t: 7200.0 * (t >= 20) + 0.2 * (t >= 40)))
        low, high = curve.bands[1], curve.bands[0]
        assert high.low_s - low.high_s > 7000
        assert max(band.high_s - band.low_s for band in curve.bands) < 1.0

    def test_a_wrong_reading_does_not_flatten_the_curve(self):
        read = shown(60)
        read.clock_s[700:710] += 1000
        curve = offsets(read)
        assert max(band.high_s - band.low_s for band in curve.bands) < 1.0
        assert [round(leap.after_s - leap.before_s) for leap in curve.leaps] == [1000, -1000]

    def test_midnight_is_no_jump_of_a_clock_without_a_date(self):
        read = shown(20, start=86390.0)
        curve = offsets(Readings(read.time_s, read.clock_s % 86400, read.length_s))
        assert np.ptp(curve.values_s) < 0.5 / FPS
        assert curve.leaps == ()

    @pytest.mark.parametrize("clock_s", [np.full(50, np.nan), np.full(50, 3.0), np.arange(50.0)[::-1]])
    def test_without_a_tick_there_is_none(self, clock_s):
        assert offsets(Readings(np.arange(50) / FPS, clock_s, np.full(50, 1 / FPS))) is None

    @given(st.lists(st.one_of(st.just(float("nan")), st.integers(0, 200_000).map(float)), max_size=60))
    def test_whatever_was_read_gives_few_bands_that_hold_most(self, clock_s):
        curve = offsets(Readings(np.arange(len(clock_s)) / FPS, np.array(clock_s), np.full(len(clock_s), 1 / FPS)))
        if curve is not None:
            assert 1 <= len(curve.bands) <= MOST_BANDS
            assert curve.outside.mean() <= 0.1
            assert all(band.high_s - band.low_s >= 2 * LEAST_S - 1e-6 for band in curve.bands)


class TestDrawing:
    def test_the_drawn_line_steps_up_where_pictures_are_missing(self, tmp_path):
        curve = offsets(shown(40, ahead=lambda t: 0.4 * (t >= 20.2)))
        found = Finding("clock-rate", Level.SUSPECT, Span(20.16, 20.2), Message("x"), id="f77")
        draw_offsets(curve, 40.0, [found], tmp_path / "clock.svg")
        svg = (tmp_path / "clock.svg").read_text(encoding="utf-8")
        points = drawn(svg, "offsets-0")
        assert len(points) == len(curve.values_s)
        heights = np.array([-y for _, y in points])  # SVG counts downwards
        step = int(np.argmax(np.diff(heights)))
        assert curve.times_s[step] < 20.2 < curve.times_s[step + 1]
        assert np.ptp(heights[: step + 1]) < 0.1 * np.ptp(heights)
        assert ">f77<" in svg

    def test_levels_far_apart_are_drawn_on_parts_of_the_axis(self, tmp_path):
        curve = offsets(readings(Features(tables())))
        draw_offsets(curve, 10.0, [], tmp_path / "clock.svg")
        svg = (tmp_path / "clock.svg").read_text(encoding="utf-8")
        upper, lower = drawn(svg, "offsets-0"), drawn(svg, "offsets-1")
        assert (len(upper), len(lower)) == (5, 4)
        assert max(x for x, _ in lower) < min(x for x, _ in upper)

    def test_hours_of_ticks_make_a_small_file(self, tmp_path):
        draw_offsets(offsets(shown(9000, fps=2.0)), 9000.0, [], tmp_path / "clock.svg")
        assert (tmp_path / "clock.svg").stat().st_size < 200_000

    def test_a_finding_about_the_clock_shows_the_offset_not_the_date(self, tmp_path):
        jump = findings()[4]
        assert draw(jump, Features(tables()), tmp_path / "near.svg", tmp_path / "whole.svg")
        assert "frames.clock_s − frames.time_s" in (tmp_path / "near.svg").read_text(encoding="utf-8")


def drawn(svg: str, gid: str) -> list[tuple[float, float]]:
    """Return the points of a line in a drawing."""
    path = re.search(rf'<g id="{gid}">\s*<path d="([^"]+)"', svg)
    return [(float(x), float(y)) for x, y in re.findall(r"[ML] ([\d.-]+) ([\d.-]+)", path[1])]

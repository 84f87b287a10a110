import math
from dataclasses import replace
from datetime import datetime
from fractions import Fraction

import av
import numpy as np
import pytest

from benchmarks import overlay_sets
from benchmarks.footage import FOOTAGE
from benchmarks.overlay_material import render, takes, there_and_back
from benchmarks.overlay_recipe import (
    Insertion,
    Move,
    Recipe,
    Removal,
    Vanish,
    clock_of,
    clock_seconds,
    moments,
    shown,
    turnovers,
)
from benchmarks.overlay_truth import truth_from, truth_of
from pipeline.forge.drawing import missing_fonts
from pipeline.forge.layouts import LAYOUTS, layout
from tests.shared import shared

NOON = datetime(2019, 7, 25, 12, 0, 5)
RECIPE = Recipe("-", "dots-5x7", 720, 30, Fraction(25), 4.0, NOON, 0.5)


@pytest.fixture
def recipe():
    if lacking := missing_fonts(layout(RECIPE.layout)):
        pytest.skip(f"fonts are not installed: {lacking}")
    return RECIPE


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("iso-outline-sans", "2019-07-25 12:00:05"),
        ("chinese-weekday", "2019年07月25日 12:00:05 星期四"),
        ("us-afternoon", "07-25-2019 12:00:05 PM"),
        ("two-lines-proportional", "2019-07-25\n12:00:05"),
        ("frame-counter", "2019-07-25 12:00:05:07"),
        ("hundredths-proportional", "2019-07-25 12:00:05.28"),
        ("compact-date-plain", "20190725 12:00:05"),
        ("european-yellow", "25.07.2019 12:00:05"),
        ("time-only", "12:00:05"),
    ],
)
def test_a_clock_is_spelt_as_its_layout_says(name, expected):
    assert clock_of(layout(name), NOON, 7, Fraction(25)) == expected


@pytest.mark.parametrize(("hour", "expected"), [(0, "12:30:00 AM"), (11, "11:30:00 AM"), (13, "01:30:00 PM")])
def test_twelve_hours(hour, expected):
    assert clock_of(layout("us-afternoon"), datetime(2019, 7, 25, hour, 30), 0, Fraction(25)).endswith(expected)


def test_seconds_count_from_1970_or_from_midnight():
    assert clock_seconds(layout("dots-5x7"), datetime(1970, 1, 2, 0, 0, 1)) == 86401
    assert clock_seconds(layout("time-only"), datetime(1970, 1, 2, 1, 0, 1)) == 3601


def test_the_clock_turns_over_after_what_is_left_of_the_first_second():
    assert turnovers(RECIPE) == [13, 38, 63, 88]


def test_a_second_that_begins_between_two_pictures_shows_on_the_later_one():
    uneven = replace(RECIPE, rate=Fraction(30000, 1001), phase=0.0, seconds=3.1)
    assert turnovers(uneven) == [30, 60, 90]


def test_jitter_comes_back():
    wobbly = replace(RECIPE, seconds=600.0, jitter_frames=3, jitter_share=0.5)
    steady = turnovers(replace(RECIPE, seconds=600.0))
    off = [at - due for at, due in zip(turnovers(wobbly), steady, strict=False)]
    assert set(off) == {-3, -2, -1, 0, 1, 2, 3}
    assert abs(sum(off)) < 60
    assert 200 < sum(map(bool, off)) < 400


def test_every_picture_counts_from_the_last_turnover():
    said = moments(RECIPE)
    assert [said[row].frame for row in (0, 12, 13, 37, 38)] == [12, 24, 0, 24, 0]
    assert [said[row].when.second for row in (0, 12, 13, 37, 38)] == [5, 5, 6, 6, 7]


def test_removed_pictures_are_missing_and_the_clock_jumps(recipe):
    truth = truth_of(replace(recipe, edits=(Removal(20, 30),)))
    assert len(truth.second) == 70
    assert truth.removals == ((20, 30),)
    assert truth.ticks == (13, 20, 33, 58)
    assert truth.second[20] - truth.second[19] == 1
    assert truth.second[33] - truth.second[19] == 2


def test_foreign_pictures_have_no_clock_and_take_none_away(recipe):
    truth = truth_of(replace(recipe, edits=(Insertion(50, 2), Vanish(60, 3))))
    assert len(truth.second) == 102
    assert truth.insertions == ((50, 2),)
    assert truth.vanished == ((62, 3),)
    assert truth.removals == ()
    assert np.flatnonzero(np.isnan(truth.second)).tolist() == [50, 51, 62, 63, 64]
    assert [row for row, text in enumerate(truth.clock) if text is None] == [50, 51, 62, 63, 64]


def test_another_layout_goes_on_with_the_same_time(recipe):
    other = "two-lines-proportional"
    if lacking := missing_fonts(layout(other)):
        pytest.skip(f"fonts are not installed: {lacking}")
    moving = replace(recipe, edits=(Move(30, other),))
    assert [picture.layout for picture in shown(moving)][29:31] == ["dots-5x7", other]
    truth = truth_of(moving)
    assert truth.moved == (30,)
    assert truth.second[30] == truth.second[29]


def test_truth_survives_json(recipe):
    truth = truth_of(replace(recipe, edits=(Removal(20, 3), Insertion(40, 1))))
    back = truth_from(truth.document())
    assert np.array_equal(back.second, truth.second, equal_nan=True)
    assert back.document() == truth.document()
    assert truth.fields["clock"] == "2019-07-25 12:00:05"


@pytest.mark.parametrize(("count", "expected"), [(1, [0, 0, 0, 0]), (3, [0, 1, 2, 1, 0, 1, 2, 1])])
def test_there_and_back(count, expected):
    assert [there_and_back(number, count) for number in range(len(expected))] == expected


@pytest.mark.parametrize("drawn", LAYOUTS, ids=lambda drawn: drawn.name)
@pytest.mark.parametrize("height", [720, 1080])
def test_every_layout_stands_in_the_picture_and_its_fields_apart(drawn, height):
    if lacking := missing_fonts(drawn):
        pytest.skip(f"fonts are not installed: {lacking}")
    recipe = replace(RECIPE, layout=drawn.name, height=height)
    boxes = truth_of(recipe).boxes
    assert boxes.keys() >= {line.field for line in drawn.lines} - {"mark"}
    for left, top, right, bottom in boxes.values():
        assert 0 <= left < right <= height * 16 // 9
        assert 0 <= top < bottom <= height
    clock = boxes["clock"]
    assert clock[3] - clock[1] >= drawn.heights_px[height] >= 18
    apart = [box for field, box in boxes.items() if field != "clock"]
    assert all(clock[2] <= box[0] or box[2] <= clock[0] or clock[3] <= box[1] or box[3] <= clock[1] for box in apart)


def test_the_halves_share_neither_layouts_nor_takes():
    shared("footage", "INDEX.tsv")
    for made in (
        overlay_sets.location_recipes,
        overlay_sets.removal_recipes,
        overlay_sets.honest_recipes,
        overlay_sets.foreign_recipes,
        overlay_sets.change_recipes,
    ):
        tune, test = made("tune"), made("test")
        assert made("test") == test
        assert len({recipe.digest() for recipe in test}) == len(test)
        assert not {recipe.layout for recipe in tune} & {recipe.layout for recipe in test}
        assert not {recipe.take for recipe in tune} & {recipe.take for recipe in test}


def test_edits_stand_apart_and_are_as_many_as_promised():
    shared("footage", "INDEX.tsv")
    counts = []
    for recipe in overlay_sets.removal_recipes("test"):
        last = 0
        for edit in recipe.edits:
            assert edit.at - last >= overlay_sets.APART_S * recipe.rate
            last = edit.at + edit.frames
            counts.append(edit.frames)
        assert round(recipe.seconds * recipe.rate) - last >= overlay_sets.APART_S * recipe.rate - 1
    assert counts.count(3) >= 60
    assert counts.count(10) >= 60
    assert sum(recipe.seconds for recipe in overlay_sets.honest_recipes("test")) == 3600


def test_a_rendered_clip_shows_what_its_truth_says(recipe, tmp_path):
    shared("footage", "INDEX.tsv")
    made = replace(recipe, take=takes("tune")[0], seconds=1.6, crf=20, edits=(Removal(20, 3), Vanish(30, 2)))
    path, truth = render(made, tmp_path, FOOTAGE)
    before = path.read_bytes()
    with av.open(str(path)) as container:
        pictures = [frame.to_ndarray(format="gray") for frame in container.decode(video=0)]
    assert len(pictures) == len(truth.second) == 37
    left, top, right, bottom = truth.boxes["clock"]
    letters = [float((picture[top:bottom, left:right] > 200).mean()) for picture in pictures]
    bare = [row for row, second in enumerate(truth.second) if math.isnan(second)]
    assert bare == [27, 28]
    with_overlay = [share for row, share in enumerate(letters) if row not in bare]
    assert max(letters[row] for row in bare) < min(with_overlay)
    again, kept = render(made, tmp_path, FOOTAGE)
    assert again.read_bytes() == before
    assert kept.document() == truth.document()

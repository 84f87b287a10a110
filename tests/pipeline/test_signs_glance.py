"""Which pictures are read: those that promise most, strewn over the clip, the same view no more than twice."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.signs.glance import THUMBNAIL, Look, amount, choose, outside, strewn
from pipeline.signs.lines import LINE_PER_LETTER, Found


@dataclass(frozen=True)
class Picture:
    path: Path
    frame: int
    time_s: float


@dataclass(frozen=True)
class Area:
    left: float
    top: float
    right: float
    bottom: float


def line(left: float, top: float, letters_px: float = 32.0, letters: float = 6.0, score: float = 1.0) -> Found:
    high = letters_px * LINE_PER_LETTER
    right, bottom = left + letters * letters_px, top + high
    return Found(np.array([(left, top), (right, top), (right, bottom), (left, bottom)]), score)


def look(number: int, time_s: float, *lines: Found, view: int | None = None) -> Look:
    shape = THUMBNAIL[::-1]
    pixels = np.random.default_rng(number if view is None else view).integers(0, 256, shape, dtype=np.uint8)
    return Look(Picture(Path(), number, time_s), 1920, 1080, lines, pixels)


def chosen(looks: list[Look], most: int) -> list[int]:
    return choose(looks, [amount(one.lines) for one in looks], most, 60.0, 4.0)


def test_large_long_and_sure_lines_promise_most() -> None:
    assert amount([]) == 0
    assert amount([line(0, 0, 48)]) == pytest.approx(amount([line(0, 0, 32)]))
    assert amount([line(0, 0, 32)]) > 2 * amount([line(0, 0, 16)]) > 0
    assert amount([line(0, 0, letters=6)]) > amount([line(0, 0, letters=2)])
    assert amount([line(0, 0, letters=60)]) == amount([line(0, 0, letters=12)])
    assert amount([line(0, 0, score=0.9)]) > amount([line(0, 0, score=0.2)])


def test_many_small_lines_do_not_outweigh_a_sign() -> None:
    print_ = [line(0, 30 * row, 10.0, 20.0) for row in range(40)]
    assert amount(print_) < amount([line(0, 0, 32.0, 6.0)])


def test_the_most_promising_pictures_come_first() -> None:
    looks = [look(n, 100.0 * n + 100, line(300, 300, size)) for n, size in enumerate((12, 30, 20))]
    assert chosen(looks, 2) == [1, 2]
    assert chosen(looks, 9) == [1, 2, 0]
    assert chosen(looks, 0) == []


def test_a_picture_without_text_is_never_chosen() -> None:
    assert chosen([look(0, 5.0), look(1, 200.0, line(300, 300))], 9) == [1]


def test_the_opening_comes_first() -> None:
    assert chosen([look(0, 500.0, line(300, 300)), look(1, 30.0, line(300, 300))], 1) == [1]


def test_the_choice_is_strewn_over_the_clip() -> None:
    looks = [look(n, 100.0 + 3 * n, line(300, 300, 30)) for n in range(4)] + [look(9, 400.0, line(300, 300, 24))]
    assert chosen(looks, 2) == [0, 4]


def test_a_view_is_read_twice_and_again_when_another_text_stands_in_it() -> None:
    same = [look(n, 200.0 + 50 * n, line(300, 300), view=7) for n in range(4)]
    assert chosen(same, 9) == [0, 1]
    other = look(9, 500.0, line(300, 300), line(300, 700, 20), view=7)
    assert chosen([*same, other], 9) == [4, 0]


def test_lines_whose_middle_lies_in_an_area_are_left_out() -> None:
    clock, sign = line(20, 20), line(300, 500)
    across = line(700, 20, letters=20)  # begins in the area, but most of it lies beside it
    kept = outside([clock, sign, across], [Area(0.0, 0.0, 0.4, 0.1)], 1920, 1080)
    assert [one is clock for one in kept] == [False, False]
    assert len(kept) == 2


def test_pictures_are_strewn_over_the_opening() -> None:
    looks = [look(n, 3.0 * n) for n in range(21)] + [look(n, 70.0 + n) for n in range(5)]
    assert strewn(looks, [], 3, 60.0) == [0, 10, 19]
    assert strewn(looks, [0, 19], 2, 60.0) == [1, 18]
    assert strewn(looks, [], 0, 60.0) == []
    assert strewn([look(0, 90.0)], [], 4, 60.0) == [0]
    assert strewn([], [], 4, 60.0) == []


@given(st.lists(st.tuples(st.floats(0, 600), st.floats(5, 60)), max_size=20), st.integers(0, 8))
def test_the_choice_is_bounded_and_always_the_same(shown: list[tuple[float, float]], most: int) -> None:
    looks = [look(n, time_s, line(300, 300, size)) for n, (time_s, size) in enumerate(shown)]
    first = chosen(looks, most)
    assert first == chosen(looks, most)
    assert len(first) == len(set(first)) == min(most, len(looks))

"""Pages and screens told from signs by how their lines stand."""

import cv2
import numpy as np
import pytest

from pipeline.signs import reader
from pipeline.signs.documents import documents
from pipeline.signs.lines import Found, find
from tests.shared import shared


def line(left: float, top: float, letters: float = 12.0, height: float = 24.0) -> Found:
    right, bottom = left + letters * height / 1.38, top + height
    return Found(np.array([(left, top), (right, top), (right, bottom), (left, bottom)]), 0.9)


def page(rows: int = 7, step: float = 40.0, **more: float) -> list[Found]:
    return [line(400, 200 + step * row, **more) for row in range(rows)]


def turned(lines: list[Found], degrees: float) -> list[Found]:
    turn = cv2.getRotationMatrix2D((600, 400), degrees, 1.0)
    return [Found(found.corners @ turn[:, :2].T + turn[:, 2], found.score) for found in lines]


@pytest.mark.parametrize("degrees", [0, 12, -25])
def test_many_rows_of_one_size_are_a_page(degrees: float) -> None:
    assert documents(turned(page(), degrees), 1080).all()


def test_rows_in_two_parts_and_centred_rows_are_a_page() -> None:
    parted = [part for row in range(6) for part in (line(400, 200 + 40 * row, 4), line(490, 200 + 40 * row, 8))]
    assert documents(parted, 1080).all()
    centred = [line(600 - letters * 8, 200 + 40 * row, letters) for row, letters in enumerate((6, 14, 20, 9, 16, 4))]
    assert documents(centred, 1080).all()


def test_a_line_that_is_clearly_larger_than_its_page_is_none_of_it() -> None:
    lines = [line(400, 130, 4, 60.0), *page()]
    assert documents(lines, 1080).tolist() == [False] + [True] * 7


def test_a_sign_beside_a_page_is_none_of_it() -> None:
    lines = [*page(), line(1200, 300, 6, 26.0)]
    assert documents(lines, 1080).tolist() == [True] * 7 + [False]


@pytest.mark.parametrize(
    "lines",
    [
        [],
        page(rows=4),
        page(step=90.0),
        page(letters=3.0),
        page(height=80.0, step=130.0),
        [line(400 + 150 * (row % 3) ** 2, 200 + 40 * row, 6 - row % 2 * 3) for row in range(6)],
        [line(400, 200 + 60 * row, 6, 24.0 * 1.7**row) for row in range(5)],
    ],
    ids=["nothing", "four rows", "far apart", "short", "large", "strewn", "of several sizes"],
)
def test_what_is_no_page(lines: list[Found]) -> None:
    assert not documents(lines, 1080).any()


def test_columns_of_characters_are_no_page() -> None:
    columns = [
        Found(np.array([(left, 200), (left + 24, 200), (left + 24, 500), (left, 500)], float), 0.9)
        for left in range(400, 700, 40)
    ]
    assert not documents(columns, 1080).any()


@pytest.mark.parametrize("scale", [1.0, 0.6])
def test_no_real_sign_is_taken_for_a_page(scale: float) -> None:
    engine = reader._engine(1280, 1)
    for photo in sorted(shared("signs", "photos").iterdir()):
        pixels = cv2.resize(cv2.imread(str(photo)), None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        assert not documents(find(engine, np.asarray(pixels, np.uint8), 960), pixels.shape[0]).any(), photo.name

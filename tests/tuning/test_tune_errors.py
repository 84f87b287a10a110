"""Misses and false alarms with their pictures."""

from dataclasses import replace

import cv2
import pytest

from pipeline import tune
from pipeline.tune import Settings
from tests.tuning.labelled import FROZEN


@pytest.fixture(scope="module")
def missed(made, tmp_path_factory):
    found = tune.score(made.labels, made.clips, Settings({FROZEN: {"min_hold_s": 2.0}}), bar=False)
    return tune.errors(found, tmp_path_factory.mktemp("errors"), most=2, bar=False)


def test_a_miss_is_shown_with_pictures_and_curves(missed):
    assert len(missed) == 2
    row = missed[0]
    assert row.what == "missed" and "frozen-picture" in row.kinds and row.label.detail == "frozen-0.5s"
    picture = cv2.imread(str(row.strip))
    assert picture is not None and picture.shape[1] == 6 * 204
    marked = (abs(picture[0].astype(int) - (76, 180, 233)).sum(axis=1) < 60).mean()
    assert 0.1 < marked < 0.9  # pictures inside the freeze, and others outside
    assert "frames.luma_diff" in row.curves.read_text(encoding="utf-8")


def test_a_false_alarm_is_shown_with_what_was_told(made, tmp_path):
    wrong = tune.Labels(tuple(row for row in made.labels if row.whole))
    found = tune.score(wrong, made.clips, bar=False)
    rows = tune.errors(found, tmp_path, what=("false alarm",), kind="frozen-picture", most=1, bar=False)
    row = rows[0]
    assert row.what == "false alarm" and row.finding.kind == "frozen-picture" and row.label is None
    assert row.strip.is_file() and row.curves.is_file()
    assert rows.table()[0]["level"] == "suspect"
    assert rows._repr_html_().count("data:image/") == 2


def test_only_what_was_asked_for_is_shown(made, tmp_path):
    found = tune.score(made.labels, made.clips, bar=False)
    assert len(tune.errors(found, tmp_path, bar=False)) == 0
    assert tune.errors(found, tmp_path, bar=False)._repr_html_()


def test_where_the_file_is_gone_curves_are_left(made, tmp_path):
    gone = tune.Labels(tuple(replace(row, path="/gone/a.mp4") for row in made.labels.of(made.labels.clips[:1])))
    clips = tune.load(gone, made.cache, bar=False)
    found = tune.score(gone, clips, Settings({FROZEN: {"min_hold_s": 2.0}}), bar=False)
    (row,) = tune.errors(found, tmp_path, bar=False).rows
    assert row.strip is None and "gone" in row.no_strip and row.curves.is_file()

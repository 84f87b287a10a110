"""Looking at one clip: its findings with their clauses, every curve, pictures."""

from pathlib import Path

import numpy as np
import pytest

from pipeline import tune
from pipeline.model import Level
from tests.tuning.labelled import forge, takes


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    root = tmp_path_factory.mktemp("look")
    (frozen,) = forge(takes(root / "takes", 1), ("frozen-0.5s",), root / "forged")
    return tune.look(frozen, root / "cache")


def test_findings_stand_with_their_clauses(seen):
    rows = seen.table(Level.SUSPECT)
    (row,) = [row for row in rows if row["kind"] == "frozen-picture"]
    labels = tune.read_truths(Path(seen.examination.footage.path).parent)
    label = next(label for label in labels if label.label == "true")
    assert row["start_s"] == pytest.approx(label.start_s, abs=0.1) and "第十二条（五） (" in row["article"]
    assert len(seen.table()) > len(rows) and not any("not applicable" in row["article"] for row in seen.table())
    shown = seen._repr_html_()
    assert "frozen-picture" in shown and "(0.5" in shown


def test_every_curve_has_its_panel_on_one_axis_of_time(seen):
    figure = seen.curves()
    titles = [axis.get_title(loc="left") for axis in figure.axes]
    assert titles[0].startswith("take0-frozen-0.5s.mp4") and titles[1] == "Findings" and len(titles) == 11
    assert all(axis.get_ylabel() for axis in figure.axes[2:])
    assert figure.axes[-1].get_xlabel() == "presentation time (s)"
    assert {axis.get_xlim() for axis in figure.axes} == {(0.0, seen.examination.features.duration_s())}
    assert len(figure.axes[0].images) == 10
    assert "frozen-picture" in [text.get_text() for text in figure.axes[1].get_yticklabels()]
    (line,) = [one for one in figure.axes[2].lines if one.get_label() == "mean"]
    expected = seen.examination.features["frames"]["luma_diff"]
    assert np.array_equal(line.get_ydata(), expected, equal_nan=True)


def test_pictures_of_the_gravest_findings(seen):
    figure = seen.stills(most=1)
    shown = [axis for axis in figure.axes if axis.images]
    assert len(shown) >= 2 and shown[0].get_title(loc="left").startswith("Last picture before")


def test_where_nothing_could_be_read_the_figures_are_empty(tmp_path):
    text = tmp_path / "text.mp4"
    text.write_text("no footage")
    nothing = tune.look(text, tmp_path / "cache")
    assert len(nothing.curves().axes) == 2 and not any(axis.images for axis in nothing.stills().axes)

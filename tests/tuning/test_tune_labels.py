"""Labels from forgeries, from truth files written by hand, and from the review."""

import math
from pathlib import Path

import pyarrow as pa
import pytest

from pipeline import tune
from pipeline.review.labels import SCHEMA as REVIEWED
from pipeline.review.labels import write_labels
from pipeline.tune import BREAKS, LabelError
from pipeline.tuning.label_files import NEEDED
from tests.tuning.labelled import forge, takes

SHA = "ab" * 32


@pytest.fixture(scope="module")
def forged(tmp_path_factory) -> tune.Labels:
    root = tmp_path_factory.mktemp("labels")
    forge(takes(root / "takes", 2), ("splice", "removed-10", "re-encoded"), root / "forged")
    return tune.read_truths(root / "forged")


def by_name(labels: tune.Labels, name: str) -> list[tune.Label]:
    return [row for row in labels if Path(row.path).name == name]


def test_forgeries_of_one_take_share_their_source_and_a_splice_names_both(forged):
    (removed, _), (honest,) = by_name(forged, "take0-removed-10.mp4"), by_name(forged, "take0-re-encoded.mp4")
    splice = by_name(forged, "take0-splice.mp4")[0]
    assert removed.source == honest.source and len(removed.source) == 1
    assert set(splice.source) == {*removed.source, *by_name(forged, "take1-re-encoded.mp4")[0].source}
    assert len(tune.groups(forged)) == 1


def test_what_was_done_is_true_and_all_else_is_false(forged):
    removed, rest = by_name(forged, "take0-removed-10.mp4")
    assert (removed.label, removed.origin, removed.detail) == ("true", "forge", "removed-10")
    assert {"missing-frames", "picture-cut"} <= removed.kinds and removed.stop_s - removed.start_s < 0.1
    assert rest.whole and rest.label == "false" and rest.kinds == BREAKS
    assert rest.beside == {"re-encoded", "container-rewrite"} and rest.stop_s == pytest.approx(65 / 25)


def test_the_table_comes_back_as_it_was(forged, tmp_path):
    table = forged.table()
    assert table.schema == tune.SCHEMA and table.num_rows == len(forged)
    assert tune.labels_from(table) == forged
    with pytest.raises(LabelError, match="lacks the columns sha256"):
        tune.labels_from(pa.table({"path": ["a"]}))


def truth(folder: Path, text: str, name: str = "one") -> Path:
    path = folder / f"{name}.truth.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_truth_file_by_hand(tmp_path):
    text = f"""
[clip]
file = "one.mp4"
sha256 = "{SHA}"
source = ["{"cd" * 32}"]
device = "ZF-17"
scene = "night, street"
by = "李四"
at = "2026-03-04"

[true]
forged = true

[[event]]
start_s = 3.0
stop_s = 3.04
kinds = ["picture-cut"]
what = "the recorder was paused"

[[event]]
start_s = 9.0
stop_s = 9.5
kinds = ["frozen-picture"]
label = "unsure"

[absent]
kinds = ["picture-cut", "frozen-picture"]
"""
    cut, frozen, rest = tune.read_truths(truth(tmp_path, text))
    assert (cut.sha256, cut.source, cut.device, cut.scene) == (SHA, ("cd" * 32,), "ZF-17", "night, street")
    assert (cut.origin, cut.detail, cut.who, cut.when) == ("truth", "the recorder was paused", "李四", "2026-03-04")
    assert frozen.label == "unsure"
    assert rest.kinds == {"picture-cut", "frozen-picture"} and rest.stop_s == math.inf


def test_a_clip_of_which_only_a_part_is_known_says_nothing_of_the_rest(tmp_path):
    text = f'[clip]\nfile = "a.mp4"\nsha256 = "{SHA}"\n[true]\nforged = false\ncomplete = false\n'
    assert len(tune.read_truths(truth(tmp_path, text))) == 0


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[clip", "cannot be read"),
        ("[clip]\nfile = 'a.mp4'\n", r"true: Field required"),
        (f"[clip]\nfile = 'a.mp4'\nsha256 = '{SHA}'\n[true]\nforged = true\n", "no \\[\\[event\\]\\] says where"),
        ("[clip]\nfile = 'a.mp4'\n[true]\nforged = false\n", "its clip cannot be hashed"),
        ("[clip]\nfile = 'a.mp4'\n[true]\nforged = false\n[[events]]\nstart_s = 1.0\n", "events: Extra inputs"),
        ("[clip]\nfile = 'a.mp4'\nsha256 = 'xy'\n[true]\nforged = false\n", r"clip\.sha256"),
        (
            f"[clip]\nfile = 'a.mp4'\nsha256 = '{SHA}'\n[true]\nforged = true\n"
            "[[event]]\nstart_s = 1.0\nstop_s = 2.0\nkinds = ['picture-cuts']\n",
            "unknown kinds of finding: picture-cuts",
        ),
        (
            f"[clip]\nfile = 'a.mp4'\nsha256 = '{SHA}'\n[true]\nforged = true\n"
            "[[event]]\nstart_s = 3.0\nstop_s = 2.0\nkinds = ['picture-cut']\n",
            "ends before it starts",
        ),
    ],
)
def test_a_bad_truth_file_says_what_is_wrong(tmp_path, text, problem):
    path = truth(tmp_path, text)
    with pytest.raises(LabelError, match=problem) as told:
        tune.read_truths(path)
    assert str(path) in str(told.value)


def test_a_folder_without_truth_files_is_refused(tmp_path):
    with pytest.raises(LabelError, match=r"no \.truth\.toml"):
        tune.read_truths(tmp_path)


def decided(label: str, counts: bool = True, start_s: float = 1.0) -> dict[str, object]:
    row: dict[str, object] = dict.fromkeys(REVIEWED.names)
    return row | {
        **{"sha256": SHA, "path": "-one.mp4", "kind": "picture-cut", "start_s": start_s, "stop_s": start_s + 0.04},
        **{"label": label, "counts": counts, "level": "suspect", "detector": "picture-cut", "version": 2, "event": 7},
        **{"reason": "a lens was wiped", "decided_by": "王五", "decided_at": "2026-03-04T09:00:00+00:00"},
    }


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_labels_of_the_review_that_count(tmp_path, suffix):
    path = tmp_path / f"labels{suffix}"
    rows = [decided("true"), decided("false", start_s=2.0), decided("unsure", start_s=3.0), decided("true", False, 4.0)]
    write_labels(rows, path)
    found = tune.read_review(path)
    assert [(row.label, row.start_s) for row in found] == [("true", 1.0), ("false", 2.0), ("unsure", 3.0)]
    first = found.rows[0]
    assert (first.sha256, first.source, first.kinds, first.origin) == (SHA, (SHA,), {"picture-cut"}, "review")
    assert first.path == "-one.mp4"  # a CSV has an apostrophe before it
    assert (first.detail, first.who) == ("a lens was wiped", "王五") and not first.whole
    other = tune.read_review(path, sources={SHA: ["cd" * 32]})
    assert other.rows[0].source == ("cd" * 32,)


def test_the_columns_that_are_read_are_those_that_the_review_writes():
    assert set(NEEDED) <= set(REVIEWED.names)


@pytest.mark.parametrize(
    ("change", "problem"),
    [({"label": "maybe"}, "label 'maybe'"), ({"kind": "nonsense"}, "unknown kinds"), ({"stop_s": 0.5}, "ends before")],
)
def test_a_bad_row_of_the_review_is_named(tmp_path, change, problem):
    write_labels([decided("true"), decided("true", start_s=2.0) | change], path := tmp_path / "labels.csv")
    with pytest.raises(LabelError, match=rf"labels\.csv, row 2: .*{problem}"):
        tune.read_review(path)


def test_a_file_that_is_no_labels_of_the_review(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(LabelError, match="columns are missing: sha256"):
        tune.read_review(path)
    for bad in (tmp_path / "labels.xlsx", tmp_path / "gone.parquet"):
        with pytest.raises(LabelError):
            tune.read_review(bad)

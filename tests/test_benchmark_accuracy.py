"""The evaluator of breaks judges known findings rightly."""

import numpy as np
import pytest

from benchmarks.accuracy import Alarms, Tally, alarms_of, honest_table, offset_frames, table
from pipeline.forge.plan import Event
from pipeline.model import Features, Finding, Level, Message, Span, Table
from pipeline.tuning.matching import telling

EVENT = Event("removed", 10, 0.4, Span(5.0, 5.04, 125, 126), frozenset({"missing-frames", "picture-cut"}))


def found(kind, start_s, stop_s, level=Level.SUSPECT):
    return Finding(kind, level, Span(start_s, stop_s), Message("."))


@pytest.mark.parametrize(
    ("finding", "counts"),
    [
        (found("missing-frames", 5.0, 5.04), True),
        (found("picture-cut", 5.28, 5.32), True),
        (found("missing-frames", 5.3, 5.34), False),
        (found("missing-frames", 4.7, 4.74), False),
        (found("frozen-picture", 5.0, 5.04), False),
        (found("missing-frames", 5.0, 5.04, Level.NOTE), False),
        (found("missing-frames", 5.0, 5.04, Level.VIOLATION), True),
    ],
)
def test_an_edit_is_found_by_a_kind_that_names_it_within_a_quarter_of_a_second(finding, counts):
    assert bool(telling([finding], EVENT.kinds, EVENT.span)) is counts


def test_the_offset_is_that_of_the_nearest_finding():
    near, far = found("missing-frames", 5.08, 5.12), found("picture-cut", 4.8, 4.84)
    assert offset_frames([far, near], EVENT, 0.04) == pytest.approx(2)


def test_what_is_true_of_the_whole_clip_is_no_false_alarm():
    features = Features({"frames": Table({"time_s": np.arange(250) / 25, "duration_s": np.full(250, 0.04)})})
    whole, part = found("audio-missing", 0.0, 10.0), found("audio-dropout", 2.0, 4.0)
    note, wrong = found("re-encoded", 0.0, 10.0, Level.NOTE), found("picture-cut", 3.0, 3.04)
    assert alarms_of([whole, part, note, wrong], features) == [part, wrong]


def test_the_tables_hold_shares_targets_and_rates():
    tally = Tally(found=9, of=10, violations=2, offsets=[0.0, 1.0, 5.0])
    tally.others["X"] = 4
    (row,) = table({"removed-10": tally}, overlay=False, others=["X"])[2:]
    assert "| removed-10 | 0.85 | 9/10 (0.90) | " in row and "| 2/10 | 1.0 pictures | yes | 4/10 |" in row
    (row,) = table({"removed-10": tally}, overlay=True, others=[])[2:]
    assert "| 0.97 |" in row and "| no |" in row
    (row,) = honest_table({("re-encoded", "moving"): Alarms(1800.0, 1, 0)}, [])[2:]
    assert row == "| re-encoded | moving | 30.0 min | 1 (2.0) | 0 |"

"""Findings held against labels, drawn by hand: what is right, wrong, and not known."""

from pathlib import Path

import numpy as np
import pytest

from pipeline.model import Features, Finding, Footage, Level, Message, Span, Table
from pipeline.tune import BREAKS, Clip, Label, Rules
from pipeline.tuning.judging import judge

SHA = "ab" * 32
FEATURES = Features({"frames": Table({"time_s": np.arange(250) / 25, "duration_s": np.full(250, 0.04)})})
CLIP = Clip(Footage(Path("a.mp4"), SHA, 1), frozenset({SHA}), FEATURES)
RULES = Rules(BREAKS)


def label(kinds: str, start_s: float = 4.0, stop_s: float = 4.04, word: str = "true", **more) -> Label:
    return Label(SHA, "a.mp4", (SHA,), frozenset(kinds.split()), start_s, stop_s, word, "truth", **more)


def found(kind: str, start_s: float = 4.0, stop_s: float = 4.04, level=Level.SUSPECT, grounds=()) -> Finding:
    return Finding(kind, level, Span(start_s, stop_s), Message("."), grounds=tuple(grounds))


CUT = label("picture-cut missing-frames", beside=frozenset({"stream-change"}))
WHOLE = label(" ".join(BREAKS - {"header-mismatch"}), 0.0, 10.0, "false", whole=True)


@pytest.mark.parametrize(
    ("finding", "judgement"),
    [
        (found("picture-cut"), "right"),
        (found("missing-frames", 4.2, 4.28), "right"),
        (found("missing-frames", 4.29 + 0.01, 4.4), "false alarm"),
        (found("frozen-picture"), "misnamed"),
        (found("stream-change"), "open"),
        (found("picture-cut", 8.0, 8.04), "false alarm"),
        (found("header-mismatch", 8.0, 8.04), "open"),
        (found("audio-missing", 0.0, 10.0), "misnamed"),
    ],
)
def test_a_finding_is(finding, judgement):
    (told,) = judge(CLIP, [finding], [CUT, WHOLE], RULES).told
    assert told.judgement == judgement


def test_what_is_true_of_an_honest_clip_as_a_whole_is_no_false_alarm():
    whole, part = found("audio-missing", 0.0, 10.0), found("audio-dropout", 2.0, 4.0)
    assert [t.judgement for t in judge(CLIP, [whole, part], [WHOLE], RULES).told] == ["open", "false alarm"]


def test_where_not_all_is_known_other_findings_are_neither_right_nor_wrong():
    judged = judge(CLIP, [found("picture-cut"), found("picture-cut", 8.0, 8.04)], [CUT], RULES)
    assert [t.judgement for t in judged.told] == ["right", "open"]
    assert judged.watched_s == 0.0 and judge(CLIP, [], [WHOLE], RULES).watched_s == 10.0


def test_what_a_person_called_false_is_a_false_alarm_and_unsure_is_not_scored():
    rows = [label("picture-cut", word="false"), label("picture-cut", 8.0, 8.04, "unsure")]
    judged = judge(CLIP, [found("picture-cut"), found("picture-cut", 8.0, 8.04)], [*rows, WHOLE], RULES)
    assert [t.judgement for t in judged.told] == ["false alarm", "open"] and judged.sought == ()


def test_a_label_is_found_by_a_kind_that_names_it():
    ground = found("missing-frames", level=Level.NOTE)
    (sought,) = judge(CLIP, [found("frozen-picture"), found("picture-cut", grounds=[ground])], [CUT], RULES).sought
    assert [one.kind for one in sought.by] == ["picture-cut"]
    assert sought.found_by("missing-frames") and not sought.found_by("audio-break")


def test_levels_and_kinds_that_do_not_count():
    note = found("picture-cut", level=Level.NOTE)
    assert judge(CLIP, [note], [CUT], RULES).told == ()
    (told,) = judge(CLIP, [note], [CUT], Rules(BREAKS, least=Level.NOTE)).told
    assert told.judgement == "right"
    frozen = Rules(frozenset({"frozen-picture"}))
    judged = judge(CLIP, [found("picture-cut")], [CUT], frozen)
    assert judged.told == () and judged.sought == ()


def test_the_tolerance_is_a_parameter():
    late = found("picture-cut", 4.5, 4.54)
    assert judge(CLIP, [late], [CUT], RULES).sought[0].by == ()
    assert judge(CLIP, [late], [CUT], Rules(BREAKS, tolerance_s=0.5)).sought[0].by == (late,)


def test_an_edit_that_no_kind_can_tell_is_missed():
    (sought,) = judge(CLIP, [found("picture-cut")], [label("")], RULES).sought
    assert sought.by == ()

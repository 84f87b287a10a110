"""Names of encoders, and the rhythm of key frames that were: drawn as sizes of pictures."""

import numpy as np
import pytest

from detectors.re_encoded import re_encoded
from pipeline.features.schema import table
from pipeline.model import Features
from tests.packets import kinds, stream

X264 = "x264 - core 164 r3095 baee400 - H.264/MPEG-4 AVC codec - options: keyint=250"


def clip(costly=(), *, pictures=400, group=250, text=None, seed=1):
    """Return P pictures of varying size; those in `costly` cost half as much again."""
    types = "".join("I" if n % group == 0 else "P" for n in range(pictures))
    size = 2000 * np.exp(np.random.default_rng(seed).normal(0, 0.08, pictures))
    size[list(costly)] *= 1.5
    columns = {
        "size_bytes": [int(s) for s in size],
        "slice_type": list(types),
        "reference": [1] * pictures,
    }
    texts = [{"stream": 0, "place": "sei", "text": text, "time_s": 0.0}] if text else []
    made = stream(types).features(packets=columns)
    return Features({**made.tables, "encoder": table("encoder", texts)})


def found(features, **how):
    return list(re_encoded(features, **how))


@pytest.mark.parametrize("seed", range(5))
def test_sizes_without_a_rhythm_say_nothing(seed):
    assert found(clip(seed=seed)) == []


def test_the_encoder_names_itself():
    (finding,) = found(clip(text=X264))
    assert (finding.kind, finding.level, finding.evidence["ground"]) == ("re-encoded", "note", "encoder-name")
    assert "x264" in finding.summary


def test_an_agency_may_know_its_encoders():
    assert kinds(found(clip(text=X264), recorder_encoders=("Ambarella",))) == [("re-encoded", "suspect")]
    assert kinds(found(clip(text=X264), recorder_encoders=("X264",))) == [("re-encoded", "note")]
    assert found(clip(text="Ambarella A7"), recorder_encoders=("ambarella",)) == []


def test_the_rhythm_of_an_earlier_encoding_is_a_note():
    (finding,) = found(clip(range(20, 400, 25)[:15]))
    assert (finding.kind, finding.level) == ("re-encoded", "note")
    assert finding.evidence["period_pictures"] == 25


def test_layers_inside_a_group_are_no_earlier_encoding():
    assert found(clip(range(4, 400, 10), group=50)) == []
    assert kinds(found(clip(range(4, 400, 11), group=50))) == [("re-encoded", "note")]


@pytest.mark.parametrize("lacking", [1, 3, 10, 24])
def test_a_rhythm_that_falls_out_of_step_is_suspect_at_the_break(lacking):
    before = list(range(13, 200, 25))
    costly = before + list(range(before[-1] + 25 - lacking, 400, 25))
    note, broken = found(clip(costly, group=380))
    assert note.kind == "re-encoded"
    assert (broken.kind, broken.level) == ("missing-frames", "suspect")
    assert broken.evidence["pictures_lacking_of_a_period"] == lacking
    assert broken.span.start_s <= (before[-1] + 1) / 25 <= broken.span.stop_s
    assert broken.span.stop_s - broken.span.start_s <= 50 / 25


def test_a_piece_as_long_as_the_rhythm_leaves_no_trace():
    assert kinds(found(clip(range(13, 375, 25), group=380))) == [("re-encoded", "note")]


def test_an_encoder_that_sets_key_frames_by_the_content_is_not_accused():
    costly = list(np.cumsum(np.random.default_rng(3).integers(12, 40, 14)))
    assert [f for f in found(clip(costly)) if f.level != "note"] == []


def test_a_short_clip_says_nothing():
    assert found(clip(range(5, 50, 10), pictures=50)) == []

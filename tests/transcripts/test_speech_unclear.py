"""Speech that was not understood: told where it is long, not where words are plain."""

import math

import pytest

from pipeline.features.schema import table
from pipeline.model import Features, Level
from transcripts.speech_unclear import speech_unclear

SENTENCE = "请把你们的台账拿出来给我看一下"


def talk(start_s, stop_s, probability=0.9, text=SENTENCE):
    """Return the characters of a sentence, evenly spoken."""
    step = (stop_s - start_s) / len(text)
    return [
        {"start_s": start_s + n * step, "stop_s": start_s + (n + 1) * step, "text": one, "probability": probability}
        for n, one in enumerate(text)
    ]


def told(voice, words, **parameters):
    names = ("start_s", "stop_s", "snr_db")
    rows = [{"probability": 0.9, "snr_db": 25.0} | dict(zip(names, row, strict=False)) for row in voice]
    tables = {"voice": table("voice", rows), "words": table("words", words)}
    return list(speech_unclear(Features(tables), **parameters))


@pytest.mark.parametrize("snr_db", [25.0, 10.0, math.nan])
def test_clear_speech_is_none(snr_db):
    assert told([(1.0, 5.0, snr_db), (6.0, 10.0, snr_db)], [*talk(1.0, 5.0), *talk(6.0, 10.0)]) == []


def test_a_clip_in_which_nobody_speaks_is_none():
    assert told([], []) == []


def test_speech_without_words_is_told():
    (found,) = told([(1.0, 5.0), (6.0, 10.0)], talk(1.0, 5.0))
    assert (found.kind, found.level) == ("speech-unclear", Level.SUSPECT)
    assert (found.span.start_s, found.span.stop_s) == (6.0, 10.0)
    assert found.evidence["speech_s"] == 4.0


@pytest.mark.parametrize(("length_s", "count"), [(0.6, 0), (2.99, 0), (3.0, 1), (8.0, 1)])
def test_grunts_are_too_short_to_matter(length_s, count):
    assert len(told([(1.0, 1.0 + length_s)], [])) == count


def test_short_pieces_close_together_are_one_stretch():
    (found,) = told([(1.0, 2.5), (3.5, 5.0)], [])
    assert (found.span.start_s, found.span.stop_s, found.evidence["speech_s"]) == (1.0, 5.0, 3.0)


def test_short_pieces_far_apart_or_around_plain_words_are_none():
    assert told([(1.0, 2.5), (10.0, 11.5)], []) == []
    assert told([(1.0, 2.5), (2.7, 3.9), (4.0, 5.5)], talk(2.7, 3.9, text="请出示执照")) == []


@pytest.mark.parametrize(
    ("voice", "words"),
    [
        ([(1.0, 5.0, 4.0)], talk(1.0, 5.0)),
        ([(1.0, 5.0)], talk(1.0, 5.0, probability=0.4)),
        ([(1.0, 9.0)], talk(1.0, 1.5, text="好")),
    ],
    ids=["drowned", "unlikely", "few"],
)
def test_words_that_cannot_be_trusted_are_told(voice, words):
    assert [f.kind for f in told(voice, words)] == ["speech-unclear"]


def test_seconds_without_words_inside_a_long_stretch_are_told():
    words = [*talk(1.0, 5.0), *talk(9.0, 13.0)]
    (found,) = told([(1.0, 13.0)], words)
    assert (found.span.start_s, found.span.stop_s) == (5.0, 9.0)


def test_a_longer_least_tells_less():
    assert told([(1.0, 5.0)], [], least_s=5.0) == []

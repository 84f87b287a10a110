"""Whether file name, subtitles and title describe place and content."""

import pytest

from detectors.description import description
from tests.detectors.recorded import case, clip
from tests.packets import kinds

RECORD = {
    "place__names": ["石家庄市长安区禾岭化工有限公司"],
    "place__aliases": ["老禾"],
    "cause": "危险化学品安全生产检查",
    "phases_recorded": ["questioning"],
}


def judged(name, subtitles=None, **record):
    features = clip(case(**(RECORD | record)), file=[{"name": name, "sha256": "a" * 64, "subtitles": subtitles}])
    return list(description(features))


@pytest.mark.parametrize(
    ("name", "subtitles", "title"),
    [
        ("20260302_禾岭化工_危险化学品安全生产检查.mp4", None, []),
        ("禾岭化工询问.mp4", None, []),
        ("老禾-询问.mp4", None, []),
        ("DSJ0001.mp4", "摄录地点：石家庄市长安区禾岭化工有限公司\n案由：危险化学品安全生产检查", []),
        ("DSJ0001.mp4", None, ["禾岭化工危险化学品安全生产检查"]),
        ("禾岭化工.mp4", "案由：危险化学品安全生产检查", []),
    ],
)
def test_place_and_content(name, subtitles, title):
    assert kinds(judged(name, subtitles, title=title)) == [("description-found", "note")]


@pytest.mark.parametrize(
    ("name", "subtitles", "lacking"),
    [
        ("禾岭化工_20260302.mp4", None, "危险化学品安全生产检查、询问"),
        ("危险化学品安全生产检查.mp4", None, "石家庄市长安区禾岭化工有限公司"),
        ("金星化工询问.mp4", None, "石家庄市长安区禾岭化工有限公司"),
        ("禾岭化工.mp4", "我们现在开始询问", "危险化学品安全生产检查、询问"),
    ],
)
def test_one_of_both(name, subtitles, lacking):
    (found,) = judged(name, subtitles)
    assert kinds([found]) == [("description-partial", "suspect")] and lacking in found.summary


@pytest.mark.parametrize("name", ["DSJ_20260302_0001.mp4", "", "第一段.mp4"])
def test_neither(name):
    sorted_at = {"store__sorted_at": ["2026-03-05T10:00:00+08:00"]}
    assert kinds(judged(name, **sorted_at)) == [("description-missing", "violation")]
    assert kinds(judged(name, title=["0001"])) == [("description-missing", "violation")]


def test_neither_before_anybody_is_said_to_have_sorted_it():
    (found,) = judged("DSJ_20260302_0001.mp4")
    assert (
        kinds([found]) == [("description-missing", "suspect")]
        and "not say that the recording was sorted" in found.summary
    )


def test_other_words_may_be_a_description():
    assert kinds(judged("城东化工企业隐患排查.mp4")) == [("description-missing", "suspect")]
    assert kinds(judged("DSJ0001.mp4", "各位好，今天天气不错")) == [("description-missing", "suspect")]


def test_a_word_that_the_name_of_the_place_has_is_no_content():
    record = {
        "place__names": ["城东机动车检查站"],
        "place__aliases": [],
        "cause": [],
        "phases_recorded": ["inspection"],
    }
    assert kinds(judged("城东机动车检查站.mp4", **record)) == [("description-partial", "suspect")]
    assert kinds(judged("城东机动车检查站检查.mp4", **record)) == [("description-found", "note")]


@pytest.mark.parametrize(
    "record", [{"place__names": []}, {"cause": [], "phases_recorded": []}, {"cause": [], "phases_recorded": ["none"]}]
)
def test_without_something_to_compare_nothing_is_said(record):
    assert judged("DSJ0001.mp4", **record) == []

"""The transcript of a clip: how it was made, whether a person confirmed it, whether there is one."""

import pytest

from detectors.transcript_file import transcript_file
from pipeline.features.schema import table
from pipeline.model import Features
from tests.detectors.recorded import case, clip, words
from tests.packets import kinds

OWN = "a" * 64
HEAD = {
    "path": "a.json",
    "status": "confirmed",
    "method": "speech recognition",
    "made_at": "2026-03-02T09:00:00+08:00",
    "made_by": "王五",
    "proves": "what was said",
    "sha256": OWN,
}
TALK = words((1.0, "请把你们的台账拿出来"), (2.0, "给我看一下"))
VOICE = [{"start_s": 1.0, "stop_s": 3.0, "probability": 0.9, "snr_db": 20.0}]


def judged(*heads, evidence=None, talk=TALK, voice=VOICE):
    record = case(cause="检查", **({} if evidence is None else {"evidence": evidence}))
    return list(transcript_file(clip(record, transcript=list(heads), words=talk, voice=voice)))


def test_confirmed_and_stated():
    assert kinds(judged(HEAD)) == [("making-stated", "note"), ("transcript-confirmed", "note")]


def test_a_draft_is_for_a_person():
    assert kinds(judged(HEAD | {"status": "draft"})) == [("making-stated", "note"), ("transcript-draft", "suspect")]


@pytest.mark.parametrize(
    "lacking", [{"method": None}, {"made_at": None}, {"made_at": "gestern"}, {"made_by": " "}, {"proves": None}]
)
def test_what_is_lacking_is_named(lacking):
    unstated, _ = judged(HEAD | lacking)
    assert kinds([unstated]) == [("making-unstated", "violation")]
    assert unstated.evidence["lacking"] == tuple(lacking) and next(iter(lacking)) in unstated.summary


def test_none_though_somebody_speaks():
    assert kinds(judged(evidence="true")) == [("transcript-missing", "violation")]
    assert kinds(judged()) == [("transcript-missing", "suspect")]


def test_where_nobody_was_heard_to_speak_nothing_is_missing():
    assert judged(evidence="true", talk=[], voice=[]) == []
    assert judged(evidence="true", talk=words((1.0, "好")), voice=VOICE) == []
    assert judged(evidence="true", talk=[], voice=VOICE) == []


@pytest.mark.parametrize(("said", "count"), [("一二三四五六七八九", 0), ("一二三四五六七八九十", 1)])
def test_ten_characters_are_speech(said, count):
    assert len(judged(evidence="true", talk=words((1.0, said)))) == count


def test_one_of_another_file_is_none():
    (found,) = judged(HEAD | {"sha256": "b" * 64}, evidence="true")
    assert kinds([found]) == [("transcript-missing", "violation")]
    assert "b" * 64 in found.summary and "a.json" in found.summary


@pytest.mark.parametrize("heads", [(), (HEAD,), (HEAD | {"proves": None},)])
def test_a_recording_that_is_no_evidence_needs_none(heads):
    assert kinds(judged(*heads, evidence="false")) == [("not-evidence", "note")]


def test_where_nobody_listened_nothing_is_said():
    features = clip(case(evidence="true"), transcript=[])
    assert list(transcript_file(features)) == []
    assert list(transcript_file(Features({**features.tables, "voice": table("voice", VOICE)}))) == []

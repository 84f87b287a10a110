"""The decision about the notice, drawn over small tables of words and speech."""

from __future__ import annotations

import math

import pytest

from pipeline.features.schema import table
from pipeline.model import Features, Finding, Level
from transcripts.notice import STANDARD, notice

FIRST, SECOND, THIRD = STANDARD.split("，")
HELLO = "您好我们是综合执法局的执法人员这是我们的执法证件请您过目"
TALK = "把消防通道上的东西搬走今天下午之前整改完毕我们会来复查谢谢配合"
DIFFERENT = "天气预报说明天有小雨"
RATE = 5.0


def clip(
    *said: str | float, snr_db: float = 20.0, probability: float = 0.9, level_dbfs: float | None = -50.0
) -> Features:
    """Draw an opening: texts are spoken at 5 syllables a second, numbers are seconds in which nobody speaks."""
    now, voice, words = 0.0, [], []
    for part in said:
        if not isinstance(part, str):
            now += part
            continue
        start = now
        for character in part:
            words.append({"start_s": now, "stop_s": now + 1 / RATE, "text": character, "probability": probability})
            now += 1 / RATE
        voice.append({"start_s": start, "stop_s": now, "probability": 0.9, "snr_db": snr_db})
    blocks = [
        {"time_s": 0.02 * n, "duration_s": 0.02, "rms_dbfs": level_dbfs, "peak_dbfs": level_dbfs, "zero_fraction": 0.0}
        for n in range(int(now / 0.02))
    ]
    tables = {
        "voice": table("voice", voice),
        "words": table("words", words),
        "examined": table("examined", [{"stage": "speech", "measure": "speech_s", "value": now}]),
    }
    if level_dbfs is not None:
        tables["sound"] = table("sound", blocks)
    return Features(tables)


def kinds(features: Features, **parameters: object) -> list[str]:
    return [finding.kind for finding in notice(features, **parameters)]


def only(features: Features) -> Finding:
    (finding,) = notice(features)
    return finding


def test_the_whole_notice_is_heard_where_it_was_spoken():
    finding = only(clip(2.0, HELLO, 1.0, STANDARD, 3.0))
    start = 2.0 + len(HELLO) / RATE + 1.0
    assert finding.kind == "notice-heard"
    assert finding.level is Level.NOTE
    assert finding.span.start_s == pytest.approx(start)
    assert finding.span.stop_s == pytest.approx(start + len(STANDARD) / RATE)
    assert finding.evidence["heard"] == STANDARD
    assert finding.evidence["agreement"] == 100.0
    assert finding.evidence["clauses"] == (100.0, 100.0, 100.0)


def test_homophones_and_traditional_characters_do_not_matter():
    finding = only(clip("微保護您的合法權益，監督我們的知法行為，本次之法全程錄音錄像"))
    assert finding.kind == "notice-heard"
    assert finding.evidence["agreement"] > 97


def test_noise_between_clauses_costs_little():
    assert kinds(clip(FIRST, 1.0, "嗯那个", SECOND, 1.0, THIRD)) == ["notice-heard"]


@pytest.mark.parametrize(
    ("said", "missing"),
    [
        ([THIRD], (FIRST, SECOND)),
        ([FIRST], (SECOND, THIRD)),
        ([HELLO, SECOND, TALK], (FIRST, THIRD)),
        ([FIRST, 2.0, THIRD], (SECOND,)),
        ([FIRST, SECOND, TALK], (THIRD,)),
    ],
    ids=["third alone", "first alone", "second inside talk", "no second", "no third"],
)
def test_a_part_is_never_the_notice(said: list[str | float], missing: tuple[str, ...]):
    finding = only(clip(*said))
    assert finding.kind == "notice-partial"
    assert finding.level is Level.SUSPECT
    assert finding.evidence["missing_clauses"] == missing
    assert all(clause in str(finding.message) for clause in missing)


def test_a_repeated_clause_does_not_stand_for_the_others():
    assert kinds(clip(THIRD, 0.5, THIRD, 0.5, THIRD)) == ["notice-partial"]


def test_talk_before_the_notice_makes_it_late():
    heard, late = notice(clip(*[TALK] * 8, STANDARD))
    assert (heard.kind, late.kind) == ("notice-heard", "notice-late")
    assert late.level is Level.SUSPECT
    assert late.evidence["speech_before_s"] == pytest.approx(8 * len(TALK) / RATE)


@pytest.mark.parametrize(("before_s", "expected"), [(44.8, ["notice-heard"]), (45.2, ["notice-heard", "notice-late"])])
def test_late_begins_just_beyond_the_limit(before_s: float, expected: list[str]):
    assert kinds(clip("啊" * round(before_s * RATE), STANDARD)) == expected


def test_silence_before_the_notice_is_not_late():
    assert kinds(clip(170.0, STANDARD)) == ["notice-heard"]


def test_a_notice_that_is_repeated_counts_from_the_first_time():
    wrong = STANDARD.replace("监督", "鸡肚")
    findings = list(notice(clip(wrong, *[TALK] * 10, STANDARD)))
    assert [finding.kind for finding in findings] == ["notice-heard"]
    assert findings[0].span.start_s == 0.0


def test_intelligible_talk_without_the_notice_fails():
    finding = only(clip(HELLO, 1.0, TALK, 1.0, DIFFERENT))
    assert finding.kind == "notice-missing"
    assert finding.level is Level.VIOLATION
    assert finding.evidence["not_understood_s"] == 0.0
    assert finding.span.start_s == 0.0


@pytest.mark.parametrize("poor", [{"snr_db": 3.0}, {"probability": 0.2}], ids=["drowned in noise", "improbable words"])
def test_speech_that_cannot_be_trusted_is_for_a_person(poor: dict[str, float]):
    finding = only(clip(HELLO, 1.0, TALK, **poor))
    assert finding.kind == "notice-unclear"
    assert finding.level is Level.SUSPECT
    assert "A person must listen" in str(finding.message)


def test_an_unknown_ratio_to_the_noise_is_no_reason_to_doubt_the_words():
    assert kinds(clip(HELLO, TALK, snr_db=math.nan)) == ["notice-missing"]


def test_speech_without_words_is_for_a_person():
    features = clip(HELLO, 1.0, TALK)
    mumbled = Features({**features.tables, "words": table("words", [])})
    assert kinds(mumbled) == ["notice-unclear"]


@pytest.mark.parametrize(("seconds", "expected"), [(3.0, "notice-missing"), (4.0, "notice-unclear")])
def test_a_stretch_too_short_for_the_notice_hides_nothing(seconds: float, expected: str):
    features = clip(HELLO, 1.0, TALK, 10.0)
    spoken = [dict(zip(features["voice"], row, strict=True)) for row in zip(*features["voice"].values(), strict=True)]
    stop = spoken[-1]["stop_s"]
    spoken.append({"start_s": stop + 1, "stop_s": stop + 1 + seconds, "probability": 0.6, "snr_db": 1.0})
    assert kinds(Features({**features.tables, "voice": table("voice", spoken)})) == [expected]


def test_half_understood_wording_is_neither_confirmed_nor_ruled_out():
    finding = only(clip(HELLO, GARBLED))
    assert finding.kind == "notice-unclear"
    assert 50 <= finding.evidence["agreement"] < 75


def with_likelihood(features: Features, mean: float, lowest: float, stop_s: float = 60.0) -> Features:
    row = {
        "start_s": 0.0,
        "stop_s": stop_s,
        "sentence": STANDARD,
        "mean_logprob": mean,
        "lowest_logprob": lowest,
    }
    return Features({**features.tables, "likelihood": table("likelihood", [row])})


GARBLED = "为保护您的和华权衣，鸡肚我门大这个新为，本是这发前称鹿因"


@pytest.mark.parametrize(
    ("said", "mean", "lowest", "expected"),
    [
        (GARBLED, -1.5, -2.0, "notice-heard"),
        (GARBLED, -2.5, -3.5, "notice-heard"),
        (GARBLED, -2.7, -3.0, "notice-unclear"),
        (GARBLED, -2.0, -3.7, "notice-unclear"),
        (TALK, -1.5, -2.0, "notice-missing"),
        (FIRST + SECOND, -1.7, -4.2, "notice-partial"),
        (FIRST + SECOND, -1.7, -3.8, "notice-unclear"),
    ],
    ids=[
        "likely",
        "just likely enough",
        "the whole too unlikely",
        "a clause too unlikely",
        "nothing alike was written down",
        "a clause is not there",
        "a clause may be drowned",
    ],
)
def test_the_second_look_decides_in_between(said: str, mean: float, lowest: float, expected: str):
    finding = only(with_likelihood(clip(HELLO, said), mean, lowest))
    assert finding.kind == expected
    if expected == "notice-heard" or said == GARBLED:
        assert (finding.evidence["mean_logprob"], finding.evidence["lowest_clause_logprob"]) == (mean, lowest)
    if expected == "notice-heard":
        assert finding.evidence["agreement"] < 75


def test_a_second_look_elsewhere_does_not_count():
    features = clip(HELLO, 5.0, GARBLED)
    assert only(with_likelihood(features, -1.5, -2.0, stop_s=5.0)).kind == "notice-unclear"


def test_whether_it_is_missing_is_judged_by_the_opening():
    features = clip(HELLO, TALK, 120.0, *[TALK] * 3)
    spoken = features["voice"]
    poor = [
        dict(zip(spoken, row, strict=True)) | ({"snr_db": 1.0} if row[0] > 100 else {})
        for row in zip(*spoken.values(), strict=True)
    ]
    finding = only(Features({**features.tables, "voice": table("voice", poor)}))
    assert finding.kind == "notice-missing"
    assert finding.span.stop_s == 120.0
    assert finding.evidence["not_understood_s"] == 0.0


def test_said_after_the_opening_it_is_late_not_missing():
    assert kinds(clip(*[TALK] * 8, 100.0, STANDARD)) == ["notice-heard", "notice-late"]


@pytest.mark.parametrize(
    ("level_dbfs", "expected", "level"),
    [
        (-50.0, "notice-missing", Level.SUSPECT),
        (-20.0, "notice-unclear", Level.SUSPECT),
        (-120.0, "notice-unclear", Level.SUSPECT),
        (None, "notice-unclear", Level.SUSPECT),
    ],
    ids=["quiet surroundings", "loud surroundings", "digital silence", "level unknown"],
)
def test_nobody_speaks(level_dbfs: float | None, expected: str, level: Level):
    finding = only(clip(60.0, level_dbfs=level_dbfs))
    assert (finding.kind, finding.level) == (expected, level)
    assert finding.span.stop_s == pytest.approx(60.0)


def test_a_bang_taken_for_speech_in_loud_surroundings_proves_nothing():
    assert kinds(clip(20.0, "啊", 20.0, level_dbfs=-20.0, snr_db=1.0)) == ["notice-unclear"]
    assert kinds(clip(20.0, "啊", 20.0, level_dbfs=-50.0, snr_db=30.0)) == ["notice-missing"]


def test_an_empty_recording_proves_nothing():
    assert kinds(clip()) == ["notice-unclear"]


def test_an_agency_can_word_its_notice_differently():
    own = "现在告知你，我们正在使用执法记录仪"
    assert kinds(clip(HELLO, own), notices=(STANDARD, own)) == ["notice-heard"]
    assert kinds(clip(HELLO, own)) == ["notice-missing"]


def test_where_no_wording_is_asked_for_nothing_is_said():
    assert kinds(clip(TALK), notices=()) == []


def test_no_finding_claims_a_probability_that_was_never_calibrated():
    assert all(f.score is None for said in ([STANDARD], [THIRD], [TALK], [5.0]) for f in notice(clip(*said)))

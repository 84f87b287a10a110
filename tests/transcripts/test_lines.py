"""From words and voice to lines: breaks, punctuation, times; no word is lost."""

import re
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.features.schema import table
from transcripts.lines import MAX_CHARACTERS, MAX_LINE_S, Line, lines
from transcripts.punctuation import bare


def words(*said, speaker=None):
    """Return table words from (start, stop, text), with an optional probability."""
    rows = []
    for start, stop, text, *probability in said:
        rows.append(
            {
                "start_s": start,
                "stop_s": stop,
                "text": text,
                "probability": probability[0] if probability else 0.9,
                "speaker": speaker,
            }
        )
    return table("words", rows)


def spoken(text, start=0.0, each=0.2):
    """Return words, one a character, each `each` seconds; a space is a pause of 0.1 s."""
    found, at = [], start
    for character in text:
        if character == " ":
            at += 0.1
        else:
            found.append((round(at, 3), round(at + each, 3), character))
            at += each
    return found


def voice(*stretches):
    return table("voice", [{"start_s": a, "stop_s": b, "probability": 0.9, "snr_db": 20.0} for a, b in stretches])


def texts(found: list[Line]) -> list[str]:
    return [line.text for line in found]


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("您好我们是应急管理局的", ["您好我们是应急管理局的。"]),
        ("您好    我们是应急管理局的", ["您好，我们是应急管理局的。"]),
        ("您好       我们是应急管理局的", ["您好，", "我们是应急管理局的。"]),
        ("您好            我们是应急管理局的", ["您好。", "我们是应急管理局的。"]),
        ("您听清楚了吗            听清楚了", ["您听清楚了吗？", "听清楚了。"]),
        ("您好,我们来检查.请配合", ["您好，我们来检查。", "请配合。"]),
        ("好！", ["好！"]),
        ("罚款一百    二十三元", ["罚款123元。"]),
        ("二零二六年十一月五号检查", ["2026年11月5号检查。"]),
        ("等一下我一定配合", ["等一下我一定配合。"]),
    ],
)
def test_punctuation_breaks_and_numbers(said, written):
    assert texts(lines(words(*spoken(said)), voice())) == written


def test_a_long_sentence_is_parted_at_its_commas():
    said = "为保护您的合法权益,监督我们的执法行为,本次执法全程录音录像"
    found = texts(lines(words(*spoken(said)), voice()))
    assert found == ["为保护您的合法权益，监督我们的执法行为，", "本次执法全程录音录像。"]


def test_a_long_sentence_without_commas_is_parted_evenly_and_not_inside_a_number():
    said = "本单位去年用于安全生产的费用一共是三百二十五万六千七百八十九元都有凭证可以查"
    found = texts(lines(words(*spoken(said)), voice()))
    assert "".join(found) == "本单位去年用于安全生产的费用一共是3256789元都有凭证可以查。"
    assert len(found) == 2


def test_a_long_line_is_not_parted_inside_a_known_word():
    said = "投资者就是了解这一点不要轻信这个市场可以快速回来这些退市公司后期又利好"
    found = texts(lines(words(*spoken(said)), voice()))
    assert "".join(found) == said + "。" and len(found) == 2
    assert not [line for line in found if line.startswith(("场", "司"))]


def test_a_slow_line_is_parted_though_it_is_short():
    found = lines(words(*spoken("今天来检查安全生产", each=1.2)), voice())
    assert len(found) == 2 and all(line.stop_s - line.start_s <= MAX_LINE_S for line in found)


def test_silence_under_a_stretched_word_is_a_pause_and_the_line_ends_with_the_voice():
    said = words((0.0, 0.4, "您好"), (0.4, 3.0, "我们"), (3.0, 3.4, "是谁"))
    found = lines(said, voice((0.0, 0.9), (2.8, 3.4)))
    assert texts(found) == ["您好我们。", "是谁？"]
    assert (found[0].start_s, found[0].stop_s) == (0.0, 0.9)
    assert (found[1].start_s, found[1].stop_s) == (3.0, 3.4)


def test_another_speaker_begins_a_new_line():
    rows = [
        {"start_s": 0.0, "stop_s": 0.5, "text": "您好", "probability": 0.9, "speaker": "1"},
        {"start_s": 0.5, "stop_s": 1.0, "text": "你好", "probability": 0.9, "speaker": "2"},
    ]
    found = lines(table("words", rows), voice())
    assert [(line.speaker, line.text) for line in found] == [("1", "您好。"), ("2", "你好。")]


def test_speech_without_words_is_a_line_that_was_not_understood():
    found = lines(words(*spoken("您好")), voice((0.0, 0.4), (2.0, 3.5), (5.0, 5.2)))
    assert [(line.start_s, line.stop_s, line.text) for line in found] == [(0.0, 0.4, "您好。"), (2.0, 3.5, "")]


def test_a_long_rest_of_a_stretch_without_words_was_not_understood_either():
    found = lines(words(*spoken("您好")), voice((0.0, 6.0)))
    assert [(line.start_s, line.stop_s) for line in found] == [(0.0, 0.4), (0.4, 6.0)]


def test_a_number_in_figures_is_as_sure_as_its_least_sure_word():
    found = lines(words((0.0, 0.2, "共", 0.9), (0.2, 0.5, "二十", 0.8), (0.5, 0.7, "三", 0.3)), voice())
    assert [(piece.text, piece.probability) for piece in found[0].pieces] == [("共", 0.9), ("23", 0.3), ("。", 0.3)]


def test_nothing_said_gives_no_line():
    assert lines(words(), voice()) == []


word = st.tuples(
    st.floats(0, 30, allow_nan=False).map(lambda time: round(time, 2)),
    st.floats(0, 9, allow_nan=False).map(lambda length: round(length, 2)),
    st.text("您好我们检查安全了吗什么一百二十三点号,。？ abc12.", max_size=6),
)
stretch = st.tuples(st.floats(0, 30), st.floats(0.2, 9))


@settings(deadline=None, max_examples=150)
@given(st.lists(word, max_size=30), st.lists(stretch, max_size=5))
def test_no_word_is_lost_and_lines_are_in_order_and_apart(said, stretches):
    apart, end = [], 0.0
    for start, length in sorted(stretches):
        start = max(start, end)
        apart.append((start, start + length))
        end = start + length + 0.3
    table_of_words = words(*[(start, start + length, text) for start, length, text in said])
    found = lines(table_of_words, voice(*apart))
    rows = [row for line in found for row in line.words]
    order = np.argsort(table_of_words["start_s"], kind="stable")
    assert rows == [row for row in order if table_of_words["text"][row].strip()]
    assert all(line.start_s <= line.stop_s for line in found)
    assert all(one.stop_s <= other.start_s for one, other in pairwise(found))
    for line in found:
        recognised = bare("".join(table_of_words["text"][row] for row in line.words))
        if not re.search("[一二三百十]", recognised):
            assert bare(line.text) == recognised
        if len(line.words) > 1:
            width = sum(0.5 if c.isascii() else 1 for row in line.words for c in table_of_words["text"][row].strip())
            marks = len(line.words)  # at most one added by each word, or made wider
            assert width <= MAX_CHARACTERS + marks

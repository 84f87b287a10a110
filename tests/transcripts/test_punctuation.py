"""Punctuation, as tables of pairs."""

import pytest

from transcripts.punctuation import asks, full_width, inside_number

QUESTIONS = """
您听清楚了吗 这是什么 您叫什么名字 你们有没有安全生产许可证 谁是负责人 您看好不好
 为什么没有记录 在哪里上班 有多少人 灭火器呢 现在几点 怎么处理的
""".split()
STATEMENTS = """
没什么 不管是谁 我们是应急管理局的 都没有 没有 请您配合 今天来检查 无论什么情况都要记录在案 您好
""".split()


@pytest.mark.parametrize("sentence", QUESTIONS)
def test_particles_and_question_words_make_a_question(sentence):
    assert asks(sentence)


@pytest.mark.parametrize("sentence", STATEMENTS)
def test_a_statement_is_no_question(sentence):
    assert not asks(sentence)


@pytest.mark.parametrize(
    ("word", "following", "written"),
    [
        ("好,", "我", "好，"),
        ("件.", "", "件。"),
        ("吗?", "是", "吗？"),
        ("3.", "5", "3."),
        ("3.", "我", "3。"),
        ("好。", "我", "好。"),
        ("1,000", "元", "1,000"),
        ("好", "我", "好"),
    ],
)
def test_punctuation_is_written_in_full_width_but_not_inside_a_number(word, following, written):
    assert full_width(word, following) == written


def test_a_number_may_go_on_in_the_next_word():
    assert inside_number("一百", "二十三")
    assert not inside_number("一百", "元")
    assert not inside_number("好", "二十")

"""Other things said: what each sentence gives; negated, quoted and misheard ones among them."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

import transcripts  # noqa: F401  (registers every speech check)
from pipeline.detector import REGISTRY
from pipeline.errors import SettingsError
from pipeline.features.schema import table
from pipeline.language import language
from pipeline.model import Features, Finding, Level, Table
from transcripts.lexicon import lexicon, read_lexicon
from transcripts.phrases import MOST_FINDINGS, hits, read

SAID = [name for name in REGISTRY if name.startswith("said-")]
OF_THE_PARTY = {"said-objection", "said-refusal", "said-complaint", "said-insult", "said-uncivil"}
LEXICONS = (
    "complaint",
    "credentials",
    "insult",
    "objection",
    "purpose",
    "questioning",
    "refusal",
    "signing",
    "uncivil",
)
CASES = [
    (sentence.strip(), frozenset(kinds.split()))
    for line in (Path(__file__).parent / "said.txt").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
    for sentence, _, kinds in [line.rpartition("|")]
]
NEWSPAPER = [
    "昨天下午，全市召开了春季防汛工作会议，部署下一阶段的重点任务。",
    "今年夏粮收购价格稳中有升，农民的种粮积极性进一步提高。",
    "这条高速公路全长一百二十公里，预计明年年底建成通车。",
    "气象台预计未来三天有小到中雨，局部地区有雷阵雨。",
    "他从小喜欢打篮球，每天放学以后都要练习两个小时。",
    "医院新开设了夜间门诊，方便上班族就医。",
    "学校组织同学们参观了科技馆，大家都觉得很有意义。",
    "孩子的妈妈说她的店开在菜市场旁边，生意一直不错。",
    "工人们把圆木从车上滚下来，堆放在院子里。",
    "请大家按照指引有序排队，不要拥挤。",
    "这个网吧的老师傅修了二十年电脑，手艺很好。",
    "消费者在购买商品以后，可以向商家索要发票。",
    "村里的公路修好以后，土特产能够及时运到城里去卖。",
    "他在信里说，北京的秋天很漂亮，他打算明年再去一次。",
    "我们的服务人员会在两个小时之内和您联系。",
    "仓库的标签要写清楚品名、数量和入库日期。",
    "会议强调，要不断提高服务质量，不符合标准的要限期整改。",
    "老子和孔子都是中国古代的思想家。",
    "把水烧滚，再放入面条，三分钟以后就可以出锅。",
    "这台机器我操作了三年，从来没有出过毛病。",
    "他不去上海出差了，改成下个星期去天津。",
    "请把记录仪充满电，检查一下时间对不对。",
    "灭火器的压力不足，应当及时更换。",
    "配电箱前面不能堆放杂物，这个要马上整改。",
]
ORDINARY = [*NEWSPAPER, *(sentence for sentence, kinds in CASES[-12:] if not kinds & OF_THE_PARTY)]


def words(*texts: str, every_s: float = 0.5) -> Table:
    """Return words of 0.4 s each, one every `every_s` seconds."""
    return table(
        "words",
        [
            {"start_s": n * every_s, "stop_s": n * every_s + 0.4, "text": text, "probability": 0.9}
            for n, text in enumerate(texts)
        ],
    )


def found(said: Table, *names: str, **parameters: object) -> list[Finding]:
    return [finding for name in names or SAID for finding in REGISTRY[name](Features({"words": said}), **parameters)]


@pytest.mark.parametrize(("sentence", "kinds"), CASES, ids=[sentence for sentence, _ in CASES])
def test_what_a_sentence_gives(sentence: str, kinds: frozenset[str]) -> None:
    assert {finding.kind for finding in found(words(sentence))} == kinds


@pytest.mark.parametrize(
    "sentence", [sentence for sentence, _ in CASES if "said-objection" in _ or "said-refusal" in _]
)
def test_it_gives_the_same_character_by_character(sentence: str) -> None:
    whole = {finding.kind for finding in found(words(sentence))}
    assert {finding.kind for finding in found(words(*sentence, every_s=0.41))} == whole


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(ORDINARY), min_size=1, max_size=6))
def test_ordinary_talk_is_no_hint_of_the_partys_behaviour(sentences: list[str]) -> None:
    assert [(f.kind, f.evidence["heard"]) for f in found(words(*sentences), *OF_THE_PARTY)] == []


@pytest.mark.parametrize("sentence", NEWSPAPER)
def test_a_newspaper_gives_nothing(sentence: str) -> None:
    assert [(f.kind, f.evidence["heard"], f.evidence["phrases"]) for f in found(words(sentence))] == []


@pytest.mark.parametrize("name", LEXICONS)
def test_every_phrase_is_heard_where_nothing_else_is_said(name: str) -> None:
    rules = lexicon(name)
    assert [one for one in (*rules.phrases, *rules.written) if not hits(read(words(one)), rules)] == []


def test_every_right_is_heard_by_each_of_its_phrases() -> None:
    rules = lexicon("rights")
    silent = [one for phrases in rules.groups.values() for one in phrases if not hits(read(words(one)), rules, phrases)]
    assert silent == []


def test_a_finding_says_what_was_heard_where_and_by_which_phrase() -> None:
    (finding,) = found(words("现在", "他", "也", "巨绝", "签字", "。"), "said-refusal")
    assert (finding.kind, finding.level, finding.score) == ("said-refusal", Level.NOTE, None)
    assert (finding.span.start_s, finding.span.stop_s) == (1.5, 2.4)
    assert finding.evidence == {
        "heard": ("巨绝签字",),
        "phrases": ("拒绝签字",),
        "agreement": (100.0,),
        "at_s": (1.5,),
        "word_probability": 0.9,
    }
    assert "巨绝签字" in finding.summary
    assert "巨绝签字" in language("zh-CN").tell(finding.message) != finding.summary


def test_an_inexact_phrase_agrees_by_less() -> None:
    (finding,) = found(words("请在这里千之"), "said-signing")
    assert finding.evidence["phrases"] == ("在这里签字",)
    assert finding.evidence["agreement"] == (98.0,)


def test_every_finding_is_a_note() -> None:
    told = found(words(*(sentence for sentence, _ in CASES)))
    assert {finding.kind for finding in told} == set(SAID)
    assert {finding.level for finding in told} == {Level.NOTE}


@pytest.mark.parametrize(
    ("texts", "every_s", "count"),
    [
        (("我不同意。",) * 3, 2.0, 1),
        (("我不同意。", "好的。", "我不服。"), 12.0, 2),
        (("我不同意。",) * (MOST_FINDINGS + 40), 11.0, MOST_FINDINGS),
        (("我不同意。",) * MOST_FINDINGS, 11.0, MOST_FINDINGS),
    ],
)
def test_hits_that_are_near_in_time_are_one_finding(texts: tuple[str, ...], every_s: float, count: int) -> None:
    told = found(words(*texts, every_s=every_s), "said-objection")
    assert len(told) == count
    assert sum(len(finding.evidence["heard"]) for finding in told) == len(texts) - texts.count("好的。")  # type: ignore[arg-type]


def test_where_there_would_be_too_many_findings_the_widest_gaps_part_them() -> None:
    texts = [text for n in range(MOST_FINDINGS) for text in ("我不同意。", "好的。", "我不服。", *["好的。"] * (2 + n))]
    told = found(words(*texts, every_s=8.0), "said-objection")
    assert [finding.evidence["phrases"] for finding in told] == [("我不同意", "我不服")] * MOST_FINDINGS


def test_a_pause_ends_a_sentence() -> None:
    assert found(words("没有", "异议"), "said-objection") == []
    assert found(words("他说", "我不同意"), "said-objection") == []
    assert len(found(words("他说", "我不同意", every_s=2.0), "said-objection")) == 1
    assert found(words("我不", "同意", every_s=2.0), "said-objection") == []


def test_punctuation_ends_a_clause() -> None:
    assert found(words("不是我不同意"), "said-objection") == []
    assert len(found(words("不是，我不同意"), "said-objection")) == 1
    assert found(words("他说，我不同意"), "said-objection") == []
    assert len(found(words("他说。我不同意"), "said-objection")) == 1
    assert found(words("请滚", "动"), "said-insult") == []
    assert len(found(words("给我滚。动作快"), "said-insult")) == 1


def test_rights_that_were_told_and_those_that_were_not() -> None:
    (finding,) = found(words("你有权", "陈述、申辩，", "可以", "申请复议。"), "said-rights")
    assert finding.evidence["told"] == ("陈述", "申辩", "复议")
    assert finding.evidence["not_heard"] == ("回避", "听证", "诉讼")
    assert (finding.span.start_s, finding.span.stop_s) == (0.0, 1.9)
    assert "not heard: 回避、听证、诉讼" in finding.summary


def test_all_rights_told() -> None:
    text = "你有权进行陈述和申辩，有权申请回避，有权要求听证。不服处罚的，可以申请行政复议，也可以提起行政诉讼。"
    (finding,) = found(words(text), "said-rights")
    assert finding.evidence["told"] == ("陈述", "申辩", "回避", "听证", "复议", "诉讼")
    assert finding.evidence["not_heard"] == ()
    assert "not heard" not in finding.summary


def test_an_agency_adds_phrases() -> None:
    said = words("我们是金石集团的")
    assert found(said, "said-purpose") == []
    (finding,) = found(said, "said-purpose", more_phrases=("我们是今时集团",))
    assert finding.evidence["phrases"] == ("我们是今时集团",)
    for wrong in ("滚", "", "ABC"):
        with pytest.raises(ValidationError, match=r"too short|no Chinese character"):
            found(said, "said-purpose", more_phrases=(wrong,))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('phrases = ["滚"]', "phrases.0: .*too short"),
        ('phrases = ["ABC"]', "phrases.0: .*no Chinese character"),
        ('phrases = ["我不服", "我不服"]', "phrases: twice: 我不服"),
        ('phrases = ["我不服"]\nwritten = ["我不服"]', "phrases: twice: 我不服"),
        ('[groups]\n"复议" = []', "groups.复议"),
        ('phrase = ["我不服"]', "phrase: .*Known: phrases, written"),
        ('framed_by = ["..."]', "framed_by.0: .*no Chinese character"),
        ('also = ["own"]', "names itself"),
        ('also = ["other"]', "other.toml"),
        ("phrases = [", "own.toml"),
    ],
)
def test_a_wrong_lexicon_is_refused_with_its_place(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "own.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match=f"(?s){told}"):
        read_lexicon(path)


def test_a_lexicon_takes_over_another(tmp_path: Path) -> None:
    (tmp_path / "framing.toml").write_text('framed_by = ["他说"]', encoding="utf-8")
    (tmp_path / "own.toml").write_text('phrases = ["我不服"]\nalso = ["framing"]', encoding="utf-8")
    own = read_lexicon(tmp_path / "own.toml")
    assert (own.phrases, own.framed_by) == (("我不服",), ("他说",))
    assert hits(read(words("他说我不服")), own) == []

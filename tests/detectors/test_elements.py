"""Time, matter, parties and officers: what the footage itself reflects of them."""

import pytest

from detectors.matter_shown import matter_shown
from detectors.officers_shown import officers_shown
from detectors.parties_shown import parties_shown
from detectors.time_shown import time_shown
from tests.detectors.recorded import case, clip, text, words
from tests.packets import kinds

COMPANY = "石家庄市长安区禾岭化工有限公司"


def burned_in(field, shown, **quality):
    return {"field": field, "text": shown, "agreement": 1.0, "readings": 10, "pictures": 10} | quality


class TestTime:
    def shown(self, *overlay, created_at=None):
        container = [{"format": "mp4", "bytes": 1, "index_found": True, "created_at": created_at}]
        return list(time_shown(clip(case(), overlay=list(overlay), container=container)))

    def test_clock_with_date(self):
        (found,) = self.shown(burned_in("clock", "2026-03-02 09:00:00"))
        assert kinds([found]) == [("time-shown", "note")] and "2026-03-02 09:00:00" in found.summary

    def test_clock_and_date_apart(self):
        (found,) = self.shown(burned_in("clock", "09:00:00"), burned_in("date", "2026-03-02"))
        assert found.evidence == {"clock": "09:00:00", "date": "2026-03-02"}

    def test_the_file_states_it(self):
        (found,) = self.shown(created_at="2026-03-02T01:00:00+00:00")
        assert found.evidence == {"created_at": "2026-03-02T01:00:00+00:00"}

    @pytest.mark.parametrize("created_at", [None, "", "1970-01-01T00:00:01+00:00", "yesterday", "2026-03-02T01:00:00"])
    def test_nonsense_shows_none(self, created_at):
        assert self.shown(created_at=created_at) == []

    @pytest.mark.parametrize(
        "line",
        [
            burned_in("clock", "09:00:00"),
            burned_in("clock", "2026-03-02 09:00:00", readings=1),
            burned_in("clock", "2026-03-02 09:00:00", agreement=0.5),
            burned_in("device", "2026-03-02 09:00:00"),
            burned_in("clock", None),
        ],
    )
    def test_half_a_clock_shows_none(self, line):
        assert self.shown(line) == []

    def test_without_reading_the_overlay_the_file_still_tells(self):
        container = [{"format": "mp4", "bytes": 1, "index_found": True, "created_at": "2026-03-02T01:00:00+00:00"}]
        assert len(list(time_shown(clip(case(), container=container)))) == 1


class TestMatter:
    def shown(self, cause, said=(), texts=()):
        return list(matter_shown(clip(case(cause=cause), words=words(*said), texts=list(texts))))

    @pytest.mark.parametrize(
        ("cause", "said"),
        [
            ("危险化学品安全生产检查", "今天对你单位进行危险化学品安全生产检查"),
            ("危险化学品安全生产检查", "今天对你单位进行威胁化学品安全生产检查"),
            ("涉嫌无证经营烟花爆竹案", "关于你店无证经营烟花爆竹的事"),
            ("消防检查", "例行消防检查"),
        ],
    )
    def test_it_is_heard(self, cause, said):
        (found,) = self.shown(cause, [(5.0, said)])
        assert kinds([found]) == [("matter-shown", "note")]
        assert "heard" in found.evidence and found.span.start_s == 5.0

    @pytest.mark.parametrize(
        ("cause", "said"),
        [
            ("危险化学品安全生产检查", "今天来检查一下安全"),
            ("餐饮服务食品安全监督检查", "今天进行餐饮服务环境安全监督检查"),
            ("消防检查", "例行安防检查"),
            ("检查", "我们来检查"),
            ("无证经营、超期排污", "关于你店无证经营的事"),
        ],
    )
    def test_something_else_is_heard(self, cause, said):
        assert self.shown(cause, [(5.0, said)]) == []

    def test_it_is_read(self):
        (found,) = self.shown("危险化学品安全生产检查", texts=[text("危险化学品安全生产检查记录", document=True)])
        assert "read" in found.evidence and "检查记录" in found.summary

    @pytest.mark.parametrize(
        "other",
        [{"overlay": True}, {"confidence": 0.5}, {"text": "安全生产检查"}, {"text": "危险化学品登记"}, {"text": None}],
    )
    def test_it_is_not_read(self, other):
        assert self.shown("危险化学品安全生产检查", texts=[text("危险化学品安全生产检查", document=True) | other]) == []

    def test_of_several_parts_each_must_be_shown(self):
        found = self.shown("无证经营、超期排污", [(5.0, "你店无证经营")], [text("超期排污的处罚标准")])
        assert ["heard" in f.evidence for f in found] == [True, False]

    @pytest.mark.parametrize("cause", [[], "???", "A-17"])
    def test_without_a_matter_nothing_is_said(self, cause):
        assert self.shown(cause, [(5.0, "危险化学品安全生产检查")]) == []


class TestParties:
    def shown(self, parties, said=(), texts=()):
        return list(parties_shown(clip(case(parties=parties), words=words(*said), texts=list(texts))))

    @pytest.mark.parametrize(
        ("party", "said"),
        [
            (COMPANY, "你们是禾岭化工吧"),
            (COMPANY, "你们是和岭化工吧"),
            ("李建国", "您是李建国吧"),
            ("王伟", "我叫王伟"),
            ("王伟", "王伟先生您好"),
        ],
    )
    def test_one_is_heard(self, party, said):
        (found,) = self.shown([party], [(5.0, said)])
        assert kinds([found]) == [("parties-shown", "note")] and found.evidence["name"] == party

    @pytest.mark.parametrize(
        ("party", "said"),
        [
            (COMPANY, "你们是金星化工吧"),
            ("文明", "我们会文明执法"),
            ("王伟", "我叫汪巍"),
            ("李建国", "您是李建军吧"),
        ],
    )
    def test_somebody_else_is_heard(self, party, said):
        assert self.shown([party], [(5.0, said)]) == []

    @pytest.mark.parametrize(
        ("party", "shown"),
        [
            (COMPANY, "禾岭化工有限公司"),
            ("王伟", "当事人：王伟"),
            ("王伟", "姓名王伟"),
            ("王伟", "王伟"),
        ],
    )
    @pytest.mark.parametrize("document", [True, False])
    def test_one_is_read(self, party, shown, document):
        (found,) = self.shown([party], texts=[text(shown, document=document)])
        assert "read" in found.evidence

    @pytest.mark.parametrize(
        ("party", "shown"),
        [(COMPANY, "金星化工有限公司"), ("王伟", "王伟民"), ("文明", "文明单位"), ("王伟", "王伟商店")],
    )
    def test_somebody_else_is_read(self, party, shown):
        assert self.shown([party], texts=[text(shown)]) == []

    def test_who_is_not_shown_is_listed(self):
        (found,) = self.shown([COMPANY, "王伟"], [(5.0, "你们是禾岭化工吧")])
        assert found.evidence["not_shown"] == ("王伟",)

    def test_without_parties_nothing_is_said(self):
        assert self.shown([], [(5.0, "我叫王伟")]) == []


class TestOfficers:
    def shown(self, officers, said=(), texts=(), overlay=()):
        tables = {"words": words(*said), "texts": list(texts), "overlay": list(overlay)}
        return list(officers_shown(clip(case(officers=officers), **tables)))

    @pytest.mark.parametrize(
        ("officer", "line"), [("张三", "执法人员:张三"), ("0317255", "警号 0317255"), ("张三", "012345 张三")]
    )
    def test_burned_in(self, officer, line):
        (found,) = self.shown([officer], overlay=[burned_in("officer", line)])
        assert kinds([found]) == [("officers-shown", "note")] and found.evidence["shown"] == line

    @pytest.mark.parametrize(
        "line",
        [
            burned_in("officer", "李四"),
            burned_in("device", "张三"),
            burned_in("officer", "张三", agreement=0.4),
            burned_in("officer", None),
        ],
    )
    def test_another_line_shows_none(self, line):
        assert self.shown(["张三"], overlay=[line]) == []

    @pytest.mark.parametrize(
        ("officer", "said"),
        [("张三", "我是执法人员张三"), ("0317255", "我的执法证号是零三幺七二五五"), ("张建国", "我是张建国")],
    )
    def test_heard(self, officer, said):
        (found,) = self.shown([officer], [(5.0, said)])
        assert "heard" in found.evidence

    @pytest.mark.parametrize(
        ("officer", "said"), [("0317255", "证号零三一七二五五八"), ("12", "一二一二"), ("张三", "张三李四都一样")]
    )
    def test_not_heard(self, officer, said):
        assert self.shown([officer], [(5.0, said)]) == []

    def test_read_on_a_card(self):
        (found,) = self.shown(["张三"], texts=[text("姓名：张三", document=True)])
        assert "read" in found.evidence

    def test_each_once_and_who_is_not_shown_is_listed(self):
        found = self.shown(
            ["张三", "李四", "王五"], [(5.0, "我是张三"), (6.0, "我是李四")], overlay=[burned_in("officer", "张三")]
        )
        assert [f.evidence["name"] for f in found] == ["张三", "李四"]
        assert {f.evidence["not_shown"] for f in found} == {("王五",)}

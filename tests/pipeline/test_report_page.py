"""What a report shows, as values."""

from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.features.schema import table
from pipeline.language import language
from pipeline.model import Examination, Examined, Features, Finding, Footage, Level, Message, Outcome, Span
from pipeline.report.envelope import envelope, series
from pipeline.report.overview import rows as rows_of
from pipeline.report.page import build_page
from pipeline.report.page_findings import Assets, describe
from pipeline.report.stills import by_gravity, wanted_for
from pipeline.report.timeline import MOST_MARKS, build_timeline
from pipeline.report.wording import clock, figure, size, stretch, value
from pipeline.rules.profile import load_profile
from tests.examinations import HOSTILE, OVERLAY, SAID, findings, rules, tables

ENGLISH = language("en")


def examination(**changes) -> Examination:
    values = {
        "footage": Footage(Path("/evidence/现场.mp4"), "ab" * 32, 1_234_567),
        "profile": "shijiazhuang-safety",
        "features": Features(tables()),
        "examined": Examined(frames_in_header=251, frames_decoded=250, audio_s=10.0, speech_s=5.0, pictures_read=6),
        "findings": findings(),
        "rules": rules(),
        "verdict": Outcome.FAIL,
    }
    return Examination(**{**values, **changes})


def page(whole: Examination, words=ENGLISH, most: int = 20):
    described = describe(whole.findings, most)
    return build_page(whole, described, Assets(), datetime(2026, 3, 1, 8, 0, tzinfo=UTC), words)


def many(count: int, kind: str = "picture-cut") -> tuple[Finding, ...]:
    return tuple(
        Finding(kind, Level.SUSPECT, Span(n / 100, n / 100 + 0.01), Message("cut"), id=f"f{n}") for n in range(count)
    )


def test_findings_come_gravest_first():
    assert [finding.id for finding in page(examination()).findings] == ["f3", "f4", "f5", "f2", "f1"]


def test_a_finding_says_what_it_rests_on():
    cut = page(examination()).findings[0]
    assert cut.when == "0:03.960 – 0:04.000 (0.04 s)"
    assert cut.pictures == "99 – 100"
    assert cut.score == "not calibrated"
    assert [(entry.name, entry.value) for entry in cut.evidence] == [
        ("residual", "61"),
        ("unknown", "–"),
        ("note", HOSTILE),
    ]
    assert [(entry.name, entry.value) for entry in cut.articles] == [("CONT-1", "第十二条（五）")]
    assert cut.columns == ("frames.residual", "frames.luma_diff")


def test_a_rule_links_to_its_findings_and_quotes_its_clause():
    rule = page(examination()).rules[0]
    assert (rule.outcome.word, rule.outcome.style, rule.outcome.sign) == ("Failed", "fail", "✕")
    assert rule.text.startswith("开始摄录后")
    assert rule.reason == "2 findings speak against it (f3, f4)."
    assert [(link.name, link.value) for link in rule.links] == [("f3", "Picture cut"), ("f4", "Frozen picture")]


def test_a_rule_without_an_article_is_shown_by_its_id():
    whole = examination()
    idle = page(whole).folded[-1]
    assert (idle.outcome.style, idle.rules[0].article, idle.rules[0].text) == ("not-applicable", "", "")
    (row,) = rows_of([(whole, None)], Path(), ENGLISH)
    assert [name for name, _ in row.rules] == ["第十二条（五）", "第十二条（四）", "X-1"]


def test_the_chinese_page_speaks_chinese():
    told = page(examination(), language("zh-CN"))
    assert (told.verdict.word, told.rules[1].outcome.word) == ("不通过", "通过")
    assert told.findings[0].level_word == "违规"
    assert told.findings[0].title == "画面拼接"


def test_more_findings_of_a_kind_than_are_described_are_counted():
    told = page(examination(findings=many(1000), rules=()), most=20)
    assert len(told.findings) == 20
    assert told.total_findings == 1000
    assert told.left_out == ("Picture cut: 980 more, less grave or later, stand in report.v1.json only.",)


def test_a_rule_that_rests_on_very_many_findings_stays_short():
    rule = replace(rules()[0], findings=tuple(f"f{n}" for n in range(1000)))
    told = page(examination(findings=many(1000), rules=(rule,)))
    assert len(told.rules[0].links) + told.rules[0].more == 1000
    assert len(told.rules[0].links) <= 20


def test_the_gravest_are_described_even_if_they_come_last():
    last = Finding("picture-cut", Level.VIOLATION, Span(900, 901), Message("cut"), id="last")
    assert describe((*many(100), last), 20)[0].id == "last"
    assert by_gravity((*many(3), last))[0].id == "last"


def test_the_built_in_profile_is_named_only_if_its_clauses_were_judged():
    profile = load_profile("shijiazhuang-safety")
    judged = tuple(
        replace(rules()[0], id=rule.id, article=rule.article, text=rule.text, findings=()) for rule in profile.rules
    )
    assert page(examination(rules=judged)).profile_name == profile.name_en
    assert page(examination(rules=judged[:1])).profile_name == ""


def test_a_disagreement_of_header_and_count_is_marked():
    count = page(examination()).counts[1]
    assert (count.value, count.claimed, count.differs) == ("250", "251", True)


def test_limits_say_what_was_looked_at_in_part():
    limits = " ".join(page(examination()).limits)
    assert "first 5 s of 10 s of sound" in limits
    assert "6 of 250 pictures" in limits
    assert "Only findings that a calibrated model judged give a probability" in limits


def test_the_transcript_marks_the_notice():
    transcript = page(examination()).transcript
    words = [word for line in transcript.lines for word in line.words]
    notice = SAID.index("。")
    assert "".join(word.text for word in words) == SAID
    assert "".join(word.text for word in words if word.notice) == SAID[:notice]
    assert [word.text for word in words if word.doubtful] == [SAID[8]]


def test_texts_of_the_scene_leave_the_overlay_out_and_mark_documents():
    scene = page(examination()).texts.scene
    assert [(row.text, row.document) for row in scene] == [
        ("平安化工有限公司", False),
        (HOSTILE, False),
        ("检查记录表", True),
    ]


def test_stills_show_the_pictures_around_a_span_and_the_place_of_evidence():
    features = Features(tables())
    place, notice, cut, frozen, jump = findings()
    assert [(still.role, still.time_s) for still in wanted_for(cut, features)] == [
        ("Last picture before", 3.96),
        ("First picture after", 4.0),
    ]
    assert [still.time_s for still in wanted_for(frozen, features)] == [149 / 25, 175 / 25, 200 / 25]
    assert [(still.time_s, still.box.left) for still in wanted_for(place, features)] == [(2.0, 0.3)]
    assert list(wanted_for(notice, features)) == []
    assert {still.box.right for still in wanted_for(jump, features)} == {OVERLAY["clock"][3]}


def test_unreadable_footage_has_a_page_too():
    told = page(
        examination(
            features=Features(), examined=Examined(), findings=(), rules=(), unreadable=Message("No index."),
            footage=Footage(Path("a.mp4"), "", 0), verdict=Outcome.UNDECIDED,
        )
    )  # fmt: skip
    assert told.unreadable == "No index."
    assert (told.timeline, told.transcript, told.texts, told.overlay) == (None, None, None, None)
    assert told.sha256 == "–"


class TestTimeline:
    def test_every_described_finding_has_a_mark_that_leads_to_it(self):
        lanes = page(examination()).timeline.lanes
        marks = {mark.target: mark for lane in lanes for mark in lane.marks if mark.target}
        assert set(marks) == {"f1", "f2", "f3", "f4", "f5"}
        assert (marks["f4"].left, marks["f4"].width, marks["f4"].style) == (60.0, 20.0, "suspect")

    def test_lanes_of_grave_kinds_come_first(self):
        labels = [lane.label for lane in page(examination()).timeline.lanes]
        assert labels[:2] == ["Picture cut", "Frozen picture"]
        assert {"Voice", "Words", "Change of the picture", "Level of the sound"} <= set(labels)

    def test_very_many_findings_stay_few_marks(self):
        found = many(20_000)
        lane = build_timeline(Features(tables()), found, ["f7"], ENGLISH).lanes[0]
        assert len(lane.marks) <= MOST_MARKS + 2
        assert "f7" in {mark.target for mark in lane.marks}

    def test_a_hole_in_a_measurement_is_not_bridged(self):
        times = np.r_[np.arange(0, 2, 0.04), np.arange(8, 10, 0.04)]
        rows = [{"time_s": t, "duration_s": 0.04, "luma_diff": 5.0, "width": 2, "height": 2} for t in times.tolist()]
        flags = {"key": False, "interlaced": False, "damaged": False}
        features = Features({"frames": table("frames", [{**row, **flags} for row in rows])})
        profile = build_timeline(features, (), [], ENGLISH).lanes[0].profile
        points = [tuple(map(float, point.split(","))) for point in profile.split()]
        before, after = next((a, b) for a, b in pairwise(points) if b[0] - a[0] > 400)
        assert before[1] == after[1] == 100

    def test_a_clip_without_length_has_none(self):
        assert build_timeline(Features(), (), [], ENGLISH) is None

    @given(st.lists(st.tuples(st.floats(0, 1e5), st.floats(0, 1e4)), max_size=40))
    def test_marks_stay_on_the_timeline(self, spans):
        found = [
            Finding("picture-cut", Level.NOTE, Span(start, start + length), Message("x"), id=str(n))
            for n, (start, length) in enumerate(spans)
        ]
        timeline = build_timeline(Features(), found, [finding.id for finding in found[::2]], ENGLISH)
        marks = [mark for lane in timeline.lanes for mark in lane.marks] if timeline else []
        assert all(0 <= mark.left <= 100 and mark.left + mark.width <= 100.01 for mark in marks)
        assert timeline is None or len(timeline.ticks) <= 14


class TestEnvelope:
    @given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=300), st.integers(1, 50))
    def test_no_peak_is_lost(self, values, bins):
        column = np.array(values)
        middles, lowest, highest = envelope(np.arange(len(column)) / 25, column, bins)
        assert len(middles) <= bins
        assert (lowest.min(), highest.max()) == (column.min(), column.max())

    def test_times_are_drawn_as_intervals_for_each_stream(self):
        packets = [
            {"stream": 0, "time_s": time, "size_bytes": 1, "key": True, "corrupt": False, "discard": False}
            for time in (0.0, 0.04, 1.0)
        ]
        features = Features({**tables(), "packets": table("packets", packets)})
        found = series(features, "packets.time_s")
        assert list(found) == ["packets.time_s (video)"]
        assert found["packets.time_s (video)"][1][1:].tolist() == pytest.approx([0.04, 0.96])

    def test_texts_cannot_be_drawn(self):
        assert series(Features(tables()), "words.text") == {}
        assert series(Features(tables()), "frames.never") == {}


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0, "0:00.000"), (4.2, "0:04.200"), (59.9996, "1:00.000"), (3723.4567, "1:02:03.457"), (-1.5, "-0:01.500")],
)
def test_clock(seconds, told):
    assert clock(seconds) == told


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        (None, "–"),
        (float("nan"), "–"),
        (True, "yes"),
        (3, "3"),
        (0.00012345, "0.0001234"),
        (12.3456, "12.346"),
        ([1, 2], "1, 2"),
        (list(range(20)), "0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, and 8 more"),
        ("a\nb\u202e", "a\\u000ab\\u202e"),
    ],
)
def test_value(entry, told):
    assert value(entry, ENGLISH) == told


def test_sizes_and_stretches():
    assert [size(5), size(999_999), size(5_800_000_000)] == ["5 B", "1 MB", "5.8 GB"]
    assert stretch(Span(1.0, 1.0)) == "0:01.000"
    assert figure(1e12) == "1e+12"

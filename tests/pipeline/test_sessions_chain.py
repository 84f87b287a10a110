"""Chains of clips: sessions, joins, and what is told of two hundred clips with planted holes."""

from __future__ import annotations

import math
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.session import session as detector
from pipeline.case import CaseRecord
from pipeline.features.schema import table
from pipeline.model import Features, Finding, Level, Message, Span
from pipeline.sessions.chain import Chain, chain
from pipeline.sessions.clips import Clip
from pipeline.sessions.joins import join
from pipeline.sessions.tables import tables
from tests.pipeline.sessions import BEGIN, clip, planted

HERE = (("case_number", "2026-17"), ("place.names", "禾岭化工有限公司"))


def record(*values: tuple[str, str]) -> CaseRecord:
    return CaseRecord(Path("/store/case.toml"), values)


def named(seconds_after: float, number: int = 0, device: str = "K7A0123") -> str:
    start = BEGIN + timedelta(seconds=seconds_after)
    return f"{device}_{start:%Y%m%d%H%M%S}" + (f"_{number:04d}" if number else "") + ".mp4"


def told(found: Chain, one: Clip) -> list[Finding]:
    of_others = {"findings": table("findings", []), **tables(found, one.path)}
    return detector(Features(of_others)) if "joins" in of_others else []


def kinds(*clips: Clip, of: int = -1) -> set[tuple[str, str]]:
    """Return kind and level of every finding in one of the clips, the last unless told otherwise."""
    found = chain(clips)
    one = next(c for session in found.sessions for c in session.clips if c.path == clips[of].path)
    return {(finding.kind, finding.level.value) for finding in told(found, one)}


@pytest.mark.parametrize("seed", range(6))
def test_every_planted_gap_is_found_and_no_automatic_split_is_called_one(seed: int) -> None:
    made = planted(seed, 200, record(*HERE))
    found = chain(made.clips)
    assert len(found.sessions) == 1
    gaps, numbers, splits = set(), set(), set()
    for one in found.sessions[0].clips:
        for finding in told(found, one):
            pair = (str(finding.evidence.get("before")), str(finding.evidence.get("after")))
            if finding.kind == "recording-gap":
                sure = round(float(finding.evidence["gap_s"]) - 1.0, 2) >= 1.0  # names are of whole seconds
                assert finding.level is (Level.VIOLATION if sure else Level.SUSPECT)
                gaps.add(pair)
            elif finding.kind == "sequence-missing":
                numbers.add(pair)
            elif finding.kind == "gap-explained":
                splits.add(pair)
    assert len(made.gaps) > 20 and len(made.splits) > 100 and len(made.missing) > 5
    assert gaps == made.gaps
    assert numbers == made.missing
    assert splits == made.splits


class TestSplitsAndHoles:
    def test_an_automatic_split_is_explained(self) -> None:
        one, two = (clip(named(at), case=record(*HERE)) for at in (0, 60))
        assert kinds(one, two) == {("gap-explained", "note"), ("session-whole", "note")}

    def test_both_clips_tell_of_the_join(self) -> None:
        one, two = (clip(named(at), case=record(*HERE)) for at in (0, 100))
        assert kinds(one, two, of=0) == kinds(one, two, of=1) == {("recording-gap", "violation")}

    @pytest.mark.parametrize(
        ("seconds", "expected"),
        [
            (61, "gap-explained"),  # names are of whole seconds: this may be none
            (62, "recording-gap"),  # more than a second for certain
            (30, "gap-explained"),  # thirty seconds before it was switched on
            (29, "overlap"),
        ],
    )
    def test_the_limits_to_the_second(self, seconds: int, expected: str) -> None:
        one, two = clip(named(0), case=record(*HERE)), clip(named(seconds), case=record(*HERE), look=200)
        assert expected in {kind for kind, _ in kinds(one, two)}

    def test_a_clip_that_lies_inside_another_is_no_pre_record(self) -> None:
        one, two = clip(named(0), seconds=20), clip(named(0, number=2), seconds=15)
        assert ("overlap", "suspect") in kinds(one, two)

    def test_a_gap_where_nobody_states_the_place_is_for_a_person(self) -> None:
        assert kinds(clip(named(0)), clip(named(100))) == {("recording-gap", "suspect")}

    def test_a_hole_between_places_is_explained(self) -> None:
        one = clip(named(0, 1), case=record(("place.names", "甲厂")))
        two = clip(named(600, 2), case=record(("place.names", "乙厂")))
        found = chain([one, two])
        assert [len(session.clips) for session in found.sessions] == [1, 1]
        assert kinds(one, two) == set()

    def test_a_number_that_lacks_between_places_is_for_a_person(self) -> None:
        one = clip(named(0, 1), case=record(("place.names", "甲厂")))
        two = clip(named(600, 4), case=record(("place.names", "乙厂"), ("clips", named(600, 4))))
        assert ("sequence-missing", "suspect") in kinds(one, two)

    def test_a_stated_interruption_is_explained_with_its_reason(self) -> None:
        start, stop = BEGIN + timedelta(seconds=60), BEGIN + timedelta(seconds=300)
        pause = ("pauses", f"{start.isoformat()}/{stop.isoformat()} 更换电池")
        one, two = clip(named(0), case=record(*HERE, pause)), clip(named(300), case=record(*HERE, pause))
        found = chain([one, two])
        [finding] = told(found, one)
        assert finding.kind == "gap-explained" and "更换电池" in finding.summary

    def test_a_pause_that_is_shorter_than_the_hole_explains_nothing(self) -> None:
        start, stop = BEGIN + timedelta(seconds=60), BEGIN + timedelta(seconds=200)
        pause = ("pauses", f"{start.isoformat()}/{stop.isoformat()} 更换电池")
        one, two = clip(named(0), case=record(*HERE, pause)), clip(named(300), case=record(*HERE, pause))
        assert kinds(one, two) == {("recording-gap", "violation")}

    def test_what_could_not_be_read_may_fill_the_hole(self) -> None:
        one, three = clip(named(0, 1), case=record(*HERE)), clip(named(120, 3), case=record(*HERE))
        two = clip(named(60, 2), case=record(*HERE), readable=False)
        found = chain([one, two, three])
        [session] = found.sessions
        assert [len(session.clips), len(session.joins)] == [3, 1]
        assert ("recording-gap", "suspect") in {(f.kind, f.level.value) for f in told(found, three)}

    def test_without_times_numbers_and_pictures_decide(self) -> None:
        one, two = clip("MOVI0007.avi"), clip("MOVI0008.avi")
        assert kinds(one, two) == {("gap-explained", "note"), ("session-whole", "note")}
        assert kinds(one, clip("MOVI0008.avi", look=220)) == {("recording-gap", "suspect")}


class TestSourcesThatContradict:
    def told(self, **changed: object) -> tuple[str, str]:
        row: dict[str, object] = {
            **{"before": "a.mp4", "after": "b.mp4", "here": "before", "gap_s": 40.0, "within_s": 0.05},
            **{"before_s": 60.0, "after_s": 60.0, "time_from": "overlay", "same_place": "yes", "picture_ratio": 9.0},
        }
        joins = table("joins", [{**row, **changed}])
        [finding] = [f for f in detector(Features({"joins": joins, "findings": table("findings", [])}))]
        return finding.kind, finding.level.value

    def test_agreement_is_a_violation(self) -> None:
        assert self.told() == ("recording-gap", "violation")
        assert self.told(conflict_s=1.0) == ("recording-gap", "violation")

    def test_a_disputed_gap_is_for_a_person(self) -> None:
        assert self.told(conflict_s=39.0) == ("recording-gap", "suspect")

    def test_a_clock_that_jumps_where_the_picture_goes_on_is_for_a_person(self) -> None:
        assert self.told(picture_ratio=1.0) == ("recording-gap", "suspect")
        assert self.told(picture_ratio=1.0, time_from="name") == ("recording-gap", "violation")


class TestCertainty:
    @pytest.mark.parametrize(("length", "level"), [(60.5, "suspect"), (60.0, "violation")])
    def test_a_gap_accuses_only_where_it_is_too_long_for_certain(self, length: float, level: str) -> None:
        one = clip(named(0), seconds=length, case=record(*HERE))  # 1.5 s by the names may be 0.5 s
        two = clip(named(62), case=record(*HERE), look=200)
        assert kinds(one, two) == {("recording-gap", level)}


class TestNumbers:
    @pytest.mark.parametrize(
        ("first", "second", "step"),
        [
            ("MOVI0007.avi", "MOVI0008.avi", 1),
            ("MOVI0007.avi", "MOVI0010.avi", 3),
            ("MOVI9999.avi", "MOVI0001.avi", 1),
            ("MOVI9999.avi", "MOVI0000.avi", 1),
            ("MOVI9998.avi", "MOVI0001.avi", 2),
            ("MOVI0009.avi", "MOVI0003.avi", -6),
            ("GX010123.MP4", "GX020123.MP4", 1),
            ("GX010123.MP4", "GX030123.MP4", 2),
            ("MOVI0007.avi", "20260304_101500_0008.mp4", None),
            ("20260304_101500_0900.mp4", "20260305_101500_0001.mp4", None),  # begins anew each day
        ],
    )
    def test_the_step_of_a_number(self, first: str, second: str, step: int | None) -> None:
        assert join(clip(first), clip(second)).numbers == step

    def test_a_number_that_lacks_where_the_recording_goes_on_is_a_photo(self) -> None:
        one, two = clip(named(0, 1), case=record(*HERE)), clip(named(60, 4), case=record(*HERE))
        assert ("sequence-missing", "note") in kinds(one, two)

    def test_an_equal_number_says_nothing(self) -> None:
        one, two = clip(named(0, 9), case=record(*HERE)), clip(named(60, 9), case=record(*HERE))
        assert {kind for kind, _ in kinds(one, two)} == {"gap-explained", "session-whole"}

    def test_a_lower_number_at_a_later_time_is_for_a_person(self) -> None:
        one, two = clip(named(0, 9), case=record(*HERE)), clip(named(60, 3), case=record(*HERE))
        assert ("late-recording", "suspect") in kinds(one, two)


class TestSessions:
    def test_clips_are_parted_by_recorder(self) -> None:
        clips = [clip(named(at, device=device)) for device in ("K7A0123", "K7A0999") for at in (0, 60)]
        assert [len(session.clips) for session in chain(clips).sessions] == [2, 2]

    def test_signs_that_readers_take_for_each_other_part_nothing(self) -> None:
        clips = [clip(named(0, device="K7AO123")), clip(named(60, device="K7A0123"))]
        assert [len(session.clips) for session in chain(clips).sessions] == [2]

    def test_a_clip_that_names_no_recorder_goes_to_the_only_one_of_its_folder(self) -> None:
        unnamed = clip("20260304_090100.mp4")
        assert [len(s.clips) for s in chain([clip(named(0)), unnamed]).sessions] == [2]
        two = [clip(named(0)), clip(named(0, device="K7A0999"))]
        assert sorted(len(s.clips) for s in chain([*two, unnamed]).sessions) == [1, 1, 1]

    def test_a_long_hole_begins_a_session_unless_case_and_place_are_one(self) -> None:
        assert len(chain([clip(named(0)), clip(named(3600))]).sessions) == 2
        own = record(*HERE)
        assert len(chain([clip(named(0), case=own), clip(named(3600), case=own)]).sessions) == 1
        day_s = 86400
        assert len(chain([clip(named(0), case=own), clip(named(day_s), case=own)]).sessions) == 2

    def test_a_copy_takes_no_part(self) -> None:
        one, two = clip(named(0), sha256="a" * 64), clip("kept/" + named(0), sha256="a" * 64)
        found = chain([one, two])
        assert [len(session.clips) for session in found.sessions] == [1]
        assert [(copy.path, of.path) for copy, of in found.copies] == [(two.path, one.path)]

    def test_equal_names_are_told_apart_by_their_folders(self) -> None:
        one, two = clip("a/" + named(0), sha256="a" * 64), clip("b/" + named(0), sha256="b" * 64)
        labels = {c.label for session in chain([one, two]).sessions for c in session.clips}
        assert labels == {"a/" + named(0), "b/" + named(0)}

    def test_creation_times_at_the_end_are_recognised(self) -> None:
        lengths = [300.0, 60.0, 240.0, 120.0]
        ends = [sum(lengths[: n + 1]) for n in range(4)]
        clips = [
            clip(f"x{n}.mp4", seconds=lengths[n], created_at=(BEGIN + timedelta(seconds=ends[n])).isoformat())
            for n in range(4)
        ]
        [session] = chain(clips).sessions
        assert [round(j.gap_s) for j in session.joins] == [0, 0, 0]
        assert session.clips[0].recording.started_at == BEGIN

    @given(order=st.permutations(range(12)))
    @settings(max_examples=25, deadline=None)
    def test_the_order_in_which_clips_are_given_does_not_matter(self, order: list[int]) -> None:
        made = planted(3, 12, record(*HERE)).clips
        found = chain([made[n] for n in order])
        assert [c.label for session in found.sessions for c in session.clips] == [c.label for c in made]


class TestWhatOthersShow:
    HEARD = Finding("notice-heard", Level.NOTE, Span(3.2, 9.0), Message("heard"))
    SHOWN = Finding("place-shown", Level.NOTE, Span(20.0, 21.0), Message("shown"))

    def test_the_notice_in_the_first_clip_counts_for_all(self) -> None:
        first = clip(named(0), case=record(*HERE), findings=(self.HEARD,))
        rest = [clip(named(60 * n), case=record(*HERE)) for n in (1, 2)]
        found = chain([first, *rest])
        for one in rest:
            [finding] = [f for f in told(found, one) if f.kind == "notice-in-session"]
            assert finding.evidence == {"clip": named(0), "at_s": 3.2}
        assert "notice-in-session" not in {f.kind for f in told(found, first)}

    def test_a_notice_in_a_later_clip_counts_for_none(self) -> None:
        clips = [clip(named(0)), clip(named(60), findings=(self.HEARD,)), clip(named(120))]
        assert "notice-in-session" not in {kind for kind, _ in kinds(*clips)}

    def test_beyond_a_hole_neither_notice_nor_place_counts(self) -> None:
        first = clip(named(0), case=record(*HERE), findings=(self.HEARD, self.SHOWN))
        assert kinds(first, clip(named(100), case=record(*HERE))) == {("recording-gap", "violation")}

    def test_the_place_in_any_clip_counts_for_all(self) -> None:
        one, two = clip(named(0)), clip(named(60), findings=(self.SHOWN,))
        assert ("place-in-session", "note") in kinds(one, two, of=0)


def test_one_clip_by_itself_says_nothing_of_others() -> None:
    one = clip(named(0), case=record(*HERE))
    assert tables(chain([one]), one.path).keys() == {"recording"}


def test_the_only_clip_of_a_case_is_whole_if_the_record_names_it_alone() -> None:
    alone = clip(named(0), case=record(*HERE, ("clips", named(0))))
    assert kinds(alone) == {("session-whole", "note")}
    more = clip(named(0), case=record(*HERE, ("clips", named(0)), ("clips", named(60))))
    assert kinds(more) == set()


def test_clips_of_one_case_are_siblings_across_recorders() -> None:
    one = clip(named(0), case=record(("case_number", "7"), ("phases_recorded", "inspection")))
    two = clip(named(0, device="K7A0999"), case=record(("case_number", "7"), ("phases_recorded", "signing")))
    siblings = tables(chain([one, two]), one.path)["siblings"]
    assert (siblings["clip"][0], siblings["phases"][0], siblings["case"][0]) == (two.label, "signing", True)
    assert not siblings["session"][0] and math.isnan(siblings["position"][0])

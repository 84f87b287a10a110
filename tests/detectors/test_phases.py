"""Phases of a case: recorded here or in another clip, exempted, suggested by words, missing."""

import pytest

from detectors.phases import phases
from pipeline.case import PHASES
from pipeline.model import Level
from tests.detectors.recorded import case, clip

EXEMPTED = {
    "exemption__code": "secrecy",
    "exemption__phases": ["signing"],
    "exemption__reason": "涉及配方",
    "exemption__approved_by": "王局长",
}


def sibling(name, shown, of_case=True):
    return {"clip": name, "case": of_case, "session": False, "joined": False, "phases": shown}


def judged(record, siblings=None, findings=(), **parameters):
    tables = {"findings": list(findings)} | ({} if siblings is None else {"siblings": siblings})
    return list(phases(clip(case(**record), **tables), **parameters))


def of_phase(found, phase):
    (one,) = [f for f in found if f.kind not in {"phase-not-due", "process-shown"} and phase in f.evidence["phases"]]
    return one


def test_a_phase_of_this_clip_is_recorded():
    found = of_phase(judged({"phases_due": ["inspection"], "phases_recorded": ["inspection"]}), "inspection")
    assert (found.kind, found.level) == ("phase-recorded", Level.NOTE)
    assert "this clip" in found.summary and "现场检查" in found.summary
    assert (found.span.start_s, found.span.stop_s) == (0.0, 60.0)


def test_a_phase_of_another_clip_of_the_case_is_recorded():
    record = {"phases_due": ["inspection"], "phases_recorded": ["none"]}
    found = of_phase(judged(record, [sibling("b.mp4", "rights inspection")]), "inspection")
    assert found.kind == "phase-recorded" and "b.mp4" in found.summary


def test_a_clip_of_another_case_records_nothing_for_this_one():
    record = {"phases_due": ["inspection"], "phases_recorded": ["none"]}
    found = of_phase(judged(record, [sibling("b.mp4", "inspection", of_case=False)]), "inspection")
    assert found.kind == "phase-missing"


def test_an_exempted_phase_is_told_with_its_reason():
    found = of_phase(judged({"phases_due": ["signing"], "phases_recorded": ["none"], **EXEMPTED}), "signing")
    assert (found.kind, found.level) == ("exempted", Level.NOTE)
    assert "涉及配方" in found.summary and "王局长" in found.summary


def test_what_is_exempted_and_recorded_is_recorded():
    found = judged({"phases_due": ["signing"], "phases_recorded": ["signing"], **EXEMPTED})
    assert of_phase(found, "signing").kind == "phase-recorded"


def test_an_exemption_of_another_phase_exempts_nothing():
    record = {"phases_due": ["rights"], "phases_recorded": ["none"], **EXEMPTED}
    assert of_phase(judged(record), "rights").kind == "phase-missing"


@pytest.mark.parametrize("lacking", ["exemption__reason", "exemption__approved_by"])
def test_an_exemption_that_is_not_founded_leaves_the_phase_missing(lacking):
    record = {"phases_due": ["signing"], "phases_recorded": ["none"], "clips": ["a.mp4"], **EXEMPTED}
    del record[lacking]
    found = of_phase(judged(record), "signing")
    assert (found.kind, found.level) == ("phase-missing", Level.SUSPECT)
    assert lacking.replace("__", ".") in found.summary


def test_a_reason_that_excuses_no_phase_is_for_a_person():
    record = {"phases_due": ["signing"], "phases_recorded": ["none"], **EXEMPTED}
    found = of_phase(judged(record | {"exemption__code": "conditions"}), "signing")
    assert (found.kind, found.level) == ("phase-missing", Level.SUSPECT) and "涉及配方" in found.summary
    assert of_phase(judged(record, excuses=()), "signing").kind == "phase-missing"
    assert of_phase(judged(record | {"exemption__code": "conditions"}, excuses=("conditions",)), "signing").kind == (
        "exempted"
    )


@pytest.mark.parametrize(
    ("phase", "kind"),
    [
        ("introduction", "said-purpose"),
        ("introduction", "said-credentials"),
        ("rights", "said-rights"),
        ("questioning", "said-questioning"),
        ("signing", "said-signing"),
    ],
)
def test_words_suggest_a_phase(phase, kind):
    said = {"kind": kind, "level": "note", "start_s": 12.0, "stop_s": 14.0, "words": "请您签字"}
    record = {"phases_due": [phase], "phases_recorded": ["none"], "clips": ["a.mp4"]}
    found = of_phase(judged(record, findings=[said]), phase)
    assert (found.kind, found.level) == ("phase-guessed", Level.SUSPECT)
    assert (found.span.start_s, found.span.stop_s) == (12.0, 14.0)
    assert "请您签字" in found.summary


def test_words_of_another_phase_suggest_nothing():
    said = {"kind": "said-rights", "level": "note", "start_s": 12.0, "stop_s": 14.0, "words": "你有权"}
    found = of_phase(judged({"phases_due": ["signing"], "phases_recorded": ["none"]}, findings=[said]), "signing")
    assert found.kind == "phase-missing"


DUE = {"phases_due": ["signing"], "phases_recorded": ["inspection"]}


class TestMissing:
    def level(self, record, siblings=None):
        found = of_phase(judged({**DUE, **record}, siblings), "signing")
        assert found.kind == "phase-missing"
        return found.level

    def test_where_every_clip_is_known_it_is_a_violation(self):
        assert self.level({"clips": ["a.mp4"]}) is Level.VIOLATION
        assert self.level({"clips": ["a.mp4", "b.mp4"]}, [sibling("b.mp4", "rights")]) is Level.VIOLATION
        assert self.level({"clips": ["a.mp4", "b.mp4"]}, [sibling("b.mp4", "none")]) is Level.VIOLATION

    def test_where_the_clips_are_not_stated_a_person_must_look(self):
        assert self.level({}) is Level.SUSPECT
        assert self.level({}, [sibling("b.mp4", "rights")]) is Level.SUSPECT

    def test_where_a_clip_was_not_examined_a_person_must_look(self):
        (found,) = [f for f in judged({**DUE, "clips": ["a.mp4", "b.mp4"]}) if f.kind == "phase-missing"]
        assert found.level is Level.SUSPECT and "b.mp4" in found.summary
        assert self.level({"clips": ["a.mp4", "b.mp4"]}, [sibling("b.mp4", "rights", of_case=False)]) is Level.SUSPECT

    def test_where_a_clip_states_nothing_a_person_must_look(self):
        assert self.level({"clips": ["a.mp4", "b.mp4"]}, [sibling("b.mp4", None)]) is Level.SUSPECT
        assert self.level({"clips": ["a.mp4"], "phases_recorded": []}) is Level.SUSPECT

    def test_a_list_of_clips_without_this_one_is_not_known_to_be_whole(self):
        assert self.level({"clips": ["b.mp4"]}, [sibling("b.mp4", "rights")]) is Level.SUSPECT


def test_what_is_neither_due_nor_recorded_is_not_due():
    record = {"phases_due": ["inspection"], "phases_recorded": ["rights"]}
    (found,) = [f for f in judged(record, [sibling("b.mp4", "hearing")]) if f.kind == "phase-not-due"]
    assert found.level is Level.NOTE
    assert set(found.evidence["phases"]) == set(PHASES) - {"inspection", "rights", "hearing"}


def test_none_is_due():
    found = judged({"phases_due": ["none"], "phases_recorded": ["none"]})
    assert [(f.kind, f.evidence["phases"]) for f in found] == [("phase-not-due", PHASES)]


@pytest.mark.parametrize("due", [[], ["lunch"]])
def test_where_what_is_due_is_not_stated_nothing_is_missing(due):
    assert [f.kind for f in judged({"phases_due": due, "phases_recorded": ["rights"]})] == ["phase-recorded"]
    assert judged({"phases_due": due}) == []


class TestProcess:
    def shown(self, **record):
        return [f for f in judged(record) if f.kind == "process-shown"]

    def test_every_phase_recorded_or_exempted(self):
        (found,) = self.shown(phases_due=["rights", "signing"], phases_recorded=["rights"], **EXEMPTED)
        assert found.level is Level.NOTE and "签字确认" in found.summary

    def test_one_missing(self):
        assert self.shown(phases_due=["rights", "signing"], phases_recorded=["rights"]) == []

    def test_nothing_due_or_nothing_recorded_shows_no_process(self):
        assert self.shown(phases_due=["none"], phases_recorded=["none"]) == []
        assert self.shown(phases_due=["signing"], phases_recorded=["none"], **EXEMPTED) == []

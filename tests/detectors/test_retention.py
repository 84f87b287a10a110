"""Until when the recording must be kept."""

import pytest

from detectors.evidence_retention import evidence_retention
from detectors.retention import retention
from tests.packets import kinds
from tests.records import recorded

LAIXI = {"least_years": 1, "evidence_as_volume": True, "flags": ("objection", "complaint")}
CHANGZHI = {"least_years": 1, "flags": ("objection",)}
UPLOAD = "2026-03-02T10:00:00+08:00"


def found(
    params=LAIXI,
    uploaded=UPLOAD,
    evidence="false",
    flags=("none",),
    dispose=None,
    ended_at=None,
    within_s=0.0,
    **archive,
):
    case = {"store.uploaded_at": uploaded, "evidence": evidence, "flags": flags, "store.dispose_on": dispose}
    case |= {f"archive.{name}": value for name, value in archive.items()}
    return list(retention(recorded(case, ended_at=ended_at, within_s=within_s), **params))


def test_the_earliest_day_of_disposal_is_told():
    (note,) = found()
    assert kinds([note]) == [("retention-running", "note")]
    assert note.summary == (
        "The recording must be kept from 2026-03-02 (store.uploaded_at) to 2027-03-02 (years: 1). It may be disposed "
        "of from 2027-03-03 on, not before."
    )


@pytest.mark.parametrize(
    ("uploaded", "earliest"),
    [
        ("2024-02-29T10:00:00+08:00", "2025-03-01"),
        ("2023-02-28T10:00:00+08:00", "2024-02-29"),
        ("2025-12-31T23:59:59+08:00", "2027-01-01"),
        ("2025-12-31T16:00:00+00:00", "2027-01-02"),  # 1 January in China
    ],
)
def test_leap_days_and_ends_of_years(uploaded, earliest):
    assert found(uploaded=uploaded)[0].evidence["earliest"] == earliest


@pytest.mark.parametrize(
    ("dispose", "expected"),
    [
        ("2027-03-03", ("retention-running", "note")),
        ("2027-03-02", ("retention-unknown", "suspect")),  # the hour decides
        ("2027-03-01", ("retention-cut", "violation")),
        ("2026-03-02", ("retention-cut", "violation")),
        ("2026-03-01", ("retention-unknown", "suspect")),  # before the upload
        ("never", ("retention-running", "note")),
    ],
)
def test_the_day_of_disposal(dispose, expected):
    assert kinds(found(dispose=dispose)) == [expected]


def test_a_cut_quotes_both_days():
    (cut,) = found(dispose="2026-09-01")
    assert "to 2027-03-02" in cut.summary and "2026-09-01" in cut.summary


def test_a_medium_that_keeps_it_elsewhere_leaves_the_cut_to_a_person():
    assert kinds(found(dispose="2026-09-01", medium="光盘12")) == [("retention-unknown", "suspect")]
    assert kinds(found(dispose="2026-09-01", long_term="硬盘3")) == [("retention-unknown", "suspect")]


@pytest.mark.parametrize(
    ("dispose", "expected"),
    [
        (None, "retention-running"),
        ("2027-03-04", "retention-running"),
        ("2027-03-03", "retention-unknown"),  # the recording may have ended after midnight
        ("2027-03-01", "retention-cut"),
    ],
)
def test_without_an_upload_the_recording_s_end_counts(dispose, expected):
    ended = {"ended_at": "2026-03-02T23:59:30+08:00", "within_s": 60.0}
    assert [f.kind for f in found(uploaded=None, dispose=dispose, **ended)] == [expected]


def test_without_upload_and_recording_time_nothing_can_be_told():
    assert kinds(found(uploaded=None)) == [("retention-unknown", "suspect")]
    assert kinds(found(uploaded=None, evidence="true")) == [("kept-longer", "note")]
    assert kinds(found(uploaded=None, flags=["objection"])) == [("kept-longer", "note")]
    assert kinds(found(uploaded=None, flags=["objection"], dispose="2027-01-01")) == [("retention-unknown", "suspect")]


def test_evidence_is_kept_by_another_clause():
    assert kinds(found(evidence="true")) == [("kept-longer", "note")]
    assert "until 2056-12-31" in found(evidence="true", keep_until="2056-12-31")[0].summary
    assert kinds(found(evidence="true", dispose="2026-04-01")) == [("kept-longer", "note")]
    assert kinds(found(CHANGZHI, evidence="true")) == [("retention-running", "note")]


@pytest.mark.parametrize("evidence", [None, "perhaps"])
def test_whether_it_is_evidence_must_be_stated(evidence):
    assert kinds(found(evidence=evidence)) == [("retention-unknown", "suspect")]
    assert kinds(found(evidence=evidence, dispose="2026-04-01")) == [("retention-unknown", "suspect")]
    assert kinds(found(CHANGZHI, evidence=evidence)) == [("retention-running", "note")]


def test_what_is_kept_for_long_has_no_day_of_disposal():
    assert kinds(found(flags=["objection"])) == [("kept-longer", "note")]
    assert kinds(found(flags=["objection"], dispose="2036-01-01")) == [("retention-unknown", "suspect")]
    assert kinds(found(flags=["objection"], dispose="2026-04-01")) == [("retention-cut", "violation")]
    assert kinds(found(flags=["objection"], dispose="2026-04-01", evidence="true")) == [
        ("retention-unknown", "suspect")
    ]
    assert kinds(found(flags=["objection"], dispose="2036-01-01", long_term="光盘12")) == [("kept-longer", "note")]
    assert kinds(found(flags=["petition"])) == [("retention-running", "note")]  # not one that the regulation names


def test_a_regulation_that_names_no_period_says_nothing():
    assert found({}) == []


def kept(evidence="true", until="2056-12-31", dispose=None, params=None, **archive):
    case = {"store.uploaded_at": UPLOAD, "evidence": evidence, "archive.keep_until": until, "store.dispose_on": dispose}
    case |= {f"archive.{name}": value for name, value in archive.items()}
    return kinds(evidence_retention(recorded(case), **(params or {"evidence_as_volume": True})))


@pytest.mark.parametrize(
    ("dispose", "expected"),
    [
        (None, ("evidence-kept", "note")),
        ("2057-01-01", ("evidence-kept", "note")),
        ("2056-12-31", ("evidence-unknown", "suspect")),
        ("2056-12-30", ("evidence-cut", "violation")),
    ],
)
def test_evidence_is_kept_as_long_as_the_case_file(dispose, expected):
    assert kept(dispose=dispose) == [expected]


def test_what_of_evidence_cannot_be_told():
    assert kept(until=None) == [("evidence-unknown", "suspect")]
    assert kept(until="永久") == [("evidence-unknown", "suspect")]
    assert kept(until="2026-03-01") == [("evidence-unknown", "suspect")]
    assert kept(dispose="2030-01-01", medium="光盘12") == [("evidence-unknown", "suspect")]


def test_what_is_no_evidence():
    assert kept("false") == [("not-evidence", "note")]
    assert kept(None) == []
    assert kept(params={"evidence_as_volume": False}) == []

"""Copies, secrecy, manifest, access, and the case that a recording belongs to."""

import pytest

from detectors.access import access
from detectors.case_clips import case_clips
from detectors.case_link import case_link
from detectors.copies import copies
from detectors.manifest import manifest
from detectors.medium_link import medium_link
from detectors.secrecy import secrecy
from tests.packets import kinds
from tests.records import recorded

HASH = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("volume", "medium", "expected"),
    [
        ("卷7", "盘12", [("medium-linked", "note")]),
        ("卷7", None, [("medium-unlinked", "suspect")]),
        (None, "盘12", [("medium-unlinked", "suspect")]),
        (" ", None, []),
        (None, None, []),
    ],
)
def test_volume_and_medium(volume, medium, expected):
    assert kinds(medium_link(recorded({"archive.volume": volume, "archive.medium": medium}))) == expected


@pytest.mark.parametrize(
    ("given", "approved", "secrets", "expected"),
    [
        (["none"], None, None, [("no-copy", "note")]),
        (["张三"], ["局长"], None, [("copy-approved", "note")]),
        (["张三", "李四"], ["局长"], ["none"], [("copy-approved", "note")]),
        (["张三", "李四"], ["局长", "副局长"], None, [("copy-approved", "note")]),
        (["张三", "李四", "王五"], ["局长", "副局长"], None, [("copy-unapproved", "violation")]),
        (["张三"], None, None, [("copy-unapproved", "violation")]),
        (["张三"], ["none"], None, [("copy-unapproved", "violation")]),
        (["none", "张三"], None, None, [("copy-unapproved", "violation")]),
        (["张三"], ["局长"], ["business"], [("copy-unapproved", "suspect")]),
        (None, ["局长"], None, []),
    ],
)
def test_copies(given, approved, secrets, expected):
    case = {"copies.given_to": given, "copies.approved_by": approved, "secrecy": secrets}
    assert kinds(copies(recorded(case))) == expected


def test_who_got_a_copy_without_approval_is_named():
    (one,) = copies(recorded({"copies.given_to": ["张三", "李四"]}))
    assert "张三, 李四" in one.summary


@pytest.mark.parametrize(
    ("secrets", "who", "exempt", "expected"),
    [
        (["business"], "restricted", None, [("access-restricted", "note")]),
        (["business", "privacy"], "open", None, [("access-open", "violation")]),
        (["state"], None, None, [("access-open", "suspect")]),
        (["state"], "everybody", None, [("access-open", "suspect")]),
        (["none"], "open", None, [("access-restricted", "note")]),
        (["none"], None, None, [("access-restricted", "note")]),
        (["none", "privacy"], "open", None, [("access-open", "violation")]),
        (["none"], "open", "secrecy", [("access-open", "suspect")]),
        (None, "open", "secrecy", [("access-open", "suspect")]),
        (None, "restricted", "secrecy", []),
        (None, "open", None, []),
        (["geheim"], "open", None, []),
    ],
)
def test_secrecy(secrets, who, exempt, expected):
    case = {"secrecy": secrets, "store.access": who, "exemption.code": exempt}
    assert kinds(secrecy(recorded(case))) == expected


def test_that_there_is_no_secret_is_said():
    (note,) = secrecy(recorded({"secrecy": ["none"]}))
    assert note.summary == "The case record states that the recording touches no secret."


@pytest.mark.parametrize(
    ("uploaded", "now", "expected"),
    [
        (HASH, HASH, [("manifest-match", "note")]),
        (HASH.upper(), HASH, [("manifest-match", "note")]),
        (HASH[::-1], HASH, [("manifest-mismatch", "violation")]),
        (HASH[:-1], HASH, []),
        ("g" * 64, HASH, []),
        (None, HASH, []),
        (HASH, None, []),
    ],
)
def test_manifest(uploaded, now, expected):
    assert kinds(manifest(recorded({"store.sha256": uploaded}, sha256=now))) == expected


def test_a_mismatch_shows_both_hashes():
    (one,) = manifest(recorded({"store.sha256": HASH[::-1].upper()}, sha256=HASH))
    assert one.evidence == {"found": HASH, "uploaded": HASH[::-1]}
    assert HASH in one.summary and HASH[::-1] in one.summary


@pytest.mark.parametrize(
    ("clips", "siblings", "expected"),
    [
        (["a.mp4"], None, [("manifest-complete", "note")]),
        (["A.MP4", "视频/b.mp4"], ["b.mp4", "c.mp4"], [("manifest-complete", "note")]),
        (["a.mp4", "b.mp4"], ["c.mp4"], [("manifest-absent", "suspect")]),
        (["a.mp4", "b.mp4"], None, [("manifest-absent", "suspect")]),
        (["b.mp4"], [], [("manifest-absent", "suspect")]),
        (None, ["b.mp4"], []),
    ],
)
def test_clips_of_the_case(clips, siblings, expected):
    assert kinds(case_clips(recorded({"clips": clips}, siblings=siblings))) == expected


def test_absent_clips_are_named():
    (one,) = case_clips(recorded({"clips": ["a.mp4", "b.mp4", "c.mp4"]}, siblings=["b.mp4"]))
    assert one.evidence["absent"] == ["c.mp4"] and "c.mp4" in one.summary


def test_a_file_without_a_name_is_not_looked_for():
    assert list(case_clips(recorded({"clips": ["a.mp4"]}, name=None))) == []


@pytest.mark.parametrize(
    ("by", "allowed", "expected"),
    [
        (["none"], None, [("access-accounted", "note")]),
        (["张三"], ["张三", "李四"], [("access-accounted", "note")]),
        (["张 三"], ["张三"], [("access-accounted", "note")]),
        (["张三", "王五"], ["张三"], [("access-unapproved", "suspect")]),
        (["张三"], None, [("access-unapproved", "suspect")]),
        (None, ["张三"], []),
    ],
)
def test_access(by, allowed, expected):
    assert kinds(access(recorded({"access.by": by, "access.allowed": allowed}))) == expected


def test_who_opened_it_without_leave_is_named():
    (one,) = access(recorded({"access.by": ["张三", "王五"], "access.allowed": ["张三"]}))
    assert one.evidence["unapproved"] == ["王五"] and "张三" not in one.summary


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("石应急罚〔2026〕12号", [("case-linked", "note")]),
        (None, [("case-missing", "suspect")]),
        ("  ", [("case-missing", "suspect")]),
    ],
)
def test_case(number, expected):
    assert kinds(case_link(recorded({"case_number": number, "cause": "检查"}))) == expected

"""Who may do what: one table, denied by default, and the document says the same."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.review.accounts import Account
from pipeline.review.rights import (
    CLASSES,
    OF_A_CLIP,
    RIGHTS,
    ClipFacts,
    Right,
    Role,
    clip_facts,
    covers,
    has,
    may,
    rights_of,
)

ROOT = Path(__file__).resolve().parents[2]
OPEN = ClipFacts("监察支队", "open")


def account(*roles, all_units=False, units=("监察支队",), classes=("open",), is_disabled=False) -> Account:
    return Account(1, "a", frozenset(roles), all_units, frozenset(units), frozenset(classes), is_disabled)


@pytest.mark.parametrize("right", Right)
def test_nobody_nothing_and_the_disabled_have_no_right(right):
    assert not may(None, right, OPEN) and not has(None, right)
    assert not may(account(), right, OPEN)
    assert not may(account(*Role, is_disabled=True), right, OPEN)


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("right", Right)
def test_a_role_may_what_the_table_says(role, right):
    assert may(account(role), right, OPEN) == has(account(role), right) == (right in RIGHTS[role])


@pytest.mark.parametrize("right", Right)
def test_every_right_is_somebodys(right):
    assert any(right in rights for rights in RIGHTS.values())


def test_who_manages_users_sees_nothing_by_that():
    assert rights_of([Role.ADMIN]) == {Right.MANAGE_USERS}


@pytest.mark.parametrize("right", sorted(OF_A_CLIP))
def test_a_right_on_clips_is_denied_without_a_clip(right):
    assert not may(account(*Role, all_units=True, classes=CLASSES), right)


@pytest.mark.parametrize(
    ("clip", "who", "expected"),
    [
        (OPEN, {}, True),
        (OPEN, {"units": ()}, False),
        (OPEN, {"units": ("另一支队",)}, False),
        (OPEN, {"units": (), "all_units": True}, True),
        (OPEN, {"classes": ()}, False),
        (OPEN, {"classes": ("restricted",)}, False),
        (ClipFacts(None, "open"), {}, False),
        (ClipFacts(None, "open"), {"all_units": True}, True),
        (ClipFacts("监察支队"), {}, False),
        (ClipFacts("监察支队"), {"classes": ("unstated",)}, True),
        (ClipFacts("监察支队", "open", frozenset({"state"})), {}, False),
        (ClipFacts("监察支队", "open", frozenset({"state"})), {"classes": ("open", "state")}, True),
        (ClipFacts("监察支队", "open", frozenset({"state", "privacy"})), {"classes": ("open", "state")}, False),
        (ClipFacts("监察支队", "a class of tomorrow"), {"classes": CLASSES}, False),
    ],
)
def test_unit_and_every_class_count(clip, who, expected):
    assert may(account(Role.INVESTIGATOR, **who), Right.SEE_FOOTAGE, clip) is expected


def test_facts_come_from_the_case_record():
    values = [("unit.name", "监察支队"), ("unit.number", "12"), ("store.access", "restricted"), ("secrecy", "state"),
              ("secrecy", "privacy"), ("title", "x")]  # fmt: skip
    assert clip_facts(values) == ClipFacts("监察支队", "restricted", frozenset({"state", "privacy"}))
    assert clip_facts([("unit.number", "12"), ("secrecy", "none")]) == ClipFacts("12")
    assert clip_facts([]).classes == {"unstated"}


CLIPS = st.builds(ClipFacts, st.none() | st.sampled_from("ABC"), st.none() | st.sampled_from(["open", "restricted"]),
                  st.frozensets(st.sampled_from(CLASSES[3:])))  # fmt: skip
SETS = st.frozensets(st.sampled_from(CLASSES)), st.frozensets(st.sampled_from("ABC"))


@given(clip=CLIPS, classes=SETS[0], units=SETS[1], more=SETS[0], roles=st.frozensets(st.sampled_from(Role)))
def test_more_never_takes_away_and_less_never_gives(clip, classes, units, more, roles):
    less = account(*roles, units=units, classes=classes)
    wider = account(*roles, all_units=True, units=units, classes=classes | more)
    for right in Right:
        assert may(wider, right, clip) or not may(less, right, clip)
        assert not may(less, right, clip) or right not in OF_A_CLIP or covers(less, clip)


def test_the_document_shows_the_table():
    text = (ROOT / "docs" / "review-access.md").read_text(encoding="utf-8")
    (heading,) = re.findall(r"^\| right \|(.*)\|$", text, re.M)
    roles = [Role(word.strip()) for word in heading.split("|")]
    assert roles == list(Role)
    shown = {}
    for right in Right:
        (line,) = re.findall(rf"^\| {re.escape(right)}(?: \*)? \|(.*)\|$", text, re.M)
        shown[right] = {role for role, cell in zip(roles, line.split("|"), strict=True) if cell.strip() == "yes"}
        assert (f"| {right} * |" in text) == (right in OF_A_CLIP)
    assert shown == {right: {role for role in Role if right in RIGHTS[role]} for right in Right}
    assert [name for name in CLASSES if f"`{name}`" not in text] == []

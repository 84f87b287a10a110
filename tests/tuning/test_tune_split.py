"""No take stands on both sides."""

import pytest

from pipeline import tune
from pipeline.tune import Label, LabelError, Labels, LeakageError

HASHES = {name: name * 64 for name in "0123456789abcdef"}


def label(clip: str, *sources: str, **more) -> Label:
    made_from = tuple(HASHES[s] for s in sources) or (HASHES[clip],)
    values = {"kinds": frozenset({"picture-cut"}), "start_s": 1.0, "stop_s": 1.04, "label": "true", "origin": "truth"}
    return Label(HASHES[clip], f"{clip}.mp4", made_from, **{**values, **more})


def labels(*rows: Label) -> Labels:
    return Labels(rows)


def named(groups) -> set[frozenset[str]]:
    return {frozenset(sha256[0] for sha256 in group) for group in groups}


def test_forgeries_of_one_take_hang_together():
    some = labels(label("1", "a"), label("2", "a"), label("3", "b"), label("4", "c"))
    assert named(tune.groups(some)) == {frozenset("12"), frozenset("3"), frozenset("4")}


def test_a_splice_ties_the_clips_of_its_takes():
    some = labels(label("1", "a"), label("2", "b"), label("3", "a", "b"), label("4", "c"), label("5", "c", "d"))
    assert named(tune.groups(some)) == {frozenset("123"), frozenset("45")}


def test_a_reviewed_clip_hangs_together_with_what_was_forged_from_it():
    some = labels(label("a"), label("1", "a"), label("2", "b"))
    assert named(tune.groups(some)) == {frozenset("a1"), frozenset("2")}


@pytest.mark.parametrize("seed", range(8))
def test_a_split_keeps_groups_whole_and_holds_the_share_out(seed):
    some = labels(*(label(clip, source) for clip, source in zip("0123456789", "aabbccddee", strict=True)))
    parts = tune.split(some, held_out=0.4, seed=seed)
    assert len(tune.groups(parts.test)) == 2 and len(tune.groups(parts.tune)) == 3
    assert set(parts.tune.clips) | set(parts.test.clips) == set(some.clips)
    tune.must_not_leak(parts.tune, parts.test)
    assert tune.split(some, held_out=0.4, seed=seed) == parts


def test_splits_differ_by_their_seed():
    some = labels(*(label(clip, source) for clip, source in zip("0123456789", "aabbccddee", strict=True)))
    assert len({tune.split(some, seed=seed).test for seed in range(12)}) > 3


def test_every_group_is_held_out_once_in_folds():
    some = labels(*(label(clip, source) for clip, source in zip("012345", "aabbcd", strict=True)))
    parts = tune.folds(some, 3, seed=1)
    assert sorted(clip for part in parts for clip in part.test.clips) == sorted(some.clips)


def test_a_splice_on_one_side_leaks_what_it_was_made_of():
    splice, other = labels(label("1", "a", "b")), labels(label("2", "b"), label("3", "c"))
    with pytest.raises(LeakageError, match=r"111111111111 and 222222222222 \(of bbbbbbbbbbbb\)"):
        tune.must_not_leak(splice, other)
    tune.must_not_leak(splice, labels(label("3", "c")))


def test_a_take_leaks_into_the_forgeries_of_it():
    with pytest.raises(LeakageError):
        tune.must_not_leak(labels(label("1", "a")), labels(label("a")))
    with pytest.raises(LeakageError):  # a copy that something was forged from
        tune.must_not_leak(labels(label("1", "a")), labels(label("a", "b")))


def test_where_all_hangs_together_nothing_can_be_held_out():
    with pytest.raises(LabelError, match="1 group"):
        tune.split(labels(label("1", "a"), label("2", "b"), label("3", "a", "b")))
    with pytest.raises(LabelError, match="between 0 and 1"):
        tune.split(labels(label("1", "a"), label("2", "b")), held_out=1.0)

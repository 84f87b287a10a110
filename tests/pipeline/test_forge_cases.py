"""What each case does to pictures and sound, read back from the forged clips themselves."""

import pytest

from pipeline.errors import FootageError, SettingsError
from pipeline.forge.cases import case, cases
from pipeline.forge.forgery import read_take
from tests.pipeline.forging import forged, heard, numbered_clip, seen

MINE = [(0, number) for number in range(200)]


@pytest.fixture(scope="module")
def takes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("takes")
    return [
        read_take(numbered_clip(folder / "mine.mp4", 0, bframes=2)),
        read_take(numbered_clip(folder / "other.mp4", 1, frames=220)),
    ]


@pytest.fixture
def make(takes, tmp_path):
    def made(name, **wish):
        path = tmp_path / f"{name}.mp4"
        truth = forged(case(name), takes, path, **wish)
        pictures = seen(path)
        assert truth.pictures == len(pictures)
        assert truth.case == name
        return truth, pictures, path

    return made


def seam(truth):
    """Return the number of the first picture behind the one seam of a clip of 25 pictures a second."""
    (event,) = truth.events
    assert event.span.stop_frame == event.span.first_frame + 1
    assert event.span.start_s == pytest.approx(event.span.first_frame / 25)
    assert event.span.stop_s == pytest.approx(event.span.stop_frame / 25)
    return event.span.stop_frame


def stretch(truth):
    """Return first and stop of the one stretch of a clip of 25 pictures a second."""
    (event,) = truth.events
    assert event.span.start_s == pytest.approx(event.span.first_frame / 25)
    assert event.span.stop_s == pytest.approx(event.span.stop_frame / 25)
    return event.span.first_frame, event.span.stop_frame


def assert_heard(path, at_s, take, time_s):
    found = heard(path, at_s)
    assert found is not None, f"silence at {at_s:.2f} s"
    assert found[0] == take
    assert found[1] == pytest.approx(time_s, abs=0.06)


def test_re_encoding_changes_nothing(make):
    truth, pictures, path = make("re-encoded")
    assert pictures == MINE
    assert not truth.forged and truth.events == () and truth.kinds == frozenset()
    assert_heard(path, 0.5, 0, 0.5)
    assert_heard(path, 7.5, 0, 7.5)


@pytest.mark.parametrize(
    ("name", "count"),
    [("removed-3", 3), ("removed-7", 7), ("removed-10", 10), ("removed-30", 30), ("removed-1s", 25)],
)
def test_removed_pictures_and_their_sound_are_gone(make, name, count):
    truth, pictures, path = make(name)
    at = seam(truth)
    assert pictures == MINE[:at] + MINE[at + count :]
    assert truth.events[0].pictures == count and truth.events[0].seconds == pytest.approx(count / 25)
    assert_heard(path, at / 25 - 0.1, 0, at / 25 - 0.1)
    assert_heard(path, at / 25 + 0.1, 0, (at + count) / 25 + 0.1)
    assert {"missing-frames", "audio-break"} <= truth.kinds


@pytest.mark.parametrize("count", [1, 5, 30])
def test_inserted_pictures_stand_for_others_and_the_sound_runs_on(make, count):
    truth, pictures, path = make(f"inserted-{count}")
    first, stop = stretch(truth)
    assert stop - first == count
    start = pictures[first][1]
    assert pictures[first:stop] == [(1, number) for number in range(start, start + count)]
    assert pictures[:first] + pictures[stop:] == MINE[:first] + MINE[stop:]
    assert_heard(path, (first + stop) / 50, 0, (first + stop) / 50)
    assert_heard(path, 7.5, 0, 7.5)
    assert "inserted-frames" in truth.kinds and "audio-break" not in truth.kinds


@pytest.mark.parametrize(("name", "silent"), [("inserted-longer-30", False), ("inserted-longer-30-silent", True)])
def test_inserted_pictures_that_lengthen_the_clip(make, name, silent):
    truth, pictures, path = make(name)
    first, stop = stretch(truth)
    start = pictures[first][1]
    assert pictures[first:stop] == [(1, number) for number in range(start, start + 30)]
    assert pictures[:first] + pictures[stop:] == MINE
    assert_heard(path, stop / 25 + 0.1, 0, first / 25 + 0.1)
    if silent:
        assert heard(path, (first + stop) / 50) is None
    else:
        assert_heard(path, first / 25 + 0.2, 1, start / 25 + 0.2)


def test_a_splice_goes_on_with_another_take_and_its_sound(make):
    truth, pictures, path = make("splice")
    at = seam(truth)
    start = pictures[at][1]
    assert pictures == MINE[:at] + [(1, number) for number in range(start, start + len(pictures) - at)]
    assert_heard(path, at / 25 - 0.1, 0, at / 25 - 0.1)
    assert_heard(path, at / 25 + 0.2, 1, start / 25 + 0.2)


def test_a_splice_of_pictures_alone_keeps_the_sound(make):
    truth, pictures, path = make("splice-sound-runs-on")
    at = seam(truth)
    assert {take for take, _ in pictures[at:]} == {1} and pictures[:at] == MINE[:at]
    assert_heard(path, at / 25 + 0.2, 0, at / 25 + 0.2)
    assert "audio-break" not in truth.kinds


@pytest.mark.parametrize(
    ("name", "count", "times"), [("repeated-0.5s", 13, 1), ("repeated-1s", 25, 1), ("looped", 25, 3)]
)
def test_repeated_pictures_are_shown_again_with_their_sound(make, name, count, times):
    truth, pictures, path = make(name)
    first, stop = stretch(truth)
    assert stop - first == count * times == truth.events[0].pictures
    assert pictures == MINE[:first] + MINE[first - count : first] * times + MINE[first:]
    assert_heard(path, first / 25 + 0.2, 0, (first - count) / 25 + 0.2)
    assert_heard(path, stop / 25 + 0.2, 0, first / 25 + 0.2)


def test_reversed_play(make):
    truth, pictures, path = make("reversed-1s")
    first, stop = stretch(truth)
    assert stop - first == 25
    assert pictures == MINE[:first] + MINE[first:stop][::-1] + MINE[stop:]
    assert_heard(path, (first + stop) / 50, 0, (first + stop) / 50)


@pytest.mark.parametrize(("name", "count"), [("frozen-0.5s", 13), ("frozen-2s", 50)])
def test_a_frozen_picture_stands_while_the_sound_runs_on(make, name, count):
    truth, pictures, path = make(name)
    first, stop = stretch(truth)
    assert stop - first == count
    assert pictures == MINE[:first] + [(0, first)] * count + MINE[stop:]
    assert_heard(path, (first + stop) / 50, 0, (first + stop) / 50)


def test_black(make):
    truth, pictures, path = make("black-1s")
    first, stop = stretch(truth)
    assert pictures == MINE[:first] + ["black"] * 25 + MINE[stop:]
    assert_heard(path, (first + stop) / 50, 0, (first + stop) / 50)


def test_a_covered_lens_darkens_slowly(make):
    truth, pictures, _ = make("covered-2s")
    first, stop = stretch(truth)
    assert stop - first == 50
    assert pictures[:first] == MINE[:first] and pictures[stop:] == MINE[stop:]
    dark = [at for at, picture in enumerate(pictures) if picture in ("dark", "black")]
    assert dark == list(range(dark[0], dark[-1] + 1)) and 30 <= len(dark) < 50
    assert dark[0] > first and dark[-1] < stop - 1


def test_sound_removed(make):
    truth, pictures, path = make("sound-removed-1s")
    (event,) = truth.events
    assert pictures == MINE
    assert_heard(path, event.span.start_s - 0.1, 0, event.span.start_s - 0.1)
    assert_heard(path, event.span.start_s + 0.1, 0, event.span.start_s + 1.1)
    assert heard(path, 7.5) is None


def test_sound_zeroed(make):
    truth, pictures, path = make("sound-zeroed-1s")
    (event,) = truth.events
    assert pictures == MINE
    assert event.span.stop_s - event.span.start_s == pytest.approx(1.0)
    assert heard(path, event.span.start_s + 0.1) is None and heard(path, event.span.stop_s - 0.1) is None
    assert_heard(path, event.span.start_s - 0.1, 0, event.span.start_s - 0.1)
    assert_heard(path, event.span.stop_s + 0.1, 0, event.span.stop_s + 0.1)


def test_sound_replaced(make):
    truth, pictures, path = make("sound-replaced-2s")
    (event,) = truth.events
    assert pictures == MINE
    for at_s in (event.span.start_s + 0.1, event.span.stop_s - 0.1):
        assert heard(path, at_s)[0] == 1
    for at_s in (event.span.start_s - 0.1, event.span.stop_s + 0.1):
        assert_heard(path, at_s, 0, at_s)


def test_sound_cut(make):
    truth, pictures, path = make("sound-cut")
    (event,) = truth.events
    at_s = event.span.start_s
    assert pictures == MINE
    assert_heard(path, at_s - 0.1, 0, at_s - 0.1)
    _, came_from_s = heard(path, at_s + 0.1)
    assert came_from_s < at_s - 0.3


def test_sound_ended(make):
    truth, pictures, path = make("sound-ended")
    (event,) = truth.events
    assert pictures == MINE
    assert_heard(path, event.span.start_s - 0.1, 0, event.span.start_s - 0.1)
    assert heard(path, event.span.start_s + 0.2) is None


def test_several_edits_in_one_clip(make):
    truth, pictures, _ = make("removed-3", edits=3)
    expected, gone = list(MINE), 0
    assert len(truth.events) == 3
    for event in truth.events:
        at = event.span.stop_frame
        gone += 3
        assert pictures[at - 1][1] == at - 1 + gone - 3 and pictures[at][1] == at + gone
        del expected[at : at + 3]
    assert pictures == expected


def test_splices_come_back(make):
    truth, pictures, _ = make("splice", edits=2)
    out, back = (event.span.stop_frame for event in truth.events)
    assert [take for take, _ in pictures] == [0] * out + [1] * (back - out) + [0] * (200 - back)
    assert pictures[back:] == MINE[back:]


def test_only_kinds_that_something_in_the_clip_can_tell(make, takes, tmp_path):
    assert not make("removed-10")[0].kinds & {"clock-jump", "clock-rate"}
    assert make("removed-10", overlay=("dots-5x7",))[0].kinds >= {"clock-jump", "clock-rate"}
    mute = read_take(numbered_clip(tmp_path / "mute.mp4", 0, audio=None))
    assert not forged(case("removed-10"), [mute], tmp_path / "m.mp4").kinds & {"audio-break"}


@pytest.mark.parametrize("name", [c.name for c in cases()])
def test_a_case_that_cannot_be_made_is_refused_with_a_reason(name, tmp_path):
    path = numbered_clip(tmp_path / "short.mp4", 0, frames=12, audio=None, gop=30)
    try:
        truth = forged(case(name), [read_take(path)], tmp_path / "forged.mp4")
    except FootageError as error:
        assert "short.mp4" in str(error) or "0.mp4" in str(error)
    else:
        assert truth.pictures == len(seen(tmp_path / "forged.mp4"))


@pytest.mark.parametrize("name", ["removed", "removed-0", "removed-x", "insert-3", ""])
def test_an_unknown_case_is_an_error(name):
    with pytest.raises(SettingsError, match="Known: re-encoded"):
        case(name)

"""The detector of the place: sign, landmark with spoken name, and every way in which it cannot be told."""

from dataclasses import replace

import pytest

from detectors.place import place
from pipeline.features.schema import table
from pipeline.language import language
from pipeline.model import Examined, Features, Finding, Level, Outcome, Span
from pipeline.rules.judge import judge
from pipeline.rules.profile import load_profile

NAME = "石家庄市金星化工有限公司"
Row = dict[str, object]


def text(read: str, frame: int = 0, **more: object) -> Row:
    """Return a legible text in the middle of picture `frame`, which lies at `frame` / 10 s."""
    row: Row = {"frame": frame, "time_s": frame / 10, "text": read, "confidence": 0.95, "left": 0.3, "top": 0.4}
    row |= {"right": 0.5, "bottom": 0.48, "height_px": 36.0, "sharpness": 900.0, "overlay": False, "document": False}
    return row | more


def judged(
    rows: list[Row],
    names: tuple[str, ...] | None = (NAME,),
    pictures: int = 6,
    said: str | None = None,
    seen: list[Row] | None = None,
    frame: Row | None = None,
    sound: bool = False,
    more_case: tuple[tuple[str, str], ...] = (),
    **params: object,
) -> list[Finding]:
    """Return the findings; `said` and `seen` are what was heard and the landmarks, None where it was not examined."""
    frames = [{"time_s": number / 10, "duration_s": 0.1} for number in range(300)]
    tables = {
        "texts": table("texts", rows),
        "examined": table("examined", [{"stage": "texts", "measure": "pictures_read", "value": float(pictures)}]),
        "frames": table("frames", [FRAME | row | (frame or {}) for row in frames]),
    }
    if names is not None:
        case = [{"field": "place.names", "value": name} for name in names]
        case += [{"field": field, "value": value} for field, value in (("agency.name", "某局"), *more_case)]
        tables["case"] = table("case", case)
    if said is not None:
        words = [
            {"start_s": n / 2, "stop_s": n / 2 + 0.4, "text": t, "probability": 0.9} for n, t in enumerate(said.split())
        ]
        tables["words"] = table("words", words)
    if seen is not None:
        tables["landmarks"] = table("landmarks", seen)
    if sound:
        tables["sound"] = table("sound", [{"time_s": 0.0, "duration_s": 0.02}])
    return list(place(Features(tables), **params))  # type: ignore[arg-type]


def landmark(inliers: int, frame: int = 60, **more: object) -> Row:
    """Return what came of holding a picture, which lies at `frame` / 10 s, against the photo of the water tower."""
    row: Row = {"photo": "水塔.jpg", "frame": frame, "time_s": frame / 10, "matches": 90, "inliers": inliers}
    row |= {"spread": 0.4, "left": 0.2, "top": 0.1, "right": 0.6, "bottom": 0.7}
    return row | more


FRAME: Row = {"key": False, "interlaced": False, "damaged": False, "width": 1920, "height": 1080}
FRAME |= {"luma_mean": 110.0, "luma_std": 45.0, "luma_p99": 230.0, "sharpness": 100.0}
SAID = "现在 来到 何林 化工 门口"
"""What a recogniser wrote for a spoken name: 何林 for 禾岭."""
SPOKEN = "石家庄市禾岭化工有限公司"


def kinds(rows: list[Row], **more: object) -> list[str]:
    return [finding.kind for finding in judged(rows, **more)]  # type: ignore[arg-type]


def test_one_sure_picture_shows_the_place() -> None:
    (finding,) = judged([text("出入请登记", 10), text("金星化工", 42)])
    assert (finding.kind, finding.level) == ("place-shown", Level.NOTE)
    assert finding.span == Span(4.2, 4.2, 42, 43)
    assert finding.evidence["text"] == "金星化工"
    assert finding.evidence["name"] == NAME
    assert finding.evidence["score"] == 100
    assert finding.evidence["height_px"] == 36
    assert [finding.evidence[side] for side in ("left", "top", "right", "bottom")] == [0.3, 0.4, 0.5, 0.48]
    assert finding.summary == f'The sign "金星化工" at 4.2 s names the place "{NAME}".'


def test_two_fair_pictures_show_it_and_one_does_not() -> None:
    fair = "金星化工机械制遣"  # one of eight characters misread: 87.5
    names = ("金星化工机械制造",)
    assert kinds([text(fair, 1), text(fair, 9)], names=names) == ["place-shown"]
    assert kinds([text(fair, 1)], names=names) == ["place-unclear"]
    assert kinds([text(fair, 1), text(fair, 1)], names=names) == ["place-unclear"]


def test_nothing_alike_is_missing_and_the_best_candidates_are_listed() -> None:
    (finding,) = judged([text("出入请登记", 3), text("小心地滑", 7)])
    assert (finding.kind, finding.level) == ("place-missing", Level.SUSPECT)
    assert finding.span.start_s == 0
    assert finding.span.stop_s == pytest.approx(30.0)
    assert set(finding.evidence["candidate_texts"][:2]) == {"出入请登记", "小心地滑"}  # type: ignore[arg-type, index]
    assert finding.evidence["pictures_read"] == 6


def test_no_text_at_all_is_missing() -> None:
    assert kinds([]) == ["place-missing"]


def test_the_level_of_missing_is_the_profiles() -> None:
    (finding,) = judged([], missing_level="violation")
    assert finding.level is Level.VIOLATION


@pytest.mark.parametrize(
    "weak",
    [{"height_px": 12.0}, {"confidence": 0.4}],
    ids=["too small", "not read with confidence"],
)
def test_a_match_that_is_not_legible_is_unclear(weak: Row) -> None:
    (finding,) = judged([text("金星化工", 42, **weak)])
    assert (finding.kind, finding.level) == ("place-unclear", Level.SUSPECT)
    assert finding.evidence["candidate_texts"][0] == "金星化工"  # type: ignore[index]


def test_a_text_that_could_not_be_read_is_unclear_not_missing() -> None:
    assert kinds([text("口口厂区", height_px=9.0, confidence=0.35)]) == ["place-unclear"]


def test_a_speck_that_was_taken_for_a_letter_is_missing() -> None:
    assert kinds([text("D", confidence=0.4)]) == ["place-missing"]


def test_the_most_complete_reading_is_the_evidence() -> None:
    rows = [text("区金星化工有限公司", 1), text("石家庄市金星化工有限公司", 7), text("金星化工", 9, height_px=90.0)]
    (finding,) = judged(rows)
    assert finding.evidence["time_s"] == 0.7
    assert finding.evidence["pictures"] == 3
    assert finding.evidence["all_times_s"] == [0.1, 0.7, 0.9]


def test_small_print_that_was_read_well_is_missing() -> None:
    assert kinds([text("小心地滑", height_px=12.0, confidence=0.99)]) == ["place-missing"]


def test_the_overlay_never_shows_the_place() -> None:
    assert kinds([text("金星化工", overlay=True)]) == ["place-missing"]


def test_aliases_count() -> None:
    features_names = ("某某大厦", "金星化工")
    assert judged([text("金星化工")], names=features_names)[0].evidence["name"] == "金星化工"


def test_silence_where_no_picture_was_read() -> None:
    assert kinds([], pictures=0) == []


def test_a_page_that_is_held_up_never_shows_the_place() -> None:
    assert kinds([text("金星化工", document=True)]) == ["place-missing"]


def test_a_landmark_with_the_spoken_name_shows_the_place() -> None:
    found = judged([], names=(SPOKEN,), said=SAID, seen=[landmark(19), landmark(64, 90), landmark(31, 150)])
    assert [finding.kind for finding in found] == ["landmark-shown", "place-shown"]
    note, shown = found
    assert (note.level, shown.level) == (Level.NOTE, Level.NOTE)
    assert note.span == shown.span == Span(9.0, 9.0, 90, 91)
    assert shown.evidence["basis"] == "landmark and speech"
    assert shown.evidence["photo"] == "水塔.jpg"
    assert shown.evidence["heard"] == "何林化工"
    assert (shown.evidence["spoken_start_s"], shown.evidence["spoken_stop_s"]) == (1.0, 1.9)
    assert [shown.evidence[side] for side in ("left", "top", "right", "bottom")] == [0.2, 0.1, 0.6, 0.7]
    assert shown.evidence["all_inliers"] == [64, 31]
    assert shown.evidence["all_times_s"] == [9.0, 15.0]
    assert shown.evidence["pictures"] == 2


def test_a_sign_is_enough_without_sound_and_landmark() -> None:
    found = judged([text("金星化工", 42)], seen=[landmark(64)])
    assert {finding.kind for finding in found} == {"place-shown", "landmark-shown"}
    assert next(f for f in found if f.kind == "place-shown").evidence["basis"] == "sign"


@pytest.mark.parametrize(
    ("said", "seen", "lacks"),
    [
        ("现在 开始 检查", [landmark(64)], "but the name of the place was not heard"),
        (None, [landmark(64)], "but the sound was not examined for the name of the place"),
        (SAID, [landmark(19)], "the landmark of no reference photo was recognised"),
        (SAID, [landmark(64, spread=0.001)], "the landmark of no reference photo was recognised"),
        (SAID, [], "the case record has no reference photo"),
        (SAID, None, "the case record has no reference photo"),
    ],
)
def test_one_half_alone_is_unclear_and_the_other_is_named(said: str | None, seen: list[Row] | None, lacks: str) -> None:
    finding = judged([], names=(SPOKEN,), said=said, seen=seen)[-1]
    assert (finding.kind, finding.level) == ("place-unclear", Level.SUSPECT)
    assert lacks in finding.summary


def test_neither_half_is_missing() -> None:
    (finding,) = judged([], names=(SPOKEN,), said="现在 开始 检查", seen=[landmark(9)], missing_level="violation")
    assert (finding.kind, finding.level) == ("place-missing", Level.VIOLATION)
    assert "the name was not heard" in finding.summary


def test_missing_is_no_violation_where_nobody_listened_for_the_name() -> None:
    (finding,) = judged([], sound=True, missing_level="violation")
    assert (finding.kind, finding.level) == ("place-missing", Level.SUSPECT)
    assert "the sound was not examined for the name" in finding.summary
    (silent,) = judged([], sound=False, missing_level="violation")
    assert silent.level is Level.VIOLATION  # where there is no sound, no name was spoken


def test_a_spoken_street_with_its_door_number_names_the_place() -> None:
    address = (("place.address", "中山东路"), ("place.door_number", "25号"))
    found = judged([], said="这里是 中山东路 二十五号", seen=[landmark(64)], more_case=address)
    assert found[-1].kind == "place-shown"


@pytest.mark.parametrize(
    ("row", "frame", "reason", "said"),
    [
        (text("金星化工", 42, height_px=11.0), {}, "too small", "its letters are only 11 px high"),
        (text("金星化工", 42, confidence=0.5), {}, "blurred", "but it is blurred"),
        (text("金星化工", 42, confidence=0.5), {"luma_mean": 12.0}, "too dark", "the picture is too dark"),
        (text("金星化", 42), {}, "covered", "the rest is covered or outside the picture"),
        (text("金显化王", 42), {}, "other words", "but that is not sure"),
        (text("小心地滑", 42, height_px=9.0, confidence=0.5), {}, "too small", "is too small to be read, 9 px"),
        (text("小心地滑", 42, confidence=0.5), {"luma_mean": 12.0}, "too dark", "is too dark to be read"),
        (text("小心地滑", 42, confidence=0.5), {}, "blurred", "could not be read for sure"),
    ],
)
def test_what_cannot_be_read_says_why(row: Row, frame: Row, reason: str, said: str) -> None:
    (finding,) = judged([row], frame=frame, near_score=50.0)
    assert finding.kind == "place-unclear"
    assert said in finding.summary
    assert finding.evidence["candidate_reasons"][0] == reason  # type: ignore[index]
    assert [finding.evidence[side] for side in ("time_s", "left", "right")] == [4.2, 0.3, 0.5]


def test_a_night_with_lights_shows_something() -> None:
    assert judged([], frame={"luma_mean": 20.0, "luma_p99": 200.0})[0].kind == "place-missing"


@pytest.mark.parametrize("frame", [{"luma_p99": 30.0}, {"luma_std": 1.5}], ids=["night", "covered lens"])
def test_a_clip_that_shows_nothing_is_unclear(frame: Row) -> None:
    (finding,) = judged([], frame=frame)
    assert finding.kind == "place-unclear"
    assert "In 100 % of the clip the picture is too dark or covered" in finding.summary


def test_five_candidates_are_listed_pictures_without_text_where_there_are_too_few() -> None:
    (finding,) = judged([text("出入请登记", 3), text("出入请登记", 8, confidence=0.9), text("小心地滑", 7)])
    lists = {name: value for name, value in finding.evidence.items() if name.startswith("candidate_")}
    assert {len(value) for value in lists.values()} == {5}  # type: ignore[arg-type]
    assert lists["candidate_texts"] == ["出入请登记", "小心地滑", "", "", ""]
    assert lists["candidate_reasons"] == ["other words", "other words", "no text", "no text", "no text"]
    assert lists["candidate_lefts"] == [0.3, 0.3, None, None, None]
    assert len(set(lists["candidate_frames"])) == 5  # type: ignore[arg-type]
    times = lists["candidate_times_s"][2:]  # type: ignore[index]
    assert times[0] < 10 < times[1] < 20 < times[2]


@pytest.mark.parametrize("names", [None, ()], ids=["no case record", "a record that names no place"])
def test_without_a_name_the_signs_that_were_seen_are_told(names: tuple[str, ...] | None) -> None:
    rows = [
        text("出入请登记", 3, confidence=0.8),
        text("出入请登记", 8, confidence=0.99),
        text("小心地滑", 7, height_px=30.0, left=0.6, right=0.7),
        text("看不清楚", 9, confidence=0.4),
        text("太小的字", 9, height_px=9.0),
        text("2026-11-22", 9, overlay=True),
        text("现场检查记录", 9, document=True),
    ]
    (finding,) = judged(rows, names=names)
    assert (finding.kind, finding.level) == ("signs-seen", Level.NOTE)
    assert finding.evidence["candidate_texts"] == ["出入请登记", "小心地滑"]
    assert finding.evidence["candidate_times_s"] == [0.8, 0.7]
    assert finding.evidence["candidate_heights_px"] == [36.0, 30.0]
    assert finding.evidence["candidate_lefts"] == [0.3, 0.6]
    assert "2 legible texts were seen, the clearest “出入请登记” at 0.8 s" in finding.summary
    (nothing,) = judged(rows[3:], names=names)
    assert nothing.kind == "signs-seen"
    assert "no legible text was seen in the 6 pictures" in nothing.summary


def test_a_landmark_is_noted_without_a_name_too() -> None:
    assert {finding.kind for finding in judged([], names=None, seen=[landmark(40)])} == {"signs-seen", "landmark-shown"}


def test_a_landmark_of_a_picture_that_the_frames_table_lacks_has_no_number() -> None:
    note = judged([], seen=[landmark(40, 900, time_s=12.0)])[0]
    assert note.span == Span(12.0, 12.0)


def test_the_rule_says_which_signs_were_seen_where_the_case_record_is_silent() -> None:
    profile = load_profile("shijiazhuang-safety")
    found = [replace(finding, id="f1") for finding in judged([text("出入请登记", 3)], names=None)]
    features = Features({"texts": table("texts", []), "examined": table("examined", [])})
    results, _ = judge(profile, found, features, Examined(pictures_read=6))
    rule = next(result for result in results if result.id == "PLACE-1")
    assert (rule.outcome, rule.findings) == (Outcome.UNDECIDED, ("f1",))


def test_every_sentence_is_told_in_chinese() -> None:
    chinese = language("zh-CN")
    unread = text("小心地滑", confidence=0.4)
    for rows in ([text("金星化工")], [text("小心地滑")], [text("金星化工", height_px=9.0)], [unread]):
        (finding,) = judged(rows)
        assert NAME in chinese.tell(finding.message)
        assert chinese.text(finding.message.template) != finding.message.template


def test_a_line_that_was_seen_and_not_read_is_not_called_missing():
    seen = text("", height_px=9.0, confidence=float("nan"), left=0.2, right=0.4) | {"text": None}
    assert [finding.kind for finding in judged([seen | {"right": 0.205}])] == ["place-missing"]
    (finding,) = judged([seen])
    assert finding.kind == "place-unclear"
    assert "9 px" in finding.summary

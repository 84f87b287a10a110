"""The detector of the place: sign, landmark with spoken name, and every way in which it cannot be told."""

import pytest

from detectors.place import place
from pipeline.detector import REGISTRY
from pipeline.features.schema import table
from pipeline.language import language
from pipeline.model import Features, Finding, Level, Span

NAME = "石家庄市金星化工有限公司"
Row = dict[str, object]


def text(read: str, frame: int = 0, **more: object) -> Row:
    """Return a legible text in the middle of picture `frame`, which lies at `frame` / 10 s."""
    row: Row = {"frame": frame, "time_s": frame / 10, "text": read, "confidence": 0.95, "left": 0.3, "top": 0.4}
    row |= {"right": 0.5, "bottom": 0.48, "height_px": 36.0, "sharpness": 900.0, "overlay": False, "document": False}
    return row | more


def judged(rows: list[Row], names: tuple[str, ...] = (NAME,), pictures: int = 6, **params: object) -> list[Finding]:
    case = [{"field": "place.names", "value": name} for name in names]
    frames = [{"time_s": number / 10, "duration_s": 0.1} for number in range(300)]
    features = Features(
        {
            "texts": table("texts", rows),
            "case": table("case", [{"field": "agency.name", "value": "某局"}, *case]),
            "examined": table("examined", [{"stage": "texts", "measure": "pictures_read", "value": float(pictures)}]),
            "frames": table("frames", [FRAME | row for row in frames]),
        }
    )
    return list(place(features, **params))  # type: ignore[arg-type]


FRAME: Row = {"key": False, "interlaced": False, "damaged": False, "width": 1920, "height": 1080}


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
    assert set(finding.evidence["candidate_texts"]) == {"出入请登记", "小心地滑"}  # type: ignore[arg-type]
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
    assert finding.evidence["candidate_texts"] == ["金星化工"]


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


def test_every_sentence_is_told_in_chinese() -> None:
    chinese = language("zh-CN")
    unread = text("小心地滑", confidence=0.4)
    for rows in ([text("金星化工")], [text("小心地滑")], [text("金星化工", height_px=9.0)], [unread]):
        (finding,) = judged(rows)
        assert NAME in chinese.tell(finding.message)
        assert chinese.text(finding.message.template) != finding.message.template

"""What the report shows of the place: the sign, the landmark beside its photo, and what came nearest."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from detectors.place import place
from pipeline.features.schema import table
from pipeline.language import language
from pipeline.model import Features, Finding
from pipeline.report.html import write_report
from pipeline.report.page_findings import Assets, view
from pipeline.report.stills import candidates, wanted_for
from tests.examinations import HOSTILE, example, findings, tables
from tests.footage import view as camera

ENGLISH = language("en")


def found(**changes: object) -> list[Finding]:
    """Return what the detector finds in the example's tables, some of them changed."""
    features = Features({**tables(), **changes})
    return [replace(f, id=f"p{n}", detector="place", version=1) for n, f in enumerate(place(features))]


def named(*names: str, photo: str | None = None, source: str | None = None):
    fields = [("place.names", name) for name in names] + ([("place.photos", photo)] if photo else [])
    return table("case", [{"field": field, "value": value, "source": source} for field, value in fields])


def landmark(photo: str):
    box = {"left": 0.2, "top": 0.3, "right": 0.6, "bottom": 0.8}
    return table(
        "landmarks", [{"photo": photo, "frame": 60, "time_s": 2.4, "matches": 80, "inliers": 40, "spread": 0.2, **box}]
    )


@pytest.fixture(scope="module")
def examined(tmp_path_factory):
    return example(tmp_path_factory.mktemp("clip"))


def shown(finding: Finding, examined):
    return view(finding, examined, Assets(), ENGLISH)


def test_a_sign_stands_with_its_reading_and_how_well_it_was_read(examined):
    told = shown(findings()[0], examined)
    assert told.reading == "“平安化工有限公司” · agreement 100 of 100 · confidence 0.97 · letters 30 px high"
    assert told.candidates == ()


def test_where_no_sign_is_sure_the_nearest_stand_with_their_reasons(examined):
    (unclear,) = found(case=named("平安石油化工厂"))
    assert unclear.kind == "place-unclear"
    told = shown(unclear, examined)
    assert [candidate.text for candidate in told.candidates][:2] == ["平安化工有限公司", HOSTILE]
    assert told.candidates[0].reading.endswith("confidence 0.97 · letters 30 px high")
    assert told.candidates[0].reason == "other words"
    assert not any(entry.name.startswith("candidate_") for entry in told.evidence)
    assert list(wanted_for(unclear, Features(tables()))) == []


def test_too_small_is_said_in_the_readers_language(examined):
    texts = {**tables()["texts"], "height_px": np.full(4, 9.0)}
    (unclear,) = found(case=named("平安化工有限公司"), texts=type(tables()["texts"])(texts))
    assert shown(unclear, examined).candidates[0].reason == "too small"
    assert view(unclear, examined, Assets(), language("zh-CN")).candidates[0].reason == "字太小"


def test_without_a_name_texts_are_not_said_to_disagree(examined):
    (seen,) = found(case=named())
    told = shown(seen, examined)
    assert told.candidates_title == "The most legible texts"
    assert told.candidates[0].reading == "confidence 0.97 · letters 30 px high"
    assert told.candidates[0].reason == ""


def test_where_too_few_texts_came_near_sharp_pictures_fill_up(examined):
    frames = {**tables()["frames"], "sharpness": np.arange(250.0)}
    (unclear,) = found(case=named("平安石油化工厂"), frames=type(tables()["frames"])(frames))
    assert len(candidates(unclear)) == 5
    assert [candidate.reason for candidate in shown(unclear, examined).candidates[2:]] == ["no text"] * 3


def test_the_page_shows_the_candidates_with_their_boxes(examined, tmp_path):
    told = found(case=named("平安石油化工厂"))
    text = write_report(replace(examined, findings=tuple(told), rules=()), tmp_path, "en").read_text(encoding="utf-8")
    section = text[
        text.index('<article class="finding suspect" id="p0"') : text.index('<section aria-labelledby="said"')
    ]
    assert section.count('class="candidate"') == 2
    assert section.count('class="box" style="left:30.00%;top:20.00%;width:40.00%;height:10.00%"') == 2
    assert "What came nearest" in section


def test_lists_that_do_not_fit_are_no_candidates():
    (unclear,) = found(case=named("平安石油化工厂"))
    for changes in ({"candidate_times_s": 3.0}, {"candidate_texts": "x"}, {"candidate_scores": []}):
        assert candidates(replace(unclear, evidence={**unclear.evidence, **changes})) == []


class TestLandmark:
    @pytest.fixture
    def at_place(self, tmp_path):
        """Return an examination with a reference photo beside the clip."""
        exif = Image.Exif()
        exif[0x8298] = "somebody's name"
        Image.fromarray(camera(60)).save(tmp_path / "gate.jpg", exif=exif)
        stated = f"{tmp_path / 'case.toml'}, line 2"
        changes = {"case": named("平安化工", photo="gate.jpg", source=stated), "landmarks": landmark("gate.jpg")}
        told = tuple(f for f in found(**changes) if f.kind == "landmark-shown")
        return replace(example(tmp_path), features=Features({**tables(), **changes}), findings=told, rules=())

    def test_it_stands_beside_the_photo(self, at_place, tmp_path):
        text = write_report(at_place, tmp_path / "report", "en").read_text(encoding="utf-8")
        assert 'src="stills/photo-0.jpg"' in text
        assert "Where the landmark was recognised" in text
        copy = tmp_path / "report" / "stills" / "photo-0.jpg"
        assert Image.open(copy).size == (320, 240)
        assert b"somebody" in (tmp_path / "gate.jpg").read_bytes()
        assert b"somebody" not in copy.read_bytes()

    def test_a_photo_that_cannot_be_read_is_named(self, at_place, tmp_path):
        (tmp_path / "gate.jpg").write_bytes(b"no picture")
        text = write_report(at_place, tmp_path / "report", "en").read_text(encoding="utf-8")
        assert "This photo could not be opened." in text
        assert "gate.jpg" in text

    def test_only_photos_that_the_case_record_names_are_read(self, at_place, tmp_path):
        Image.fromarray(camera(1)).save(tmp_path / "other.jpg")
        (told,) = at_place.findings
        other = replace(told, evidence={**told.evidence, "photo": "other.jpg"})
        write_report(replace(at_place, findings=(other,)), tmp_path / "report", "en")
        assert not list((tmp_path / "report").glob("stills/photo-*.jpg"))

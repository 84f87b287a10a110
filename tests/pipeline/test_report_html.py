"""The written report: one folder, no network, hostile texts harmless."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from pipeline.errors import SettingsError
from pipeline.model import Finding, Level, Message, Span
from pipeline.report.html import write_report
from pipeline.report.stills import CHANGED, GONE
from tests.examinations import HOSTILE, example


class Page(HTMLParser):
    """Collects tags, and what they load."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.loads: list[str] = []
        self.links: list[str] = []
        self.ids: list[str] = []
        self.language = ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self.tags.append(tag)
        self.loads += [values[name] for name in ("src", "srcset", "poster", "data") if name in values]
        if tag == "link":
            self.loads.append(values["href"])
        if tag == "a":
            self.links.append(values["href"])
        if "id" in values:
            self.ids.append(values["id"])
        if tag == "html":
            self.language = values["lang"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("clip")


@pytest.fixture(scope="module")
def examined(folder):
    return example(folder, name="<script>alert(2)<&.mp4")


@pytest.fixture(scope="module")
def index(examined, folder):
    return write_report(examined, folder / "report", "zh-CN")


@pytest.fixture(scope="module")
def page(index):
    return Page(index.read_text(encoding="utf-8"))


def test_everything_it_loads_lies_in_its_folder(page, index):
    loads = [load for load in page.loads if load != "data:,"]
    assert len(loads) > 6
    for load in loads:
        assert not re.match(r"\w+:|/|\.\.", load)
        assert (index.parent / load).is_file()


def test_nothing_but_its_own_script_is_in_the_page(page, index):
    text = index.read_text(encoding="utf-8")
    assert page.tags.count("script") == 1
    assert HOSTILE not in text
    assert "&lt;script&gt;alert(1)" in text
    assert "&lt;script&gt;alert(2)" in text
    assert "url(" not in text and "@import" not in text


def test_links_lead_somewhere(page, index):
    inside = {link[1:] for link in page.links if link.startswith("#")}
    assert {"f1", "f2", "f3", "f4", "f5", "overlay", "rule-CONT-1"} <= inside
    assert inside <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))
    assert all((index.parent / link).is_file() for link in page.links if not link.startswith("#"))


def test_a_rule_without_a_clause_quotes_none(page):
    assert page.tags.count("blockquote") == 2 and "rule-X-1" in page.ids


def test_it_names_its_language(page):
    assert page.language == "zh-CN"


def test_the_json_lies_beside_the_page(index, examined):
    document = json.loads((index.parent / "report.v1.json").read_text(encoding="utf-8"))
    assert document["clip"]["sha256"] == examined.footage.sha256
    assert [finding["id"] for finding in document["findings"]] == ["f1", "f2", "f3", "f4", "f5"]


def test_plots_keep_their_text_as_text(index):
    plot = (index.parent / "plots" / "near-0.svg").read_text(encoding="utf-8")
    assert "frames.residual" in plot
    assert "<text" in plot


def test_the_footage_is_not_touched(examined):
    assert examined.footage.path.stat().st_size == examined.footage.bytes


def test_a_report_written_again_replaces_the_earlier_one_and_nothing_else(examined, tmp_path):
    mine = tmp_path / "plots" / "mine.txt"
    mine.parent.mkdir()
    mine.write_text("keep")
    write_report(examined, tmp_path, "en")
    before = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*"))
    write_report(examined, tmp_path, "en", max_plots=0, max_stills=0)
    after = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*"))
    assert mine.read_text() == "keep"
    made = {path for path in before if path.suffix in {".svg", ".jpg"}}
    assert set(before) - set(after) == made - {Path("plots/clock.svg")}  # the clip's, not a finding's


def test_a_cap_on_pictures_is_stated(examined, tmp_path):
    text = write_report(examined, tmp_path, "en", max_stills=2).read_text(encoding="utf-8")
    assert len(list((tmp_path / "stills").iterdir())) == 2
    assert "7 pictures of less grave findings are not shown." in text
    assert (tmp_path / "stills" / "still-1.jpg").is_file()
    sign = text[text.index('<article class="finding note" id="f1"') :]
    assert (
        "stills/still-1.jpg" in sign
    )  # the sign comes before graver findings' pictures: nothing else proves the place


def test_a_clip_that_is_gone_or_changed_gets_a_report_without_pictures(tmp_path):
    examined = example(tmp_path)
    with examined.footage.path.open("ab") as clip:
        clip.write(b"more")
    assert CHANGED in write_report(examined, tmp_path / "changed", "en").read_text(encoding="utf-8")
    examined.footage.path.unlink()
    assert GONE in write_report(examined, tmp_path / "gone", "en").read_text(encoding="utf-8")


def test_very_many_findings_make_a_small_page(tmp_path, examined):
    found = tuple(
        Finding(
            "picture-cut", Level.SUSPECT, Span(n / 1e4, n / 1e4), Message("cut"), id=f"f{n}", detector="d", version=1
        )
        for n in range(100_000)
    )
    index = write_report(replace(examined, findings=found, rules=()), tmp_path, "en")
    assert index.stat().st_size < 1_000_000
    assert len(json.loads((tmp_path / "report.v1.json").read_text(encoding="utf-8"))["findings"]) == 100_000


def test_an_unknown_language_is_refused(examined, tmp_path):
    with pytest.raises(SettingsError, match="tlh"):
        write_report(examined, tmp_path, "tlh")


def test_a_name_that_is_not_utf8_does_not_stop_the_report(examined, tmp_path):
    footage = replace(examined.footage, path=Path("/evidence/\udcff.mp4"))
    text = write_report(replace(examined, footage=footage), tmp_path, "en").read_text(encoding="utf-8")
    assert r"\xff.mp4" in text

"""The report in a real browser: it opens from disk, loads only its own files, and its timeline leads to findings."""

import pytest

from pipeline.report.html import write_report
from tests.examinations import example


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clip")
    return write_report(example(folder, name="<img src=x onerror=alert(3)>.mp4"), folder / "report", "zh-CN")


@pytest.fixture(params=[(1280, 900), (390, 800)], ids=["wide", "narrow"])
def page(browser, index, request):
    width, height = request.param
    opened = browser.new_page(viewport={"width": width, "height": height})
    opened.said, opened.asked = [], []
    opened.on("console", lambda message: opened.said.append(message.text))
    opened.on("pageerror", lambda error: opened.said.append(str(error)))
    opened.on("dialog", lambda dialog: (opened.said.append(dialog.message), dialog.dismiss()))
    opened.on("request", lambda asked: opened.asked.append(asked.url))
    opened.goto(index.as_uri(), wait_until="load")
    yield opened
    opened.close()


def test_it_opens_without_complaint_and_loads_only_files_of_its_folder(page, index):
    page.wait_for_function("() => document.getElementById('opening').readyState >= 1")
    assert page.said == []
    assert all(url.startswith((index.parent.as_uri(), "data:")) for url in page.asked)


def test_every_picture_loads(page):
    loaded = page.evaluate("[...document.images].map(i => i.complete && i.naturalWidth > 0)")
    assert len(loaded) >= 10
    assert all(loaded)


def test_nothing_overflows_sideways(page):
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


@pytest.mark.parametrize("width", [760, 900, 1000])
def test_the_overlays_table_fits_beside_or_below_its_picture(browser, tmp_path, width):
    opened = browser.new_page(viewport={"width": width, "height": 900})
    opened.goto(write_report(example(tmp_path), tmp_path / "report", "en").as_uri(), wait_until="load")
    table, box = (opened.locator(part).bounding_box() for part in ("table.fields", "section:has(#overlay)"))
    opened.close()
    assert table["x"] + table["width"] <= box["x"] + box["width"]


def test_a_click_on_the_timeline_scrolls_to_the_finding(page):
    assert page.evaluate("scrollY") == 0
    page.click("a.mark.suspect")
    page.wait_for_function(
        "() => { const r = document.getElementById('f4').getBoundingClientRect();"
        " return r.top >= 0 && r.top < innerHeight / 2; }"
    )
    assert page.url.endswith("#f4")


def test_zooming_widens_the_timeline(page):
    before = page.evaluate("document.querySelector('.lanes').clientWidth")
    page.click("[data-zoom='16']")
    assert page.evaluate("document.querySelector('.lanes').clientWidth") > 4 * before


def test_the_rectangle_lies_on_the_picture(page):
    picture, box = (page.locator(f"#f1 .frame {part}").bounding_box() for part in ("img", ".box"))
    assert abs((box["x"] - picture["x"]) / picture["width"] - 0.3) < 0.02
    assert abs((box["y"] - picture["y"]) / picture["height"] - 0.2) < 0.03


def test_a_word_plays_from_its_place(page):
    page.click(".transcript .notice >> nth=5")
    page.wait_for_function("() => document.getElementById('opening').currentTime >= 1")
    assert page.said == []

"""The review page in a real browser, from the log-in to the log-out, over a night that was really examined."""

from __future__ import annotations

import re
import shutil

import pytest
from sqlalchemy import select

from pipeline.batch.tables import jobs
from pipeline.review import accounts, audit
from pipeline.review.frames import hidden_times
from tests.conftest import DATA_SAMPLES
from tests.footage import make_clip
from tests.pipeline.browsing import PASSWORD, fits, log_in, serving, until, watched
from tests.pipeline.nights import Night

CUT = "K7A0123_20260304090000_0000.mp4"
TRIMMED = "K7A0123_20260304090200_0002.mp4"


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """Yield the address of `unbroken review` over a batch of two clips, one of them cut, and the night."""
    folder = tmp_path_factory.mktemp("served")
    night = Night(folder / "store", folder / "cache", options=("--workers", "2"))
    night.store.mkdir()
    shutil.copyfile(DATA_SAMPLES / "built" / "splice.mp4", night.store / CUT)
    shutil.copyfile(DATA_SAMPLES / "built" / "edit_list.mp4", night.store / TRIMMED)
    make_clip(night.store / "K7A0123_20260304090100_0001.mp4", frames=40, audio=None, seed=7)
    night.run()
    with night.ledger() as ledger:
        accounts.add(ledger, "system", "root", PASSWORD, ["admin"])
        accounts.add(ledger, "root", "张三", PASSWORD, ["supervisor"], all_units=True, classes=["unstated", "open"])
        accounts.add(ledger, "root", "stranger", PASSWORD, ["supervisor"], units=["another"], classes=["unstated"])
    with serving(night.folder, night.place) as address:
        yield address, night


@pytest.fixture
def page_of(browser, served):
    """Yield a function that opens a page of a width and language; nothing may go wrong, and nothing may leave here."""
    with watched(browser, served[0]) as make:
        yield make


def _document(night) -> dict:
    return next(told for told in night.documents() if told["clip"]["path"].endswith(CUT))


def _figure(page) -> int:
    """Return the number of the picture that is shown large."""
    return int(re.search(r"\d+", page.inner_text(".pair figure:nth-child(2) figcaption b"))[0])


@pytest.mark.parametrize(("width", "tag", "heading"), [
    (1280, "zh-CN", "夜间批次结果"), (390, "en", "What the night brought"),
])  # fmt: skip
def test_from_the_log_in_to_a_finding_and_its_frames(served, page_of, width, tag, heading):
    _, night = served
    page = page_of(width, tag)
    log_in(page, "张三")
    page.wait_for_selector("table.clips")
    assert page.inner_text("h1") == heading and page.get_attribute("html", "lang") == tag
    assert fits(page)
    page.select_option("select[name=kind]", "picture-cut")
    page.click(".filters button.main")
    page.wait_for_selector("table.clips tbody tr")
    assert page.locator("table.clips tbody tr").count() == 1
    page.click(f"table.clips a:has-text('{CUT}')")
    page.wait_for_selector("body[data-ready]")
    assert page.locator("#timeline .mark.violation").count() >= 1
    assert page.locator("#timeline canvas").count() >= 2, "no curve is drawn"
    assert fits(page)
    page.locator("#timeline .mark.violation").first.click()
    page.wait_for_selector(".pair .difference img")
    until(page, "[...document.querySelectorAll('.pair img')].every((i) => i.complete && i.naturalWidth)")
    (cut,) = [one for one in _document(night)["findings"] if one["kind"] == "picture-cut"]
    after = cut["span"]["first_frame"] + 1
    assert _figure(page) == after  # the last picture before the cut stands left of it
    assert page.inner_text("#now").startswith(f"0:{int(cut['span']['stop_s']):02d}.")
    page.keyboard.press(".")
    assert _figure(page) == after + 1
    page.keyboard.press(",")
    assert _figure(page) == after
    until(page, "document.getElementById('player').readyState >= 2")
    page.evaluate("document.getElementById('player').play()")
    until(page, f"document.getElementById('player').currentTime > {cut['span']['stop_s'] + 0.5}")
    page.click(".back a")  # what the clip's page still asks for would be refused after the log-out
    page.wait_for_selector("table.clips")
    page.click("header form button")
    page.wait_for_selector("input[name=password]")
    with night.ledger() as ledger:
        actions = [event.action for event in audit.page(ledger, actor="张三").events]
    assert {"log-in", "clip-viewed", "footage-played", "log-out"} <= set(actions)


def test_pictures_that_the_edit_list_hides_are_shown(served, page_of):
    _, night = served
    page = page_of(1280, "en")
    log_in(page, "张三")
    page.click(f"table.clips a:has-text('{TRIMMED}')")
    page.wait_for_selector("body[data-ready]")
    told = next(told for told in night.documents() if told["clip"]["path"].endswith(TRIMMED))
    (trim,) = [one for one in told["findings"] if hidden_times(one)]
    page.click(f"#{trim['id']} h3 button")
    page.wait_for_selector(".hidden-pictures img")
    until(page, "[...document.querySelectorAll('.hidden-pictures img')].every((i) => i.complete && i.naturalWidth)")
    assert page.locator(".hidden-pictures img").count() == 9


def test_the_language_is_changed_and_kept(page_of):
    page = page_of(1280, "en")
    assert page.inner_text("h1") == "Log in"
    page.click("header a[hreflang=zh-CN]")
    page.wait_for_selector("html[lang=zh-CN]")
    log_in(page, "张三")
    page.wait_for_selector("table.clips")
    assert page.inner_text("h1") == "夜间批次结果"


def test_who_may_see_nothing_sees_nothing(served, page_of):
    address, night = served
    page = page_of(1280, "en")
    log_in(page, "stranger")
    page.wait_for_selector("main h1")
    assert page.locator("table.clips").count() == 0 and CUT not in page.content()
    with night.ledger() as ledger:
        wanted = select(jobs.c.key).where(jobs.c.step == "judge", jobs.c.path == CUT.encode())
        key = ledger.database.read(lambda connection: connection.scalar(wanted))
    answer = page.request.get(f"{address}clips/{key}/media")
    assert answer.status == 404

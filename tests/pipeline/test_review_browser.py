"""The review page in a real browser, from the log-in to the log-out, over a night that was really examined."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess

import pytest
from axe_playwright_python.sync_playwright import Axe
from sqlalchemy import select

from pipeline.batch.tables import jobs
from pipeline.review import accounts, audit
from pipeline.review.frames import hidden_times
from pipeline.review.rights import CLASSES, Role
from tests.footage import make_clip, view
from tests.pipeline.browsing import PASSWORD, fits, log_in, serving, until, watched
from tests.pipeline.nights import Night
from tests.pipeline.reviewing import trimmed

CUT = "K7A0123_20260304090000_0000.mp4"
TRIMMED = "K7A0123_20260304090200_0002.mp4"


def _cut(number: int):
    """Return a picture of a take that goes on elsewhere, in the shade, after 75 pictures."""
    return view(number, seed=1) if number < 75 else view(number, seed=2) // 2


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """Yield the address of `unbroken review` over a batch of three clips, one cut and one trimmed, and the night."""
    folder = tmp_path_factory.mktemp("served")
    night = Night(folder / "store", folder / "cache", options=("--workers", "2"))
    night.store.mkdir()
    make_clip(night.store / CUT, frames=150, audio=None, picture=_cut)
    shutil.move(trimmed(folder), night.store / TRIMMED)
    make_clip(night.store / "K7A0123_20260304090100_0001.mp4", frames=40, audio=None, seed=7)
    night.run()
    with night.ledger() as ledger:
        accounts.add(ledger, "system", "root", PASSWORD, ["admin"])
        roles = ["supervisor", "auditor"]
        accounts.add(ledger, "root", "张三", PASSWORD, roles, all_units=True, classes=["unstated", "open"])
        everything = {"all_units": True, "classes": CLASSES}
        accounts.add(ledger, "root", "everybody", PASSWORD, list(Role), **everything)
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
def test_the_whole_path_from_the_log_in_to_the_log_out(served, page_of, width, tag, heading):
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
    page.wait_for_selector("#timeline .mark.violation")
    assert page.locator("#timeline canvas").count() >= 2, "no curve is drawn"
    assert fits(page)
    page.locator("#timeline .mark.violation").first.click()
    (cut,) = [one for one in _document(night)["findings"] if one["kind"] == "picture-cut"]
    after = cut["span"]["first_frame"] + 1
    until(page, f"document.getElementById('now').textContent.startsWith('0:{int(cut['span']['stop_s']):02d}.')")
    until(page, "[...document.querySelectorAll('.pair img')].every((i) => i.complete && i.naturalWidth)")
    assert page.locator(".pair .difference img").count() == 1
    assert _figure(page) == after  # the last picture before the cut stands left of it
    page.keyboard.press(".")
    assert _figure(page) == after + 1
    page.keyboard.press(",")
    assert _figure(page) == after
    until(page, "document.getElementById('player').readyState >= 2")
    page.evaluate("document.getElementById('player').play()")
    until(page, f"document.getElementById('player').currentTime > {cut['span']['stop_s'] + 0.5}")
    _dismiss_and_open_again(page, cut["id"], f"水平晃动 {width}")
    content = _approved_report(page, f"当事人 李四 {width}", tag)
    page.click("header nav a[href='/audit']")  # what the clip's page still asks for would be refused after the log-out
    page.select_option("select[name=action]", "decision")
    page.click(".filters button.main")
    page.wait_for_selector("table.events")
    page.locator("table.events tbody tr summary").first.click()
    assert f"水平晃动 {width}" in page.inner_text("table.events tbody tr:first-child table.rows")
    assert fits(page)
    page.click("header form button")
    page.wait_for_selector("input[name=password]")
    with night.ledger() as ledger:
        actions = [event.action for event in audit.page(ledger, actor="张三", limit=200).events]
        handed = audit.page(ledger, actor="张三", action="exported").events[0]
    assert {"log-in", "clip-viewed", "footage-played", "decision", "decision-reopened", "log-out"} <= set(actions)
    assert handed.details["file_sha256"] == hashlib.sha256(content).hexdigest()
    said = subprocess.run(["pdftotext", "-", "-"], input=content, capture_output=True, check=True).stdout.decode()
    assert "水平晃动" in said and "张三" in said, "the report does not tell what was decided"


def _approved_report(page, given_to: str, tag: str) -> bytes:
    """Approve a copy, have the report made as PDF, and return what the browser was handed."""
    section = page.locator("#copies")
    section.locator("details summary").click()
    section.locator("input[name=given_to]").fill(given_to)
    section.locator("form[action$=approvals] button").click()
    page.wait_for_selector("#copies select[name=kind]")
    page.wait_for_selector("body[data-ready]")
    chosen = section.locator("select[name=approval] option", has_text=given_to)
    page.select_option("#copies select[name=approval]", chosen.get_attribute("value"))
    section.locator("form[action$=exports] button").click()
    page.wait_for_selector(f".handed li:has-text('{given_to}')")
    page.wait_for_selector("body[data-ready]")
    ready = f".handed li[data-state=ready]:has-text('{given_to}')"
    page.wait_for_selector(ready, timeout=300_000)
    assert fits(page)
    with page.expect_download() as download:
        page.click(f"{ready} a.get")
    assert download.value.suggested_filename == CUT.replace(".mp4", f".report.{tag}.pdf")
    return bytes(download.value.path().read_bytes())


def _dismiss_and_open_again(page, finding: str, reason: str) -> None:
    """Dismiss a finding by the keyboard, see that it stands, and open it again."""
    page.evaluate("document.getElementById('player').pause()")
    page.click(f"#{finding} h3 button")
    page.keyboard.press("d")
    page.keyboard.type(reason)
    page.click(f"#{finding} form[data-decide] button")
    page.wait_for_selector(f"#{finding} .badge.dismissed")
    page.wait_for_selector("body[data-ready]")
    assert reason in page.inner_text(f"#{finding} .decision")
    page.click(f"#{finding} details.decide summary")
    page.fill(f"#{finding} details.decide textarea", "另看一次")
    page.click(f"#{finding} details.decide button")
    page.wait_for_selector(f"#{finding} form[data-decide]", state="attached")
    page.wait_for_selector("body[data-ready]")
    assert page.locator(f"#{finding} .badge.decided").count() == 0


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


@pytest.mark.parametrize(("width", "tag"), [(1280, "en"), (390, "zh-CN")])
def test_no_page_has_a_serious_fault_of_accessibility(served, page_of, width, tag):
    address, _ = served
    page = page_of(width, tag)
    faults = _faults(page, "log-in")
    log_in(page, "everybody")
    page.wait_for_selector("table.clips")
    clip = page.get_attribute(f"table.clips a:has-text('{CUT}')", "href")
    session = clip.replace("clips", "sessions")
    pages = ("", clip, session, "/statistics", "/spot-checks", "/audit", "/users", "/users/new", "/users/1", "/account")
    for path in pages:
        page.goto(address.rstrip("/") + path)
        if path == clip:
            page.wait_for_selector("body[data-ready]")
            page.evaluate("document.querySelectorAll('details').forEach((one) => (one.open = true))")
        assert fits(page), path
        faults += _faults(page, path)
    assert faults == []


def _faults(page, where: str) -> list[str]:
    """Return what axe-core finds to be a serious or critical fault."""
    found = Axe().run(page).response
    assert len(found["passes"]) > 5, f"{where}: nothing was looked at"
    return [f"{where}: {one['id']}: {one['nodes'][0]['html']}" for one in found["violations"]
            if one["impact"] in ("serious", "critical")]  # fmt: skip

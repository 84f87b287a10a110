"""The review page in a real browser, from the log-in to the log-out, over a night that was really examined."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from urllib.parse import urlsplit

import pytest
from sqlalchemy import select

from pipeline.batch.tables import jobs
from pipeline.review import accounts, audit
from pipeline.review.frames import hidden_times
from tests.conftest import DATA_SAMPLES
from tests.footage import make_clip
from tests.pipeline.nights import ROOT, Night

PASSWORD = "correct horse battery staple"
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
    words = ["review", "--cache", str(night.folder), "--ledger", night.place, "--port", "0", "--lang", "en"]
    command = [sys.executable, "-c", "from pipeline.cli import main; main()", *words]
    process = subprocess.Popen(
        command, cwd=ROOT, stderr=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    try:
        told = ""
        while (found := re.search(r"http://127\.0\.0\.1:\d+/", told)) is None:
            line = process.stderr.readline()
            assert line, f"it did not begin to serve: {told}"
            told += line
        yield found[0], night
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 0


@pytest.fixture
def page_of(browser, served):
    """Yield a function that opens a page of a width and language; nothing may go wrong, and nothing may leave here."""
    address, _ = served
    wrong, opened = [], []

    def make(width: int, tag: str):
        context = browser.new_context(viewport={"width": width, "height": 844}, locale=tag)
        page = context.new_page()
        page.on("console", lambda said: wrong.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        home = urlsplit(address).netloc
        page.on("request", lambda asked: asked.url.startswith(("data:", "blob:"))
                or urlsplit(asked.url).netloc == home or wrong.append(asked.url))  # fmt: skip
        opened.append(context)
        page.goto(address)
        return page

    yield make
    for context in opened:
        context.close()
    assert wrong == []


def _document(night) -> dict:
    return next(told for told in night.documents() if told["clip"]["path"].endswith(CUT))


def _figure(page) -> int:
    """Return the number of the picture that is shown large."""
    return int(re.search(r"\d+", page.inner_text(".pair figure:nth-child(2) figcaption b"))[0])


def until(page, what: str) -> None:
    """Wait for a condition; Playwright's own way evaluates strings inside the page, which its policy forbids."""
    end = time.monotonic() + 30
    while not page.evaluate(what):
        assert time.monotonic() < end, what
        page.wait_for_timeout(50)


def log_in(page, name: str) -> None:
    page.fill("input[name=name]", name)
    page.fill("input[name=password]", PASSWORD)
    page.click("main button")


@pytest.mark.parametrize(("width", "tag", "heading"), [
    (1280, "zh-CN", "夜间批次结果"), (390, "en", "What the night brought"),
])  # fmt: skip
def test_from_the_log_in_to_a_finding_and_its_frames(served, page_of, width, tag, heading):
    _, night = served
    page = page_of(width, tag)
    log_in(page, "张三")
    page.wait_for_selector("table.clips")
    assert page.inner_text("h1") == heading and page.get_attribute("html", "lang") == tag
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "it is wider than the window"
    page.select_option("select[name=kind]", "picture-cut")
    page.click(".filters button.main")
    page.wait_for_selector("table.clips tbody tr")
    assert page.locator("table.clips tbody tr").count() == 1
    page.click(f"table.clips a:has-text('{CUT}')")
    page.wait_for_selector("body[data-ready]")
    assert page.locator("#timeline .mark.violation").count() >= 1
    assert page.locator("#timeline canvas").count() >= 2, "no curve is drawn"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "it is wider than the window"
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

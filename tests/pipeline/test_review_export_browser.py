"""Copies in a real browser: a supervisor approves one, has the report made, and fetches it."""

from __future__ import annotations

import hashlib

import pytest

from pipeline.review import audit
from tests.pipeline.test_review_browser import CUT, log_in, page_of, served, until  # noqa: F401  (fixtures)


def opened(page, night):
    """Open the page of the cut clip, as 张三."""
    log_in(page, "张三")
    page.wait_for_selector("table.clips")
    page.click(f"table.clips a:has-text('{CUT}')")
    page.wait_for_selector("body[data-ready]")


def test_a_supervisor_approves_and_fetches_the_report(served, page_of):  # noqa: F811
    _, night = served
    page = page_of(1280, "zh-CN")
    opened(page, night)
    section = page.locator("#copies")
    assert "第二十三条" in section.inner_text() and section.locator("select[name=kind]").count() == 0
    section.locator("summary").click()
    section.get_by_label("提供给").fill("当事人 李四")
    section.locator("form[action$=approvals] button").click()
    page.wait_for_selector("#copies select[name=kind]")
    page.wait_for_selector("body[data-ready]")
    page.locator("#copies form[action$=exports] button").click()
    page.wait_for_selector(".handed li")
    until(page, "document.querySelector('.handed li').dataset.state === 'ready'")
    link = page.get_by_role("link", name="下载")
    with page.expect_download() as download:
        link.click()
    assert download.value.suggested_filename == CUT.replace(".mp4", ".report.zh-CN.pdf")
    content = download.value.path().read_bytes()
    assert content.startswith(b"%PDF-")
    with night.ledger() as ledger:
        (event,) = audit.page(ledger, action="exported").events
    assert event.actor == "张三" and event.details["file_sha256"] == hashlib.sha256(content).hexdigest()
    page.reload()
    page.wait_for_selector("body[data-ready]")
    assert hashlib.sha256(content).hexdigest() in page.inner_text(".handed")
    assert page.locator(".handed progress").count() == 0


@pytest.mark.parametrize("tag", ["zh-CN", "en"])
def test_the_section_fits_a_telephone(served, page_of, tag):  # noqa: F811
    _, night = served
    page = page_of(390, tag)
    opened(page, night)
    page.evaluate("document.querySelectorAll('#copies details').forEach((one) => (one.open = true))")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "it is wider than the window"
    section = page.locator("#copies")
    unlabelled = section.evaluate(
        "one => [...one.querySelectorAll('input:not([type=hidden]), select')].filter((e) => !e.labels.length).length"
    )
    assert unlabelled == 0

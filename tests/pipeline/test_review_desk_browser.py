"""The pages of users and of the audit log in a real browser, wide and narrow, in both languages."""

from __future__ import annotations

import json

import pytest

from benchmarks.documents import document
from pipeline.batch.ledger import Ledger
from pipeline.review import accounts, audit
from pipeline.review.rights import CLASSES
from tests.pipeline.browsing import PASSWORD, fits, log_in, serving, watched
from tests.pipeline.review_ledgers import night
from tests.pipeline.test_review_app import keys

LONG = "石家庄市应急管理局安全生产执法监察支队第三大队/" + "K7A0123_" * 12 + ".mp4"
WIDTHS = (1280, 390)
HEADINGS = {"zh-CN": ("用户", "审计日志", "我的账户"), "en": ("Users", "Audit log", "My account")}


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """Yield the address of `unbroken review` over a ledger with a clip and accounts, and the place of the ledger."""
    folder = tmp_path_factory.mktemp("desk")
    place = str(folder / "a.ledger")
    with Ledger(place) as ledger:
        told = document(LONG, unit="one", access="open")
        told["clip"]["sha256"] = "ab" * 32
        night(ledger, [told], store=str(folder / "store"))
        accounts.add(ledger, "system", "root", PASSWORD, ["admin"])
        for width in WIDTHS:
            for tag in HEADINGS:
                accounts.add(ledger, "root", f"both-{width}-{tag}", PASSWORD, ["admin", "auditor"], all_units=True,
                             classes=CLASSES)  # fmt: skip
        audit.add(ledger, "root", "clip-viewed", keys(ledger)[LONG], {"path": LONG, "sha256": "ab" * 32})
        for number in range(60):
            audit.add(ledger, "root", "footage-played", "0" * 64, {"path": f"{number}.mp4"})
        audit.add(
            ledger, "root", "report-made", keys(ledger)[LONG], {"path": LONG, "finding": "f1", "reason": "看" * 400}
        )
    with serving(folder, place) as address:
        yield address, place


@pytest.fixture
def page_of(browser, served):
    with watched(browser, served[0], expected="422") as make:
        yield make


@pytest.mark.parametrize("tag", list(HEADINGS))
@pytest.mark.parametrize("width", WIDTHS)
def test_users_are_managed_and_the_own_password_is_changed(served, page_of, width, tag):
    page, name = page_of(width, tag), f"李四-{width}-{tag}"
    log_in(page, "root")
    page.wait_for_selector("table.users")
    assert page.inner_text("h1") == HEADINGS[tag][0] and page.get_attribute("html", "lang") == tag
    assert fits(page)
    page.click("main a.act")
    page.wait_for_selector("input[name=again]")
    assert fits(page)
    page.fill("input[name=name]", name)
    page.fill("input[name=password]", "short")
    page.fill("input[name=again]", "short")
    page.check("input[name=roles][value=auditor]")
    page.fill("textarea", "U" * 200)
    page.check("input[name=classes][value=open]")
    page.click("main button.main")
    page.wait_for_selector("[role=alert]")
    assert fits(page) and page.is_checked("input[value=auditor]") and page.input_value("[name=password]") == ""
    page.fill("input[name=password]", PASSWORD)
    page.fill("input[name=again]", PASSWORD)
    page.click("main button.main")
    page.wait_for_selector("[role=status]")
    assert page.inner_text("h1") == name and fits(page)
    page.check("input[name=roles][value=analyst]")
    page.click("section[aria-labelledby=rights] button.main")
    page.wait_for_selector("[role=status]")
    assert page.is_checked("input[value=analyst]") and page.is_checked("input[value=auditor]")
    page.click("header .product")
    page.wait_for_selector("table.users")
    assert fits(page)
    page.click("header form button")
    page.wait_for_selector("input[name=password]")
    log_in(page, name)
    page.wait_for_selector("header nav")
    page.click("header .who a[href='/account']")
    page.wait_for_selector("input[name=old]")
    assert page.inner_text("h1") == HEADINGS[tag][2] and fits(page)
    page.fill("input[name=old]", PASSWORD)
    for field in ("password", "again"):
        page.fill(f"input[name={field}]", PASSWORD[::-1])
    page.click("main button.main")
    page.wait_for_selector(".login [role=status]")
    assert fits(page)
    with Ledger(served[1]) as ledger:
        done = [event.action for event in audit.page(ledger, subject=name).events]
    assert done == ["user-password", "log-in", "user-set", "user-add"]


@pytest.mark.parametrize("tag", list(HEADINGS))
@pytest.mark.parametrize("width", WIDTHS)
def test_the_audit_log_is_read_narrowed_verified_and_exported(served, page_of, width, tag):
    page, name = page_of(width, tag), f"both-{width}-{tag}"
    log_in(page, name)
    page.wait_for_selector("header nav")
    page.click("header nav a[href='/audit']")
    page.wait_for_selector("table.events")
    assert page.inner_text("h1") == HEADINGS[tag][1] and page.locator("table.events > tbody > tr").count() == 50
    for place in range(50):
        page.locator("table.events summary").nth(place).click()
    assert fits(page)
    page.click("a[rel=next]")
    page.wait_for_url("**before=*")
    page.fill("input[name=actor]", "root")
    page.select_option("select[name=action]", "clip-viewed")
    page.click(".filters button.main")
    page.wait_for_url("**action=clip-viewed**")
    assert page.locator("table.events > tbody > tr").count() == 1
    page.locator("table.events summary").click()
    assert fits(page) and LONG in page.inner_text("table.events details")
    with page.expect_download() as download:
        page.click("a[download]")
    (line,) = [json.loads(text) for text in download.value.path().read_text(encoding="utf-8").splitlines()]
    assert line["details"]["path"] == LONG
    page.click("form[action='/audit/verification'] button")
    page.wait_for_selector(".outcome .badge.pass")
    assert fits(page)
    with Ledger(served[1]) as ledger:
        done = [event.action for event in audit.page(ledger, actor=name).events]
    assert done == ["audit-verified", "audit-exported", "audit-viewed", "audit-viewed", "log-in"]

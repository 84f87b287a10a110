"""Session, statistics and spot checks in a real browser, narrow and wide, in both languages."""

from __future__ import annotations

import socket
import threading
from urllib.parse import urlsplit

import pytest
import uvicorn

from pipeline.batch.ledger import Ledger
from tests.pipeline.recorded import PASSWORD, clip, keys, name, served

DOCUMENTS = [
    clip(1, 0),
    clip(2, 60, between=(("recording-gap", "violation", {"before": name(2), "after": name(3), "gap_s": 120.0}),)),
    clip(3, 240, verdict="fail", findings=(("picture-cut", "violation"),), between=(
        ("sequence-missing", "violation", {"before": name(3), "after": name(6), "gap_s": 60.0, "numbers": 3}),)),
    clip(6, 360, length_s=90, verdict="undecided", findings=(("picture-cut", "suspect"),)),
    clip(7, 420, length_s=30, verdict="not applicable"),
    *(clip(n, 10_000.0 * n, device=f"M9B{n:04d}", unit=f"执法第{n % 7}中队", case_number=f"2026-{n}",
           verdict=("pass", "fail", "pass")[n % 3]) for n in range(20, 60)),
]  # fmt: skip


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """Yield the address of the review page, and the key of the first clip."""
    folder = tmp_path_factory.mktemp("figures")
    with Ledger(str(folder / "a.ledger")) as ledger:
        app, index = served(folder, ledger, DOCUMENTS)
        listening = socket.create_server(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}", keys(index)[name(1)]
        server.should_exit = True
        thread.join(timeout=60)
        assert not thread.is_alive()
        index.close()


def fits(page) -> bool:
    return page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("tag", ["zh-CN", "en"])
@pytest.mark.parametrize("width", [1280, 390])
def test_the_three_pages_hold(browser, address, width, tag):
    home, key = address
    wrong: list[str] = []
    context = browser.new_context(viewport={"width": width, "height": 844}, locale=tag)
    page = context.new_page()
    page.on("console", lambda said: wrong.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("request", lambda asked: asked.url.startswith(("data:", "blob:"))
            or urlsplit(asked.url).netloc == urlsplit(home).netloc or wrong.append(asked.url))  # fmt: skip
    page.goto(f"{home}/sessions/{key}")
    page.fill("input[name=name]", "boss")
    page.fill("input[name=password]", PASSWORD)
    page.click("main button")
    page.wait_for_selector(".session-figure")
    assert page.get_attribute("html", "lang") == tag and fits(page)
    assert page.locator(".session-figure .clip-bar").count() == page.locator("table.sheet tbody tr").count() == 5
    first, second = (page.locator(".session-figure .clip-bar").nth(n).bounding_box() for n in (0, 1))
    assert first["x"] + first["width"] == pytest.approx(second["x"], abs=1), "one follows the other without a hole"
    page.click("nav a[href='/statistics']")
    page.wait_for_selector(".barlist")
    for by in ("unit", "device", "month", "rule", "kind"):
        page.select_option("select[name=by]", by)
        page.click(".filters button.main")
        page.wait_for_selector(".barlist")
        assert fits(page), by
        bar, whole = (
            page.locator(".bar-figure rect").last.bounding_box(),
            page.locator(".bar-figure").last.bounding_box(),
        )
        assert whole["x"] - 1 <= bar["x"] and bar["x"] + bar["width"] <= whole["x"] + whole["width"] + 1
    with page.expect_download() as download:
        page.click(".filters a[href*='csv']")
    assert download.value.suggested_filename == "statistics-kind.csv"
    page.click("nav a[href='/spot-checks']")
    page.fill("input[name=size]", "20")
    page.fill("input[name=seed]", f"{width}{len(tag)}")
    assert fits(page)
    page.click(".filters button.main")
    page.wait_for_selector(".checks form")
    page.locator("select[name=outcome]").first.select_option("not in order")
    page.locator("input[name=remarks]").first.fill("在第 12 秒处" * 8)
    page.locator(".checks form button").first.click()
    page.wait_for_selector(".checks li:first-child p b")
    assert fits(page)
    page.goto(f"{home}/spot-checks")
    assert fits(page) and page.locator("table.sheet tbody tr").count() >= 1
    context.close()
    assert wrong == []

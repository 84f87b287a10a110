"""What tests of the review page in a real browser share: the program serving, and pages in which nothing goes wrong."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.pipeline.nights import ROOT

PASSWORD = "correct horse battery staple"
PATIENCE_S = 180.0
"""What takes longer hangs; a machine with other things to do may take long."""


@contextmanager
def serving(cache: Path, ledger: str) -> Iterator[str]:
    """Run `unbroken review`; yield its address."""
    words = ["review", "--cache", str(cache), "--ledger", ledger, "--port", "0", "--lang", "en"]
    command = [sys.executable, "-c", "from pipeline.cli import main; main()", *words]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, env=environment)
    try:
        told = ""
        while (found := re.search(r"http://127\.0\.0\.1:\d+/", told)) is None:
            line = process.stderr.readline()
            assert line, f"it did not begin to serve: {told}"
            told += line
        yield found[0]
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 0


@contextmanager
def watched(browser: Any, address: str, expected: str = "nothing") -> Iterator[Callable[[int, str], Any]]:
    """Yield a function that opens a page of a width and language; nothing may go wrong, and nothing may leave here.

    Parameters
    ----------
    browser : Browser
    address : str
        Where the pages open.
    expected : str
        What a browser says of an answer that a test means to get, as `422`; it says so of each answer from 400 on.
    """
    wrong: list[str] = []
    opened = []
    home = urlsplit(address).netloc

    def hear(said: Any) -> None:
        if said.type in ("error", "warning") and expected not in said.text:
            wrong.append(said.text)

    def see(asked: Any) -> None:
        if not asked.url.startswith(("data:", "blob:")) and urlsplit(asked.url).netloc != home:
            wrong.append(asked.url)

    def make(width: int, tag: str) -> Any:
        context = browser.new_context(viewport={"width": width, "height": 844}, locale=tag)
        context.set_default_timeout(PATIENCE_S * 1e3)
        page = context.new_page()
        page.on("console", hear)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", see)
        opened.append(context)
        page.goto(address)
        return page

    yield make
    for context in opened:
        context.close()
    assert wrong == []


def fits(page: Any) -> bool:
    """Tell whether a page is no wider than its window."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


def until(page: Any, what: str) -> None:
    """Wait for a condition; Playwright's own way evaluates strings inside the page, which its policy forbids."""
    end = time.monotonic() + PATIENCE_S
    while not page.evaluate(what):
        assert time.monotonic() < end, what
        page.wait_for_timeout(50)


def log_in(page: Any, name: str) -> None:
    """Log in on the page that asks for it."""
    page.fill("input[name=name]", name)
    page.fill("input[name=password]", PASSWORD)
    page.click("main button")

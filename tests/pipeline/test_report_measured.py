"""Every error rate that a report states stands in docs/accuracy.md, in the row that it names."""

import re
from pathlib import Path

import pytest

from pipeline.kinds import KINDS
from pipeline.language import language
from pipeline.report.measured import MEASURED, measured, shares_of, unmeasured

LINES = (Path(__file__).resolve().parents[2] / "docs" / "accuracy.md").read_text(encoding="utf-8").splitlines()


def rows_below(heading: str) -> list[list[str]]:
    """Return the cells of all table rows between a heading and the next one of the same depth or less deep."""
    start = next(n for n, line in enumerate(LINES) if line.startswith("#") and line.lstrip("# ") == heading)
    depth = len(LINES[start]) - len(LINES[start].lstrip("#"))
    below = []
    for line in LINES[start + 1 :]:
        if line.startswith("#") and len(line) - len(line.lstrip("#")) <= depth:
            break
        if line.startswith("|"):
            below.append([cell.strip() for cell in line.strip("|").split("|")])
    return below


@pytest.mark.parametrize("share", MEASURED, ids=lambda share: f"{share.section}: {share.row}")
def test_the_number_stands_in_its_row(share):
    named = share.there or share.row
    rows = [cells for cells in rows_below(share.section) if cells[0] == named]
    assert rows, f"no row {named!r} below {share.section!r}"
    cells = rows[0]
    assert any(re.match(rf"{re.escape(share.result)}($| =|,| \()", cell) for cell in cells[1:])
    assert not share.interval or any(share.interval in cell for cell in cells[1:])


def test_kinds_are_kinds():
    assert {kind for share in MEASURED for kind in share.kinds} <= set(KINDS)


def test_a_kind_has_its_own_rows_only():
    assert {share.row for share in measured("picture-cut")} == {"splice of two takes", "splice"}
    assert measured("case-linked") == ()


def test_numbers_are_told_in_the_readers_language():
    english, chinese = (shares_of(["repeated-frames"], language(tag))[0] for tag in ("en", "zh-CN"))
    assert (english.result, english.interval) == ("18 of 21", "0.65 to 0.95")
    assert (chinese.result, chinese.interval) == ("21 例中 18 例", "0.65 至 0.95")


def test_kinds_without_a_number_are_named_once():
    kinds = ["case-linked", "picture-cut", "case-linked", "overlap"]
    assert unmeasured(kinds, language("en")) == ("Case linked", "Overlap")

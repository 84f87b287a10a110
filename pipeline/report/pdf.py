"""The report of an examination as PDF: for print, with the same content as the page that `html.py` writes.

Typst sets it, from a wheel that needs no system library; the font comes as wheels, too, so that Chinese characters are
there on every machine and the same on each. The document is PDF/A-2a (ISO 19005-2, level A: fonts embedded, tagged,
text that can be searched), and the same byte for byte for the same examination, files and time of making.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict
from datetime import datetime
from functools import cache
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pipeline.errors import SettingsError
from pipeline.language import Language
from pipeline.model import Message
from pipeline.report.page import PageData
from pipeline.report.printable import Glyphs, printable

NAME = "report.pdf"
TEMPLATES = ("report.typ", "report_finding.typ", "report_body.typ")
"""Put together in this order."""
FONT_PACKAGES = ("cvttf_NotoSansCJK_Regular", "cvttf_NotoSansCJK_Bold")
"""Noto Sans CJK TC 1.004 (OFL 1.1): the font of all regions, of which the template takes the forms of the mainland."""
FONT_FILES = ("NotoSansCJKtc-Regular.otf", "DejaVuSans.ttf")
"""A character that none of these has is told by its number."""
OWN = ("index.html", "report.v1.json", "opening.flac", "plots/*.svg", "stills/*.jpg", "sound/*.flac")
"""What a report's folder holds besides."""
UNTOUCHED = frozenset(
    {"source", "near", "whole", "offsets", "wave", "bounds", "drawing", "style", "level", "sha256", "language"}
)
"""Keys of values that are no texts for readers."""
SAID = re.compile(r'\btr\("((?:[^"\\]|\\.)*)"\)')


def write_pdf(page: PageData, folder: Path, words: Language, made_at: datetime) -> Path:
    """Write a report as PDF into the folder that holds its stills and plots.

    Parameters
    ----------
    page : PageData
        What the report shows.
    folder : Path
        The report's folder, already written: every file that the page names lies there.
    words : Language
        The reader's language.
    made_at : datetime
        When the report is made, with its zone: the one time that the document states.

    Returns
    -------
    Path
        The document, `report.pdf`.

    Raises
    ------
    SettingsError
        If renderer or fonts are not installed.
    OSError
        If the file cannot be written.
    """
    must_be_able()
    import typst

    compiler = typst.Compiler(
        template().encode(),
        root=folder,
        font_paths=typst.Fonts(False, False, font_folders()),  # of another machine's fonts, none
        sys_inputs={"report": json.dumps(inputs(page, folder, words), ensure_ascii=False, allow_nan=False)},
    )
    document = compiler.compile(format="pdf", pdf_standards=["a-2a"], timestamp=made_at)
    assert isinstance(document, bytes)  # one file for the whole, unlike pictures of pages
    path = folder / NAME
    path.write_bytes(document)
    return path


def must_be_able() -> None:
    """Do nothing where a PDF can be made.

    Raises
    ------
    SettingsError
        If renderer or fonts are not installed.
    """
    missing = [name for name in ("typst", *FONT_PACKAGES) if find_spec(name) is None]
    if missing:
        message = "A PDF needs packages that are not installed: {packages}. Install this product with its dependencies."
        raise SettingsError(Message(message, {"packages": ", ".join(missing)}))


def template() -> str:
    """Return the template."""
    folder = files("pipeline.report") / "templates"
    return "\n".join((folder / name).read_text(encoding="utf-8") for name in TEMPLATES)


def sentences() -> set[str]:
    """Return the sentences of the template, in English."""
    return set(SAID.findall(template()))


def font_folders() -> list[Path]:
    """Return the folders of the fonts that a document may use."""
    import matplotlib

    specs = [find_spec(name) for name in FONT_PACKAGES]
    folders = [Path(spec.origin).parent for spec in specs if spec is not None and spec.origin]
    return [*folders, Path(matplotlib.get_data_path()) / "fonts" / "ttf"]


@cache
def glyphs() -> Glyphs:
    """Return which characters the fonts have."""
    from fontTools.ttLib import TTFont

    found: set[int] = set()
    for name in FONT_FILES:
        path = next(folder / name for folder in font_folders() if (folder / name).is_file())
        with TTFont(path, lazy=True) as font:
            found |= set(font.getBestCmap())
    return frozenset(found)


def inputs(page: PageData, folder: Path, words: Language) -> dict[str, Any]:
    """Return all that the template shows, as values that JSON holds."""
    more = words.text("and {count} more")
    shown = asdict(page)
    overlay = shown["overlay"]
    for picture in _pictures(shown):
        picture["frames"] = [_frame(picture["box"])] if picture["box"] else []
        closeup = picture["closeup"]
        picture["closeup"] = {**_css(closeup), "ratio": _ratio(picture["closeup_ratio"])} if closeup else None
    if overlay is not None and overlay["picture"] is not None:
        boxes = [field for field in overlay["fields"] if field["box"]]
        overlay["picture"]["frames"] = [_frame(field["box"], str(field["number"]), field["low"]) for field in boxes]
    for lane in shown["timeline"]["lanes"] if shown["timeline"] is not None else ():
        lane["drawing"] = lane.pop("profile")
    values = {
        "page": shown,
        "sentences": {sentence: words.text(sentence) for sentence in sorted(sentences())},
        "sha256": page.sha256,
        "more": {rule["id"]: more.format(count=rule["more"]) for rule in shown["rules"]},
        "transcript_more": more.format(count=page.transcript.not_shown) if page.transcript else "",
        "texts_more": more.format(count=page.texts.more) if page.texts else "",
        "files": [{"name": name, "sha256": sha256} for name, sha256 in hashes(folder)],
    }
    made: dict[str, Any] = printable(values, glyphs(), UNTOUCHED)
    return made


def hashes(folder: Path) -> list[tuple[str, str]]:
    """Return name and SHA-256 of the files that a report consists of but for the PDF itself, in the order of names."""
    paths = sorted(path for pattern in OWN for path in folder.glob(pattern))
    return [(path.relative_to(folder).as_posix(), _sha256(path)) for path in paths]


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _pictures(values: Any) -> list[dict[str, Any]]:
    """Return every picture in nested values: what has a source and a caption."""
    if isinstance(values, dict):
        inside = [picture for value in values.values() for picture in _pictures(value)]
        return [values, *inside] if {"source", "caption", "closeup_ratio"} <= values.keys() else inside
    if isinstance(values, list | tuple):
        return [picture for value in values for picture in _pictures(value)]
    return []


def _css(text: str) -> dict[str, float]:
    """Return the percentages of a CSS declaration as `page_texts.py` writes them."""
    pairs = (part.split(":") for part in text.split(";"))
    return {name: float(value.rstrip("%")) for name, value in pairs}


def _ratio(text: str) -> float:
    wide, high = text.split("/")
    return float(wide) / float(high)


def _frame(box: str, number: str = "", low: bool = False) -> dict[str, Any]:
    return {**_css(box), "number": number, "low": low}

"""Writes the report of an examination: one folder that opens from disk, without a network."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

import soundfile
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from pipeline.language import Language, language
from pipeline.model import Examination, Finding
from pipeline.report import json_v1, plots
from pipeline.report.decisions import Decision
from pipeline.report.offsets import offsets, readings
from pipeline.report.page import PageData, build_page
from pipeline.report.page_findings import Assets, Plots, describe
from pipeline.report.page_overlay import of_clock
from pipeline.report.page_records import of_record
from pipeline.report.pdf import NAME as PDF_NAME
from pipeline.report.pdf import must_be_able, write_pdf
from pipeline.report.photos import take_photos
from pipeline.report.snippets import take_snippets
from pipeline.report.stills import take_stills

OPENING_S = 600.0
"""Of a longer sound the report takes this much along; findings bring their own passages."""


def write_report(
    examination: Examination,
    out: Path,
    language_tag: str,
    made_at: datetime | None = None,
    *,
    decisions: Sequence[Decision] = (),
    pdf: bool = False,
    max_per_kind: int = 20,
    max_plots: int = 60,
    max_stills: int = 90,
    max_snippets: int = 30,
) -> Path:
    """Write the report of one examined clip.

    The folder holds `index.html`, `report.v1.json`, and the plots, stills and sound that the page shows. Files of an
    earlier report in the same folder are replaced.

    Parameters
    ----------
    examination : Examination
        What one scan of one clip came to; its footage is opened read-only for the stills.
    out : Path
        The folder; it is made if it is not there.
    language_tag : str
        BCP 47 tag of a language that the product speaks.
    made_at : datetime or None
        When the report is made, with its zone; None: now.
    decisions : sequence of Decision
        What people decided about the findings.
    pdf : bool
        Whether the same is written as `report.pdf`, for print.
    max_per_kind : int
        Findings of one kind that get a section of their own, the gravest first; the JSON holds all.
    max_plots : int
        Findings whose curves are drawn, the gravest first.
    max_stills : int
        Pictures that are taken from the footage: of the overlay and the place, then for the gravest findings first.
    max_snippets : int
        Passages of the sound that get a file of their own: of the notice, then of the gravest findings.

    Returns
    -------
    Path
        The page, `index.html`.

    Raises
    ------
    SettingsError
        If the product does not speak that language, or a PDF is asked for and cannot be made.
    OSError
        If the folder cannot be written.
    """
    words = language(language_tag)
    if pdf:
        must_be_able()
    made_at = made_at or datetime.now(UTC).astimezone()
    out.mkdir(parents=True, exist_ok=True)
    for name in (
        "plots/near-*.svg",
        "plots/whole-*.svg",
        "plots/clock.svg",
        "stills/still-*.jpg",
        "stills/hidden-*.jpg",
        "stills/photo-*.jpg",
        "sound/passage-*.flac",
        PDF_NAME,
    ):
        for earlier in out.glob(name):
            earlier.unlink()
    duration_s = examination.features.duration_s()
    described = describe([f for f in examination.findings if not of_record(f, duration_s)], max_per_kind)
    assets = Assets(
        plots=_draw(examination, described[:max_plots], out / "plots"),
        stills=take_stills(examination, described, out / "stills", max_stills),
        photos={name: f"stills/{copy}" for name, copy in take_photos(examination, described, out / "stills").items()},
        passages=take_snippets(examination, described, out / "sound", max_snippets),
        offsets=_draw_offsets(examination, described, out / "plots"),
        opening=_opening(examination, out),
    )
    page = build_page(examination, described, assets, made_at, words, decisions)
    document = json_v1.text(json_v1.document(examination))
    (out / "report.v1.json").write_text(document + "\n", encoding="utf-8")
    index = out / "index.html"
    index.write_text(render(page, words), encoding="utf-8", errors="backslashreplace")
    if pdf:
        write_pdf(page, out, words, made_at)
    return index


def render(page: PageData, words: Language) -> str:
    """Return the page as HTML; every value is escaped."""
    templates = environment(words)
    parts = templates.get_template("parts.html").module
    templates.globals.update(rows=parts.rows, picture=parts.picture, shares=parts.shares)  # type: ignore[attr-defined]
    script = _own_file("report.js")
    return templates.get_template("report.html").render(
        page=page,
        style=Markup(style_sheet()),  # our own file, as the script
        script=Markup(script),
        script_hash=f"sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}",
    )


def environment(words: Language) -> Environment:
    """Return the templates in one language; every value that they show is escaped."""
    templates = Environment(
        loader=PackageLoader("pipeline.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.globals["_"] = words.text
    return templates


def style_sheet() -> str:
    """Return the style sheet of every page."""
    return _own_file("style.css")


def _own_file(name: str) -> str:
    return (files("pipeline.report") / "templates" / name).read_text(encoding="utf-8")


def _draw(examination: Examination, described: Sequence[Finding], folder: Path) -> dict[str, Plots]:
    drawn = {}
    for number, finding in enumerate(described):
        if not plots.drawable(finding, examination.features):
            continue
        folder.mkdir(exist_ok=True)
        near, whole = folder / f"near-{number}.svg", folder / f"whole-{number}.svg"
        if plots.draw(finding, examination.features, near, whole):
            drawn[finding.id] = Plots(f"plots/{near.name}", f"plots/{whole.name}")
    return drawn


def _draw_offsets(examination: Examination, described: Sequence[Finding], folder: Path) -> str:
    """Draw how the burned-in clock runs; return the file, empty where no change of it was read."""
    read = readings(examination.features)
    curve = offsets(read) if read is not None else None
    if curve is None:
        return ""
    folder.mkdir(exist_ok=True)
    plots.draw_offsets(curve, examination.features.duration_s(), of_clock(described), folder / "clock.svg")
    return "plots/clock.svg"


def _opening(examination: Examination, out: Path) -> str:
    """Copy the opening of the sound into the folder; the cache may be cleared, the report stays."""
    name = "opening.flac"
    (out / name).unlink(missing_ok=True)
    if examination.sound is None:
        return ""
    try:
        with soundfile.SoundFile(examination.sound) as sound:
            seconds = min(examination.examined.speech_s or OPENING_S, OPENING_S)
            samples = sound.read(round(seconds * sound.samplerate), dtype="int16")
            soundfile.write(os.fsencode(out / name), samples, sound.samplerate, subtype="PCM_16")
    except soundfile.LibsndfileError:  # it is gone
        return ""
    return name

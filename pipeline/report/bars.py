"""What groups of clips come to, as a picture: one stacked bar a group."""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.errors import SettingsError
from pipeline.model import Message
from pipeline.report.plots import INK, STYLE
from pipeline.report.wording import shown

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = {
    "pass": "#4f9e74",
    "fail": "#b3261e",
    "undecided": "#e9b44c",
    "not applicable": "#c3cbd3",
    "unreadable": "#5c6670",
}
"""What a clip is counted as → colour; they differ in lightness too, and the legend has the order of the bars."""
LIGHT_INK = {"fail", "unreadable"}
CHINESE = ("Noto Sans CJK SC", "Source Han Sans SC", "Microsoft YaHei", "PingFang SC", "SimHei", "WenQuanYi Zen Hei")
"""Fonts with Chinese characters; the first that is installed is used."""
MOST_BARS = 300
NAME_WIDTH = 36
"""Longest name of a group, in half-width characters."""
SUFFIXES = (".svg", ".png")


@dataclass(frozen=True, slots=True)
class Bar:
    """One group."""

    name: str
    counts: Mapping[str, int]
    """What clips are counted as → how many of them."""
    note: str
    """What stands at the end of the bar."""


@dataclass(frozen=True, slots=True)
class Words:
    """What stands around the bars, in the reader's language."""

    title: str
    axis: str
    legend: Mapping[str, str]
    note: str
    """Below the picture."""


def draw_bars(bars: Sequence[Bar], words: Words, path: Path) -> None:
    """Draw a horizontal bar for each group, the first at the top; its parts are as long as there are clips.

    Parameters
    ----------
    bars : sequence of Bar
    words : Words
        Keys of its legend, in this order, are the parts.
    path : Path
        SVG or PNG file to write.

    Raises
    ------
    SettingsError
        If the name ends otherwise, there are too many groups, no font for a PNG with Chinese characters is installed,
        or the file cannot be written.
    """
    if path.suffix not in SUFFIXES:
        raise SettingsError(Message("{path}: name it .svg or .png.", {"path": str(path)}))
    if len(bars) > MOST_BARS:
        message = "{count} groups are too many for a picture (at most {most}). The table holds them."
        raise SettingsError(Message(message, {"count": len(bars), "most": MOST_BARS}))
    fonts = _fonts()
    texts = [words.title, words.axis, words.note, *words.legend.values(), *(bar.name for bar in bars)]
    if path.suffix == ".png" and not fonts and any(map(_is_wide, "".join(texts))):
        message = "{path}: no font with Chinese characters is installed. Install one, or name the picture .svg."
        raise SettingsError(Message(message, {"path": str(path)}))
    drawn = _drawn(bars, words, path.suffix.lstrip("."), fonts)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(drawn)
    except OSError as error:
        problem = {"path": str(path), "problem": error.strerror or str(error)}
        raise SettingsError(Message("{path}: cannot be written ({problem}).", problem)) from error


def _fonts() -> list[str]:
    from matplotlib import font_manager

    installed = set(font_manager.get_font_names())
    return [name for name in CHINESE if name in installed][:1]


def _drawn(bars: Sequence[Bar], words: Words, form: str, fonts: list[str]) -> bytes:
    import matplotlib
    from matplotlib.figure import Figure

    style: dict[Any, Any] = {**STYLE, "font.family": [*fonts, "DejaVu Sans", "sans-serif"]}
    with matplotlib.rc_context(style):
        figure = Figure(
            figsize=(9.6, 1.75 + 0.15 * (1 + words.note.count("\n")) + 0.36 * max(len(bars), 1)), layout="constrained"
        )
        axis = figure.subplots()
        _bars(axis, bars, list(words.legend))
        axis.set_xlabel(words.axis, loc="left", parse_math=False)
        handles = [matplotlib.patches.Patch(color=COLOURS[part], label=name) for part, name in words.legend.items()]
        legend = figure.legend(
            handles=handles, title=words.title, loc="outside upper left", ncols=len(handles), frameon=False,
            alignment="left", title_fontsize=11, fontsize=8.5, handlelength=1.0, handleheight=1.0,
        )  # fmt: skip
        legend.get_title().set_color(INK)
        figure.supxlabel(words.note, x=0.01, ha="left", fontsize=7.5, color="#4a5560", parse_math=False)
        return _saved(figure, form)


def _bars(axis: Axes, bars: Sequence[Bar], parts: list[str]) -> None:
    from matplotlib.ticker import MaxNLocator

    most = max((sum(bar.counts.values()) for bar in bars), default=0) or 1
    for row, bar in enumerate(bars):
        left = 0
        for part in parts:
            count = bar.counts.get(part, 0)
            if not count:
                continue
            axis.barh(row, count, left=left, height=0.68, color=COLOURS[part], edgecolor="white", linewidth=0.8)
            if count / most > 0.014 * len(str(count)):
                ink = "white" if part in LIGHT_INK else INK
                axis.text(left + count / 2, row, str(count), ha="center", va="center", color=ink, fontsize=8)
            left += count
        axis.text(left + 0.01 * most, row, bar.note, va="center", color=INK, fontsize=8, parse_math=False)
    axis.set_yticks(range(len(bars)), [_short(bar.name) for bar in bars], parse_math=False)
    axis.set_ylim(len(bars) - 0.4, -0.6)
    axis.set_xlim(0, 1.32 * most)  # room for the notes
    axis.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    axis.set_xticks([tick for tick in axis.get_xticks() if 0 <= tick <= most])
    axis.grid(True, axis="x")
    axis.set_axisbelow(True)
    axis.tick_params(axis="y", length=0)
    axis.spines[["top", "right", "left"]].set_visible(False)


def _saved(figure: Figure, form: str) -> bytes:
    drawn = io.BytesIO()
    metadata = {"svg": {"Date": None, "Creator": None, "Format": None, "Type": None}, "png": {"Software": None}}[form]
    figure.savefig(drawn, format=form, dpi=160, metadata=metadata)
    return drawn.getvalue()


def _is_wide(character: str) -> bool:
    return unicodedata.east_asian_width(character) in "WF"


def _short(name: str) -> str:
    """Return a name on one line, cut to `NAME_WIDTH`."""
    kept, width = "", 0
    for character in shown(name):
        width += 1 + _is_wide(character)
        if width > NAME_WIDTH:
            return f"{kept}…"
        kept += character
    return kept

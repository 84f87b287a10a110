"""Measured curves around a finding, drawn as SVG; it and `bars.py` import matplotlib, and only when they draw."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.features.schema import TABLES
from pipeline.model import Curve, Features, Finding, Level, Span
from pipeline.report.envelope import Series, envelope, series
from pipeline.report.offsets import Band, Offsets, offsets, readings

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_CURVES = 4
BINS = 700
"""Stretches of time in which a long curve keeps its extremes: about one for each pixel of the plot."""
INK, CURVE, THRESHOLD, SPAN = "#20262d", "#1f5f8b", "#b3400e", "#e9b44c"
UNREAD = "#d3d9df"
LEVELS = {Level.VIOLATION: "#b3261e", Level.SUSPECT: "#c77700", Level.NOTE: "#4b6fa5"}
"""Colours of findings, as in the style sheet."""
MOST_NAMED = 16
"""Findings whose ids stand above the curve of the clock; more would cover each other."""
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",  # text stays text, in the fonts of the reader's browser
    "svg.hashsalt": "unbroken",
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.edgecolor": "#9aa5b1",
    "axes.linewidth": 0.7,
    "axes.labelcolor": INK,
    "xtick.color": "#4a5560",
    "ytick.color": "#4a5560",
    "grid.color": "#e3e8ed",
    "grid.linewidth": 0.6,
}


def window(span: Span, duration_s: float) -> tuple[float, float]:
    """Return the stretch of time, in seconds, that a plot around a span shows."""
    margin = min(max(1.5, 1.5 * (span.stop_s - span.start_s)), 60.0)
    return max(0.0, span.start_s - margin), max(min(duration_s, span.stop_s + margin), span.stop_s)


def drawable(finding: Finding, features: Features) -> dict[str, tuple[Curve, Series]]:
    """Return the measured curves that a finding rests on, as far as they can be drawn, by name."""
    found = {
        label: (curve, points) for curve in finding.curves for label, points in _series(features, curve.column).items()
    }
    return dict(list(found.items())[:MOST_CURVES])


def _series(features: Features, column: str) -> dict[str, Series]:
    """Return the series of a column; of the clock, how far it is ahead of the stream: it would rise evenly else."""
    if column != "frames.clock_s":
        return series(features, column)
    read = readings(features)
    curve = offsets(read) if read is not None else None
    return {} if curve is None else {"frames.clock_s − frames.time_s": (curve.times_s, curve.values_s)}


def draw(finding: Finding, features: Features, near: Path, whole: Path) -> bool:
    """Draw the curves of a finding twice: around its span, and over the whole clip.

    Parameters
    ----------
    finding : Finding
        Its `curves` name the columns and thresholds, its span is shaded.
    features : Features
        The measured tables.
    near, whole : Path
        SVG files to write.

    Returns
    -------
    bool
        False, and no file, where none of the columns can be drawn.
    """
    curves = drawable(finding, features)
    if not curves:
        return False
    duration_s = features.duration_s()
    for path, limits, width_in in ((near, window(finding.span, duration_s), 6.6), (whole, None, 4.0)):
        path.write_bytes(_figure(curves, finding.span, limits, width_in))
    return True


def _figure(
    curves: dict[str, tuple[Curve, Series]], span: Span, limits: tuple[float, float] | None, width_in: float
) -> bytes:
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(width_in, 0.45 + 1.35 * len(curves)), layout="constrained")
        axes = figure.subplots(len(curves), 1, sharex=True, squeeze=False)[:, 0]
        for axis, (label, (curve, points)) in zip(axes, curves.items(), strict=True):
            interval = curve.column.endswith(".time_s")
            _curve(axis, points, limits, interval)
            if curve.threshold is not None and np.isfinite(curve.threshold):
                axis.axhline(curve.threshold, color=THRESHOLD, linewidth=1.1, linestyle=(0, (5, 2.5)))
                place = axis.get_yaxis_transform()
                axis.text(
                    1.005, curve.threshold, f"{curve.threshold:.4g}", color=THRESHOLD, transform=place, va="center"
                )
            axis.axvspan(span.start_s, span.stop_s, color=SPAN, alpha=0.42, linewidth=0)
            axis.axvline(span.start_s, color=SPAN, linewidth=1.0)
            axis.set_title(
                f"{'Δ ' if interval else ''}{label}{_unit(curve.column)}", loc="left", fontsize=9, color=INK, pad=4
            )
            axis.grid(True)
            axis.spines[["top", "right"]].set_visible(False)
            axis.margins(y=0.12)
        if limits is not None and limits[0] < limits[1]:
            axes[-1].set_xlim(*limits)
        axes[-1].set_xlabel("s")
        return _svg(figure)


def _svg(figure: Figure) -> bytes:
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    FigureCanvasSVG(figure)
    drawn = io.BytesIO()
    figure.savefig(drawn, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    return drawn.getvalue()


def _curve(axis: Axes, points: Series, limits: tuple[float, float] | None, interval: bool) -> None:
    times, values = points
    if limits is not None:
        margin = limits[1] - limits[0]
        inside = (times >= limits[0] - margin) & (times <= limits[1] + margin)
        times, values = times[inside], values[inside]
        if not len(times):
            return
    if len(times) > 3 * BINS:
        middles, lowest, highest = envelope(times, values, BINS)
        axis.fill_between(middles, lowest, highest, color=CURVE, linewidth=0.6)
        return
    marker = "." if len(times) < 160 and not interval else None
    style = "steps-pre" if interval else "default"  # an interval holds from the row before to this one
    axis.plot(times, values, color=CURVE, linewidth=1.0, marker=marker, markersize=4, drawstyle=style)


def _unit(column: str) -> str:
    table, _, name = column.partition(".")
    unit = next((spec.unit for spec in TABLES.get(table, ()) if spec.name == name), "-")
    return "" if unit in {"-", "1"} else f"  ({unit})"


def draw_offsets(curve: Offsets, duration_s: float, findings: Sequence[Finding], path: Path) -> None:
    """Draw how the burned-in clock runs against the presentation time, as SVG.

    Each dot is a change of the clock. Where the offsets lie far apart the axis is broken into one part for each level,
    so that a jump of hours does not flatten steps of a few pictures.

    Parameters
    ----------
    curve : Offsets
        The measured offsets.
    duration_s : float
        Length of the clip.
    findings : sequence of Finding
        Findings about the clock; their spans are shaded in the colour of their level, their ids stand above.
    path : Path
        SVG file to write.
    """
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(STYLE):
        broken = len(curve.bands) > 1
        figure = Figure(figsize=(10.6, 1.0 + 1.3 * len(curve.bands) + 0.5 * (not broken)), layout="constrained")
        axes = figure.subplots(len(curve.bands), 1, sharex=True, squeeze=False)[:, 0]
        for number, (axis, band) in enumerate(zip(axes, curve.bands, strict=True)):
            _band(axis, curve, band, f"offsets-{number}")
            for finding in findings:
                span, colour = finding.span, LEVELS[finding.level]
                axis.axvspan(span.start_s, span.stop_s, color=colour, alpha=0.22, linewidth=0)
                axis.axvline(span.start_s, color=colour, linewidth=1.0, alpha=0.7)
            if number:
                axis.spines["top"].set(visible=True, linestyle=(0, (2, 3)))
            if number < len(axes) - 1:
                axis.spines["bottom"].set_visible(False)
                axis.tick_params(bottom=False)
        for finding in findings[:MOST_NAMED]:
            place = axes[0].get_xaxis_transform()
            axes[0].text(
                finding.span.start_s, 1.02, finding.id, color=LEVELS[finding.level], transform=place, fontsize=8
            )
        axes[-1].set_xlim(0.0, max(duration_s, 1e-3))
        axes[-1].set_xlabel("s")
        figure.supylabel("Δ s", fontsize=9, color=INK)
        path.write_bytes(_svg(figure))


def _band(axis: Axes, curve: Offsets, band: Band, gid: str) -> None:
    """Draw one part of the axis; the curve is not drawn across what was not read."""
    inside = (curve.values_s >= band.low_s) & (curve.values_s <= band.high_s)
    times, values = curve.times_s, np.where(inside, curve.values_s, np.nan)
    breaks = [start_s for start_s, _ in curve.unread]
    axis.broken_barh([(start, stop - start) for start, stop in curve.unread], (0, 1),
                     transform=axis.get_xaxis_transform(), color=UNREAD, linewidth=0)  # fmt: skip
    axis.axhline(0.0, color="#9aa5b1", linewidth=0.7)
    if len(times) > 3 * BINS:
        middles, lowest, highest = envelope(times, values, BINS)
        axis.fill_between(middles, lowest, highest, color=CURVE, linewidth=1.2, gid=gid)
    else:
        at = np.searchsorted(times, breaks)
        times, values = np.insert(times, at, breaks), np.insert(values, at, np.nan)
        size = 5 if len(times) < 160 else 3
        axis.plot(times, values, color=CURVE, linewidth=0.8, marker=".", markersize=size, gid=gid)
    axis.set_ylim(band.low_s, band.high_s)
    axis.ticklabel_format(axis="y", style="plain", useOffset=False)
    axis.grid(True)
    axis.spines[["top", "right"]].set_visible(False)

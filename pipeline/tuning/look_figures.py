"""Drawing one clip: aligned panels over one axis of time, findings as bands of their level, pictures above."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.media.stills import Still, pictures_at
from pipeline.model import Examination, Features, Finding, Level
from pipeline.report.envelope import series
from pipeline.report.offsets import offsets, readings
from pipeline.report.plots import STYLE
from pipeline.report.stills import stream_of, wanted_for

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLACK, ORANGE, SKY, GREEN, YELLOW, BLUE, RED, PURPLE = (
    *("#000000", "#E69F00", "#56B4E9", "#009E73"),
    *("#F0E442", "#0072B2", "#D55E00", "#CC79A7"),
)
"""Colours that the colour-blind can tell apart: M. Okabe, K. Ito, "Color Universal Design" (2008)."""
LEVELS = {Level.VIOLATION: RED, Level.SUSPECT: ORANGE, Level.NOTE: SKY}
TYPES = {"I": BLACK, "P": BLUE, "B": SKY}
WIDTH_IN = 11.5
PICTURES = 10
"""In the strip."""
NARROW = 0.004
"""Share of the axis that a finding takes at least, so that it can be seen."""
GREY = "#c9d0d6"

# title, unit, columns with their names and colours
PANELS: tuple[tuple[str, str, tuple[tuple[str, str, str], ...]], ...] = (
    (
        "Change from picture to picture",
        "grey levels",
        (("frames.luma_diff_max", "most changed tile", GREY), ("frames.luma_diff", "mean", BLUE)),
    ),
    ("Brightness histogram, distance from the picture before", "share", (("frames.hist_distance", "", PURPLE),)),
    (
        "Motion (optical flow)",
        "px of 160",
        (("frames.flow_change", "change of motion", ORANGE), ("frames.flow_speed", "speed", GREEN)),
    ),
    (
        "Left after undoing the motion",
        "grey levels",
        (("frames.residual", "of the camera", GREY), ("frames.flow_residual", "of every point", RED)),
    ),
    ("Sound, level", "dBFS", (("sound.rms_dbfs", "", BLUE),)),
    ("Sound, odds of a joint", "log odds", (("sound.break_score", "", PURPLE),)),
)


def curves(examination: Examination, folder: Path) -> Figure:
    """Return the figure of all curves; what was not measured has no panel.

    Parameters
    ----------
    examination : Examination
    folder : Path
        For the pictures of the strip, until the figure is made.
    """
    import matplotlib
    from matplotlib.figure import Figure

    features = examination.features
    duration_s = max(features.duration_s(), 1e-3)
    rows = _rows(examination)
    found = sorted(
        _spanning(examination.findings, duration_s), key=lambda f: (list(Level).index(f.level), f.span.start_s)
    )
    kinds = list(dict.fromkeys(finding.kind for finding in found))
    heights = [1.0, 0.17 * max(len(kinds), 1) + 0.1, *(row[1] for row in rows)]
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH_IN, sum(heights) + 0.3 * len(heights)), layout="constrained")
        figure.get_layout_engine().set(hspace=0.02, h_pad=0.03)  # type: ignore[union-attr, call-arg]
        axes = figure.subplots(len(heights), 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0]
        spectrum = axes[-1] if _has_sound(examination) else None
        _strip(axes[0], examination, folder, duration_s)
        _lanes(axes[1], found, kinds, duration_s)
        for axis, (draw, _) in zip(axes[2:], rows, strict=True):
            draw(axis)
            for finding in found:
                if finding.level is not Level.NOTE:
                    _band(axis, finding, duration_s)
            axis.grid(axis is not spectrum, axis="x")
        for axis in axes:
            axis.spines[["top", "right"]].set_visible(False)
            axis.tick_params(labelbottom=False, length=2)
        figure.align_ylabels(axes[2:])
        axes[-1].tick_params(labelbottom=True)
        axes[-1].set_xlim(0.0, duration_s)
        axes[-1].set_xlabel("presentation time (s)")
    return figure


def _rows(examination: Examination) -> list[tuple[Any, float]]:
    """Return what draws each panel that something was measured for, with its height in inches."""
    features = examination.features
    rows: list[tuple[Any, float]] = []
    for title, unit, columns in PANELS[:4]:
        if any(series(features, column) for column, _, _ in columns):
            rows.append((lambda axis, t=title, u=unit, c=columns: _lines(axis, features, t, u, c), 0.85))
    if features.has("frames.time_s") and features["frames"].rows:
        rows.append((lambda axis: _packets(axis, features), 0.95))
        rows.append((lambda axis: _steps(axis, features), 0.7))
    read = readings(features)
    clock = offsets(read) if read is not None else None
    if clock is not None:
        rows.append((lambda axis: _clock(axis, clock), 0.7))
    for title, unit, columns in PANELS[4:]:
        if any(series(features, column) for column, _, _ in columns):
            rows.append((lambda axis, t=title, u=unit, c=columns: _lines(axis, features, t, u, c), 0.75))
    if _has_sound(examination):
        rows.append((lambda axis: _spectrogram(axis, examination.sound), 1.0))  # type: ignore[arg-type]
    return rows


def _has_sound(examination: Examination) -> bool:
    return examination.sound is not None and examination.sound.is_file()


def _spanning(findings: Iterable[Finding], duration_s: float) -> list[Finding]:
    """Return the findings that say where: those over nearly all of the clip stand in the table alone."""
    return [f for f in findings if f.span.stop_s - f.span.start_s < 0.9 * duration_s or f.level is not Level.NOTE]


def _edges(finding: Finding, duration_s: float) -> tuple[float, float]:
    span = finding.span
    least = NARROW * duration_s
    middle = (span.start_s + span.stop_s) / 2
    half = max(span.stop_s - span.start_s, least) / 2
    return max(0.0, middle - half), min(duration_s, middle + half)


def _band(axis: Axes, finding: Finding, duration_s: float) -> None:
    axis.axvspan(*_edges(finding, duration_s), color=LEVELS[finding.level], alpha=0.28, linewidth=0, zorder=0)


def _title(axis: Axes, title: str, unit: str) -> None:
    axis.set_title(title, loc="left", fontsize=9, pad=3)
    axis.set_ylabel(unit, fontsize=8)


def _legend(axis: Axes, **given: Any) -> None:
    """Put the legend above the panel, at its right end, beside the title."""
    place: dict[str, Any] = {
        "loc": "lower right",
        "bbox_to_anchor": (1.0, 0.97),
        "borderaxespad": 0.0,
        "handlelength": 1.2,
    }
    axis.legend(frameon=False, fontsize=8, ncols=6, **place, **given)


def _lanes(axis: Axes, found: Sequence[Finding], kinds: Sequence[str], duration_s: float) -> None:
    for finding in found:
        start_s, stop_s = _edges(finding, duration_s)
        lane = kinds.index(finding.kind)
        axis.barh(lane, stop_s - start_s, left=start_s, height=0.7, color=LEVELS[finding.level])
    axis.set_yticks(range(len(kinds)), kinds, fontsize=8)
    axis.set_ylim(max(len(kinds), 1) - 0.4, -0.6)
    axis.set_title("Findings", loc="left", fontsize=9, pad=3)
    handles = [axis.barh(0, 0, color=colour, label=level.value) for level, colour in LEVELS.items()]
    _legend(axis, handles=handles)


def _lines(axis: Axes, features: Features, title: str, unit: str, columns: Iterable[tuple[str, str, str]]) -> None:
    named = False
    for column, name, colour in columns:
        for times, values in series(features, column).values():
            axis.plot(times, values, color=colour, linewidth=1.0, label=name)
            named |= bool(name)
    _title(axis, title, unit)
    if named:
        _legend(axis)


def _packets(axis: Axes, features: Features) -> None:
    frames = features["frames"]
    found = stream_of(features)
    packets = features["packets"] if features.has("packets.size_bytes") and found is not None else None
    if packets is None or found is None:
        return
    packets = packets.where(packets["stream"] == found[0])
    order = np.argsort(packets["time_s"], kind="stable")
    times, sizes = packets["time_s"][order], packets["size_bytes"][order] / 1000
    types = dict(zip(np.round(frames["time_s"], 4), frames["picture_type"], strict=True))
    drawn = np.array([types.get(round(time, 4), "?") for time in times])
    width = 0.8 * float(np.nanmedian(np.diff(times))) if len(times) > 1 else 0.03
    for name, colour in (*TYPES.items(), ("?", GREY)):
        of = drawn == name
        if of.any():
            axis.bar(
                times[of],
                sizes[of],
                width,
                color=colour,
                edgecolor=colour,
                linewidth=0.8 if name == "I" else 0.0,
                align="edge",
                label={"?": "not shown"}.get(name, name),
            )
    keys = packets["key"][order].astype(bool)
    axis.plot(times[keys] + width / 2, sizes[keys], "v", color=RED, markersize=4, label="key picture",
              clip_on=False)  # fmt: skip
    axis.set_yscale("log")
    _title(axis, "Packets of pictures, by type", "kB")
    _legend(axis)


def _steps(axis: Axes, features: Features) -> None:
    times = features["frames"]["time_s"]
    axis.step(times[1:], 1000 * np.diff(times), where="pre", color=BLACK, linewidth=1.0)
    usual = 1000 * float(np.nanmedian(np.diff(times))) if len(times) > 1 else 0.0
    low, high = axis.get_ylim()
    axis.set_ylim(min(low, 0.5 * usual), max(high, 1.5 * usual))
    _title(axis, "Time from picture to picture", "ms")


def _clock(axis: Axes, clock: Any) -> None:
    axis.axhline(0.0, color=GREY, linewidth=0.8)
    breaks = [leap.time_s for leap in clock.leaps] + [start_s for start_s, _ in clock.unread]
    at = np.searchsorted(clock.times_s, sorted(breaks))  # no line across what was leapt over, or not read
    times, values = np.insert(clock.times_s, at, sorted(breaks)), np.insert(clock.values_s, at, np.nan)
    axis.plot(times, values, "o-", color=GREEN, markersize=3.5, linewidth=0.9)
    reach = max(0.25, 1.15 * float(np.abs(clock.values_s).max(initial=0.0)))
    axis.set_ylim(-reach, reach)
    _title(axis, "Burned-in clock against presentation time, at each of its ticks", "s")


def _spectrogram(axis: Axes, path: Path) -> None:
    import soundfile
    from scipy.signal import spectrogram

    samples, rate = soundfile.read(path, dtype="float32")
    step = max(160, len(samples) // 2000)  # about two columns a pixel
    pitch, times, power = spectrogram(samples, rate, nperseg=max(512, step), noverlap=max(512, step) - step)
    level = 10 * np.log10(power + 1e-12)
    low, high = np.percentile(level, (20, 99.7))
    axis.pcolormesh(times, pitch / 1000, level, cmap="cividis", vmin=low, vmax=high, shading="nearest", rasterized=True)
    _title(axis, "Sound, spectrogram (as speech recognition hears it)", "kHz")


def _strip(axis: Axes, examination: Examination, folder: Path, duration_s: float) -> None:
    """Draw pictures side by side, each over the stretch of time that it stands in the middle of."""
    axis.set_yticks([])
    axis.spines["left"].set_visible(False)
    middles = (np.arange(PICTURES) + 0.5) * duration_s / PICTURES
    made = _pictures(examination, middles.tolist(), folder, 320)
    axis.set_ylim(0, 1)
    half = 0.485 * duration_s / PICTURES
    for time_s, still in made.items():
        picture = _read(still)
        axis.imshow(picture, extent=(time_s - half, time_s + half, 0, 1), aspect="auto", interpolation="bilinear")
    axis.set_xlim(0.0, duration_s)
    text = f"{examination.footage.path.name} · {examination.profile} · {examination.verdict.value}"
    axis.set_title(text, loc="left", fontsize=11, pad=6)


def stills(examination: Examination, findings: Sequence[Finding], folder: Path, most: int) -> Figure:
    """Return the pictures that the report shows for the gravest findings, a row each; as many findings as `most`."""
    import matplotlib
    from matplotlib.figure import Figure

    said = _spanning(findings, max(examination.features.duration_s(), 1e-3))
    wanted = {f.id: [one for one in wanted_for(f, examination.features) if not one.hidden] for f in said}
    shown = [finding for finding in said if wanted[finding.id]][:most]
    times = [one.time_s for finding in shown for one in wanted[finding.id]]
    made = _pictures(examination, times, folder, 480)
    columns = max([2, *(len(wanted[finding.id]) for finding in shown)])
    with matplotlib.rc_context(STYLE):
        figure = Figure(
            figsize=(WIDTH_IN, (0.5 + 0.57 * WIDTH_IN / columns) * max(len(shown), 1)), layout="constrained"
        )
        axes = figure.subplots(max(len(shown), 1), columns, squeeze=False)
        for axis in axes.ravel():
            axis.set_axis_off()
        for row, finding in zip(axes, shown, strict=False):
            for axis, one in zip(row, wanted[finding.id], strict=False):
                if (still := made.get(one.time_s)) is not None:
                    axis.imshow(_read(still))
                axis.set_title(f"{one.role}, {one.time_s:.3f} s", fontsize=9, loc="left", pad=2)
            row[0].text(0.0, 1.08, f"{finding.id}  {finding.kind}", transform=row[0].transAxes, fontsize=10,
                        fontweight="bold", color=LEVELS[finding.level])  # fmt: skip
    return figure


def _pictures(examination: Examination, times_s: Sequence[float], folder: Path, longest_px: int) -> dict[float, Still]:
    stream = stream_of(examination.features)
    if stream is None or not examination.footage.is_unchanged():
        return {}
    return pictures_at(examination.footage.path, times_s, folder, *stream, still_width_px=longest_px)


def _read(still: Still) -> Any:
    import cv2

    picture = cv2.imdecode(np.frombuffer(still.path.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)

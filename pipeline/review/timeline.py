"""All that stands below the player on one time axis, from the tables of a clip and its document; nothing is decoded."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.features.schema import TABLES
from pipeline.language import Language, language
from pipeline.model import Features, Finding, Level, Message, Span
from pipeline.report.envelope import Series, series
from pipeline.report.json_v1 import plain
from pipeline.report.offsets import Offsets, offsets, readings
from pipeline.report.timeline import in_notice
from pipeline.report.wording import LEVELS, N_, title
from pipeline.review.lanes import Window, key_frames_lane, landmarks_lane, texts_lane, words_lane
from pipeline.review.thinning import Floats, thin

BASE = ("frames.luma_diff", "sound.rms_dbfs")
"""Curves that are shown of every clip."""
CLOCK = "frames.clock_s"
"""Shown as how far it is ahead of the stream: it would rise evenly else."""
MOST_CURVES = 8
"""Curves that are shown unasked; the rest can be asked for."""
MOST_FINDINGS = 1000
"""Findings of one answer; the gravest are kept."""
LABELS = {
    "frames.clock_score": N_("Likeness of the clock's figures to themselves"),
    "frames.flow_residual": N_("Difference from the picture before, optical flow undone"),
    "frames.flow_speed": N_("Speed of the motion in the picture"),
    "frames.hist_distance": N_("Change of the brightness histogram"),
    "frames.luma_diff": N_("Change of the picture"),
    "frames.luma_p99": N_("Brightness of the brightest parts"),
    "frames.luma_std": N_("Contrast of the picture"),
    "frames.residual": N_("Difference from the picture before, global motion undone"),
    "frames.shift_response": N_("Agreement with the picture before, shifted"),
    "frames.skip_diff": N_("Difference from the picture before the last"),
    "frames.time_s": N_("Time from picture to picture"),
    "landmarks.inliers": N_("Agreeing features of a reference photo"),
    "packets.dts_s": N_("Decoding time of the packets"),
    "packets.time_s": N_("Presentation time from packet to packet"),
    "sound.break_score": N_("Trace of a joint in the sound"),
    "sound.rms_dbfs": N_("Level of the sound"),
    "sound.zero_fraction": N_("Share of digital silence"),
    "voice.probability": N_("Probability of speech"),
    "voice.snr_db": N_("Speech over its surroundings"),
    "words.probability": N_("Probability of the words"),
}
"""What the curves are called that detectors name; another has the name of its column."""
STREAMS = {"video": N_("pictures"), "audio": N_("sound")}


def timeline(
    features: Features,
    document: Mapping[str, Any],
    start_s: float,
    stop_s: float,
    points: int = 1000,
    words: Language | None = None,
    columns: Iterable[str] | None = None,
) -> dict[str, Any]:
    """Return what a stretch of a clip's timeline shows, as `Timeline.window` does."""
    return Timeline(features, document).window(start_s, stop_s, points, words, columns)


class Timeline:
    """The timeline of one clip: its curves are sorted and measured once, then any stretch is asked for.

    Parameters
    ----------
    features : Features
        The tables of the clip; those that are absent were not measured.
    document : mapping
        The clip's result in the public form (`docs/contract.md`), as `json.loads` gives it.
    """

    def __init__(self, features: Features, document: Mapping[str, Any]) -> None:
        self._features, self._document = features, document
        self._series: dict[str, dict[str, Series]] = {}
        self._found = [(told, found) for told in document.get("findings", ()) if (found := _finding(told)) is not None]

    def window(
        self,
        start_s: float,
        stop_s: float,
        points: int = 1000,
        words: Language | None = None,
        columns: Iterable[str] | None = None,
    ) -> dict[str, Any]:
        """Return what a stretch of the timeline shows.

        Parameters
        ----------
        start_s, stop_s : float
            The stretch in seconds of the presentation timeline, `start_s` < `stop_s`.
        points : int
            How many samples or buckets a curve, and entries a lane, may have; 1 or more.
        words : Language, optional
            The reader's language, in which legends are told; English if it is not given.
        columns : iterable of str, optional
            Curves to show (`table.column`); those that were not measured are left out. Not given: what the findings of
            the clip rest on, the gravest first, and `BASE`.

        Returns
        -------
        dict
            Values for JSON, as `docs/review-media.md` lists them. What was not measured is None, what was looked for
            and not found is empty.

        Raises
        ------
        ValueError
            If the stretch has no length or is not finite, or `points` is less than 1.
        """
        if not (math.isfinite(start_s) and math.isfinite(stop_s) and start_s < stop_s and points >= 1):
            raise ValueError(f"no stretch of time: {start_s} .. {stop_s} s in {points} points")
        words = words or language("en")
        window = (start_s, stop_s, points)
        chosen = self._chosen() if columns is None else list(dict.fromkeys(columns))
        names = {
            "words": N_("Words"),
            "texts": N_("Text in the picture"),
            "landmarks": N_("Landmarks"),
            "key_frames": N_("Key frames"),
        }
        lanes = {
            "words": None if self._notice is None else words_lane(self._features["words"], self._notice, window),
            "texts": texts_lane(self._features, window),
            "landmarks": landmarks_lane(self._features, window),
            "key_frames": None if self._key_frames is None else key_frames_lane(self._key_frames, window),
        }
        return {
            "start_s": start_s,
            "stop_s": stop_s,
            "duration_s": self._duration_s,
            "points": points,
            **self._findings(window, words),
            "notice": [plain(told["span"]) for told, found in self._found if found.kind.startswith("notice-")],
            "curves": [curve for column in chosen for curve in self._curves(column, window, words)],
            "waveform": self._waveform(window, words),
            "clock": self._clock(window, words),
            **{name: lane and {"label": words.text(names[name]), **lane} for name, lane in lanes.items()},
            "gaps": list(self._document.get("examined", {}).get("gaps", ())),
        }

    @cached_property
    def _notice(self) -> NDArray[np.bool_] | None:
        """Which words lie where the notice was found; None if speech was not looked for."""
        return in_notice(self._features, [f for _, f in self._found]) if "words" in self._features else None

    @cached_property
    def _duration_s(self) -> float:
        return self._features.duration_s()

    def _chosen(self) -> list[str]:
        """Return the columns that are shown unasked."""
        weight = {level: place for place, level in enumerate(Level)}
        ranked = sorted(self._found, key=lambda pair: weight[pair[1].level])
        named = [str(curve["column"]) for told, _ in ranked for curve in told.get("curves", ())]
        return list(dict.fromkeys([*[n for n in dict.fromkeys(named) if n != CLOCK][:MOST_CURVES], *BASE]))

    def _findings(self, window: Window, words: Language) -> dict[str, Any]:
        weight = {level: place for place, level in enumerate(Level)}
        inside = [(t, f) for t, f in self._found if f.span.start_s <= window[1] and f.span.stop_s >= window[0]]
        inside.sort(key=lambda pair: weight[pair[1].level])
        kept = sorted(inside[:MOST_FINDINGS], key=lambda pair: (pair[1].span.start_s, pair[1].span.stop_s))
        shown = [
            {
                **{name: told.get(name) for name in ("id", "kind", "level", "score", "detector", "summary")},
                "title": title(found.kind, words),
                "level_name": words.text(LEVELS[found.level]),
                **{name: told["span"].get(name) for name in ("start_s", "stop_s", "first_frame", "stop_frame")},
                "columns": [curve["column"] for curve in told.get("curves", ())],
            }
            for told, found in kept
        ]
        return {"findings": shown, "findings_left_out": len(inside) - len(kept)}

    def _curves(self, column: str, window: Window, words: Language) -> list[dict[str, Any]]:
        if column not in self._series:
            self._series[column] = series(self._features, column)
        named = words.text(N_("Threshold of {detector}"))
        return [
            {
                "name": name,
                "column": column,
                "label": label(column, name, words),
                "unit": unit(column),
                "interval": _is_interval(column),
                "thresholds": [
                    {"value": value, "detector": detector, "label": named.format(detector=detector), "findings": ids}
                    for (value, detector), ids in sorted(self._thresholds.get(column, {}).items())
                ],
                "samples": thin(points[0], points[1], *window),
            }
            for name, points in self._series[column].items()
        ]

    @cached_property
    def _thresholds(self) -> dict[str, dict[tuple[float, str], list[str]]]:
        """Column → threshold and detector, each once → the findings that crossed it."""
        lines: dict[str, dict[tuple[float, str], list[str]]] = {}
        for told, found in self._found:
            for curve in told.get("curves", ()):
                if isinstance(value := curve.get("threshold"), int | float):
                    line = lines.setdefault(str(curve["column"]), {})
                    line.setdefault((float(value), str(told.get("detector"))), []).append(found.id)
        return lines

    @cached_property
    def _amplitudes(self) -> dict[str, Series] | None:
        """Levels of the sound as shares of full scale; None if there is no table of the sound."""
        if not self._features.has("sound.peak_dbfs"):
            return None
        found = {name: series(self._features, f"sound.{name}_dbfs") for name in ("peak", "rms")}
        none = (np.empty(0), np.empty(0))
        levels = {name: found[name].get(f"sound.{name}_dbfs", none) for name in found}
        return {name: (times, 10.0 ** (values / 20.0)) for name, (times, values) in levels.items()}

    def _waveform(self, window: Window, words: Language) -> dict[str, Any] | None:
        if self._amplitudes is None:
            return None
        shapes = {name: thin(points[0], points[1], *window) for name, points in self._amplitudes.items()}
        return {"label": words.text(N_("Waveform: peak and mean level of 20 ms each, 1 is full scale")), **shapes}

    @cached_property
    def _offsets(self) -> Offsets | None:
        read = readings(self._features)
        return offsets(read) if read is not None else None

    def _clock(self, window: Window, words: Language) -> dict[str, Any] | None:
        if not self._features.has(CLOCK):
            return None
        curve = self._offsets
        named = {"label": words.text(N_("Burned-in clock less presentation time")), "unit": "s"}
        if curve is None:
            nothing = thin(np.empty(0), np.empty(0), *window)
            return {**named, "samples": nothing, "leaps": [], "unread": [], "undated": 0, "bands": []}
        leaps = [leap for leap in curve.leaps if window[0] <= leap.time_s <= window[1]][: window[2]]
        unread = [span for span in curve.unread if span[0] <= window[1] and span[1] >= window[0]][: window[2]]
        return plain(  # type: ignore[no-any-return]
            {
                **named,
                "samples": thin(curve.times_s, curve.values_s, *window),
                "leaps": [{"time_s": p.time_s, "before_s": p.before_s, "after_s": p.after_s} for p in leaps],
                "unread": [{"start_s": start_s, "stop_s": end_s} for start_s, end_s in unread],
                "undated": curve.undated,
                "bands": [{"low_s": band.low_s, "high_s": band.high_s} for band in curve.bands],
            }
        )

    @cached_property
    def _key_frames(self) -> Floats | None:
        """When key frames are shown, in seconds, ascending; None if neither pictures nor packets are known."""
        for name in ("frames", "packets"):
            if name in self._features:
                table = self._features[name]
                wanted = table["key"].astype(bool) & np.isfinite(table["time_s"])
                if name == "packets" and self._features.has("streams.default"):
                    streams = self._features["streams"]
                    video = streams["stream"][(streams["kind"] == "video") & streams["default"].astype(bool)]
                    wanted &= np.isin(table["stream"], video)
                return np.sort(table["time_s"][wanted].astype(np.float64))
        return None


def label(column: str, name: str, words: Language) -> str:
    """Return what a curve is called; `name` is that of `envelope.series`, which names the stream too."""
    called = words.text(LABELS[column]) if column in LABELS else column
    stream = name.removeprefix(column).strip(" ()")
    return f"{called} ({words.text(STREAMS[stream])})" if stream in STREAMS else called


def unit(column: str) -> str:
    """Return the unit of a column as the schema states it; empty for a bare number, and for a mere range of numbers."""
    table, _, name = column.partition(".")
    found = next((spec.unit for spec in TABLES.get(table, ()) if spec.name == name), "-")
    return "" if found in {"-", "1"} or ".." in found else found


def _is_interval(column: str) -> bool:
    """Tell whether a column is one of times, which are drawn as the interval from the row before."""
    return column.endswith(".time_s")


def _finding(told: Mapping[str, Any]) -> Finding | None:
    """Return a finding of a document as far as lanes need it; None without a span in finite numbers."""
    span: Mapping[str, Any] = told.get("span") or {}
    times: Sequence[Any] = (span.get("start_s"), span.get("stop_s"))
    if not all(isinstance(time, int | float) for time in times) or told.get("level") not in set(Level):
        return None
    place = Span(float(times[0]), float(times[1]), span.get("first_frame"), span.get("stop_frame"))
    return Finding(str(told["kind"]), Level(told["level"]), place, Message(""), id=str(told.get("id")))

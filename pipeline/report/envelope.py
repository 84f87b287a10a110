"""Long measurements drawn in few points, so that no peak is lost."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.model import Features, Table

Series = tuple[NDArray[np.float64], NDArray[np.float64]]


def series(features: Features, column: str) -> dict[str, Series]:
    """Return times in seconds and values of `table.column`, in order of time, by the name of each curve.

    There is one curve, but packets give one for each stream that is examined; none if the column cannot be drawn. Rows
    without a time are left out, rows without a value keep their NaN: a gap in the measurement is shown as one. Times
    themselves are drawn as the interval from the row before, in seconds.
    """
    table_name, _, name = column.partition(".")
    if not features.has(column) or features[table_name][name].dtype.kind not in "biuf":
        return {}
    table = features[table_name]
    parts = {column: table}
    if "stream" in table and features.has("streams.default"):
        streams = features["streams"].where(features["streams"]["default"].astype(bool))
        needed = Table({c: table[c] for c in ("time_s", "start_s", "stop_s", name) if c in table})
        parts = {
            f"{column} ({kind})": needed.where(table["stream"] == number)
            for number, kind in zip(streams["stream"], streams["kind"], strict=True)
        }
    found = {label: _points(part, name) for label, part in parts.items()}
    return {label: points for label, points in found.items() if points is not None}


def _points(table: Table, name: str) -> Series | None:
    clock = next((clock for clock in ("time_s", "start_s") if clock in table), None)
    if clock is None:
        return None
    times, values = table[clock].astype(np.float64), table[name].astype(np.float64)
    known = np.isfinite(times)
    times, values = times[known], values[known]
    if not len(times):
        return None
    order = np.arange(len(times)) if (np.diff(times) >= 0).all() else np.argsort(times, kind="stable")
    times, values = times[order], values[order]
    values = np.diff(times, prepend=np.nan) if name == clock else np.where(np.isfinite(values), values, np.nan)
    if clock == "start_s" and name != clock:  # stretches, not moments: each is level from its start to its stop
        ends = np.minimum(table["stop_s"].astype(np.float64)[known][order], np.append(times[1:], np.inf))
        ends = np.fmax(times, ends)
        times = np.stack([times, ends, ends], 1).ravel()
        values = np.stack([values, values, np.full(len(values), np.nan)], 1).ravel()
    return times, values


def envelope(
    times: NDArray[np.float64], values: NDArray[np.float64], bins: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the lowest and the highest value in each of `bins` equal stretches of time.

    Parameters
    ----------
    times : float64, shape (n,)
        In ascending order, n > 0.
    values : float64, shape (n,)
        NaN: unknown.
    bins : int
        How many stretches; those in which nothing was measured are left out.

    Returns
    -------
    middles, lowest, highest : float64, shape (m,) each, m <= bins
        Middle of the stretch in seconds, and the extremes in it (NaN where all are unknown).
    """
    first, last = times[0], times[-1]
    width = (last - first) / bins or 1.0
    index = np.minimum(((times - first) / width).astype(np.int64), bins - 1)
    starts = np.flatnonzero(np.r_[True, np.diff(index) > 0])
    lowest, highest = np.fmin.reduceat(values, starts), np.fmax.reduceat(values, starts)
    return first + (index[starts] + 0.5) * width, lowest, highest

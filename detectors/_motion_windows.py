"""How every picture stands out from the ones around it: the inputs of the model behind `motion-jump`."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray

from detectors._timeline import neighbours
from pipeline.model import Table

Floats = NDArray[np.float64]

COLUMNS = (
    "luma_diff",
    "hist_distance",
    "shift_response",
    "residual",
    "skip_diff",
    "flow_speed",
    "flow_energy",
    "flow_lag1",
    "flow_lag2",
    "flow_change",
    "flow_change_max",
    "flow_residual",
    "flow_residual_max",
    "flow_cover",
)
"""Columns of `frames` that the inputs are made from."""

REACH = 8
"""Pictures before and after that a picture is compared with."""

_FLOORS = {
    "luma_diff": 0.3,
    "residual": 0.3,
    "flow_residual": 0.3,
    "flow_speed": 0.1,
    "flow_change": 0.1,
    "flow_change_max": 0.1,
    "flow_residual_max": 0.5,
    "hist_distance": 0.01,
    "skip_diff": 0.3,
}
"""Column → what is added before a ratio is taken: noise of that size says nothing."""
_LEVELS = ("luma_diff", "flow_speed", "flow_residual", "residual")
_STUTTER = ("luma_diff", "flow_speed")
_SHARES = ("shift_response", "flow_cover")


def names() -> tuple[str, ...]:
    """Return what each input is called, in order."""
    found = [f"{column} over {other}" for column in _FLOORS for other in ("largest", "usual", "next")]
    found += [f"turn over {other}" for other in ("largest", "usual", "next")]
    found += ["turn", "turn over speed", "agrees before", "agrees after", "others agree"]
    found += [f"stillest {column}" for column in _STUTTER]
    for column in _SHARES:
        found += [column, f"{column} less usual"]
    found += [f"level of {column}" for column in _LEVELS]
    found += ["returns after", "returned before", "unrest", "turn over others apart", "others apart", "calm beside"]
    found += ["calm after", "left over speed", "level of flow_change", "level of flow_change_max"]
    return tuple(found)


def windows(frames: Table) -> Floats:
    """Return the inputs: float64, shape (pictures, inputs); 0 where there is nothing to compare with.

    All ratios are natural logarithms. *Largest*, *usual* and *next* are the largest and the median of the eight
    pictures before and after, and the larger of the two beside. The *turn* is how far the flow is from the mean of the
    flows before and after; *returns* compare a picture with the one before the last; *calm* is how still the pictures
    beside it, and the second one after it, are.
    """
    read = {column: frames[column].astype(np.float64) for column in COLUMNS}
    inputs: list[Floats] = []
    for column, floor in _FLOORS.items():
        inputs += _standing_out(read[column], floor)
    turn, apart, agreements = _turn(read)
    inputs += [*_standing_out(turn, 0.1), np.log(turn + 0.05)]
    inputs += [np.log((turn + 0.1) / (np.sqrt(read["flow_energy"]) + 0.1)), *agreements]
    for column in _STUTTER:
        stillest = _quiet(np.nanmin, neighbours(read[column], 2))
        inputs.append(np.log((stillest + 0.05) / (_usual(read[column]) + 0.05)))
    for column in _SHARES:
        inputs += [read[column], read[column] - _usual(read[column])]
    inputs += [np.log(read[column] + 0.05) for column in _LEVELS]
    diff, skip = read["luma_diff"], read["skip_diff"]
    inputs.append(np.log((_later(skip) + 0.3) / (diff + 0.3)))
    inputs.append(np.log((skip + 0.3) / (diff + 0.3)))
    inputs.append(np.log((_quiet(np.nanmax, neighbours(diff, REACH)) + 0.3) / (_usual(diff) + 0.3)))
    inputs += [np.log((turn + 0.1) / (apart + 0.1)), np.log((apart + 0.1) / (_usual(turn) + 0.1))]
    inputs.append(np.log((np.minimum(_earlier(diff), _later(diff)) + 0.3) / (_usual(diff) + 0.3)))
    change = read["flow_change"]
    inputs.append(np.log((_later(_later(change)) + 0.1) / (_usual(change) + 0.1)))
    inputs.append(np.log((read["flow_residual"] + 0.3) / (read["flow_speed"] + 0.1)))
    inputs += [np.log(read[column] + 0.05) for column in ("flow_change", "flow_change_max")]
    return np.nan_to_num(np.stack(inputs, axis=1), posinf=0.0, neginf=0.0)


def _standing_out(values: Floats, floor: float) -> list[Floats]:
    around = neighbours(values, REACH)
    beside = around[:, REACH - 1 : REACH + 1]
    others = (_quiet(np.nanmax, around), _quiet(np.nanmedian, around), _quiet(np.nanmax, beside))
    return [np.log((values + floor) / (other + floor)) for other in others]


def _turn(read: dict[str, Floats]) -> tuple[Floats, Floats, list[Floats]]:
    """Return how far the flow is from the mean of its neighbours, how far these are apart, and how the three agree."""
    energy, lag1, lag2 = read["flow_energy"], read["flow_lag1"], read["flow_lag2"]
    before, after = _earlier(energy), _later(energy)
    around = (before + after + 2 * _later(lag2)) / 4
    square = energy + around - lag1 - _later(lag1)
    agreements = [
        lag1 / np.sqrt(np.maximum(energy * before, 1e-3)),
        _later(lag1) / np.sqrt(np.maximum(energy * after, 1e-3)),
        _later(lag2) / np.sqrt(np.maximum(before * after, 1e-3)),
    ]
    apart = before + after - 2 * _later(lag2)
    return np.sqrt(np.maximum(square, 0.0)), np.sqrt(np.maximum(apart, 0.0)), agreements


def _usual(values: Floats) -> Floats:
    return _quiet(np.nanmedian, neighbours(values, REACH))


def _earlier(values: Floats) -> Floats:
    return np.concatenate(([np.nan], values[:-1]))[: len(values)]


def _later(values: Floats) -> Floats:
    return np.concatenate((values[1:], [np.nan]))[: len(values)]


def _quiet(what, around: Floats) -> Floats:  # type: ignore[no-untyped-def]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # rows without any known value give NaN, as they should
        return np.asarray(what(around, axis=1), np.float64)

"""Measuring a long clip in slices: each in a confined child of its own, and everything that the join needs kept.

`survey` reads the structure and lets the clock be located, once; `measure_slice` decodes one slice.
`pipeline.features.joining` lays the slices together. Nothing here imports a decoder.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from pipeline.features.cuts import Numbers, Slice, default_stream, packets_of, presented
from pipeline.features.extract import Limits, Locate, Measured, allowance_s, watch
from pipeline.features.kept import ClockPlace
from pipeline.features.schema import to_table
from pipeline.model import Table

_FORETOLD = "foretold.npz"

Progress = Callable[[str, float], None]


def survey(clip: Path, work: Path, progress: Progress, locate: Locate, used: Mapping[str, Any]) -> Measured:
    """Measure what needs no decoding, and let the burned-in clock be located.

    Parameters
    ----------
    clip, work, progress, locate
        As for `pipeline.features.extract.measure`.
    used : mapping
        The settings of stage `media`.

    Raises
    ------
    FootageError
        As `pipeline.features.extract.measure` does.
    """
    return watch(
        clip, work, progress, locate, {"decode": False, "peeks": used["peeks"]}, _limits(used, clip.stat().st_size)
    )


def measure_slice(
    clip: Path,
    work: Path,
    progress: Progress,
    part: Slice,
    tables: Mapping[str, pa.Table],
    clock: ClockPlace | None,
    used: Mapping[str, Any],
) -> Measured:
    """Measure one slice of a clip.

    Parameters
    ----------
    clip, work, progress
        As for `pipeline.features.extract.measure`.
    part : Slice
    tables : mapping
        As from `survey`.
    clock : ClockPlace, optional
        Where the clock stands; None: the clip shows none.
    used : mapping
        The settings of stage `media`.

    Returns
    -------
    Measured
        With `complete` False where the slice does not fit the clip (`pipeline.features.piece`).

    Raises
    ------
    FootageError
        As `pipeline.features.extract.measure` does.
    """
    packets = to_table("packets", tables["packets"])
    streams = to_table("streams", tables["streams"])
    limits = _limits(used, part.bytes)
    if part.heard:
        counts = {
            str(stream): int((~packets_of(packets, int(stream))["discard"]).sum()) for stream in streams["stream"]
        }
        options = {"pictures": False, "sound_s": used["sound_s"], "counts": counts}
        return watch(clip, work, progress, None, options, limits)
    stream = default_stream(streams, "video")
    assert stream is not None
    video = packets_of(packets, stream)
    tick_s = float(streams["time_base_s"][streams["stream"] == stream][0])
    np.savez(work / _FORETOLD, order=presented(video), packets=_marks(video, tick_s))
    piece = {
        "rows": [part.from_row, part.first_row, part.stop_row],
        "from_packet": part.from_packet,
        "windows": [used["read_every_s"], used["dense_every_s"], used["dense_until_s"]],
        "threads": used["decoder_threads"],
        "clock": None if clock is None else asdict(clock),
    }
    return watch(clip, work, progress, None, {"piece": piece}, limits)


def _marks(video: Table, tick_s: float) -> Numbers:
    """Return by what the packets are known, as `pipeline.features.piece` does: int64, shape (packets, 6)."""
    durations = np.round(np.nan_to_num(video["duration_s"]) / tick_s)
    positions = np.nan_to_num(video["position_bytes"], nan=-1)
    columns = (video["pts"], durations, video["size_bytes"], positions, video["key"], video["discard"])
    return np.stack([column.astype(np.int64) for column in columns], axis=1)


def _limits(used: Mapping[str, Any], size_bytes: int) -> Limits:
    cpu_s = allowance_s(size_bytes, used["cpu_s"], used["cpu_s_per_mb"])
    return Limits("media", used["stall_s"], used["memory_mb"], cpu_s, used["file_mb"])

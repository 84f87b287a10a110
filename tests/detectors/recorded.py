"""Tables of a case record and what lies beside the clip, written by hand."""

from __future__ import annotations

from pipeline.features.schema import table
from pipeline.model import Features, Table


def case(**values: object) -> Table:
    """Return a case record; `exemption__code` stands for `exemption.code`, a list gives a row for each entry."""
    rows = [
        {"field": name.replace("__", "."), "value": entry}
        for name, value in values.items()
        for entry in (value if isinstance(value, list) else [value])
    ]
    return table("case", rows)


def clip(record: Table, **tables: list[dict[str, object]]) -> Features:
    """Return the tables of a clip of 60 s that is called a.mp4."""
    sound = {"time_s": 0.0, "duration_s": 60.0, "rms_dbfs": -30.0}
    rows = {"sound": [sound], "file": [{"name": "a.mp4", "sha256": "a" * 64}], "findings": []} | tables
    return Features({"case": record} | {name: table(name, content) for name, content in rows.items()})


def words(*said: tuple[float, str]) -> list[dict[str, object]]:
    """Return words that begin at a time and last half a second."""
    return [{"start_s": at, "stop_s": at + 0.5, "text": text, "probability": 0.9} for at, text in said]


def text(shown: str, **other: object) -> dict[str, object]:
    """Return a text that was read well on a sign in the first picture."""
    box = {"left": 0.3, "top": 0.3, "right": 0.6, "bottom": 0.35, "height_px": 40.0, "sharpness": 300.0}
    return (
        {"frame": 0, "time_s": 2.0, "text": shown, "confidence": 0.95, "overlay": False, "document": False}
        | box
        | other
    )

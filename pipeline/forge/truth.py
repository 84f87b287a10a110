"""What is true of a forgery, as a value and as the TOML file that stands beside the clip."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.forge.origin import NOWHERE, Origin
from pipeline.forge.plan import Event
from pipeline.model import Span

Value = str | int | float | bool | list[str]


@dataclass(frozen=True, slots=True)
class Truth:
    """What was done to one clip, and what a scan of it should say."""

    case: str
    forged: bool
    """False: nothing was added, removed or altered; whatever is found to be is a false alarm."""
    done: str
    """In words."""
    pictures: int
    duration_s: float
    """Of the pictures."""
    events: tuple[Event, ...]
    beside: frozenset[str]
    """Kinds of finding that are true of the whole clip: it was written anew."""
    recipe: Mapping[str, Value] = field(default_factory=dict)
    """Everything that the clip follows from, the SHA-256 of its takes among it."""
    origin: Origin = NOWHERE

    @property
    def kinds(self) -> frozenset[str]:
        """Every kind that tells one of the events."""
        return frozenset().union(*(event.kinds for event in self.events))


def to_toml(truth: Truth, file: str) -> str:
    """Return the truth of the clip `file` in the form of the sample clips' truth files."""
    lines = ["[clip]", *_entries({"file": file, "made_from": truth.recipe.get("sources", []), "recipe": truth.done})]
    stated = {"source": list(truth.origin.source), "device": truth.origin.device, "scene": truth.origin.scene}
    lines += _entries({key: value for key, value in stated.items() if value})
    lines += ["", "[true]"]
    lines += _entries({"case": truth.case, "forged": truth.forged})
    lines += _entries({"pictures": truth.pictures, "duration_s": truth.duration_s})
    for event in truth.events:
        lines += ["", "[[event]]"]
        span = event.span
        lines += _entries(
            {
                "what": event.what,
                "pictures": event.pictures,
                "seconds": event.seconds,
                "start_s": span.start_s,
                "stop_s": span.stop_s,
                "first_frame": span.first_frame or 0,
                "stop_frame": span.stop_frame or 0,
                "kinds": sorted(event.kinds),
                "beside": sorted(event.beside),
            }
        )
    lines += ["", "[beside]", *_entries({"kinds": sorted(truth.beside)}), "", "[recipe]", *_entries(truth.recipe)]
    return "\n".join(lines) + "\n"


def read_truth(path: Path) -> Truth:
    """Read what `to_toml` wrote."""
    document = tomllib.loads(path.read_text(encoding="utf-8"))
    return Truth(
        case=document["true"]["case"],
        forged=document["true"]["forged"],
        done=document["clip"]["recipe"],
        pictures=document["true"]["pictures"],
        duration_s=document["true"]["duration_s"],
        events=tuple(map(_event, document.get("event", ()))),
        beside=frozenset(document["beside"]["kinds"]),
        recipe=document["recipe"],
        origin=Origin(
            tuple(document["clip"].get("source", ())), document["clip"].get("device"), document["clip"].get("scene")
        ),
    )


def _event(entry: Mapping[str, Any]) -> Event:
    span = Span(entry["start_s"], entry["stop_s"], entry["first_frame"], entry["stop_frame"])
    kinds, beside = frozenset(entry["kinds"]), frozenset(entry["beside"])
    return Event(entry["what"], entry["pictures"], entry["seconds"], span, kinds, beside)


def _entries(values: Mapping[str, Value]) -> Iterable[str]:
    return [f"{key} = {_toml(value)}" for key, value in values.items()]


def _toml(value: Value) -> str:
    """Spell a value; JSON's strings are TOML's, but for the one control character that JSON lets stand."""
    if isinstance(value, float):
        return repr(value)
    text = json.dumps(value, ensure_ascii=False)
    return text.encode("utf-8", "replace").decode("utf-8").replace("\x7f", "\\u007f")

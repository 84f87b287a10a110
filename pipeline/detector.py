"""What a detector is, and the registry that lists them all.

Registering leaves the function as it is: importable, picklable, callable in a notebook. Workers are sent a name and
parameters, never an object.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from pipeline.model import Features, Finding
from pipeline.settings import parameters_of

OTHERS = frozenset({"findings", "siblings", "joins", "recording"})
"""Tables of what was found before, and of other clips; beside them it shows when a clip was recorded."""

DetectorFunction = Callable[..., Iterator[Finding]]


@dataclass(frozen=True, slots=True)
class Detector:
    """A pure function over tables, with what it needs and what it may say."""

    name: str
    version: int
    needs: tuple[str, ...]
    """Columns (`table.column`) without which it cannot run."""
    emits: tuple[str, ...]
    """Kinds of finding, as in `pipeline/kinds.py`."""
    func: DetectorFunction
    parameters: type[BaseModel]

    @property
    def looks_at_others(self) -> bool:
        """Whether it looks at what other detectors found, or at what other clips tell, and so runs after them."""
        return any(column.partition(".")[0] in OTHERS for column in self.needs)

    def missing(self, features: Features) -> list[str]:
        """Return the needed columns that were not measured."""
        return [column for column in self.needs if not features.has(column)]

    def __call__(self, features: Features, **params: Any) -> list[Finding]:
        """Run on `features`; no findings where a needed column was not measured.

        Findings come in order of time, stamped with detector, version and the parameters used.
        """
        if self.missing(features):
            return []
        given = self.parameters.model_validate(params)
        used: Mapping[str, Any] = given.model_dump()
        values = {name: getattr(given, name) for name in used}  # of the types that the function states
        found = sorted(self.func(features, **values), key=lambda f: (f.span.start_s, f.span.stop_s, f.kind))
        return [dataclasses.replace(f, detector=self.name, version=self.version, params=used) for f in found]


REGISTRY: dict[str, Detector] = {}


def detector(
    name: str, *, version: int, needs: tuple[str, ...], emits: tuple[str, ...]
) -> Callable[[DetectorFunction], DetectorFunction]:
    """Register a function as the detector `name`; see `Detector` for the fields.

    Raises
    ------
    ValueError
        If the name is taken.
    """

    def register(func: DetectorFunction) -> DetectorFunction:
        if name in REGISTRY:
            raise ValueError(f"detector {name!r} is registered twice")
        REGISTRY[name] = Detector(name, version, needs, emits, func, parameters_of(func))
        return func

    return register

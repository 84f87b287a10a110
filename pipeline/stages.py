"""The stages that measure, their settings, and the versions of all that they rest on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version as distribution_version
from typing import Any

from pydantic import BaseModel

import detectors  # noqa: F401  (registers every detector)
import transcripts  # noqa: F401  (registers every speech check)
from pipeline.calendar import working_calendar
from pipeline.detector import REGISTRY
from pipeline.features import extract
from pipeline.features.cache import CacheKey
from pipeline.fusion import fuse
from pipeline.model import Footage
from pipeline.rules.profile import Profile
from pipeline.sessions.chain import chain
from pipeline.sessions.naming import read_name
from pipeline.settings import Settings, parameters_of, settings_from
from pipeline.signs import landmarks, reader, recorder
from transcripts import transcribe as speech_stage


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage that measures: its function, whose keyword-only parameters are its settings, and its cache identity."""

    name: str
    func: Callable[..., Any]
    version: int
    libraries: Callable[[Mapping[str, Any]], Mapping[str, str]]
    """From the stage's settings: name → version of every library and model that it uses."""

    @property
    def parameters(self) -> type[BaseModel]:
        """Return the model of the stage's settings."""
        return parameters_of(self.func)

    def used(self, settings: Settings) -> dict[str, Any]:
        """Return every parameter as it will be used under `settings`."""
        return self.parameters.model_validate(settings.section(self.name)).model_dump()


def key_of(stage: str, footage: Footage, settings: Settings, **more: str) -> CacheKey:
    """Return under what a stage's tables of a clip are kept; `more` is what they depend on besides its settings."""
    known = STAGES[stage]
    used = known.used(settings)
    return CacheKey(footage.sha256, stage, known.version, {**used, **more}, known.libraries(used))


def _speech_libraries(used: Mapping[str, Any]) -> Mapping[str, str]:
    return speech_stage.libraries(used["weights"], used["recogniser"])


STAGES = {
    stage.name: stage
    for stage in (
        Stage("media", extract.measure, extract.MEASURE_VERSION, lambda _: extract.libraries()),
        Stage("structure", extract.probe, extract.MEASURE_VERSION, lambda _: extract.libraries()),
        Stage("speech", speech_stage.transcribe, speech_stage.TRANSCRIBE_VERSION, _speech_libraries),
        Stage("overlay", recorder.recorder, recorder.OVERLAY_VERSION, lambda _: reader.libraries()),
        Stage(
            "landmarks",
            landmarks.find_landmarks,
            landmarks.LANDMARKS_VERSION,
            lambda used: landmarks.libraries(used["matcher"]),
        ),
        Stage("signs", reader.read_texts, reader.READ_VERSION, lambda _: reader.libraries()),
    )
}


FUSION = "fusion"
"""Section of the settings, and name, of what joins findings."""
NAMES, SESSIONS, CALENDAR = "names", "sessions", "calendar"
"""Sections of what reads file names, puts clips together, and knows the working days."""
OTHER: dict[str, Callable[..., Any]] = {FUSION: fuse, NAMES: read_name, SESSIONS: chain, CALENDAR: working_calendar}
"""Section → function of what is neither a stage that measures nor a detector."""


def sections() -> dict[str, type[BaseModel]]:
    """Return every section that a settings file may have, with the model of its parameters."""
    known = {name: stage.parameters for name, stage in STAGES.items()}
    known.update({f"detectors.{name}": entry.parameters for name, entry in sorted(REGISTRY.items())})
    known.update({name: parameters_of(func) for name, func in OTHER.items()})
    return known


def function_of(section: str) -> Callable[..., Any]:
    """Return the function whose parameters a section sets."""
    if section in OTHER:
        return OTHER[section]
    return STAGES[section].func if section in STAGES else REGISTRY[section.removeprefix("detectors.")].func


def profile_settings(profile: Profile) -> Settings:
    """Return the parameters that a profile sets.

    Raises
    ------
    SettingsError
        If it sets one that does not exist.
    """
    return settings_from(profile.sections, sections(), profile.key)


def all_settings(used: Settings) -> dict[str, dict[str, Any]]:
    """Return every parameter of every stage and detector as `used` sets it: section → name → value."""
    return {name: model.model_validate(used.section(name)).model_dump() for name, model in sections().items()}


def versions(used: Settings) -> dict[str, str]:
    """Return name → version of this product and of all that measurements under the settings `used` rest on."""
    found = {"unbroken": distribution_version("unbroken")}
    for stage in STAGES.values():
        found.update(stage.libraries(stage.used(used)))
    return found

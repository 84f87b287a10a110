"""Parameters live in function signatures only; this module reads them there, and from TOML files."""

from __future__ import annotations

import hashlib
import inspect
import json
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, get_type_hints

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError, create_model

from pipeline.errors import SettingsError
from pipeline.model import Message, Tuned

TUNED = "tuned"
"""Table of a settings file that says who tuned the parameters beside it, on what, and with which result."""
CHANGED = (
    "{path}: the parameters were changed after they were tuned, so [tuned] is not true of them. "
    "Tune again, or remove [tuned]."
)


@cache
def parameters_of(func: Callable[..., Any]) -> type[BaseModel]:
    """Return a pydantic model of the keyword-only parameters of `func` that have a default.

    A range stands in the annotation: `read_every_s: Annotated[float, Gt(0)] = 4.0`.
    """
    hints = get_type_hints(func, include_extras=True)
    fields: dict[str, Any] = {
        name: (hints[name], parameter.default)
        for name, parameter in inspect.signature(func).parameters.items()
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY and parameter.default is not inspect.Parameter.empty
    }
    model: type[BaseModel] = create_model(
        func.__name__, __config__=ConfigDict(extra="forbid", frozen=True, strict=False), **fields
    )
    return model


def described(func: Callable[..., Any]) -> dict[str, str]:
    """Return what the NumPy-style docstring of `func` says of each parameter, as one line each."""
    doc = inspect.getdoc(func) or ""
    section = re.search(r"^Parameters\n-+\n(.*?)(?=^\w[^\n]*\n-+\n|\Z)", doc, re.S | re.M)
    found: dict[str, str] = {}
    for entry in re.finditer(
        r"^(\w+) :[^\n]*\n((?:[ \t]+[^\n]*\n?|\n(?=[ \t]))*)", section[1] if section else "", re.M
    ):
        found[entry[1]] = " ".join(entry[2].split())
    return found


@dataclass(frozen=True, slots=True)
class Settings:
    """Parameters that differ from the defaults: section (`detectors.NAME` or a stage's name) → name → value."""

    sections: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    tuned: Tuned | None = None
    """Who tuned them; None: nobody did, or it is not known."""

    def section(self, name: str) -> Mapping[str, Any]:
        """Return the values of one section; empty if none is set."""
        return self.sections.get(name, {})

    def over(self, base: Settings) -> Settings:
        """Lay these settings over `base`: what is set here wins."""
        names = {*base.sections, *self.sections}
        return Settings(
            {name: {**base.section(name), **self.section(name)} for name in names}, self.tuned or base.tuned
        )


def settings_from(document: Mapping[str, Any], known: Mapping[str, type[BaseModel]], source: str) -> Settings:
    """Check a parsed TOML document against the parameters that exist.

    Parameters
    ----------
    document : mapping
        `{"detectors": {NAME: {PARAM: value}}, STAGE: {PARAM: value}}`
    known : mapping
        Section name (as in `Settings`) → model of its parameters.
    source : str
        File name for error texts.

    Raises
    ------
    SettingsError
        For an unknown section or parameter, or a value of the wrong type; the text names the place.
    """
    flat: dict[str, Any] = {f"detectors.{name}": values for name, values in document.get("detectors", {}).items()}
    flat.update({name: values for name, values in document.items() if name != "detectors"})
    checked: dict[str, Mapping[str, Any]] = {}
    for name, values in flat.items():
        if name not in known:
            raise SettingsError(f"{source}: unknown section [{name}]. Known: {', '.join(sorted(known))}")
        try:
            model = known[name].model_validate(values)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"])
            raise SettingsError(
                f"{source}: [{name}] {place}: {first['msg']}. Known: {', '.join(known[name].model_fields)}"
            ) from error
        checked[name] = model.model_dump(exclude_unset=True)
    return Settings(checked)


def tuned_of(told: object) -> Tuned:
    """Return the record of a tuning that a settings file or a public document tells.

    Raises
    ------
    pydantic.ValidationError
        If it is none; a `ValueError`.
    """
    return TypeAdapter(Tuned).validate_python(told)


def read_settings(path: Path, known: Mapping[str, type[BaseModel]]) -> Settings:
    """Read a settings file; its table `[tuned]`, if there is one, must be about the parameters that stand beside it.

    Raises
    ------
    SettingsError
        If it is no TOML, names what does not exist, or its parameters were changed after they were tuned.
    """
    document = read_toml(path)
    told = document.pop(TUNED, None)
    settings = settings_from(document, known, str(path))
    if told is None:
        return settings
    try:
        tuned = tuned_of(told)
    except ValidationError as error:
        first = error.errors()[0]
        values = {
            "path": str(path),
            "place": ".".join(str(part) for part in first["loc"]),
            "problem": first["msg"],
        }
        raise SettingsError(Message("{path}: [tuned] {place}: {problem}.", values)) from error
    if tuned.parameters_sha256 != parameters_sha256(settings):
        raise SettingsError(Message(CHANGED, {"path": str(path)}))
    return Settings(settings.sections, tuned)


def parameters_sha256(settings: Settings) -> str:
    """Return the digest of the parameters that are set, of JSON with its keys in order."""
    sections = {name: dict(values) for name, values in settings.sections.items() if values}
    return hashlib.sha256(json.dumps(sections, sort_keys=True, default=str).encode()).hexdigest()


def read_toml(path: Path) -> dict[str, Any]:
    """Parse a TOML file.

    Raises
    ------
    SettingsError
        If it cannot be read or is not TOML; the text names file and line.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{path}: {error}") from error

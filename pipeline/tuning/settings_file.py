"""Settings that remember who tuned them, on what, and with which result: `tuned.toml`."""

from __future__ import annotations

import getpass
import hashlib
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pipeline.errors import SettingsError
from pipeline.model import Tuned, TunedOn, TunedResult
from pipeline.settings import TUNED, Settings, parameters_sha256, read_settings
from pipeline.stages import sections
from pipeline.tuning.labels import LabelError, Labels
from pipeline.tuning.score import Score
from pipeline.tuning.split import must_not_leak
from pipeline.tuning.sweep import Choice


def tuned(
    choices: Choice | Sequence[Choice], held_out: Score, *, by: str | None = None, at: datetime | None = None
) -> Settings:
    """Return the chosen settings with the record of their tuning.

    Parameters
    ----------
    choices : Choice or sequence of Choice
        What `choose` gave; where one parameter was tuned after the other, all of them in that order: the settings are
        those of the last.
    held_out : Score
        What `confirm` of the last choice gave: the same settings on labels of other sources.
    by : str, optional
        Who tuned; the user of this computer if left out.
    at : datetime, optional
        When, with its zone; now if left out.

    Raises
    ------
    LeakageError
        If the result was measured on a clip that shares a source with one that was tuned on, in any of the choices.
    LabelError
        If the result is of other settings, or was scored by other rules.
    """
    steps = [choices] if isinstance(choices, Choice) else list(choices)
    choice, tune = steps[-1], steps[-1].point.score
    for step in steps:
        must_not_leak(step.point.score, held_out)
    if held_out.settings.sections != choice.settings.sections:
        raise LabelError("the result is of other settings than were chosen: take what choice.confirm() gives.")
    if held_out.rules != tune.rules:
        raise LabelError("the result was scored by other rules than the choice: take what choice.confirm() gives.")
    known = sections()
    settings = Settings(
        {
            name: known[name].model_validate(values).model_dump(exclude_unset=True)
            for name, values in choice.settings.sections.items()
            if values
        }
    )
    rate = held_out.alarms[0]
    record = Tuned(
        by=by or user(),
        at=(at or datetime.now(UTC)).isoformat(timespec="seconds"),
        tool=version("unbroken"),
        criteria=tuple(step.criterion for step in steps),
        kinds=tuple(sorted(held_out.rules.kinds)),
        least=held_out.rules.least.value,
        tolerance_s=held_out.rules.tolerance_s,
        parameters_sha256=parameters_sha256(settings),
        tune=_on([step.point.score for step in steps]),
        held_out=_on([held_out]),
        results=tuple(_results(held_out)),
        alarms=rate.alarms,
        alarm_hours=rate.hours,
        alarms_low=rate.interval[0],
        alarms_high=rate.interval[1],
    )
    return Settings(settings.sections, record)


def write_tuned(path: Path, settings: Settings) -> Path:
    """Write settings as a file that `--settings` takes, with the record of their tuning, and return its path.

    Raises
    ------
    SettingsError
        If the settings bear no record of a tuning, a parameter has no form in TOML, or the file cannot be written.
    """
    if settings.tuned is None:
        raise SettingsError("these settings bear no record of a tuning: write what tuned() gives.")
    return write_settings(path, settings)


def write_settings(path: Path, settings: Settings) -> Path:
    """Write settings as a file that `--settings` takes, and return its path; they need not bear a record of a tuning.

    Raises
    ------
    SettingsError
        If a parameter has no form in TOML, or the file cannot be written.
    """
    record = None if settings.tuned is None else asdict(settings.tuned)
    lines = ["# Written by pipeline.tune."]
    if record is not None:
        lines = [f"{lines[0]} Parameters that are changed by hand are no longer those of [tuned]."]
    for name, values in sorted(settings.sections.items()):
        lines += _table(name, values)
    if record is not None:
        lines += _table(TUNED, record)
    try:
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"{path}: cannot be written ({error.strerror or error}).") from error
    if read_settings(path, sections()) != settings:
        raise SettingsError(f"{path}: a parameter was not read back as it was written.")
    return path


def read_tuned(path: Path) -> Settings:
    """Read a settings file as `--settings` does, with the record of its tuning if it bears one.

    Raises
    ------
    SettingsError
        If it is no settings file, or was changed after the tuning.
    """
    return read_settings(path, sections())


def _on(scores: Sequence[Score]) -> TunedOn:
    labels = sum((one.labels for one in scores), Labels())
    lengths_s = {judged.clip.sha256: judged.clip.duration_s for one in scores for judged in one.judged}
    return TunedOn(
        clips=len(labels.clips),
        sha256=hashlib.sha256("".join(f"{sha256}\n" for sha256 in sorted(labels.clips)).encode()).hexdigest(),
        sources=len(frozenset().union(*labels.sources().values())),
        hours=math.fsum(lengths_s.values()) / 3600,
        labels=labels.origins,
    )


def _results(found: Score) -> list[TunedResult]:
    return [
        TunedResult(
            kind=one.kind,
            found=one.found,
            of=one.of,
            right=one.right,
            told=one.told,
            recall_low=one.recall_interval[0],
            recall_high=one.recall_interval[1],
            precision_low=one.precision_interval[0],
            precision_high=one.precision_interval[1],
            f1=one.f1,
            f1_low=one.f1_low,
            f1_high=one.f1_high,
        )
        for one in found.kinds
    ]


def user() -> str:
    """Return the user of this computer; empty if it has no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""


def _table(name: str, values: Mapping[str, Any]) -> list[str]:
    """Return a table of TOML and those inside it; what is None has no entry."""
    inner = {key: value for key, value in values.items() if isinstance(value, dict)}
    rows = {key: value for key, value in values.items() if _is_rows(value)}
    plain = {key: value for key, value in values.items() if key not in inner.keys() | rows.keys()}
    lines = ["", f"[{name}]", *_entries(plain)]
    for key, value in inner.items():
        lines += _table(f"{name}.{_key(key)}", value)
    for key, listed in rows.items():
        for row in listed:
            head, *rest = _table(f"{name}.{_key(key)}", row)[1:]
            lines += ["", f"[{head}]", *rest]
    return lines


def _is_rows(value: Any) -> bool:
    return isinstance(value, list | tuple) and bool(value) and all(isinstance(row, dict) for row in value)


def _entries(values: Mapping[str, Any]) -> list[str]:
    """Return entries as TOML; what is None has no entry."""
    return [f"{_key(name)} = {_toml(value)}" for name, value in values.items() if value is not None]


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else json.dumps(name, ensure_ascii=False)


def _toml(value: Any) -> str:
    match value:
        case bool() | int() | str():  # JSON's are TOML's, but for the one control character that JSON lets stand
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case float():
            return repr(value)
        case list() | tuple():
            return f"[{', '.join(map(_toml, value))}]"
        case dict():
            return f"{{{', '.join(f'{json.dumps(str(name))} = {_toml(entry)}' for name, entry in value.items())}}}"
        case _:
            raise SettingsError(f"{value!r} has no form in TOML.")

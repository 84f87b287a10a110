"""What is normal for a recorder model, learned from known-good clips: the profile that detector device-profile uses."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from detectors._device import (
    AT_MOST,
    NUMBERS,
    WORDS,
    Checked,
    Departure,
    DeviceProfile,
    Marks,
    Range,
    departures,
    marks_of,
    profiles_for,
)
from pipeline.measuring import identify
from pipeline.model import Finding
from pipeline.settings import Settings
from pipeline.tuning.clips import Clip, Clips
from pipeline.tuning.intervals import wilson
from pipeline.tuning.labels import BREAKS, Label, LabelError, Labels, html_table
from pipeline.tuning.settings_file import user
from pipeline.tuning.split import groups, must_not_leak

NAME = "device-profile"
SECTION = f"detectors.{NAME}"
FEWEST = 3
"""With fewer takes nobody can tell which of them is the odd one."""
COVERED = CONFIDENCE = 0.95
"""A range is to hold this share of the clips of the model, with this confidence."""
MAY_BE_ALONE = 0.1
"""A mark of which more than this share of the takes (and more than one) show a word of their own is not held constant
by the model."""

_DIGITS = 1e6


@dataclass(frozen=True, slots=True, eq=False)
class DeviceFit:
    """A fitted profile, with what is not to be swallowed: clips that depart from the others, and marks that vary."""

    profile: DeviceProfile
    labels: Labels
    alone: tuple[tuple[Clip, tuple[Departure, ...]], ...]
    """Clips that depart from a profile of all the others, and in what: look at them before they count as good."""
    varying: tuple[str, ...]
    """Marks that differ from take to take, and are not compared."""

    def sources(self) -> dict[str, frozenset[str]]:
        """Return SHA-256 of each clip that was fitted on → of what it was made from."""
        return self.labels.sources()

    def settings(self, base: Settings | None = None) -> Settings:
        """Return settings with this profile, laid over `base`; it takes the place of one of the same name."""
        before = base or Settings()
        kept = [one for one in before.section(SECTION).get("profiles", ()) if one["name"] != self.profile.name]
        return Settings({SECTION: {"profiles": (*kept, self.profile.model_dump())}}).over(before)

    def check(self, labels: Labels, clips: Clips) -> DeviceCheck:
        """Hold other clips against the profile, as a scan with these settings does.

        Raises
        ------
        LeakageError
            If a clip shares a source with one that was fitted on.
        LabelError
            If a clip was not loaded.
        """
        must_not_leak(self, labels)
        rows = []
        for clip in clips.of(labels):
            features, found = clips.examined(clip, self.settings(clips.settings))
            device = features["recording"]["device_id"][0] if "recording" in features else None
            compared = bool(features["container"].rows) and bool(profiles_for([self.profile], device))
            rows.append((clip, compared, next((one for one in found if one.detector == NAME), None)))
        return DeviceCheck(tuple(rows))

    def checked(self, good: DeviceCheck, altered: DeviceCheck) -> DeviceFit:
        """Return this fit with what it came to on known-good and on altered clips: the settings file states it."""
        counts = Checked(
            good=good.compared,
            good_departing=good.departing,
            altered=altered.compared,
            altered_departing=altered.departing,
        )
        return replace(self, profile=_sealed(self.profile.model_copy(update={"checked": counts})))

    def table(self) -> list[dict[str, Any]]:
        """Return a row for each mark that is compared: what is normal."""
        words, numbers = self.profile.words, self.profile.numbers
        rows = [{"mark": mark, "normal": " | ".join(words[mark])[:120]} for mark in WORDS if mark in words]
        return rows + [
            {"mark": mark, "normal": f"{'<= ' if mark in AT_MOST else f'{low:.6g} .. '}{high:.6g}"}
            for mark in NUMBERS
            if mark in numbers
            for low, high in [numbers[mark]]
        ]

    def alone_table(self) -> list[dict[str, Any]]:
        """Return a row for each mark in which a clip departs from all the others."""
        return [
            {"clip": clip.path.name, "mark": one.mark, "normal": one.normal[:120], "here": one.here[:120]}
            for clip, found in self.alone
            for one in found
        ]

    def _repr_html_(self) -> str:
        one = self.profile
        low, high = wilson(len(self.alone), one.clips)
        head = {"model": one.name, "devices": ", ".join(one.devices) or "all", "clips": one.clips}
        head |= {"takes": one.sources, "hours": one.hours, "fitted by": one.by, "at": one.at}
        head |= {"ranges": range_rule(one.sources)}
        return (
            f"{html_table([head])}{html_table(self.table())}"
            f"<p><b>Depart from all the others: {len(self.alone)} of {one.clips} clips</b> "
            f"(95 %: {low:.0%} – {high:.0%})</p>{html_table(self.alone_table())}"
            f"<p>Not compared, since they differ from take to take: {', '.join(self.varying) or 'none'}</p>"
        )


@dataclass(frozen=True, slots=True, eq=False)
class DeviceCheck:
    """What a profile says of clips that it was not fitted on."""

    rows: tuple[tuple[Clip, bool, Finding | None], ...]
    """Clip, whether a profile is for its recorder, what is told of it."""

    @property
    def compared(self) -> int:
        """How many clips were held against a profile."""
        return sum(compared for _, compared, _ in self.rows)

    @property
    def departing(self) -> int:
        """How many of these depart."""
        return sum(found is not None for _, _, found in self.rows)

    @property
    def interval(self) -> tuple[float, float]:
        """Share that departs: 95 %, Wilson."""
        return wilson(self.departing, self.compared)

    def table(self) -> list[dict[str, Any]]:
        """Return a row for each clip."""
        return [
            {"clip": clip.path.name, "recorder": clip.device, "compared": "yes" if compared else "no"}
            | {"kind": found.kind if found else None, "marks": _marks(found)}
            for clip, compared, found in self.rows
        ]

    def _repr_html_(self) -> str:
        low, high = self.interval
        told = f"{self.departing} of {self.compared} depart (95 %: {low:.0%} – {high:.0%})"
        return f"<p><b>{told}</b></p>{html_table(self.table())}"


def known_good(paths: Iterable[Path], device: str | None = None, by: str | None = None) -> Labels:
    """Return labels of clips of which it is known that nothing was added, removed or altered.

    Parameters
    ----------
    paths : iterable of Path
        Clips as they came from a recorder, each a take of its own.
    device : str, optional
        The recorder, if the clips do not tell it themselves.
    by : str, optional
        Who says so.
    """
    hashes = {path: identify(path).sha256 for path in paths}
    return Labels(
        tuple(
            Label(one, str(path), (one,), BREAKS, 0.0, math.inf, "false", "truth", device=device, whole=True, who=by)
            for path, one in hashes.items()
        )
    )


def fit_device(
    labels: Labels,
    clips: Clips,
    name: str,
    *,
    devices: Collection[str] = (),
    by: str | None = None,
    at: datetime | None = None,
) -> DeviceFit:
    """Learn what is normal for a recorder model from known-good clips of it; nothing is measured.

    A word is normal if it was seen. Where more than a tenth of the takes, and more than one, show a word of their own,
    the chance is as high that the next one does (Good): the model does not hold that mark constant, and it is not
    compared. The range of a number is that of all that was seen, if there are enough takes for a tolerance interval
    without any assumption (Wilks); else the wider one of that and the tolerance interval of a normal distribution
    (Howe): with few takes it is wide. What fewer than three takes show is not compared.

    Parameters
    ----------
    labels : Labels
        Of known-good clips, of three takes at least.
    clips : Clips
        Loaded clips, those of the labels among them.
    name : str
        The recorder model.
    devices : collection of str, optional
        Serial numbers of its recorders; `*` stands for any characters. Without them the profile is for every clip.
    by : str, optional
        Who fits; the user of this computer if left out.
    at : datetime, optional
        When, with its zone; now if left out.

    Raises
    ------
    LabelError
        If a clip is labelled as altered, one was not loaded, or there are too few takes.

    References
    ----------
    S. S. Wilks, "Determination of sample sizes for setting tolerance limits", Annals of Mathematical Statistics 12
    (1941), 91-96; W. G. Howe, "Two-sided tolerance limits for normal populations", Journal of the American Statistical
    Association 64 (1969), 610-620; I. J. Good, "The population frequencies of species and the estimation of population
    parameters", Biometrika 40 (1953), 237-264.
    """
    altered = sorted({row.path for row in labels if row.label == "true" and row.kinds & BREAKS})
    if altered:
        raise LabelError(f"{len(altered)} of the clips are labelled as altered, {altered[0]} among them.")
    together = groups(labels)
    if len(together) < FEWEST:
        raise LabelError(
            f"{len(together)} takes are too few for a profile: bring known-good clips of {FEWEST} or more."
        )
    used = clips.of(labels)
    marks = {clip.sha256: marks_of(clip.features) for clip in used}
    takes = [[marks[one] for one in sorted(group)] for group in together]
    seen = _seen(takes, FEWEST)
    varying = tuple(mark for mark, counts in seen.items() if _varies(counts, takes))
    words = {mark: tuple(sorted(counts)) for mark, counts in seen.items() if mark not in varying}
    numbers = _ranges(takes, FEWEST)
    alone = []
    for clip in used:
        others = [take for take, group in zip(takes, together, strict=True) if clip.sha256 not in group]
        rest = {mark: tuple(counts) for mark, counts in _seen(others, 1).items() if mark in words}
        if found := departures(marks[clip.sha256], rest, _ranges(others, FEWEST - 1)):
            alone.append((clip, tuple(found)))
    profile = DeviceProfile.model_construct(
        name=name,
        devices=tuple(devices),
        by=by or user(),
        at=(at or datetime.now(UTC)).isoformat(timespec="seconds"),
        tool=version("unbroken"),
        clips=len(used),
        sources=len(together),
        hours=round(math.fsum(clip.duration_s for clip in used) / 3600, 4),
        clips_sha256=hashlib.sha256("".join(f"{one}\n" for one in sorted(labels.clips)).encode()).hexdigest(),
        words=words,
        numbers=numbers,
        checked=Checked(),
    )
    return DeviceFit(_sealed(profile), labels, tuple(alone), varying)


def range_rule(takes: int) -> str:
    """Return by which rule a number's range follows from so many takes, as an English phrase."""
    told = f"{COVERED:.0%} of clips with {CONFIDENCE:.0%} confidence"
    if takes >= _enough():
        return f"lowest to highest of {takes} takes ({told}, no assumption)"
    return f"{takes} takes, fewer than {_enough()}: widened to {told} if values are normally distributed"


def _seen(takes: Sequence[Sequence[Marks]], fewest: int) -> dict[str, Counter[str]]:
    """Return mark → word → how many takes show it; marks that fewer takes show are left out."""
    found: dict[str, Counter[str]] = {}
    for mark in WORDS:
        shown = [{clip.words[mark] for clip in take if mark in clip.words} for take in takes]
        if sum(map(bool, shown)) >= fewest:
            found[mark] = Counter(word for words in shown for word in words)
    return found


def _varies(counts: Counter[str], takes: Sequence[object]) -> bool:
    return sum(count == 1 for count in counts.values()) > max(1.0, MAY_BE_ALONE * len(takes))


def _ranges(takes: Sequence[Sequence[Marks]], fewest: int) -> dict[str, Range]:
    found: dict[str, Range] = {}
    for mark, step in NUMBERS.items():
        whole = "gop.usual" if mark == "gop.longest" else mark  # a group that was cut short says too little
        shown = [[clip.numbers[mark] for clip in take if whole in clip.numbers] for take in takes]
        count = sum(map(bool, shown))
        if count >= fewest:
            low, high = tolerance([value for values in shown for value in values], count)
            low, high = 0.0 if mark in AT_MOST else low - step, high + step
            low = low if mark.endswith("start_s") else max(0.0, low)
            found[mark] = math.floor(low * _DIGITS) / _DIGITS, math.ceil(high * _DIGITS) / _DIGITS
    return found


def tolerance(values: Sequence[float], takes: int) -> Range:
    """Return the range that holds 95 % of a model's values with 95 % confidence, as `fit_device` says.

    Parameters
    ----------
    values : sequence of float
    takes : int
        How many of them are independent, 2 at least.
    """
    low, high = min(values), max(values)
    if takes >= _enough():
        return low, high
    from scipy.stats import chi2, norm

    factor = float(norm.ppf((1 + COVERED) / 2)) * math.sqrt(
        (takes - 1) * (1 + 1 / takes) / float(chi2.ppf(1 - CONFIDENCE, takes - 1))
    )
    middle, spread = float(np.mean(values)), float(np.std(values, ddof=1))
    return min(low, middle - factor * spread), max(high, middle + factor * spread)


@cache
def _enough() -> int:
    """Return from how many takes on lowest to highest is a tolerance interval without any assumption: 93."""
    takes = 2
    while 1 - takes * COVERED ** (takes - 1) + (takes - 1) * COVERED**takes < CONFIDENCE:
        takes += 1
    return takes


def _sealed(profile: DeviceProfile) -> DeviceProfile:
    return DeviceProfile.model_validate(profile.model_dump() | {"sha256": profile.digest()})


def _marks(found: Finding | None) -> str | None:
    marks = found.evidence["marks"] if found else None
    return ", ".join(map(str, marks)) if isinstance(marks, list) else None

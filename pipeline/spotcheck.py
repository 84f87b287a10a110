"""Spot checks: a random sample of clips for a person to play back, which anybody can draw again."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from pipeline.errors import SettingsError
from pipeline.model import Message
from pipeline.report.grouping import KEYS, checked_keys
from pipeline.report.results import Result, Results

METHOD = 1
"""Raised whenever the same population, seed and parameters could give another sample."""
STRATA = tuple(key for key in KEYS if key != "rule")
"""What strata can be made of; a clip lies in one stratum only."""
SHARE = 0.05
MOST_SEED = 10**9 - 1
"""Spreadsheets show longer numbers rounded, and save them so."""


@dataclass(frozen=True, slots=True)
class Clip:
    """A clip of the population."""

    key: str
    """Its content and, where it has one, the number of its case, on one line."""
    stratum: str
    """Values of the keys that make strata; empty where there are none."""
    content: str
    """SHA-256, or the path where the file could not be read to its end."""
    sha256: str | None
    case_number: str | None
    path: str
    verdicts: tuple[tuple[str, str], ...]
    """Profile and what the clip counts as by it (`COUNTED`)."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """How a sample is drawn."""

    seed: int
    by: tuple[str, ...] = ()
    share: Fraction | None = None
    """Of each stratum, rounded up; None: `count` says how many."""
    count: int | None = None
    """Of the whole population, in proportion to the strata."""

    @property
    def text(self) -> str:
        """As the ledger states them, without the seed."""
        size = f"count={self.count}" if self.share is None else f"share={float(self.share)!r}"
        return f"method={METHOD}; by={','.join(self.by)}; {size}"


@dataclass(frozen=True, slots=True)
class Draw:
    """A sample."""

    id: str
    parameters: Parameters
    population: tuple[Clip, ...]
    population_sha256: str
    sample: tuple[Clip, ...]
    """In order of strata, in each in the order in which the seed puts its clips."""


def parameters(seed: int, by: Sequence[str] = (), share: float | None = None, count: int | None = None) -> Parameters:
    """Return the parameters of a draw.

    Parameters
    ----------
    seed : int
        0 to `MOST_SEED`.
    by : sequence of str
        What makes a stratum, of `STRATA`; none: all clips are one.
    share : float, optional
        Above 0, at most 1; `SHARE` if no count is given either.
    count : int, optional
        1 or more.

    Raises
    ------
    SettingsError
        If a value is out of range, or both share and count are given.
    """
    if share is not None and count is not None:
        raise SettingsError(Message("Give --share or --count, not both."))
    if not 0 <= seed <= MOST_SEED:
        raise SettingsError(Message("--seed {seed}: give 0 to {most}.", {"seed": seed, "most": MOST_SEED}))
    if count is not None:
        if count < 1:
            raise SettingsError(Message("--count {count}: give 1 or more.", {"count": count}))
        return Parameters(seed, checked_keys(by, STRATA), count=count)
    wanted = SHARE if share is None else share
    if not 0 < wanted <= 1:
        raise SettingsError(Message("--share {share}: give a number above 0 and up to 1.", {"share": wanted}))
    return Parameters(seed, checked_keys(by, STRATA), share=Fraction(repr(float(wanted))))


def population(read: Results, by: Sequence[str]) -> tuple[Clip, ...]:
    """Return every clip once, in order of strata and keys, whatever the order and number of its results.

    A key with several values for a clip (officers) puts it into the stratum of all of them together.
    """
    clips: dict[str, list[Result]] = {}
    for result in read.results:
        clips.setdefault(result.key, []).append(result)
    found = [_clip(results, by) for results in clips.values()]
    return tuple(sorted(found, key=lambda clip: (clip.stratum, clip.key)))


def _clip(results: list[Result], by: Sequence[str]) -> Clip:
    ordered = sorted(results, key=lambda result: result.profile)
    first = ordered[0]
    values = [{value for result in ordered for value in KEYS[key](result)} for key in by]
    verdicts = tuple((result.profile, result.counted) for result in ordered)
    return clip_of(first.key, values, first.clip.sha256, first.case_number, first.clip.path, verdicts)


def clip_of(
    key: str,
    values: Iterable[Iterable[str]],
    sha256: str | None,
    case_number: str | None,
    path: str,
    verdicts: tuple[tuple[str, str], ...],
) -> Clip:
    """Return a clip of a population; `values` are those of each key that makes strata, none: not stated."""
    stratum = " / ".join("、".join(sorted(one)) or "–" for one in values)
    return Clip(_line(key), _line(stratum), sha256 or path, sha256, case_number, path, verdicts)


def _line(text: str) -> str:
    """Return a text on one line without tabs, so that lists of clips have one line a clip."""
    return " ".join(text.split())


def population_sha256(clips: Iterable[Clip]) -> str:
    """Return the SHA-256 of the lines `key TAB stratum` of all clips, sorted by their UTF-8 bytes, each ended by LF."""
    lines = sorted(f"{clip.key}\t{clip.stratum}\n".encode() for clip in clips)
    return hashlib.sha256(b"".join(lines)).hexdigest()


def rank(seed: int, key: str) -> str:
    """Return what decides the order in which a seed draws clips: SHA-256 of the seed, a blank and the clip's key."""
    return hashlib.sha256(f"{seed} {key}".encode()).hexdigest()


def draw(read: Results, wanted: Parameters) -> Draw:
    """Draw a stratified random sample.

    In each stratum the clips stand in the order of `rank`, and the first are drawn: a permanent random number for each
    clip, from a hash instead of a generator, so that no program and no order of files can change it. Every clip of a
    stratum has the same chance, whatever its verdict.

    References
    ----------
    E. Ohlsson, "Coordination of samples using permanent random numbers", in: Business Survey Methods, Wiley 1995,
    153-169.

    Raises
    ------
    SettingsError
        If more clips are asked for than there are, or fewer than there are strata.
    """
    return draw_from(population(read, wanted.by), wanted)


def draw_from(clips: Sequence[Clip], wanted: Parameters) -> Draw:
    """Draw a sample, as `draw`, from a population; its strata must be made of the keys of `wanted`."""
    clips = tuple(sorted(clips, key=lambda clip: (clip.stratum, clip.key)))
    strata: dict[str, list[Clip]] = {}
    for clip in clips:
        strata.setdefault(clip.stratum, []).append(clip)
    sizes = _sizes({stratum: len(members) for stratum, members in strata.items()}, wanted)
    sample = tuple(
        clip
        for stratum, members in strata.items()
        for clip in sorted(members, key=lambda clip: rank(wanted.seed, clip.key))[: sizes[stratum]]
    )
    digest = population_sha256(clips)
    return Draw(draw_id(digest, str(wanted.seed), wanted.text), wanted, clips, digest, sample)


def draw_id(population_sha256: str, seed: str, parameters: str) -> str:
    """Return the name of a draw; the letter keeps spreadsheets from taking it for a number."""
    return "D" + hashlib.sha256(f"{population_sha256} {seed} {parameters}".encode()).hexdigest()[:16]


def _sizes(strata: dict[str, int], wanted: Parameters) -> dict[str, int]:
    """Return how many clips are drawn of each stratum, at least one.

    A share is rounded up in each. A count is shared in proportion: the whole part of each quota, at least one; then
    the stratum that is farthest below its quota gets one more, or the one that is farthest above it gives one back,
    until the count is met (of equals the first by name).
    """
    if wanted.share is not None:
        return {stratum: math.ceil(clips * wanted.share) for stratum, clips in strata.items()}
    count, clips = wanted.count or 0, sum(strata.values())
    if not len(strata) <= count <= clips:
        message = "--count {count}: the {clips} clips lie in {strata} strata; give {strata} to {clips}."
        raise SettingsError(Message(message, {"count": count, "clips": clips, "strata": len(strata)}))
    quotas = {stratum: Fraction(count * size, clips) for stratum, size in strata.items()}
    sizes = {stratum: max(1, math.floor(quota)) for stratum, quota in quotas.items()}
    while (missing := count - sum(sizes.values())) != 0:
        step = 1 if missing > 0 else -1
        free = [s for s in sorted(sizes) if (sizes[s] < strata[s] if step > 0 else sizes[s] > 1)]
        sizes[max(free, key=lambda s: step * (quotas[s] - sizes[s]))] += step
    return sizes


def document(drawn: Draw) -> dict[str, Any]:
    """Return a draw as one JSON object, with all that is needed to draw again."""
    return {
        "draw": drawn.id,
        "seed": drawn.parameters.seed,
        "parameters": drawn.parameters.text,
        "population_sha256": drawn.population_sha256,
        "population": [{"key": clip.key, "stratum": clip.stratum} for clip in drawn.population],
        "sample": [
            {
                "stratum": clip.stratum,
                "case_number": clip.case_number,
                "path": clip.path,
                "sha256": clip.sha256,
                "verdicts": dict(clip.verdicts),
            }
            for clip in drawn.sample
        ],
    }

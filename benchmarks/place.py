"""How well the recorder's overlay, its clock, signs and landmarks are read, on clips that nothing was tuned on.

    python -m benchmarks.place --cache DIR [--half test] [--only location --only removals …] [--verbose]

Overlays are drawn into honest takes and encoded, in DIR, outside the project; what is measured on them is kept there,
too, as long as no version of a stage changes. Prints Markdown.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.footage import FOOTAGE
from benchmarks.overlay_material import render
from benchmarks.overlay_recipe import Recipe
from benchmarks.overlay_score import (
    MISSING,
    Count,
    edits_of,
    elsewhere,
    field_right,
    found_edits,
    located,
    pictures_right,
    removals_found,
    seconds_right,
    told,
    total,
    turns_right,
)
from benchmarks.overlay_sets import (
    CRFS,
    change_recipes,
    cost_recipe,
    foreign_recipes,
    honest_recipes,
    location_recipes,
    removal_recipes,
)
from benchmarks.overlay_truth import Truth, size_of
from pipeline import measuring
from pipeline.detector import REGISTRY
from pipeline.features.cache import Cache
from pipeline.model import Features, Finding
from pipeline.settings import Settings
from pipeline.tuning.intervals import most_an_hour, wilson

WORST_CRF = 32
"""The targets hold up to this quality."""
MOST_COST = 0.08
PARTS = ("location", "removals", "honest", "foreign", "changes", "signs", "landmarks", "cost")


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """One made clip, what is true of it, and what the product says."""

    recipe: Recipe
    truth: Truth
    features: Features
    findings: tuple[Finding, ...]

    @property
    def name(self) -> str:
        """What to call it in a list."""
        recipe = self.recipe
        return f"{recipe.layout} {recipe.height} CRF {recipe.crf} {float(recipe.rate):.2f}/s {Path(recipe.take).stem}"


@dataclass(frozen=True, slots=True)
class Bench:
    """Where clips come from and tables are kept."""

    cache: Path
    footage: Path
    half: str
    verbose: bool

    def cases(self, recipes: Sequence[Recipe]) -> Iterator[Case]:
        """Yield every recipe's clip with what the product says of it; say which are left out for want of a font."""
        for recipe in recipes:
            try:
                path, truth = render(recipe, self.cache / "clips", self.footage)
            except FileNotFoundError as error:
                print(f"left out: {error}")
                continue
            # A cache of its own: where the recorder writes must be found anew in each clip.
            own = Cache(self.cache / "tables" / path.stem)
            features, _, unreadable = measuring.measure(measuring.identify(path), Settings(), own, speech=False)
            assert unreadable is None, unreadable
            yield Case(recipe, truth, features, _alone(features))

    def tell(self, case: Case, text: str) -> None:
        """Print a remark on one clip, if asked for."""
        if self.verbose:
            print(f"<!-- {case.name}: {text} -->")


def row(what: str, count: Count, least: float | None = None) -> str:
    """Return a line of the table; `least` is the share that is aimed at, None where no target is set."""
    low, high = wilson(count.hits, count.of)
    share = count.hits / count.of if count.of else 0.0
    measured = f"{count.hits} of {count.of} ({share:.1%})" if count.of else "-"
    reached = "-" if least is None else _yes(bool(count.of) and share >= least)
    target = "-" if least is None else f"≥ {least:.0%}"
    return f"| {what} | {target} | {measured} | {low:.1%} to {high:.1%} | {reached} |"


def _yes(reached: bool) -> str:
    return "yes" if reached else "no"


def _alone(features: Features) -> list[Finding]:
    """Return what each detector tells by itself: only here the clock is judged without the pictures' help."""
    able = [entry for entry in REGISTRY.values() if not entry.missing(features)]
    return [found for entry in able for found in entry(features)]


def location(bench: Bench) -> list[str]:
    """Judge where the clock is found, and whether its seconds and the standing fields are read right."""
    cases = list(bench.cases(location_recipes(bench.half)))
    found = {case: located(case.features, case.truth, size_of(case.recipe.height)) for case in cases}
    rows = [row("clock located, all clips", Count(sum(found.values()), len(cases)), 35 / 36)]
    good = [case for case in cases if case.recipe.crf <= WORST_CRF]
    rows.append(row(f"clock's seconds exact, CRF ≤ {WORST_CRF}", _sum(good, seconds_right), 0.99))
    rows += [
        row(f"clock's seconds exact, CRF {crf}, {height} lines", _sum(some, seconds_right))
        for crf in CRFS
        for height in (720, 1080)
        if (some := [case for case in cases if (case.recipe.crf, case.recipe.height) == (crf, height)])
    ]
    rows.append(row(f"pictures whose clock is exact, CRF ≤ {WORST_CRF}", _sum(good, pictures_right)))
    rows.append(row(f"turnovers in the very picture, CRF ≤ {WORST_CRF}", _sum(good, turns_right)))
    for field in ("device", "unit", "officer"):
        rows.append(row(f"{field} as written, all clips", _sum(cases, field_right, field)))
    for name in dict.fromkeys(case.recipe.layout for case in cases):
        some = [case for case in cases if case.recipe.layout == name]
        rows.append(row(f"seconds exact, layout {name}", _sum(some, seconds_right)))
    for case in cases:
        seconds = seconds_right(case.features, case.truth)
        if not found[case] or seconds.hits < seconds.of:
            bench.tell(case, f"located: {found[case]}, seconds {seconds.hits}/{seconds.of}, {_overlay(case)}")
        for field in ("device", "unit", "officer"):
            if not field_right(case.features, case.truth, field).hits and field in case.truth.fields:
                bench.tell(case, f"{field}: {case.truth.fields[field]} read as {_overlay(case)}")
    return rows


def removals(bench: Bench) -> list[str]:
    """Judge whether removed pictures are found by the clock, and what else is told."""
    counts: dict[str, Count] = defaultdict(Count)
    alarms, seconds = 0, 0.0
    for case in bench.cases(removal_recipes(bench.half)):
        for (count, hit), (start_s, _) in zip(
            removals_found(case.findings, case.truth), edits_of(case.truth), strict=True
        ):
            steady = "recorder that wobbles by one picture" if case.recipe.jitter_frames else "steady recorder"
            size = "1 s" if count == round(case.recipe.rate) else f"{count} pictures"
            for name in (size, f"{size}, {steady}"):
                counts[name] += Count(int(hit), 1)
            if count >= 10:
                counts["10 pictures or more"] += Count(int(hit), 1)
            counts["3 pictures or more"] += Count(int(hit), 1)
            if not hit:
                bench.tell(case, f"missed: {count} pictures at {start_s:.2f} s")
        seconds += len(case.truth.second) / float(case.truth.rate)
        for found in elsewhere(case.findings, case.truth):
            alarms += 1
            bench.tell(case, f"told elsewhere: {_told(found)}")
    targets = {"3 pictures or more": 0.90, "10 pictures or more": 0.97}
    order = sorted(counts, key=lambda name: (name not in targets, "recorder" in name, name == "1 s", _leading(name)))
    rows = [row(f"removal found: {name}", counts[name], targets.get(name)) for name in order]
    rows.append(
        f"| findings about the clock elsewhere in these clips | - | {alarms} in {seconds / 60:.0f} min | - | - |"
    )
    return rows


def honest(bench: Bench) -> list[str]:
    """Judge what is told of clips that nothing was done to."""
    alarms, seconds, pictures = 0, 0.0, Count()
    for case in bench.cases(honest_recipes(bench.half)):
        seconds += len(case.truth.second) / float(case.truth.rate)
        pictures += pictures_right(case.features, case.truth)
        for found in told(case.findings):
            alarms += 1
            bench.tell(case, f"false alarm: {_told(found)}")
    hours = seconds / 3600
    bound = f"at most {most_an_hour(alarms, hours):.1f} an hour"
    measured = f"{alarms} in {hours:.2f} h | {bound} | {_yes(not alarms)}"
    return [
        f"| false alarms about the clock in honest footage | 0 | {measured} |",
        row("pictures of it whose clock is exact", pictures),
    ]


def foreign(bench: Bench) -> list[str]:
    """Judge whether foreign pictures without an overlay are found by the missing clock."""
    counts: dict[int, Count] = defaultdict(Count)
    alarms = 0
    for case in bench.cases(foreign_recipes(bench.half)):
        edits = edits_of(case.truth)
        hits = found_edits(case.findings, edits, MISSING)
        for (_, count), hit, (start_s, _) in zip(case.truth.insertions, hits, edits, strict=True):
            counts[count] += Count(int(hit), 1)
            if not hit:
                bench.tell(case, f"missed: {count} foreign pictures at {start_s:.2f} s")
        for found in elsewhere(case.findings, case.truth):
            alarms += 1
            bench.tell(case, f"told elsewhere: {_told(found)}")
    rows = [row(f"foreign pictures found: {count}", counts[count]) for count in sorted(counts)]
    return [*rows, f"| findings about the clock elsewhere in these clips | - | {alarms} | - | - |"]


def changes(bench: Bench) -> list[str]:
    """Judge whether it is told that the overlay vanishes for a while, or goes on as another."""
    counts: dict[str, Count] = {"vanishes": Count(), "goes on in another layout": Count()}
    for case in bench.cases(change_recipes(bench.half)):
        hit = found_edits(case.findings, edits_of(case.truth), MISSING)
        change = "goes on in another layout" if case.truth.moved else "vanishes"
        counts[change] += Count(sum(hit), len(hit))
        if not all(hit):
            bench.tell(case, f"{change}, not told; but: {[_told(found) for found in told(case.findings)]}")
    return [row(f"overlay {name}", count) for name, count in counts.items()]


def signs(_bench: Bench) -> list[str]:
    """Judge how signs are matched."""
    from benchmarks import signs as judged

    return [judged.target_row()]


def landmarks(_bench: Bench) -> list[str]:
    """Judge how reference photos are recognised."""
    from benchmarks import landmarks as judged

    return [judged.target_row()]


def cost(bench: Bench) -> list[str]:
    """Measure what reading costs on top of decoding ten minutes of 1080p."""
    from benchmarks.overlay_cost import measured_cost

    path, _ = render(cost_recipe(), bench.cache / "clips", bench.footage)
    spent = measured_cost(path)
    detail = (
        f"decoding {spent.decode_s:.1f} CPU s, pictures alone {spent.plain_s:.1f}, with reading {spent.whole_s:.1f}"
    )
    measured = f"{spent.share:.1%} | - | {_yes(spent.share <= MOST_COST)}"
    return [f"| CPU on top of decoding ten minutes of 1080p: {detail} | ≤ {MOST_COST:.0%} | {measured} |"]


def _sum(cases: Sequence[Case], score: Callable[..., Count], *more: str) -> Count:
    return total(score(case.features, case.truth, *more) for case in cases)


def _leading(name: str) -> int:
    return int(name.split()[0])


def _told(found: Finding) -> str:
    return f"{found.kind} {found.level} {found.span.start_s:.2f}-{found.span.stop_s:.2f} s {dict(found.evidence)}"


def _overlay(case: Case) -> str:
    if "overlay" not in case.features:
        return "no overlay"
    table = case.features["overlay"]
    return ", ".join(f"{field} {text!r}" for field, text in zip(table["field"], table["text"], strict=True))


def main(
    cache: Annotated[Path, typer.Option(help="Folder for made clips and measured tables; outside the project.")],
    half: Annotated[
        str,
        typer.Option(help="tune, test, or again: a second draw from test. The product is as good as the last two say."),
    ] = "test",
    only: Annotated[list[str] | None, typer.Option(help=f"Of {', '.join(PARTS)}; all without it.")] = None,
    footage: Annotated[Path, typer.Option(help="Folder with INDEX.tsv.")] = FOOTAGE,
    verbose: Annotated[bool, typer.Option(help="Say of each miss where it is.")] = False,
) -> None:
    """Print the table of targets."""
    unknown = set(only or ()) - set(PARTS)
    if unknown or half not in ("tune", "test", "again"):
        raise typer.BadParameter(f"unknown: {', '.join(sorted(unknown)) or half}")
    bench = Bench(cache, footage, half, verbose)
    parts: dict[str, Callable[[Bench], list[str]]] = {
        "location": location,
        "removals": removals,
        "honest": honest,
        "foreign": foreign,
        "changes": changes,
        "signs": signs,
        "landmarks": landmarks,
        "cost": cost,
    }
    print(f"Half: {half}\n\n| what | target | measured | 95 % interval | reached |\n| --- | --- | --- | --- | --- |")
    for name in PARTS:
        if not only or name in only:
            print("\n".join(parts[name](bench)), flush=True)


if __name__ == "__main__":
    typer.run(main)

"""Forging labelled clips from honest takes, once: what a folder holds already is not made again."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pipeline import run
from pipeline.errors import FootageError, IntegrityError
from pipeline.forge.cases import Case, case
from pipeline.forge.folder import check_folder, forge_folder
from pipeline.forge.forgery import FORGER_VERSION
from pipeline.forge.origin import origin_of
from pipeline.forge.take import Take, read_take
from pipeline.forge.wish import Wish
from pipeline.measuring import identify
from pipeline.tuning import once
from pipeline.tuning.label_files import TRUTH, read_truths
from pipeline.tuning.labels import LabelError, Labels
from pipeline.tuning.progress import shown


def forge(
    takes: Iterable[Path],
    out: Path,
    cases: Iterable[str],
    *,
    seed: int = 0,
    seconds: float | None = None,
    bar: bool = True,
    **wish: Any,
) -> Labels:
    """Forge takes in every way that is named, as `unbroken forge` does, and return the labels of what was made.

    Where `out` already holds exactly this (takes, cases, seed, wish, forger), nothing is made. Takes whose truth files
    name one source share it in their forgeries, and so do recorder and scene. Cases that need a second take (splices,
    inserted pictures) tie takes together: forge those to tune on and those to hold out into folders of their own.

    Parameters
    ----------
    takes : iterable of Path
        Honest takes, one uncut recording each; opened read-only.
    out : Path
        Folder; made if there is none. No take may lie in it.
    cases : iterable of str
        Names of `docs/forge.md`, such as "frozen-0.5s".
    seed : int
        The same seed gives the same clips.
    seconds : float, optional
        Use so much of each take.
    bar : bool
        Show a bar.
    **wish
        What to choose from, `pipeline.forge.wish.Wish`: codec, crf, gop, bframes, preset, container, overlay (tuples of
        which one is drawn for each clip), height, edits and others.

    Returns
    -------
    Labels

    Warns
    -----
    UserWarning
        Names what could not be made, and why; also when the folder is used again.

    Raises
    ------
    LabelError
        If nothing could be made.
    SettingsError
        If a case is unknown, or the wish cannot be fulfilled.
    """
    paths, chosen = list(takes), [case(name) for name in cases]
    wanted = Wish(**{"marked": True} | wish).checked()
    check_folder(out, paths)
    asked = _asked(paths, chosen, seed, seconds, wanted)
    problems = once.kept(out, asked)
    if problems is None:
        once.begin(out)
        problems = _made(paths, out, chosen, seed, seconds, wanted, bar=bar)
        once.finish(out, asked, problems)
    if problems:
        warnings.warn("not forged: " + " · ".join(problems), stacklevel=2)
    files = [(out / name).with_suffix(TRUTH) for name in once.listed(out)]
    if not files:
        raise LabelError(f"{out}: nothing could be forged. " + " ".join(problems))
    return read_truths(files)


def _asked(
    paths: Sequence[Path], cases: Sequence[Case], seed: int, seconds: float | None, wish: Wish
) -> dict[str, object]:
    """Return all that the folder's content follows from."""
    takes = [[path.name, _sha256(path), asdict(origin_of(path))] for path in paths]
    asked = {"forger": FORGER_VERSION, "takes": takes, "cases": [one.name for one in cases]}
    return asked | {"seed": seed, "seconds": seconds, "wish": asdict(wish)}


def _sha256(path: Path) -> str | None:
    try:
        return identify(path).sha256
    except FootageError:
        return None  # what is wrong with it is told where it is read


def _made(
    paths: Sequence[Path],
    out: Path,
    cases: Sequence[Case],
    seed: int,
    seconds: float | None,
    wish: Wish,
    *,
    bar: bool,
) -> list[str]:
    """Fill the folder and return what could not be made."""
    problems: list[str] = []
    takes: list[Take] = []
    for path in shown(paths, "Reading takes", bar):
        try:
            takes.append(read_take(path, seconds=seconds))
        except IntegrityError as error:
            problems.append(str(run.told(error)))
    making = forge_folder(takes, cases, out, seed, wish, lambda _: None)
    for made in shown(making, "Forging", bar, len(takes) * len(cases)):
        if made.problem is not None:
            problems.append(str(made.problem))
    return problems

"""Forging labelled clips from honest takes, once: what a folder holds already is not made again."""

from __future__ import annotations

import csv
import hashlib
import json
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pipeline import run
from pipeline.errors import FootageError, IntegrityError
from pipeline.forge.cases import Case, case
from pipeline.forge.folder import INDEX, check_folder, forge_folder
from pipeline.forge.forgery import FORGER_VERSION
from pipeline.forge.origin import origin_of
from pipeline.forge.take import Take, read_take
from pipeline.forge.wish import Wish
from pipeline.measuring import identify
from pipeline.tuning.label_files import TRUTH, read_truths
from pipeline.tuning.labels import LabelError, Labels
from pipeline.tuning.progress import shown

RECORD = "forged.json"
"""What a folder was filled with; written last, so that a folder without it is not whole."""


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
    problems = _kept(out, asked)
    if problems is None:
        (out / RECORD).unlink(missing_ok=True)
        problems = _made(paths, out, chosen, seed, seconds, wanted, bar=bar)
        record = {"asked": asked, "index_sha256": _digest(out / INDEX), "problems": problems}
        (out / RECORD).write_text(json.dumps(record, ensure_ascii=False, indent=1), encoding="utf-8")
    if problems:
        warnings.warn("not forged: " + " · ".join(problems), stacklevel=2)
    files = [(out / name).with_suffix(TRUTH) for name in _listed(out)]
    if not files:
        raise LabelError(f"{out}: nothing could be forged. " + " ".join(problems))
    return read_truths(files)


def _asked(
    paths: Sequence[Path], cases: Sequence[Case], seed: int, seconds: float | None, wish: Wish
) -> dict[str, object]:
    """Return all that the folder's content follows from, as JSON gives it back."""
    takes = [[path.name, _sha256(path), asdict(origin_of(path))] for path in paths]
    asked = {"forger": FORGER_VERSION, "takes": takes, "cases": [one.name for one in cases]}
    asked |= {"seed": seed, "seconds": seconds, "wish": asdict(wish)}
    told: dict[str, object] = json.loads(json.dumps(asked))
    return told


def _sha256(path: Path) -> str | None:
    try:
        return identify(path).sha256
    except FootageError:
        return None  # what is wrong with it is told where it is read


def _kept(out: Path, asked: dict[str, object]) -> list[str] | None:
    """Return what could not be made the last time, where the folder holds what is asked for; None: it does not."""
    try:
        record = json.loads((out / RECORD).read_text(encoding="utf-8"))
        whole = record["asked"] == asked and record["index_sha256"] == _digest(out / INDEX)
        files = [path for name in _listed(out) for path in (out / name, (out / name).with_suffix(TRUTH))]
        problems: list[str] = record["problems"]
    except (OSError, ValueError, LookupError, TypeError):
        return None
    return problems if whole and all(path.is_file() for path in files) else None


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


def _listed(out: Path) -> list[str]:
    with (out / INDEX).open(encoding="utf-8", newline="") as stream:
        return list(dict.fromkeys(row["file"] for row in csv.DictReader(stream)))


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()

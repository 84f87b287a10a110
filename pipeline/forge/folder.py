"""Filling a folder with forgeries: the clips, a truth file beside each, and a table of all of them."""

from __future__ import annotations

import csv
import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import FootageError, IntegrityError, SettingsError
from pipeline.forge.cases import Case
from pipeline.forge.forgery import Forgery, plan, render
from pipeline.forge.take import Take
from pipeline.forge.truth import Truth, to_toml
from pipeline.forge.wish import Wish
from pipeline.model import Message

INDEX = "index.csv"
COLUMNS = (
    "file sha256 case forged sources pictures duration_s event what event_pictures event_seconds start_s stop_s "
    "first_frame stop_frame kinds codec container crf gop bframes width height rate overlay seed"
).split()


@dataclass(frozen=True, slots=True)
class Made:
    """A forgery that was written, or why it was not."""

    source: Path
    case: str
    path: Path | None
    truth: Truth | None
    problem: Message | None = None


def check_folder(out: Path, clips: Sequence[Path]) -> None:
    """Refuse a folder in which one of the clips lies: forgeries must not stand among evidence.

    Raises
    ------
    SettingsError
        If one does.
    """
    for clip in clips:
        if out.resolve() == clip.resolve().parent:
            message = (
                "{out}: the clip {clip} lies in this folder. Forgeries must not stand among evidence; name another."
            )
            raise SettingsError(Message(message, {"out": str(out), "clip": clip.name}))


def forge_folder(
    takes: Sequence[Take],
    cases: Sequence[Case],
    out: Path,
    seed: int,
    wish: Wish,
    progress: Callable[[float], None],
) -> Iterator[Made]:
    """Forge every take in every way, and write the table when all is done.

    Foreign pictures and sounds come from the take that follows, of those with another content; from the first again
    after the last. What cannot be made of a clip is said in the result, and the work goes on.

    Parameters
    ----------
    takes : sequence of Take
    cases : sequence of Case
    out : Path
        Folder; made if there is none.
    seed : int
    wish : Wish
    progress : callable
        Told the share that is done.

    Raises
    ------
    SettingsError
        If the wish cannot be fulfilled, or a file in the folder that no forger made has the name of a forgery.
    """
    out.mkdir(parents=True, exist_ok=True)
    _check_index(out / INDEX)
    rows: list[dict[str, object]] = []
    taken: set[str] = set()
    for number, take in enumerate(takes):
        later = [*takes[number + 1 :], *takes[:number]]
        others = [other for other in later if other.sha256 != take.sha256]
        for at, case in enumerate(cases):
            progress((number * len(cases) + at) / (len(takes) * len(cases)))
            try:
                forgery = plan(case, [take, *others[:1]], seed, wish)
                path = _free(out, forgery, taken)
                truth = _write(forgery, path)
            except SettingsError:
                raise
            except IntegrityError as error:
                reason = error.args[0]
                problem = reason if isinstance(reason, Message) else Message("{problem}", {"problem": str(error)})
                yield Made(take.path, case.name, None, None, problem)
                continue
            rows += _rows(path, truth)
            yield Made(take.path, case.name, path, truth)
    _write_index(out / INDEX, rows)


def _free(out: Path, forgery: Forgery, taken: set[str]) -> Path:
    """Return a path that no other forgery of this run has, and no file that this program did not make."""
    suffix = forgery.plan.encoding.container
    names = (forgery.name, *(f"{forgery.name}-{number}" for number in range(2, len(taken) + 3)))
    name = next(name for name in names if name not in taken)
    path = out / f"{name}.{suffix}"
    if path.exists() and not path.with_suffix(".truth.toml").exists():
        message = "{path}: this file is there already and is no forgery of this program. Name another folder."
        raise SettingsError(Message(message, {"path": str(path)}))
    taken.add(name)
    return path


def _write(forgery: Forgery, path: Path) -> Truth:
    """Write clip and truth; a file that was begun bears another name until it is whole."""
    part = path.with_name(path.name + ".part")
    try:
        truth = render(forgery, part)
        path.with_suffix(".truth.toml").write_text(to_toml(truth, path.name), encoding="utf-8")
        part.replace(path)
    except OSError as error:
        message = "{path}: it cannot be written ({reason})."
        raise FootageError(Message(message, {"path": str(path), "reason": error.strerror or str(error)})) from error
    finally:
        part.unlink(missing_ok=True)
    return truth


def _rows(path: Path, truth: Truth) -> list[dict[str, object]]:
    """Return a row for each event; one without an event for a clip that has none."""
    recipe = truth.recipe
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    clip: dict[str, object] = {key: recipe[key] for key in COLUMNS if key in recipe}
    clip |= {"file": path.name, "sha256": digest.hexdigest(), "case": truth.case, "forged": truth.forged}
    clip |= {"pictures": truth.pictures, "duration_s": round(truth.duration_s, 6)}
    clip["sources"] = os.pathsep.join(map(str, recipe["sources"])) if isinstance(recipe["sources"], list) else ""
    rows = []
    for number, event in enumerate(truth.events, 1):
        span = event.span
        rows.append(
            clip
            | {"event": number, "what": event.what, "event_pictures": event.pictures}
            | {"event_seconds": round(event.seconds, 6), "start_s": round(span.start_s, 6)}
            | {"stop_s": round(span.stop_s, 6), "first_frame": span.first_frame, "stop_frame": span.stop_frame}
            | {"kinds": " ".join(sorted(event.kinds))}
        )
    return rows or [clip]


def _check_index(path: Path) -> None:
    """Refuse to overwrite a table that is not of this program."""
    if path.exists() and path.read_bytes().splitlines()[:1] != [",".join(COLUMNS).encode()]:
        message = "{path}: this file is there already and is no forgery of this program. Name another folder."
        raise SettingsError(Message(message, {"path": str(path)}))


def _write_index(path: Path, rows: Sequence[dict[str, object]]) -> None:
    with path.open("w", encoding="utf-8", errors="replace", newline="") as file:
        table = csv.DictWriter(file, COLUMNS, restval="")
        table.writeheader()
        table.writerows(rows)

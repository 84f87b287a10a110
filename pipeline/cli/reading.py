"""The commands `features` and `read`: what is measured of a clip, and what can be read in its pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline import measuring, run
from pipeline.cli.shared import (
    CacheOption,
    LanguageOption,
    RegistryOption,
    SettingsOption,
    bars,
    beside_of,
    complain,
    refusing,
    settings_of,
    show,
)
from pipeline.errors import ExitCode
from pipeline.features.cache import Cache
from pipeline.language import language


def features(
    clip: Annotated[Path, typer.Argument(help="Clip to measure.")],
    lang: LanguageOption,
    cache: CacheOption,
    out: Annotated[Path, typer.Option(help="Folder for the Parquet tables.")] = Path("features"),
    settings: SettingsOption = None,
) -> None:
    """Write every table of a clip as Parquet, for notebooks; no detector and no rule is run."""
    from pipeline.features.schema import write_tables

    with refusing():
        spoken = language(lang)
        chosen = settings_of(settings)
    with refusing(spoken), bars(1, spoken) as bar, bar(clip.name) as progress:
        found, _, unreadable = measuring.measure(measuring.identify(clip, progress), chosen, Cache(cache), progress)
    if unreadable is not None:
        complain(spoken.tell(unreadable))
    for path in write_tables(found.tables, out):
        print(path)
    if unreadable is not None:
        raise typer.Exit(ExitCode.UNREADABLE)


def read(
    clip: Annotated[Path, typer.Argument(help="Clip to read; it is opened read-only.")],
    lang: LanguageOption,
    cache: CacheOption,
    settings: SettingsOption = None,
    registry: RegistryOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """Print what can be read in a clip's pictures: the recorder's fields, how its clock runs, and all signs.

    Nobody is listened to and no rule is judged. Exit codes: 0 read, 3 unreadable footage, 2 bad arguments.
    """
    from pipeline import terminal_read

    with refusing():
        spoken = language(lang)
        chosen = settings_of(settings)
        beside = beside_of([clip], registry)
        case = beside.case(clip)
    with refusing(spoken), bars(1, spoken) as bar, bar(clip.name) as progress:
        footage = measuring.identify(clip, progress)
        found, _, unreadable = measuring.measure(footage, chosen, Cache(cache), progress, case=case, speech=False)
    found = beside.tables(found, footage, case, chosen)
    findings, _ = run.detect(found, chosen)
    show(terminal_read.document(found, findings), terminal_read.reading(found, findings, spoken), as_json)
    if unreadable is not None:
        complain(spoken.tell(unreadable))
        raise typer.Exit(ExitCode.UNREADABLE)

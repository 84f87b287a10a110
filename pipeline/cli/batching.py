"""The commands `batch`, `status`, `retry` and `verify`: the overnight batch over an evidence store."""

from __future__ import annotations

import signal
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Annotated, Any

import typer

from pipeline.beside import moment
from pipeline.case import read_case_table
from pipeline.cli.shared import (
    DEFAULT_PROFILE,
    AtOption,
    CacheOption,
    CasesOption,
    LanguageOption,
    ProfileOption,
    RecogniserOption,
    RegistryOption,
    SettingsOption,
    complain,
    gravest,
    refusing,
    say,
    settings_of,
)
from pipeline.errors import ExitCode
from pipeline.language import Language, language
from pipeline.model import Message
from pipeline.registry import read_registry
from pipeline.rules.profile import load_profile
from pipeline.settings import Settings
from pipeline.stages import sections

StoreArgument = Annotated[
    str,
    typer.Argument(help="Folder of clips, or its address (s3://…, sftp://…); it is only ever read.", metavar="STORE"),
]
LedgerOption = Annotated[
    str | None,
    typer.Option(
        help="Ledger: a file on a local disk, or postgresql://…", show_default="unbroken.ledger in the cache's folder"
    ),
]
ONE_THREAD = Settings({"media": {"decoder_threads": 1}})
"""Many clips at once keep all processors busy; threads of one clip would only wait for each other."""
STOPPED = "Stopped. {done} of {total} clips have their result; the same command goes on from here."
CODES = {"fail": ExitCode.FAILED, "pass": ExitCode.ALL_PASSED}


def place_of(ledger: str | None, cache: Path) -> str:
    """Return the address of the ledger."""
    return ledger or str(cache / "unbroken.ledger")


def folder_of(place: str, cache: Path) -> Path | None:
    """Return where key and head of a ledger lie that is no file; None: beside the file."""
    return cache / "ledger-keys" if place.startswith("postgresql") else None


def batch(
    store: StoreArgument,
    lang: LanguageOption,
    cache: CacheOption,
    profile: ProfileOption = DEFAULT_PROFILE,
    settings: SettingsOption = None,
    registry: RegistryOption = None,
    cases: CasesOption = None,
    at: AtOption = None,
    ledger: LedgerOption = None,
    workers: Annotated[int, typer.Option(min=0, help="Processes on this computer. 0: one per processor.")] = 0,
    scheduler: Annotated[
        str | None, typer.Option(help="Dask scheduler that runs already: tcp://… or tls://…", show_default=False)
    ] = None,
    attempts: Annotated[int, typer.Option(min=1, help="Tries of a clip that fails before it is set aside.")] = 3,
    back_off: Annotated[
        float, typer.Option(min=0.0, help="Pause after a clip's first failure, in seconds; doubled with each further.")
    ] = 60.0,
    slice_min: Annotated[
        float, typer.Option(min=0.0, help="Least length of the slices of long clips, in minutes. 0: none is cut.")
    ] = 10.0,
    recogniser: RecogniserOption = None,
) -> None:
    """Examine every clip of an evidence store, on all processors or on a cluster, and write a ledger.

    What was done is not done again: the same command goes on where the last one ended, however it ended.

    Exit codes: 0 all passed, 10 undecided, 11 failed, 3 some without a result, 130 stopped, 2 bad arguments, 1 internal
    error.
    """
    from pipeline.batch import keys
    from pipeline.batch.cluster import Cluster
    from pipeline.batch.driver import Batch
    from pipeline.batch.ledger import Ledger
    from pipeline.batch.tasks import Work, store_at
    from pipeline.stages import profile_settings
    from pipeline.terminal_batch import shown, summary_page

    with refusing():
        spoken = language(lang)
    with refusing(spoken):
        rules = load_profile(profile, sections())
        chosen = settings_of(settings, recogniser=recogniser).over(ONE_THREAD)
        table = None if cases is None else read_case_table(cases)
        known = None if registry is None else read_registry(registry)
        work = Work(store_at(store, cache), rules, chosen, cache, known, None if at is None else moment(at))
        used = chosen.over(profile_settings(rules))
        place = place_of(ledger, cache)
        book = Ledger(place, folder_of(place, cache))
        say(f"{spoken.text('Ledger')}: {book.database.name}")
        cluster = Cluster(workers, scheduler, keys.tool_version(used), partial(keys.tool_version, used))
    signal.signal(signal.SIGTERM, _interrupt)
    run = Batch(book, work, cluster, table, at, attempts=attempts, back_off_s=back_off, slice_s=60 * slice_min)
    try:
        with refusing(spoken):
            shown(run.run(), spoken)
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        _tell_stopped(run, spoken)
        raise typer.Exit(130) from None
    finally:
        cluster.close()
    found = run.summary()
    summary_page(found, spoken)
    book.close()
    without = found.refused + sum(now.get("quarantined", 0) for now in (found.measuring, found.states))
    codes = {CODES.get(verdict, ExitCode.UNDECIDED) for verdict in found.verdicts}
    raise gravest(codes | ({ExitCode.UNREADABLE} if without else set()))


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _tell_stopped(run: Any, spoken: Language) -> None:
    if not run.number:
        return
    found = run.summary()
    values = {"done": found.states.get("done", 0), "total": run.progress.files}
    complain(spoken.tell(Message(STOPPED, values)))

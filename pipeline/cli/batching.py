"""The commands `batch`, `status`, `retry` and `verify`: the overnight batch over an evidence store."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import Progress

from pipeline.beside import moment
from pipeline.case import read_case_table
from pipeline.cli.shared import (
    DEFAULT_PROFILE,
    AtOption,
    CacheOption,
    CasesOption,
    JsonOption,
    LanguageOption,
    LedgerOption,
    ProfileOption,
    RecogniserOption,
    RegistryOption,
    SettingsOption,
    complain,
    folder_of,
    gravest,
    messages,
    opened,
    place_of,
    refusing,
    say,
    settings_of,
    tell_missing,
)
from pipeline.errors import ExitCode, SettingsError
from pipeline.language import Language, language
from pipeline.model import Message
from pipeline.registry import read_registry
from pipeline.report import json_v1
from pipeline.rules.profile import load_profile
from pipeline.settings import Settings
from pipeline.stages import sections

if TYPE_CHECKING:
    from pipeline.batch.ledger import Ledger
    from pipeline.batch.summary import Batch

StoreArgument = Annotated[
    str,
    typer.Argument(help="Folder of clips, or its address (s3://…, sftp://…); it is only ever read.", metavar="STORE"),
]
BatchOption = Annotated[int | None, typer.Option(help="Number of a batch.", show_default="the last one")]
ONE_THREAD = Settings({"media": {"decoder_threads": 1}})
"""Many clips at once keep all processors busy; threads of one clip would only wait for each other."""
STOPPED = "Stopped. {done} of {total} clips have their result; the same command goes on from here."
AGAIN = "Clips that wait again: {count}. The next `unbroken batch` takes them."
REFUSED = "Files that cannot be examined as they are: {count}. Every batch looks at them again by itself."
NO_BATCH = "{ledger}: there is no such batch. The last one is {last}."
NO_RESULT = "{path}: no clip of this batch with a result. `unbroken status --list` names them."
NOT_ASIDE = "{path}: no clip of this name was set aside. Name clips as `unbroken status --failures` does."
CODES = {"fail": ExitCode.FAILED, "pass": ExitCode.ALL_PASSED}


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
    states = run.run()
    try:
        with refusing(spoken):
            shown(states, spoken)
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        states.close()  # if it came while the page was shown, the batch has not heard of it
        _tell_stopped(run, spoken)
        raise typer.Exit(130) from None
    finally:
        cluster.close()
    found = run.summary()
    summary_page(found, spoken)
    tell_missing(run.missing, spoken)
    book.close()
    without = found.refused + sum(now.get("quarantined", 0) for now in (found.measuring, found.states))
    codes = {CODES.get(verdict, ExitCode.UNDECIDED) for verdict in found.verdicts}
    raise gravest(codes | ({ExitCode.UNREADABLE} if without else set()))


def status(
    lang: LanguageOption,
    cache: CacheOption,
    ledger: LedgerOption = None,
    batch: BatchOption = None,
    failures: Annotated[bool, typer.Option("--failures", help="One line for each clip without a result.")] = False,
    every: Annotated[bool, typer.Option("--list", help="One line for each clip, those that need you first.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Tell what ran, runs or failed in the last batch, and why.

    Exit codes: 0 every clip has its result, 10 something waits or runs or the batch did not come to its end, 3 some
    without a result, 2 bad arguments.
    """
    from pipeline.batch import documents
    from pipeline.batch.summary import listing, standing, summary
    from pipeline.terminal_batch import FIRST, group_of, list_page, status_page

    with refusing():
        spoken = language(lang)
    with refusing(spoken), opened(ledger, cache) as book:
        chosen = _batch_of(book, batch)
        found, now = summary(book, chosen.id), standing(book, chosen)
        rows = (row for row in listing(book, chosen.id) if every or group_of(row) == FIRST[0])
        if as_json:
            document = documents.status_document(book.database.name, chosen, now, found)
            _print_json(document, map(documents.row_document, rows) if every or failures else None)
        elif every or failures:
            list_page(rows, spoken)
        else:
            status_page(chosen, now, found, spoken)
    raise typer.Exit(documents.status_code(found))


def results(
    lang: LanguageOption,
    cache: CacheOption,
    paths: Annotated[
        list[str] | None, typer.Argument(help="Clips as `unbroken status --list` names them.", metavar="[PATH…]")
    ] = None,
    ledger: LedgerOption = None,
    batch: BatchOption = None,
    out: Annotated[
        Path | None, typer.Option(help="Write Parquet tables of all clips into this folder instead, for DuckDB.")
    ] = None,
) -> None:
    """Print the JSON documents of the last batch, one a line, for `unbroken statistics` and other programs.

    Exit codes: 0 done, 2 bad arguments, among them a clip that has no result; then nothing is printed.
    """
    from pipeline.batch.parquet import write_tables
    from pipeline.batch.summary import listing, summary

    with refusing():
        spoken = language(lang)
    with refusing(spoken), opened(ledger, cache) as book:
        chosen = _batch_of(book, batch)
        if out is not None:
            if paths:
                raise SettingsError(Message("--out writes all clips of a batch: name none."))
            with Progress(console=messages, transient=True) as progress:
                task = progress.add_task(spoken.text("Reading the ledger"), total=summary(book, chosen.id).files)
                count = write_tables(book, chosen.id, out, lambda done: progress.update(task, completed=done))
            say(spoken.tell(Message("{path}: what {count} clips came to.", {"path": str(out), "count": count})))
            return
        keys = {row.path: row.key for row in listing(book, chosen.id) if row.state == "done" and row.key is not None}
        named = _named(paths, list(keys), chosen.store, NO_RESULT) if paths else list(keys)
        for path in named:
            document = book.result(keys[path])
            if document is not None:
                print(json.dumps(json.loads(document), ensure_ascii=False))


def retry(
    lang: LanguageOption,
    cache: CacheOption,
    paths: Annotated[
        list[str] | None, typer.Argument(help="Clips as `unbroken status --failures` names them.", metavar="[PATH…]")
    ] = None,
    ledger: LedgerOption = None,
    batch: BatchOption = None,
) -> None:
    """Let clips that were set aside wait again, all or those that are named; the next `unbroken batch` takes them.

    Exit codes: 0 done, 2 bad arguments, among them a clip that was not set aside; then nothing is done.
    """
    from pipeline.batch.summary import summary

    with refusing():
        spoken = language(lang)
    with refusing(spoken), opened(ledger, cache) as book:
        chosen = _batch_of(book, batch)
        named = _named(paths, book.quarantined(chosen.id), chosen.store, NOT_ASIDE) if paths else None
        count = book.release(chosen.id, named)
        say(spoken.tell(Message(AGAIN, {"count": count})))
        if refused := summary(book, chosen.id).refused:
            say(spoken.tell(Message(REFUSED, {"count": refused})))


def verify(
    lang: LanguageOption,
    cache: CacheOption,
    store: Annotated[
        str | None,
        typer.Argument(
            help="Where the store lies now, as for batch.", metavar="[STORE]", show_default="where the batch found it"
        ),
    ] = None,
    ledger: LedgerOption = None,
    public_key: Annotated[
        Path | None,
        typer.Option(help="Public key (PEM) that was kept elsewhere.", show_default="the one beside the ledger"),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Verify that neither results, audit log nor evidence were changed; every file that has a result is read again.

    Exit codes: 0 all is as it was, 11 something was changed, 10 something could not be checked, results and events that
    are not signed yet among it, 130 stopped, 2 bad arguments.
    """
    from pipeline.batch import documents
    from pipeline.batch.chain import key_id, read_public_key
    from pipeline.batch.evidence import verify_evidence
    from pipeline.batch.tasks import store_at
    from pipeline.batch.verify import clips_at, extent, verify_chain
    from pipeline.review import audit
    from pipeline.terminal_batch import BESIDE, GIVEN, NONE, reading, verify_page

    with refusing():
        spoken = language(lang)
    try:
        with refusing(spoken), opened(ledger, cache) as book:
            place = public_key or book.keys.public
            key = read_public_key(place) if public_key or place.exists() else None
            problems = verify_chain(book, key)
            log = documents.Log(audit.extent(book, key), tuple(audit.verify(book, key)))
            with reading(spoken) as progress:
                evidence = verify_evidence(book, problems, store, progress, stores=partial(store_at, cache=cache))
            reach, clips = extent(book, key), clips_at(book, problems)
            name = book.database.name
    except KeyboardInterrupt:
        complain(spoken.text("Stopped. Nothing was told of the rest, and nothing was changed."))
        raise typer.Exit(130) from None
    if as_json:
        used = {"key_id": None if key is None else key_id(key), "path": str(place), "given": public_key is not None}
        print(json_v1.text(documents.verify_document(name, used, reach, problems, clips, evidence, log)))
    else:
        which = NONE if key is None else BESIDE if public_key is None else GIVEN
        about = Message(which, {"path": json_v1.display_path(place)})
        verify_page(about, reach, problems, clips, evidence, log, spoken)
    raise typer.Exit(documents.verify_code([*problems, *log.problems], evidence))


def _batch_of(book: Ledger, number: int | None) -> Batch:
    from pipeline.batch.summary import batches_of

    known = batches_of(book)
    found = next((one for one in known if number in (None, one.id)), None)
    if found is None:
        last = known[0].id if known else 0
        raise SettingsError(Message(NO_BATCH, {"ledger": book.database.name, "last": last}))
    return found


def _named(paths: Sequence[str], aside: Sequence[bytes], store: str, problem: str) -> list[bytes]:
    """Return clips as the ledger calls them; people write them as they were shown, or with the store before them."""
    known = {path: path for path in aside} | {os.fsencode(json_v1.display_path(Path(os.fsdecode(p)))): p for p in aside}
    found = []
    for path in paths:
        raw = os.fsencode(path)
        inside = raw.removeprefix(os.fsencode(store) + b"/")
        if inside not in known:
            raise SettingsError(Message(problem, {"path": json_v1.display_path(Path(path))}))
        found.append(known[inside])
    return found


def _print_json(document: dict[str, Any], rows: Iterable[dict[str, Any]] | None) -> None:
    """Print a document, with a list at its end that need not fit into memory."""
    text = json_v1.text(document)
    if rows is None:
        print(text)
        return
    print(text.removesuffix("\n}") + ',\n  "list": [', end="")
    for number, row in enumerate(rows):
        print(",\n    " if number else "\n    ", json.dumps(row, ensure_ascii=False), sep="", end="")
    print("\n  ]\n}")


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _tell_stopped(run: Any, spoken: Language) -> None:
    if not run.number:
        return
    found = run.summary()
    values = {"done": found.states.get("done", 0), "total": run.progress.files}
    complain(spoken.tell(Message(STOPPED, values)))

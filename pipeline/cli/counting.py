"""The commands `statistics` and `spotcheck`, over the results of many clips."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.shared import LanguageOption, gravest, refusing, say, show
from pipeline.errors import ExitCode, SettingsError
from pipeline.language import Language, language
from pipeline.model import Message

ResultsArgument = Annotated[
    list[Path],
    typer.Argument(help="What `scan --json` printed, or folders that hold report.v1.json.", metavar="RESULTS…"),
]


def statistics(
    results: ResultsArgument,
    lang: LanguageOption,
    by: Annotated[
        list[str] | None,
        typer.Option(
            help="What makes a group: agency, unit, device, officer, case, cause, place, month, profile or rule; "
            "repeated ones cross."
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Table to write, .parquet or .csv; that of the rules lies beside it.")
    ] = None,
    picture: Annotated[Path | None, typer.Option(help="Bar chart to write, .svg or .png.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """Count what the clips of many results come to, by unit, recorder, officer, month and others.

    Exit codes: 0 done, 2 bad arguments.
    """
    from pipeline import statistics as tables
    from pipeline import terminal_results
    from pipeline.report.bars import draw_bars
    from pipeline.report.results import read_results

    with refusing():
        spoken = language(lang)
    with refusing(spoken):
        found = tables.statistics(read_results(results), by or ())
        if out is not None:
            for path in tables.write(found, out):
                say(str(path))
        if picture is not None:
            draw_bars(*terminal_results.picture_of(found, spoken), picture)
            say(str(picture))
    show(tables.document(found), terminal_results.statistics_page(found, spoken), as_json)


def spotcheck(
    results: ResultsArgument,
    lang: LanguageOption,
    seed: Annotated[int | None, typer.Option(help="The same seed draws the same clips.", show_default=False)] = None,
    share: Annotated[float | None, typer.Option(help="Share of each stratum.", show_default="0.05")] = None,
    count: Annotated[int | None, typer.Option(help="Clips in all, in proportion to the strata.")] = None,
    by: Annotated[
        list[str] | None,
        typer.Option(help="What makes a stratum, as in `unbroken statistics`, but for rule; repeated ones cross."),
    ] = None,
    ledger: Annotated[Path | None, typer.Option(help="CSV file that the draw is appended to.")] = None,
    check: Annotated[
        Path | None, typer.Option("--verify", help="Ledger whose draws are drawn again from these results.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
) -> None:
    """Draw clips at random for a person to play back, at least one of every stratum, and keep a ledger of it.

    Exit codes: 0 drawn, 2 bad arguments. With --verify: 0 every draw is what its seed gives, 11 one is not, 10 one
    could not be drawn again or a verdict has changed since, 2 bad arguments.
    """
    with refusing():
        spoken = language(lang)
    if check is not None:
        with refusing(spoken):
            if any(option is not None for option in (seed, share, count, by, ledger)):
                raise SettingsError(Message("--verify takes the results only: the ledger states all else."))
        _verify(results, check, spoken, as_json)
    else:
        _draw(results, seed, by or (), share, count, ledger, spoken, as_json)


def _verify(results: Sequence[Path], ledger: Path, spoken: Language, as_json: bool) -> None:
    """Draw what stands in a ledger again, and print whether it is what its seed gives."""
    from pipeline import spotcheck_ledger as ledgers
    from pipeline import terminal_results
    from pipeline.report.results import read_results

    with refusing(spoken):
        found = ledgers.verify(ledger, read_results(results))
    told = [{"draw": e.draw, "state": e.state, "notes": [str(note) for note in e.notes]} for e in found]
    show(told, terminal_results.verified_page(found, spoken), as_json)
    worst = {"differs": ExitCode.FAILED, "not checked": ExitCode.UNDECIDED}
    raise gravest({worst.get(e.state, ExitCode.UNDECIDED if e.notes else ExitCode.ALL_PASSED) for e in found})


def _draw(
    results: Sequence[Path],
    seed: int | None,
    by: Sequence[str],
    share: float | None,
    count: int | None,
    ledger: Path | None,
    spoken: Language,
    as_json: bool,
) -> None:
    """Draw, append the draw to a ledger if there is one, and print it."""
    from pipeline import spotcheck as checks
    from pipeline import spotcheck_ledger as ledgers
    from pipeline import terminal_results
    from pipeline.report.results import read_results

    with refusing(spoken):
        if seed is None:
            raise SettingsError(Message("--seed is missing: give a number that nobody could choose to fit the clips."))
        wanted = checks.parameters(seed, by, share, count)
        drawn = checks.draw(read_results(results), wanted)
        new = ledger is None or ledgers.append(drawn, ledger, datetime.now(UTC))
    show(checks.document(drawn), terminal_results.draw_page(drawn, spoken), as_json)
    if ledger is not None:
        message = "{path}: {count} rows added." if new else "{path}: this draw stands there already; nothing was added."
        say(spoken.tell(Message(message, {"path": str(ledger), "count": len(drawn.sample)})))

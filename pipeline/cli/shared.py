"""What the commands share: options, the console for messages, the bars, and how a command ends."""

from __future__ import annotations

import getpass
import locale
import sys
import traceback
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console, RenderableType
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from pipeline import measuring, run, stages
from pipeline.beside import Beside, moment
from pipeline.case import read_case_table
from pipeline.errors import GRAVEST_FIRST, ExitCode, FootageError, IntegrityError, SettingsError
from pipeline.language import LANGUAGES, Language
from pipeline.model import Message
from pipeline.registry import read_registry
from pipeline.report import json_v1
from pipeline.rules.profile import DEFAULT_PROFILE as DEFAULT_PROFILE
from pipeline.settings import Settings, read_settings, settings_from

if TYPE_CHECKING:
    from pipeline.batch.ledger import Ledger

NO_LEDGER = "{ledger}: there is no such ledger. Name it by --ledger, or the cache's folder by --cache."
MOST_MISSING = 10
"""So many clips that a table names and that are not there are told by name."""
messages = Console(stderr=True)
"""Where everything goes that is no result."""


def _default_language() -> str:
    spoken = locale.getlocale()[0] or ""
    return "zh-CN" if spoken.startswith(("zh", "Chinese")) else "en"


def _default_cache() -> Path:
    return Path(typer.get_app_dir("unbroken")) / "cache" if sys.platform == "win32" else Path.home() / ".cache/unbroken"


ProfileOption = Annotated[str, typer.Option(help="Regulation to judge by: a name, or the path of a TOML file.")]
SettingsOption = Annotated[Path | None, typer.Option(help="TOML file of parameters; see `unbroken settings`.")]
RegistryOption = Annotated[
    Path | None, typer.Option(help="CSV file of recorders: device, unit, officer. The overlay is held against it.")
]
CasesOption = Annotated[
    Path | None, typer.Option(help="Table of case records, CSV or Parquet: one line a clip. Records beside a clip win.")
]
AtOption = Annotated[
    str | None,
    typer.Option(help="Moment for which periods are judged, as 2026-03-04 or 2026-03-04T18:00.", show_default="now"),
]
CacheOption = Annotated[
    Path, typer.Option(help="Folder where measured tables are kept.", default_factory=_default_cache)
]
RecogniserOption = Annotated[
    str | None,
    typer.Option(help="What writes speech down: auto, openai-whisper or faster-whisper.", show_default="auto"),
]
LanguageOption = Annotated[
    str, typer.Option(help=f"Language: {' or '.join(LANGUAGES)}.", default_factory=_default_language)
]
LedgerOption = Annotated[
    str | None,
    typer.Option(
        help="Ledger: a file on a local disk, or postgresql://…", show_default="unbroken.ledger in the cache's folder"
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]

STAGE_WORDS = {
    "hash": "Hashing the file",
    "probe": "Reading its structure",
    "pictures": "Measuring pictures and sound",
    "sound": "Measuring the sound",
    "speech": "Listening for speech",
    "overlay": "Reading the burned-in clock",
    "texts": "Reading texts in the picture",
    "landmarks": "Looking for landmarks",
    "report": "Writing the report",
    "take": "Reading the take",
    "forge": "Making forgeries",
    "transcript": "Writing the transcript",
}
"""What the bar of a clip says in each stage."""


def say(text: str, style: str | None = None) -> None:
    """Print a sentence or a path on stderr, as it stands and on one line."""
    messages.print(text, style=style, soft_wrap=True, markup=False, highlight=False)


def complain(text: str) -> None:
    """Print on stderr what is wrong."""
    say(text, "red")


def show(document: Any, page: RenderableType, as_json: bool) -> None:
    """Print one of the two on stdout."""
    if as_json:
        print(json_v1.text(document))
    else:
        Console().print(page, highlight=False)


@contextmanager
def refusing(spoken: Language | None = None) -> Iterator[None]:
    """End the command with one sentence where an argument or a file cannot be used."""
    try:
        yield
    except IntegrityError as error:
        message = run.told(error)
        complain(spoken.tell(message) if spoken else str(message))
        raise typer.Exit(code_of(error)) from error


def code_of(error: IntegrityError) -> ExitCode:
    """Return the exit code of a command that an error stops."""
    return ExitCode.UNREADABLE if isinstance(error, FootageError) else ExitCode.BAD_ARGUMENTS


def failed() -> ExitCode:
    """Print what this program failed on; return the exit code for it."""
    messages.print(traceback.format_exc(), style="dim", markup=False, highlight=False)
    return ExitCode.INTERNAL_ERROR


def gravest(codes: Collection[ExitCode], order: Sequence[ExitCode] = GRAVEST_FIRST) -> typer.Exit:
    """Return the end of a command whose clips gave these exit codes."""
    return typer.Exit(next((code for code in order if code in codes), ExitCode.ALL_PASSED))


Bar = Callable[[str], AbstractContextManager[measuring.Progress]]
"""Shows the bar of one clip; what it gives is told the stage and its share."""


@contextmanager
def bars(clips: int, spoken: Language) -> Iterator[Bar]:
    """Show a bar for each clip on stderr while it is worked on."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        TextColumn("{task.percentage:>3.0f} %"),
        TextColumn("{task.fields[stage]}", style="dim"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=messages, transient=True) as shown:
        total = shown.add_task("", total=clips, stage="", visible=clips > 1)

        @contextmanager
        def bar(name: str) -> Iterator[measuring.Progress]:
            one = shown.add_task(name, total=1.0, stage="")
            try:
                yield lambda stage, share: shown.update(one, completed=share, stage=spoken.text(STAGE_WORDS[stage]))
            finally:
                shown.remove_task(one)
                shown.advance(total)

        yield bar


def settings_of(path: Path | None, **speech: str | None) -> Settings:
    """Return what a settings file sets, with parameters of speech that options set over it."""
    chosen = Settings() if path is None else read_settings(path, stages.sections())
    asked = {name: value for name, value in speech.items() if value is not None}
    if not asked:
        return chosen
    return settings_from({"speech": asked}, stages.sections(), "--" + ", --".join(asked)).over(chosen)


def beside_of(
    clips: Sequence[Path], registry: Path | None = None, cases: Path | None = None, at: str | None = None
) -> Beside:
    """Return what lies beside the clips; a record that cannot be used is better said now than after an hour."""
    store: dict[str, Any] = {}
    if registry is not None:
        store["registry"] = read_registry(registry)
    if cases is not None:
        store["cases"] = read_case_table(cases)
        store["cases"].must_tell_apart(clips)
    if at is not None:
        store["at"] = moment(at)
    beside = Beside(**store)
    for path in clips:
        beside.case(path)
    return beside


def tell_missing(clips: Sequence[Path], spoken: Language) -> None:
    """Say which clips the table of case records names that are not there."""
    if clips:
        named = "、".join(map(str, clips[:MOST_MISSING])) + ("…" if len(clips) > MOST_MISSING else "")
        told = Message(
            "Clips of the table that are not there ({count}): {clips}", {"count": len(clips), "clips": named}
        )
        say(spoken.tell(told), "yellow")


def place_of(ledger: str | None, cache: Path) -> str:
    """Return the address of the ledger."""
    return ledger or str(cache / "unbroken.ledger")


def folder_of(place: str, cache: Path) -> Path | None:
    """Return where key and head of a ledger lie that is no file; None: beside the file."""
    return cache / "ledger-keys" if place.startswith("postgresql") else None


def operator() -> str:
    """Return who does it, for the audit log: the user of this computer."""
    try:
        return f"system:{getpass.getuser()}"
    except (KeyError, OSError):  # a user without a name
        return "system:"


@contextmanager
def opened(ledger: str | None, cache: Path) -> Iterator[Ledger]:
    """Open a ledger that is there already."""
    from pipeline.batch.ledger import Ledger

    place = place_of(ledger, cache)
    file = Path(place.removeprefix("sqlite:///"))
    if "://" not in str(file) and not file.is_file() and not place.startswith("postgresql"):
        raise SettingsError(Message(NO_LEDGER, {"ledger": json_v1.display_path(file)}))
    with Ledger(place, folder_of(place, cache)) as book:
        yield book

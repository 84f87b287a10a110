"""The command `transcribe`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline import run
from pipeline.case import case_of
from pipeline.cli.shared import (
    CacheOption,
    LanguageOption,
    RecogniserOption,
    SettingsOption,
    bars,
    code_of,
    failed,
    gravest,
    refusing,
    say,
    settings_of,
)
from pipeline.errors import ExitCode, IntegrityError
from pipeline.features.cache import Cache
from pipeline.language import Language, language

if TYPE_CHECKING:
    from pipeline.transcript import Written

GRAVEST = (ExitCode.INTERNAL_ERROR, ExitCode.UNREADABLE, ExitCode.BAD_ARGUMENTS)


def transcribe(
    clips: Annotated[list[Path], typer.Argument(help="Clips to write down; opened read-only.", metavar="CLIP…")],
    out: Annotated[Path, typer.Option(help="Folder for the transcripts.")],
    lang: LanguageOption,
    cache: CacheOption,
    settings: SettingsOption = None,
    form: Annotated[
        list[str] | None, typer.Option("--format", help="srt, vtt, json or txt; may be repeated; default: all.")
    ] = None,
    made_by: Annotated[str | None, typer.Option(help="Who makes it; default: the program by itself.")] = None,
    confirmed_by: Annotated[
        str | None, typer.Option(help="Who read it and confirms it: the SRT file in the folder, as corrected there.")
    ] = None,
    recogniser: RecogniserOption = None,
) -> None:
    """Write down what is said in clips: subtitles that players load, and a transcript to file.

    Prints the path of each file. Exit codes: 0 done, 3 unreadable footage, 2 bad arguments.
    """
    from pipeline import transcript
    from transcripts.subtitles import WRITERS

    with refusing():
        spoken = language(lang)
    with refusing(spoken):
        chosen = settings_of(settings, recogniser=recogniser, extent="whole")
        wish = transcript.Wish(out, tuple(form or WRITERS), made_by, confirmed_by).checked()
        for path in clips:
            case_of(path)
    codes = set()
    with bars(len(clips), spoken) as bar:
        for path in clips:
            written = transcript.Written()
            with bar(path.name) as progress:
                try:
                    written = transcript.transcribe(path, wish, spoken, Cache(cache), chosen, progress, clips)
                except IntegrityError as error:
                    written = transcript.Written(notes=(run.told(error),), code=code_of(error))
                except Exception:
                    codes.add(failed())
            codes.add(written.code)
            _tell(written, path, spoken, alone=len(clips) == 1)
    raise gravest(codes, GRAVEST)


def _tell(written: Written, clip: Path, spoken: Language, *, alone: bool) -> None:
    """Print the files of a clip, and what is to be said of them."""
    for note in written.notes:
        said = spoken.tell(note)
        said = said if str(clip) in said or alone else f"{clip}: {said}"
        say(said, "red" if written.code else "dim")
    for file in written.paths:
        print(file)

"""The command `forge`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline import run
from pipeline.cli.shared import LanguageOption, bars, complain, refusing
from pipeline.errors import ExitCode, FootageError
from pipeline.language import Language, language

if TYPE_CHECKING:
    from pipeline.forge.take import Take


def forge(
    clips: Annotated[list[Path], typer.Argument(help="Takes to forge from; opened read-only.", metavar="CLIP…")],
    out: Annotated[Path, typer.Option(help="Folder for the forgeries; no clip may lie in it.")],
    lang: LanguageOption,
    case: Annotated[
        list[str] | None, typer.Option(help="Kind of forgery, e.g. splice, removed-10; default: all.")
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same files.")] = 0,
    codec: Annotated[list[str] | None, typer.Option(help="libx264, libx265, mpeg4, mjpeg; one is drawn.")] = None,
    crf: Annotated[list[int] | None, typer.Option(help="Coarseness, 0 to 51; one is drawn.")] = None,
    gop: Annotated[list[int] | None, typer.Option(help="Pictures between key pictures; one is drawn.")] = None,
    bframes: Annotated[list[int] | None, typer.Option(help="B-frames in a row; one is drawn.")] = None,
    preset: Annotated[list[str] | None, typer.Option(help="Preset of x264 and x265; one is drawn.")] = None,
    container: Annotated[list[str] | None, typer.Option(help="mp4, mov, mkv, avi, ts; one is drawn.")] = None,
    overlay: Annotated[
        list[str] | None, typer.Option(help="Clock to burn in before the edit: none, any, or a style; one is drawn.")
    ] = None,
    height: Annotated[int | None, typer.Option(min=64, max=4320, help="Bring pictures to this height.")] = None,
    seconds: Annotated[float | None, typer.Option(min=1.0, help="Use so much of each clip.")] = None,
    edits_per_clip: Annotated[int, typer.Option(min=1, help="Edits in one clip, where there is room.")] = 1,
    unmarked: Annotated[bool, typer.Option(help="Leave out the tag that says the file is forged.")] = False,
) -> None:
    """Make labelled forgeries of every kind from honest takes, to measure detectors on.

    Prints the path of each forgery. Exit codes: 0 done, 3 a clip could not be read, 2 bad arguments.
    """
    from pipeline.forge import folder
    from pipeline.forge.cases import case as case_named
    from pipeline.forge.cases import cases
    from pipeline.forge.wish import Wish

    with refusing():
        spoken = language(lang)
    with refusing(spoken):
        chosen = tuple(case_named(name) for name in case) if case else cases()
        wish = Wish(
            codec=tuple(codec or ()),
            crf=tuple(crf or ()),
            gop=tuple(gop or ()),
            bframes=tuple(bframes or ()),
            preset=tuple(preset or ()),
            container=tuple(container or ()),
            overlay=tuple(overlay or ("none",)),
            height=height,
            edits=edits_per_clip,
            marked=not unmarked,
        ).checked()
        folder.check_folder(out, clips)
        takes = _takes(clips, seconds, spoken)
        with bars(1, spoken) as bar, bar("") as progress:
            for made in folder.forge_folder(takes, chosen, out, seed, wish, lambda done: progress("forge", done)):
                if made.problem is not None:
                    complain(spoken.tell(made.problem))
                else:
                    print(made.path)
    if len(takes) < len(clips):
        raise typer.Exit(ExitCode.UNREADABLE)


def _takes(clips: Sequence[Path], seconds: float | None, spoken: Language) -> list[Take]:
    """Return the takes that can be read, and say why the others cannot."""
    from pipeline.forge.take import read_take

    takes = []
    with bars(len(clips), spoken) as bar:
        for path in clips:
            with bar(path.name) as progress:
                progress("take", 0.0)
                try:
                    takes.append(read_take(path, seconds=seconds))
                except FootageError as error:
                    complain(spoken.tell(run.told(error)))
    return takes

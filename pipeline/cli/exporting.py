"""The command `export`: one examined clip as a bag."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from pipeline import measuring, run, stages
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
    bars,
    beside_of,
    refusing,
    settings_of,
)
from pipeline.features.cache import Cache
from pipeline.language import language
from pipeline.report.made_at import made_at
from pipeline.rules.profile import load_profile


def export(
    clip: Annotated[Path, typer.Argument(help="The clip; opened read-only.", metavar="CLIP")],
    out: Annotated[Path, typer.Option(help="Folder of the bag; it must not be there yet.")],
    lang: LanguageOption,
    cache: CacheOption,
    approval: Annotated[
        Path | None, typer.Option(help="TOML file: who approved the copy, when, by which article, for whom, of what.")
    ] = None,
    reference: Annotated[
        bool, typer.Option("--reference", help="Take only the clip's name and hash along, not the clip.")
    ] = False,
    transcript: Annotated[
        list[Path] | None, typer.Option(help="File of its transcript to take along; may be repeated.")
    ] = None,
    profile: ProfileOption = DEFAULT_PROFILE,
    settings: SettingsOption = None,
    registry: RegistryOption = None,
    cases: CasesOption = None,
    at: AtOption = None,
    made: Annotated[
        str | None,
        typer.Option(
            "--made-at",
            help="Time that report and bag state, as 2026-03-04T18:00:00+08:00.",
            show_default="SOURCE_DATE_EPOCH, or now",
        ),
    ] = None,
    recogniser: RecogniserOption = None,
) -> None:
    """Hand one examined clip over as a bag (BagIt): the clip, its report as page, PDF and JSON, its transcript.

    Refused without an approval where the profile asks for one. Prints the path of the bag. Exit codes: 0 written,
    3 unreadable footage, 2 bad arguments.
    """
    from pipeline.report.approval import approved
    from pipeline.report.bag import BagContents, must_be_free, write_bag
    from pipeline.report.html import write_report
    from pipeline.report.pdf import must_be_able

    with refusing():
        spoken = language(lang)
    with refusing(spoken):
        rules = load_profile(profile, stages.sections())
        chosen = settings_of(settings, recogniser=recogniser)
        beside = beside_of([clip], registry, cases, at)
        now = made_at(made)
        must_be_able()
        must_be_free(out)
    with bars(1, spoken) as bar, bar(clip.name) as progress, refusing(spoken):
        footage = measuring.identify(clip, progress)
        given = approved(approval, rules, footage, now)  # before anything is made that could be handed over
        examination = run.examine(clip, rules, Cache(cache), chosen, progress, beside)
        progress("report", 0.0)
        with tempfile.TemporaryDirectory() as folder:
            report = Path(folder) / "report"
            write_report(examination, report, spoken.tag, now, pdf=True)
            contents = BagContents(
                examination.footage,
                report,
                transcripts=transcript or (),
                approval=None if given is None else given.written(),
                with_clip=not reference,
            )
            write_bag(out, contents, now)
    print(out)

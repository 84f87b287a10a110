"""The commands `scan` and `session`: measure clips, put them together, judge each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from pipeline import measuring, run, stages
from pipeline.beside import Beside
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
    failed,
    gravest,
    refusing,
    say,
    settings_of,
    show,
    tell_missing,
)
from pipeline.errors import ExitCode, SettingsError
from pipeline.features.cache import Cache
from pipeline.language import Language, language
from pipeline.model import Examination, Examined, Features, Footage, Message, Outcome
from pipeline.report import json_v1
from pipeline.report.made_at import made_at
from pipeline.rules.profile import Profile, load_profile
from pipeline.sessions.chain import Chain
from pipeline.settings import Settings
from pipeline.store import clips_in, folders_in
from pipeline.terminal import summary

ClipsArgument = Annotated[
    list[Path],
    typer.Argument(help="Clips, or folders that are searched for clips; opened read-only.", metavar="CLIP…|STORE…"),
]


@dataclass(frozen=True, slots=True)
class Work:
    """What clips are examined by."""

    rules: Profile
    settings: Settings
    beside: Beside
    cache: Cache
    triage: bool
    folders: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Form:
    """How reports are written."""

    out: Path
    pdf: bool
    made_at: datetime


@dataclass(frozen=True, slots=True)
class Done:
    """What the clips came to."""

    together: Chain
    results: list[Examination]
    """One for each clip, in order."""
    codes: set[ExitCode]


def scan(
    clips: ClipsArgument,
    lang: LanguageOption,
    cache: CacheOption,
    profile: ProfileOption = DEFAULT_PROFILE,
    settings: SettingsOption = None,
    registry: RegistryOption = None,
    cases: CasesOption = None,
    at: AtOption = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the HTML reports, one folder a clip.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the JSON documents and nothing else.")] = False,
    triage: Annotated[
        bool, typer.Option("--triage", help="Examine structure and times only, decode nothing: quick, never a pass.")
    ] = False,
    recogniser: RecogniserOption = None,
    pdf: Annotated[bool, typer.Option("--pdf", help="Write each report as PDF, too; with --out.")] = False,
    made: Annotated[
        str | None,
        typer.Option(
            "--made-at",
            help="Time that reports state, as 2026-03-04T18:00:00+08:00.",
            show_default="SOURCE_DATE_EPOCH, or now",
        ),
    ] = None,
) -> None:
    """Examine clips and judge them by a regulation.

    Exit codes: 0 all passed, 10 undecided, 11 failed, 3 unreadable footage, 2 bad arguments, 1 internal error.
    """
    with refusing():
        spoken = language(lang)
    with refusing(spoken):
        rules = load_profile(profile, stages.sections())
        chosen = settings_of(settings, recogniser=recogniser)
        paths = clips_in(clips)
        work = Work(rules, chosen, beside_of(paths, registry, cases, at), Cache(cache), triage, folders_in(clips))
        form = _form(out, pdf, made)
    done = examined(paths, work, spoken)
    pages = _reports(done, form, spoken)
    if as_json:
        documents = [json_v1.document(result) for result in done.results]
        alone = len(clips) == 1 and clips == paths
        print(json_v1.text(documents[0] if alone else documents))
    else:
        _summaries(done.results, pages, spoken)
    raise gravest(done.codes)


def session(
    clips: ClipsArgument,
    lang: LanguageOption,
    cache: CacheOption,
    profile: ProfileOption = DEFAULT_PROFILE,
    settings: SettingsOption = None,
    registry: RegistryOption = None,
    cases: CasesOption = None,
    at: AtOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")] = False,
    triage: Annotated[
        bool, typer.Option("--triage", help="Go by names, metadata and case records only, decode nothing: quick.")
    ] = False,
    recogniser: RecogniserOption = None,
) -> None:
    """Show which clips belong together: how they are joined, what is missing, who, where, and which phases.

    Exit codes are those of `scan`.
    """
    from pipeline import session_view

    with refusing():
        spoken = language(lang)
    with refusing(spoken):
        rules = load_profile(profile, stages.sections())
        chosen = settings_of(settings, recogniser=recogniser)
        paths = clips_in(clips)
        work = Work(rules, chosen, beside_of(paths, registry, cases, at), Cache(cache), triage, folders_in(clips))
    done = examined(paths, work, spoken)
    by_path = {result.footage.path: result for result in done.results}
    document = session_view.document(done.together, by_path, rules.key)
    show(document, session_view.rendered(done.together, by_path, spoken), as_json)
    raise gravest(done.codes)


def examined(clips: Sequence[Path], work: Work, spoken: Language) -> Done:
    """Measure every clip, put them together, and judge each; a fault of this program costs one clip its result."""
    if work.beside.cases is not None:
        tell_missing(work.beside.cases.missing(clips), spoken)
    looked: list[run.Looked | Exception] = []
    codes: set[ExitCode] = set()
    with bars(len(clips), spoken) as bar:
        for path in clips:
            with bar(path.name) as progress:
                looked.append(_looked(path, work, progress))
    chained = [one.clip for one in looked if isinstance(one, run.Looked)]
    together = run.together(chained, work.rules, work.settings)
    results = []
    for path, one in zip(clips, looked, strict=True):
        try:
            if isinstance(one, Exception):
                raise one
            results.append(run.conclude(one, work.rules, work.settings, together))
            codes.add(exit_code(results[-1]))
        except Exception as error:
            codes.add(failed())
            results.append(_crashed(path, work.rules, error))
    return Done(together, results, codes)


def _looked(path: Path, work: Work, progress: measuring.Progress) -> run.Looked | Exception:
    try:
        return run.look(
            path, work.rules, work.cache, work.settings, progress, work.beside, triage=work.triage, folders=work.folders
        )
    except Exception as error:
        return error


def exit_code(examination: Examination) -> ExitCode:
    """Return the exit code that one clip stands for; a clip that no rule applies to has not passed."""
    if examination.unreadable is not None:
        return ExitCode.UNREADABLE
    codes = {Outcome.FAIL: ExitCode.FAILED, Outcome.PASS: ExitCode.ALL_PASSED}
    return codes.get(examination.verdict, ExitCode.UNDECIDED)


def _crashed(path: Path, profile: Profile, error: Exception) -> Examination:
    """Return the result of a clip on which this product itself failed: undecided, and it says so."""
    return Examination(
        footage=Footage(path, "", 0),
        profile=profile.key,
        features=Features(),
        examined=Examined(),
        findings=(),
        rules=(),
        verdict=Outcome.UNDECIDED,
        unreadable=Message(
            "This program failed on the clip ({problem}). The clip was not changed; please report this.",
            {"problem": f"{type(error).__name__}: {error}"},
        ),
        versions=stages.versions(Settings()),
    )


def _form(out: Path | None, pdf: bool, made: str | None) -> Form | None:
    """Return how reports are written, None if none are; what cannot be done is better said now than after an hour."""
    if out is None:
        if pdf or made is not None:
            raise SettingsError(Message("--pdf and --made-at are about reports: name their folder with --out."))
        return None
    if pdf:
        from pipeline.report.pdf import must_be_able

        must_be_able()
    return Form(out, pdf, made_at(made))


def _reports(done: Done, form: Form | None, spoken: Language) -> list[Path | None]:
    """Write each clip's report, and an overview of several; return the pages, None where there is none."""
    pages: list[Path | None] = []
    if form is None:
        return [None] * len(done.results)
    with bars(len(done.results), spoken) as bar:
        for result in done.results:
            with bar(result.footage.path.name) as progress:
                try:
                    pages.append(_report(result, form, pages, spoken.tag, progress))
                except Exception:  # the result stands without its report
                    done.codes.add(failed())
                    pages.append(None)
    if len(pages) > 1:
        from pipeline.report.overview import write_overview

        index = write_overview(list(zip(done.results, pages, strict=True)), form.out, spoken.tag)
        say(f"{spoken.text('Overview of all reports')}: {index}")
    return pages


def _report(
    result: Examination, form: Form, before: list[Path | None], lang: str, progress: measuring.Progress
) -> Path:
    """Write a clip's report into a folder of its own: one content may lie at two places, each with its case record."""
    from pipeline.report.html import write_report

    progress("report", 0.0)
    name = f"{result.footage.path.stem}-{result.footage.sha256[:8] or 'unread'}"
    taken = {page.parent.name for page in before if page is not None}
    free = next(f for f in (name, *(f"{name}-{n}" for n in range(2, len(before) + 2))) if f not in taken)
    return write_report(result, form.out / free, lang, form.made_at, pdf=form.pdf)


def _summaries(results: Sequence[Examination], pages: Sequence[Path | None], spoken: Language) -> None:
    console = Console()
    for result, page in zip(results, pages, strict=True):
        console.print(summary(result, spoken))
        if page is not None:
            console.print(f"{spoken.text('Report')}: {page}", soft_wrap=True, markup=False)
            if (document := page.with_name("report.pdf")).is_file():
                console.print(f"PDF: {document}", soft_wrap=True, markup=False)
        console.print()

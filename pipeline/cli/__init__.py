"""The command `unbroken`. Results go to stdout; progress and messages go to stderr."""

from __future__ import annotations

import locale
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console, RenderableType
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from pipeline import measuring, run, stages
from pipeline.beside import Beside, moment
from pipeline.case import case_of, read_case_table
from pipeline.errors import GRAVEST_FIRST, ExitCode, FootageError, IntegrityError, SettingsError
from pipeline.features.cache import Cache
from pipeline.language import LANGUAGES, Language, language
from pipeline.model import Examination, Examined, Features, Footage, Message, Outcome
from pipeline.registry import read_registry
from pipeline.report import json_v1
from pipeline.rules.check import check_profile
from pipeline.rules.profile import Profile, builtin_profiles, load_profile
from pipeline.sessions.chain import Chain
from pipeline.settings import Settings, read_toml, settings_from
from pipeline.terminal import checked, explained, settings_toml, summary

app = typer.Typer(
    name="unbroken",
    help="Checks body-camera footage: is the take whole, was the notice spoken, was the place shown?",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
errors = Console(stderr=True)


def _default_language() -> str:
    spoken = locale.getlocale()[0] or ""
    return "zh-CN" if spoken.startswith(("zh", "Chinese")) else "en"


def _default_cache() -> Path:
    return Path(typer.get_app_dir("unbroken")) / "cache" if sys.platform == "win32" else Path.home() / ".cache/unbroken"


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
"""What the progress bar says in each stage."""

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


@contextmanager
def _told(lang: Language | None = None) -> Iterator[None]:
    """End the command with one sentence where an argument or a file cannot be used."""
    try:
        yield
    except IntegrityError as error:
        message = run.told(error)
        errors.print(lang.tell(message) if lang else str(message), style="red", markup=False, highlight=False)
        unreadable = isinstance(error, FootageError)
        raise typer.Exit(ExitCode.UNREADABLE if unreadable else ExitCode.BAD_ARGUMENTS) from error


def _settings(path: Path | None, **speech: str | None) -> Settings:
    """Return what a settings file sets, with parameters of speech that options set over it."""
    chosen = Settings() if path is None else settings_from(read_toml(path), stages.sections(), str(path))
    asked = {name: value for name, value in speech.items() if value is not None}
    if not asked:
        return chosen
    return settings_from({"speech": asked}, stages.sections(), "--" + ", --".join(asked)).over(chosen)


@contextmanager
def _progress(clips: int, spoken: Language) -> Iterator[Any]:
    """Show a bar for each clip on stderr while it is examined."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        TextColumn("{task.percentage:>3.0f} %"),
        TextColumn("{task.fields[stage]}", style="dim"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=errors, transient=True) as bars:
        total = bars.add_task("", total=clips, stage="", visible=clips > 1)

        @contextmanager
        def clip(name: str) -> Iterator[measuring.Progress]:
            bar = bars.add_task(name, total=1.0, stage="")
            try:
                yield lambda stage, share: bars.update(bar, completed=share, stage=spoken.text(STAGE_WORDS[stage]))
            finally:
                bars.remove_task(bar)
                bars.advance(total)

        yield clip


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


def exit_code(examination: Examination) -> ExitCode:
    """Return the exit code that one clip stands for; a clip that no rule applies to has not passed."""
    if examination.unreadable is not None:
        return ExitCode.UNREADABLE
    codes = {Outcome.FAIL: ExitCode.FAILED, Outcome.PASS: ExitCode.ALL_PASSED}
    return codes.get(examination.verdict, ExitCode.UNDECIDED)


@app.command()
def scan(
    clips: Annotated[list[Path], typer.Argument(help="Clips to examine; they are opened read-only.", metavar="CLIP…")],
    lang: LanguageOption,
    cache: CacheOption,
    profile: ProfileOption = "shijiazhuang-safety",
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
) -> None:
    """Examine clips and judge them by a regulation.

    Exit codes: 0 all passed, 10 undecided, 11 failed, 3 unreadable footage, 2 bad arguments, 1 internal error.
    """
    with _told():
        spoken = language(lang)
        rules = load_profile(profile, stages.sections())
        chosen = _settings(settings, recogniser=recogniser)
        beside = _beside(registry, cases, at, clips)
    pages: list[Path | None] = []
    console = Console()
    _, results, codes = _examined(clips, rules, Cache(cache), chosen, beside, spoken, triage)
    with _progress(len(clips), spoken) as bar:
        for result in results:
            page = None
            if out is not None:
                with bar(result.footage.path.name) as progress:
                    try:
                        page = _report(result, out, pages, lang, progress)
                    except Exception:  # the result stands without its report
                        codes.add(_failed())
            pages.append(page)
            if not as_json:
                console.print(summary(result, spoken))
                if page is not None:
                    console.print(f"{spoken.text('Report')}: {page}", soft_wrap=True, markup=False)
                console.print()
    if out is not None and len(clips) > 1:
        from pipeline.report.overview import write_overview

        index = write_overview(list(zip(results, pages, strict=True)), out, lang)
        errors.print(f"{spoken.text('Overview of all reports')}: {index}", soft_wrap=True, markup=False)
    if as_json:
        documents = [json_v1.document(result) for result in results]
        print(json_v1.text(documents if len(clips) > 1 else documents[0]))
    raise typer.Exit(next((code for code in GRAVEST_FIRST if code in codes), ExitCode.ALL_PASSED))


def _beside(registry: Path | None, cases: Path | None, at: str | None, clips: Sequence[Path]) -> Beside:
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


def _examined(
    clips: Sequence[Path],
    rules: Profile,
    cache: Cache,
    chosen: Settings,
    beside: Beside,
    spoken: Language,
    triage: bool,
) -> tuple[Chain, list[Examination], set[ExitCode]]:
    """Measure every clip, put them together, and judge each: return the chain and a result for each clip, in order."""
    looked: dict[Path, run.Looked | Exception] = {}
    codes: set[ExitCode] = set()
    with _progress(len(clips), spoken) as bar:
        for path in clips:
            with bar(path.name) as progress:
                try:
                    looked[path] = run.look(path, rules, cache, chosen, progress, beside, triage=triage)
                except Exception as error:
                    codes.add(_failed())
                    looked[path] = error
    together = run.together([one.clip for one in looked.values() if isinstance(one, run.Looked)], rules, chosen)
    results = []
    for path in clips:
        one = looked[path]
        try:
            if isinstance(one, Exception):
                raise one
            results.append(run.conclude(one, rules, chosen, together))
            codes.add(exit_code(results[-1]))
        except Exception as error:
            if error is not one:
                codes.add(_failed())
            results.append(_crashed(path, rules, error))
    return together, results, codes


def _failed() -> ExitCode:
    """Print what this program failed on; return the exit code for it."""
    errors.print(traceback.format_exc(), style="dim", markup=False, highlight=False)
    return ExitCode.INTERNAL_ERROR


def _report(result: Examination, out: Path, before: list[Path | None], lang: str, progress: measuring.Progress) -> Path:
    """Write a clip's report into a folder of its own: one content may lie at two places, each with its case record."""
    from pipeline.report.html import write_report

    progress("report", 0.0)
    name = f"{result.footage.path.stem}-{result.footage.sha256[:8] or 'unread'}"
    taken = {page.parent.name for page in before if page is not None}
    free = next(f for f in (name, *(f"{name}-{n}" for n in range(2, len(before) + 2))) if f not in taken)
    return write_report(result, out / free, lang)


@app.command()
def session(
    clips: Annotated[
        list[Path], typer.Argument(help="Clips, or folders of clips; opened read-only.", metavar="CLIP…|STORE")
    ],
    lang: LanguageOption,
    cache: CacheOption,
    profile: ProfileOption = "shijiazhuang-safety",
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

    with _told():
        spoken = language(lang)
        rules = load_profile(profile, stages.sections())
        chosen = _settings(settings, recogniser=recogniser)
        paths = session_view.clips_in(clips)
        if not paths:
            raise SettingsError(f"no clip in {', '.join(str(path) for path in clips)}")
        beside = _beside(registry, cases, at, paths)
    together, results, codes = _examined(paths, rules, Cache(cache), chosen, beside, spoken, triage)
    by_path = {result.footage.path: result for result in results}
    if as_json:
        print(json_v1.text(session_view.document(together, by_path, rules.key)))
    else:
        Console().print(session_view.rendered(together, by_path, spoken), highlight=False)
    raise typer.Exit(next((code for code in GRAVEST_FIRST if code in codes), ExitCode.ALL_PASSED))


@app.command()
def features(
    clip: Annotated[Path, typer.Argument(help="Clip to measure.")],
    lang: LanguageOption,
    cache: CacheOption,
    out: Annotated[Path, typer.Option(help="Folder for the Parquet tables.")] = Path("features"),
    settings: SettingsOption = None,
) -> None:
    """Write every table of a clip as Parquet, for notebooks; no detector and no rule is run."""
    from pipeline.features.schema import write_tables

    with _told():
        spoken = language(lang)
        chosen = _settings(settings)
    with _told(spoken), _progress(1, spoken) as bar, bar(clip.name) as progress:
        found, _, unreadable = measuring.measure(measuring.identify(clip, progress), chosen, Cache(cache), progress)
    if unreadable is not None:
        errors.print(spoken.tell(unreadable), style="red", markup=False, highlight=False)
    for path in write_tables(found.tables, out):
        print(path)
    if unreadable is not None:
        raise typer.Exit(ExitCode.UNREADABLE)


@app.command()
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

    with _told():
        spoken = language(lang)
        chosen = _settings(settings)
        beside = _beside(registry, None, None, [clip])
        case = beside.case(clip)
    with _told(spoken), _progress(1, spoken) as bar, bar(clip.name) as progress:
        footage = measuring.identify(clip, progress)
        found, _, unreadable = measuring.measure(footage, chosen, Cache(cache), progress, case=case, speech=False)
    found = beside.tables(found, footage, case, chosen)
    findings, _ = run.detect(found, chosen)
    if as_json:
        print(json_v1.text(terminal_read.document(found, findings)))
    else:
        Console().print(terminal_read.reading(found, findings, spoken), highlight=False)
    if unreadable is not None:
        errors.print(spoken.tell(unreadable), style="red", markup=False, highlight=False)
        raise typer.Exit(ExitCode.UNREADABLE)


@app.command()
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

    with _told():
        spoken = language(lang)
    with _told(spoken):
        chosen = _settings(settings, recogniser=recogniser, extent="whole")
        wish = transcript.Wish(out, tuple(form or WRITERS), made_by, confirmed_by).checked()
        for path in clips:
            case_of(path)
    codes = set()
    with _progress(len(clips), spoken) as bar:
        for path in clips:
            written = transcript.Written()
            with bar(path.name) as progress:
                try:
                    written = transcript.transcribe(path, wish, spoken, Cache(cache), chosen, progress, clips)
                except IntegrityError as error:
                    code = ExitCode.UNREADABLE if isinstance(error, FootageError) else ExitCode.BAD_ARGUMENTS
                    written = transcript.Written(notes=(run.told(error),), code=code)
                except Exception:
                    codes.add(_failed())
            codes.add(written.code)
            for note in written.notes:
                said = spoken.tell(note)
                said = said if str(path) in said or len(clips) == 1 else f"{path}: {said}"
                style = "red" if written.code else "dim"
                errors.print(said, style=style, markup=False, highlight=False, soft_wrap=True)
            for file in written.paths:
                print(file)
    gravest = (ExitCode.INTERNAL_ERROR, ExitCode.UNREADABLE, ExitCode.BAD_ARGUMENTS)
    raise typer.Exit(next((code for code in gravest if code in codes), ExitCode.ALL_PASSED))


@app.command()
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
    from pipeline.forge.take import Take, read_take
    from pipeline.forge.wish import Wish

    with _told():
        spoken = language(lang)
    failed = False

    def say(message: Message) -> None:
        errors.print(spoken.tell(message), style="red", markup=False, highlight=False, soft_wrap=True)

    with _told(spoken):
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
        takes: list[Take] = []
        with _progress(len(clips), spoken) as bar:
            for path in clips:
                with bar(path.name) as progress:
                    progress("take", 0.0)
                    try:
                        takes.append(read_take(path, seconds=seconds))
                    except FootageError as error:
                        failed = True
                        say(run.told(error))
        with _progress(1, spoken) as bar, bar("") as progress:
            for made in folder.forge_folder(takes, chosen, out, seed, wish, lambda done: progress("forge", done)):
                if made.problem is not None:
                    say(made.problem)
                else:
                    print(made.path)
    if failed:
        raise typer.Exit(ExitCode.UNREADABLE)


@app.command()
def explain(
    name: Annotated[str, typer.Argument(help="A detector, rule, kind of finding, stage, column or case field.")],
    lang: LanguageOption,
    profile: ProfileOption = "shijiazhuang-safety",
) -> None:
    """Say what a detector, rule, kind, stage, column or field of the case record means, and what rests on it."""
    with _told():
        Console(soft_wrap=True).print(
            explained(name, load_profile(profile, stages.sections()), language(lang)), markup=False, highlight=False
        )


@app.command("settings")
def show_settings(profile: ProfileOption = "shijiazhuang-safety") -> None:
    """Print every parameter with its meaning and its value under a profile, as TOML that `--settings` takes."""
    with _told():
        print(settings_toml(load_profile(profile, stages.sections())))


profiles_app = typer.Typer(invoke_without_command=True)
app.add_typer(profiles_app, name="profiles")


@profiles_app.callback()
def profiles(context: typer.Context) -> None:
    """List the regulations that the product knows, or check profiles of your own."""
    if context.invoked_subcommand is not None:
        return
    for key in builtin_profiles():
        found = load_profile(key)
        print(key, found.name, found.name_en, sep="\t")


@profiles_app.command("check")
def check_profiles(
    files: Annotated[list[str], typer.Argument(help="Profiles: paths of TOML files, or names.", metavar="FILE…")],
    lang: LanguageOption,
) -> None:
    """Tell all that is wrong with profiles, a line for each error: file, line, and what is wrong.

    Exit codes: 0 nothing is wrong, 2 something is.
    """
    wrong = False
    with _told():
        spoken = language(lang)
    for name in files:
        try:
            found = check_profile(name, stages.sections())
        except SettingsError as error:
            wrong = True
            print(error)
            continue
        wrong |= found.profile is None
        print(checked(name, found, spoken))
    if wrong:
        raise typer.Exit(ExitCode.BAD_ARGUMENTS)


@app.command()
def models(settings: SettingsOption = None) -> None:
    """Show the weights that speech recognition uses, and hash every byte of them."""
    from transcripts.recogniser import engine_for
    from transcripts.weights import verify

    with _told():
        used = stages.STAGES["speech"].used(_settings(settings))
        for line in verify(used["weights"], engine_for(used["recogniser"], used["weights"])):
            print(line)


def _show(document: Any, page: RenderableType, as_json: bool) -> None:
    """Print one of the two on stdout."""
    if as_json:
        print(json_v1.text(document))
    else:
        Console().print(page, highlight=False)


ResultsArgument = Annotated[
    list[Path],
    typer.Argument(help="What `scan --json` printed, or folders that hold report.v1.json.", metavar="RESULTS…"),
]


@app.command()
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

    with _told():
        spoken = language(lang)
    with _told(spoken):
        found = tables.statistics(read_results(results), by or ())
        if out is not None:
            for path in tables.write(found, out):
                errors.print(str(path), soft_wrap=True, markup=False, highlight=False)
        if picture is not None:
            draw_bars(*terminal_results.picture_of(found, spoken), picture)
            errors.print(str(picture), soft_wrap=True, markup=False, highlight=False)
    _show(tables.document(found), terminal_results.statistics_page(found, spoken), as_json)


@app.command()
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
    from pipeline import ledger as ledgers
    from pipeline import spotcheck as checks
    from pipeline import terminal_results
    from pipeline.report.results import read_results

    with _told():
        spoken = language(lang)
    with _told(spoken):
        if check is not None:
            if any(option is not None for option in (seed, share, count, by, ledger)):
                raise SettingsError(Message("--verify takes the results only: the ledger states all else."))
            found = ledgers.verify(check, read_results(results))
        elif seed is None:
            raise SettingsError(Message("--seed is missing: give a number that nobody could choose to fit the clips."))
        else:
            wanted = checks.parameters(seed, by or (), share, count)
            drawn = checks.draw(read_results(results), wanted)
            new = ledger is None or ledgers.append(drawn, ledger, datetime.now(UTC))
    if check is not None:
        told = [{"draw": e.draw, "state": e.state, "notes": [str(note) for note in e.notes]} for e in found]
        _show(told, terminal_results.verified_page(found, spoken), as_json)
        worst = {"differs": ExitCode.FAILED, "not checked": ExitCode.UNDECIDED}
        codes = {worst.get(e.state, ExitCode.UNDECIDED if e.notes else ExitCode.ALL_PASSED) for e in found}
        raise typer.Exit(next((code for code in GRAVEST_FIRST if code in codes), ExitCode.ALL_PASSED))
    _show(checks.document(drawn), terminal_results.draw_page(drawn, spoken), as_json)
    if ledger is not None:
        message = "{path}: {count} rows added." if new else "{path}: this draw stands there already; nothing was added."
        said = spoken.tell(Message(message, {"path": str(ledger), "count": len(drawn.sample)}))
        errors.print(said, soft_wrap=True, markup=False, highlight=False)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    app(args=arguments, prog_name="unbroken")


__all__ = ["app", "exit_code", "main"]

"""The commands `profiles`, `explain`, `settings` and `models`: what the product knows and goes by."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from pipeline import stages
from pipeline.cli.shared import (
    DEFAULT_PROFILE,
    LanguageOption,
    ProfileOption,
    SettingsOption,
    refusing,
    settings_of,
)
from pipeline.errors import ExitCode, SettingsError
from pipeline.language import language
from pipeline.rules.check import check_profile
from pipeline.rules.profile import builtin_profiles, load_profile
from pipeline.terminal import checked, explained, settings_toml

profiles_app = typer.Typer(invoke_without_command=True)


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
    with refusing():
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


def explain(
    name: Annotated[str, typer.Argument(help="A detector, rule, kind of finding, stage, column or case field.")],
    lang: LanguageOption,
    profile: ProfileOption = DEFAULT_PROFILE,
) -> None:
    """Say what a detector, rule, kind, stage, column or field of the case record means, and what rests on it."""
    with refusing():
        rules = load_profile(profile, stages.sections())
        Console(soft_wrap=True).print(explained(name, rules, language(lang)), markup=False, highlight=False)


def show_settings(profile: ProfileOption = DEFAULT_PROFILE) -> None:
    """Print every parameter with its meaning and its value under a profile, as TOML that `--settings` takes."""
    with refusing():
        print(settings_toml(load_profile(profile, stages.sections())))


def models(settings: SettingsOption = None) -> None:
    """Show the weights that speech recognition uses, and hash every byte of them."""
    from transcripts.recogniser import engine_for
    from transcripts.weights import verify

    with refusing():
        used = stages.STAGES["speech"].used(settings_of(settings))
        for line in verify(used["weights"], engine_for(used["recogniser"], used["weights"])):
            print(line)

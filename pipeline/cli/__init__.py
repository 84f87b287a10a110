"""The command `unbroken`. Results go to stdout; progress and messages go to stderr."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import typer
from typer.core import TyperGroup

from pipeline.cli.batching import batch, results, retry, status, verify
from pipeline.cli.counting import spotcheck, statistics
from pipeline.cli.describing import explain, models, profiles_app, show_settings
from pipeline.cli.exporting import export
from pipeline.cli.forging import forge
from pipeline.cli.labelling import labels_app
from pipeline.cli.reading import features, read
from pipeline.cli.reviewing import review
from pipeline.cli.scanning import exit_code, scan, session
from pipeline.cli.shared import STAGE_WORDS
from pipeline.cli.transcribing import transcribe
from pipeline.cli.users import users_app

PANELS: dict[str, dict[str, Callable[..., None] | typer.Typer]] = {
    "Examine": {"scan": scan, "session": session, "read": read, "transcribe": transcribe, "export": export},
    "Regulations": {"profiles": profiles_app, "explain": explain, "settings": show_settings},
    "Overnight": {"batch": batch, "status": status, "results": results, "retry": retry, "verify": verify},
    "Review": {"review": review, "users": users_app},
    "Over many results": {"statistics": statistics, "spotcheck": spotcheck},
    "For analysts": {"features": features, "forge": forge, "labels": labels_app, "models": models},
}
"""Heading in the help → name → command, in the order in which they are listed."""


class _InOrder(TyperGroup):
    """Lists the commands in the order of `PANELS`; typer puts those that have commands of their own last."""

    def list_commands(self, ctx: Any) -> list[str]:
        return [name for commands in PANELS.values() for name in commands]


app = typer.Typer(
    name="unbroken",
    cls=_InOrder,
    help="Checks body-camera footage: is the take whole, was the notice spoken, was the place shown?",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for panel, commands in PANELS.items():
    for name, command in commands.items():
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name, rich_help_panel=panel)
        else:
            app.command(name, rich_help_panel=panel)(command)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    app(args=arguments, prog_name="unbroken")


__all__ = ["STAGE_WORDS", "app", "exit_code", "main"]

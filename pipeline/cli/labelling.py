"""The command `labels`: what people decided on the review page, for those who tune detectors."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.shared import CacheOption, LanguageOption, LedgerOption, opened, operator, refusing, say
from pipeline.language import language
from pipeline.model import Message

labels_app = typer.Typer(no_args_is_help=True, help="Labels of findings: what people decided on the review page.")


@labels_app.callback()
def _labels() -> None:
    """Make `export` a command of its own, though it is the only one."""


@labels_app.command("export")
def export_labels(
    out: Annotated[Path, typer.Option(help="Table to write, .parquet or .csv (docs/labels.md).")],
    lang: LanguageOption,
    cache: CacheOption,
    ledger: LedgerOption = None,
) -> None:
    """Write a row for each decision that stands: the finding, whether it was true, who said so and why.

    Exit codes: 0 written, 2 bad arguments.
    """
    from pipeline.review import audit
    from pipeline.review.labels import labels, write_labels

    with refusing():
        spoken = language(lang)
    with refusing(spoken), opened(ledger, cache) as book:
        rows = labels(book)
        write_labels(rows, out)
        audit.add(book, operator(), "labels-exported", "", {"count": len(rows), "to": str(out)})
        audit.sign_head(book)
    say(spoken.tell(Message("{path}: {count} labels.", {"path": str(out), "count": len(rows)})))

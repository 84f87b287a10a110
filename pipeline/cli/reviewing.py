"""The command that serves the review page."""

from __future__ import annotations

import ipaddress
import logging
import socket
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress

from pipeline.cli.shared import (
    CacheOption,
    LanguageOption,
    LedgerOption,
    messages,
    opened,
    refusing,
    say,
)
from pipeline.errors import SettingsError
from pipeline.language import language
from pipeline.model import Message

OPEN_TO_ALL = (
    "{host}: other machines could read passwords and footage on the way. Give --certificate and --key, or serve "
    "127.0.0.1 behind a proxy that speaks TLS."
)
NO_ACCOUNT = "There is no account yet. Make the first one: unbroken users add NAME --role admin"
TAKEN = "{host}:{port} cannot be served: {problem}"
SERVES = "The review page is served at {address}. End it with Ctrl-C."
INDEX = "review.index"
"""Name of the index in the cache's folder."""


def review(
    lang: LanguageOption,
    cache: CacheOption,
    ledger: LedgerOption = None,
    host: Annotated[str, typer.Option(help="Address to serve at; other machines reach only what is not loopback.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any that is free.")] = 8757,
    name: Annotated[
        list[str] | None, typer.Option("--name", help="Name by which browsers may call this server; repeatable.")
    ] = None,
    certificate: Annotated[Path | None, typer.Option(help="PEM file: TLS certificate, with its chain.")] = None,
    key: Annotated[Path | None, typer.Option(help="PEM file: its private key.")] = None,
) -> None:
    """Serve the review page over a ledger: what the night brought, clip by clip.

    Nothing leaves this machine unless --host says so, and then only by TLS.

    Exit codes: 0 ended, 2 bad arguments, 1 internal error.
    """
    import uvicorn

    from pipeline.review import accounts
    from pipeline.review.app import LOCAL, create_app
    from pipeline.review.index import ReviewIndex
    from pipeline.review.web import office_of

    with refusing():
        spoken = language(lang)
    with refusing(spoken), opened(ledger, cache) as book:
        if (certificate is None or key is None) and not _is_loopback(host):
            raise SettingsError(Message(OPEN_TO_ALL, {"host": host}))
        if not accounts.all_accounts(book):
            raise SettingsError(Message(NO_ACCOUNT))
        index = ReviewIndex(cache / INDEX)
        with Progress(console=messages, transient=True) as progress:
            task = progress.add_task(spoken.text("Reading the ledger"), total=None)
            index.refresh(book, lambda done, total: progress.update(task, completed=done, total=total))
        office = office_of(book, index, cache, secure=certificate is not None, language=lang)
        server = uvicorn.Server(
            uvicorn.Config(
                create_app(office, [*LOCAL, host, *(name or ())]),
                host=host,
                port=port,
                ssl_certfile=None if certificate is None else str(certificate),
                ssl_keyfile=None if key is None else str(key),
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
            )
        )
        logging.getLogger("uvicorn").setLevel(logging.WARNING)
        try:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            listening = socket.create_server((host, port), family=family)
        except OSError as error:
            raise SettingsError(Message(TAKEN, {"host": host, "port": port, "problem": str(error.strerror)})) from error
        scheme = "http" if certificate is None else "https"
        at = f"[{host}]" if ":" in host else host
        say(spoken.tell(Message(SERVES, {"address": f"{scheme}://{at}:{listening.getsockname()[1]}/"})))
        with suppress(KeyboardInterrupt):  # uvicorn has ended in order by then
            server.run(sockets=[listening])
        index.close()


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"

"""Files behind a URL, by fsspec: listed, described and copied, never written."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, Literal, TypeVar
from urllib.parse import quote, unquote, urlsplit

import fsspec
from fsspec.config import conf
from fsspec.core import url_to_fs

from pipeline.errors import FootageError, SettingsError
from pipeline.model import Message

T = TypeVar("T")
Kind = Literal["file", "folder", "link", "other"]
ATTEMPTS = 3
"""How often a store is asked before it counts as out of reach."""
SOCKET_S = 120
"""Seconds without a byte after which an HTTP server counts as silent; a whole clip may take any time."""
UNREACHABLE = (
    "{path}: the store gave no answer that can be used: {problem}. Check the address, the account and the network."
)
EXTRAS = {"s3": "s3", "s3a": "s3", "sftp": "sftp", "ssh": "sftp", "http": "http", "https": "http"}
"""Protocol → extra of this distribution that brings its package."""
_WITH_HOST = {"http": 80, "https": 443, "sftp": 22, "ftp": 21, "smb": 445, "webdav": 0, "webhdfs": 0}
"""Protocols of which the URL names a host → its usual port; elsewhere the first part may be a bucket or a container."""
_WEB = ("http", "https")
_CHANGED_AT = ("mtime", "LastModified", "last_modified", "Last-Modified", "modified", "updated", "created")
_VERSIONS = ("ETag", "etag", "VersionId", "version_id", "generation", "md5Hash", "Content-MD5", "ino")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Seen:
    """What the store says of a file or folder."""

    name: str
    """In the store, "/" between its parts."""
    kind: Kind
    bytes: int | None
    """None where the store does not say."""
    mtime_ns: int
    inode: str
    target: str = ""
    """Where a link leads, if the store says; the other entries are of what it leads to."""


class RemoteFiles:
    """Files below a URL.

    Parameters
    ----------
    url : str
        Any that fsspec knows. Account and further options come from the environment, as the protocol's package and
        fsspec (`FSSPEC_…`) read it.
    pause_s : float
        Pause after the first failed attempt, in seconds; it doubles with each further one.

    Raises
    ------
    SettingsError
        If the protocol or its package is missing, or the URL leads nowhere.
    """

    def __init__(self, url: str, pause_s: float) -> None:
        self._pause_s = pause_s
        scheme, _, rest = url.partition("://")
        scheme, userinfo = scheme.lower(), rest.partition("/")[0].rpartition("@")[0]
        self._secret = "" if scheme in ("file", "local", "memory") else userinfo
        self.name = self._without_secrets(url)
        try:
            if "::" in url or (scheme in _WEB and (urlsplit(url).query or urlsplit(url).fragment)):
                raise SettingsError(
                    Message("{path}: an address with ::, ? or # names no folder of a store.", {"path": self.name})
                )
            self._fs, root = url_to_fs(f"{scheme}://{rest}", skip_instance_cache=True, **_options(scheme))
        except ImportError as error:
            raise SettingsError(_missing(scheme, self.name, error)) from error
        except SettingsError:
            raise
        except Exception as error:  # each protocol has its own
            raise SettingsError(self._unreachable("", error)) from error
        self._web = scheme in _WEB
        self._local = scheme in ("file", "local")
        self._root = str(root).rstrip("/") if self._web else str(root)
        self._prefix = self._root.rstrip("/") + "/"
        self.name = self._canonical(scheme, f"{scheme}://{rest}")
        self._must_be_a_folder()

    def listing(self, folder: str) -> list[Seen]:
        """Return what lies in a folder ("" is the root), as it is now.

        Raises
        ------
        FootageError
            If it cannot be listed.
        """

        def listed() -> list[Any]:
            self._fs.invalidate_cache()
            return list(self._fs.ls(self._address(folder, "folder"), detail=True))

        found = []
        for info in self._asked(folder, listed):
            raw = str(info["name"])
            if not raw.startswith(self._prefix):
                continue  # the folder itself, or what is none of this store
            name = raw.removeprefix(self._prefix).removesuffix("/")
            name = unquote(name) if self._web else name
            if name and name != folder:
                found.append(self._seen(name, info))
            elif raw.endswith("/") and info.get("type") == "directory" and not self._web:
                found.append(self._seen(f"{folder}/", info))  # of an object store: a folder whose name is empty
        return found

    def seen(self, name: str) -> Seen:
        """Return what the store says of one file, as it is now.

        Raises
        ------
        FootageError
            If it says nothing.
        """
        return self._asked(name, lambda: self._now(name))

    def copy(self, name: str, local: Path) -> tuple[Seen, Seen]:
        """Copy a file; return what the store said of it before and after. Anything may be raised; nothing is retried.

        A file of which the store says that it is empty is not opened there: it may be a pipe.
        """
        before = self._now(name)
        if before.bytes == 0:
            local.write_bytes(b"")
        else:
            self._fs.get_file(self._address(name, "file"), str(local))
        return before, self._now(name)

    def shown(self, name: str) -> str:
        """Return the address of a file, for people."""
        return f"{self.name.rstrip('/')}/{name}" if name else self.name

    def refusal(self, name: str, error: Exception) -> Message:
        """Return what to tell of a file of which the store's answer is an error."""
        return self._unreachable(name, error)

    def pause(self, attempt: int) -> None:
        """Wait after the given failed attempt, the first being 1."""
        time.sleep(self._pause_s * 2 ** (attempt - 1))

    def may_pass(self, error: Exception) -> bool:
        """Tell whether another attempt may bring another answer."""
        final = (FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError)
        return self._web or not isinstance(error, final)  # fsspec says "not found" of every failure of HTTP

    def _asked(self, name: str, ask: Callable[[], T]) -> T:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return ask()
            except Exception as error:  # each protocol has its own
                if attempt == ATTEMPTS or not self.may_pass(error):
                    raise FootageError(self._unreachable(name, error)) from error
                self.pause(attempt)
        raise AssertionError("unreachable")

    def _now(self, name: str) -> Seen:
        self._fs.invalidate_cache()
        return self._seen(name, self._fs.info(self._address(name, "file")))

    def _seen(self, name: str, info: Mapping[str, Any]) -> Seen:
        kinds: Mapping[str, Kind] = {"file": "file", "directory": "folder", "link": "link"}
        kind, target = kinds.get(info.get("type", ""), "other"), ""
        if info.get("islink") and self._local:
            target = os.path.realpath(info["name"])
            if Path(target).is_relative_to(os.path.realpath(self._root)):
                kind = "file" if Path(target).is_file() else "other"
            else:
                kind = "link"
        size = info.get("size")
        version = next((str(info[key]).strip('"') for key in _VERSIONS if info.get(key)), "")
        return Seen(name, kind, None if size is None else int(size), changed_at_ns(info), version, target)

    def _address(self, name: str, kind: Kind) -> str:
        """Return the name by which fsspec knows a file or folder."""
        whole = (self._prefix + (quote(name) if self._web else name)) if name else self._root
        return whole.rstrip("/") + "/" if self._web and kind == "folder" else whole

    def _must_be_a_folder(self) -> None:
        try:
            if self._web:
                self.listing("")
            elif self._asked("", lambda: self._fs.info(self._root))["type"] != "directory":
                raise SettingsError(Message("{path}: no folder. Name the folder of the clips.", {"path": self.name}))
        except FootageError as error:
            raise SettingsError(error.args[0]) from error

    def _canonical(self, scheme: str, url: str) -> str:
        if scheme in _WITH_HOST or scheme == "ssh":
            scheme = "sftp" if scheme == "ssh" else scheme
            parts = urlsplit(url)
            host = parts.hostname or ""
            host = f"[{host}]" if ":" in host else host
            port = f":{parts.port}" if parts.port and parts.port != _WITH_HOST[scheme] else ""
            return f"{scheme}://{host}{port}{quote(unquote(parts.path)).rstrip('/')}"
        if self._secret and ":" not in self._secret:  # abfs://container@account.…/
            return url.rstrip("/")
        return str(self._fs.unstrip_protocol(self._root)).rstrip("/")

    def _without_secrets(self, text: str) -> str:
        return text.replace(f"{self._secret}@", "") if self._secret else text

    def _unreachable(self, name: str, error: Exception) -> Message:
        text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        problem = self._without_secrets(text).strip().rstrip(".") or type(error).__name__
        return Message(UNREACHABLE, {"path": self.shown(name), "problem": f"{type(error).__name__}: {problem}"})


def changed_at_ns(info: Mapping[str, Any]) -> int:
    """Return when a file was changed, from what fsspec says of it, in nanoseconds since 1970; 0 if it does not say.

    It is exact to the microsecond at best: fsspec hands out fractions of seconds and `datetime`.
    """
    found = next((info[key] for key in _CHANGED_AT if info.get(key)), None)
    try:
        if isinstance(found, str):
            found = parsedate_to_datetime(found) if found[:1].isalpha() else datetime.fromisoformat(found)
        if isinstance(found, datetime):
            whole = found if found.tzinfo else found.replace(tzinfo=UTC)
            return max(0, (whole - _EPOCH) // timedelta(microseconds=1) * 1000)
        return max(0, round(float(found) * 1_000_000) * 1000) if found else 0
    except (ValueError, TypeError, OverflowError):
        return 0


def _missing(scheme: str, name: str, error: ImportError) -> Message:
    values = {"path": name, "protocol": scheme}
    if extra := EXTRAS.get(scheme):
        return Message(
            "{path}: stores of the protocol {protocol} need a further package. Install it: "
            "pip install 'unbroken[{extra}]'",
            {**values, "extra": extra},
        )
    known = fsspec.registry.known_implementations.get(scheme, {}).get("err", str(error))
    return Message(
        "{path}: stores of the protocol {protocol} need a further package: {problem}", {**values, "problem": known}
    )


def _options(scheme: str) -> dict[str, Any]:
    """Return what fsspec's own defaults do badly for evidence; options of the user (`FSSPEC_…`) go before."""
    if scheme in _WEB:
        import aiohttp

        timeout = aiohttp.ClientTimeout(total=None, sock_connect=SOCKET_S, sock_read=SOCKET_S)  # else 5 min. a file
        return {"client_kwargs": {"timeout": timeout, **conf.get(scheme, {}).get("client_kwargs", {})}}
    if scheme in ("sftp", "ssh") and "host_key_policy" not in conf.get(scheme, {}):
        from pipeline.batch.host_keys import KnownHosts  # else every server is believed

        return {"host_key_policy": KnownHosts()}
    return {}

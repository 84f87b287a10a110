"""Real stores behind URLs for tests: memory, files, and servers of HTTP, SFTP and S3 in this machine."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
import time
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import fsspec
import pytest

CHANGED_AT = 1_772_600_400.0
"""When every file of a store was changed, where a store takes the time of the file: 2026-03-04 05:00 UTC."""
SSHD = Path("/usr/sbin/sshd")


def fill(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        os.utime(path, (CHANGED_AT, CHANGED_AT))
    return folder


class Handler(SimpleHTTPRequestHandler):
    """Serves a folder; what `server.odd` holds for a path is called instead."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self.server.asked.append((self.command, self.path, self.headers.get("Authorization")))
        odd = self.server.odd.get(self.path)
        if odd is None or odd(self):
            super().do_GET()

    def do_HEAD(self) -> None:
        self.server.asked.append((self.command, self.path, self.headers.get("Authorization")))
        odd = self.server.odd.get(self.path)
        if odd is None or odd(self):
            super().do_HEAD()

    def answer(self, status: int, sent: bytes, length: int | None = None, etag: str | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(sent) if length is None else length))
        if etag:
            self.send_header("ETag", etag)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(sent)
        if length is not None and length != len(sent):
            self.close_connection = True


@contextmanager
def http_server(folder: Path) -> Iterator[ThreadingHTTPServer]:
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder))) as server:
        server.odd, server.asked = {}, []
        server.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()


@contextmanager
def sftp_server(home: Path) -> Iterator[int]:
    """Run sshd on a port of its own, with keys of its own for both sides in `home`; yield the port."""
    if not SSHD.exists():
        if os.environ.get("CI") == "true":
            pytest.fail("sshd is not installed (Debian: apt-get install openssh-server)")
        pytest.skip("sshd is not installed")
    ssh = home / ".ssh"
    ssh.mkdir(mode=0o700)
    for key in (home / "host", ssh / "id_ed25519"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    public = (home / "host.pub").read_text().split()
    (ssh / "known_hosts").write_text(f"[127.0.0.1]:{port} {public[0]} {public[1]}\n")
    (home / "sshd_config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {home / 'host'}\nPidFile none\nStrictModes no\nUsePAM no\n"
        f"AuthorizedKeysFile {ssh / 'id_ed25519.pub'}\nPasswordAuthentication no\nSubsystem sftp internal-sftp\n"
    )
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    server = subprocess.Popen([str(SSHD), "-D", "-e", "-f", str(home / "sshd_config")], stderr=subprocess.DEVNULL)
    try:
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield port
    finally:
        server.terminate()
        server.wait()


@contextmanager
def store(protocol: str, folder: Path, files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Yield the URL of a store of `protocol` that holds `files`."""
    if protocol == "memory":
        memory, root = fsspec.filesystem("memory"), f"/{uuid.uuid4()}"
        for name, content in files.items():
            memory.pipe(f"{root}/{name}", content)
        yield f"memory:/{root}"
        memory.rm(root, recursive=True)
    elif protocol == "file":
        yield f"file://{fill(folder / 'store', files)}"
    elif protocol == "http":
        with http_server(fill(folder / "store", files)) as server:
            yield server.url
    elif protocol == "sftp":
        home = folder / "home"
        home.mkdir()
        monkeypatch.setenv("HOME", str(home))
        with sftp_server(home) as port:
            yield f"sftp://127.0.0.1:{port}{fill(folder / 'store', files)}"
    else:
        with s3_server(monkeypatch) as client:
            for name, content in files.items():
                client.put_object(Bucket="evidence", Key=f"2026/{name}", Body=content)
            yield "s3://evidence/2026"


@contextmanager
def s3_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    """Run an S3 server with an empty bucket `evidence`; yield a client of it, and let the environment name it."""
    import logging

    import boto3
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        address = "http://{}:{}".format(*server.get_host_and_port())
        monkeypatch.setenv("AWS_ENDPOINT_URL", address)
        urllib.request.urlopen(f"{address}/moto-api/reset", b"", timeout=10).close()
        client = boto3.client("s3")
        client.create_bucket(Bucket="evidence")
        yield client
    finally:
        server.stop()


PROTOCOLS = ("memory", "file", "http", "sftp", "s3")

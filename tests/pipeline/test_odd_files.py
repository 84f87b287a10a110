"""Files that are no clips, or clips under odd names: each a stated reason, and none is changed by being examined."""

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from pipeline import run
from pipeline.features.cache import Cache
from pipeline.features.extract import measure
from pipeline.language import language
from pipeline.measuring import identify
from pipeline.model import Examination, Outcome
from pipeline.report import json_v1
from pipeline.report.page import Assets, build_page
from pipeline.rules.profile import load_profile
from tests.footage import make_clip
from tests.pipeline.measuring import gaps, table

pytestmark = pytest.mark.skipif(os.name != "posix", reason="pipes, sockets and links are Unix's")
PROFILE = load_profile("shijiazhuang-safety")


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> Path:
    return make_clip(tmp_path_factory.mktemp("good") / "good.mp4", frames=30)


@pytest.fixture
def store(tmp_path):
    """Yield a folder for evidence; all that lies in it must be the same afterwards, in content and in time."""
    folder = tmp_path / "store"
    folder.mkdir()
    before: dict[Path, tuple[object, ...]] = {}

    def state(path: Path) -> tuple[object, ...]:
        status = path.lstat()
        small = path.is_file() and status.st_size < 1 << 30
        return status.st_mode, status.st_size, status.st_mtime_ns, path.read_bytes() if small else b""

    def seal() -> Path:
        before.update({path: state(path) for path in folder.rglob("*")})
        return folder

    folder_and_seal = (folder, seal)
    yield folder_and_seal
    assert before and {path: state(path) for path in folder.rglob("*")} == before


def examined(path: Path, cache: Path) -> Examination:
    """Examine a file for structure; whatever it is, the verdict is no pass, and the reason can be told in Chinese."""
    found = run.examine(path, PROFILE, Cache(cache), triage=True)
    assert found.verdict in {Outcome.UNDECIDED, Outcome.FAIL}
    if found.unreadable is not None:
        assert language("zh-CN").tell(found.unreadable) != str(found.unreadable)
    return found


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _socket(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)  # the name of a socket may have 107 bytes only
    try:
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind(path.name)
    finally:
        os.chdir(here)


def _sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.write(bytes.fromhex("00000018") + b"ftypisom" + bytes(12))
        file.truncate(10**12)


def _random(path: Path) -> None:
    path.write_bytes(b"\x99" + np.random.default_rng(5).bytes(100_000))


NO_CLIPS: dict[str, tuple[Callable[[Path], object], str]] = {
    "pipe": (_pipe, "not a regular file"),
    "socket": (_socket, "not a regular file"),
    "folder": (Path.mkdir, "not a regular file"),
    "dead link": (lambda path: path.symlink_to(path.parent / "gone.mp4"), "no such file"),
    "link to itself": (lambda path: path.symlink_to(path), "no such file"),
    "empty": (Path.touch, "empty"),
    "zeros": (lambda path: path.write_bytes(bytes(100_000)), "nothing but zeros"),
    "1 TB with holes": (_sparse, "1000 GB"),
    "random": (_random, "no footage format"),
    "text": (lambda path: path.write_text("on this day nothing was recorded\n"), "text file"),
    "play list": (lambda path: path.write_text("#EXTM3U\n#EXTINF:1,\nother.ts\n"), "play list"),
}


@pytest.mark.parametrize("what", NO_CLIPS)
def test_what_is_no_clip_is_refused_with_the_reason(what, store, tmp_path):
    folder, seal = store
    make, reason = NO_CLIPS[what]
    make(folder / "x.mp4")
    seal()
    assert reason in str(examined(folder / "x.mp4", tmp_path / "cache").unreadable)


def test_a_play_list_reaches_neither_the_network_nor_another_file(store, tmp_path, clip):
    folder, seal = store
    (folder / "canary.mp4").write_bytes(clip.read_bytes())
    asked: list[object] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"http://127.0.0.1:{server.getsockname()[1]}/canary.mp4"
        for number, text in enumerate(
            [
                f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{address}\n#EXTINF:9,\ncanary.mp4\n",
                f"ffconcat version 1.0\nfile '{address}'\nfile canary.mp4\n",
                f"<?xml version='1.0'?><MPD><BaseURL>{address}</BaseURL></MPD>",
                f"[playlist]\nFile1={address}\n",
                "v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nm=video 9 RTP/AVP 96\n",
            ]
        ):
            (folder / f"list{number}.mp4").write_text(text)
        seal()
        listener = threading.Thread(target=lambda: asked.append(server.accept()), daemon=True)
        listener.start()
        for path in sorted(folder.glob("list*")):
            found = examined(path, tmp_path / "cache")
            assert "play list" in str(found.unreadable)
            assert found.examined.packets == 0
        assert not asked
        socket.create_connection(server.getsockname()).close()  # the server would have heard it
        listener.join(10)
        assert asked


NAMES = {
    "GBK": os.fsdecode("执法记录.mp4".encode("gbk")),
    "newline": "two\nlines.mp4",
    "option": "-i.mp4",
    "protocol": "http:x.mp4",
    "quotes": "a'b\"c;$(x).mp4",
    "escape": "\x1b[31mred.mp4",
    "spaces": "  a  .mp4",
    "long": "长" * 80 + ".mp4",
}


@pytest.mark.parametrize("what", NAMES)
def test_a_clip_under_any_name_is_measured(what, store, tmp_path, clip):
    folder, seal = store
    path = folder / NAMES[what]
    try:
        path.write_bytes(clip.read_bytes())
    except OSError as error:
        pytest.skip(f"this file system has no such names: {error.strerror}")
    seal()
    found = examined(path, tmp_path / "cache")
    assert found.unreadable is None and found.examined.packets > 30


def test_the_public_document_and_the_report_say_what_confined_the_decoder(tmp_path, clip):
    found = examined(clip, tmp_path / "cache")
    again = examined(clip, tmp_path / "cache")  # from the cache
    told = json_v1.document(found)["examined"]["isolation"]
    assert told["limits"] == 1 and json_v1.document(again)["examined"]["isolation"] == told
    words = language("zh-CN")
    page = build_page(found, [], Assets(), datetime.now(UTC), words)
    assert len(page.isolation) == len(told) and words.text("Isolation of the decoder") != "Isolation of the decoder"


@pytest.mark.parametrize("link", [Path.symlink_to, Path.hardlink_to])
def test_a_link_to_a_clip_is_the_clip(link, store, tmp_path, clip):
    folder, seal = store
    (folder / "good.mp4").write_bytes(clip.read_bytes())
    link(folder / "link.mp4", folder / "good.mp4")
    seal()
    found = examined(folder / "link.mp4", tmp_path / "cache")
    assert found.unreadable is None and found.footage.sha256 == identify(clip).sha256


def test_a_store_of_odd_things_is_scanned_to_its_end(store, tmp_path, clip):
    folder, seal = store
    (tmp_path / "secret.mp4").write_bytes(clip.read_bytes())
    (folder / "good.mp4").write_bytes(clip.read_bytes())
    (folder / "leads-out.mp4").symlink_to(tmp_path / "secret.mp4")
    (folder / "inside.mp4").symlink_to(folder / "good.mp4")
    (folder / "folder.mp4").mkdir()
    (folder / "folder.mp4" / "in.mp4").write_bytes(clip.read_bytes())
    os.mkfifo(folder / "pipe.mp4")
    seal()
    command = ["-c", "from pipeline.cli import app; app()", "scan", str(folder), "--json", "--triage"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, *command, "--cache", str(tmp_path / "cache")], capture_output=True, env=environment
    )
    told = {Path(one["clip"]["path"]).name: one["unreadable"] for one in json.loads(done.stdout)}
    assert told.pop("good.mp4") is None and told.pop("inside.mp4") is None and told.pop("in.mp4") is None
    assert "leads out of the folder" in told.pop("leads-out.mp4")
    assert "not a regular file" in told.pop("pipe.mp4") and not told


@pytest.mark.parametrize("how", ["vanishes", "grows", "shrinks", "changes"])
def test_a_clip_that_changes_while_it_is_read_is_refused(how, tmp_path, clip):
    path = tmp_path / "x.mp4"
    path.write_bytes(clip.read_bytes() + bytes(9 << 20))

    def change(stage: str, done: float) -> None:
        if how == "vanishes":
            path.unlink(missing_ok=True)
        elif how == "grows":  # faster than it is read
            with path.open("ab") as file:
                file.write(bytes(8 << 20))
        elif how == "shrinks":
            os.truncate(path, 1000)
        else:
            with path.open("r+b") as file:
                file.write(b"changed")

    found = run.examine(path, PROFILE, Cache(tmp_path / "cache"), progress=change, triage=True)
    assert "changed while it was read" in str(found.unreadable) and found.verdict is Outcome.UNDECIDED


def test_a_million_packets_of_a_few_bytes_are_counted_in_bounded_memory(tmp_path):
    path = tmp_path / "x.aac"
    path.write_bytes(bytes.fromhex("fff14c80011ffc21") * 10**6)
    (tmp_path / "work").mkdir()
    found = measure(path, tmp_path / "work", lambda stage, done: None, memory_mb=1024)
    assert table(found, "packets").rows == 10**6 and found.complete
    assert any("No sound could be decoded" in sentence for sentence in gaps(found))

"""Stores behind URLs: every protocol gives the same list and the same copies, on real servers."""

import hashlib
import io
import os
import pickle
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image

from pipeline.batch.nouns import StoredFile
from pipeline.batch.remote import RemoteStore
from pipeline.batch.remote_files import changed_at_ns
from pipeline.case import case_of
from pipeline.errors import FootageError, SettingsError
from pipeline.measuring import identify
from tests.pipeline.remote_servers import CHANGED_AT, PROTOCOLS, fill, http_server, s3_server, store

ROOT = Path(__file__).resolve().parents[2]


def jpeg() -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(made, "JPEG")
    return made.getvalue()


FILES = {
    "a.mp4": b"first",
    "a.mp4.case.toml": b'[agency]\nname = "A"\n[place]\nnames = ["Hall"]\nphotos = ["places/hall.jpg"]\n',
    "a.srt": b"1\n",
    "a-12345678.json": b"{}",
    "b/c.MP4": b"second " * 100_000,
    "b/case.toml": '[place]\nnames = ["门"]\nphotos = ["../places/门 1.jpg"]\n'.encode(),
    "b/录像 1.mp4": "中".encode(),
    "b.txt": b"no footage",
    "b.mp4": b"",
    "places/hall.jpg": jpeg(),
    "places/门 1.jpg": jpeg(),
}
ORDER = ["a.mp4", "b.mp4", "b/c.MP4", "b/录像 1.mp4"]


@pytest.fixture(params=PROTOCOLS)
def url(request, tmp_path, monkeypatch):
    with store(request.param, tmp_path, FILES, monkeypatch) as made:
        yield made


def opened(url: str, stage: Path) -> RemoteStore:
    return RemoteStore(url, stage, pause_s=0.01)


def left(stage: Path) -> list[Path]:
    return sorted(path for path in stage.rglob("*") if path.is_file())


def refused(store: RemoteStore, name: str) -> str:
    with pytest.raises(FootageError) as caught, store.open(name.encode()):
        pass
    return str(caught.value.args[0])


class TestEveryProtocol:
    def test_lists_the_footage_in_the_order_of_the_paths(self, url, tmp_path):
        entries = list(opened(url, tmp_path / "stage").entries())
        assert [entry.path.decode() for entry in entries] == ORDER
        assert [entry.bytes for entry in entries] == [len(FILES[name]) for name in ORDER]
        assert {entry.refused for entry in entries} == {None}
        if not url.startswith(("memory", "s3")):
            assert {entry.mtime_ns for entry in entries} == {int(CHANGED_AT * 1e9)}
        assert all(entry.mtime_ns > 1.7e18 for entry in entries)

    def test_a_second_list_sees_what_is_new(self, url, tmp_path):
        again = opened(url, tmp_path / "stage")
        assert list(again.entries()) == list(again.entries())

    def test_copies_are_whole_and_have_the_times_of_the_store(self, url, tmp_path):
        remote = opened(url, tmp_path / "stage")
        for entry in remote.entries():
            with remote.open(entry.path) as clip:
                name = entry.path.decode()
                digits = hashlib.sha256(remote.name.encode()).hexdigest()[:16]
                assert clip == tmp_path / "stage" / digits / name
                assert clip.read_bytes() == FILES[name]
                assert clip.stat().st_mtime_ns == entry.mtime_ns
                assert identify(clip).sha256 == hashlib.sha256(FILES[name]).hexdigest()
        assert left(tmp_path / "stage") == []

    def test_what_lies_beside_comes_along(self, url, tmp_path):
        remote = opened(url, tmp_path / "stage")
        with remote.open(b"a.mp4") as clip:
            case = case_of(clip)
            assert case.first("agency.name") == "A"
            assert [photo.read_bytes() for _, photo in case.photos()] == [FILES["places/hall.jpg"]]
            assert clip.with_suffix(".srt").read_bytes() == FILES["a.srt"]
            assert clip.with_name("a-12345678.json").exists()
            assert len(left(clip.parent)) == 5
        with remote.open("b/录像 1.mp4".encode()) as clip:
            assert [path.read_bytes() for _, path in case_of(clip).photos()] == [FILES["places/门 1.jpg"]]
            assert not clip.with_name("c.MP4").exists()

    def test_what_lies_beside_can_be_had_without_the_clip(self, url, tmp_path):
        remote = opened(url, tmp_path / "stage")
        for name in ("a.mp4", "b/c.MP4", "b/录像 1.mp4"):
            with remote.beside(name.encode()) as clip:
                assert (clip, clip.exists()) == (remote.path(name.encode()), False)
                assert len(case_of(clip).photos()) == 1
        assert left(tmp_path / "stage") == []

    def test_survives_pickling(self, url, tmp_path):
        remote = pickle.loads(pickle.dumps(opened(url, tmp_path / "stage")))
        with remote.open(b"a.mp4") as clip:
            assert clip.read_bytes() == b"first"

    def test_a_clip_that_is_not_there_is_refused(self, url, tmp_path):
        remote = opened(url, tmp_path / "stage")
        assert "no such file" in refused(remote, "none.mp4")
        for name in ("../a.mp4", "/etc/passwd.mp4", "b/../a.mp4", "b//c.MP4", "a\0.mp4"):
            assert "may land in another place" in refused(remote, name)
        assert left(tmp_path / "stage") == []

    def test_a_store_that_is_not_there_is_refused(self, url, tmp_path):
        with pytest.raises(SettingsError, match="none"):
            opened(f"{url}/none", tmp_path / "stage")


class TestNames:
    def test_odd_keys_are_told_with_a_reason_and_hide_no_other(self, tmp_path, monkeypatch):
        with s3_server(monkeypatch) as client:
            for key in ("a/../b.mp4", "x//y.mp4", "n.mp4", "n.mp4/o.mp4", "z/" + "w" * 252 + ".mp4", "z/v.mp4", "z/"):
                client.put_object(Bucket="evidence", Key=key, Body=b"1")
            remote = opened("s3://evidence", tmp_path / "stage")
            told = {entry.path.decode(): entry.refused for entry in remote.entries()}
            assert [name for name, refusal in told.items() if refusal is None] == ["z/v.mp4"]
            assert "another place" in str(told["a/../"])
            assert "a file and the other a folder" in str(told["n.mp4"])
            assert "too long" in str(told["z/" + "w" * 252 + ".mp4"])
            assert "empty" in str(told["x//"])
            assert sorted(told) == ["a/../", "n.mp4", "n.mp4/", "x//", "z/v.mp4", "z/" + "w" * 252 + ".mp4"]
            with remote.open(b"z/v.mp4") as clip:
                assert clip.read_bytes() == b"1"

    def test_names_that_a_disk_takes_for_one_are_refused_there(self, tmp_path):
        fill(tmp_path / "store", {"A.mp4": b"1", "a.mp4": b"2", "\u00e9.mp4": b"3", "e\u0301.mp4": b"4", "c.mp4": b"5"})
        remote = opened(f"file://{tmp_path}/store", tmp_path / "stage")
        assert not any(entry.refused for entry in remote.entries())  # this disk tells them apart
        remote._staging.folds = True
        told = [entry.path.decode() for entry in remote.entries() if entry.refused is None]
        assert told == ["c.mp4"]
        assert "A.mp4 would be one file" in refused(remote, "a.mp4")

    @pytest.mark.parametrize(
        ("info", "expected"),
        [
            ({"mtime": 1.5}, 1_500_000_000),
            ({"Last-Modified": "Wed, 04 Mar 2026 05:00:00 GMT"}, int(CHANGED_AT) * 10**9),
            ({"updated": "2026-03-04T05:00:00.25Z"}, int(CHANGED_AT * 1e9) + 250_000_000),
            ({"created": "nonsense"}, 0),
            ({"mtime": None}, 0),
        ],
    )
    def test_times(self, info, expected):
        assert changed_at_ns(info) == expected


class TestFolders:
    def test_what_is_no_file_is_told(self, tmp_path):
        folder = fill(tmp_path / "store", {"in/a.mp4": b"1", "z.mp4": b"2"})
        fill(tmp_path, {"outside.mp4": b"3"})
        os.mkfifo(folder / "pipe.mp4")
        (folder / "gone.mp4").symlink_to("nowhere")
        (folder / "inner.mp4").symlink_to("in/a.mp4")
        (folder / "outer.mp4").symlink_to(tmp_path / "outside.mp4")
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind(str(folder / "s.mp4"))
        with (folder / "huge.mp4").open("wb") as sparse:
            sparse.truncate(300 * 10**9)
        remote = opened(f"file://{folder}", tmp_path / "stage")
        told = {entry.path: str(entry.refused or "") for entry in remote.entries()}
        assert [path for path, refusal in told.items() if not refusal] == [b"in/a.mp4", b"inner.mp4", b"z.mp4"]
        assert "pipe or a device" in told[b"pipe.mp4"]
        assert "pipe or a device" in told[b"s.mp4"]
        assert "no such file" in told[b"gone.mp4"]
        assert "leads out" in told[b"outer.mp4"]
        assert "300 GB" in told[b"huge.mp4"]
        with remote.open(b"inner.mp4") as clip:
            assert clip.read_bytes() == b"1"
        for name in ("pipe.mp4", "outer.mp4", "huge.mp4"):
            assert refused(remote, name) == told[name.encode()]

    def test_a_name_that_is_no_utf_8_is_kept_byte_for_byte(self, tmp_path):
        folder = tmp_path / "store"
        folder.mkdir()
        Path(os.fsdecode(bytes(folder) + b"/\xc2\xbc\xff.mp4")).write_bytes(b"1")
        remote = opened(f"file://{folder}", tmp_path / "stage")
        (entry,) = remote.entries()
        assert (entry.path, entry.refused) == (b"\xc2\xbc\xff.mp4", None)
        with remote.open(entry.path) as clip:
            assert (clip.read_bytes(), os.fsencode(clip.name)) == (b"1", entry.path)

    def test_the_store_is_left_as_it_was(self, tmp_path):
        folder = fill(tmp_path / "store", FILES)

        def state():
            paths = sorted([folder, *folder.rglob("*")])
            return [(path, (s := path.stat()).st_mtime_ns, s.st_ctime_ns, s.st_mode, s.st_nlink) for path in paths]

        before = state()
        remote = opened(f"file://{folder}", tmp_path / "stage")
        for entry in remote.entries():
            with remote.open(entry.path):
                pass
        assert state() == before

    def test_what_lies_outside_the_store_is_not_opened(self, tmp_path):
        fill(tmp_path / "store", {"a.mp4": b"1", "a.case.toml": b'[place]\nphotos = ["../secret.jpg"]\n'})
        fill(tmp_path, {"secret.jpg": jpeg()})
        remote = opened(f"file://{tmp_path}/store", tmp_path / "stage")
        assert "outside the store" in refused(remote, "a.mp4")
        fill(tmp_path / "store", {"a.case.toml": b'[place]\nphotos = ["/etc/hosts"]\n'})
        assert "outside the store" in refused(remote, "a.mp4")


class TestServers:
    @pytest.fixture
    def server(self, tmp_path):
        with http_server(fill(tmp_path / "store", {"a.mp4": b"x" * 1000, "closed/b.mp4": b"1"})) as server:
            yield server

    def test_a_folder_that_may_not_be_listed_is_told_and_costs_no_other(self, server, tmp_path):
        server.odd["/closed/"] = lambda handler: handler.answer(403, b"no")
        first, second = opened(server.url, tmp_path / "stage").entries()
        assert (first.path, first.refused) == (b"a.mp4", None)
        assert second == StoredFile(b"closed/", 0, 0, refused=second.refused)
        assert "403" in str(second.refused)

    def test_a_server_that_fails_twice_is_asked_again(self, server, tmp_path):
        remote = opened(server.url, tmp_path / "stage")
        gets = iter([503, 503])

        def flaky(handler):
            status = None if handler.command == "HEAD" else next(gets, None)
            return status is None or handler.answer(status, b"busy")

        server.odd["/a.mp4"] = flaky
        with remote.open(b"a.mp4") as clip:
            assert clip.read_bytes() == b"x" * 1000
        assert next(gets, None) is None

    @pytest.mark.parametrize("claimed", [1000, None])
    def test_a_part_of_a_clip_is_never_taken_for_it(self, server, tmp_path, claimed):
        remote = opened(server.url, tmp_path / "stage")

        def cut(handler):
            return handler.command == "HEAD" or handler.answer(200, b"x" * 400, claimed)

        server.odd["/a.mp4"] = cut
        text = refused(remote, "a.mp4")
        assert "400 bytes arrived of 1000" in text or "/a.mp4: the store gave no answer" in text
        assert len([1 for command, path, _ in server.asked if (command, path) == ("GET", "/a.mp4")]) == 3
        assert left(tmp_path / "stage") == []

    def test_a_clip_that_changes_meanwhile_is_refused(self, server, tmp_path):
        remote = opened(server.url, tmp_path / "stage")
        server.odd["/a.mp4"] = lambda handler: handler.answer(200, b"x" * 1000, etag=f'"{time.monotonic_ns()}"')
        assert "changed while it was read" in refused(remote, "a.mp4")

    def test_a_clip_of_unknown_size_is_refused(self, server, tmp_path):
        def endless(handler):
            handler.send_response(200)
            handler.send_header("Connection", "close")
            handler.end_headers()
            handler.close_connection = True

        server.odd["/a.mp4"] = endless
        remote = opened(server.url, tmp_path / "stage")
        assert "does not say how large" in str(next(remote.entries()).refused)
        assert "does not say how large" in refused(remote, "a.mp4")

    def test_user_and_password_are_used_and_told_nowhere(self, server, tmp_path):
        url = server.url.replace("://", "://clerk:s3cret@")
        remote = opened(f"{url}/", tmp_path / "stage")
        assert remote.name == server.url
        assert server.asked[-1][2].startswith("Basic ")
        server.odd["/a.mp4"] = lambda handler: handler.answer(500, b"")
        told = f"{next(remote.entries()).refused} {refused(remote, 'a.mp4')}"
        with pytest.raises(SettingsError) as caught:
            opened(f"{url}/none", tmp_path / "stage")
        assert "s3cret" not in told + str(caught.value)
        assert "/a.mp4" in told

    def test_an_sftp_server_with_another_key_is_refused(self, tmp_path, monkeypatch):
        with store("sftp", tmp_path, {"a.mp4": b"1"}, monkeypatch) as url:
            known = tmp_path / "home" / ".ssh" / "known_hosts"
            known.write_text("")
            with pytest.raises(SettingsError, match="does not stand in"):
                opened(url, tmp_path / "stage")

    def test_a_link_on_an_sftp_server_is_refused(self, tmp_path, monkeypatch):
        with store("sftp", tmp_path, {"a.mp4": b"1"}, monkeypatch) as url:
            (tmp_path / "store" / "b.mp4").symlink_to("/etc/hosts")
            remote = opened(url, tmp_path / "stage")
            assert [entry.refused is None for entry in remote.entries()] == [True, False]
            assert "this is a link" in refused(remote, "b.mp4")

    def test_a_silent_port_is_told(self, tmp_path):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            with pytest.raises(SettingsError, match="gave no answer"):
                opened(f"http://127.0.0.1:{free.getsockname()[1]}/", tmp_path / "stage")


class TestAddresses:
    @pytest.mark.parametrize(
        ("url", "problem"),
        [
            ("nothing://x/y", "nothing"),
            ("http://127.0.0.1/x?token=1", "names no folder"),
            ("simplecache::file:///tmp", "names no folder"),
        ],
    )
    def test_wrong_addresses(self, url, problem, tmp_path):
        with pytest.raises(SettingsError, match=problem):
            opened(url, tmp_path)

    def test_a_file_is_no_store(self, tmp_path):
        fill(tmp_path, {"a.mp4": b"1"})
        with pytest.raises(SettingsError, match="no folder"):
            opened(f"file://{tmp_path}/a.mp4", tmp_path / "stage")

    def test_one_store_has_one_name(self, tmp_path):
        (tmp_path / "store").mkdir()
        spellings = (f"file://{tmp_path}/store", f"file://{tmp_path}/store/", f"local://{tmp_path}/store")
        assert {opened(url, tmp_path / "stage").name for url in spellings} == {f"file://{tmp_path}/store"}

    @pytest.mark.parametrize(("scheme", "package"), [("s3", "s3fs"), ("sftp", "paramiko"), ("http", "aiohttp")])
    def test_a_missing_package_is_named(self, scheme, package, tmp_path):
        program = (
            f"import sys; sys.modules[{package!r}] = None\n"
            "from pathlib import Path; from pipeline.batch.remote import RemoteStore\n"
            f"try: RemoteStore('{scheme}://host/x', Path({str(tmp_path)!r}))\nexcept Exception as e: print(repr(e), e)"
        )
        run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=True)
        assert run.stdout.startswith("SettingsError")
        assert f"pip install 'unbroken[{scheme}]'" in run.stdout


USE = """
import sys, time
from pathlib import Path
from pipeline.batch.remote import RemoteStore
url, stage, rounds, wait_s = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
store = RemoteStore(url, stage, pause_s=0.01)
for _ in range(rounds):
    with store.open(b"b/c.MP4") as clip:
        assert clip.read_bytes() == b"second " * 100_000, clip.stat()
        assert clip.with_name("case.toml").exists()
        print("open", flush=True)
        time.sleep(wait_s)
        assert clip.stat().st_size == 700_000
"""


def using(folder: Path, stage: Path, rounds: int, wait_s: float) -> subprocess.Popen[str]:
    words = [sys.executable, "-c", USE, f"file://{folder}", str(stage), str(rounds), str(wait_s)]
    return subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True)


class TestWorkers:
    def test_several_processes_use_one_copy(self, tmp_path):
        folder, stage = fill(tmp_path / "store", FILES), tmp_path / "stage"
        running = [using(folder, stage, 40, 0.0) for _ in range(4)]
        assert [process.communicate()[0].count("open") for process in running] == [40] * 4
        assert {process.returncode for process in running} == {0}
        assert left(stage) == []

    def test_the_copies_of_a_killed_process_are_removed(self, tmp_path):
        folder, stage = fill(tmp_path / "store", FILES), tmp_path / "stage"
        process = using(folder, stage, 1, 600.0)
        assert process.stdout.readline() == "open\n"
        opened(f"file://{folder}", stage)
        assert [path.name for path in left(stage) if path.suffix == ".MP4"] == ["c.MP4"]  # it is still in use
        process.send_signal(signal.SIGKILL)
        process.communicate()
        opened(f"file://{folder}", stage)
        assert left(stage) == []

    def test_a_clip_that_was_replaced_is_copied_again_when_nobody_uses_the_old_one(self, tmp_path):
        folder, stage = fill(tmp_path / "store", FILES), tmp_path / "stage"
        process = using(folder, stage, 1, 1.0)
        assert process.stdout.readline() == "open\n"
        (folder / "b/c.MP4").write_bytes(b"new")
        with opened(f"file://{folder}", stage).open(b"b/c.MP4") as clip:
            assert clip.read_bytes() == b"new"
        process.communicate()
        assert process.returncode == 0  # it kept what it had opened until it had finished

    def test_a_full_disk_is_told(self, tmp_path):
        small = tmp_path / "small"
        small.mkdir()
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(small)], capture_output=True)
        if mounted.returncode:
            pytest.skip("a small disk cannot be mounted here")
        try:
            fill(tmp_path / "store", {"a.mp4": bytes(2_000_000), "b.mp4": b"1"})
            remote = opened(f"file://{tmp_path}/store", small / "stage")
            assert "disk for local copies of clips is full" in refused(remote, "a.mp4")
            with remote.open(b"b.mp4") as clip:
                assert clip.read_bytes() == b"1"
        finally:
            subprocess.run(["umount", str(small)], check=True)

    def test_a_disk_that_fills_up_meanwhile_is_told(self, tmp_path):
        """The limit of the size of a file stands for the disk: the copy breaks off while it is written."""
        fill(tmp_path / "store", {"a.mp4": bytes(2_000_000)})
        program = (
            "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
            "resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))\n"
            "from pathlib import Path; from pipeline.batch.remote import RemoteStore\n"
            f"store = RemoteStore('file://{tmp_path}/store', Path({str(tmp_path / 'stage')!r}), pause_s=60)\n"
            "try:\n    with store.open(b'a.mp4'): pass\nexcept Exception as e: print(repr(e), e)"
        )
        run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=True)
        assert "the local copy cannot be written: File too large" in run.stdout
        assert left(tmp_path / "stage") == []

"""The pages and files for clusters: scripts, options, manifest and image fit each other, the project and Dask."""

import inspect
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import tomllib
from pathlib import Path

import kubernetes_validate
import pytest
import typer
import yaml
from dask.utils import parse_bytes, parse_timedelta

from pipeline.cli import app
from pipeline.features import extract

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs" / "cluster"
PAGES = sorted((ROOT / "docs").glob("cluster*.md"))
FILES = sorted(path for path in FOLDER.iterdir() if path.suffix in (".sh", ".slurm", ".yaml"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
MANIFEST = list(yaml.safe_load_all((FOLDER / "kubernetes.yaml").read_text(encoding="utf-8")))
DASK = (sys.executable, "-m", "dask")


def help_of(program: str) -> set[str]:
    text = subprocess.run([*DASK, program, "--help"], capture_output=True, text=True, check=True).stdout
    return set(re.findall(r"--[a-z][\w-]*", text))


def commands(program: str) -> list[tuple[str, str]]:
    """Return every command line of a program in pages, scripts and manifest, on one line each."""
    found = []
    for path in (*PAGES, *FILES):
        text = path.read_text(encoding="utf-8")
        text = re.sub(r"\\\n\s*|(?<=[\w,])\n {16,}(?=[\w/-])", " ", text)
        for line in text.splitlines():
            words = line.replace(",", " ").replace('"', " ").replace("[", " ").replace("]", " ")
            if hit := re.search(rf"\b{program} +(.*)", words):
                found.append((path.name, hit[1]))
    return found


def one(kind: str, name: str) -> dict:
    (found,) = [part for part in MANIFEST if (part["kind"], part["metadata"]["name"]) == (kind, name)]
    return found


def pods() -> list[dict]:
    made = [one("Deployment", name)["spec"]["template"]["spec"] for name in ("scheduler", "worker")]
    return [*made, one("CronJob", "batch")["spec"]["jobTemplate"]["spec"]["template"]["spec"]]


@pytest.mark.parametrize("path", [path for path in FILES if path.suffix != ".yaml"], ids=lambda path: path.name)
def test_scripts_have_no_mistakes_of_grammar(path):
    shell = "bash" if path.read_text().startswith("#!/bin/bash") else "sh"
    subprocess.run([shell, "-n", str(path)], check=True)
    assert path.suffix != ".sh" or path.name == "environment.sh" or os.access(path, os.X_OK)


@pytest.mark.parametrize("program", ["worker", "scheduler"])
def test_every_option_of_dask_exists(program):
    known, used = help_of(program), commands(rf'dask"? *,? *{program}')
    assert {name for name, _ in used} >= {"kubernetes.yaml", "cluster.md" if program == "scheduler" else "workers.sh"}
    for name, words in used:
        assert set(re.findall(r"(?<!\S)--[a-z][\w-]*", words)) <= known, f"{name}: dask {program} {words}"
        for option, parse in (("lifetime", parse_timedelta), ("death-timeout", parse_timedelta)):
            for value in re.findall(rf"--{option} (\S+)", words):
                assert parse(value) > 0, f"{name}: {value}"


def test_every_option_of_the_batch_exists():
    known = typer.main.get_command(app).commands.get("batch")  # type: ignore[attr-defined]
    if known is None:
        pytest.skip("this version has no batch")
    options = {option for param in known.params for option in param.opts}
    used = [words for _, words in commands("unbroken batch")]
    assert len(used) >= 4
    assert {option for words in used for option in re.findall(r"(?<!\S)--[a-z][\w-]*", words)} <= options


def test_workers_have_room_for_themselves_and_for_what_decodes():
    decoder = inspect.signature(extract.measure).parameters["memory_mb"].default * 1e6
    worker = parse_bytes("3GB")
    limits = [words for _, words in commands(r'dask"? *,? *worker') if "--memory-limit" in words]
    assert {re.search(r"--memory-limit +(\S+)", words)[1] for words in limits} == {"3GB", "$MEMORY"}
    assert "MEMORY:=3GB" in (FOLDER / "workers.sh").read_text()
    pod = pods()[1]["containers"][0]["resources"]
    slurm = re.search(r"--mem-per-cpu=(\d+G)", (FOLDER / "batch.slurm").read_text())[1]
    assert min(parse_bytes(pod["limits"]["memory"]), parse_bytes(f"{slurm}iB")) >= worker + decoder
    assert "4 for the process that decodes" in (ROOT / "docs" / "cluster.md").read_text(encoding="utf-8")


def test_a_worker_of_slurm_ends_before_its_job():
    text = (FOLDER / "batch.slurm").read_text()
    hours, minutes = map(int, re.search(r"--time=(\d+):(\d+):00", text).groups())
    life = [parse_timedelta(re.search(rf"--{name} (\S+)", text)[1]) for name in ("lifetime", "lifetime-stagger")]
    assert sum(life) < (hours * 60 + minutes) * 60


class TestManifest:
    @pytest.mark.parametrize("version", ["1.29", "1.33", "1.37"])
    @pytest.mark.parametrize("part", MANIFEST, ids=lambda part: f"{part['kind']}-{part['metadata']['name']}")
    def test_fits_the_schema(self, part, version):
        kubernetes_validate.validate(part, version, strict=True)

    def test_the_checker_finds_mistakes(self):
        with pytest.raises(kubernetes_validate.ValidationError):
            kubernetes_validate.validate({**one("Service", "scheduler"), "spec": {"port": 1}}, "1.33", strict=True)

    def test_every_name_that_a_pod_needs_is_there(self):
        claims = {part["metadata"]["name"] for part in MANIFEST if part["kind"] == "PersistentVolumeClaim"}
        for pod in pods():
            volumes = {volume["name"]: volume for volume in pod["volumes"]}
            (container,) = pod["containers"]
            assert {mount["name"] for mount in container["volumeMounts"]} == set(volumes)
            claimed = [
                volume["persistentVolumeClaim"] for volume in volumes.values() if "persistentVolumeClaim" in volume
            ]
            assert {claim["claimName"] for claim in claimed} <= claims
            assert container["envFrom"] == [{"configMapRef": {"name": one("ConfigMap", "dask")["metadata"]["name"]}}]
            assert all(mount.get("readOnly") for mount in container["volumeMounts"] if mount["name"] == "store")
            assert container["image"] == f"unbroken:{PROJECT['version']}"
            assert container["securityContext"]["readOnlyRootFilesystem"]
        labels = one("Deployment", "scheduler")["spec"]["template"]["metadata"]["labels"]
        assert one("Service", "scheduler")["spec"]["selector"] == labels

    def test_its_environment_is_that_of_the_scripts(self):
        assert one("ConfigMap", "dask")["data"] == {
            name: value.replace("/tls/pod.pem", "/tls/tls.crt").replace("/tls/pod.key", "/tls/tls.key")
            for name, value in environment(Path("/tls"), "pod").items()
        }

    @pytest.mark.parametrize(("code", "told"), [(0, 0), (3, 0), (10, 0), (11, 0), (1, 1), (2, 1), (130, 1)])
    def test_results_are_no_failures_of_the_job(self, code, told):
        shell, option, script = pods()[2]["containers"][0]["command"]
        script = re.sub(r"^unbroken batch .*?(?= \|\|)", f"sh -c 'exit {code}'", script)
        assert subprocess.run([shell, option, script]).returncode == told


class TestImage:
    TEXT = (FOLDER / "Dockerfile").read_text(encoding="utf-8")

    def test_python_is_the_one_that_the_project_needs(self):
        (version,) = re.findall(r"^FROM python:(\d+\.\d+)-", self.TEXT, re.M)
        assert PROJECT["requires-python"] == f">={version}"

    def test_versions_and_extras_are_the_project_s(self):
        (installed,) = re.findall(r"pip install (.*?) &&", self.TEXT)
        assert installed.startswith("-c constraints.txt ")
        extras = re.search(r"\[(.*)\]", installed)[1].split(",")
        assert set(extras) <= set(PROJECT["optional-dependencies"])
        assert f"-t unbroken:{PROJECT['version']} " in self.TEXT

    def test_what_it_copies_is_there_and_is_not_ignored(self):
        sources = [word for line in re.findall(r"^COPY (.*)", self.TEXT, re.M) for word in line.split()[:-1]]
        assert [name for name in sources if not (ROOT / name).exists()] == []
        kept = re.findall(r"^!(.*)", (FOLDER / "Dockerfile.dockerignore").read_text(), re.M)
        assert sorted(kept) == sorted(sources)
        packages = ["pipeline", "detectors", "transcripts"]
        assert set(packages) < set(sources)


def environment(tls: Path, machine: str) -> dict[str, str]:
    """Return what `environment.sh` adds to an empty environment."""
    run = subprocess.run(
        ["sh", "-c", f". {FOLDER / 'environment.sh'}; env -0"],
        env={"TLS": str(tls), "MACHINE": machine, "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
    )
    found = dict(entry.split("=", 1) for entry in run.stdout.split("\0") if entry)
    return {name: value for name, value in found.items() if name.startswith(("DASK_", "OMP_"))}


ASK = """
import sys
from distributed import Client
with Client(sys.argv[1], timeout=5) as client:
    client.wait_for_workers(1, timeout=60)
    print(sum(client.gather(client.map(abs, range(10)))))
"""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """Run a scheduler and a worker, each with a certificate of its own; yield folder and address."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    tls = tmp_path_factory.mktemp("cluster") / "tls"
    subprocess.run([FOLDER / "certificates.sh", tls, "head", "node1"], check=True, capture_output=True)
    subprocess.run([FOLDER / "certificates.sh", tls.with_name("other"), "head"], check=True, capture_output=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    quiet = ("--no-dashboard", "--dashboard-address", "127.0.0.1:0")
    host, port = address.split(":")
    words = ("scheduler", "--protocol", "tls", "--host", host, "--port", port, *quiet)
    space = ("--local-directory", str(tls.parent), "--death-timeout", "60")
    work = ("worker", f"tls://{address}", "--nthreads", "1", "--nworkers", "1", "--memory-limit", "3GB", *space)
    processes = []
    for machine, program in (("head", words), ("node1", (*work, *quiet))):
        env = {**os.environ, **environment(tls, machine)}
        log = (tls.parent / f"{machine}.log").open("w")
        processes.append(subprocess.Popen([*DASK, *program], env=env, stdout=log, stderr=log, cwd=tls.parent))
    yield tls, address
    for process in reversed(processes):
        process.terminate()
        process.wait(30)


class TestCertificates:
    def ask(self, tls: Path, url: str, **more: str) -> subprocess.CompletedProcess[str]:
        env = {**os.environ, **environment(tls, "head"), **more}
        return subprocess.run([sys.executable, "-c", ASK, url], env=env, capture_output=True, text=True, timeout=120)

    def test_a_job_is_done(self, cluster):
        tls, address = cluster
        assert self.ask(tls, f"tls://{address}").stdout == "45\n"

    def test_keys_are_for_their_owner_alone(self, cluster):
        modes = {path.stat().st_mode & 0o077 for path in cluster[0].iterdir()}
        assert modes == {0}

    def test_a_certificate_of_another_authority_is_refused(self, cluster):
        tls, address = cluster
        assert self.ask(tls, f"tls://{address}").returncode == 0
        run = self.ask(tls.with_name("other"), f"tls://{address}")
        assert run.returncode != 0
        assert "TLS certificate does not match" in run.stderr

    def test_plain_tcp_is_refused_on_both_sides(self, cluster):
        tls, address = cluster
        assert "encryption required" in self.ask(tls, f"tcp://{address}").stderr
        lax = self.ask(tls, f"tcp://{address}", DASK_DISTRIBUTED__COMM__REQUIRE_ENCRYPTION="False")
        assert lax.returncode != 0
        assert "tcp" in lax.stderr

    def test_without_certificate_nobody_is_let_in(self, cluster):
        host, port = cluster[1].split(":")
        anyone = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        anyone.check_hostname, anyone.verify_mode = False, ssl.CERT_NONE
        with (
            socket.create_connection((host, int(port)), timeout=10) as plain,
            anyone.wrap_socket(plain) as tls,
            pytest.raises(ssl.SSLError, match=r"(?i)certificate.required"),
        ):
            tls.recv(1)

"""What the documents mention exists: commands, options, paths, columns, kinds, exit codes."""

import re
import shlex
from pathlib import Path

import pytest
import typer

import detectors  # noqa: F401
import transcripts  # noqa: F401
from pipeline.cli import app
from pipeline.detector import REGISTRY
from pipeline.errors import ExitCode
from pipeline.features.schema import TABLES
from pipeline.kinds import KINDS
from pipeline.stages import STAGES

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), ROOT / "data_samples" / "README.md"])
COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]
FOLDERS = ("pipeline", "detectors", "transcripts", "tests", "docs", "benchmarks", "data_samples", "notebooks", ".ci")


def per_document(pattern: str) -> list[tuple[str, str]]:
    return sorted(
        {(doc.name, hit) for doc in DOCUMENTS for hit in re.findall(pattern, doc.read_text(encoding="utf-8"))}
    )


@pytest.mark.parametrize(("document", "line"), per_document(r"(?:^\$ |`)unbroken ([^`\n#]*)"))
def test_every_command_and_option_exists(document, line):
    words = shlex.split(line)
    if not words or words[0].startswith("-"):
        return
    assert words[0] in COMMANDS, f"{document}: unbroken {line}"
    options = {option for param in COMMANDS[words[0]].params for option in param.opts}
    assert {word for word in words if word.startswith("--")} <= options


@pytest.mark.parametrize(("document", "path"), per_document(rf"`((?:{'|'.join(map(re.escape, FOLDERS))})/[\w./-]*)`"))
def test_every_path_exists(document, path):
    generated = path.startswith("data_samples/built")
    assert generated or (ROOT / path).exists(), f"{document}: {path}"


@pytest.mark.parametrize(("document", "target"), per_document(r"\]\(((?!http)[\w./-]+)\)"))
def test_every_link_leads_somewhere(document, target):
    source = next(doc for doc in DOCUMENTS if doc.name == document and target in doc.read_text(encoding="utf-8"))
    assert (source.parent / target).exists()


@pytest.mark.parametrize(("document", "column"), per_document(rf"`((?:{'|'.join(TABLES)})\.(?!toml)[a-z][\w]*)`"))
def test_every_column_exists(document, column):
    table, _, name = column.partition(".")
    assert name in {spec.name for spec in TABLES[table]}, f"{document}: {column}"


def test_the_contract_names_every_kind_and_every_exit_code():
    contract = (ROOT / "docs" / "contract.md").read_text(encoding="utf-8")
    assert [kind for kind in KINDS if f"`{kind}`" not in contract] == []
    assert [code for code in ExitCode if not re.search(rf"\| `?{code.value}`? \|", contract)] == []


def test_every_kind_is_emitted_and_every_emitted_kind_is_known():
    assert {kind for entry in REGISTRY.values() for kind in entry.emits} == set(KINDS)


def test_names_are_said_once():
    names = [*REGISTRY, *STAGES]
    assert len(names) == len(set(names))


def test_the_package_top_imports_nothing():
    assert (ROOT / "pipeline" / "__init__.py").read_text() == ""

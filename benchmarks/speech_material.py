"""Speak the notice, parts and paraphrases of it, and other talk of enforcement officers, for `benchmarks/speech.py`.

Runs in the environment that `data_samples/speech/make_speech.py` describes (Kokoro-82M, Apache-2.0), as

    python benchmarks/speech_material.py VOICES OUT

with the folder of Kokoro voices and the folder to write to. Voices named zf_ and zm_ are Chinese; the others, made for
other languages, speak Mandarin with an accent. None of them speaks in the measuring material on which thresholds were
chosen. Files are clean and named `<what>_<voice>_s<speed>.flac`; noise is added when they are measured.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import soundfile
from scipy.signal import resample_poly

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "data_samples" / "speech"))
from make_speech import FILE_HZ, MODEL_HZ, load, speak
from speech_sentences import PARTS, TALK, WHOLE

VOICES = ("zf_xiaoni", "zf_xiaoyi", "zm_yunjian", "zm_yunxia", "jf_alpha", "jm_kumo", "af_heart", "bm_george")
SPEEDS = (0.8, 1.0, 1.3, 1.6)


def main() -> None:
    """Write the files: the notice at every speed, everything else at a natural one; voices with an accent say less."""
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    voices, out = map(Path, sys.argv[1:])
    out.mkdir(parents=True, exist_ok=True)
    model, vocabulary = load()
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

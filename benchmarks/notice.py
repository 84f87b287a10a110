"""Measure the notice detector: how often it confirms, misses and accuses wrongly, by kind of recording.

    python -m benchmarks.notice ../shared/speech [MORE ...] [--cache DIR] [--beam-size N] [--verbose]

Every FLAC (16 kHz mono) below the folders is taken for an opening. What it says is told by its name: `notice…`,
`intro…`, `para…` hold the whole notice, `part…`, `near3…`, `near4…`, `near7…` clauses of it, everything else none.
Transcripts are cached, so that thresholds can be tried again in seconds. Recordings are split by source, that is by
voice and by recording, never by file: thresholds are chosen on one half and reported on the other.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import soundfile
from scipy.stats import binomtest

from pipeline.features.cache import Cache, CacheKey
from pipeline.features.schema import table, to_table
from pipeline.model import Features, Table
from transcripts.notice import notice
from transcripts.spoken import transcript
from transcripts.transcribe import TRANSCRIBE_VERSION, libraries, transcribe

TUNE = re.compile(r"zf_xiaoxiao|zf_xiaobei|espeak|funasr|rapid_p|sv_|sc_[1357]$|^sbnoise[12]|^at_8|white|zeros")
"""Sources on which thresholds are chosen; all others are only measured."""
KINDS = ("notice-heard", "notice-partial", "notice-unclear", "notice-missing")


@dataclass(frozen=True, slots=True)
class Clip:
    """One opening with what is true of it and what was measured on it."""

    name: str
    group: str
    truth: str
    """whole, part or none."""
    tune: bool
    features: Features

    def verdict(self, **parameters: float) -> str:
        """Return the kind of the detector's answer."""
        return next(f.kind for f in notice(self.features, **parameters) if f.kind in KINDS)


def truth(stem: str) -> str:
    """Tell from a file's name how much of the notice is spoken in it."""
    if stem.startswith(("part", "near3", "near4", "near7")):
        return "part"
    return "whole" if stem.startswith(("notice", "intro", "para")) else "none"


def group(path: Path) -> str:
    """Return the row of the table that a file belongs to."""
    if mixed := re.search(r"__.*_(-?\d+)dB$", path.stem):
        return f"{truth(path.stem)}, in noise at {mixed[1]} dB"
    if path.parent.name in ("noise", "nonspeech"):
        return "nobody speaks"
    if path.stem.startswith("para"):
        return "whole, paraphrased"
    if path.parent.name == "real":
        return "none, Sichuan dialect" if path.stem.startswith("sc_") else "none, real Mandarin"
    return f"{truth(path.stem)}, clean"


def levels(path: Path) -> Table:
    """Return the table `sound` of a file: levels of blocks of 20 ms."""
    samples, rate = soundfile.read(path)
    size = rate // 50
    blocks = samples[: len(samples) // size * size].reshape(-1, size)
    power = np.maximum(np.mean(blocks**2, axis=1), 1e-12)
    rows = [
        {"time_s": 0.02 * n, "duration_s": 0.02, "rms_dbfs": 10 * np.log10(p), "peak_dbfs": 0.0, "zero_fraction": 0.0}
        for n, p in enumerate(power)
    ]
    return table("sound", rows)


def measured(path: Path, cache: Cache, beam_size: int) -> Features:
    """Return the tables of an opening, from the cache if they are there."""
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    key = CacheKey(sha256, "speech", TRANSCRIBE_VERSION, {"beam_size": beam_size}, libraries())
    found = cache.tables(key)
    if found is None:
        print(path.stem, file=sys.stderr, flush=True)
        made = transcribe(path, lambda stage, share: None, beam_size=beam_size)
        cache.put(key, made)
        found = {name: to_table(name, rows) for name, rows in made.items()}
    return Features({**found, "sound": levels(path)})


def count(clips: Iterable[Clip], **parameters: float) -> dict[str, list[int]]:
    """Return for each group how many clips got each of `KINDS`."""
    rows: dict[str, list[int]] = {}
    for clip in sorted(clips, key=lambda c: _order(c.group)):
        rows.setdefault(clip.group, [0] * len(KINDS))[KINDS.index(clip.verdict(**parameters))] += 1
    return rows


def _order(name: str) -> tuple[str, int]:
    """Sort rows by what is said, then from faint to loud noise."""
    noise = re.search(r"(.*) at (-?\d+) dB", name)
    return (noise[1], -int(noise[2])) if noise else (name, 0)


def choose(clips: list[Clip]) -> dict[str, float]:
    """Return the thresholds that confirm most without one false confirmation; of equals the strictest."""
    best: tuple[tuple[int, float], dict[str, float]] | None = None
    for score, clause in product(range(55, 91, 5), range(30, 71, 10)):
        tried = {"heard_score": float(score), "heard_clause_score": float(clause)}
        heard = [clip.truth for clip in clips if clip.verdict(**tried) == "notice-heard"]
        if all(t == "whole" for t in heard) and (best is None or (len(heard), score + clause) > best[0]):
            best = ((len(heard), score + clause), tried)
    if best is None:
        raise SystemExit("every threshold confirms something that was not said")
    return best[1]


def shown(rows: dict[str, list[int]]) -> str:
    """Return the counts as a Markdown table with the 95 % Wilson interval of what matters in each row."""
    lines = [
        "| what is said | clips | heard | partial | unclear | missing | right | 95 % |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    right: dict[str, Callable[[list[int]], int]] = {
        "whole": lambda n: n[0],
        "part": lambda n: n[1],
        "none": lambda n: n[3],
        "nobody": lambda n: n[2] + n[3],
    }
    for name, numbers in rows.items():
        good, total = right[re.split(r"[, ]", name)[0]](numbers), sum(numbers)
        low, high = binomtest(good, total).proportion_ci(method="wilson")
        cells = [name, total, *numbers, f"{good}/{total}", f"{100 * low:.0f}–{100 * high:.0f} %"]
        lines.append(f"| {' | '.join(str(cell) for cell in cells)} |")
    return "\n".join(lines)


def errors(clips: list[Clip], **parameters: float) -> str:
    """Return the two errors that matter: a notice confirmed that was not spoken, a speaker accused wrongly."""
    answers = [(clip, clip.verdict(**parameters)) for clip in clips]
    parts = []
    for text, kind, truths in (
        ("confirmed though not wholly spoken", "notice-heard", ("part", "none")),
        ("“not spoken” though wholly spoken", "notice-missing", ("whole",)),
    ):
        asked = [(clip, answer) for clip, answer in answers if clip.truth in truths]
        wrong = [clip.name for clip, answer in asked if answer == kind]
        low, high = binomtest(len(wrong), len(asked)).proportion_ci(method="wilson")
        parts.append(f"{text}: {len(wrong)} of {len(asked)} (95 %: {100 * low:.0f}–{100 * high:.1f} %) {wrong or ''}")
    return "\n".join(parts)


def main() -> None:
    """Measure, choose thresholds on one half, and print the table of the other."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--cache", type=Path, default=Path(".cache/notice"))
    parser.add_argument("--beam-size", type=int, default=5)
    parser.add_argument("--verbose", action="store_true", help="show every clip")
    chosen = parser.parse_args()
    paths = [path for folder in chosen.folders for path in sorted(folder.rglob("*.flac"))]
    cache = Cache(chosen.cache)
    clips = [
        Clip(p.stem, group(p), truth(p.stem), bool(TUNE.search(p.stem)), measured(p, cache, chosen.beam_size))
        for p in paths
    ]
    if chosen.verbose:
        for clip in clips:
            evidence = next(iter(notice(clip.features))).evidence
            said = "".join(clip.features["words"]["text"])
            print(clip.name, clip.verdict(), evidence.get("agreement"), evidence.get("clauses"), said, sep="\t")
    tune, test = [c for c in clips if c.tune], [c for c in clips if not c.tune]
    print(f"thresholds chosen on {len(tune)} clips: {choose(tune)}\n")
    for name, half in (("tuning half", tune), ("test half", test)):
        syllables = sum(len(transcript(clip.features["words"]).syllables) for clip in half)
        print(f"{name}: {len(half)} clips, {syllables} syllables recognised, default thresholds\n")
        print(shown(count(half)), errors(half), sep="\n\n", end="\n\n")


if __name__ == "__main__":
    main()

"""How well the notice is confirmed, and what is never to be confirmed is not; and how well speech is written down.

    python -m benchmarks.speech ../shared/speech SPOKEN [--noise FOLDER …] --cache DIR [--plot FILE]

SPOKEN holds what `benchmarks/speech_material.py` spoke. Its files are heard as they are and with noise, whose kind and
moment are drawn; recordings of the measuring material are heard as they are. Split by source, that is by voice and by
recording, never by file: thresholds were chosen on the half `tune`, the other half and all of SPOKEN only say how good
they are. Transcripts are cached, so that thresholds can be tried again in seconds. Cost: `benchmarks/speech_cost.py`.
"""

from __future__ import annotations

import hashlib
import random
import re
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import soundfile
import typer

from benchmarks.speech_sentences import PARTS, TALK, WHOLE
from pipeline.features.cache import Cache, CacheKey
from pipeline.features.schema import table, to_table
from pipeline.model import Features, Table
from pipeline.tuning.hearing import ANSWERS, agreement, answer, character_errors
from pipeline.tuning.intervals import wilson
from pipeline.tuning.spoken import FLOOR_DB, RATE_HZ, Sound, mixed
from transcripts.normalise import han
from transcripts.notice import STANDARD, notice
from transcripts.transcribe import TRANSCRIBE_VERSION, libraries, transcribe

TUNE = re.compile(r"zf_xiaoxiao|zf_xiaobei|espeak|funasr|rapid_p|sv_|sc_[1357]$|^sbnoise[12]|^at_8|white|zeros")
"""Sources on which thresholds were chosen; all others are only measured."""
SNRS_DB = (10, 5, 0, -5)
NAME = re.compile(r"(?P<what>[a-z]+\d*)_(?:kokoro_)?(?P<voice>.+?)(?:_s(?P<speed>[\d.]+))?$")
TEXTS = {**WHOLE, **PARTS, **TALK}


@dataclass(frozen=True, slots=True)
class Clip:
    """A recording, what is true of it, and what was measured on it."""

    name: str
    truth: str
    """whole, part, talk (none of the notice) or nobody."""
    group: str
    """Row of the table that it belongs to."""
    tune: bool
    snr_db: int | None
    """None: clean."""
    speed: float
    noise: str
    text: str
    """What was spoken, where it is known."""
    features: Features

    @property
    def seconds(self) -> float:
        """Length of the sound."""
        return float(self.features["examined"]["value"][0])

    def verdict(self) -> str:
        """Return the kind of the detector's answer."""
        found = answer(notice(self.features))
        assert found is not None, self.name
        return found.kind

    def agreement(self) -> float:
        """Return how well the wording agrees with what was written down, 0 to 100."""
        return agreement(answer(notice(self.features)))


def truth(what: str) -> str:
    """Tell from what is spoken how much of the notice it holds."""
    if what.startswith(("part", "near3", "near4", "near7")):
        return "part"
    return "whole" if what.startswith(("notice", "intro", "para")) else "talk"


def drawn(spoken: Path, noises: Sequence[Path]) -> Iterator[tuple[str, int | None, str, Sound]]:
    """Yield what one clean file is heard in: name, ratio in dB, kind of noise, samples."""
    draw = random.Random(spoken.stem)
    speech, _ = soundfile.read(spoken)
    faint = np.random.default_rng(11).standard_normal(RATE_HZ * 10)
    yield f"{spoken.stem}", None, "", mixed(speech, faint, FLOOR_DB)
    kind = truth(spoken.stem)
    for snr_db in {"whole": SNRS_DB, "part": (5,), "talk": (draw.choice(SNRS_DB),)}[kind]:
        source = draw.choice(noises)
        noise, _ = soundfile.read(source)
        noise = np.roll(noise, -draw.randrange(len(noise)))
        yield f"{spoken.stem}__{source.stem}_{snr_db}dB", snr_db, source.stem, mixed(speech, noise, snr_db)


def levels(samples: Sound) -> Table:
    """Return the table `sound`: levels of blocks of 20 ms."""
    size = RATE_HZ // 50
    blocks = samples[: len(samples) // size * size].reshape(-1, size)
    power = np.maximum(np.mean(blocks**2, axis=1), 1e-12)
    rows = [
        {"time_s": 0.02 * n, "duration_s": 0.02, "rms_dbfs": 10 * np.log10(p), "peak_dbfs": 0.0, "zero_fraction": 0.0}
        for n, p in enumerate(power)
    ]
    return table("sound", rows)


def measured(samples: Sound, cache: Cache, engine: str = "auto") -> Features:
    """Return the tables of a sound at 16 kHz, from the cache if they are there."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "sound.flac")
        soundfile.write(path, samples, RATE_HZ, subtype="PCM_16")
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        params = {"recogniser": engine, "notices": STANDARD}
        key = CacheKey(sha256, "speech", TRANSCRIBE_VERSION, params, libraries(recogniser=engine))
        found = cache.tables(key)
        if found is None:
            made = transcribe(path, lambda _stage, _share: None, (STANDARD,), recogniser=engine)
            cache.put(key, made)
            found = {name: to_table(name, rows) for name, rows in made.items()}
    return Features({**found, "sound": levels(samples)})


def recorded(path: Path, cache: Cache, engine: str) -> Clip:
    """Return a recording of the measuring material."""
    samples, _ = soundfile.read(path)
    stem, _, noisy = path.stem.partition("__")
    noise, _, snr = noisy.rpartition("_")
    snr_db = int(snr.removesuffix("dB")) if snr else None
    parts = NAME.match(stem)
    speed = float((parts and parts["speed"]) or 1.0)
    if path.parent.name in ("noise", "nonspeech"):
        kind, group = "nobody", "nobody speaks"
    elif path.parent.name == "real":
        kind = "talk"
        group = "talk, Sichuan dialect" if stem.startswith("sc_") else "talk, real Mandarin"
    else:
        kind = truth(stem)
        group = group_of(kind, stem, snr_db)
    tune = bool(TUNE.search(path.stem))
    return Clip(path.stem, kind, group, tune, snr_db, speed, noise, "", measured(samples, cache, engine))


def group_of(kind: str, stem: str, snr_db: int | None) -> str:
    """Return the row of the table that spoken words belong to."""
    said = "whole, paraphrased" if stem.startswith("para") else kind
    return f"{said}, {'clean' if snr_db is None else f'{snr_db} dB'}"


def spoken(path: Path, noises: Sequence[Path], cache: Cache, engine: str) -> Iterator[Clip]:
    """Yield one clean file of SPOKEN as it is and in noise."""
    parts = NAME.match(path.stem)
    assert parts is not None, path
    kind = truth(path.stem)
    accent = "" if parts["voice"].startswith("z") else ", voice with an accent"
    for name, snr_db, noise, samples in drawn(path, noises):
        print(name, file=sys.stderr, flush=True)
        group = group_of(kind, path.stem, snr_db) + accent
        features = measured(samples, cache, engine)
        yield Clip(name, kind, group, False, snr_db, float(parts["speed"]), noise, TEXTS[parts["what"]], features)


RIGHT: dict[str, Callable[[str], bool]] = {
    "whole": lambda answer: answer == "notice-heard",
    "part": lambda answer: answer == "notice-partial",
    "talk": lambda answer: answer == "notice-missing",
    "nobody": lambda answer: answer in ("notice-unclear", "notice-missing"),
}


def by_group(clips: Sequence[Clip]) -> list[str]:
    """Return the Markdown of what was answered in each group."""
    rows = [
        "| what is said | clips | heard | partial | unclear | missing | right | 95 % |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for group in sorted({clip.group for clip in clips}, key=_order):
        answers = [(clip.truth, clip.verdict()) for clip in clips if clip.group == group]
        counts = [sum(answer == kind for _, answer in answers) for kind in ANSWERS]
        right = sum(RIGHT[kind](answer) for kind, answer in answers)
        low, high = wilson(right, len(answers))
        cells = [group, len(answers), *counts, f"{right}/{len(answers)}", f"{low:.2f} to {high:.2f}"]
        rows.append(f"| {' | '.join(map(str, cells))} |")
    return rows


def _order(group: str) -> tuple[str, str, int]:
    """Sort by what is said, then from clean to faint."""
    said, _, rest = group.partition(", ")
    number = re.search(r"-?\d+(?= dB)", rest)
    accent = "accent" if "accent" in rest else ""
    return f"{said}{'p' if 'paraphrased' in rest else ''}", accent, -int(number[0]) if number else -100


def targets(clips: Sequence[Clip]) -> list[str]:
    """Return the Markdown of the targets."""
    rows = ["| what | target | measured | 95 % | reached |", "| --- | --- | --- | --- | --- |"]

    def row(what: str, target: str, good: int, of: int, reached: bool) -> None:
        low, high = wilson(good, of)
        share = f"{good} of {of} = {good / max(of, 1):.3f}"
        rows.append(f"| {what} | {target} | {share} | {low:.3f} to {high:.3f} | {'yes' if reached else '**no**'} |")

    wholes = [(clip, clip.verdict()) for clip in clips if clip.truth == "whole"]
    for what, least_db, most_db, target in (("clean and ≥ 5 dB", 5, 99, 0.98), ("0 dB", 0, 0, 0.90)):
        own = [a for clip, a in wholes if least_db <= (99 if clip.snr_db is None else clip.snr_db) <= most_db]
        good = own.count("notice-heard")
        row(f"notice confirmed, {what}", f"≥ {target:.2f}", good, len(own), good >= target * len(own))
    own = [a for clip, a in wholes if clip.snr_db == -5]
    row(
        "notice at -5 dB never “missing”",
        "all",
        len(own) - own.count("notice-missing"),
        len(own),
        "notice-missing" not in own,
    )
    parts = [clip.verdict() for clip in clips if clip.truth == "part" and clip.snr_db is None]
    row(
        "clauses alone, clean: partial",
        "all",
        parts.count("notice-partial"),
        len(parts),
        set(parts) <= {"notice-partial"},
    )
    others = [clip for clip in clips if clip.truth != "whole"]
    wrong = [clip.name for clip in others if clip.verdict() == "notice-heard"]
    row("confirmed though not wholly said", "0", len(wrong), len(others), not wrong)
    hours = sum(clip.seconds for clip in others) / 3600
    rows.append(f"\n{len(wrong)} false confirmations in {60 * hours:.0f} minutes without the whole notice: {wrong}")
    accused = [clip.name for clip, answer in wholes if answer == "notice-missing"]
    rows.append(f"\n“Missing”, which fails a clip, though it was said: {len(accused)} of {len(wholes)} {accused}")
    return rows


def beside(clips: Sequence[Clip], what: str, key: Callable[[Clip], str]) -> list[str]:
    """Return the Markdown of the recall of the whole notice at 0 dB and more, by kind of noise or speed."""
    rows = [f"| {what} | confirmed | 95 % |", "| --- | --- | --- |"]
    own = [clip for clip in clips if clip.truth == "whole" and (clip.snr_db is None or clip.snr_db >= 0)]
    for name in sorted({key(clip) for clip in own}):
        answers = [clip.verdict() for clip in own if key(clip) == name]
        good = answers.count("notice-heard")
        low, high = wilson(good, len(answers))
        rows.append(f"| {name} | {good} of {len(answers)} | {low:.2f} to {high:.2f} |")
    return rows


def error_rates(clips: Sequence[Clip]) -> list[str]:
    """Return the Markdown of the character error rate where the words are known."""
    rows = ["| speech | characters | character error rate |", "| --- | --- | --- |"]
    known = [clip for clip in clips if clip.text]
    for name in sorted({_noise_of(clip) for clip in known}):
        own = [clip for clip in known if _noise_of(clip) == name]
        errors = [character_errors(clip.text, clip.features) for clip in own]
        total = sum(len(han(clip.text)) for clip in own)
        rows.append(f"| {name} | {total} | {sum(errors) / total:.3f} |")
    return rows


def _noise_of(clip: Clip) -> str:
    accent = ", voices with an accent" if "accent" in clip.group else ""
    return f"{'clean' if clip.snr_db is None else f'{clip.snr_db} dB'}{accent}"


def plot(clips: Sequence[Clip], path: Path) -> None:
    """Draw the agreement of every clip, by what is said in it."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    groups = sorted({clip.group for clip in clips}, key=_order)
    figure, axes = pyplot.subplots(figsize=(8, 0.3 * len(groups) + 1.4))
    draw = np.random.default_rng(0)
    colours = {"notice-heard": "#1f5fa8", "notice-partial": "#c77700", "notice-unclear": "#888888"}
    for kind in ANSWERS:
        own = [clip for clip in clips if clip.verdict() == kind]
        y = [len(groups) - groups.index(clip.group) + draw.uniform(-0.25, 0.25) for clip in own]
        colour = colours.get(kind, "#b3261e")
        axes.scatter([clip.agreement() for clip in own], y, s=10, color=colour, alpha=0.6, label=kind, linewidths=0)
    axes.axvline(75, color="black", linewidth=0.8, linestyle="--")
    axes.set_yticks(range(len(groups), 0, -1), groups, fontsize=8)
    axes.set_xlabel(
        "agreement of what was written down with the notice (confirmed from the dashed line on, or by the second look)"
    )
    axes.grid(axis="x", alpha=0.3)
    axes.legend(loc="upper center", bbox_to_anchor=(0.4, -0.05), ncols=4, frameon=False, fontsize=8)
    figure.savefig(path, dpi=110, bbox_inches="tight")


def main(
    shared: Annotated[Path, typer.Argument(help="Measuring material: tts, mix, real, noise, nonspeech.")],
    spoken_in: Annotated[Path, typer.Argument(metavar="SPOKEN", help="What benchmarks/speech_material.py spoke.")],
    cache: Annotated[Path, typer.Option(help="Folder for transcripts; outside the project.")],
    noise: Annotated[list[Path] | None, typer.Option(help="More folders of noise, FLAC at 16 kHz.")] = None,
    engine: Annotated[str, typer.Option(help="auto, openai-whisper or faster-whisper.")] = "auto",
    most: Annotated[int, typer.Option(help="Files of SPOKEN at most, evenly strewn.")] = 10_000,
    image: Annotated[Path | None, typer.Option("--plot", help="Draw the agreement of every clip to this PNG.")] = None,
) -> None:
    """Print the tables."""
    kept = Cache(cache)
    folders = [shared / "noise", *(noise or [])]
    noises = [path for folder in folders for path in sorted(folder.glob("*.flac")) if not TUNE.search(path.stem)]
    clips = [recorded(path, kept, engine) for path in sorted(shared.rglob("*.flac"))]
    files = sorted(spoken_in.glob("*.flac"))
    for path in files[:: -(-len(files) // most) if files else 1]:
        clips += spoken(path, noises, kept, engine)
    tune, test = [clip for clip in clips if clip.tune], [clip for clip in clips if not clip.tune]
    print(f"{len(tune)} clips to choose thresholds on, {len(test)} to measure, {len(noises)} recordings of noise.\n")
    print("\n".join(targets(test)), "\n\nMeasured only:\n", sep="\n")
    print("\n".join(by_group(test)), "\n\nTuning half:\n", sep="\n")
    print("\n".join(by_group(tune)), "", sep="\n")
    print("\n".join(beside(test, "speed", lambda clip: f"{clip.speed:.1f}")), "", sep="\n")
    print("\n".join(beside(test, "noise", lambda clip: clip.noise or "none")), "", sep="\n")
    print("\n".join(error_rates(test)))
    if image:
        plot(test, image)


if __name__ == "__main__":
    typer.run(main)

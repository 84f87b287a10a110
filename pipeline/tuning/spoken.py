"""Labelled speech: utterances of known voices, laid in noise once, as clips with truth files."""

from __future__ import annotations

import csv
import hashlib
import json
import random
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import av
import numpy as np
from numpy.typing import NDArray

from pipeline.errors import FootageError
from pipeline.forge.folder import INDEX
from pipeline.measuring import identify
from pipeline.tuning import once
from pipeline.tuning.label_files import TRUTH, read_truths
from pipeline.tuning.labels import LabelError, Labels, html_table
from pipeline.tuning.progress import shown
from pipeline.tuning.split import Split, groups, split

Said = Literal["whole", "part", "talk"]
Sound = NDArray[np.float64]
RATE_HZ = 16_000
BESIDE_S = 2.0
"""Noise before and after what is spoken."""
FLOOR_DB = 35.0
"""Even a clean recording has noise, so far below the speech."""
NEEDED = ("file", "voice", "said", "text")
"""Columns of an index of utterances."""
HEARD = "notice-heard"
MAKER_VERSION = 1
"""Raised whenever the same utterances could now give other clips."""


@dataclass(frozen=True, slots=True)
class Utterance:
    """Something that one voice says, recorded without noise."""

    path: Path
    sha256: str
    voice: str
    """Who speaks; utterances of one voice are one source."""
    said: Said
    """The whole notice, a part of it, or talk with none of it."""
    text: str
    """Word for word; empty: not known."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """A clip: an utterance in noise."""

    path: Path
    sha256: str
    utterance: Utterance
    snr_db: float | None
    """Power of the speech over that of the noise while speech lasts; None: clean."""
    noise: str
    """Name of the noise; empty where it is clean."""

    def sound(self) -> Sound:
        """Return what is heard in it: float64, shape (samples,), `RATE_HZ`, -1 to 1."""
        return _heard(self.path)


@dataclass(frozen=True, slots=True)
class Speech:
    """Clips in which somebody speaks, and their labels."""

    clips: tuple[Spoken, ...]
    labels: Labels

    def __len__(self) -> int:
        return len(self.clips)

    def of(self, labels: Labels) -> tuple[Spoken, ...]:
        """Return the clips that labels are about."""
        chosen = set(labels.clips)
        return tuple(clip for clip in self.clips if clip.sha256 in chosen)

    def split(self, held_out: float = 0.5, seed: int = 0) -> Split:
        """Part the labels by voice: those that say the whole notice, and the others, each as `tune.split` does.

        So both sides hold notices, however many voices never say one. Where but one voice never does, it is tuned on.

        Raises
        ------
        LabelError
            If fewer than two voices say the whole notice.
        """
        voices = {clip.utterance.voice for clip in self.clips if clip.utterance.said == "whole"}
        speaking = self.labels.of({clip.sha256 for clip in self.clips if clip.utterance.voice in voices})
        others = self.labels.of(set(self.labels.clips) - set(speaking.clips))
        parts = split(speaking, held_out, seed)
        rest = split(others, held_out, seed) if len(groups(others)) > 1 else Split(others, Labels())
        return Split(parts.tune + rest.tune, parts.test + rest.test)

    def table(self) -> list[dict[str, Any]]:
        """Return a row for each voice: how many clips of each kind there are."""
        voices = dict.fromkeys(clip.utterance.voice for clip in self.clips)
        said = [(clip.utterance.voice, clip.utterance.said) for clip in self.clips]
        return [{"voice": voice} | {kind: said.count((voice, kind)) for kind in get_args(Said)} for voice in voices]

    def _repr_html_(self) -> str:
        return html_table(self.table())


def read_speech(index: Path) -> tuple[Utterance, ...]:
    """Read an index of utterances: CSV in UTF-8 with the columns `file`, `voice`, `said` and `text`.

    Parameters
    ----------
    index : Path
        Each row names a file relative to it, in any format of sound; who speaks; whether that is the `whole` notice, a
        `part` of it, or `talk`; and the words, empty where they are not known.

    Raises
    ------
    LabelError
        If the index cannot be read or a row cannot be used; the text names the row and says what is wrong.
    """
    try:
        with index.open(encoding="utf-8-sig", newline="") as stream:
            rows = list(csv.DictReader(stream))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise LabelError(f"{index}: cannot be read ({error}).") from error
    if not rows:
        raise LabelError(f"{index}: no utterance is listed.")
    if missing := [name for name in NEEDED if name not in rows[0]]:
        raise LabelError(f"{index}: no index of utterances; columns are missing: {', '.join(missing)}.")
    found: dict[str, Utterance] = {}
    for number, row in enumerate(rows, 1):
        one = _utterance(index, row, f"{index}, row {number}")
        if one.sha256 in found:
            raise LabelError(
                f"{index}, row {number}: {one.path.name} is the same sound as {found[one.sha256].path.name}."
            )
        found[one.sha256] = one
    return tuple(found.values())


def _utterance(index: Path, row: dict[str, str | None], place: str) -> Utterance:
    file, voice, said, text = ((row[name] or "").strip() for name in NEEDED)
    if not file or not voice:
        raise LabelError(f"{place}: file and voice must be named.")
    if said not in get_args(Said):
        raise LabelError(f"{place}: said {said!r}; known: {', '.join(get_args(Said))}.")
    path = index.parent / file
    try:
        return Utterance(path, identify(path).sha256, voice, said, text)  # type: ignore[arg-type]
    except FootageError as error:
        raise LabelError(f"{place}: {path} cannot be read ({error}).") from error


def mixed(speech: Sound, noise: Sound, snr_db: float) -> Sound:
    """Return noise, speech in it, noise; the ratio is that of the powers while speech lasts.

    Parameters
    ----------
    speech, noise : array of float64, shape (samples,), 16 kHz
        Noise that is too short is repeated.
    snr_db : float
        Power of the speech over that of the noise.

    Returns
    -------
    array of float64, shape (samples,)
        The highest sample is 0.5; the speech begins after `BESIDE_S`.
    """
    pad = np.zeros(round(BESIDE_S * RATE_HZ))
    padded = np.concatenate([pad, speech, pad])
    looped = np.tile(noise, -(-len(padded) // len(noise)))[: len(padded)]
    power = max(float(np.mean(looped[len(pad) : -len(pad)] ** 2)), 1e-12)
    loud = padded + looped * np.sqrt(np.mean(speech**2) / power) * 10 ** (-snr_db / 20)
    return np.asarray(0.5 * loud / np.abs(loud).max())


def speak_in_noise(
    utterances: Iterable[Utterance],
    out: Path,
    snrs_db: Sequence[float | None] = (None, 10, 5, 0),
    noises: Iterable[Path] = (),
    *,
    each: int | None = None,
    seed: int = 0,
    bar: bool = True,
) -> Speech:
    """Lay utterances in noise, and write each as a clip without pictures and its truth file.

    The noise and its moment are drawn. Where `out` already holds exactly this, nothing is made. A clip's source is the
    voice, so that no voice is both tuned on and tested on. What is true of it: `notice-heard` where the whole notice is
    said, else nowhere.

    Parameters
    ----------
    utterances : iterable of Utterance
    out : Path
        Folder; made if there is none.
    snrs_db : sequence of float or None
        Ratios of the powers of speech and noise; None: clean, with but a faint noise.
    noises : iterable of Path
        Recordings of noise, in any format of sound; without any it is pink noise.
    each : int, optional
        In how many of the ratios each utterance is laid, in turn over what is said; in all if left out.
    seed : int
        The same seed gives the same clips.
    bar : bool
        Show a bar.

    Raises
    ------
    LabelError
        If there is nothing to be laid in noise, or a sound cannot be read or is silent.
    """
    listed, paths, ratios = list(utterances), list(noises), list(dict.fromkeys(snrs_db))
    if not listed or not ratios:
        raise LabelError("no utterance, or no ratio, to be laid in noise.")
    recordings = {path: _heard(path) for path in paths}
    asked: dict[str, object] = {"maker": MAKER_VERSION, "seed": seed, "snrs_db": ratios, "each": each}
    asked["noises"] = [[path.name, hashlib.sha256(sound.tobytes()).hexdigest()] for path, sound in recordings.items()]
    asked["utterances"] = [[one.sha256, one.voice, one.said, one.text] for one in listed]
    if once.kept(out, asked) is None:
        once.begin(out)
        rows, turns = [], dict.fromkeys(get_args(Said), random.Random(f"{seed}").randrange(len(ratios)))
        for number, one in enumerate(shown(listed, "Laying speech in noise", bar)):
            speech = _heard(one.path)
            for _ in ratios[:each]:
                ratio = ratios[turns[one.said] % len(ratios)]
                turns[one.said] += 1
                rows.append(_made(out, number, one, speech, ratio, recordings, seed))
        with (out / INDEX).open("w", encoding="utf-8", newline="") as stream:
            table = csv.DictWriter(stream, list(rows[0]))
            table.writeheader()
            table.writerows(rows)
        once.finish(out, asked, [])
    return _read(out, {one.sha256: one for one in listed})


def _made(
    out: Path,
    number: int,
    one: Utterance,
    speech: Sound,
    ratio: float | None,
    recordings: dict[Path, Sound],
    seed: int,
) -> dict[str, Any]:
    """Write one clip and its truth file, and return its row of the index."""
    draw = random.Random(f"{seed} {one.sha256} {ratio}")
    name, noise = "", _faint()
    if ratio is not None:
        name, noise = "pink", _pink(draw.getrandbits(32))
        if recordings:
            path = draw.choice(list(recordings))
            name, noise = path.stem, np.roll(recordings[path], -draw.randrange(len(recordings[path])))
    voice = re.sub(r"[^\w.-]", "_", one.voice)
    clip = out / f"{number:03d}-{voice}-{one.said}-{level(ratio).replace(' ', '')}.mp4"
    _write(clip, mixed(speech, noise, FLOOR_DB if ratio is None else ratio))
    clip.with_suffix(TRUTH).write_text(_truth(clip, one, len(speech) / RATE_HZ, ratio), encoding="utf-8")
    return {
        **{"file": clip.name, "sha256": identify(clip).sha256, "utterance": one.sha256},
        **{"snr_db": "" if ratio is None else ratio, "noise": name},
    }


def level(snr_db: float | None) -> str:
    """Return a ratio in words: `clean`, or such as `5 dB`."""
    return "clean" if snr_db is None else f"{snr_db:g} dB"


def _truth(clip: Path, one: Utterance, seconds: float, ratio: float | None) -> str:
    """Return the text of a truth file."""
    source = hashlib.sha256(f"voice {one.voice}".encode()).hexdigest()  # a voice has no file of its own
    lines = [
        *("[clip]", f"file = {_quoted(clip.name)}", f'source = ["{source}"]', f'scene = "{level(ratio)}"'),
        *("", "[true]", "forged = false", f'case = "{one.said}, {level(ratio)}"'),
    ]
    if one.said == "whole":
        span = f"start_s = {BESIDE_S:.3f}", f"stop_s = {BESIDE_S + seconds:.3f}"
        lines += ["", "[[event]]", 'what = "the notice is spoken"', *span, f'kinds = ["{HEARD}"]']
    return "\n".join([*lines, "", "[absent]", f'kinds = ["{HEARD}"]', ""])


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)  # such a text is one of TOML, too


def _read(out: Path, utterances: dict[str, Utterance]) -> Speech:
    with (out / INDEX).open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    clips = tuple(
        Spoken(
            out / row["file"],
            row["sha256"],
            utterances[row["utterance"]],
            float(row["snr_db"]) if row["snr_db"] else None,
            row["noise"],
        )
        for row in rows
    )
    return Speech(clips, read_truths([clip.path.with_suffix(TRUTH) for clip in clips]))


def _heard(path: Path) -> Sound:
    """Return all that a file sounds like: float64, shape (samples,), 16 kHz, -1 to 1."""
    resampler = av.AudioResampler("s16", "mono", RATE_HZ)
    try:
        with av.open(str(path)) as container:
            pieces = [out for frame in container.decode(audio=0) for out in resampler.resample(frame)]
        pieces += resampler.resample(None)
    except (OSError, IndexError, av.FFmpegError) as error:
        raise LabelError(f"{path}: no sound that can be read ({error}).") from error
    sound = np.concatenate([piece.to_ndarray()[0] for piece in pieces]) / 32768 if pieces else np.zeros(0)
    if not sound.any():
        raise LabelError(f"{path}: it holds no sound, or silence.")
    return np.asarray(sound, np.float64)


def _faint() -> Sound:
    return np.random.default_rng(11).standard_normal(RATE_HZ * 10)


def _pink(seed: int) -> Sound:
    """Return 10 s of pink noise: its power falls by 3 dB an octave from 20 Hz on."""
    white = np.fft.rfft(np.random.default_rng(seed).standard_normal(RATE_HZ * 10))
    hertz = np.fft.rfftfreq(RATE_HZ * 10, 1 / RATE_HZ)
    return np.fft.irfft(white / np.sqrt(np.maximum(hertz, 20.0)))


def _write(path: Path, sound: Sound) -> None:
    """Write sound as lossless FLAC in an MP4 without pictures."""
    samples = np.round(sound * 32767).astype(np.int16)[None]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("flac", rate=RATE_HZ, layout="mono")
        frame = av.AudioFrame.from_ndarray(samples, "s16", "mono")
        frame.sample_rate, frame.pts = RATE_HZ, 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
